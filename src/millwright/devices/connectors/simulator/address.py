"""Addresses of a simulated machine: ``<signal>/<number>``, and a few without a number."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from millwright.devices.connectors.contract import ValueType
from millwright.kernel import Invalid

SIGNALS: Final[dict[str, tuple[ValueType, str | None, str]]] = {
    "sine": ("number", "Cel", "Temperature: a sine between 20 and 80"),
    "ramp": ("number", "kPa", "Pressure: a ramp from 0 to 600"),
    "walk": ("number", "A", "Current: a random walk around 10"),
    "square": ("boolean", None, "Running: on for half of the period"),
    "counter": ("integer", "1", "Pieces: one more each second"),
    "setpoint": ("number", "Cel", "A set-point: keeps what is written"),
}
"""Signal → type of its values, unit, and what it is."""

SINGLE: Final[dict[str, tuple[ValueType, bool, str]]] = {
    "state": ("string", False, "What the machine does"),
    "power": ("boolean", True, "Write false to switch the machine off for a while"),
    "program": ("integer", True, "Number of the program that runs; writing another one restarts the machine"),
}
METHODS: Final = {"reset": "Sets the counters to zero; input `to` sets them to another number"}

_ADDRESS = re.compile(r"([a-z]+)/([1-9]\d{0,4})\Z")


class Tag(NamedTuple):
    """A signal and its number; number 0 of what is there once."""

    signal: str
    number: int


def parse(address: str) -> Tag:
    """The tag of an address. Raises ``Invalid`` (``simulator.address_invalid``)."""
    if address in SINGLE or address in METHODS:
        return Tag(address, 0)
    found = _ADDRESS.match(address)
    if found is None or found.group(1) not in SIGNALS:
        raise Invalid(
            f"{address[:80]!r} is no address of the simulated machine.",
            code="simulator.address_invalid",
            hint=f"Write a signal and a number, such as sine/1; signals are {', '.join(SIGNALS)}.",
            detail={"address": address[:200]},
        )
    return Tag(found.group(1), int(found.group(2)))
