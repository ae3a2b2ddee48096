"""Which units of a line answer, and which Modbus/TCP devices a network has. Gentle: one question at a time on a line,
and as long a pause after an answer as it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.connectors.contract import Found, Node, NodePage, Word
from millwright.devices.connectors.line import open_tcp
from millwright.devices.connectors.modbus.identity import BASIC, REGULAR, said_by, title_of
from millwright.devices.connectors.modbus.link import Link, TcpLink
from millwright.devices.connectors.modbus.pdu import (
    FAILURE,
    NO_PATH,
    NO_TARGET,
    READ_HOLDING,
    READ_INPUT,
    BadReply,
    NoAnswer,
    Refused,
    read_data,
    read_request,
)
from millwright.devices.connectors.modbus.settings import ModbusSettings

PAGE_S: Final = 4.0
"""How long a page of a search takes, about."""
_TCP_S: Final = 1.0
_RTU_S: Final = 0.5
_PAUSE_S: Final = 0.1
_LAST_UNIT: Final = 247
_WITNESSES: Final = (173, 211, 239)
"""Units that hardly anybody uses: what answers as all three answers to every number, and is one device."""
_PROBES: Final = (read_request(READ_HOLDING, 0, 1), read_request(READ_INPUT, 0, 1))

_EVERY = Word(
    en="It answers to every unit number, as most devices with a network socket of their own do: it is one device.",
    zh="它对任何单元号都应答（自带网口的设备大多如此），因此这里只有一台设备。",
)
_SILENT = Word(
    en="Units are asked one by one; each that is silent costs up to a second.",
    zh="正在逐个询问单元号；每个不应答的单元最多占用一秒。",
)


@dataclass(slots=True)
class Pace:
    """Time of a page, and the pause between two questions."""

    end: float = field(default_factory=lambda: time.monotonic() + PAGE_S)

    @property
    def over(self) -> bool:
        """Whether the page has taken its time."""
        return time.monotonic() >= self.end

    async def ask(self, link: Link, unit: int, question: bytes, timeout_s: float | None = None) -> bytes:
        """The answer's data, after which the line is left alone for as long as it took. Raises as the link, and
        ``Refused``."""
        began = time.monotonic()
        try:
            return read_data(question, await link.ask(unit, question, timeout_s))
        finally:
            await asyncio.sleep(min(_PAUSE_S, time.monotonic() - began))


async def units(link: Link, settings: ModbusSettings, cursor: str | None) -> NodePage:
    """A page of the units that answer; the one of the settings first."""
    pace = Pace()
    order = [*_order(settings)]
    at = _number(cursor, len(order))
    timeout_s = _TCP_S if settings.transport == "tcp" else _RTU_S
    found: list[Node] = []
    note: Word | None = _SILENT
    if at == 0:
        at = 1
        if await _answers(pace, link, order[0], timeout_s):
            found.append(await _node(link, order[0], timeout_s))
            if settings.transport == "tcp" and await _answers_to_all(pace, link, order[0], timeout_s):
                return NodePage(items=found, note=_EVERY)
    while at < len(order) and not pace.over:
        if await _answers(pace, link, order[at], timeout_s):
            found.append(await _node(link, order[at], timeout_s))
        at += 1
    done = at >= len(order)
    return NodePage(
        items=found, next=None if done else str(at), share=at / len(order), note=None if done or found else note
    )


def _order(settings: ModbusSettings) -> Iterator[int]:
    yield settings.unit
    # On a serial line 0 is everybody; behind a network socket it and 255 mean the device itself.
    numbers = (*range(1, _LAST_UNIT + 1), *((255, 0) if settings.transport == "tcp" else ()))
    yield from (number for number in numbers if number != settings.unit)


def _number(cursor: str | None, most: int) -> int:
    return min(int(cursor), most) if cursor is not None and cursor.isascii() and cursor.isdigit() else 0


async def _answers_to_all(pace: Pace, link: Link, but: int, timeout_s: float) -> bool:
    for unit in _WITNESSES:
        if unit != but and not await _answers(pace, link, unit, timeout_s):
            return False
    return True


async def _answers(pace: Pace, link: Link, unit: int, timeout_s: float) -> bool:
    """Whether a unit is there: an answer of its own shows it, mostly an exception too. Gateways say with exceptions 10
    and 11 that it is not, some with 4; who answers that to both questions is not there."""
    for question in _PROBES:
        try:
            await pace.ask(link, unit, question, timeout_s)
        except Refused as error:
            if error.code == FAILURE:
                continue
            return error.code not in (NO_PATH, NO_TARGET)
        except (NoAnswer, BadReply):
            return False
        return True
    return False


async def _node(link: Link, unit: int, timeout_s: float) -> Node:
    said, _ = await said_by(link, unit, BASIC, timeout_s=timeout_s)
    return Node(
        address=str(unit),
        name=f"Unit {unit}",
        title=Word(en=f"Unit {unit}", zh=f"单元 {unit}"),
        kind="folder",
        has_children=True,
        description=title_of(said),
    )


async def device_at(host: str, port: int = 502) -> Sequence[Found]:
    """The Modbus/TCP device at an address; nothing where none answers."""
    line = await open_tcp(host, port, _TCP_S)
    link = TcpLink(line, _TCP_S, 1, 0.0)
    try:
        for unit in (1, 255, 0):
            if await _answers(Pace(), link, unit, _TCP_S):
                said, _ = await said_by(link, unit, BASIC, REGULAR)
                title = title_of(said)
                return [
                    Found(
                        title=f"{title or 'Modbus device'} at {host}",
                        settings={"host": host, "unit": unit} | ({"port": port} if port != 502 else {}),
                        detail=f"unit {unit} answers" + ("" if said else ", and does not say what it is"),
                    )
                ]
        return [
            Found(
                title=f"Modbus port at {host}",
                settings={"host": host} | ({"port": port} if port != 502 else {}),
                detail="it takes connections, and units 1, 255 and 0 are silent; browsing looks for others",
            )
        ]
    finally:
        link.close()
