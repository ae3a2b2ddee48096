"""Rules of feedback over HTTP with a real broker: whose devices they ask, and as long as who made them may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.devices.commands import CommandsSettings, commands_service
from millwright.devices.location import FeedbackStore, LocationSettings, Reactor, TrackStore
from millwright.devices.location.keeping import Step
from millwright.devices.location.model import FeedbackForm
from millwright.devices.location.states import Happening, Stay, TagState
from millwright.historian import HistorianClient
from millwright.kernel import LimitExceeded
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from millwright.operations import Alarms
from millwright.parties import Standing
from support.tenants import send
from support.web import RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, written=True) as running:
        yield running


class Floor:
    """A gate with a device, and what stands for the tracker."""

    def __init__(self, web: RunningWeb, engineer: httpx.AsyncClient, zone_id: str, device_id: str) -> None:
        self.web, self.engineer, self.zone_id, self.device_id = web, engineer, zone_id, device_id
        self._records = web.services.records.scoped(EVERYTHING)
        self.store, self.track = FeedbackStore(self._records), TrackStore(self._records)
        self._steps = 0
        self.organisation_id = "org_root"

    async def rule(self, name: str = "w", **more: Any) -> Any:
        form: dict[str, Any] = {"name": name, "on": "enter", "zone_id": self.zone_id, "device_id": self.device_id}
        form |= {"command": "lamp", "value": 1, "again_after_s": 0, **more}
        return await send(self.engineer, "POST", "/location/rules", form)

    async def come(self, *tags: str) -> None:
        """Tags come in."""
        now_ms = self.web.services.clock.now_ms()
        self._steps += 1
        owner = self.organisation_id
        happened = [
            Happening(
                kind="enter", time_ms=now_ms, organisation_id=owner, zone_id=self.zone_id, zone="gate", tag=tag,
                entered_ms=now_ms,
            )
            for tag in tags
        ]  # fmt: skip
        states = [TagState(owner, tag, stays={self.zone_id: Stay(now_ms, now_ms, inside=True)}) for tag in tags]
        step = Step("test", self._steps, happened, [], states, {})
        await asyncio.to_thread(self.track.keep, step, self.store.triggers(), {}, now_ms)

    def reactor(self) -> Reactor:
        clock, bus = self.web.services.clock, self.web.bus
        alarms = Alarms(self._records, bus, clock)
        commands, _ = commands_service(
            self._records,
            self._records,
            HistorianClient(bus),
            alarms.active_by_priority,
            bus,
            clock,
            CommandsSettings(),
        )
        return Reactor(
            self.store, commands, Standing(self._records, clock), Recorder(bus), clock, LocationSettings().stale_s
        )

    async def became(self, rule: Any) -> list[str | None]:
        """Codes of a rule's reactions, oldest first."""
        found = await send(self.engineer, "GET", f"/location/rules/{rule['id']}/reactions", status=200)
        return [each["code"] for each in found[::-1]]


async def floor(web: RunningWeb, anna: httpx.AsyncClient, engineer: httpx.AsyncClient) -> Floor:
    device_id = (await send(anna, "POST", "/devices", {"name": "gate"}))["id"]
    zone = {"name": "gate", "antennas": [{"device_id": device_id}]}
    return Floor(web, engineer, (await send(anna, "POST", "/location/zones", zone))["id"], device_id)


async def test_a_rule_asks_as_long_as_who_made_it_may(web: RunningWeb) -> None:
    anna = await web.set_up("Anna")
    here = await floor(web, anna, await web.person(anna, "Eve", "engineer"))
    rule, reactor = await here.rule(), here.reactor()
    await here.come("A1")
    await reactor.look()
    assert await here.became(rule) == ["commands.no_model"], "it was asked for"
    eve = next(each for each in await send(anna, "GET", "/people", status=200) if each["name"] == "Eve")
    await send(anna, "PATCH", f"/people/{eve['id']}", {"roles": ["viewer"]}, 200)
    await here.come("A2")
    await reactor.look()
    await send(anna, "PATCH", f"/people/{eve['id']}", {"disabled": True}, 200)
    await here.come("A3")
    await reactor.look()
    here.engineer = anna
    assert await here.became(rule) == ["commands.no_model", "location.maker_gone", "location.maker_gone"]
    assert reactor.refused == 3


async def test_a_rule_asks_no_device_of_another_organisation(web: RunningWeb) -> None:
    anna = await web.set_up("Anna")
    here = await floor(web, anna, anna)
    other = {"name": "Mill", "kind": "department", "parent_id": "org_root"}
    other_id = (await send(anna, "POST", "/organisations", other))["id"]
    answer = await anna.post("/api/v1/devices", json={"name": "mill"}, headers={"X-Organisation": other_id})
    assert answer.status_code == 201, answer.text
    form = {"name": "w", "on": "enter", "zone_id": here.zone_id, "device_id": answer.json()["id"]}
    refused = await anna.post("/api/v1/location/rules", json={**form, "command": "lamp", "value": 1})
    assert (refused.status_code, refused.json()["code"]) == (400, "location.rule_invalid")


async def test_organisations_take_turns_and_a_surplus_goes_at_once(web: RunningWeb) -> None:
    anna = await web.set_up("Anna")
    here = await floor(web, anna, anna)
    rule = await here.rule()
    other = {"name": "Mill", "kind": "department", "parent_id": "org_root"}
    other_id = (await send(anna, "POST", "/organisations", other))["id"]
    there = Floor(web, anna, "", "")
    for path, made in (("devices", "device_id"), ("location/zones", "zone_id")):
        form = {"name": "mill"} | ({"antennas": [{"device_id": there.device_id}]} if there.device_id else {})
        answer = await anna.post(f"/api/v1/{path}", json=form, headers={"X-Organisation": other_id})
        assert answer.status_code == 201, answer.text
        setattr(there, made, answer.json()["id"])
    there.organisation_id, there._steps = other_id, 100
    theirs = await there.rule("m")
    assert theirs["organisation_id"] == other_id
    await here.come(*(f"T{number}" for number in range(100)))
    await there.come("M")
    numbers = here.store.due(web.services.clock.now_ms())
    assert len(numbers) == 17
    last = here.store.find_due(numbers[1], web.services.clock.now_ms())
    assert last is not None
    assert last.tag == "M", "whoever came first with much, the other is next"
    form = {key: rule[key] for key in ("name", "on", "zone_id", "device_id", "command", "value")}
    await send(anna, "PUT", f"/location/rules/{rule['id']}", {**form, "enabled": False}, 200)
    reactor = here.reactor()
    await reactor.look()
    assert (reactor.passed, reactor.refused) == (100, 1)
    assert await here.became(rule) == ["location.rule_off"] * 100
    assert await there.became(theirs) == ["commands.no_model"]


async def test_rules_of_an_organisation_are_bounded(web: RunningWeb) -> None:
    anna = await web.set_up("Anna")
    here = await floor(web, anna, anna)
    await here.rule()
    store = FeedbackStore(web.services.records.scoped(EVERYTHING), LocationSettings(most_rules=1))
    form = FeedbackForm(name="x", on="enter", zone_id=here.zone_id, device_id=here.device_id, command="lamp", value=1)
    with pytest.raises(LimitExceeded, match="1 rules"):
        store.add("fbk_x", form, ("per_x", "X"))
    assert len(store.rules()) == 1


async def test_too_many_reactions_of_one_step_are_let_be(web: RunningWeb, monkeypatch: Any) -> None:
    monkeypatch.setattr("millwright.devices.location.keeping._MOST_REACTIONS", 3)
    anna = await web.set_up("Anna")
    here = await floor(web, anna, anna)
    rule = await here.rule()
    await here.come("A", "B", "C", "D", "E")
    assert len(await here.became(rule)) == 3
    assert here.track.surplus == 2
