"""Polling: for protocols that must be asked. Each station's questions in turn, at their times, without drift.

A *station* is whoever answers on a line that may be shared: a unit, a meter. A *block* is one question for some items.
Each station has a task, so one that is slow or dead delays the others by what it takes on the line and no more; one
that did not answer rests 1, 2, 4 … seconds, and is asked one question when the rest is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from millwright.devices.connectors.contract import GOOD, Deliver, Sample
from millwright.kernel import Unavailable

_FIRST_REST_S: Final = 1.0
_BROKEN_BEFORE_REST: Final = 3
_SILENT_BEFORE_LOST: Final = 3


class Item(Protocol):
    """A value that is followed; ``last`` is what was delivered of it."""

    deadband: float
    last: Sample | None


class Block(Protocol):
    """One question; ``not_before`` (``time.monotonic``) is when it may be asked again."""

    @property
    def items(self) -> Sequence[Item]:
        """What it asks for."""

    not_before: float

    def bad(self, note: str) -> list[Sample]:
        """A bad sample of each item."""


B = TypeVar("B", bound=Block)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[B]):
    """What became of a question: a sample for each item, or ``parts``, blocks in its place.

    ``silent``: nobody answered, and why. ``broken``: nonsense came, and what. ``again_s``: how long to leave it alone.
    """

    samples: Sequence[Sample] = ()
    parts: Sequence[B] = ()
    silent: str = ""
    broken: str = ""
    again_s: float = 0.0


Ask = Callable[[B], Awaitable[Outcome[B]]]


@dataclass(slots=True)
class Group(Generic[B]):
    """The blocks of one station with one interval; ``due`` is when they are asked next."""

    interval_s: float
    blocks: list[B]
    due: float


class _Station(Generic[B]):
    """Follows what is behind one station."""

    def __init__(self, groups: list[Group[B]], ask: Ask[B], rest_s: float, after: Callable[[bool], None]) -> None:
        self._groups, self._ask, self._most_rest_s, self._after = groups, ask, rest_s, after
        self._rest_until = 0.0
        self._next_rest_s = _FIRST_REST_S
        self._broken = 0
        self.silence = ""
        """Why it rests; empty when it answered."""

    async def run(self, deliver: Deliver) -> None:
        """Ask what is due and deliver what came, without end."""
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

    async def _read(self, group: Group[B], deliver: Deliver) -> None:
        kept: list[B] = []
        waiting = list(group.blocks)
        samples: list[Sample] = []
        items: list[Item] = []
        while waiting:
            block = waiting.pop(0)
            now = time.monotonic()
            if now >= block.not_before:
                if now < self._rest_until:
                    found: Sequence[Sample] = block.bad(self.silence)
                else:
                    outcome = await self._ask(block)
                    if outcome.parts:
                        waiting[:0] = outcome.parts
                        continue
                    self._note(block, outcome)
                    found = outcome.samples
                samples += found
                items += block.items
            kept.append(block)
        group.blocks = kept
        await deliver(due_samples(items, samples))

    def _note(self, block: B, outcome: Outcome[B]) -> None:
        if outcome.again_s:
            block.not_before = time.monotonic() + outcome.again_s
        self._broken = self._broken + 1 if outcome.broken else 0
        silence = outcome.silent or (outcome.broken if self._broken >= _BROKEN_BEFORE_REST else "")
        if silence:
            rest_s = min(self._next_rest_s, self._most_rest_s)
            self._rest_until, self._next_rest_s = time.monotonic() + rest_s, 2 * rest_s
            self._broken = 0
        elif not outcome.broken:
            self._next_rest_s = _FIRST_REST_S
        self.silence = silence
        self._after(bool(outcome.silent))


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


async def follow(
    stations: Sequence[list[Group[B]]],
    ask: Ask[B],
    deliver: Deliver,
    until_lost: Callable[[], Awaitable[None]],
    rest_s: float,
) -> None:
    """Follow each station's groups until cancelled; ``rest_s`` is the longest rest.

    Raises ``Unavailable`` when ``until_lost`` does, and when nobody answers any more.
    """
    turn = asyncio.Lock()
    silent = 0

    async def in_turn(samples: Sequence[Sample]) -> None:
        async with turn:
            if samples:
                await deliver(samples)
        if silent >= _SILENT_BEFORE_LOST and all(each.silence for each in followed):
            raise Unavailable(
                f"Nobody answers: the last {silent} questions went unheard.",
                code="connectors.no_answer",
                hint="Check that the device is on, and its number; of a serial line the baud rate, parity and wires.",
            )

    def heard(nothing: bool) -> None:
        nonlocal silent
        silent = silent + 1 if nothing else 0

    followed = [_Station(groups, ask, rest_s, heard) for groups in stations]
    tasks = [asyncio.ensure_future(each.run(in_turn)) for each in followed]
    tasks.append(asyncio.ensure_future(until_lost()))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
