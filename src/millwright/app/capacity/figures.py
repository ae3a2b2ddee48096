"""The slopes: one file, read by the calculator and by the page that explains it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One slope: its value in ``unit``, and where it comes from."""

    value: float
    unit: str
    what: str
    source: Literal["measured", "computed", "assumed"]
    how: str
    """The command that measured it, or the reason it is computed or assumed."""


@cache
def figures() -> dict[str, Figure]:
    """Every figure by its name, in the order of the file."""
    data = files("millwright.app.capacity").joinpath("figures.toml").read_bytes()
    return msgspec.toml.decode(data, type=dict[str, Figure])
