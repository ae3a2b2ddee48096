"""Frames are gathered, confirmed in order, repeated until stored, and hold the devices back when they must."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from millwright.devices.intake import Run, decode_frame
from millwright.devices.mqtt import MqttSettings, committer
from millwright.devices.mqtt.committer import MAX_FRAME_BYTES, Committer
from millwright.kernel import LimitExceeded, SystemClock, Unavailable
from support.mqtt import until


class Store:
    """An intake in memory, like JetStream: a message id is kept once; it can be slow, full or away."""

    def __init__(self) -> None:
        self.frames: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.gates: list[asyncio.Event] = []
        self.failures: list[Exception] = []
        self.lose_confirmation = 0

    async def commit(self, frame: bytes, message_id: str) -> None:
        self.calls.append(message_id)
        if self.gates:
            await self.gates.pop(0).wait()
        if self.failures:
            raise self.failures.pop(0)
        self.frames.setdefault(message_id, frame)
        if self.lose_confirmation:
            self.lose_confirmation -= 1
            raise Unavailable("not confirmed", code="engines.nats_unavailable")

    def payloads(self) -> list[bytes]:
        return [p for frame in self.frames.values() for run in decode_frame(frame).runs for p in run.payloads]


class Device:
    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def acknowledge(self, acknowledgements: list[tuple[int, list[int]]]) -> None:
        self.acknowledged += [packet_id for _, ids in acknowledgements for packet_id in ids]


class Bench:
    def __init__(self, **settings: Any) -> None:
        self.store = Store()
        self.pressure: list[bool] = []
        self.committer = Committer(self.store, "l1", MqttSettings(**settings), SystemClock(), self.pressure.append)

    def add(self, device: Device, packet_id: int, size: int = 100, barrier: Any = None) -> None:
        run = Run("dev", "t", 1, 1, [b"%d" % packet_id], [packet_id])
        self.committer.add(device, [run], [(0x40020000, [packet_id])], size, barrier)


async def test_messages_of_a_moment_share_a_frame_and_nothing_is_acknowledged_before_it_is_stored() -> None:
    bench, one, two = Bench(), Device(), Device()
    gate = asyncio.Event()
    bench.store.gates = [gate]
    for packet_id in (1, 2):
        bench.add(one, packet_id)
        bench.add(two, packet_id + 10)
    await asyncio.sleep(0.05)
    assert (len(bench.store.calls), one.acknowledged) == (1, [])
    gate.set()
    assert await bench.committer.drain(1)
    assert (one.acknowledged, two.acknowledged) == ([1, 2], [11, 12])
    assert bench.store.payloads() == [b"1", b"11", b"2", b"12"]
    assert bench.committer.uncommitted_bytes == 0


async def test_acknowledgements_leave_in_the_order_of_the_frames() -> None:
    bench, device = Bench(commit_bytes=1024), Device()
    first = asyncio.Event()
    bench.store.gates = [first]
    for packet_id in (1, 2, 3):
        bench.add(device, packet_id, size=2000)
    await asyncio.sleep(0.02)
    assert len(bench.store.frames) == 2
    assert device.acknowledged == []
    first.set()
    assert await bench.committer.drain(1)
    assert device.acknowledged == [1, 2, 3]


async def test_a_lost_confirmation_is_repeated_under_the_same_id_and_stored_once() -> None:
    bench, device = Bench(), Device()
    bench.store.lose_confirmation = 2
    bench.add(device, 1)
    await asyncio.sleep(0.02)
    assert [p["code"] for p in bench.committer.problems()] == ["listener.intake_unavailable"]
    assert await bench.committer.drain(2)
    assert len(bench.store.calls) == 3
    assert len(set(bench.store.calls)) == 1
    assert bench.store.payloads() == [b"1"]
    assert device.acknowledged == [1]
    assert bench.committer.problems() == []


async def test_a_full_store_holds_acknowledgements_pauses_reading_and_resumes_by_itself() -> None:
    bench, device = Bench(), Device()
    bench.store.failures = [LimitExceeded("full", code="engines.stream_full", hint="free some") for _ in range(2)]
    bench.add(device, 1)
    await asyncio.sleep(0.02)
    assert bench.pressure == [True]
    (problem,) = bench.committer.problems()
    assert (problem["code"], problem["hint"]) == ("listener.intake_full", "free some")
    assert device.acknowledged == []
    assert await bench.committer.drain(2)
    assert (bench.pressure, device.acknowledged) == ([True, False], [1])


async def test_too_much_uncommitted_pauses_and_half_of_it_resumes() -> None:
    bench, device = Bench(max_uncommitted_bytes=65536, commit_bytes=10_000, commits_in_flight=2), Device()
    gate = asyncio.Event()
    bench.store.gates = [gate] * 9
    for _ in range(9):
        bench.add(device, 1, size=10_000)
        assert bench.pressure == ([True] if bench.committer.uncommitted_bytes > 65536 else [])
    await asyncio.sleep(0.01)
    assert len(bench.store.calls) == 2  # never more in flight
    assert bench.pressure == [True]
    gate.set()
    assert await bench.committer.drain(1)
    assert bench.pressure == [True, False]


async def test_a_barrier_holds_the_acknowledgement() -> None:
    bench, device = Bench(), Device()
    barrier: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    bench.add(device, 1, barrier=barrier)
    await asyncio.sleep(0.03)
    assert (len(bench.store.frames), device.acknowledged) == (1, [])
    barrier.set_result(None)
    assert await bench.committer.drain(1)
    assert device.acknowledged == [1]


async def test_what_waits_for_a_barrier_keeps_nothing_newer_from_being_stored() -> None:
    bench, device = Bench(commits_in_flight=2, commit_bytes=1024), Device()
    barriers: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in range(3)]
    for packet_id, barrier in enumerate(barriers, 1):
        bench.add(device, packet_id, size=2000, barrier=barrier)
    bench.add(device, 4, size=2000)
    await until(lambda: len(bench.store.frames) == 4)
    assert device.acknowledged == []
    for barrier in barriers:
        barrier.set_result(None)
    assert await bench.committer.drain(5)
    assert device.acknowledged == [1, 2, 3, 4]


async def test_frames_stay_below_the_limit() -> None:
    bench, device = Bench(commit_bytes=1024 * 1024, max_uncommitted_bytes=2**26), Device()
    for packet_id in range(1, 9):
        bench.add(device, packet_id, size=MAX_FRAME_BYTES // 3)
    assert await bench.committer.drain(1)
    assert [len(decode_frame(frame).runs) for frame in bench.store.frames.values()] == [3, 3, 2]


async def test_draining_gives_up_in_time_and_acknowledges_nothing_then() -> None:
    bench, device = Bench(), Device()
    bench.store.gates = [asyncio.Event()]
    bench.add(device, 1)
    assert not await bench.committer.drain(0.05)
    assert device.acknowledged == []


async def test_nothing_newer_is_stored_before_what_failed() -> None:
    bench, device = Bench(commit_bytes=1024), Device()
    bench.store.failures = [Unavailable("away", code="engines.nats_unavailable") for _ in range(5)]
    for packet_id in range(1, 6):  # five in flight fail
        bench.add(device, packet_id, size=2000)
        await asyncio.sleep(0)
    for packet_id in range(6, 9):
        bench.add(device, packet_id, size=2000)
    assert await bench.committer.drain(3)
    assert bench.store.payloads() == [b"%d" % packet_id for packet_id in range(1, 9)]
    assert device.acknowledged == list(range(1, 9))


async def test_nothing_newer_is_sent_while_the_oldest_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that died took it with it without a word; what is sent now would reach the next leader first."""
    monkeypatch.setattr(committer, "_OVERDUE_S", 0.05)
    bench, device = Bench(commit_delay_ms=1.0), Device()
    gate = asyncio.Event()
    bench.store.gates = [gate]
    bench.add(device, 1)
    await asyncio.sleep(0.02)
    bench.add(device, 2)
    await asyncio.sleep(0.02)
    sent = len(bench.store.calls)
    await asyncio.sleep(0.1)  # now the first is overdue
    bench.add(device, 3)
    bench.add(device, 4)
    await asyncio.sleep(0.05)
    assert len(bench.store.calls) == sent
    assert b"3" not in bench.store.payloads()
    gate.set()
    assert await bench.committer.drain(5)
    assert sorted(bench.store.payloads()) == [b"1", b"2", b"3", b"4"]
    assert device.acknowledged == [1, 2, 3, 4]
