"""Polling: each unit's blocks in turn, at their times, without drift; what fails fails by itself.

Each unit has a task, so that one that is slow or dead delays the others by what it takes on the line and no more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from millwright.devices.connectors.contract import GOOD, Deliver, Point, Sample
from millwright.devices.connectors.modbus.address import parse
from millwright.devices.connectors.modbus.blocks import Block, Item, plan
from millwright.devices.connectors.modbus.link import Link
from millwright.devices.connectors.modbus.pdu import (
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    NO_PATH,
    NO_TARGET,
    BadReply,
    NoAnswer,
    Refused,
    read_data,
)
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.kernel import Unavailable

_REFUSED_AGAIN_S: Final = 30.0
"""How long what a device refuses by its address is left alone."""
_FIRST_REST_S: Final = 1.0
_BROKEN_BEFORE_REST: Final = 3
_SILENT_BEFORE_LOST: Final = 3


@dataclass(slots=True)
class Group:
    """The blocks of one unit with one interval; ``due`` is when they are read next."""

    interval_s: float
    blocks: list[Block]
    due: float


class UnitPoller:
    """Follows the points of one unit."""

    def __init__(
        self, unit: int, link: Link, settings: ModbusSettings, groups: list[Group], after: Callable[[], None]
    ) -> None:
        self.unit, self._after = unit, after
        self._link, self._settings, self._groups = link, settings, groups
        self._rest_until = 0.0
        self._rest_note = ""
        self._next_rest_s = _FIRST_REST_S
        self._broken = 0

    @property
    def resting(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return bool(self._rest_note)

    async def run(self, deliver: Deliver) -> None:
        """Read what is due and deliver it, without end."""
        while True:
            group = min(self._groups, key=lambda each: each.due)
            now = time.monotonic()
            if group.due > now:
                await asyncio.sleep(group.due - now)
            await self._read(group, deliver)
            now = time.monotonic()
            # What was missed is not made up for; the beat is kept.
            missed = max(0, int((now - group.due) / group.interval_s))
            group.due += (missed + 1) * group.interval_s

    async def _read(self, group: Group, deliver: Deliver) -> None:
        kept: list[Block] = []
        waiting = list(group.blocks)
        samples: list[Sample] = []
        items: list[Item] = []
        while waiting:
            block = waiting.pop(0)
            parts = await self._block(block, samples, items)
            if parts is None:
                kept.append(block)
            else:
                waiting[:0] = parts
        group.blocks = kept
        if ready := due_samples(items, samples):
            await deliver(ready)
        self._after()

    async def _block(self, block: Block, samples: list[Sample], items: list[Item]) -> Sequence[Block] | None:
        """Read one block; returns the blocks that take its place, where it was split."""
        now = time.monotonic()
        if now < block.not_before:
            return None
        if now < self._rest_until:
            samples += block.bad(self._rest_note)
            items += block.items
            return None
        try:
            found = block.samples(read_data(block.question, await self._link.ask(self.unit, block.question)))
        except Refused as error:
            self._answered()
            if error.code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE):
                if parts := block.halves():
                    return parts
                block.not_before = time.monotonic() + _REFUSED_AGAIN_S
            elif error.code in (NO_PATH, NO_TARGET):
                self._rest(str(error))
            found = block.bad(str(error))
        except NoAnswer as error:
            self._rest(str(error))
            found = block.bad(str(error))
        except BadReply as error:
            self._broken += 1
            if self._broken >= _BROKEN_BEFORE_REST:
                self._rest(str(error))
            found = block.bad(str(error))
        else:
            self._answered()
        samples += found
        items += block.items
        return None

    def _answered(self) -> None:
        self._rest_note, self._broken, self._next_rest_s = "", 0, _FIRST_REST_S

    def _rest(self, note: str) -> None:
        self._rest_note, self._broken = note, 0
        rest_s = min(self._next_rest_s, self._settings.rest_s)
        self._rest_until = time.monotonic() + rest_s
        self._next_rest_s = 2 * rest_s


def due_samples(items: Sequence[Item], samples: Sequence[Sample]) -> list[Sample]:
    """What must be delivered: all but numbers that moved less than their deadband, and bad news told before."""
    ready = []
    for item, sample in zip(items, samples, strict=True):
        last = item.last
        if last is not None and last.quality == sample.quality:
            if sample.quality != GOOD:
                if last.note == sample.note:
                    continue
            elif (
                item.deadband
                and isinstance(sample.value, int | float)
                and isinstance(last.value, int | float)
                and abs(sample.value - last.value) < item.deadband
            ):
                continue
        item.last = sample
        ready.append(sample)
    return ready


async def follow(link: Link, settings: ModbusSettings, points: Sequence[Point], deliver: Deliver) -> None:
    """Follow ``points`` over ``link`` until cancelled; raises ``Unavailable`` when nobody answers any more."""
    begin = time.monotonic()
    units: dict[int, list[Group]] = {}
    by_interval: dict[int, list[Item]] = {}
    for point in points:
        by_interval.setdefault(point.interval_ms, []).append(Item(point.id, parse(point.address), point.deadband))
    for interval_ms, items in by_interval.items():
        blocks = plan(items, settings)
        for unit in {block.unit for block in blocks}:
            mine = [block for block in blocks if block.unit == unit]
            units.setdefault(unit, []).append(Group(interval_ms / 1000, mine, begin))
    turn = asyncio.Lock()

    async def in_turn(samples: Sequence[Sample]) -> None:
        async with turn:
            await deliver(samples)

    def somebody_answers() -> None:
        if link.silent >= _SILENT_BEFORE_LOST and all(poller.resting for poller in pollers):
            raise Unavailable(
                f"Nobody answers: the last {link.silent} questions went unheard.",
                code="connectors.no_answer",
                hint="Check that the device is on, and its unit; of a serial line the baud rate, parity and wires.",
            )

    pollers = [UnitPoller(unit, link, settings, groups, somebody_answers) for unit, groups in units.items()]
    tasks = [asyncio.ensure_future(poller.run(in_turn)) for poller in pollers]
    tasks.append(asyncio.ensure_future(link.until_lost()))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
