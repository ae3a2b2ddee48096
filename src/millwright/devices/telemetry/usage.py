"""What was taken in, by organisation and hour of reception: messages, and the readings they gave.

A message counts once however often it came. A repetition says so (MQTT's DUP), and is compared, by device, packet id
and payload, with what came before: frames are kept as they came, which costs nothing, and looked into only when a
repetition asks. So far back reaches that: five minutes or :data:`HELD_BYTES`, whichever is less (three seconds of
100,000 messages of 200 bytes a second; a client that lost its connection repeats at its next one). What was looked
into takes sixteen bytes a message, of two million messages at most. A dead letter taken
again counts its readings, which are stored for the first time, and no message. What comes from nobody that is
registered counts for nobody.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final

from millwright.devices.intake import (
    FLAG_DUPLICATE,
    FLAG_REPLAYED,
    FLAG_STAMPED,
    Frame,
    Run,
    decode_frame,
    slots_of,
)
from millwright.devices.telemetry.repeats import RepeatMemory, owner_key

HOUR_MS: Final = 3_600_000
HELD_BYTES: Final = 64 << 20
"""Frames kept in memory to recognise repetitions by."""
_MOST_INDEXED: Final = 2_000_000
_MOST_EARLY: Final = 10_000
_EARLY_MS: Final = 60_000
"""How long after a repetition its original may still come."""

UsageCounts = dict[tuple[str, int], list[int]]
"""(organisation id, hour since 1970) → [messages, readings]."""
_Key = tuple[str, int, int]


class UsageCounter:
    """Grows :attr:`counts` run by run; a run costs a dictionary entry, a frame an entry in a queue."""

    def __init__(self, remember_s: float, most_bytes: int = HELD_BYTES, most_indexed: int = _MOST_INDEXED) -> None:
        self.counts: UsageCounts = {}
        self._span_ms = round(remember_s * 1000)
        self._most_bytes = most_bytes
        self._held: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._first = self._next = self._indexed = 0
        # The time that is remembered with a message is the number of its frame.
        self._index = RepeatMemory(float(1 << 40), most_indexed)
        self._early: OrderedDict[_Key, int] = OrderedDict()
        self._newest_early_ms = 0

    def take(self) -> UsageCounts:
        """What was counted since the last call."""
        taken, self.counts = self.counts, {}
        return taken

    def hold(self, data: bytes, received_ms: int) -> None:
        """Keep a frame as it came."""
        held = self._held
        held.append((received_ms, data))
        self._bytes += len(data)
        self._next += 1
        horizon_ms = received_ms - self._span_ms
        while len(held) > 1 and (self._bytes > self._most_bytes or held[0][0] < horizon_ms):
            self._bytes -= len(held.popleft()[1])
            self._first += 1

    def is_doubtful(self, run: Run) -> bool:
        """Whether messages of the run may have been counted already: see :meth:`find_repeated`."""
        if not self._early and not run.flags & FLAG_DUPLICATE:
            return False
        if self._early and run.received_ms > self._newest_early_ms + _EARLY_MS:
            self._early.clear()
        late = bool(self._early) and run.received_ms <= self._newest_early_ms
        return bool(run.packet_ids) and bool(run.flags & FLAG_DUPLICATE or late)

    @staticmethod
    def split(run: Run) -> Iterator[Run]:
        """The run, one message at a time, each with the time that an edge gave it where one did."""
        received_ms = run.received_ms
        for payload, packet_id in zip(run.payloads, run.packet_ids, strict=True):
            yield Run(run.device_id, run.topic, received_ms, run.flags, [payload], [packet_id])
            if run.flags & FLAG_STAMPED:
                received_ms += slots_of(payload)

    def find_repeated(self, run: Run, frame: Frame) -> list[bool]:
        """Which messages of a run of ``frame``, the newest that is held, were counted already."""
        keys = [(run.device_id, run.packet_ids[at], hash(payload)) for at, payload in enumerate(run.payloads)]
        if not run.flags & FLAG_DUPLICATE:
            # An append that had to be tried again may come after the repetition of what it holds.
            return [run.received_ms <= self._early.get(key, -1) for key in keys]
        self._look(frame)
        owner, taken = owner_key(run.device_id), set[_Key]()
        numbers = self._index.find_times_ms(owner, run.packet_ids, run.payloads)
        known = [number is not None and number >= self._first for number in numbers]
        for at, key in enumerate(keys):
            if known[at]:
                continue
            if key in taken:
                known[at] = True
                continue
            taken.add(key)
            self._index.remember(owner, [run.packet_ids[at]], [run.payloads[at]], [self._next - 1])
            self._early[key] = run.received_ms
            self._newest_early_ms = max(self._newest_early_ms, run.received_ms)
            if len(self._early) > _MOST_EARLY:
                self._early.popitem(last=False)
        return known

    def add(self, organisation_id: str, run: Run, readings: int) -> None:
        """Count a run whose messages are new, and the readings it gave."""
        key = (organisation_id, run.received_ms // HOUR_MS)
        cell = self.counts.get(key)
        if cell is None:
            cell = self.counts[key] = [0, 0]
        if not run.flags & FLAG_REPLAYED:
            cell[0] += len(run.payloads)
        cell[1] += readings

    def _look(self, newest: Frame) -> None:
        """Index what is held and was not indexed; of the newest frame what is no repetition itself."""
        if self._indexed == self._next:
            return
        for number in range(max(self._indexed, self._first), self._next - 1):
            for run in decode_frame(self._held[number - self._first][1]).runs:
                self._note(run, number)
        for run in newest.runs:
            if not run.flags & FLAG_DUPLICATE:
                self._note(run, self._next - 1)
        self._indexed = self._next

    def _note(self, run: Run, number: int) -> None:
        if run.packet_ids:
            self._index.remember(owner_key(run.device_id), run.packet_ids, run.payloads, [number] * len(run.payloads))
