"""What was taken in, by organisation and hour of reception: messages, and the readings they gave.

A message counts once however often it came: a repetition that says so (MQTT's DUP) is recognised by device, packet id
and payload for as long as :class:`RepeatMemory` remembers, as readings without a time of their own are. A dead letter
taken again counts its readings, which are stored for the first time, and no message. What comes from nobody that is
registered counts for nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from millwright.devices.intake import FLAG_DUPLICATE, FLAG_REPLAYED, Run
from millwright.devices.telemetry.repeats import RepeatMemory

HOUR_MS: Final = 3_600_000
_MOST_REMEMBERED: Final = 1_000_000
_MOST_EARLY: Final = 10_000
_EARLY_MS: Final = 60_000
"""How long after a repetition its original may still come."""
_MASK: Final = (1 << 64) - 1

UsageCounts = dict[tuple[str, int], list[int]]
"""(organisation id, hour since 1970) → [messages, readings]."""


class UsageCounter:
    """Grows :attr:`counts` run by run; a run costs one look-up and the hashes of its payloads."""

    def __init__(self, remember_s: float, most: int = _MOST_REMEMBERED) -> None:
        self.counts: UsageCounts = {}
        self._memory = RepeatMemory(remember_s, most)
        self._early: OrderedDict[tuple[int, int, int], int] = OrderedDict()

    def take(self) -> UsageCounts:
        """What was counted since the last call."""
        taken, self.counts = self.counts, {}
        return taken

    def recall(self, run: Run) -> None:
        """Remember a run that was counted before."""
        if run.packet_ids:
            self._remember(run)

    def is_doubtful(self, run: Run) -> bool:
        """Whether messages of the run may have been counted already: look at each with :meth:`split`."""
        if self._early and run.received_ms > next(reversed(self._early.values())) + _EARLY_MS:
            self._early.clear()
        return bool(run.packet_ids) and bool(run.flags & FLAG_DUPLICATE or self._early)

    @staticmethod
    def split(run: Run) -> Iterator[Run]:
        """The run, one message at a time."""
        for payload, packet_id in zip(run.payloads, run.packet_ids, strict=True):
            yield Run(run.device_id, run.topic, run.received_ms, run.flags, [payload], [packet_id])

    def is_repeated(self, single: Run) -> bool:
        """Whether this one message was counted already."""
        key = (_owner(single), single.packet_ids[0], hash(single.payloads[0]))
        if not single.flags & FLAG_DUPLICATE:
            # An append that had to be tried again may come after the repetition of what it holds.
            at_ms = self._early.get(key)
            return at_ms is not None and single.received_ms <= at_ms
        if self._memory.find_times_ms(key[0], single.packet_ids, single.payloads)[0] is not None:
            return True
        self._early[key] = single.received_ms
        if len(self._early) > _MOST_EARLY:
            self._early.popitem(last=False)
        return False

    def add(self, organisation_id: str, run: Run, readings: int) -> None:
        """Count a run whose messages are new, and the readings it gave."""
        key = (organisation_id, run.received_ms // HOUR_MS)
        cell = self.counts.get(key)
        if cell is None:
            cell = self.counts[key] = [0, 0]
        if not run.flags & FLAG_REPLAYED:
            cell[0] += len(run.payloads)
        cell[1] += readings
        if run.packet_ids:
            self._remember(run)

    def _remember(self, run: Run) -> None:
        if len(run.packet_ids) == len(run.payloads):
            self._memory.remember(_owner(run), run.packet_ids, run.payloads, [run.received_ms] * len(run.payloads))


def _owner(run: Run) -> int:
    return hash(run.device_id) & _MASK
