"""Blocks: which registers and bits are read by one request, and how a block is split that a device refuses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.connectors.contract import BAD, Sample
from millwright.devices.connectors.modbus.address import Address, Table
from millwright.devices.connectors.modbus.pdu import READ_OF, bits, read_request
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.devices.connectors.modbus.values import Decode, decoder

_BITS: Final = ("coil", "discrete")


@dataclass(slots=True)
class Item:
    """One value to be read: ``key`` is what its sample is called. ``last`` is what was delivered of it."""

    key: str
    address: Address
    deadband: float = 0.0
    last: Sample | None = None

    @property
    def end(self) -> int:
        """The first number behind it."""
        return self.address.start + self.address.count


@dataclass(slots=True)
class Block:
    """What one request reads."""

    unit: int
    table: Table
    items: Sequence[Item]
    settings: ModbusSettings
    start: int = 0
    count: int = 0
    question: bytes = b""
    not_before: float = 0.0
    _decoders: list[tuple[Item, Decode]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = min(item.address.start for item in self.items)
        self.count = max(item.end for item in self.items) - self.start
        self.question = read_request(READ_OF[self.table], self.start, self.count)
        if self.table not in _BITS:
            self._decoders = [
                (
                    item,
                    decoder(
                        item.address, 2 * (item.address.start - self.start), item.address.order or self.settings.order
                    ),
                )
                for item in self.items
            ]

    def samples(self, data: bytes) -> list[Sample]:
        """A sample of each item out of the bytes of an answer."""
        if self.table in _BITS:
            found = bits(data, self.count)
            return [Sample(item.key, found[item.address.start - self.start]) for item in self.items]
        out = []
        for item, decode in self._decoders:
            try:
                out.append(Sample(item.key, decode(data)))
            except ValueError as error:
                out.append(Sample(item.key, None, None, BAD, str(error)))
        return out

    def bad(self, note: str) -> list[Sample]:
        """A bad sample of each item."""
        return [Sample(item.key, None, None, BAD, note) for item in self.items]

    def halves(self) -> tuple[Block, Block] | None:
        """Two blocks in its place, cut at the widest gap, or in the middle; ``None`` when it holds one place alone."""
        ends, best, cut = self.items[0].end, -1, 0
        middle = self.start + self.count / 2
        cut_distance = 0.0
        for at, item in enumerate(self.items[1:], 1):
            gap = max(0, item.address.start - ends) if item.address.start >= ends else -1
            distance = abs(item.address.start - middle)
            if gap > best or (gap == best and distance < cut_distance):
                best, cut, cut_distance = gap, at, distance
            ends = max(ends, item.end)
        if best < 0:
            if len({(item.address.start, item.end) for item in self.items}) == 1:
                return None
            cut = len(self.items) // 2  # They overlap throughout.
        first, second = self.items[:cut], self.items[cut:]
        return (
            Block(self.unit, self.table, first, self.settings),
            Block(self.unit, self.table, second, self.settings),
        )


def plan(items: Iterable[Item], settings: ModbusSettings) -> list[Block]:
    """The fewest blocks, within the limits of ``settings``, that read all ``items``."""
    groups: dict[tuple[int, Table], list[Item]] = {}
    for item in items:
        unit = settings.unit if item.address.unit is None else item.address.unit
        groups.setdefault((unit, item.address.table), []).append(item)
    blocks = []
    for (unit, table), members in sorted(groups.items()):
        members.sort(key=lambda item: (item.address.start, item.end))
        most = settings.max_bits if table in _BITS else settings.max_registers
        gap = settings.max_gap * (16 if table in _BITS else 1)
        run, start, end = [members[0]], members[0].address.start, members[0].end
        for item in members[1:]:
            if item.address.start - end <= gap and max(end, item.end) - start <= most:
                run.append(item)
                end = max(end, item.end)
            else:
                blocks.append(Block(unit, table, run, settings))
                run, start, end = [item], item.address.start, item.end
        blocks.append(Block(unit, table, run, settings))
    return blocks
