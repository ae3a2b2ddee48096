"""What changed between two versions of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from millwright.identity.records.model import Version
from millwright.identity.registration.model import FieldChange


def operation_of(version: Version, former: Version | None) -> Literal["register", "change", "remove", "restore"]:
    """What a version did to the one before."""
    if version.record is None:
        return "remove"
    if former is None:
        return "register" if version.version == 1 else "change"
    return "restore" if former.record is None else "change"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """What differs, by ``fields/…``, ``withheld/…``, ``value/…``, ``links`` and ``template``."""
    found = []
    for key in [*before, *(each for each in after if each not in before)]:
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        kind, slash, name = key.partition("/")
        if kind == "withheld":
            found.append(FieldChange(field=name, withheld=True))
        else:
            found.append(FieldChange(field=name if kind == "fields" and slash else key, before=was, after=now))
    return found
