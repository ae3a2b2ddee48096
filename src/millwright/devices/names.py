"""Names people give to devices, models and places."""

from __future__ import annotations

import unicodedata

from millwright.devices.errors import invalid

MAX_NAME = 128
"""Longest name, in characters."""


def clean_name(name: str, pointer: str = "/name", *, most: int = MAX_NAME) -> str:
    """``name`` in Unicode NFC. Raises ``Invalid`` when it is empty, too long, padded or holds control characters."""
    clean = unicodedata.normalize("NFC", name)
    if not clean:
        raise invalid("A name is empty.", pointer, code="devices.name_invalid")
    if len(clean) > most:
        raise invalid(f"A name has more than {most} characters.", pointer, code="devices.name_invalid")
    if clean != clean.strip():
        raise invalid("A name starts or ends with a space.", pointer, code="devices.name_invalid")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in clean):
        raise invalid("A name contains a control character.", pointer, code="devices.name_invalid")
    return clean


def clean_title(title: str | None, pointer: str = "/title") -> str | None:
    """An optional title: like a name but longer; an empty one is none."""
    return clean_name(title, pointer, most=255) if title else None


def key_of(name: str) -> str:
    """What names are compared and ordered by: NFC, without case; at most 255 characters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())[:255]
