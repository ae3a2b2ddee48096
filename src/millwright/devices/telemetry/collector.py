"""What a number of frames yields, gathered by every decoder and handed over at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from millwright.devices.dead_letters.model import DeadLetter
from millwright.devices.intake import Run
from millwright.devices.telemetry.columns import Lane, Rows, join
from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.model import (
    Arrival,
    ChildHeard,
    Decoded,
    KnownDevice,
    Outgoing,
    PresenceChange,
    Question,
)
from millwright.devices.telemetry.properties import DeviceProperties
from millwright.devices.telemetry.receive_clock import ReceiveClock
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.devices.telemetry.usage import UsageCounter
from millwright.historian import BAD, UNCERTAIN, SeriesInfo


class Collector:
    """Columns that grow until :meth:`take`, and what else decoding brings up."""

    def __init__(self, settings: TelemetrySettings) -> None:
        self._settings = settings
        self._devices: dict[str, DeviceProperties] = {}
        self.usage = UsageCounter(settings.repeat_memory_s)
        self.new_series: list[SeriesInfo] = []
        self._clear()

    def _clear(self) -> None:
        self.lane, self.rows = Lane(), Rows()
        self.dead_letters: list[DeadLetter] = []
        self.presence: list[PresenceChange] = []
        self.arrivals: list[Arrival | ChildHeard] = []
        self.questions: list[Question] = []
        self.outgoing: list[Outgoing] = []
        self.answers: list[Any] = []
        self.last_seen: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    @property
    def readings(self) -> int:
        """How many readings were gathered since the last :meth:`take`."""
        return len(self.lane) + len(self.rows)

    def properties_of(self, device: KnownDevice) -> DeviceProperties:
        """What is remembered of the device; learned anew when its registration or model changed."""
        known = self._devices.get(device.device_id)
        if known is None or known.device is not device:
            if known is not None and known.device == device:
                known.device = device  # read again and unchanged
                return known
            clock = known.clock if known else ReceiveClock()
            known = DeviceProperties(device, self._settings, self.new_series, clock=clock)
            self._devices[device.device_id] = known
        return known

    def reject(self, run: Run, payload: bytes, why: Unreadable, received_ms: int | None = None) -> None:
        """Keep ``payload`` as a dead letter."""
        at_ms = run.received_ms if received_ms is None else received_ms
        self.counts["dead_letters"] += 1
        self.dead_letters.append(DeadLetter(why.reason, why.text, run.device_id, run.topic, payload, at_ms, run.flags))

    def take(self) -> Decoded:
        """All that was gathered since the last call."""
        doubtful = self.lane.constrained or len(self.rows)
        batch = join((self.lane.build(), self.rows.build()))
        self.counts["points_in"] += len(batch)
        if doubtful:
            self.counts["points_uncertain"] += int(np.count_nonzero(batch.quality == UNCERTAIN))
            self.counts["points_bad"] += int(np.count_nonzero(batch.quality == BAD))
        taken = Decoded(
            batch,
            self.new_series.copy(),
            self.dead_letters,
            self.presence,
            self.arrivals,
            self.outgoing,
            self.last_seen,
            self.counts,
            self.usage.take(),
            self.answers,
            self.questions,
        )
        self.new_series.clear()
        self._clear()
        return taken
