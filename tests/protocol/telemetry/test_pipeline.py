"""From the intake stream to queryable history, over a real nats-server and a real chDB."""

import asyncio
import signal
from dataclasses import replace

import pytest

from millwright.devices.dead_letters import DeadLetters
from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, INTAKE, Frame, encode_frame, subject_of
from millwright.devices.sparkplug import EdgeSession, SparkplugSessions
from millwright.devices.telemetry import KnownDevice, TelemetrySettings
from millwright.kernel import LimitExceeded, NotFound, Unavailable
from millwright.kernel.scope import EVERYTHING, enter
from support.nats import RunningNats
from support.pipeline import RunningPipeline, eventually
from support.telemetry import NOW_MS, Plant, run_of


async def everybody(device_ids):
    return device_ids


@pytest.fixture
async def nats(tmp_path):
    async with RunningNats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def plant():
    return Plant(KnownDevice("pump"))


async def test_what_is_sent_is_stored_then_acknowledged(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        for i in range(20):
            last = await node.send(run_of({"ts": NOW_MS + i, "values": {"t": i}}))
        await eventually(lambda: _reached(node, last))
        assert await node.history("t") == [(NOW_MS + i, float(i)) for i in range(20)]
        assert [info.property for info in node.noted] == ["t"]
        assert sum(len(seen.batch) for seen in node.seen) == 20


async def _reached(node, sequence):
    return await node.acknowledged() >= sequence


async def test_a_restart_resumes_and_doubles_nothing(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        last = await node.send(run_of({"t": 1}, {"t": 2}))
        await eventually(lambda: _reached(node, last))
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        repeated = FLAG_ACKNOWLEDGED | FLAG_DUPLICATE
        await node.send(run_of({"t": 2}, {"t": 3}, first_packet=2, received_ms=NOW_MS + 5_000, flags=repeated))
        found = await eventually(lambda: _at_least(node, 3))
        assert found == [(NOW_MS, 1.0), (NOW_MS + 1, 2.0), (NOW_MS + 5_000, 3.0)]


async def test_frames_that_were_not_acknowledged_are_read_again(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        last = await node.send(run_of({"t": 1}))
        await eventually(lambda: _reached(node, last))
        for task in node.pipeline._tasks[2:]:  # nothing is confirmed any more, as in a crash after the insert
            task.cancel()
        await node.send(run_of({"t": 2}, received_ms=NOW_MS + 10), run_of(b"{", received_ms=NOW_MS + 11))
        await eventually(lambda: _at_least(node, 2))
        node.pipeline._tasks = node.pipeline._tasks[:2]
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        await eventually(lambda: _reached(node, last + 1))
        assert await node.history("t") == [(NOW_MS, 1.0), (NOW_MS + 10, 2.0)]
        enter(EVERYTHING)
        assert (await DeadLetters(node.nats, everybody).summary()).by_reason == {"telemetry.not_json": 1}


async def _at_least(node, count):
    found = await node.history("t")
    return found if len(found) >= count else None


async def test_the_unreadable_is_kept_and_can_be_replayed(nats, tmp_path):
    plant = Plant()
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        enter(EVERYTHING)
        letters = DeadLetters(node.nats, everybody)
        await node.send(run_of({"t": 1}, b"{broken", {"t": 3}))
        await node.nats.append(subject_of("test"), b"\xc1 no frame")
        summary = await eventually(lambda: _counted(letters, 4))
        assert summary.by_reason == {"telemetry.device_unknown": 3, "telemetry.frame_unreadable": 1}
        assert summary.by_device == {"pump": 3}
        plant.devices["pump"] = KnownDevice("pump")
        assert await letters.replay(None, reason="telemetry.device_unknown") == 3
        await eventually(lambda: _at_least(node, 1))
        again = await eventually(lambda: _has_reason(letters, "telemetry.not_json"))
        assert again.by_reason == {"telemetry.not_json": 1, "telemetry.frame_unreadable": 1}
        [broken] = await letters.list(reason="telemetry.not_json")
        assert broken.letter.payload == b"{broken"
        for _ in range(2):  # it comes back each time, never merged with the one before
            assert await letters.replay([broken.sequence]) == 1
            [broken] = await eventually(lambda: _listed(letters, "telemetry.not_json"))
        assert await letters.discard([broken.sequence]) == 1
        with pytest.raises(NotFound, match="no dead letter"):
            await letters.get(broken.sequence)


async def _listed(letters, reason):
    return await letters.list(reason=reason)


async def _counted(letters, count):
    summary = await letters.summary()
    return summary if summary.count >= count else None


async def _has_reason(letters, reason):
    summary = await letters.summary()
    return summary if reason in summary.by_reason else None


async def test_dead_letters_are_paged_newest_first(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        enter(EVERYTHING)
        letters = DeadLetters(node.nats, everybody)
        await node.send(run_of(*[b"{%d" % i for i in range(25)]))
        await eventually(lambda: _counted(letters, 25))
        assert await letters.discard([(await letters.list(limit=1))[0].sequence]) == 1
        pages, before = [], None
        while page := await letters.list(before=before, limit=10, device_id="pump"):
            pages.append([stored.letter.payload for stored in page])
            before = page[-1].sequence
        assert [len(page) for page in pages] == [10, 10, 4]
        assert len({payload for page in pages for payload in page}) == 24
        assert await letters.list(device_id="fan") == []


async def test_sessions_that_cannot_be_read_or_kept_stop_nothing(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        sessions = SparkplugSessions(node.nats)
        await node.nats.append("sparkplug.sessions.dev_broken", b"\x91\xc4\x01\xff")
        large = EdgeSession.new()
        large.node.types = {f"{number:>250}": 10 for number in range(40_000)}
        await sessions.save("dev_large", SparkplugSessions.encode(large))
        small = EdgeSession.new()
        small.node.types = {"t": 10}
        await sessions.save("dev_small", SparkplugSessions.encode(small))
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        assert {edge: session.node.types for edge, session in node.sparkplug.sessions.items()} == {
            "dev_large": {},
            "dev_small": {"t": 10},
        }


async def test_a_failing_hook_stops_nothing(nats, plant, tmp_path, caplog):
    def broken(_decoded):
        raise RuntimeError("rules are broken")

    async with RunningPipeline(nats.url, tmp_path / "history", plant, hooks=[("rules", broken)]) as node:
        for i in range(3):
            last = await node.send(run_of({"ts": NOW_MS + i, "values": {"t": i}}))
            await eventually(lambda last=last: _reached(node, last))
        assert len(await node.history("t")) == 3
        assert node.pipeline.figures().counters["hook_failures"] == 3
    assert sum("rules failed" in record.message for record in caplog.records) == 1


async def test_the_broker_may_die_and_come_back(nats, plant, tmp_path):
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        last = await node.send(run_of({"ts": NOW_MS, "values": {"t": 1}}))
        await eventually(lambda: _reached(node, last))
        await nats.kill(signal.SIGKILL)
        await asyncio.sleep(0.5)
        await nats.start()
        await eventually(lambda: _sent_again(node), timeout_s=15)
        await eventually(lambda: _at_least(node, 2), timeout_s=15)
        assert await node.history("t") == [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)]


async def _sent_again(node):
    try:
        return await node.send(run_of({"ts": NOW_MS + 1, "values": {"t": 2}}))
    except Unavailable:
        return None


async def test_an_outage_of_the_records_in_the_middle_of_a_frame_loses_nothing(nats, tmp_path, monkeypatch):
    plant = Plant(KnownDevice("pump"), KnownDevice("fan"))
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        failures = iter([True, True])

        def find_device(device_id):
            if device_id == "fan" and next(failures, False):
                raise Unavailable("The records are away.", code="engines.sql_unavailable")
            return plant.devices.get(device_id)

        monkeypatch.setattr(plant, "find_device", find_device)
        fan = run_of({"t": 2})
        fan.device_id = "fan"
        await node.send(run_of({"t": 1}), fan, run_of({"t": 3}, received_ms=NOW_MS + 1))
        last = await node.send(run_of({"t": 4}, received_ms=NOW_MS + 2))
        await eventually(lambda: _reached(node, last))
        assert await node.history("t") == [(NOW_MS + at, value) for at, value in enumerate([1.0, 3.0, 4.0])]
        assert await node.history("t", "fan") == [(NOW_MS, 2.0)]
        assert not node.pipeline.figures().problems


async def test_what_fails_unforeseen_is_done_again_and_not_passed_over(nats, plant, tmp_path):
    settled, failures = [], iter([True, True])

    async def settle():
        if next(failures, False):
            raise RuntimeError("nobody thought of this")
        settled.append(True)

    running = RunningPipeline(nats.url, tmp_path / "history", plant, before_acknowledge=[("rules", settle)])
    async with running as node:
        last = await node.send(run_of({"t": 1}))
        await eventually(lambda: _reached(node, last))
        assert settled == [True]
        await eventually(lambda: _all_let_go(node))
        figures = node.pipeline.figures()
        assert figures.counters["pipeline_failures"] == 2
        assert not figures.problems


async def _all_let_go(node):
    return not node.pipeline.figures().gauges["intake_unacknowledged_bytes"]


async def test_a_frame_appended_again_after_the_brokers_memory_of_it_is_taken_once(nats, plant, tmp_path):
    frame = encode_frame(Frame(1, "test", [run_of({"t": 1}, {"t": 2})]))
    for restarted in (False, True):
        async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
            await node.nats.ensure_stream(replace(INTAKE, duplicate_window_s=0.1))
            await asyncio.sleep(0.3)
            await node.nats.append(subject_of("test"), frame, message_id="test_1")
            await asyncio.sleep(0.3)
            last = await node.nats.append(subject_of("test"), frame, message_id="test_1")
            await eventually(lambda node=node, last=last: _reached(node, last))
            assert (await node.nats.state(INTAKE.name)).last_sequence == (4 if restarted else 2)
            assert await node.history("t") == [(NOW_MS, 1.0), (NOW_MS + 1, 2.0)]
            assert node.pipeline.figures().counters["frames_repeated"] == (2 if restarted else 1)


async def test_an_outage_of_history_bounds_what_is_held_and_passes(nats, plant, tmp_path, monkeypatch):
    monkeypatch.setattr("millwright.app.pipeline._WINDOW_BYTES", 2_000)
    async with RunningPipeline(nats.url, tmp_path / "history", plant) as node:
        engine = node.historian._engine
        insert, full = engine.insert, True

        async def refuse(table, rows):
            if full:
                raise LimitExceeded("The disk is full.", code="engines.disk_full", hint="Free some.")
            await insert(table, rows)

        monkeypatch.setattr(engine, "insert", refuse)
        for i in range(100):
            last = await node.send(*(run_of({"ts": NOW_MS + 64 * i + k, "values": {"t": k}}) for k in range(64)))
        await eventually(lambda: _failing(node))
        held = node.pipeline.figures().gauges["intake_unacknowledged_bytes"]
        assert 2_000 <= held < 100 * 64 * 60
        assert await node.acknowledged() < last
        full = False
        await eventually(lambda: _reached(node, last), timeout_s=20)
        assert (await node.historian.storage()).points == 6_400
        assert node.pipeline.figures().gauges["intake_unacknowledged_bytes"] == 0


async def _failing(node):
    return node.historian.problems()


async def test_stored_frames_are_trimmed(nats, plant, tmp_path):
    settings = TelemetrySettings(repeat_memory_s=1.0)
    async with RunningPipeline(nats.url, tmp_path / "history", plant, settings=settings) as node:
        for i in range(5):
            await node.send(run_of({"ts": NOW_MS + i, "values": {"t": i}}))
        await eventually(lambda: _emptied(node), timeout_s=15)
        assert len(await node.history("t")) == 5


async def _emptied(node):
    return (await node.nats.state(INTAKE.name)).messages == 0
