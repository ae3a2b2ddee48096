"""Names of properties for tags: what a PLC programmer wrote, as a thing model takes it."""

from __future__ import annotations

import re
from collections.abc import Collection

from millwright.devices.connectors.model import Tag

_SPLIT = re.compile(r"[/.;:|\\\[\]\s]+")
_OTHER = re.compile(r"[^\w-]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MOST = 64


def property_of(tag: Tag, taken: Collection[str]) -> str:
    """A name for the tag that is not ``taken``: its own, in lower case with underscores."""
    parts = [tag.name] if tag.name else [part for part in _SPLIT.split(tag.address) if part]
    last = parts[-1] if parts else "value"
    if not tag.name and "=" in last:
        last = last.rpartition("=")[2] or last
    clean = _OTHER.sub("_", _CAMEL.sub("_", last)).strip("_-").lower()[:_MOST] or "value"
    if clean[0].isdigit():
        clean = f"{_OTHER.sub('_', parts[-2]).strip('_').lower()}_{clean}"[:_MOST] if len(parts) > 1 else f"v{clean}"
    if clean not in taken:
        return clean
    number = 2
    while f"{clean}_{number}" in taken:
        number += 1
    return f"{clean}_{number}"
