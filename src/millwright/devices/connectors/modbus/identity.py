"""What a unit says of itself: Read Device Identification (application protocol, clause 6.21)."""

from __future__ import annotations

from typing import Final

from millwright.devices.connectors.modbus.link import Link
from millwright.devices.connectors.modbus.pdu import (
    BadReply,
    NoAnswer,
    Refused,
    identification,
    identification_request,
)

_MOST_OBJECTS: Final = 16
"""Answers to one question for identification; a device that says "more" without end is no reason to go on."""
BASIC, REGULAR = 1, 2


async def said_by(link: Link, unit: int, *levels: int, timeout_s: float | None = None) -> tuple[dict[int, str], str]:
    """The texts of a unit's objects by their numbers, and why there are none where it does not tell them."""
    objects: dict[int, bytes] = {}
    why = ""
    for level in levels:
        try:
            objects |= await _objects(link, unit, level, timeout_s)
        except (Refused, NoAnswer, BadReply) as error:
            why = "" if objects else str(error)
            break
    return {key: data.decode("utf-8", "replace").strip("\0 ") for key, data in objects.items()}, why


async def _objects(link: Link, unit: int, level: int, timeout_s: float | None) -> dict[int, bytes]:
    objects: dict[int, bytes] = {}
    following: int | None = {BASIC: 0, REGULAR: 3}[level]
    for _ in range(_MOST_OBJECTS):
        question = identification_request(level, following or 0)
        found, following = identification(question, await link.ask(unit, question, timeout_s))
        objects |= found
        if following is None or following <= max(found, default=-1):
            break
    return objects


def title_of(said: dict[int, str]) -> str:
    """Vendor, product and revision in one line; empty where it says none."""
    return " ".join(filter(None, (said.get(0, ""), said.get(5) or said.get(4) or said.get(1, ""), said.get(2, ""))))
