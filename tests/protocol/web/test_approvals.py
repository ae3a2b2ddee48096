"""Operations that take a second person, over HTTP with a real broker: held, decided, done once or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.approvals import ApprovalsKeeper, ApprovalsSettings
from millwright.approvals.tables import requests
from support.tenants import join, send
from support.web import PASSWORD, RunningWeb, running_web

ROOT = "org_root"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


class House:
    """A node with two administrators and a policy."""

    def __init__(self, web: RunningWeb, anna: httpx.AsyncClient, bo: httpx.AsyncClient) -> None:
        self.web, self.anna, self.bo = web, anna, bo

    @classmethod
    async def build(cls, web: RunningWeb, *actions: str) -> House:
        anna = await web.set_up("Anna")
        bo = await web.person(anna, "Bo", "administrator")
        house = cls(web, anna, bo)
        await house.state(*actions)
        return house

    async def state(self, *actions: str, organisation_id: str = ROOT, by: httpx.AsyncClient | None = None) -> Any:
        return await send(
            by or self.anna, "PUT", f"/organisations/{organisation_id}/approval-policy", {"actions": actions}, 200
        )

    async def device(self, name: str = "kiln") -> str:
        found: str = (await send(self.anna, "POST", "/devices", {"name": name}))["id"]
        return found

    async def held(self, client: httpx.AsyncClient, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = await client.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == 202, answer.text
        approval: dict[str, Any] = answer.json()["approval"]
        assert answer.headers["location"] == f"/api/v1/approvals/{approval['id']}"
        return approval

    def row(self, approval_id: str) -> Any:
        return self.web.services.approvals.store.get(approval_id)

    @property
    def keeper(self) -> ApprovalsKeeper:
        return ApprovalsKeeper(self.web.services.approvals, self.web.services.recorder, self.web.services.clock)


async def decide(client: httpx.AsyncClient, approval: dict[str, Any], verdict: str = "approve") -> httpx.Response:
    return await client.post(f"/api/v1/approvals/{approval['id']}/{verdict}", json={"comment": "seen"})


async def test_without_a_policy_nothing_is_held(web: RunningWeb) -> None:
    house = await House.build(web)
    assert (await house.anna.delete(f"/api/v1/devices/{await house.device()}")).status_code == 204


async def test_a_named_operation_waits_and_is_done_when_approved(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    path = f"/api/v1/devices/{device}"
    headers = {"X-Reason": "%E6%97%A7%E8%AE%BE%E5%A4%87"}
    asked = await house.held(house.anna, "DELETE", f"/devices/{device}", headers=headers)
    assert (asked["state"], asked["action"], asked["reason"]) == ("asked", "devices.remove", "旧设备")
    assert (asked["object_id"], asked["object_name"], asked["mine"]) == (device, "kiln", True)
    assert (await house.anna.get(path)).status_code == 200
    waiting = await send(house.bo, "GET", "/approvals?view=waiting", status=200)
    assert [each["id"] for each in waiting["items"]] == [asked["id"]]
    assert waiting["items"][0]["may_decide"] is True
    assert await send(house.bo, "GET", "/approvals/summary", status=200) == {"waiting": 1, "mine": 0}
    assert await send(house.anna, "GET", "/approvals/summary", status=200) == {"waiting": 0, "mine": 1}

    done = (await decide(house.bo, asked)).json()
    assert (done["state"], done["result"]["status"], done["decider_name"]) == ("done", 204, "Bo")
    assert (await house.anna.get(path)).status_code == 404
    detail = await send(house.anna, "GET", f"/approvals/{asked['id']}", status=200)
    assert [step["transition"] for step in detail["history"]] == ["open", "approve", "begin", "finish"]
    assert (await decide(house.bo, asked)).status_code == 409


async def test_a_rule_that_gives_commands_is_held_as_they_are(web: RunningWeb) -> None:
    house = await House.build(web)
    device = await house.device()
    zone = {"name": "gate", "antennas": [{"device_id": device}]}
    zone_id = (await send(house.anna, "POST", "/location/zones", zone))["id"]
    write = {"name": "w", "on": "enter", "zone_id": zone_id, "device_id": device, "command": "lamp", "value": 1}
    rule_id = (await send(house.anna, "POST", "/location/rules", write))["id"]
    await house.state("devices.commands.call")
    await send(house.anna, "PUT", f"/location/rules/{rule_id}", write, 200)  # writing takes nobody else
    call = {**write, "kind": "call", "command": "open"}
    await house.held(house.anna, "PUT", f"/location/rules/{rule_id}", json=call)
    asked = await house.held(house.anna, "POST", "/location/rules", json={**call, "name": "c"})
    rules = await send(house.anna, "GET", "/location/rules", status=200)
    assert [each["kind"] for each in rules] == ["write"]
    assert (await decide(house.bo, asked)).json()["state"] == "done"
    rules = await send(house.anna, "GET", "/location/rules", status=200)
    assert sorted(each["kind"] for each in rules) == ["call", "write"]
    answer = await house.anna.post("/api/v1/location/rules", json={**call, "name": "d", "kind": ["call"]})
    assert answer.status_code == 400


async def test_nobody_approves_their_own(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    asked = await house.held(house.anna, "DELETE", f"/devices/{await house.device()}")
    answer = await decide(house.anna, asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "approvals.own_request")
    # Nor through a token of one's own, which acts for the same person.
    made = await send(house.anna, "POST", "/tokens", {"name": "t", "roles": ["administrator"]})
    answer = await decide(web.client(token=made["token"]), asked)
    assert answer.json()["code"] == "approvals.own_request"


async def test_no_service_decides_and_what_a_service_asks_is_held(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    made = await send(house.anna, "POST", "/people/services", {"name": "robot", "roles": ["administrator"]})
    robot = web.client(token=made["token"])
    asked = await house.held(house.anna, "DELETE", f"/devices/{await house.device()}")
    answer = await decide(robot, asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "approvals.not_a_person")
    theirs = await house.held(robot, "DELETE", f"/devices/{await house.device('oven')}")
    assert (await decide(house.anna, theirs)).json()["state"] == "done"


async def test_rejected_and_withdrawn_are_never_done(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    first = await house.held(house.anna, "DELETE", f"/devices/{device}")
    assert (await house.bo.post(f"/api/v1/approvals/{first['id']}/reject", json={"comment": ""})).status_code == 400
    assert (await decide(house.bo, first, "reject")).json()["state"] == "rejected"
    second = await house.held(house.anna, "DELETE", f"/devices/{device}")
    assert second["id"] != first["id"]
    assert (await decide(house.bo, second, "withdraw")).status_code == 404  # it is not theirs to withdraw
    assert (await decide(house.anna, second, "withdraw")).json()["state"] == "withdrawn"
    for each in (first, second):
        assert (await decide(house.bo, each)).status_code == 409
    assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 200


async def test_who_asks_and_who_decides_talk_about_it(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    viewer = await web.person(house.anna, "Vi", "viewer")
    asked = await house.held(house.anna, "DELETE", f"/devices/{await house.device()}")
    path = f"/api/v1/approvals/{asked['id']}/comments"
    assert (await viewer.post(path, json={"comment": "hm"})).status_code == 404
    assert (await house.bo.post(path, json={"comment": "Why?"})).status_code == 201
    said = (await house.anna.post(path, json={"comment": "It is scrapped."})).json()
    assert [(step["actor_name"], step["comment"]) for step in said["history"]][1:] == [
        ("Bo", "Why?"),
        ("Anna", "It is scrapped."),
    ]


async def test_the_same_request_waits_once(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    found = await asyncio.gather(*(house.held(house.anna, "DELETE", f"/devices/{device}") for _ in range(5)))
    assert len({each["id"] for each in found}) == 1


async def test_approved_twice_at_once_it_is_done_once(web: RunningWeb) -> None:
    house = await House.build(web, "devices.add")
    cy = await web.person(house.anna, "Cy", "administrator")
    asked = await house.held(house.anna, "POST", "/devices", json={"name": "twin"})
    answers = await asyncio.gather(*(decide(each, asked) for each in (house.bo, cy, house.bo, cy)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    listed = await send(house.anna, "GET", "/devices?q=twin", status=200)
    assert len(listed["items"]) == 1


async def test_a_role_taken_away_meanwhile_fails_truthfully(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    cy = await web.person(house.anna, "Cy", "engineer")
    device = await house.device()
    asked = await house.held(cy, "DELETE", f"/devices/{device}")
    people = await send(house.anna, "GET", "/people", status=200)
    person = next(each for each in people if each["name"] == "Cy")
    await send(house.anna, "PATCH", f"/people/{person['id']}", {"roles": ["viewer"]}, 200)
    ended = (await decide(house.bo, asked)).json()
    assert (ended["state"], ended["result"]["status"]) == ("failed", 403)
    assert ended["result"]["code"] == "parties.permission_required"
    assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 200


async def test_a_suspended_requester_does_nothing(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    cy = await web.person(house.anna, "Cy", "engineer")
    asked = await house.held(cy, "DELETE", f"/devices/{await house.device()}")
    people = await send(house.anna, "GET", "/people", status=200)
    person = next(each for each in people if each["name"] == "Cy")
    await send(house.anna, "PATCH", f"/people/{person['id']}", {"disabled": True}, 200)
    ended = (await decide(house.bo, asked)).json()
    assert (ended["state"], ended["result"]["code"]) == ("failed", "parties.requester_gone")


async def test_a_token_narrows_what_it_asked_and_its_end_ends_that(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove", "people.add")
    made = await send(house.anna, "POST", "/tokens", {"name": "t", "roles": ["engineer"]})
    engineer = web.client(token=made["token"])
    person = {"name": "Di", "password": PASSWORD, "roles": ["viewer"]}
    assert (await engineer.post("/api/v1/people", json=person)).status_code == 403
    first = await house.held(engineer, "DELETE", f"/devices/{await house.device()}")
    second = await house.held(engineer, "DELETE", f"/devices/{await house.device('oven')}")
    assert (await decide(house.bo, first)).json()["state"] == "done"
    await send(house.anna, "DELETE", f"/tokens/{made['id']}", status=204)
    ended = (await decide(house.bo, second)).json()
    assert (ended["state"], ended["result"]["code"]) == ("failed", "parties.requester_gone")


async def test_an_object_gone_or_changed_meanwhile_fails_truthfully(web: RunningWeb) -> None:
    house = await House.build(web, "devices.change")
    device = await house.device()
    path = f"/devices/{device}"
    etag = (await house.anna.get(f"/api/v1{path}")).headers["etag"]
    late = await house.held(house.anna, "PATCH", path, json={"title": "late"}, headers={"If-Match": etag})
    soon = await house.held(house.anna, "PATCH", path, json={"title": "soon"})
    assert (await decide(house.bo, soon)).json()["state"] == "done"
    ended = (await decide(house.bo, late)).json()
    assert (ended["state"], ended["result"]["status"]) == ("failed", 412)
    gone = await house.held(house.anna, "PATCH", path, json={"title": "gone"})
    assert (await house.anna.delete(f"/api/v1{path}")).status_code == 204
    ended = (await decide(house.bo, gone)).json()
    assert (ended["state"], ended["result"]["status"]) == ("failed", 404)


async def test_what_one_may_not_do_is_refused_before_it_waits(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove", "devices.add")
    viewer = await web.person(house.anna, "Vi", "viewer")
    asked = await house.held(house.anna, "POST", "/devices", json={"name": "kiln"})
    await decide(house.bo, asked)
    device = (await send(house.anna, "GET", "/devices?q=kiln", status=200))["items"][0]["id"]
    assert (await viewer.delete(f"/api/v1/devices/{device}")).status_code == 403
    assert (await house.anna.delete("/api/v1/devices/dev_00000000000000000000000000")).status_code == 404
    assert (await house.anna.post("/api/v1/devices", json={"title": "no name"})).status_code == 400
    assert (await web.client().delete(f"/api/v1/devices/{device}")).status_code == 401
    answer = await viewer.post(f"/api/v1/approvals/{asked['id']}/approve", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "parties.permission_required")


async def test_a_neighbour_neither_sees_nor_decides_and_no_policy_reaches_over(web: RunningWeb) -> None:
    house = await House.build(web)
    tenants = {}
    for name in ("red", "blue"):
        made = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "enterprise", "name": name})
        invited = await send(house.anna, "POST", f"/organisations/{made['id']}/invitations", {"role": "administrator"})
        first = await join(web, invited["token"], f"{name} one")
        invited = await send(first, "POST", f"/organisations/{made['id']}/invitations", {"role": "administrator"})
        tenants[name] = (made["id"], first, await join(web, invited["token"], f"{name} two"))
    red, one, two = tenants["red"]
    await house.state("devices.remove", organisation_id=red, by=one)
    device = (await send(one, "POST", "/devices", {"name": "kiln"}))["id"]
    asked = await house.held(one, "DELETE", f"/devices/{device}")
    for stranger in (tenants["blue"][1], house.anna):
        assert (await stranger.get(f"/api/v1/approvals/{asked['id']}")).status_code == 404
        assert (await stranger.get("/api/v1/approvals")).json()["items"] == []
        assert (await decide(stranger, asked)).status_code == 404
        assert (await decide(stranger, asked, "withdraw")).status_code == 404
        assert (await stranger.get(f"/api/v1/organisations/{red}/approval-policy")).status_code == 404
        assert (await stranger.delete(f"/api/v1/devices/{device}")).status_code == 404
    own = (await send(tenants["blue"][1], "POST", "/devices", {"name": "kiln"}))["id"]
    assert (await tenants["blue"][1].delete(f"/api/v1/devices/{own}")).status_code == 204
    assert (await decide(two, asked)).json()["state"] == "done"


async def test_those_above_demand_and_those_below_add(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    site = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "site", "name": "north"})
    await house.state("devices.change", organisation_id=site["id"])
    policy = await send(house.anna, "GET", f"/organisations/{site['id']}/approval-policy", status=200)
    assert (policy["actions"], policy["inherited"]) == (["devices.change"], ["devices.remove"])
    headers = {"X-Organisation": site["id"]}
    made = await house.anna.post("/api/v1/devices", json={"name": "kiln"}, headers=headers)
    device = made.json()["id"]
    await house.held(house.anna, "DELETE", f"/devices/{device}")
    await house.held(house.anna, "PATCH", f"/devices/{device}", json={"title": "t"})
    above = await house.device("oven")
    assert (await house.anna.patch(f"/api/v1/devices/{above}", json={"title": "t"})).status_code == 200
    # A body that names the site's thing is about the site too.
    place = await house.anna.post("/api/v1/places", json={"level": "site", "name": "hall"}, headers=headers)
    await house.held(house.anna, "PATCH", f"/devices/{above}", json={"place_id": place.json()["id"]})


async def test_those_above_learn_nothing_of_what_an_enterprise_holds(web: RunningWeb) -> None:
    """A policy of an enterprise changes no answer to somebody above whom its data does not reach."""
    house = await House.build(web)
    made = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "enterprise", "name": "red"})
    red = made["id"]
    invited = await send(house.anna, "POST", f"/organisations/{red}/invitations", {"role": "administrator"})
    one = await join(web, invited["token"], "red one")
    invited = await send(one, "POST", f"/organisations/{red}/invitations", {"role": "administrator"})
    await join(web, invited["token"], "red two")
    await house.state("grants.remove", "people.change", "organisations.members.remove", organisation_id=red, by=one)
    grant = (await send(one, "GET", "/grants", status=200))[0]
    for method, path, body in (
        ("DELETE", f"/grants/{grant['id']}", None),
        ("PATCH", f"/people/{grant['person_id']}", {"disabled": True}),
        ("DELETE", f"/organisations/{red}/members/{grant['person_id']}", None),
    ):
        answer = await house.anna.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == 404, (path, answer.text)
    await house.held(one, "DELETE", f"/grants/{grant['id']}")


async def test_appointing_from_above_is_held_too(web: RunningWeb) -> None:
    house = await House.build(web, "organisations.invitations.add")
    made = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "enterprise", "name": "red"})
    path = f"/organisations/{made['id']}/invitations"
    asked = await house.held(house.anna, "POST", path, json={"role": "administrator"})
    done = (await decide(house.bo, asked)).json()
    assert done["state"] == "done", done


async def test_what_is_added_elsewhere_is_not_held_here(web: RunningWeb) -> None:
    house = await House.build(web)
    site = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "site", "name": "north"})
    await house.state("devices.add", "devices.import", organisation_id=site["id"])
    await house.device()  # the root's own
    headers = {"X-Organisation": site["id"]}
    await house.held(house.anna, "POST", "/devices", json={"name": "oven"}, headers=headers)
    # An import may touch whatever the person may: it is held unless the organisation is named.
    await house.held(house.anna, "POST", "/devices/import", json=[{"name": "mill"}])


async def test_the_policy_itself(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    path = f"/organisations/{ROOT}/approval-policy"
    wrong = await house.anna.put(f"/api/v1{path}", json={"actions": ["devices.remov"]})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "approvals.action_unknown")
    assert "devices.remove" in wrong.json()["hint"]
    await house.state("devices.remove", "grants.add")  # more is stated at once
    asked = await house.held(house.anna, "PUT", path, json={"actions": ["grants.add"]})  # less is not
    assert asked["action"] == "organisations.approval_policy.set"
    assert (await decide(house.bo, asked)).json()["state"] == "done"
    assert (await send(house.anna, "GET", path, status=200))["actions"] == ["grants.add"]


async def test_a_policy_that_nobody_could_satisfy_is_refused(web: RunningWeb) -> None:
    anna = await web.set_up()
    await web.person(anna, "Vi", "viewer")
    answer = await anna.put(f"/api/v1/organisations/{ROOT}/approval-policy", json={"actions": ["devices.remove"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "approvals.too_few_deciders")


async def test_an_organisation_is_removed_by_those_above_it(web: RunningWeb) -> None:
    house = await House.build(web, "organisations.remove")
    site = await send(house.anna, "POST", "/organisations", {"parent_id": ROOT, "kind": "site", "name": "north"})
    await send(house.anna, "PATCH", f"/organisations/{site['id']}", {"suspended": True}, 200)
    asked = await house.held(house.anna, "DELETE", f"/organisations/{site['id']}")
    assert asked["organisation_id"] == ROOT
    assert (await decide(house.bo, asked)).json()["state"] == "done"
    assert (await house.anna.get(f"/api/v1/organisations/{site['id']}")).status_code == 404


async def test_secrets_of_body_and_answer_reach_nobody_else(
    web: RunningWeb, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = await House.build(web, "people.add", "people.services.add")
    person = {"name": "Di", "password": PASSWORD + " thrice", "roles": ["viewer"]}
    asked = await house.held(house.anna, "POST", "/people", json=person)
    detail = await send(house.bo, "GET", f"/approvals/{asked['id']}", status=200)
    assert detail["body"] == {"name": "Di", "roles": ["viewer"]}
    robot = await house.held(house.anna, "POST", "/people/services", json={"name": "robot", "roles": ["viewer"]})
    for each in (asked, robot):
        done = await decide(house.bo, each)
        assert done.json()["state"] == "done"
        assert "mwt_" not in done.text
    seen = await house.bo.get(f"/api/v1/approvals/{robot['id']}")
    assert seen.json()["answer"]["name"] == "robot"
    assert "mwt_" not in seen.text
    assert (await house.bo.post(f"/api/v1/approvals/{robot['id']}/answer")).status_code == 404
    assert (await send(house.anna, "GET", f"/approvals/{robot['id']}", status=200))["answer_waiting"] is True
    taken = await house.anna.post(f"/api/v1/approvals/{robot['id']}/answer")
    secret = taken.json()["body"]["token"]
    assert (await web.client(token=secret).get("/api/v1/session")).status_code == 200
    assert taken.headers["cache-control"] == "no-store"
    again = await house.anna.post(f"/api/v1/approvals/{robot['id']}/answer")
    assert (again.status_code, again.json()["code"]) == (404, "approvals.answer_gone")
    with closing(sqlite3.connect(tmp_path / "records" / "records.db")) as database:
        stored = "".join(database.iterdump())
    for text in (person["password"], secret):
        assert text not in stored
        assert text not in caplog.text
    signed_in = await web.client().post("/api/v1/session", json={"name": "Di", "password": person["password"]})
    assert signed_in.status_code == 201


async def test_too_much_to_keep_is_refused(tmp_path: Path) -> None:
    async with running_web(tmp_path, approving=ApprovalsSettings(max_body_kb=1)) as web:
        house = await House.build(web, "devices.import")
        answer = await house.anna.post("/api/v1/devices/import", json=[{"name": f"kiln {n}"} for n in range(100)])
        assert (answer.status_code, answer.json()["code"]) == (413, "approvals.body_too_large")
        assert (await send(house.anna, "GET", "/approvals", status=200))["items"] == []


async def test_what_nobody_decides_expires(tmp_path: Path) -> None:
    async with running_web(tmp_path, approving=ApprovalsSettings(expires_hours=1 / 36000)) as web:
        house = await House.build(web, "devices.remove")
        device = await house.device()
        late = await house.held(house.anna, "DELETE", f"/devices/{device}")
        await asyncio.sleep(0.15)
        answer = await decide(house.bo, late)
        assert (answer.status_code, answer.json()["code"]) == (409, "approvals.expired")
        swept = await house.held(house.anna, "DELETE", f"/devices/{device}")
        assert swept["id"] != late["id"]
        await asyncio.sleep(0.15)
        await house.keeper.look()
        assert house.row(swept["id"]).state == "expired"
        assert (await decide(house.bo, swept)).status_code == 409
        assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 200


async def test_killed_after_the_approval_it_is_done_by_the_next(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    asked = await house.held(house.anna, "DELETE", f"/devices/{device}")
    _left(house, asked["id"], "approve")
    await house.keeper.look()
    assert house.row(asked["id"]).state == "done"
    assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 404


async def test_killed_while_it_is_done_it_is_unknown_and_not_repeated(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    asked = await house.held(house.anna, "DELETE", f"/devices/{device}")
    _left(house, asked["id"], "approve", "begin")
    await house.keeper.look()
    await house.keeper.look()
    ended = await send(house.anna, "GET", f"/approvals/{asked['id']}", status=200)
    assert (ended["state"], ended["result"]["status"]) == ("failed", 0)
    assert ended["result"]["code"] == "approvals.unknown_end"
    assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 200


def _left(house: House, approval_id: str, *transitions: str) -> None:
    """As a process leaves a request that dies right after these, an hour ago."""
    from millwright.cases import SYSTEM

    approvals = house.web.services.approvals
    for each in transitions:
        approvals._moved(approval_id, each, SYSTEM, "")
    with approvals.store._records.begin() as connection:
        connection.execute(requests.update().values(changed_ms=requests.c.changed_ms - 3_600_000))


async def test_a_kept_request_that_was_exchanged_is_not_done(web: RunningWeb) -> None:
    """Neither another row's request under an approved id, nor another digest."""
    house = await House.build(web, "devices.remove")
    small, large = await house.device("small"), await house.device("large")
    harmless = await house.held(house.anna, "DELETE", f"/devices/{small}")
    harmful = await house.held(house.anna, "DELETE", f"/devices/{large}")
    moved = house.row(harmful["id"]).request
    with web.services.approvals.store._records.begin() as connection:
        connection.execute(requests.update().where(requests.c.id == harmless["id"]).values(request=moved))
    ended = (await decide(house.bo, harmless)).json()
    assert (ended["state"], ended["result"]["code"]) == ("failed", "secrets.sealed_unreadable")
    with web.services.approvals.store._records.begin() as connection:
        connection.execute(requests.update().where(requests.c.id == harmful["id"]).values(digest="0" * 64))
    ended = (await decide(house.bo, harmful)).json()
    assert (ended["state"], ended["result"]["code"]) == ("failed", "approvals.request_broken")
    for device in (small, large):
        assert (await house.anna.get(f"/api/v1/devices/{device}")).status_code == 200


async def test_an_emergency_takes_a_setting_the_root_and_a_reason(tmp_path: Path) -> None:
    async with running_web(tmp_path, approving=ApprovalsSettings(emergency=True)) as web:
        house = await House.build(web, "devices.remove")
        cy = await web.person(house.anna, "Cy", "engineer")
        device = await house.device()
        words = {"X-Emergency-Reason": "fire in hall 3"}
        refused = await cy.delete(f"/api/v1/devices/{device}", headers=words)
        assert (refused.status_code, refused.json()["code"]) == (403, "approvals.emergency_refused")
        assert (await house.anna.delete(f"/api/v1/devices/{device}", headers=words)).status_code == 204
        listed = (await send(house.bo, "GET", "/approvals?view=decided", status=200))["items"]
        assert [(each["state"], each["emergency"], each["reason"]) for each in listed] == [
            ("done", True, "fire in hall 3")
        ]


async def test_without_the_setting_there_is_no_emergency(web: RunningWeb) -> None:
    house = await House.build(web, "devices.remove")
    device = await house.device()
    refused = await house.anna.delete(f"/api/v1/devices/{device}", headers={"X-Emergency-Reason": "fire"})
    assert (refused.status_code, refused.json()["code"]) == (403, "approvals.emergency_refused")


async def test_sent_again_under_one_key_it_waits_once(web: RunningWeb) -> None:
    house = await House.build(web, "devices.add")
    headers = {"Idempotency-Key": "k-1"}
    first = await house.held(house.anna, "POST", "/devices", json={"name": "kiln"}, headers=headers)
    again = await house.held(house.anna, "POST", "/devices", json={"name": "kiln"}, headers=headers)
    assert again["id"] == first["id"]
    assert (await decide(house.bo, first)).json()["state"] == "done"


async def test_the_ledger_names_who_asked_who_approved_and_by_which_grant(tmp_path: Path) -> None:
    async with running_web(tmp_path, written=True) as web:
        house = await House.build(web, "devices.remove")
        device = await house.device()
        asked = await house.held(house.anna, "DELETE", f"/devices/{device}")
        await decide(house.bo, asked)
        other = await house.held(house.anna, "DELETE", f"/devices/{await house.device('oven')}")
        await decide(house.bo, other, "reject")
        third = await house.held(house.anna, "DELETE", f"/devices/{await house.device('mill')}")
        await decide(house.anna, third, "withdraw")
        wanted = {"approvals.ask", "approvals.approve", "approvals.reject", "approvals.withdraw", "devices.remove"}
        found: list[dict[str, Any]] = []
        for _ in range(100):
            found = (await house.anna.get("/api/v1/ledger/entries", params={"limit": 100})).json()["items"]
            if wanted <= {each["action"] for each in found}:
                break
            await asyncio.sleep(0.1)
        assert wanted <= {each["action"] for each in found}
        (executed,) = [each for each in found if each["action"] == "devices.remove"]
        assert (executed["actor"]["name"], executed["approved_by"]["name"]) == ("Anna", "Bo")
        assert executed["approved_by"]["via"] == asked["id"]
        assert executed["grant"].startswith("grt_")
        assert executed["target"]["id"] == device
        assert executed["outcome"] == "done"
        approved = [each for each in found if each["action"] == "approvals.approve"]
        assert [(each["actor"]["name"], each["target"]["id"]) for each in approved] == [("Bo", asked["id"])]
