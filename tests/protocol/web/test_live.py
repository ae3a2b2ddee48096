"""Server-Sent Events, over a real broker."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from millwright.devices.presence.model import PresenceRow
from millwright.devices.store import removed
from millwright.kernel.scope import EVERYTHING
from support.web import RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


class Listening:
    """One open stream and what came over it."""

    def __init__(self, client: httpx.AsyncClient, *devices: str) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.status = 0
        self._client, self._devices = client, devices
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        query = [("device_id", device) for device in self._devices]
        async with self._client.stream("GET", "/api/v1/live", params=query) as answer:
            self.status = answer.status_code
            event = ""
            async for line in answer.aiter_lines():
                self.opened.set()
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    self.events.put_nowait((event, json.loads(line[6:])))
                elif line.startswith(":"):
                    self.events.put_nowait(("", line))

    async def next(self, wanted: str = "", timeout_s: float = 5) -> tuple[str, Any]:
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.events.get()
                if not wanted or event[0] == wanted:
                    return event


@contextlib.asynccontextmanager
async def listening(client: httpx.AsyncClient, *devices: str) -> AsyncIterator[Listening]:
    stream = Listening(client, *devices)
    try:
        await asyncio.wait_for(stream.opened.wait(), 5)
        yield stream
    finally:
        stream.task.cancel()
        await asyncio.gather(stream.task, return_exceptions=True)


def readings(device: str, *values: list[Any]) -> bytes:
    return msgspec.json.encode({"device_id": device, "readings": list(values)})


def register(web: RunningWeb, *devices: str, organisation_id: str = "org_root") -> None:
    """Let the registry know the devices."""
    rows = [{"id": each, "name": each, "removed_ms": 0, "organisation_id": organisation_id} for each in devices]
    with web.services.records.scoped(EVERYTHING).begin() as connection:
        connection.execute(sa.insert(removed), rows)


async def test_readings_reach_those_who_watch_the_device(web: RunningWeb) -> None:
    administrator = await web.set_up()
    register(web, "dev_1", "dev_2")
    leases: asyncio.Queue[Any] = asyncio.Queue()

    async def on_watch(_subject: str, payload: bytes) -> None:
        leases.put_nowait(msgspec.msgpack.decode(payload)["devices"])

    await web.bus.subscribe("live.watch", on_watch)
    async with listening(administrator, "dev_1") as one, listening(administrator, "dev_2", "dev_1") as both:
        assert set(await asyncio.wait_for(leases.get(), 5)) <= {"dev_1", "dev_2"}
        await web.bus.publish("live.dev_2", readings("dev_2", ["t", 1, 2.5, 192]))
        await web.bus.publish("live.dev_1", readings("dev_1", ["t", 1, 3.5, 192]))
        assert await both.next() == ("readings", {"device_id": "dev_2", "readings": [["t", 1, 2.5, 192]]})
        assert (await one.next())[1]["device_id"] == "dev_1"
        assert (await both.next())[1]["device_id"] == "dev_1"
        assert one.events.empty()


async def test_alarms_presence_arrivals_and_figures_reach_everybody(web: RunningWeb) -> None:
    administrator = await web.set_up()
    register(web, "dev_1", "dev_2")
    async with listening(administrator) as stream:
        await web.bus.publish(
            "events.alarms",
            msgspec.msgpack.encode({"id": "alm_1", "state": "unacknowledged", "organisation_id": "org_root"}),
        )
        assert await stream.next() == (
            "alarm",
            {"id": "alm_1", "state": "unacknowledged", "organisation_id": "org_root"},
        )
        row = PresenceRow("dev_1", True, 5, 6, None)  # as the presence worker tells it
        await web.bus.publish("events.devices.presence", msgspec.json.encode([row]))
        assert await stream.next() == (
            "presence",
            {"device_id": "dev_1", "online": True, "since_ms": 5, "last_seen_ms": 6, "reason": None},
        )
        await web.bus.publish("events.devices.arrivals", b"{}")
        assert await stream.next() == ("arrivals", {})
        figures = {"role": "historian", "instance": "1", "counters": {"dead_letters": 3}}
        await web.bus.publish("stats.historian.1", msgspec.json.encode(figures))
        assert await stream.next() == ("stats", figures)
        figures["counters"] = {"dead_letters": 4}
        await web.bus.publish("stats.historian.1", msgspec.json.encode(figures))
        assert (await stream.next("dead_letters"))[1] == {"counter": 4}


async def test_what_cannot_be_read_on_the_bus_does_no_harm(web: RunningWeb) -> None:
    administrator = await web.set_up()
    register(web, "dev_1", "dev_2")
    async with listening(administrator, "dev_1") as stream:
        for subject in ("events.alarms", "events.devices.presence", "stats.x.y", "events.devices.arrivals"):
            for payload in (b"", b"\xc1", b"{", b"7", b"[[1]]", b"null"):
                await web.bus.publish(subject, payload)
        await web.bus.publish("events.alarms", msgspec.msgpack.encode({"id": "alm_2", "organisation_id": "org_root"}))
        assert (await stream.next("alarm"))[1] == {"id": "alm_2", "organisation_id": "org_root"}


async def test_a_stream_ends_with_its_session(web: RunningWeb) -> None:
    administrator = await web.set_up()
    register(web, "dev_1", "dev_2")
    watcher = await web.person(administrator, "Wim", "viewer")
    async with listening(watcher) as stream:
        assert (await watcher.delete("/api/v1/session")).status_code == 204
        assert (await stream.next("end", timeout_s=8))[1]["code"] == "parties.sign_in_required"
        await asyncio.wait_for(stream.task, 2)


async def test_stopping_the_node_does_not_wait_for_streams(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        web = await stack.enter_async_context(running_web(tmp_path))
        administrator = await web.set_up()
        register(web, "dev_1", "dev_2")
        stream = await stack.enter_async_context(listening(administrator))
        began = time.monotonic()
        await web.server.stop()
        assert time.monotonic() - began < 1
        await asyncio.wait_for(asyncio.gather(stream.task, return_exceptions=True), 2)


async def test_a_client_that_leaves_is_forgotten(web: RunningWeb) -> None:
    administrator = await web.set_up()
    register(web, "dev_1", "dev_2")
    async with listening(administrator, "dev_1"):
        assert web.server.gauges()["live_streams"] == 1
    await web.bus.publish("live.dev_1", readings("dev_1", ["t", 1, 1, 192]))
    for _ in range(50):
        if web.server.gauges()["live_streams"] == 0:
            break
        await asyncio.sleep(0.1)
    assert web.server.gauges()["live_streams"] == 0
    assert web.server.gauges()["live_devices"] == 0


async def test_streams_have_a_limit(tmp_path: Path) -> None:
    async with running_web(tmp_path, max_streams=2) as web:
        administrator = await web.set_up()
        register(web, "dev_1", "dev_2")
        async with listening(administrator), listening(administrator):
            answer = await administrator.get("/api/v1/live")
            assert answer.status_code == 429
            assert answer.json()["code"] == "web.too_many_streams"
