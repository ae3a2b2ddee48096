"""The link between real brokers: what is sent once, again, in which order, and what when one side forgets."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from millwright.app.limits import RatePacer
from millwright.devices.edge.agent import EdgeAgent
from millwright.devices.edge.keeping import Keeping, read_kept
from millwright.devices.edge.machine import Machines, machine_of
from millwright.devices.edge.model import EdgeStatus
from millwright.devices.edge.parent_time import ParentTime
from millwright.devices.edge.positions import EdgePositions
from millwright.devices.edge.receiver import EdgeReceiver, _bounded, _Lane
from millwright.devices.edge.settings import EdgeSettings
from millwright.devices.edge.stamps import StampedIntake
from millwright.devices.edge.uplink import Uplink
from millwright.devices.edge.wire import Delivery, Offer, Report, Standing, Wanted, encode
from millwright.devices.intake import FLAG_DUPLICATE, INTAKE, Frame, Run, decode_frame, encode_frame
from millwright.devices.mqtt.presence import PresenceReport
from millwright.devices.presence.tracker import PresenceTracker
from millwright.engines.nats import NatsConnection
from millwright.kernel import Conflict, Invalid, LimitExceeded, ManualClock, SystemClock, Unavailable
from millwright.metering.limits import work_out
from millwright.metering.model import Limits, RateLimits
from millwright.parties import Node, Tree
from support.nats import RunningNats

EDGE = "edge_1"
TOPIC = "millwright/v1/telemetry"


class Members:
    """Every device is at the edge."""

    def members(self, _edge_id: str) -> set[str]:
        return {"dev_1", "dev_2"}

    def owner_of(self, _edge_id: str) -> str:
        return "org_1"

    def note(self, _seen: object) -> None:
        return


class Nothing:
    async def of(self, _edge_id: str) -> Wanted:
        return Wanted("none")


@dataclass
class Link:
    """An edge's broker and its parent's; the hub between them is left out: the receiver serves at the edge's."""

    edge_server: RunningNats
    parent_server: RunningNats
    edge: NatsConnection
    parent: NatsConnection
    receiver: EdgeReceiver | None = None
    uplink: Uplink | None = None

    async def open(self) -> None:
        """Let the link be up."""
        await self.parent.ensure_stream(INTAKE)

        def connect(_edge_id: str) -> NatsConnection:
            return NatsConnection(self.edge_server.url, "receiver")

        clock = SystemClock()
        self.receiver = EdgeReceiver(connect, self.parent, Members(), Nothing(), self.parent, clock)
        await self.receiver.start()
        await self.receiver.admit([EDGE])

    async def cut(self) -> None:
        if self.receiver is not None:
            await self.receiver.stop()
            self.receiver = None

    async def forward(self, **settings: float) -> Uplink:
        """Let the edge begin to forward."""
        self.uplink = Uplink(self.edge, SystemClock(), EdgeSettings(**settings))  # type: ignore[arg-type]  # by name
        await self.uplink.start()
        return self.uplink

    async def die(self) -> None:
        """The edge's process ends, with nothing kept in memory."""
        if self.uplink is not None:
            await self.uplink.stop()
            self.uplink = None

    async def receive(self, numbers: range, *, age_s: float = 0, flags: int = 0, topic: str = TOPIC) -> None:
        """The edge's listener stores a frame for each number."""
        for number in numbers:
            received_ms = round((time.time() - age_s) * 1000)
            run = Run(f"dev_{number % 2 + 1}", topic, received_ms, flags, [str(number).encode()])
            await self.edge.append("intake.x", encode_frame(Frame(1, "x", [run])))

    async def stored(self) -> list[int]:
        """The numbers in the parent's intake, as they were stored."""
        found = []
        async for message in self.parent.scan(INTAKE.name):
            for run in decode_frame(message.data).runs:
                found += [int(payload) for payload in run.payloads]
        return found

    async def until(self, condition: Callable[[list[int]], bool], timeout_s: float = 20) -> list[int]:
        deadline = time.monotonic() + timeout_s
        while not condition(found := await self.stored()):
            assert time.monotonic() < deadline, f"{len(found)} stored: {found[:20]} … {found[-20:]}"
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    async with RunningNats(tmp_path / "edge", 1) as edge, RunningNats(tmp_path / "parent", 1) as parent:
        made = Link(edge, parent, NatsConnection(edge.url, "edge"), NatsConnection(parent.url, "parent"))
        await made.edge.start()
        await made.parent.start()
        await made.edge.ensure_stream(INTAKE)
        yield made
        await made.die()
        await made.cut()
        await made.edge.stop()
        await made.parent.stop()


async def test_everything_arrives_in_order_and_once_however_often_either_side_begins_anew(link: Link) -> None:
    await link.receive(range(100))
    for _ in range(3):
        await link.open()
        await link.forward()
        await link.until(lambda found: len(found) >= 100)
        await link.cut()
        await link.die()
    await link.open()
    await link.receive(range(100, 150))
    await link.forward()
    assert await link.until(lambda found: len(found) >= 150) == list(range(150))


async def test_positions_outlive_what_they_were_read_from(link: Link) -> None:
    """Long after the broker's window of duplicates: the parent's intake was stored and trimmed."""
    await link.open()
    await link.receive(range(50))
    await link.forward()
    await link.until(lambda found: len(found) >= 50)
    positions = EdgePositions(link.parent)
    async for message in link.parent.scan(INTAKE.name):
        positions.see(message)
    await positions.settle()  # as the intake's reader does before it acknowledges
    await link.parent.trim(INTAKE.name, (await link.parent.state(INTAKE.name)).last_sequence + 1)
    await link.cut()
    await link.die()
    await link.open()
    await link.receive(range(50, 60))
    await link.forward()
    assert await link.until(lambda found: len(found) >= 10) == list(range(50, 60))


async def test_a_parent_that_forgot_gets_again_what_the_edge_still_has(link: Link) -> None:
    await link.open()
    await link.receive(range(40))
    uplink = await link.forward()
    await link.until(lambda found: len(found) >= 40)
    await link.cut()
    for stream in (INTAKE.name, "EDGE_POSITIONS"):  # it was restored from a backup of before it all
        await link.parent.remove_stream(stream)
    await link.receive(range(40, 45))
    await link.open()
    assert await link.until(lambda found: len(found) >= 45) == list(range(45))
    assert uplink.went_back == 1


async def test_new_data_goes_first_and_the_backlog_comes_once_beside_it(link: Link) -> None:
    await link.receive(range(3000), age_s=3600)
    await link.open()
    receiver = link.receiver
    assert receiver is not None
    slow = receiver._append  # the link is slow: what is behind takes a while

    async def slowly(*arguments: object) -> None:
        await asyncio.sleep(0.02)
        await slow(*arguments)  # type: ignore[arg-type]  # passed on as they came

    receiver._append = slowly  # type: ignore[method-assign]
    await link.forward()
    await link.receive(range(3000, 3010))
    found = await link.until(lambda found: 3009 in found)
    assert len(found) < 3010, "the backlog was not slow enough to show anything"
    await link.cut()  # in the middle, twice: another live lane begins each time
    await link.receive(range(3010, 3020), age_s=60)
    await link.die()
    await link.open()
    await link.forward()
    await link.receive(range(3020, 3030))
    found = await link.until(lambda found: len(found) >= 3030)
    assert sorted(found) == list(range(3030))
    backlog = [number for number in found if number < 3000]
    assert backlog == sorted(backlog)


async def test_repetitions_and_sparkplug_wait_for_their_turn(link: Link) -> None:
    await link.receive(range(2000), age_s=3600)
    await link.open()
    uplink = await link.forward()
    deadline = time.monotonic() + 10
    while not uplink.live and (await link.stored())[-1:] != [1999]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await link.receive(range(2000, 2005), flags=FLAG_DUPLICATE)
    await link.receive(range(2005, 2010), topic="spBv1.0/plant/NDATA/x")
    await link.receive(range(2010, 2015))
    found = await link.until(lambda found: len(found) >= 2015)
    assert sorted(found) == list(range(2015))
    held = [number for number in found if number < 2010]
    assert held == list(range(2010))


async def test_what_left_the_backlog_is_counted_and_the_rest_goes_on(link: Link) -> None:
    await link.open()
    await link.receive(range(10))
    uplink = await link.forward()
    await link.until(lambda found: len(found) >= 10)
    await link.cut()
    await link.receive(range(10, 30))
    await link.edge.trim(INTAKE.name, 21)
    await link.open()
    assert await link.until(lambda found: len(found) >= 20) == [*range(10), *range(20, 30)]
    assert uplink.given_up == 10


async def test_a_parent_whose_disk_is_full_takes_nothing_until_there_is_room(link: Link) -> None:
    await link.open()
    assert link.receiver is not None
    full = True

    def need_room() -> None:
        if full:
            raise Unavailable("full", code="app.disk_full")

    link.receiver._full = need_room
    await link.receive(range(5))
    uplink = await link.forward()
    deadline = time.monotonic() + 10
    while not uplink.cut:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert await link.stored() == []
    full = False
    assert await link.until(lambda found: len(found) >= 5) == list(range(5))


async def test_each_listener_at_an_edge_tells_of_its_own_devices(link: Link) -> None:
    """As the parent's tracker takes it: what the connectors say ends no connection of the listener's."""
    await link.open()
    assert link.receiver is not None
    tracker, subjects = PresenceTracker(SystemClock()), []

    async def take(subject: str, payload: bytes) -> None:
        subjects.append(subject)
        tracker.report(msgspec.msgpack.decode(payload, type=PresenceReport))

    unsubscribe = await link.parent.subscribe("presence.*", take)
    now_ms = SystemClock().now_ms()
    said = [(f"one too many {number}", "dev_2") for number in range(20)]
    for listener, device_id in [("listener", "dev_1"), ("connectors.1 >", "dev_2"), ("listener", "dev_1"), *said]:
        report = PresenceReport(listener, len(subjects) + 1, now_ms, True, [(device_id, now_ms, now_ms)], [])
        await link.receiver._presence(EDGE, msgspec.msgpack.encode(report))
    assert link.receiver.figures()[0]["edge_presence_refused"] == 14
    deadline = time.monotonic() + 10
    while len(subjects) < 9:
        assert time.monotonic() < deadline, subjects
        await asyncio.sleep(0.02)
    assert {f"presence.{EDGE}-listener", f"presence.{EDGE}-connectors_1__"} <= set(subjects)
    assert len(set(subjects)) == 8
    rows = [tracker.find(each) for each in ("dev_1", "dev_2")]
    assert [row is not None and row.online for row in rows] == [True, True]
    await unsubscribe()


async def test_what_is_too_large_to_be_kept_as_a_state_is_refused(link: Link) -> None:
    await link.open()
    assert link.receiver is not None
    with pytest.raises(Invalid) as refused:
        await link.receiver._status(EDGE, b"\0" * 65_537)
    assert "65537 bytes" in refused.value.message


async def test_an_edge_that_asks_where_it_stands_while_its_lanes_are_given_up_is_answered(link: Link) -> None:
    await link.open()
    receiver = link.receiver
    assert receiver is not None
    for number in range(3):
        receiver._lanes[EDGE, "e", f"live-{number + 1}"] = _Lane()
    held = receiver._lanes[EDGE, "e", "live-1"].lock
    await held.acquire()
    asked = asyncio.create_task(receiver._offer(EDGE, encode(Offer("e"))))
    await asyncio.sleep(0)  # it waits for the lane
    receiver._lanes = {}  # as a delivery on one lane too many does
    held.release()
    assert msgspec.msgpack.decode(await asked, type=Standing).lanes == {}


async def test_what_the_parent_has_is_not_told_as_lost_after_a_restart_without_a_link(link: Link) -> None:
    await link.open()
    await link.receive(range(50), age_s=7200)
    uplink = await link.forward()
    await link.until(lambda found: len(found) >= 50)
    deadline = time.monotonic() + 10
    while uplink.reached < 50:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    uplink.keeping.note(uplink.reached)
    await uplink.keeping.look()
    await link.cut()
    await link.die()
    await link.receive(range(50, 60), age_s=7200)
    uplink = await link.forward(backlog_days=1 / 24)
    await uplink.keeping.look()
    assert uplink.keeping.given_up == 10
    ends = [await uplink.keeping._received_ms(each) for each in (51, 60)]
    assert [uplink.keeping.lost_from_ms, uplink.keeping.lost_to_ms] == ends
    assert ends[0] is not None
    assert abs(ends[0] - (time.time() - 7200) * 1000) < 60_000
    assert await read_kept(link.edge) == 60
    await link.die()
    uplink = await link.forward(backlog_days=1 / 24)
    await uplink.keeping.look()
    assert uplink.keeping.given_up == 0
    await link.die()
    await link.edge.remove_stream(INTAKE.name)  # begun anew: nothing of it may go because of what was said before
    await link.edge.ensure_stream(INTAKE)
    uplink = await link.forward()
    await uplink.keeping.look()
    assert await read_kept(link.edge) == 0


async def test_an_edge_is_held_to_the_rate_of_its_organisation_and_loses_nothing(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millwright.devices.edge.receiver._PACED_S", 0.05)
    await link.open()
    assert link.receiver is not None
    tree = Tree([Node("org_root", None, "park", "Park"), Node("org_1", "org_root", "enterprise", "Red")])
    limits = {"org_1": Limits(rates=RateLimits(messages=10, device_messages=1))}
    ceilings = work_out(tree, limits, {"day": {}, "month": {}}, {"day": 1, "month": 1})
    clock = ManualClock()
    link.receiver._pace = RatePacer(lambda: ceilings, clock).take_all
    burst = Run("dev_1", TOPIC, round(time.time() * 1000), 0, [str(number).encode() for number in range(500)])
    await link.edge.append("intake.x", encode_frame(Frame(1, "x", [burst])))
    await link.forward()
    await link.until(lambda found: len(found) >= 500)
    await link.receive(range(500, 510))
    deadline = time.monotonic() + 20
    while link.receiver.figures()[0].get("edge_paced", 0) < 2:  # refused, and asked again
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert len(await link.stored()) == 500
    clock.advance(60)
    assert await link.until(lambda found: len(found) >= 510) == list(range(510))


class Applying:
    sections: tuple[()] = ()

    async def apply(self, _wanted: Wanted) -> None:
        return


class Silent:
    async def announce(self, _device_id: str) -> None:
        return


@pytest.mark.parametrize("off_s", [40 * 86_400, -7200])
async def test_an_edge_whose_clock_is_wrong_finds_it_tells_it_and_gives_nothing_up(link: Link, off_s: float) -> None:
    """Forty days ahead everything would be older than what is kept; nobody's time is believed before the parent's."""
    clock = ManualClock(SystemClock().now_ms() + round(off_s * 1000))
    time_ = ParentTime(clock)
    await link.receive(range(20))
    keeping = Keeping(link.edge, time_, EdgeSettings(), lambda: time_.known)
    await keeping.start()
    await keeping.look()
    assert (keeping.given_up, await read_kept(link.edge)) == (0, 0)
    listening = ParentTime(clock)
    stamps = StampedIntake(JetStream(link.edge), link.edge, "x", listening)
    await stamps.start()
    await link.open()
    uplink = await link.forward()
    agent = EdgeAgent(
        link.edge,
        uplink,
        Applying(),
        Silent(),
        clock,
        time_,
        "1",
        lambda: 0,  # type: ignore[arg-type]  # stand-ins
    )
    await agent.report()
    await agent.report()  # what was heard is told to the listener now
    assert agent.clock_wrong
    assert abs((agent.clock_offset_ms or 0) - off_s * 1000) < 3000
    deadline = time.monotonic() + 10
    while not listening.known:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    await keeping.look()
    assert (keeping.given_up, await read_kept(link.edge)) == (0, 0)
    await stamps.commit(encode_frame(Frame(1, "x", [Run("dev_1", TOPIC, clock.now_ms(), 0, [b"20"])])), "x")
    await link.until(lambda found: len(found) >= 21)
    message = await link.parent.newest(INTAKE.name, "intake.>")
    assert message is not None
    assert abs(decode_frame(message.data).runs[-1].received_ms - SystemClock().now_ms()) < 20_000
    await keeping.stop()
    await stamps.stop()


class JetStream:
    """The edge's intake, as its listener has it."""

    def __init__(self, nats: NatsConnection) -> None:
        self._nats = nats

    async def commit(self, frame: bytes, message_id: str) -> None:
        await self._nats.append("intake.x", frame, message_id=message_id)


async def test_poisoned_frames_at_the_edge_stop_nobody(link: Link) -> None:
    """What is no frame, a frame of nothing, one of another version, and one with what no device sends."""
    await link.receive(range(5))
    strange = Run("dev_1", "\x00" * 300, -(2**62), 255, [b"9", b""], [70_000])
    for poison in (b"", b"\xc1" * 500, encode_frame(Frame(99, "", [])), encode_frame(Frame(1, "x", []))):
        await link.edge.append("intake.x", poison)
    await link.receive(range(5, 9))
    await link.edge.append("intake.x", encode_frame(Frame(1, "x", [Run("", TOPIC, 0, 0, [b"9"]), strange])))
    await link.receive(range(10, 15))
    await link.open()
    uplink = await link.forward()
    deadline = time.monotonic() + 20
    while uplink.reached < (await link.edge.state(INTAKE.name)).last_sequence:
        assert time.monotonic() < deadline, uplink.reached
        await asyncio.sleep(0.05)
    found: list[int] = []
    async for message in link.parent.scan(INTAKE.name):
        for run in decode_frame(message.data).runs:
            found += [int(payload) for payload in run.payloads if run.topic == TOPIC and run.device_id]
    assert found == [*range(9), *range(10, 15)]


async def test_a_copy_of_an_edges_folder_is_refused_and_told_and_nothing_is_mixed(link: Link, tmp_path: Path) -> None:
    """The copy's stream goes on with other frames under the same numbers."""
    await link.open()
    assert link.receiver is not None
    seen = link.receiver._seen
    first, second = (tmp_path / name for name in ("a", "b"))
    for folder in (first, second):
        folder.mkdir()
        (folder / "edge.json").write_text("{}")
    assert machine_of(first) == machine_of(first) != machine_of(second)
    await link.receive(range(10))
    link.uplink = Uplink(link.edge, SystemClock(), EdgeSettings(), machine=machine_of(first))
    await link.uplink.start()
    await link.until(lambda found: len(found) >= 10)
    epoch = re.sub(r"[^0-9A-Za-z]", "", (await link.edge.state(INTAKE.name)).created)
    run = Run("dev_1", TOPIC, round(time.time() * 1000), 0, [b"666"])
    theirs = Delivery(epoch, "all", 10, 11, encode_frame(Frame(1, "x", [run])), machine_of(second))
    with pytest.raises(Conflict) as refused:
        await link.receiver._take(EDGE, encode(theirs))
    assert refused.value.code == "devices.edge_cloned"
    with pytest.raises(Conflict):
        await link.receiver._offer(EDGE, encode(Offer(epoch, machine_of(second))))
    await link.receiver._status(EDGE, encode(Report(EdgeStatus(), machine_of(first))))
    assert seen[EDGE]["status"]["cloned"]
    await link.receive(range(10, 15))
    assert await link.until(lambda found: len(found) >= 15) == list(range(15))


@pytest.mark.parametrize("status", [{"problems": [{(1, 2): "x"}]}, {"problems": [{}] * 21}, {"rtt_ms": float("nan")}])
async def test_a_status_that_the_records_cannot_keep_is_refused(link: Link, status: dict[str, object]) -> None:
    await link.open()
    assert link.receiver is not None
    with pytest.raises(Invalid) as refused:
        await link.receiver._status(EDGE, encode({"status": status}))
    assert refused.value.code == "devices.edge_message_invalid"
    await link.receiver._status(EDGE, encode({"status": {"problems": [{"code": "listener.connections_full"}]}}))
    assert link.receiver._seen[EDGE]["status"]["problems"][0]["code"] == "listener.connections_full"


async def test_requests_of_an_edge_that_are_under_way_are_bounded() -> None:
    go_on = asyncio.Event()

    async def slow(_edge_id: str, data: bytes) -> bytes:
        await go_on.wait()
        return data

    answer = _bounded(slow, 2)
    first = [asyncio.create_task(answer(EDGE, b"x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(LimitExceeded) as refused:
        await answer(EDGE, b"x")
    assert refused.value.code == "devices.edge_crowded"
    go_on.set()
    assert await asyncio.gather(*first) == [b"x", b"x"]
    assert await answer(EDGE, b"y") == b"y"


def test_another_machine_may_go_on_after_the_first_is_silent() -> None:
    machines = Machines()
    machines.hear(EDGE, "a", 0)
    with pytest.raises(Conflict):
        machines.hear(EDGE, "b", 9)
    machines.hear(EDGE, "b", 10.5)
    assert machines.is_cloned(EDGE, 30)
    assert not machines.is_cloned(EDGE, 60)
    machines.hear(EDGE, "", 11)


async def test_a_parent_restored_from_an_older_backup_gets_what_it_lacks_and_nothing_twice(link: Link) -> None:
    """Its history and its positions are of the same moment, when 20 of 40 frames were there."""
    await link.open()
    await link.receive(range(40))
    uplink = await link.forward()
    await link.until(lambda found: len(found) >= 40)
    epoch = re.sub(r"[^0-9A-Za-z]", "", (await link.edge.state(INTAKE.name)).created)
    await link.cut()
    for stream in (INTAKE.name, "EDGE_POSITIONS"):
        await link.parent.remove_stream(stream)
    await EdgePositions(link.parent).start()
    await link.parent.append(f"edge_positions.{EDGE}.{epoch}.all", b"20")
    await link.receive(range(40, 45))
    await link.open()
    assert await link.until(lambda found: len(found) >= 25) == list(range(20, 45))
    assert uplink.went_back == 1
    assert uplink.given_up == 0
