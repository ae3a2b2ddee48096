"""What connections deliver, on its durable way: into the committer of the MQTT listener, and from there into INTAKE."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.intake import Run
from millwright.devices.mqtt.committer import MAX_FRAME_BYTES, Committer
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.presence import Presence
from millwright.devices.mqtt.settings import MqttSettings
from millwright.kernel import Bus, Clock

TOPIC: Final = "millwright/v1/telemetry"
_RUN_BYTES: Final = 60
_MOST_RUN_BYTES: Final = 256 * 1024
_DRAIN_S: Final = 5.0
_NOT_A_MESSAGE: Final = 1 << 40
"""Above what counts as an acknowledged message."""


class _Waiting:
    """Waits until everything before it is durable; hashed by identity."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def acknowledge(self, _acknowledgements: list[tuple[int, list[int]]]) -> None:
        """It is."""
        if not self.done.done():
            self.done.set_result(None)


class _Nobody:
    """Whoever waits for an acknowledgement: nobody does, a session cannot be asked to say it again."""

    def acknowledge(self, acknowledgements: list[tuple[int, list[int]]]) -> None:
        """Nothing to tell."""


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


def _parts(documents: Sequence[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for document in documents:
        if part and size + len(document) > _MOST_RUN_BYTES:
            yield part
            part, size = [], 0
        part.append(document)
        size += len(document)
    if part:
        yield part


class Delivery:
    """One for all connections. While the broker is away values wait here, in order; above ``buffer_mb`` those who
    deliver wait too. A :class:`millwright.kernel.Part`."""

    def __init__(
        self, intake: Intake, bus: Bus, clock: Clock, settings: ConnectorsSettings, *, listener_id: str
    ) -> None:
        self._clock = clock
        chosen = MqttSettings(max_uncommitted_bytes=settings.buffer_mb * 1024 * 1024, commit_delay_ms=10)
        self.committer = Committer(intake, listener_id, chosen, clock, self._on_pressure)
        self._room = asyncio.Event()
        self._room.set()
        self._nobody = _Nobody()
        self._seen: dict[str, int] = {}
        self._feeding: Counter[str] = Counter()
        self._presence = Presence(bus, listener_id, clock, lambda device_id: self._seen.get(device_id, 0))

    async def start(self) -> None:
        """Begin to tell who is there."""
        await self._presence.start()

    async def stop(self) -> None:
        """Store what was taken, as far as the broker takes it within five seconds."""
        await self.committer.drain(_DRAIN_S)
        await self._presence.stop()

    async def room(self) -> None:
        """Return when there is room for more: the back-pressure."""
        await self._room.wait()

    def put(self, payloads: Mapping[str, list[bytes]], received_ms: int) -> None:
        """Take payloads of devices."""
        for device_id, documents in payloads.items():
            for part in _parts(documents):
                self._add(device_id, part, sum(map(len, part)), received_ms)

    def put_once(self, payloads: Mapping[str, list[bytes]], document: Document) -> None:
        """Take payloads that came with a document: put again, also by another process, they are stored once.

        Frames of their own, named by what is in them: the store knows them for two minutes, and history by their time
        for ever.
        """
        runs: list[Run] = []
        size = 0
        for device_id, documents in sorted(payloads.items()):
            for part in _parts(documents):
                length = sum(map(len, part)) + _RUN_BYTES
                if runs and size + length > MAX_FRAME_BYTES:
                    self._add_frame(runs, size, document)
                    runs, size = [], 0
                runs.append(Run(device_id, TOPIC, document.received_ms, 0, part))
                size += length
        if runs:
            self._add_frame(runs, size, document)

    def _add_frame(self, runs: list[Run], size: int, document: Document) -> None:
        digest = hashlib.sha256(document.name.encode())
        for run in runs:
            for part in (run.device_id.encode(), *run.payloads):
                digest.update(len(part).to_bytes(4, "big") + part)
        self.committer.add_frame(self._nobody, runs, size, f"doc-{digest.hexdigest()[:40]}")

    async def settled(self) -> None:
        """Return when everything that was put so far is durable."""
        waiting = _Waiting()
        self.committer.add(waiting, [], [(_NOT_A_MESSAGE, [0])], 0)
        await waiting.done

    def online(self, device_id: str) -> None:
        """One more connection delivers good values of the device."""
        self._feeding[device_id] += 1
        if self._feeding[device_id] == 1:
            self._presence.connected(device_id)

    def seen(self, device_id: str, at_ms: int) -> None:
        """A good value of the device came."""
        self._seen[device_id] = at_ms

    def offline(self, device_id: str, reason: str) -> None:
        """One less does."""
        self._feeding[device_id] -= 1
        if self._feeding[device_id] <= 0:
            del self._feeding[device_id]
            self._seen.pop(device_id, None)
            self._presence.disconnected(device_id, reason)

    def problems(self) -> list[dict[str, Any]]:
        """What keeps values from being stored now."""
        return self.committer.problems()

    def _add(self, device_id: str, documents: list[bytes], size: int, received_ms: int) -> None:
        run = Run(device_id, TOPIC, received_ms, 0, documents)
        self.committer.add(self._nobody, [run], [], size + _RUN_BYTES)

    def _on_pressure(self, paused: bool) -> None:
        if paused:
            self._room.clear()
        else:
            self._room.set()
