"""What a controller holds: areas and data blocks with their sizes, and values proposed by offset and type.

    (top)                  inputs, outputs, flags, data blocks
    DB7                    its bytes, in parts where there are many
    DB7[256-511]           the words of a part with their values
    DB7.DBW2:INT           other types of what begins there, and its bits

S7-300 and 400 list their data blocks; S7-1200 and 1500 do not, and optimised blocks cannot be read at all. There the
lowest thousand numbers are asked, twenty at a time; how long a block is, is found by reading single bytes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from millwright.kernel import Invalid

from ..contract import Node, NodePage, Word
from . import jobs
from .address import DATA, FLAGS, INPUTS, OUTPUTS, parse
from .jobs import Answer, Block
from .values import KINDS

Ask = Callable[[list[Block]], Awaitable[list[Answer]]]
Listed = Callable[[], Awaitable[Sequence[int]]]

_LONGEST: Final = 65_536
_BLOCKS_TRIED: Final = 1000
_PAGE: Final = 40
_PAGE_S: Final = 4.0
_PART: Final = 128
_AREAS: Final = {
    "I": (INPUTS, Word("Inputs (I)", "输入（I）")),
    "Q": (OUTPUTS, Word("Outputs (Q)", "输出（Q）")),
    "M": (FLAGS, Word("Flags (M)", "位存储区（M）")),
}
_CHUNK: Final = 96
"""Bytes of one item; two of them fit the shortest job."""
_TYPES: Final = ("REAL", "INT", "DINT", "WORD", "UINT", "DWORD", "UDINT", "LREAL", "TIME", "DT", "BYTE", "SINT")
_WIDTH: Final = {"B": ("BYTE", "SINT", "DT", "LREAL", "STRING"), "W": ("WORD", "UINT", "INT")}
_PLACE = re.compile(r"(?:DB(?P<db>\d{1,5})|(?P<area>[IQM]))(?:\[(?P<low>\d{1,5})-(?P<high>\d{1,5})\])?", re.ASCII)

_TRIED = Word(
    en="This CPU does not list its data blocks (S7-1200 and 1500 do not): numbers 1 to 1000 are tried. Blocks with "
    "optimised access cannot be read and are not shown.",
    zh="该 CPU 不提供数据块清单（S7-1200、1500 均如此），因此逐个尝试 1 至 1000 号；"
    "启用优化访问的数据块无法读取，不会列出。",
)
_UNREADABLE: Final = Word(
    en="cannot be read: optimised, protected, or PUT/GET is not permitted",
    zh="无法读取：启用了优化访问、受保护或未允许 PUT/GET",
)


class Browser:
    """Browses by questions of the session: ``ask`` reads bytes of several places, ``listed`` gives block numbers."""

    def __init__(self, ask: Ask, listed: Listed, encoding: str) -> None:
        self._ask, self._listed, self._encoding = ask, listed, encoding

    async def page(self, parent: str | None, cursor: str | None) -> NodePage:
        """A page of what is below ``parent``; see the contract."""
        if parent is None:
            return await self._top(cursor)
        found = _PLACE.fullmatch(parent)
        if found is None:
            return await self._types(parent)
        area, db = (DATA, int(found["db"])) if found["db"] else (_AREAS[found["area"]][0], 0)
        if found["low"] is None:
            size = await self._size(area, db)
            if size <= 2 * _PART:
                return await self._words(parent, 0, size)
            parts = [(low, min(low + _PART, size) - 1) for low in range(0, size, _PART)]
            return NodePage(
                items=[
                    _folder(f"{parent}[{low}-{high}]", None, high - low + 1, f"{parent} {low}–{high}")
                    for low, high in parts
                ]
            )
        low, high = int(found["low"]), min(int(found["high"]), _LONGEST - 1)
        return await self._words(parent.partition("[")[0], low, min(high, low + 2 * _PART - 1) + 1)

    # --- areas and data blocks ---------------------------------------------------------------------------------------

    async def _top(self, cursor: str | None) -> NodePage:
        numbers = sorted(await self._listed())
        at = int(cursor) if cursor is not None and cursor.isascii() and cursor.isdigit() else 0
        items = await self._areas() if cursor is None else []
        if numbers:
            shown = numbers[at : at + _PAGE]
            items += await self._blocks(shown, known=True)
            at += len(shown)
            return NodePage(items=items, next=str(at) if at < len(numbers) else None)
        end = time.monotonic() + _PAGE_S
        while at < _BLOCKS_TRIED and time.monotonic() < end and len(items) < _PAGE:
            items += await self._blocks(range(at + 1, min(at + jobs.MAX_ITEMS, _BLOCKS_TRIED) + 1), known=False)
            at = min(at + jobs.MAX_ITEMS, _BLOCKS_TRIED)
        return NodePage(
            items=items, next=str(at) if at < _BLOCKS_TRIED else None, share=at / _BLOCKS_TRIED, note=_TRIED
        )

    async def _areas(self) -> list[Node]:
        items = []
        for letter, (area, title) in _AREAS.items():
            size = await self._size(area, 0)
            if size:
                items.append(_folder(letter, title, size))
        return items

    async def _blocks(self, numbers: Sequence[int], *, known: bool) -> list[Node]:
        """Nodes of data blocks; those that are ``known`` also when they cannot be read."""
        items = []
        for begin in range(0, len(numbers), jobs.MAX_ITEMS):
            some = list(numbers[begin : begin + jobs.MAX_ITEMS])
            for number, answer in zip(some, await self._ask([Block(DATA, each, 0, 1) for each in some]), strict=True):
                if answer.code == jobs.GOOD:
                    items.append(_folder(f"DB{number}", None, await self._size(DATA, number)))
                elif known:
                    items.append(
                        Node(
                            address=f"DB{number}",
                            name=f"DB{number}",
                            kind="folder",
                            description=_UNREADABLE.en,
                            about=_UNREADABLE,
                        )
                    )
        return items

    async def _size(self, area: int, db: int) -> int:
        """How many bytes it has: single bytes are read, twenty a round, so that four rounds are enough."""
        low, high = -1, _LONGEST  # byte ``low`` can be read, byte ``high`` cannot
        while high - low > 1:
            step = max(1, (high - low) // (jobs.MAX_ITEMS + 1))
            tried = range(low + step, high, step)[: jobs.MAX_ITEMS]
            answers = await self._ask([Block(area, db, at, 1) for at in tried])
            good = [at for at, answer in zip(tried, answers, strict=True) if answer.code == jobs.GOOD]
            low = max(good, default=low)
            high = min((at for at in tried if at > low), default=high)
            if not good and tried[0] == 0:
                break
        return low + 1

    # --- values ------------------------------------------------------------------------------------------------------

    async def _words(self, place: str, low: int, end: int) -> NodePage:
        """Each word from ``low`` on as an INT, and the last byte of an odd length."""
        octets = await self._octets(place, low, end - low)
        texts = [_text(place, at, "INT" if at + 2 <= end else "BYTE") for at in range(low, low + len(octets), 2)]
        return NodePage(items=[self._variable(text, octets, low, has_children=True) for text in texts])

    async def _types(self, parent: str) -> NodePage:
        try:
            address = parse(parent)
        except Invalid:
            raise _nowhere(parent) from None
        place = f"DB{address.db}" if address.area == DATA else parent[0].upper()
        low = address.start
        sizes = [size for size in (12, 8, 4, 2, 1) if low + size <= _LONGEST]
        answers = await self._ask([Block(address.area, address.db, low, size) for size in sizes])
        octets = next((answer.octets for answer in answers if answer.code == jobs.GOOD), b"")
        texts = [_text(place, low, kind) for kind in _TYPES if KINDS[kind].size <= len(octets)]
        if len(octets) >= 2 and 0 < octets[0] <= 254 and octets[1] <= octets[0]:
            whole = await self._octets(place, low, 2 + octets[0])
            if len(whole) == 2 + octets[0] and whole[2 : 2 + whole[1]].isascii():
                texts.append(f"{_text(place, low, 'STRING')}[{octets[0]}]")
                octets = max(octets, whole, key=len)
        bits = f"{place}.DBX" if address.area == DATA else place
        texts += [f"{bits}{low + byte}.{bit}" for byte in range(min(2, len(octets))) for bit in range(8)]
        made = [self._variable(text, octets, low) for text in texts if text != parent]
        return NodePage(items=[node for node in made if node.value is not None])

    async def _octets(self, place: str, low: int, size: int) -> bytes:
        """The bytes from ``low`` on, as many as can be read."""
        area, db = (DATA, int(place[2:])) if place.startswith("DB") else (_AREAS[place][0], 0)
        blocks = [Block(area, db, at, min(_CHUNK, low + size - at)) for at in range(low, low + size, _CHUNK)]
        octets = b""
        for answer in await self._ask(blocks):
            if answer.code != jobs.GOOD:
                break
            octets += answer.octets
        return octets

    def _variable(self, text: str, octets: bytes, low: int, *, has_children: bool = False) -> Node:
        address = parse(text)
        begin = address.start - low
        return Node(
            address=text,
            name=text,
            kind="variable",
            has_children=has_children,
            type=address.value_type,
            writable=address.area != INPUTS,
            value=address.read(octets[begin : begin + address.size], self._encoding),
        )


def _text(place: str, at: int, kind: str) -> str:
    """The address of a value: its width in letters as engineers write it."""
    width = next((letter for letter, kinds in _WIDTH.items() if kind in kinds), "D")
    return f"{place}.DB{width}{at}:{kind}" if place.startswith("DB") else f"{place}{width}{at}:{kind}"


def _folder(address: str, title: Word | None, size: int, name: str = "") -> Node:
    return Node(
        address=address,
        name=title.en if title else name or address,
        title=title,
        kind="folder",
        has_children=True,
        description=f"{size} bytes",
        about=Word(f"{size} bytes", f"{size} 字节"),
    )


def _nowhere(parent: str) -> Invalid:
    return Invalid(
        f"There is nothing to browse at {parent!r}.",
        code="s7.browse_invalid",
        hint="Begin at the top, and browse what is shown there, as DB1.",
    )
