"""Sightings in the intake: what cannot be read becomes a dead letter. Tracking is done by the role ``location``."""

from __future__ import annotations

import logging

from millwright.devices.intake import Run
from millwright.devices.location.sightings import read_reports
from millwright.devices.telemetry import Collector, KnownDevice, Unreadable

logger = logging.getLogger(__name__)


class SightingDecoder:
    """A :class:`RunDecoder` that checks, and counts; sightings are no readings."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Nothing needs to be looked up."""

    def decode(self, run: Run, device: KnownDevice, sequence: int) -> None:  # noqa: ARG002 - the port
        """Check every payload."""
        for payload in run.payloads:
            try:
                reports = read_reports(payload, run.received_ms)
            except Unreadable as why:
                self._collector.reject(run, payload, why)
            except Exception as error:  # one message must never stop the intake of all
                logger.exception("reading sightings of %s failed", run.device_id)
                self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]))
            else:
                self._collector.counts["sightings_in"] += sum(len(report.sightings) for report in reports)
