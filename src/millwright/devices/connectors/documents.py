"""Documents that somebody sends and sends again until the answer comes: stored once, whichever host took them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from millwright.devices.intake import Run
from millwright.devices.mqtt.committer import MAX_FRAME_BYTES, Committer
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.waiters import NOBODY, Waiter
from millwright.kernel import Clock

TOPIC: Final = "millwright/v1/telemetry"
_RUN_BYTES: Final = 60
_MOST_RUN_BYTES: Final = 256 * 1024
_NOT_A_MESSAGE: Final = 1 << 40
"""Above what counts as an acknowledged message."""


@dataclass(frozen=True, slots=True)
class Document:
    """What somebody sent as one: its name, which no other has, and when it first came."""

    name: str
    received_ms: int


_at_hand: ContextVar[Document | None] = ContextVar("document", default=None)


@contextmanager
def handing_over(document: Document | None) -> Iterator[None]:
    """What is delivered within came with the document."""
    token = _at_hand.set(document)
    try:
        yield
    finally:
        _at_hand.reset(token)


def document_at_hand() -> Document | None:
    """The document that what is delivered now came with."""
    return _at_hand.get()


def runs_of(device_id: str, payloads: Sequence[bytes], received_ms: int) -> Iterator[Run]:
    """Payloads of a device as runs that are not too long for a frame."""
    part: list[bytes] = []
    size = 0
    for payload in payloads:
        if part and size + len(payload) > _MOST_RUN_BYTES:
            yield Run(device_id, TOPIC, received_ms, 0, part)
            part, size = [], 0
        part.append(payload)
        size += len(payload)
    if part:
        yield Run(device_id, TOPIC, received_ms, 0, part)


class Documents:
    """Frames of documents, beside those of the outbox: who sent one keeps it until it is answered, so it needs no disk
    here. ``intake`` has a subject of its own; ``on_pressure`` as of the committer."""

    def __init__(
        self, intake: Intake, listener_id: str, most_bytes: int, clock: Clock, on_pressure: Callable[[bool], None]
    ) -> None:
        chosen = MqttSettings(max_uncommitted_bytes=most_bytes, commit_delay_ms=10)
        self.committer = Committer(intake, listener_id, chosen, clock, on_pressure)
        self._any = False

    def put(self, payloads: Mapping[str, list[bytes]], document: Document) -> None:
        """Take payloads that came with a document: put again, also by another process, they are stored once.

        Frames are named by what is in them: the stream knows them for two minutes, and history by their time for ever.
        """
        self._any = True
        runs: list[Run] = []
        size = 0
        for device_id, given in sorted(payloads.items()):
            for run in runs_of(device_id, given, document.received_ms):
                length = sum(map(len, run.payloads)) + _RUN_BYTES
                if runs and size + length > MAX_FRAME_BYTES:
                    self._add_frame(runs, size, document)
                    runs, size = [], 0
                runs.append(run)
                size += length
        if runs:
            self._add_frame(runs, size, document)

    async def settled(self) -> None:
        """Return when the stream has everything that was put so far."""
        if self._any:
            waiting = Waiter()
            self.committer.add(waiting, [], [(_NOT_A_MESSAGE, [0])], 0)
            await waiting.done

    async def stop(self, timeout_s: float) -> None:
        """Store what was taken, as far as the broker takes it in this time."""
        await self.committer.drain(timeout_s)

    def problems(self) -> list[dict[str, Any]]:
        """What keeps documents from being stored now."""
        return self.committer.problems()

    def _add_frame(self, runs: list[Run], size: int, document: Document) -> None:
        digest = hashlib.sha256(document.name.encode())
        for run in runs:
            for part in (run.device_id.encode(), *run.payloads):
                digest.update(len(part).to_bytes(4, "big") + part)
        self.committer.add_frame(NOBODY, runs, size, f"doc-{digest.hexdigest()[:40]}")
