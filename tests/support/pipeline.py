"""The historian role's hot path over real engines: nats-server, chDB, the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from millwright.app.pipeline import Hook, Pipeline, Settle
from millwright.devices.intake import INTAKE, Frame, Run, encode_frame, subject_of
from millwright.devices.sparkplug import SparkplugHost
from millwright.devices.telemetry import Collector, Decoded, JsonDecoder, TelemetrySettings
from millwright.devices.telemetry.decoder import Decoder
from millwright.engines.clickhouse import ChdbEngine, ClickHouseSettings
from millwright.engines.nats import NatsConnection
from millwright.historian import (
    EARLIEST_MS,
    LATEST_MS,
    Historian,
    HistorianSettings,
    Range,
    RawQuery,
    SeriesInfo,
    series_id,
)
from millwright.kernel import SystemClock
from support.telemetry import Plant


class RunningPipeline:
    """A pipeline on ``folder`` that remembers what its hook saw."""

    def __init__(
        self,
        nats_url: str,
        folder: Path,
        plant: Plant,
        *,
        settings: TelemetrySettings | None = None,
        hooks: Sequence[tuple[str, Hook]] = (),
        before_acknowledge: Sequence[tuple[str, Settle]] = (),
    ) -> None:
        settings = settings or TelemetrySettings()
        self.seen: list[Decoded] = []
        self.noted: list[SeriesInfo] = []
        self.nats = NatsConnection(nats_url, "pipeline test")
        clock = SystemClock()
        self.historian = Historian(ChdbEngine(folder, ClickHouseSettings()), clock, HistorianSettings(flush_ms=50))
        collector = Collector(settings)
        self.sparkplug = SparkplugHost(plant, collector, settings)
        decoder = Decoder(plant, collector, JsonDecoder(collector, settings), self.sparkplug)
        self.pipeline = Pipeline(
            self.nats,
            decoder,
            self.historian,
            self.sparkplug,
            clock,
            settings,
            hooks=[("seen", self.seen.append), *hooks],
            note_series=self._note,
            before_acknowledge=before_acknowledge,
        )

    async def _note(self, series: list[SeriesInfo]) -> None:
        self.noted += series

    async def __aenter__(self) -> RunningPipeline:
        await self.nats.start()
        await self.historian.start()
        await self.pipeline.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pipeline.stop()
        await self.historian.stop()
        await self.nats.stop()

    async def send(self, *runs: Run) -> int:
        """Append one frame to the intake, as a listener does."""
        return await self.nats.append(subject_of("test"), encode_frame(Frame(1, "test", list(runs))))

    async def history(self, name: str, device: str = "pump") -> list[tuple[int, float]]:
        """Every reading of a series in time order: (time, number)."""
        table, _ = await self.historian.raw(
            RawQuery(series_id(device, name), Range(EARLIEST_MS, LATEST_MS), limit=5_000)
        )
        return list(zip(table.column("time_ms").to_pylist(), table.column("number").to_pylist(), strict=True))

    async def acknowledged(self) -> int:
        return await self.nats.acknowledged(INTAKE.name, "historian")


async def eventually(check: Callable[[], Awaitable[Any]], timeout_s: float = 10.0) -> Any:
    """Wait until ``check`` returns something true; returns it, or fails with its last value."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        found = await check()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"still {found!r} after {timeout_s} s"
        await asyncio.sleep(0.02)
