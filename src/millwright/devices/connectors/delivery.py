"""What connections deliver, on its durable way: into the outbox in the data folder, and from there into INTAKE."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from millwright.devices.connectors.outbox import Newest, Outbox
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.intake import Run
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.presence import Presence
from millwright.kernel import Bus, Clock

TOPIC: Final = "millwright/v1/telemetry"
_MOST_RUN_BYTES: Final = 256 * 1024
_DRAIN_S: Final = 5.0


class Delivery:
    """One for all connections. While the broker is away values wait in ``folder``, in order, over a kill too; above
    ``buffer_mb`` those who deliver wait. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        intake: Intake,
        newest: Newest,
        bus: Bus,
        clock: Clock,
        settings: ConnectorsSettings,
        *,
        listener_id: str,
        folder: Path,
    ) -> None:
        most_bytes = settings.buffer_mb * 1024 * 1024
        self.outbox = Outbox(intake, newest, listener_id, folder, most_bytes, clock, self._on_pressure)
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
        await self.outbox.stop(_DRAIN_S)
        await self._presence.stop()

    async def room(self) -> None:
        """Return when there is room for more: the back-pressure."""
        await self._room.wait()

    def put(self, payloads: Mapping[str, list[bytes]], received_ms: int) -> None:
        """Take payloads of devices; from the return on they survive the process."""
        runs: list[Run] = []
        for device_id, documents in payloads.items():
            part: list[bytes] = []
            size = 0
            for document in documents:
                if part and size + len(document) > _MOST_RUN_BYTES:
                    runs.append(Run(device_id, TOPIC, received_ms, 0, part))
                    part, size = [], 0
                part.append(document)
                size += len(document)
            if part:
                runs.append(Run(device_id, TOPIC, received_ms, 0, part))
        if runs:
            self.outbox.add(runs)

    async def settled(self) -> None:
        """Return when the stream has everything that was put so far."""
        await self.outbox.settled()

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
        return self.outbox.problems()

    def _on_pressure(self, paused: bool) -> None:
        if paused:
            self._room.clear()
        else:
            self._room.set()
