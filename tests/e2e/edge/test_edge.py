"""An edge and its parent as two nodes: joined, cut, killed, revoked."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import nats
import nats.errors
import pytest
from nats.aio.msg import Msg

from millwright.devices.edge.wire import Delivery, Offer, Standing, Taken, encode
from millwright.devices.intake import Frame, Run, encode_frame
from millwright.engines.nats import LeafRemote
from support.edge import EdgeNode, Parent, add_device, enrol
from support.nats import RunningNats
from support.reliability import Device, Fleet, history, wrong_in_history

T = TypeVar("T")


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    with Parent(tmp_path_factory.mktemp("parent")) as node:
        yield node


@pytest.fixture(scope="module")
def api(parent: Parent) -> Iterator[httpx.Client]:
    client = parent.administrator()
    yield client
    client.close()


@pytest.fixture
def joined(parent: Parent, api: httpx.Client, tmp_path: Path) -> Iterator[tuple[EdgeNode, str]]:
    """A running edge, and its id."""
    made = enrol(api, tmp_path.name)
    edge = EdgeNode(tmp_path / "edge", parent)
    done = edge.join(made["enrolment"]["code"])
    assert done.returncode == 0, done.stderr
    try:
        with edge:
            edge_id = made["edge"]["id"]
            edge.wait_for("it is connected", lambda: state(api, edge_id)["state"] == "connected")
            yield edge, edge_id
    finally:
        edge.line.cut()


def state(api: httpx.Client, edge_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/edges/{edge_id}").json()
    return found


def add(
    fleet: Fleet, edge: EdgeNode, api: httpx.Client, edge_id: str, name: str, *, timed: bool, rate: float
) -> Device:
    device_id, token = add_device(api, name, edge_id)
    return fleet.send(Device(edge.mqtt_port, device_id, token, name, timed=timed, rate=rate, window=50))


def assert_all_there(
    parent: Parent, edge: EdgeNode, api: httpx.Client, devices: list[Device], timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    for device in devices:
        while wrong := wrong_in_history(api, device):
            assert time.monotonic() < deadline, f"{wrong}\n{edge.output()}\n{parent.output()}"
            time.sleep(0.3)


@pytest.mark.timeout(240)
def test_cut_and_killed_everything_arrives_once_and_new_data_first(
    parent: Parent, api: httpx.Client, joined: tuple[EdgeNode, str]
) -> None:
    edge, edge_id = joined
    with Fleet(edge, api) as fleet:
        devices = [
            add(fleet, edge, api, edge_id, f"{edge_id[-6:]}-{number}", timed=number % 2 == 0, rate=150)
            for number in range(4)
        ]
        fleet.await_progress(50)
        parent.wait_for("values rise", lambda: len(history(api, devices[0].device_id, "n") or ()) > 20)
        parent.wait_for(
            "presence rises", lambda: api.get(f"/devices/{devices[0].device_id}").json()["presence"]["online"]
        )
        edge.line.cut()
        fleet.await_progress(1200)
        edge.kill("edge")
        fleet.await_progress(300)
        parent.kill("edges")
        edge.line.join()
        newest = [device.sent for device in devices]
        # The newest values are there while older ones still come.
        for device, number in zip(devices, newest, strict=True):
            parent.wait_for(
                f"{device.name} is live", lambda device=device, number=number: newest_of(api, device) > number
            )
        fleet.await_progress(100)
        edge.kill("nats-server")
        fleet.await_progress(100)
        parent.kill("nats-server")
        parent.kill("historian")
        fleet.await_progress(100)
        edge.line.cut()
        fleet.await_progress(300)
        edge.kill("edge")
        edge.line.join()
        fleet.await_progress(300)
        fleet.finish()
        assert_all_there(parent, edge, api, devices, 60)
        edge.wait_for("nothing waits", lambda: state(api, edge_id)["status"]["backlog_messages"] == 0)
    assert [each for each in api.get("/dead-letters").json()["items"] if each["device_id"] is not None] == []


def newest_of(api: httpx.Client, device: Device) -> int:
    rows = history(api, device.device_id, "n") or [{"value": -1}]
    return int(max(row["value"] for row in rows))


@pytest.mark.timeout(120)
def test_codes_are_good_once_and_revoking_ends_the_link(
    parent: Parent, api: httpx.Client, joined: tuple[EdgeNode, str], tmp_path: Path
) -> None:
    _, edge_id = joined
    other = EdgeNode(tmp_path / "other", parent)
    other.line.cut()
    wrong = other.cli("edge", "join", parent.url, "mwe_nonsense")
    assert wrong.returncode != 0
    assert "wrong" in wrong.stderr
    assert "New code" in wrong.stderr
    renewed = api.post(f"/edges/{edge_id}/code").json()
    assert parent.url in renewed["command"]
    assert other.cli("edge", "join", parent.url, "mwe_nonsense").returncode != 0
    assert not (other.data / "edge.json").exists()
    first = other.cli("edge", "join", parent.url, renewed["code"])
    assert first.returncode == 0, first.stderr
    assert (other.data / "edge.json").stat().st_mode & 0o077 == 0
    again = other.cli("edge", "join", "--again", parent.url, renewed["code"])
    assert "used before" in again.stderr
    # Who used the new code has taken the edge over: the machine before is out.
    parent.wait_for("the first machine is cut off", lambda: state(api, edge_id)["state"] == "cut")
    assert api.post(f"/edges/{edge_id}/revocation").json()["state"] == "revoked"
    refused = api.post("/devices", json={"name": "late", "edge_id": edge_id})
    assert refused.json()["code"] == "devices.edge_revoked"


@pytest.mark.timeout(120)
def test_desired_state_reaches_the_edge(parent: Parent, api: httpx.Client, joined: tuple[EdgeNode, str]) -> None:
    edge, edge_id = joined
    edge.wait_for("a desired state is in force", lambda: (state(api, edge_id)["status"] or {}).get("applied"))
    device_id, token = add_device(api, f"press {edge_id[-6:]}", edge_id)
    with Fleet(edge, api) as fleet:
        device = fleet.send(Device(edge.mqtt_port, device_id, token, "press", timed=True, rate=50, window=10))
        fleet.await_progress(20)
        credential = api.get(f"/devices/{device_id}/credentials").json()[0]["id"]
        api.delete(f"/devices/{device_id}/credentials/{credential}")
        edge.wait_for("the revoked token is refused", lambda: device.refusals[4])


@pytest.mark.timeout(120)
async def test_a_hostile_edge_hears_and_reaches_nobody_and_speaks_for_nobody_else(
    parent: Parent, api: httpx.Client, joined: tuple[EdgeNode, str], tmp_path: Path
) -> None:
    """Somebody who has another edge's key speaks the link with a broker of his own."""
    good, good_id = joined
    mine_id, token = add_device(api, f"theirs {good_id[-6:]}", good_id)
    made = enrol(api, f"bad {good_id[-6:]}")
    bad = EdgeNode(tmp_path / "bad", parent)
    bad.line.cut()
    assert bad.cli("edge", "join", parent.url, made["enrolment"]["code"]).returncode == 0
    kept = json.loads((bad.data / "edge.json").read_text())
    remote = LeafRemote(tuple(kept["urls"]), kept["seed"])
    # As a client he does not get in at all, neither with the key nor without.
    config = (parent.data / "edges" / "edges.conf").read_text()
    client_port = re.search(r"^port: (\d+)", config, re.MULTILINE)
    assert client_port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client_port[1]))
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    assert b"Authorization Violation" in await reader.read()
    writer.close()
    await writer.wait_closed()
    async with RunningNats(tmp_path / "nats", remote=remote) as server:
        client = await nats.connect(server.url, no_echo=True)
        heard: list[str] = []

        async def hear(message: Msg) -> None:
            heard.append(message.subject)

        await client.subscribe(">", cb=hear)
        epoch = "1"
        standing = await eventually(lambda: client.request("up.offer", encode(Offer(epoch)), timeout=1))
        assert msgspec.msgpack.decode(standing.data, type=Standing).lanes == {}
        for subject in (f"intake.edge.{good_id}.1.all", f"edge.{good_id}.up.offer", "presence.ask", "up.nothing"):
            with pytest.raises(nats.errors.Error):
                await client.request(subject, b"", timeout=0.5)
        with Fleet(good, api) as fleet:
            device = fleet.send(Device(good.mqtt_port, mine_id, token, "theirs", timed=True, rate=100, window=10))
            fleet.await_progress(50)
            fleet.finish()
            assert_all_there(parent, good, api, [device], 30)
        ours = {each for each in heard if not each.startswith(("_INBOX", "down.", "$"))}
        assert ours == set()
        # He says something of a device at the other edge: it is kept as a dead letter, history has none of it.
        run = Run(mine_id, "millwright/v1/telemetry", 1_700_000_000_000, 0, [b'{"n": 666}'])
        delivery = Delivery(epoch, "all", 0, 1, encode_frame(Frame(1, "x", [run])))
        taken = await client.request("up.frames", encode(delivery), timeout=10)
        assert msgspec.msgpack.decode(taken.data, type=Taken).position == 1
        parent.wait_for("the dead letter", lambda: made["edge"]["id"] in api.get("/dead-letters").text)
        assert 666 not in {row["value"] for row in history(api, mine_id, "n") or []}
        # What he repeats is taken once, what he skips or garbles not at all, and the parent goes on.
        again = await client.request("up.frames", encode(delivery), timeout=10)
        assert msgspec.msgpack.decode(again.data, type=Taken).position == 1
        skipped = await client.request("up.frames", encode(Delivery(epoch, "all", 7, 9, delivery.frame)), timeout=10)
        assert msgspec.msgpack.decode(skipped.data, type=Taken).position == 1
        strange = (
            Delivery("../x", "all", 1, 2, b""),
            Delivery("1", "live-x", 1, 2, b""),
            Delivery("1", "all", 1, 2, b""),
        )
        for broken in (b"", b"\xc1", *map(encode, strange)):
            reply = await client.request("up.frames", broken, timeout=10)
            assert (reply.headers or {})["Millwright-Error"] == "devices.edge_message_invalid"
        assert api.post(f"/edges/{made['edge']['id']}/revocation").status_code == 201
        await eventually(lambda: refused(client))
        await client.close()
    good.wait_for("the other edge is back", lambda: state(api, good_id)["state"] == "connected")


async def refused(client: nats.NATS) -> bool:
    """Whether nobody answers the revoked edge any more."""
    try:
        await client.request("up.offer", encode(Offer("1")), timeout=1)
    except nats.errors.Error:
        return True
    raise AssertionError("it is still answered")


async def eventually(attempt: Callable[[], Awaitable[T]], timeout_s: float = 20) -> T:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await attempt()
        except (nats.errors.Error, AssertionError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
