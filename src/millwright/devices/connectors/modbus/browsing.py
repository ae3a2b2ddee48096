"""What a unit holds: Modbus has no list, so ranges that can be read are found by asking, and their values offered.

    (top)                   units that answer
    7                       its tables
    7:holding               ranges of it that can be read, found step by step
    7:holding:100-163       the registers of a range with their values
    7:holding:100:uint16    other ways to read what begins there

A device says "illegal data address" (exception 2) where it holds nothing. Places where devices usually begin are tried
by one register; what answers is followed to both its ends by blocks that double, so a range costs some twenty
questions. What lies between two such places and touches neither is not found.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, get_args

from millwright.devices.connectors.contract import GOOD, Node, NodePage, Sample, ValueType, Word
from millwright.devices.connectors.modbus.address import Table, parse
from millwright.devices.connectors.modbus.link import Link
from millwright.devices.connectors.modbus.pdu import (
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    READ_OF,
    BadReply,
    NoAnswer,
    Refused,
    read_request,
)
from millwright.devices.connectors.modbus.seeking import Pace, units
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.kernel import Invalid

_LAST: Final = 65535
_ROWS: Final = 64
_SILENCES: Final = 3
_USUAL: Final = tuple(
    sorted(
        {1, _LAST}
        | set(range(0, 10_000, 100))
        | {base + more for base in range(0, 65_536, 1000) for more in (0, 1)}
        | set(range(0, 0x4000, 0x100))
        | set(range(0, 0x10000, 0x1000))
    )
)
"""Where devices usually begin, in decimal and hexadecimal thinking."""
_TITLES: Final[dict[Table, tuple[Word, Word]]] = {
    "coil": (Word("Coils", "线圈"), Word("0x: outputs, one bit each", "0x：输出，每个一位")),
    "discrete": (Word("Discrete inputs", "离散输入"), Word("1x: inputs, one bit each", "1x：输入，每个一位")),
    "input": (Word("Input registers", "输入寄存器"), Word("3x: 16 bits each, read only", "3x：每个 16 位，只读")),
    "holding": (Word("Holding registers", "保持寄存器"), Word("4x: 16 bits each", "4x：每个 16 位")),
}
_READINGS: Final = (
    "int16", "bcd16",
    "float32:abcd", "float32:cdab", "float32:badc", "float32:dcba",
    "int32:abcd", "int32:cdab", "uint32:abcd", "uint32:cdab", "bcd32:abcd",
    "float64:abcd", "float64:dcba", "int64:abcd", "uint64:abcd",
)  # fmt: skip
_RANGE = re.compile(r"(\d{1,3}):(coil|discrete|input|holding):(\d{1,5})-(\d{1,5})", re.ASCII)
_DIGITS: Final[dict[Table, int]] = {"coil": 0, "discrete": 1, "input": 3, "holding": 4}

_SEARCH = Word(
    en="The table is searched in steps; what lies apart from usual beginnings may be missed: write it by hand then.",
    zh="正在分步搜索该区；远离常用起始地址的数据可能漏掉，可手工填写地址。",
)
_QUIET = Word(
    en="The unit fell silent, so the search ended here. Some devices do not answer at all where they hold nothing.",
    zh="单元停止应答，搜索到此为止。有些设备对不存在的地址完全不应答。",
)

Read = Callable[[Sequence[str]], Awaitable[Sequence[Sample]]]


async def browse(link: Link, settings: ModbusSettings, read: Read, parent: str | None, cursor: str | None) -> NodePage:
    """A page of what is below ``parent``; see the contract."""
    if parent is None:
        return await units(link, settings, cursor)
    if found := _RANGE.fullmatch(parent):
        return await _rows(read, int(found[1]), _table(found[2]), (int(found[3]), int(found[4])), cursor)
    unit_text, _, rest = parent.partition(":")
    if not (unit_text.isascii() and unit_text.isdigit() and int(unit_text) <= 255):
        raise _nowhere(parent)
    if not rest:
        return await _tables(link, int(unit_text))
    if rest in get_args(Table):
        return await _ranges(link, settings, int(unit_text), _table(rest), cursor)
    return await _readings(read, parent)


async def _tables(link: Link, unit: int) -> NodePage:
    """The tables that a unit has: one whose function it does not know is none."""
    items, pace = [], Pace()
    for table, (title, detail) in _TITLES.items():
        try:
            await pace.ask(link, unit, read_request(READ_OF[table], 0, 1))
        except Refused as error:
            if error.code == ILLEGAL_FUNCTION:
                continue
        except (NoAnswer, BadReply):
            pass  # some are silent where they hold nothing
        items.append(
            Node(address=f"{unit}:{table}", name=title.en, title=title, kind="folder", has_children=True, about=detail)
        )
    return NodePage(items=items)


class _Search:
    """Ranges of one table of one unit."""

    def __init__(self, link: Link, settings: ModbusSettings, unit: int, table: Table) -> None:
        self._link, self._unit, self._table = link, unit, table
        self.pace = Pace()
        self.silences = 0
        self._most = settings.max_bits if table in ("coil", "discrete") else settings.max_registers

    @property
    def goes_on(self) -> bool:
        """Whether there is time, and somebody answers."""
        return not self.pace.over and self.silences < _SILENCES

    async def readable(self, start: int, count: int) -> bool:
        """Whether all of it can be read by one request."""
        if start < 0 or start + count > _LAST + 1 or count > self._most:
            return False
        try:
            await self.pace.ask(self._link, self._unit, read_request(READ_OF[self._table], start, count))
        except Refused as error:
            if error.code == ILLEGAL_VALUE and count > 1:
                self._most = count - 1  # more than it gives at once
            self.silences = 0
            return False
        except (NoAnswer, BadReply):
            self.silences += 1
            return False
        self.silences = 0
        return True

    async def extent(self, begin: int, step: int, room: int) -> int:
        """How many more can be read from ``begin`` on upwards (``step`` 1) or downwards (-1), at most ``room``; fewer
        when the page has taken its time."""
        total = 0
        while total < room and not self.pace.over:
            good, size = 0, 1
            while (tried := min(size, room - total)) > good and await self._run(begin + step * total, step, tried):
                good, size = tried, min(tried * 2, max(self._most, 1))
            bad = min(size, room - total) if size > good else good + 1
            while bad - good > 1 and not self.pace.over:
                middle = (good + bad) // 2
                if await self._run(begin + step * total, step, middle):
                    good = middle
                else:
                    bad = middle
            total += good
            if good == 0:
                break
        return total

    async def _run(self, begin: int, step: int, count: int) -> bool:
        return await self.readable(begin if step > 0 else begin - count + 1, count)


async def _ranges(link: Link, settings: ModbusSettings, unit: int, table: Table, cursor: str | None) -> NodePage:
    """A page of ranges; the cursor is where to go on, and from where on nothing is known."""
    at, floor = _place(cursor)
    search = _Search(link, settings, unit, table)
    items: list[Node] = []
    while at <= _LAST and search.goes_on:
        if not await search.readable(at, 1):
            floor, at = at + 1, _following(at)
            continue
        low = at - await search.extent(at - 1, -1, at - floor)
        high = at + await search.extent(at + 1, 1, _LAST - at)
        items.append(_range(unit, table, low, high))
        floor = high + 1
        at = floor if search.pace.over else _following(floor)
    if search.silences >= _SILENCES:
        return NodePage(items=items, share=1.0, note=_QUIET)
    if at > _LAST:
        return NodePage(items=items, share=1.0)
    return NodePage(items=items, next=f"{at}-{floor}", share=at / (_LAST + 1), note=_SEARCH)


def _place(cursor: str | None) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", cursor or "0-0", re.ASCII)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _following(at: int) -> int:
    return next((place for place in _USUAL if place > at), _LAST + 1)


def _range(unit: int, table: Table, low: int, high: int) -> Node:
    count = high - low + 1
    bits = table in ("coil", "discrete")
    what = "bits" if bits else "registers"
    return Node(
        address=f"{unit}:{table}:{low}-{high}",
        name=f"{low}–{high}",
        kind="folder",
        has_children=True,
        description=f"{count} {what if count > 1 else what[:-1]}",
        about=Word(en=f"{count} {what if count > 1 else what[:-1]}", zh=f"{count} 个{'位' if bits else '寄存器'}"),
    )


async def _rows(read: Read, unit: int, table: Table, span: tuple[int, int], cursor: str | None) -> NodePage:
    low, high = span
    begin = min(max(low, _place(cursor)[0]), _LAST) if cursor else low
    end = min(begin + _ROWS - 1, high, _LAST)
    if begin > end:
        return NodePage(items=[])
    bits = table in ("coil", "discrete")
    addresses = [f"{unit}:{table}:{at}" + ("" if bits else ":uint16") for at in range(begin, end + 1)]
    items = [
        _variable(sample, f"{table} {at} ({_DIGITS[table]}{at + 1:0{5 if at > 9998 else 4}})", has_children=not bits)
        for at, sample in zip(range(begin, end + 1), await read(addresses), strict=True)
    ]
    return NodePage(items=items, next=None if end == high else f"{end + 1}-0")


async def _readings(read: Read, parent: str) -> NodePage:
    """Other types and byte orders of what begins at a register, and its bits; those that give a value."""
    address = parse(parent)
    if address.unit is None or address.table in ("coil", "discrete"):
        return NodePage(items=[])
    place = f"{address.unit}:{address.table}:{address.start}"
    wanted = []
    for reading in _READINGS:
        try:
            parse(f"{place}:{reading}")
        except Invalid:
            continue  # it reaches beyond the last register
        wanted.append((f"{place}:{reading}", reading.replace(":", " ")))
    wanted += [(f"{place}.{bit}", f"bit {bit}") for bit in range(16)]
    samples = await read([text for text, _ in wanted])
    return NodePage(
        items=[
            _variable(sample, f"{address.table} {address.start} {title}")
            for sample, (_, title) in zip(samples, wanted, strict=True)
            if sample.quality == GOOD
        ]
    )


def _variable(sample: Sample, name: str, *, has_children: bool = False) -> Node:
    address = parse(sample.point_id)
    kind: ValueType = address.value_type
    return Node(
        address=sample.point_id,
        name=name,
        kind="variable",
        has_children=has_children,
        type=kind,
        writable=address.table in ("coil", "holding"),
        value=sample.value,
        description=sample.note,
    )


def _table(text: str) -> Table:
    known: dict[str, Any] = {each: each for each in get_args(Table)}
    table: Table = known[text]
    return table


def _nowhere(parent: str) -> Invalid:
    return Invalid(
        f"There is nothing to browse at {parent!r}.",
        code="connectors.browse_invalid",
        hint="Begin at the top, and browse what is shown there.",
    )
