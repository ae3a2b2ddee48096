"""What connections deliver, on its durable way: into the outbox in the data folder, and from there into INTAKE.

Documents go there at once (:mod:`.documents`): who sent them keeps them until they are durable.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from millwright.devices.connectors.documents import Documents, runs_of
from millwright.devices.connectors.outbox import Newest, Outbox
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.presence import Presence
from millwright.kernel import Bus, Clock

_DRAIN_S: Final = 5.0


def documents_of(listener_id: str) -> str:
    """Whom documents come from, beside the values of ``listener_id``: each has its own place in the stream."""
    return f"{listener_id}-documents"


class Delivery:
    """One for all connections. While the broker is away values wait in ``folder``, in order, over a kill too; above
    ``buffer_mb`` those who deliver wait. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        intake: Intake,
        newest: Newest,
        documents: Intake,
        bus: Bus,
        clock: Clock,
        settings: ConnectorsSettings,
        *,
        listener_id: str,
        folder: Path,
    ) -> None:
        most_bytes = settings.buffer_mb * 1024 * 1024
        self.outbox = Outbox(
            intake, newest, listener_id, folder, most_bytes, clock, partial(self._on_pressure, "values")
        )
        self.documents = Documents(
            documents, documents_of(listener_id), most_bytes, clock, partial(self._on_pressure, "documents")
        )
        self._pressing: set[str] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._seen: dict[str, int] = {}
        self._feeding: Counter[str] = Counter()
        self._presence = Presence(bus, listener_id, clock, lambda device_id: self._seen.get(device_id, 0))

    async def start(self) -> None:
        """Send what was left, and begin to tell who is there."""
        await self.outbox.start()
        await self._presence.start()

    async def stop(self) -> None:
        """Store what was taken, as far as the broker takes it within five seconds; the rest stays on the disk."""
        await asyncio.gather(self.outbox.stop(_DRAIN_S), self.documents.stop(_DRAIN_S))
        await self._presence.stop()

    async def room(self) -> None:
        """Return when there is room for more: the back-pressure."""
        await self._room.wait()

    def put(self, payloads: Mapping[str, list[bytes]], received_ms: int) -> None:
        """Take payloads of devices; from the return on they survive the process."""
        runs = [run for device_id, given in payloads.items() for run in runs_of(device_id, given, received_ms)]
        if runs:
            self.outbox.add(runs)

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
        return self.outbox.problems() + self.documents.problems()

    def _on_pressure(self, where: str, paused: bool) -> None:
        if paused:
            self._pressing.add(where)
        else:
            self._pressing.discard(where)
        if self._pressing:
            self._room.clear()
        else:
            self._room.set()
