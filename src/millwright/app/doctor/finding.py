"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, or what is wrong (``warning``: it works still) and how to mend it."""

    check: str
    state: Literal["ok", "warning", "wrong"]
    message: str
    hint: str = ""


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", message)


def warning(check: str, message: str, hint: str) -> Finding:
    """It works, and will not for long or not well."""
    return Finding(check, "warning", message, hint)


def wrong(check: str, message: str, hint: str) -> Finding:
    """It does not work."""
    return Finding(check, "wrong", message, hint)
