"""The Tennessee Eastman process: six controllers that send JSON with QoS 1 to ``millwright/v1/telemetry``.

First two fault-free days are backfilled. Then a recording with fault 6 runs live, compressed in time: some
``LEAD_S`` seconds after the start the A feed is lost, the reactor pressure climbs, and at 3000 kPa the plant shuts
down. When the recording ends it begins again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping

from millwright.plant.connection import Address, Connection
from millwright.plant.recordings import Recording, load
from millwright.plant.tep_tags import CONTROLLERS

logger = logging.getLogger(__name__)

TOPIC = "millwright/v1/telemetry"
STEP_S = 180
FAULT_ROW = 160
LEAD_S = 35.0
_BATCH_ROWS = 40


def run(address: Address, tokens: Mapping[str, str], *, speed: float, stop: threading.Event, backfill: bool) -> None:
    """Play until ``stop`` is set. ``tokens``: controller → token; ``speed``: recorded seconds per second."""
    history, live = load("tep_d00_te", STEP_S), load("tep_d06_te", STEP_S)
    connections = {name: Connection(address, f"tep-{name}", tokens[name]) for name in CONTROLLERS}
    for connection in connections.values():
        connection.start()
    try:
        if backfill:
            _backfill(history, connections, stop)
        index = first_row(speed)
        due_s = time.monotonic()
        while not stop.is_set():
            row, now_ms = live.row(index), time.time_ns() // 1_000_000
            for name, connection in connections.items():
                connection.publish(TOPIC, message([(now_ms, values_of(name, row))]))
            if index % len(live) == FAULT_ROW:
                logger.info("fault 6: the A feed is lost")
            index += 1
            due_s += STEP_S / speed
            stop.wait(max(0.0, due_s - time.monotonic()))
    finally:
        for connection in connections.values():
            connection.stop()


def first_row(speed: float) -> int:
    """The row at which to go live, so that the fault comes ``LEAD_S`` seconds later."""
    return max(0, FAULT_ROW - round(LEAD_S * speed / STEP_S))


def values_of(controller: str, row: Mapping[str, str]) -> dict[str, float]:
    """Property → value of one controller."""
    return {name: float(row[column]) for name, column in CONTROLLERS[controller].items()}


def message(samples: list[tuple[int, dict[str, float]]]) -> bytes:
    """Samples with their source times, as the payload of one message."""
    return json.dumps([{"ts": at_ms, "values": values} for at_ms, values in samples], separators=(",", ":")).encode()


def backfill_messages(recording: Recording, controller: str, end_ms: int) -> Iterator[bytes]:
    """The whole recording of one controller, shifted so that it ends just before ``end_ms``."""
    count = len(recording)
    for start in range(0, count, _BATCH_ROWS):
        rows = range(start, min(start + _BATCH_ROWS, count))
        yield message([(end_ms - (count - i) * STEP_S * 1000, values_of(controller, recording.row(i))) for i in rows])


def _backfill(recording: Recording, connections: Mapping[str, Connection], stop: threading.Event) -> None:
    end_ms = time.time_ns() // 1_000_000
    for name, connection in connections.items():
        for payload in backfill_messages(recording, name, end_ms):
            if stop.is_set():
                return
            connection.publish(TOPIC, payload)
    logger.info("two days of history are sent")
