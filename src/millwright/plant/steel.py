"""The energy of a steel works: a Sparkplug B edge node with a meter and a carbon balance, a value every 15 minutes.

First the whole recorded year is backfilled as historical metrics, shifted so that it ends now; then the recording runs
live, compressed in time, from a Monday morning on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from millwright.plant.connection import Address
from millwright.plant.recordings import Recording, load
from millwright.plant.sparkplug import DOUBLE, STRING, EdgeNode, Sample, Value

logger = logging.getLogger(__name__)

GROUP, EDGE = "Steelworks", "Substation"
STEP_S = 900
FIRST_LIVE_ROW = 7 * 96 + 33  # Monday 2018-01-08, 08:30: the furnaces start
DEVICES: dict[str, dict[str, int]] = {
    "Meter": {
        "active_energy": DOUBLE,
        "reactive_energy_lagging": DOUBLE,
        "reactive_energy_leading": DOUBLE,
        "power_factor_lagging": DOUBLE,
        "power_factor_leading": DOUBLE,
    },
    "Carbon": {"co2": DOUBLE, "load_type": STRING},
}
_BATCH_ROWS = 96
_PAUSE_S = 0.005  # between backfilled messages: QoS 0 has no acknowledgement to wait for


def run(address: Address, tokens: Mapping[str, str], *, speed: float, stop: threading.Event, backfill: bool) -> None:
    """Play until ``stop`` is set. ``tokens``: ``{"edge": token}``; ``speed``: recorded seconds per second."""
    recording = load("steel", STEP_S)
    edge = EdgeNode(address, tokens["edge"], GROUP, EDGE, DEVICES)
    edge.start()
    try:
        if not edge.wait_connected(stop):
            return
        if backfill:
            _backfill(recording, edge, stop)
        index, due_s = FIRST_LIVE_ROW, time.monotonic()
        while not stop.is_set():
            row, now_ms = recording.row(index), time.time_ns() // 1_000_000
            for device in DEVICES:
                edge.report(device, Sample(now_ms, values_of(device, row)))
            index += 1
            due_s += STEP_S / speed
            stop.wait(max(0.0, due_s - time.monotonic()))
    finally:
        edge.stop()


def values_of(device: str, row: Mapping[str, str]) -> dict[str, Value]:
    """Metric → value of one device."""
    return {name: row[name] if kind == STRING else float(row[name]) for name, kind in DEVICES[device].items()}


def _backfill(recording: Recording, edge: EdgeNode, stop: threading.Event) -> None:
    count, end_ms = len(recording), time.time_ns() // 1_000_000
    for start in range(0, count, _BATCH_ROWS):
        rows = range(start, min(start + _BATCH_ROWS, count))
        for device in DEVICES:
            edge.report_past(
                device,
                [Sample(end_ms - (count - i) * STEP_S * 1000, values_of(device, recording.row(i))) for i in rows],
            )
        if stop.wait(_PAUSE_S):
            return
    logger.info("one year of history is sent")
