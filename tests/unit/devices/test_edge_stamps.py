"""Receive times given at the edge: each its own, and decoded the same in whatever order frames come."""

from __future__ import annotations

from typing import Any

from millwright.devices.edge.stamps import StampedIntake
from millwright.devices.intake import FLAG_STAMPED, Frame, Run, decode_frame, encode_frame
from millwright.devices.telemetry import Collector, TelemetrySettings
from millwright.devices.telemetry.json_decoder import JsonDecoder
from millwright.devices.telemetry.model import KnownDevice

TOPIC = "millwright/v1/telemetry"


class Kept:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    async def commit(self, frame: bytes, message_id: str) -> None:
        self.frames.append(frame)


async def stamped(*runs: Run) -> list[Run]:
    kept = Kept()
    intake = StampedIntake(kept, None, "x")  # type: ignore[arg-type]  # not started, so it asks no broker
    for number, run in enumerate(runs):
        await intake.commit(encode_frame(Frame(1, "x", [run])), str(number))
    return [run for frame in kept.frames for run in decode_frame(frame).runs]


def times(runs: list[Run]) -> dict[float, int]:
    """The time that each value gets."""
    collector = Collector(TelemetrySettings())
    decoder = JsonDecoder(collector)
    device = collector.properties_of(KnownDevice(device_id="dev_1", properties={}))
    for run in runs:
        decoder.decode(run, device)
    batch: Any = collector.take().batch
    return dict(zip(batch.number.tolist(), batch.time_ms.tolist(), strict=True))


async def test_messages_of_one_millisecond_get_times_of_their_own_in_any_order() -> None:
    payloads = [b'{"n": %d}' % number for number in range(12)]
    runs = await stamped(
        Run("dev_1", TOPIC, 1_700_000_000_000, 0, payloads[:5]),
        Run("dev_1", TOPIC, 1_700_000_000_000, 0, [b'[{"n": 5}, {"n": 6}]', payloads[7]]),
        Run("dev_1", TOPIC, 1_700_000_000_001, 0, payloads[8:]),
    )
    assert all(run.flags & FLAG_STAMPED for run in runs)
    straight, turned = times(runs), times(runs[::-1])
    assert straight == turned
    assert [straight[float(number)] for number in range(12)] == [1_700_000_000_000 + number for number in range(12)]


async def test_what_states_its_time_keeps_its_reception() -> None:
    stated = Run("dev_1", TOPIC, 1_700_000_000_000, 0, [b'{"ts": 1700000000000, "values": {"n": 1}}'])
    runs = await stamped(stated, stated, stated)
    assert [run.received_ms for run in runs] == [1_700_000_000_000] * 3
    assert not any(run.flags & FLAG_STAMPED for run in runs)


async def test_a_clock_set_back_far_counts_anew_and_a_flood_is_left_to_the_decoder() -> None:
    flood = Run("dev_1", TOPIC, 1_700_000_100_000, 0, [b'{"n": 1}'] * 11_000)
    back = Run("dev_1", TOPIC, 1_700_000_000_000, 0, [b'{"n": 1}'])
    first, second, third = await stamped(flood, flood, back)
    assert first.flags & FLAG_STAMPED
    assert second.received_ms == 1_700_000_100_000
    assert third.received_ms == 1_700_000_000_000
