"""The decoder of what devices say about commands; a :class:`RunDecoder` beside those of JSON and Sparkplug."""

from __future__ import annotations

import logging

from millwright.devices.commands.wire import read
from millwright.devices.intake import FLAG_REPLAYED, FLAG_WILL, Run
from millwright.devices.telemetry import Collector, KnownDevice, Unreadable

logger = logging.getLogger(__name__)


class AnswerDecoder:
    """Decodes runs of answers and questions into the :class:`Collector`."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def prepare(self, run: Run, device: KnownDevice) -> None:
        """Nothing needs to be looked up."""

    def decode(self, run: Run, device: KnownDevice, sequence: int) -> None:  # noqa: ARG002 - the port
        """Decode every payload; what names no command becomes a dead letter. An old answer or a will is none."""
        if run.flags & (FLAG_REPLAYED | FLAG_WILL):
            return
        for payload in run.payloads:
            try:
                self._collector.answers.append(read(run.device_id, run.topic, payload, run.received_ms))
            except Unreadable as why:
                self._collector.reject(run, payload, why)
            except Exception as error:  # one message must never stop the intake of all
                logger.exception("reading an answer of %s failed", run.device_id)
                self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]))
