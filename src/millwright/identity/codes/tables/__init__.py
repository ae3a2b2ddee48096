"""What is known about code systems beyond their syntax, as data: each row says where it is from and how certain it is.

``certainty = "verified"``: checked against the text of its standard, its issuer's documentation or an independent
engine, which ``source`` names. ``"recalled"``: known from use only.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from millwright.identity.codes.model import Certainty


@cache
def rows(name: str, kind: str) -> tuple[dict[str, Any], ...]:
    """The rows of a kind in ``name.toml``."""
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)[kind])


@cache
def by_key(name: str, kind: str, key: str) -> dict[Any, dict[str, Any]]:
    """The rows of a kind by one of their columns."""
    return {row[key]: row for row in rows(name, kind)}


def weakest(*certainties: Certainty) -> Certainty:
    """The certainty of what rests on all of these."""
    return "recalled" if "recalled" in certainties else "verified"
