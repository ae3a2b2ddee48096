"""A tracker over a real broker and real records, with devices to be readers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millwright.devices import DevicesService, NewDevice
from millwright.devices.intake import FRAME_VERSION, INTAKE, Frame, Run, encode_frame
from millwright.devices.location import (
    FeedbackStore,
    LocationSettings,
    LocationStore,
    LocationWorker,
    LookStore,
    TrackStore,
)
from millwright.devices.location.looking import EventFilter
from millwright.devices.location.model import LocationEvent
from millwright.devices.location.sightings import TOPIC
from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.kernel import SystemClock
from millwright.kernel.scope import EVERYTHING
from support.nats import RunningNats
from support.web import open_records


@dataclass
class Located:
    """What a test of sensing and place works with; ``sent`` counts frames."""

    nats: RunningNats
    bus: NatsConnection
    records: Records
    store: LocationStore
    clock: SystemClock
    sent: int = 0

    async def device(self, name: str) -> str:
        """A registered device."""
        service = DevicesService(self.records, self.bus, self.clock)
        return (await service.registry.create(NewDevice(name=name))).id

    def worker(self) -> LocationWorker:
        """A tracker; start it and stop it."""
        return LocationWorker(
            self.bus, self.store, TrackStore(self.records), FeedbackStore(self.records), self.clock, LocationSettings()
        )

    async def say(self, device_id: str, document: Any, *, received_ms: int | None = None, topic: str = TOPIC) -> None:
        """What a listener does with a message of a device: into the intake."""
        at_ms = self.clock.now_ms() if received_ms is None else received_ms
        run = Run(device_id, topic, at_ms, 0, [json.dumps(document).encode()])
        self.sent += 1
        frame = encode_frame(Frame(FRAME_VERSION, "test", [run]))
        await self.bus.append("intake.test", frame, message_id=f"f{self.sent}")

    def events(self, **wanted: Any) -> list[LocationEvent]:
        """What is kept, oldest first."""
        return LookStore(self.records).events(EventFilter(**wanted), limit=1000).items[::-1]

    async def told(self, count: int, timeout_s: float = 20.0) -> list[LocationEvent]:
        """Events, when so many are kept."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = await asyncio.to_thread(self.events)
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.05)

    async def taken(self, timeout_s: float = 20.0) -> None:
        """Return when the tracker has kept everything that was said."""
        state = await self.bus.state(INTAKE.name)
        track = TrackStore(self.records)
        async with asyncio.timeout(timeout_s):
            while True:
                if (await asyncio.to_thread(track.position, state.created) or 0) >= state.last_sequence:
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def located(folder: Path) -> AsyncIterator[Located]:
    """A broker and records."""
    async with RunningNats(folder / "nats") as nats:
        bus = NatsConnection(nats.url, name="location test")
        await bus.start()
        records = open_records(folder / "records")
        everything = records.scoped(EVERYTHING)
        try:
            await bus.ensure_stream(INTAKE)
            yield Located(nats, bus, everything, LocationStore(everything), SystemClock())
        finally:
            await bus.stop()
            records.close()
