"""Receive times given at the edge: each its own, and decoded the same in whatever order frames come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from millwright.devices.edge.stamps import StampedIntake
from millwright.devices.intake import (
    FLAG_ACKNOWLEDGED,
    FLAG_CROWDED,
    FLAG_DUPLICATE,
    FLAG_REPLAYED,
    FLAG_STAMPED,
    INTAKE,
    Frame,
    Run,
    decode_frame,
    encode_frame,
    subject_of,
)
from millwright.devices.telemetry import Collector, TelemetrySettings
from millwright.devices.telemetry.json_decoder import JsonDecoder
from millwright.devices.telemetry.model import KnownDevice
from millwright.engines.nats import NatsConnection
from support.nats import RunningNats
from support.telemetry import Bench, run_of

TOPIC = "millwright/v1/telemetry"
_REPEATED = FLAG_ACKNOWLEDGED | FLAG_DUPLICATE


class Kept:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    async def commit(self, frame: bytes, message_id: str) -> None:
        self.frames.append(frame)


class Appending:
    """Into a real stream."""

    def __init__(self, nats: NatsConnection) -> None:
        self._nats = nats

    async def commit(self, frame: bytes, message_id: str) -> None:
        await self._nats.append(subject_of("x"), frame, message_id=message_id)


async def stamped(*runs: Run) -> list[Run]:
    kept = Kept()
    intake = StampedIntake(kept, None, "x")  # type: ignore[arg-type]  # not started, so it asks no broker
    for number, run in enumerate(runs):
        await intake.commit(encode_frame(Frame(1, "x", [run])), str(number))
    return [run for frame in kept.frames for run in decode_frame(frame).runs]


def times(runs: list[Run]) -> dict[float, int]:
    """The time that each value gets."""
    return decoded(runs)[0]


def decoded(runs: list[Run]) -> tuple[dict[float, int], int]:
    """The time that each value gets, and how many dead letters there are."""
    collector = Collector(TelemetrySettings())
    decoder = JsonDecoder(collector)
    device = collector.properties_of(KnownDevice(device_id="dev_1", properties={}))
    for run in runs:
        decoder.decode(run, device)
    taken = collector.take()
    batch: Any = taken.batch
    return dict(zip(batch.number.tolist(), batch.time_ms.tolist(), strict=True)), len(taken.dead_letters)


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


async def test_a_flood_gets_no_time_twice_and_loses_what_a_plain_node_would_refuse() -> None:
    """2,000 messages without a time in a second, for 20 s: a plain node, an edge and its parent keep the same."""
    payloads = [b'{"n": %d}' % number for number in range(40_000)]
    runs = [
        Run("dev_1", TOPIC, 1_700_000_000_000 + 50 * at, FLAG_ACKNOWLEDGED, payloads[100 * at : 100 * at + 100])
        for at in range(400)
    ]
    plain, refused = decoded(runs)
    sent = await stamped(*runs)
    kept, letters = decoded(sent)
    assert len(set(kept.values())) == len(kept)
    assert kept == plain
    assert letters == refused
    assert letters > 5_000
    turned, again = decoded(sent[::-1])
    assert (turned, again) == (kept, letters)
    crowded = [run for run in sent if run.flags & FLAG_CROWDED]
    for run in crowded:
        run.flags |= FLAG_REPLAYED
    assert decoded(crowded)[1] == 0, "a dead letter may be replayed"


async def test_what_states_its_time_passes_where_it_is_crowded() -> None:
    stated = b'{"ts": 1700000000000, "values": {"n": 2}}'
    run = Run("dev_1", TOPIC, 1_700_000_000_000, FLAG_CROWDED, [b'{"n": 1}', stated])
    assert decoded([run]) == ({2.0: 1_700_000_000_000}, 1)


async def test_what_is_repeated_and_was_never_stored_keeps_a_time_for_each() -> None:
    """A device that waited for its acknowledgements repeats them all at once, with DUP."""
    [run] = await stamped(
        run_of(*({"n": number} for number in range(40)), [{"n": 40}, {"n": 41}], {"n": 42}, flags=_REPEATED)
    )
    assert run.flags & FLAG_STAMPED
    for runs in ([run], [run, run]):  # and once more
        bench = Bench()
        batches: list[Any] = [bench.decode(each).batch for each in runs]
        found = {pair for each in batches for pair in zip(each.time_ms.tolist(), each.number.tolist(), strict=True)}
        assert found == {(run.received_ms + number, float(number)) for number in range(43)}


async def test_after_a_restart_no_time_is_given_again(tmp_path: Path) -> None:
    async with RunningNats(tmp_path, 1) as server:
        nats = NatsConnection(server.url, "edge")
        await nats.start()
        await nats.ensure_stream(INTAKE)
        flood = Run("dev_1", TOPIC, 1_700_000_000_000, 0, [b'{"n": 1}'] * 9_000)
        for number in range(2):  # the second time nothing is in memory
            intake = StampedIntake(Appending(nats), nats, "x")
            await intake.start()
            await intake.commit(encode_frame(Frame(1, "x", [flood])), str(number))
        back = StampedIntake(Appending(nats), nats, "x")
        await back.start()
        for number, received_ms in enumerate((1_700_000_000_001, 1_600_000_000_000), 3):
            run = Run("dev_1", TOPIC, received_ms, 0, [b'{"n": 1}'])
            await back.commit(encode_frame(Frame(1, "x", [run])), str(number))
        runs = [run async for message in nats.scan(INTAKE.name) for run in decode_frame(message.data).runs]
        assert [(run.received_ms, run.flags) for run in runs] == [
            (1_700_000_000_000, FLAG_STAMPED),
            (1_700_000_009_000, FLAG_STAMPED),
            (1_700_000_000_001, FLAG_CROWDED),
            (1_600_000_000_000, FLAG_STAMPED),
        ]
        await nats.stop()


async def test_a_clock_set_back_far_counts_anew_and_a_flood_is_left_to_the_decoder() -> None:
    flood = Run("dev_1", TOPIC, 1_700_000_100_000, 0, [b'{"n": 1}'] * 11_000)
    back = Run("dev_1", TOPIC, 1_700_000_000_000, 0, [b'{"n": 1}'])
    first, second, third = await stamped(flood, flood, back)
    assert first.flags & FLAG_STAMPED
    assert (second.received_ms, second.flags) == (1_700_000_100_000, FLAG_CROWDED)
    assert third.received_ms == 1_700_000_000_000
