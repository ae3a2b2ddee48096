"""The process image: what the station last said of each object. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..contract import BAD, Node, NodePage, Point, Sample
from . import address as addresses
from .address import Address
from .asdu import Object
from .elements import ELEMENTS, Element, Reading

LIMIT: Final = 200_000
"""Objects kept; a station that makes up more is not believed."""
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Known:
    """The last of an object; ``element`` is that of its type without time."""

    element: Element
    reading: Reading
    time_ms: int | None
    interrogated: bool


@dataclass(slots=True)
class Followed:
    """A point that is followed, and what was last delivered of it."""

    point: Point
    address: Address
    last: Sample | None = None

    def sample(self, known: Known) -> Sample | None:
        """What to deliver of a new value; ``None`` within the dead band."""
        made = sample(self.point.id, self.address, known)
        last = self.last
        if (
            last is not None
            and self.point.deadband
            and last.quality == made.quality
            and isinstance(last.value, int | float)
            and isinstance(made.value, int | float)
            and abs(made.value - last.value) < self.point.deadband
        ):
            return None
        self.last = made
        return made


def sample(point_id: str, address: Address, known: Known) -> Sample:
    """A sample of what is known; bad where the object is of another type than the address says."""
    if address.type is not None and ELEMENTS[address.type].read is not known.element.read:
        return Sample(point_id, None, None, BAD, f"is of type {known.element.name}")
    reading = known.reading
    return Sample(point_id, reading.value, known.time_ms, reading.quality, reading.note)


class Image:
    """Objects by common address and object address."""

    def __init__(self) -> None:
        self._known: dict[int, dict[int, Known]] = {}
        self._count = 0
        self.left_out = 0

    def keep(self, common: int, kind: int, cause: int, found: Object) -> Known | None:
        """Take what was received; ``None`` where there is no room for a new object."""
        station = self._known.setdefault(common, {})
        before = station.get(found.address)
        if before is None:
            if self._count >= LIMIT:
                self.left_out += 1
                return None
            self._count += 1
        interrogated = 20 <= cause <= 36 or (before is not None and before.interrogated)
        known = Known(_plain(kind), found.reading, found.time_ms, interrogated)
        station[found.address] = known
        return known

    def find(self, common: int, address: int | None) -> Known | None:
        """What is known of an object."""
        return self._known.get(common, {}).get(-1 if address is None else address)

    def stations(self) -> list[int]:
        """Common addresses seen."""
        return sorted(self._known)

    def count(self) -> int:
        """Objects known."""
        return self._count

    def fingerprint(self) -> str:
        """Changes when the interrogation brings other objects or types."""
        digest = hashlib.sha256()
        seen = False
        for common, number, known in self._iter():
            if known.interrogated:
                seen = True
                digest.update(f"{common}:{number}:{known.element.name}\n".encode())
        return digest.hexdigest()[:16] if seen else ""

    def page(self, common: int, after: int) -> NodePage:
        """Objects of a station above the address ``after``, a page of them, the station's methods first."""
        station = self._known.get(common, {})
        numbers = sorted(number for number in station if number > after)
        nodes = [_method(common, name) for name in addresses.CALLS] if after < 0 else []
        nodes += [_node(common, number, station[number]) for number in numbers[:PAGE]]
        return NodePage(items=nodes, next=str(numbers[PAGE - 1]) if len(numbers) > PAGE else None)

    def _iter(self) -> Iterator[tuple[int, int, Known]]:
        for common in sorted(self._known):
            for number in sorted(self._known[common]):
                yield common, number, self._known[common][number]


def _plain(kind: int) -> Element:
    """The element of the type without a time that ``kind`` is a form of."""
    read = ELEMENTS[kind].read
    return next(element for element in ELEMENTS.values() if element.read is read and not element.time_octets)


def _node(common: int, number: int, known: Known) -> Node:
    return Node(
        address=f"{common}:{number}:{known.element.name}",
        name=str(number),
        kind="variable",
        type=known.element.type,
        description=known.element.title,
        value=known.reading.value,
    )


def _method(common: int, name: str) -> Node:
    return Node(address=f"{common}:{name}", name=name, kind="method")
