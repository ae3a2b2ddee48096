"""What the journal holds of messages for sessions, and when it may let go of it.

Messages for one session that come within a moment are one *batch*: one entry of the journal. When its client has all of
a batch, and of those before it, they are trimmed; so after a sudden end a client may get again what it acknowledged
within the last second.
"""

from __future__ import annotations

from collections import deque

from millwright.devices.mqtt.packets import Queued
from millwright.kernel import new_id

MOST_BYTES = 256 * 1024
"""A batch that holds this much takes no more; a larger message is one by itself."""

Key = tuple[str, str]


class Batch:
    """Messages for one session, written together. ``sequence`` is where the journal has them, 0: not yet."""

    __slots__ = ("_queues", "bytes", "key", "left", "message_id", "messages", "sequence")

    def __init__(self, queues: Queues, key: Key) -> None:
        self._queues = queues
        self.key = key
        self.messages: list[Queued] = []
        self.message_id = ""
        self.bytes = 0
        self.left = 0
        self.sequence = 0

    def finish(self) -> None:
        """One of its messages is needed no more."""
        self.left -= 1
        if not self.left:
            self._queues.settled.add(self.key)


class Queues:
    """The batches of every session that has any."""

    def __init__(self) -> None:
        self._batches: dict[Key, deque[Batch]] = {}
        self._open: dict[Key, Batch] = {}
        self._full: list[Batch] = []
        self._writing: set[Batch] = set()
        self._ended: set[Key] = set()
        self._held_back: dict[Key, int] = {}
        """Where something is done with that stands behind what is not: in the journal, not here."""
        self.settled: set[Key] = set()
        """Sessions of which something may be trimmed."""

    @property
    def pending(self) -> bool:
        """Whether something is to be written or removed now."""
        return bool(self._open or self._full or self._ended)

    def add(self, key: Key, message: Queued) -> Batch:
        """Put a message into the batch that is written next."""
        batch = self._open.get(key)
        size = len(message.payload) + len(message.properties) + len(message.topic)
        if batch is None or (batch.bytes + size > MOST_BYTES and batch.messages):
            if batch is not None:
                self._full.append(batch)
            batch = self._open[key] = Batch(self, key)
            self._batches.setdefault(key, deque()).append(batch)
        batch.messages.append(message)
        batch.bytes += size
        batch.left += 1
        return batch

    def restore(self, key: Key, messages: list[Queued], sequence: int) -> Batch:
        """A batch that the journal has."""
        batch = Batch(self, key)
        batch.sequence, batch.left = sequence, len(messages)
        self._batches.setdefault(key, deque()).append(batch)
        return batch

    def end(self, key: Key) -> None:
        """The session is over: nothing of it is written any more, and what was is removed."""
        self._open.pop(key, None)
        self._full = [batch for batch in self._full if batch.key != key]
        self.settled.discard(key)
        self._held_back.pop(key, None)
        if self._batches.pop(key, None):
            self._ended.add(key)

    def take_open(self) -> list[Batch]:
        """What is to be written now; what was acknowledged already need not be."""
        taken = [batch for batch in (*self._full, *self._open.values()) if batch.left]
        self._full.clear()
        self._open.clear()
        for batch in taken:
            batch.message_id = new_id("mq")
        self._writing = set(taken)
        return taken

    def take_ended(self) -> set[Key]:
        """Sessions of which all is to be removed, before anything is written."""
        taken, self._ended = self._ended, set()
        return taken

    def take_settled(self) -> dict[Key, int]:
        """Sessions with the sequence below which the journal needs nothing of theirs."""
        found: dict[Key, int] = {}
        waiting: set[Key] = set()
        for key in self.settled:
            batches = self._batches.get(key)
            last = self._held_back.pop(key, 0)
            while batches and not batches[0].left and not self._is_on_its_way(batches[0]):
                last = max(last, batches.popleft().sequence)
            if batches and not batches[0].left:
                waiting.add(key)
            if last:
                # What had to be appended anew may stand behind what was written after it.
                first = min((batch.sequence for batch in batches or () if batch.sequence), default=last + 1)
                found[key] = min(last + 1, first)
                if first <= last:
                    self._held_back[key] = last
            if batches is not None and not batches:
                del self._batches[key]
        self.settled.clear()
        self.settled.update(waiting)
        return found

    def _is_on_its_way(self, batch: Batch) -> bool:
        return batch in self._writing or (not batch.sequence and batch is self._open.get(batch.key))

    def written(self) -> None:
        """What was taken last is in the journal."""
        self._writing = set()
