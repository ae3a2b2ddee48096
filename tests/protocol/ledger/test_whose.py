"""Whose an entry is, and under which grant it was made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.tenants import Tenant, plant, send
from support.web import PASSWORD, RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, written=True) as running:
        yield running


async def entry(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    """The newest entry that matches, as soon as there is one."""
    for _ in range(100):
        found = (await client.get("/api/v1/ledger/entries", params=query)).json()["items"]
        if found:
            first: dict[str, Any] = found[0]
            return first
        await asyncio.sleep(0.1)
    raise AssertionError(query)


async def test_each_enterprise_reads_its_own_and_those_above_theirs(web: RunningWeb) -> None:
    root = await web.set_up()
    red = await plant(web, None, root, "vermilion")
    device = await entry(red.clients["auditor"], action="devices.add")
    assert device["organisation"] == red.id
    assert device["target"] == {"kind": "device", "id": red.ids["device_id"], "name": "vermilion device"}
    grants = (await red.client.get("/api/v1/grants")).json()
    assert device["grant"] in {each["id"] for each in grants if each["role"] == "administrator"}

    history = await red.clients["engineer"].get(f"/api/v1/ledger/objects/device/{red.ids['device_id']}")
    assert {each["action"] for each in history.json()["items"]} >= {"devices.add", "devices.credentials.add"}

    made = await entry(root, action="organisations.add")
    assert (made["organisation"], made["target"]["id"]) == ("org_root", red.id)
    assert {each["path"]: each["after"] for each in made["changes"]}["/name"] == "vermilion works"
    theirs = (await root.get("/api/v1/ledger/entries", params={"action": "devices.add"})).json()["items"]
    assert theirs == []


async def test_a_refused_attempt_is_in_the_record_of_who_tried(web: RunningWeb) -> None:
    root = await web.set_up()
    red = await plant(web, None, root, "vermilion")
    refused = await red.clients["viewer"].post("/api/v1/devices", json={"name": "d"})
    assert refused.status_code == 403
    told = await entry(red.client, outcome="denied", action="devices.add")
    assert (told["organisation"], told["actor"]["name"]) == (red.id, "vermilion viewer")
    wrong = await web.client().post("/api/v1/session", json={"name": "vermilion viewer", "password": "wrong one"})
    assert wrong.status_code == 401
    told = await entry(red.client, outcome="denied", action="session.sign_in")
    assert (told["organisation"], told["target"]["id"]) == (red.id, red.ids["person_id"])


async def test_grants_roles_and_members_say_what_changed(web: RunningWeb) -> None:
    root = await web.set_up()
    red: Tenant = await plant(web, None, root, "vermilion")
    given = await entry(red.client, action="grants.add", object_id=red.ids["grant_id"])
    assert {each["path"]: each["after"] for each in given["changes"]}["/group_id"] == red.ids["group_id"]
    await red.client.put(f"/api/v1/roles/{red.ids['role_id']}", json={"name": "looks", "permissions": ["alarms:read"]})
    changed = await entry(red.client, action="roles.set")
    paths = {each["path"]: (each.get("before"), each.get("after")) for each in changed["changes"]}
    assert paths["/name"] == ("vermilion role", "looks")
    await red.client.delete(f"/api/v1/organisations/{red.id}/members/{red.ids['person_id']}")
    left = await entry(red.client, action="organisations.members.remove")
    assert left["target"]["id"] == red.ids["person_id"]
    code = "91350100M000100Y43"
    await root.patch(f"/api/v1/organisations/{red.id}", json={"suspended": True, "code": code})
    told = await entry(root, action="organisations.change")
    assert {each["path"]: each["after"] for each in told["changes"]} == {"/suspended": True, "/credit_code": code}


async def test_who_took_personal_data_out_is_told(web: RunningWeb) -> None:
    root = await web.set_up()
    assert (await root.get("/api/v1/ledger/export")).status_code == 200
    assert (await root.get("/api/v1/ledger/disclosures")).status_code == 200
    for action in ("ledger.export.read", "ledger.disclosures.read"):
        told = await entry(root, action=action)
        assert (told["outcome"], told["actor"]["kind"]) == ("done", "person")
    assert (await root.get("/api/v1/ledger/entries", params={"action": "ledger.entries.read"})).json()["items"] == []


async def test_what_one_does_in_the_second_of_two_sisters_is_in_the_record_of_the_second(web: RunningWeb) -> None:
    root = await web.set_up()
    red, blue = await plant(web, None, root, "vermilion"), await plant(web, None, root, "cerulean")
    assert red.id < blue.id  # the home of who administers both is the first
    both, log = red.client, blue.clients["auditor"]
    invited = await send(blue.client, "POST", f"/organisations/{blue.id}/invitations", {"role": "administrator"})
    assert (await both.post("/api/v1/invitations/accept", json={"token": invited["token"]})).status_code in (200, 201)
    mine = {"organisation_id": blue.id, "roles": ["viewer"]}
    person = (await send(both, "POST", "/people", {"name": "Bo", "password": PASSWORD, **mine}))["id"]
    await send(both, "PATCH", f"/people/{person}", {"disabled": True}, 200)
    await send(both, "DELETE", f"/people/{person}/second-factor", status=204)
    service = (await send(both, "POST", "/people/services", {"name": "hook", **mine}))["id"]
    changed = {"organisation_id": blue.id, "roles": ["operator"]}
    await send(both, "PATCH", f"/people/{service}", changed, 200)
    await send(both, "DELETE", f"/people/{service}", status=204)
    device = blue.ids["device_id"]
    await send(both, "DELETE", f"/devices/{device}/credentials/{blue.ids['credential_id']}", status=204)
    comment = {"comment": "seen"}
    await send(both, "POST", f"/approvals/{blue.ids['approval_id']}/comments", comment)
    await send(both, "POST", f"/approvals/{blue.ids['approval_id']}/reject", comment, 200)
    for action, object_id in (
        ("people.add", person),
        ("people.change", person),
        ("people.second_factor.remove", person),
        ("people.services.add", service),
        ("people.change", service),
        ("people.remove", service),
        ("devices.credentials.remove", device),
        ("approvals.comments.add", blue.ids["approval_id"]),
        ("approvals.reject", blue.ids["approval_id"]),
    ):
        told = await entry(log, action=action, object_id=object_id)
        assert told["organisation"] == blue.id, action
    gone = await web.client().post("/api/v1/session", json={"name": "cerulean operator", "password": "wrong one"})
    assert gone.status_code == 401
    assert (await entry(log, action="session.sign_in", outcome="denied"))["organisation"] == blue.id
