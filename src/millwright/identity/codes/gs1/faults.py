"""What is wrong with a value, in both languages."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A broken rule: at which character of the value, from 0, and why."""

    at: int
    why: str
    why_zh: str
