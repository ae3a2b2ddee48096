"""Dead letters over HTTP: what is looked for is text, never a pattern of the broker's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from millwright.devices.dead_letters import DeadLetter, DeadLetters, DeadLetterStream
from millwright.devices.intake import INTAKE
from millwright.engines.nats import NatsConnection
from millwright.kernel import NotFound
from millwright.kernel.scope import EVERYTHING, within
from millwright.ledger import Act, acting
from support.web import running_web


@dataclass(frozen=True)
class Desk:
    """An administrator, and a device with one dead letter."""

    administrator: httpx.AsyncClient
    device_id: str
    bus: NatsConnection


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with running_web(tmp_path) as running:
        administrator = await running.set_up()
        device_id = str((await administrator.post("/api/v1/devices", json={"name": "press"})).json()["id"])
        letter = DeadLetter("telemetry.not_json", "No JSON.", device_id, "millwright/v1/telemetry", b"x", 1)
        await DeadLetterStream(running.bus).append(letter)
        yield Desk(administrator, device_id, running.bus)


@pytest.mark.parametrize("odd", ["*", ">", "a b", "telemetry.*", "a\r\nPUB x 0\r\n\r\n", "死", "a" * 255])
async def test_a_reason_or_device_that_there_is_not_finds_nothing(desk: Desk, odd: str) -> None:
    administrator = desk.administrator
    for name in ("reason", "device_id"):
        found = await administrator.get("/api/v1/dead-letters", params={name: odd})
        assert (found.status_code, found.json().get("items")) == (200, []), found.text
        for done in ("discard", "replay"):
            answer = await administrator.post(f"/api/v1/dead-letters/{done}", json={"all": True, name: odd})
            assert (answer.status_code, *answer.json().values()) == (200, 0)
    assert (await administrator.get("/api/v1/dead-letters/summary")).json()["count"] == 1
    kept = await administrator.get(
        "/api/v1/dead-letters", params={"reason": "telemetry.not_json", "device_id": desk.device_id}
    )
    assert len(kept.json()["items"]) == 1


async def test_a_line_that_the_broker_would_hang_up_on_is_not_sent(desk: Desk) -> None:
    administrator = desk.administrator
    long = "a" * 5000
    assert (await administrator.get("/api/v1/dead-letters", params={"reason": long})).status_code == 400
    body = {"all": True, "device_id": long}
    assert (await administrator.post("/api/v1/dead-letters/discard", json=body)).status_code == 400


@pytest.mark.parametrize("done", ["replay", "discard"])
async def test_what_was_done_before_an_error_is_told_and_the_registry_is_asked_once(desk: Desk, done: str) -> None:
    asked: list[Collection[str]] = []

    async def gate(devices: Collection[str]) -> Collection[str]:
        asked.append(devices)
        return devices

    await desk.bus.ensure_stream(INTAKE)
    await DeadLetterStream(desk.bus).append(DeadLetter("telemetry.not_json", "No.", desk.device_id, "t", b"y", 2))
    letters, act = DeadLetters(desk.bus, gate), Act()
    there = [each.sequence for each in await DeadLetterStream(desk.bus).page()]
    with acting(act), within(EVERYTHING):
        with pytest.raises(NotFound):
            await getattr(letters, done)([*there, 999])
        assert [each.after[f"{done}ed"] for each in act.notes] == [2]
        assert [list(each) for each in asked] == [[desk.device_id]]
        with pytest.raises(NotFound):
            await getattr(letters, done)([999])
    assert len(act.notes) == 1
