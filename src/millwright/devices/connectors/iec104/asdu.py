"""ASDUs: identifiers and information objects of IEC 60870-5-101, clause 7, as 5-104 uses them. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from enum import IntEnum
from typing import Final

from . import clock
from .elements import ELEMENTS, NAMES, Element, Reading

CAUSES: Final = {
    1: "periodic",
    2: "background scan",
    3: "spontaneous",
    4: "initialised",
    5: "requested",
    6: "activation",
    7: "activation confirmed",
    8: "deactivation",
    9: "deactivation confirmed",
    10: "activation terminated",
    11: "return information of a remote command",
    12: "return information of a local command",
    13: "file transfer",
    20: "interrogated",
    **{20 + group: f"interrogated as group {group}" for group in range(1, 17)},
    37: "counters requested",
    **{37 + group: f"counters requested as group {group}" for group in range(1, 5)},
    44: "unknown type",
    45: "unknown cause of transmission",
    46: "unknown common address",
    47: "unknown information object address",
}
"""Causes of transmission (IEC 60870-5-101, table 14)."""


class Cause(IntEnum):
    """Causes that the controlling station sends or waits for."""

    REQUEST = 5
    ACTIVATION = 6
    CONFIRMED = 7
    DEACTIVATION = 8
    DEACTIVATED = 9
    TERMINATED = 10
    INTERROGATED = 20


class Unreadable(Exception):
    """An ASDU that does not hold what its head says; it is skipped."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Octets of the addresses; those of the standard by default."""

    cause: int = 2
    common: int = 2
    object: int = 3

    @property
    def broadcast(self) -> int:
        """The global common address."""
        return (1 << 8 * self.common) - 1


@dataclass(frozen=True, slots=True)
class Asdu:
    """An ASDU with its objects not read yet."""

    type: int
    sequence: bool
    count: int
    cause: int
    negative: bool
    test: bool
    originator: int
    common_address: int
    body: bytes

    @property
    def cause_words(self) -> str:
        """The cause of transmission in words."""
        return CAUSES.get(self.cause, f"cause {self.cause}")


@dataclass(frozen=True, slots=True)
class Object:
    """An information object: what was read at an address, and the source's time."""

    address: int
    reading: Reading
    time_ms: int | None


def decode(octets: bytes, layout: Layout) -> Asdu:
    """The head of an ASDU. Raises :class:`Unreadable`."""
    head = 2 + layout.cause + layout.common
    if len(octets) < head:
        raise Unreadable(f"an ASDU of {len(octets)} octets")
    kind, qualifier, cause = octets[0], octets[1], octets[2]
    at = 2 + layout.cause
    return Asdu(
        type=kind,
        sequence=bool(qualifier & 0x80),
        count=qualifier & 0x7F,
        cause=cause & 0x3F,
        negative=bool(cause & 0x40),
        test=bool(cause & 0x80),
        originator=octets[3] if layout.cause == 2 else 0,
        common_address=int.from_bytes(octets[at : at + layout.common], "little"),
        body=bytes(octets[head:]),
    )


def iter_objects(asdu: Asdu, layout: Layout, zone: tzinfo, now_ms: int) -> Iterator[Object]:
    """The information objects of a monitored type, in their order.

    Raises :class:`Unreadable` before the first of them when the ASDU is of another type or length.
    """
    element = ELEMENTS.get(asdu.type)
    if element is None:
        raise Unreadable(f"type {NAMES.get(asdu.type, asdu.type)} is not a monitored value that we read")
    size = element.octets + element.time_octets
    expected = layout.object + asdu.count * size if asdu.sequence else asdu.count * (layout.object + size)
    if asdu.count == 0 or len(asdu.body) != expected:
        raise Unreadable(
            f"{element.name} with {asdu.count} objects holds {len(asdu.body)} octets of objects instead of {expected}"
        )
    return _objects(asdu, element, layout, zone, now_ms)


def _objects(asdu: Asdu, element: Element, layout: Layout, zone: tzinfo, now_ms: int) -> Iterator[Object]:
    at = 0
    first = int.from_bytes(asdu.body[: layout.object], "little")
    for index in range(asdu.count):
        if index == 0 or not asdu.sequence:
            address = int.from_bytes(asdu.body[at : at + layout.object], "little")
            at += layout.object
        else:
            address = first + index
        reading = element.read(asdu.body[at : at + element.octets])
        at += element.octets
        stamp = asdu.body[at : at + element.time_octets]
        at += element.time_octets
        time_ms = None
        if element.time_octets == 7:
            time_ms = clock.read_long(stamp, zone)
        elif element.time_octets == 3:
            time_ms = clock.read_short(stamp, now_ms, zone)
        yield Object(address, reading, time_ms)


def encode(
    kind: int,
    cause: int,
    common_address: int,
    object_address: int,
    element: bytes,
    *,
    layout: Layout,
    originator: int = 0,
) -> bytes:
    """An ASDU with one information object."""
    head = bytes((kind, 1, cause)) + (bytes((originator,)) if layout.cause == 2 else b"")
    return (
        head
        + common_address.to_bytes(layout.common, "little")
        + object_address.to_bytes(layout.object, "little")
        + element
    )


def first_address(asdu: Asdu, layout: Layout) -> int:
    """The address of the first object; 0 where there is none."""
    return int.from_bytes(asdu.body[: layout.object], "little")
