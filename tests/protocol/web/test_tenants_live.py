"""Tenants while things happen: live streams, a role taken away in mid-session, an organisation removed under load."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from millwright.engines.sql import metadata, owner_of
from millwright.kernel.scope import EVERYTHING
from support.tenants import Tenant, plant, remove, send
from support.web import RunningWeb, running_web


class Town:
    def __init__(self, web: RunningWeb, root: httpx.AsyncClient, red: Tenant, blue: Tenant) -> None:
        self.web, self.root, self.red, self.blue = web, root, red, blue


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        red, blue = [await plant(web, None, root, marker) for marker in ("vermilion", "cerulean")]
        yield Town(web, root, red, blue)


async def heard(client: httpx.AsyncClient, until: str, **query: Any) -> list[tuple[str, Any]]:
    """The events of a stream up to and with the first whose data contain ``until``."""
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(20), client.stream("GET", "/api/v1/live", params=query) as answer:
        assert answer.status_code == 200
        event = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                found.append((event, json.loads(line[6:])))
                if until in line:
                    return found
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the tasks count, they signal nothing
            await asyncio.sleep(0.01)


async def happen(town: Town, stop: asyncio.Event) -> None:
    """Things happen to both, again and again; the last of each round is the own one of who listens."""
    bus = town.web.bus
    while not stop.is_set():
        for tenant in (town.red, town.blue):
            device = tenant.ids["device_id"]
            alarm = {"id": f"alm_{tenant.marker}", "message": tenant.marker, "organisation_id": tenant.id}
            reading = {"device_id": device, "readings": [[tenant.marker, 1, 1.0, 192]]}
            await bus.publish("events.alarms", msgspec.msgpack.encode(alarm))
            await bus.publish("events.devices.presence", json.dumps([[device, True, 1, 1, tenant.marker]]).encode())
            await bus.publish("events.devices.arrivals", b"{}")
            await bus.publish("stats.historian.1", msgspec.json.encode({"role": "historian", "counters": {}}))
            await bus.publish(f"live.{device}", msgspec.json.encode(reading))
        await asyncio.sleep(0.02)


async def test_a_stream_shows_ones_own_and_nothing_else(town: Town) -> None:
    stop = asyncio.Event()
    noise = asyncio.create_task(happen(town, stop))
    devices = [town.red.ids["device_id"], town.blue.ids["device_id"]]
    try:
        for tenant, other in ((town.red, town.blue), (town.blue, town.red)):
            for role in ("administrator", "viewer"):
                mine = tenant.ids["device_id"]
                for until in (
                    f'"alm_{tenant.marker}"',
                    f'"device_id":"{mine}","readings"',
                    f'"reason":"{tenant.marker}"',
                ):
                    events = await heard(tenant.clients[role], until, device_id=devices)
                    assert other.marker not in str(events)
                    assert other.ids["device_id"] not in str(events)
                    assert {event for event, _ in events} <= {"alarm", "presence", "readings"}
        above = await heard(town.root, '"role":"historian"', device_id=devices)
        assert "vermilion" not in str(above)
        assert "cerulean" not in str(above)
    finally:
        stop.set()
        await noise


async def test_a_role_taken_away_counts_in_the_open_session(town: Town) -> None:
    engineer = town.red.clients["engineer"]
    assert (await engineer.get("/api/v1/devices")).status_code == 200
    grants = await send(town.red.client, "GET", "/grants", status=200)
    grant = next(each for each in grants if each["role"] == "engineer")
    await send(town.red.client, "DELETE", f"/grants/{grant['id']}", status=204)
    assert (await engineer.get("/api/v1/devices")).status_code == 403
    assert (await engineer.post("/api/v1/places", json={"level": "site", "name": "x"})).status_code == 403


async def test_an_organisation_removed_under_load_takes_nothing_of_others(town: Town) -> None:
    stop = asyncio.Event()
    made: list[str] = []
    refused: set[int] = set()

    async def neighbour(number: int) -> None:
        count = 0
        while not stop.is_set():
            answer = await town.blue.client.post("/api/v1/devices", json={"name": f"new {number} {count}"})
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["id"])
            count += 1

    async def victim(number: int) -> None:
        count = 0
        while not stop.is_set():
            path = "/api/v1/devices"
            answer = await town.red.clients["engineer"].post(path, json={"name": f"red {number} {count}"})
            assert answer.status_code in (201, 403, 404), answer.text
            listed = await town.red.clients["viewer"].get(path)
            assert listed.status_code in (200, 403), listed.text
            assert "cerulean" not in answer.text + listed.text
            refused.add(answer.status_code)
            count += 1

    load = [asyncio.create_task(work(number)) for work in (neighbour, victim) for number in range(2)]
    try:
        await until(lambda: len(made) >= 5)
        await send(town.root, "PATCH", f"/organisations/{town.red.id}", {"suspended": True}, 200)
        await remove(town.root, town.red)
        reached = len(made) + 5
        await until(lambda: len(made) >= reached and max(refused) != 201)
    finally:
        stop.set()
        await asyncio.gather(*load)
    seen = (await town.blue.client.get("/api/v1/devices", params={"limit": 1000})).json()["items"]
    assert {each["id"] for each in seen} == {*made, town.blue.ids["device_id"]}
    assert (await town.blue.client.get(f"/api/v1/alarms/{town.blue.ids['alarm_id']}")).status_code == 200
    with town.web.services.records.scoped(EVERYTHING).read() as connection:
        for table in metadata.sorted_tables:
            owner = owner_of(table)
            if owner is not None and owner.parent is None and not owner.kept:
                left = sa.select(sa.func.count()).where(table.c.organisation_id == town.red.id)
                assert connection.scalar(left) == 0, table.name
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
