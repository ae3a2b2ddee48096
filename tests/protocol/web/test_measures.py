"""Taking measures over HTTP: previews, what must be confirmed, who may, four eyes, the ledger, and bad input."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.registration import Works, give_prefix, make_works
from support.tenants import join, send
from support.web import RunningWeb, running_web

MEASURES = "/identifiers/measures"
CODE = "91350100M000100Y43"
RECALL = "https://recall.example/1"


@dataclass
class Town:
    web: RunningWeb
    root: httpx.AsyncClient
    red: Works
    blue: Works


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path, written=True) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1", "viewer", "operator")
        blue = await make_works(web, root, "Blue", "88.2")
        for suffix in ("a-1", "a-2", "b-1"):
            await send(red.client, "POST", "/identifiers", red.new(suffix))
        await send(blue.client, "POST", "/identifiers", blue.new("a-1"))
        yield Town(web, root, red, blue)


def on(scope: str, what: str, **more: Any) -> dict[str, Any]:
    return {"scope": scope, "on": what, "reason": "trial"} | more


async def take(client: httpx.AsyncClient, kind: str, new: dict[str, Any], status: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = await send(client, "POST", f"{MEASURES}/{kind}", new, status)
    return found


async def read(client: httpx.AsyncClient, identifier: str) -> httpx.Response:
    return await client.get("/api/v1/identifiers/record", params={"identifier": identifier})


async def test_a_measure_is_previewed_taken_listed_and_lifted(town: Town) -> None:
    operator = town.red.clients["operator"]
    reach = await send(operator, "POST", f"{MEASURES}/preview", {"scope": "beginning", "on": "88.1/a-"}, 200)
    assert (reach["touched"], reach["examples"], reach["confirm"]) == (2, ["88.1/a-1", "88.1/a-2"], False)
    assert (await read(town.blue.client, "88.1/a-1")).status_code == 200  # it has public fields
    taken = await take(operator, "suspend", on("beginning", "88.1/a-", text="Recalled"))
    assert (taken["state"], taken["touched"], taken["side"], taken["may_lift"]) == ("in_force", 2, "holder", True)
    # One's own people see and mend it; others are told that it is suspended, and do not find it.
    assert (await read(town.red.client, "88.1/a-1")).json()["fields"]["name"] == "thing a-1"
    other = await read(town.blue.client, "88.1/a-1")
    assert (other.status_code, other.json()["code"]) == (409, "identifiers.suspended")
    assert (await read(town.blue.client, "88.1/never-a")).status_code == 404
    found = (await town.blue.client.get("/api/v1/identifiers/search", params={"q": "thing"})).json()["items"]
    assert {each["identifier"] for each in found} == {"88.1/b-1", "88.2/a-1"}
    exported = await town.blue.client.get("/api/v1/identifiers/export", params={"q": "thing", "among": "all"})
    assert "88.1/b-1" in exported.text
    assert "88.1/a-1" not in exported.text

    holds = (
        await town.red.client.get(f"/api/v1{MEASURES}", params={"identifier": "88.1/A-2", "state": "in_force"})
    ).json()
    assert [each["id"] for each in holds["items"]] == [taken["id"]]
    assert (await town.red.client.get(f"/api/v1{MEASURES}", params={"identifier": "88.1/b-1"})).json()["items"] == []
    lifted = await send(operator, "POST", f"{MEASURES}/{taken['id']}/lift", {"reason": "was a mistake"}, 200)
    assert (lifted["state"], lifted["lifted_why"], lifted["may_lift"]) == ("lifted", "was a mistake", False)
    assert (await read(town.blue.client, "88.1/a-1")).status_code == 200
    again = await operator.post(f"/api/v1{MEASURES}/{taken['id']}/lift", json={"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "measures.over")
    history = (await town.red.client.get(f"/api/v1{MEASURES}")).json()["items"]
    assert [(each["id"], each["state"]) for each in history] == [(taken["id"], "lifted")]
    # The second lifting was refused, and is on record too.
    lift = "identifiers.measures.lift"
    await ledger_has(town.red.client, taken["id"], ["identifiers.measures.suspend", lift, lift])


async def ledger_has(client: httpx.AsyncClient, measure_id: str, wanted: list[str]) -> None:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        items = (await client.get(f"/api/v1/ledger/objects/measure/{measure_id}")).json().get("items", [])
        if sorted(each["action"] for each in items) == sorted(wanted):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(items)


async def test_all_of_a_prefix_takes_the_number(town: Town) -> None:
    client = town.red.client
    for wanted in (on("prefix", "88.1"), on("beginning", "88.1/"), on("prefix", "88.1", touched=2)):
        for kind, more in (("suspend", {}), ("redirect", {"href": RECALL}), ("announce", {"text": "x"})):
            refused = await client.post(f"/api/v1{MEASURES}/{kind}", json=wanted | more)
            assert (refused.status_code, refused.json()["code"]) == (409, "measures.unconfirmed"), refused.text
            assert refused.json()["data"]["touched"] == 3
    assert (await client.get(f"/api/v1{MEASURES}")).json()["items"] == []
    taken = await take(client, "suspend", on("prefix", "88.1", touched=3))
    assert taken["touched"] == 3
    assert (await send(client, "GET", f"{MEASURES}/{taken['id']}", status=200))["reason"] == "trial"


async def test_a_neighbour_neither_takes_nor_sees_nor_lifts(town: Town) -> None:
    taken = await take(town.red.client, "announce", on("identifier", "88.1/a-1", text_zh="召回"))
    blue = town.blue.client
    for wanted in (on("identifier", "88.1/a-1"), on("beginning", "88.1/a"), on("prefix", "88.1"), on("prefix", "88.9")):
        for kind, more in (("suspend", {}), ("redirect", {"href": RECALL}), ("announce", {"text": "x"})):
            answer = await blue.post(f"/api/v1{MEASURES}/{kind}", json=wanted | more)
            assert (answer.status_code, answer.json()["code"]) == (404, "measures.no_prefix")
        target = {name: wanted[name] for name in ("scope", "on")}
        assert (await blue.post(f"/api/v1{MEASURES}/preview", json=target)).status_code == 404
    assert (await blue.get(f"/api/v1{MEASURES}")).json()["items"] == []
    assert (await blue.get(f"/api/v1{MEASURES}", params={"prefix": "88.1"})).json()["items"] == []
    assert (await blue.get(f"/api/v1{MEASURES}", params={"identifier": "88.1/a-1"})).json()["items"] == []
    for mine in (taken["id"], "mea_nothing"):
        assert (await blue.get(f"/api/v1{MEASURES}/{mine}")).status_code == 404
        lifted = await blue.post(f"/api/v1{MEASURES}/{mine}/lift", json={"reason": "x"})
        assert (lifted.status_code, lifted.json()["code"]) == (404, "measures.unknown")
    viewer = town.red.clients["viewer"]
    assert len((await viewer.get(f"/api/v1{MEASURES}")).json()["items"]) == 1
    assert (await viewer.post(f"/api/v1{MEASURES}/suspend", json=on("identifier", "88.1/a-1"))).status_code == 403


async def test_who_decides_on_a_prefix_acts_on_it_and_its_holder_does_not_undo_that(town: Town) -> None:
    contact = {"name": "李工", "telephone": "1", "email": ""}
    form = {
        "system": "handle",
        "prefix": "88.7",
        "credit_code": CODE,
        "contact": contact,
        "industry": "C34",
        "use": "x",
    }
    made = await send(town.red.client, "POST", "/prefixes", form)
    path = f"/prefixes/{made['id']}"
    await send(town.red.client, "POST", f"{path}/submit", {}, 200)
    for step in ("review", "approve"):
        await send(town.root, "POST", f"{path}/{step}", {}, 200)
    await send(town.root, "PUT", f"{path}/certification", {"certified_by": "CAICT"}, 200)
    await send(town.root, "POST", f"{path}/activate", {}, 200)
    new = town.red.new("a") | {"identifier": "88.7/a"}
    await send(town.red.client, "POST", "/identifiers", new)
    taken = await take(town.root, "suspend", on("identifier", "88.7/a"))
    assert (taken["side"], taken["organisation_id"], taken["holder_id"]) == ("registrar", "org_root", town.red.id)
    seen = await send(town.red.client, "GET", f"{MEASURES}/{taken['id']}", status=200)
    assert seen["may_lift"] is False
    refused = await town.red.client.post(f"/api/v1{MEASURES}/{taken['id']}/lift", json={"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "measures.registrars")
    own = await take(town.red.client, "announce", on("prefix", "88.7", text="x"))
    assert own["side"] == "holder"
    # What the root has not decided on, is not its to touch.
    assert (await town.root.post(f"/api/v1{MEASURES}/suspend", json=on("prefix", "88.1"))).status_code == 404
    await send(town.root, "POST", f"{MEASURES}/{taken['id']}/lift", {"reason": "settled"}, 200)

    # The resolver of a delegation: an address of another node.
    for resolver, status in (
        ("javascript:alert(1)", 400), ("https://x.example/?a", 400), (town.web.url, 400), ("x", 400),
        ("https://id.example.com/r/", 200),
    ):  # fmt: skip
        answer = await town.root.put(f"/api/v1{path}/site", json={"site": encoded_site(), "resolver": resolver})
        assert answer.status_code == status, (resolver, answer.text)
    assert answer.json()["resolver"] == "https://id.example.com/r"
    alone = await town.root.put(f"/api/v1{path}/site", json={"site": None, "resolver": "https://id.example.com"})
    assert alone.status_code == 400
    with town.web.services.more["register"].view() as view:
        assert view.find_prefix(b"88.7").resolver == "https://id.example.com/r"


def encoded_site() -> str:
    import base64

    from millwright.identity.handle.site import encode_site
    from support.handle import site_for

    return base64.b64encode(encode_site(site_for(2641))).decode()


async def test_a_policy_of_four_eyes_may_name_each_kind(town: Town) -> None:
    invited = await send(
        town.red.client, "POST", f"/organisations/{town.red.id}/invitations", {"role": "administrator"}
    )
    second = await join(town.web, invited["token"], "Second")
    actions = (await town.red.client.get("/api/v1/approvals/actions")).json()
    names = {each["name"] for each in actions if each["name"].startswith("identifiers.measures.")}
    assert names == {f"identifiers.measures.{each}" for each in ("suspend", "redirect", "announce", "lift")}
    policy = {"actions": ["identifiers.measures.suspend"]}
    await send(town.red.client, "PUT", f"/organisations/{town.red.id}/approval-policy", policy, 200)
    answer = await town.red.client.post(f"/api/v1{MEASURES}/suspend", json=on("identifier", "88.1/a-1"))
    assert answer.status_code == 202, answer.text
    assert (await town.red.client.get(f"/api/v1{MEASURES}")).json()["items"] == []
    approval = answer.json()["approval"]["id"]
    done = await second.post(f"/api/v1/approvals/{approval}/approve", json={"comment": "go"})
    assert done.status_code == 200, done.text
    assert len((await town.red.client.get(f"/api/v1{MEASURES}")).json()["items"]) == 1
    await take(town.red.client, "announce", on("identifier", "88.1/a-1", text="not named"))


NONSENSE: list[tuple[str, dict[str, Any], str | None]] = [
    ("suspend", on("beginning", "88.1"), "/on"),
    ("suspend", on("identifier", "0.NA/88.1"), None),
    ("suspend", on("beginning", "0.na/88.1"), "/on"),
    ("suspend", on("identifier", "88.1/a-1", reason="  "), None),
    ("suspend", on("identifier", "88.1/a-1", until_ms=1), "/until_ms"),
    ("suspend", on("identifier", "88.1/a-1", since_ms=4_000_000_000_000, until_ms=3_900_000_000_000), "/until_ms"),
    ("suspend", on("identifier", "88.1/a-1", touched=-1), None),
    ("suspend", on("everything", "88.1/a-1"), None),
    ("suspend", on("identifier", ""), None),
    ("suspend", on("identifier", "88.1/a\u0000"), None),
    ("suspend", on("identifier", "8" * 3000), None),
    ("redirect", on("identifier", "88.1/a-1"), None),
    ("redirect", on("identifier", "88.1/a-1", href="javascript:alert(1)"), "/href"),
    ("redirect", on("identifier", "88.1/a-1", href="https://good.example@bad.example/"), "/href"),
    ("announce", on("identifier", "88.1/a-1"), "/text"),
    ("announce", on("identifier", "88.1/a-1", text="x", link_type="a b"), None),
    ("announce", on("identifier", "88.1/a-1", text="x", severity="end"), None),
]


async def test_what_makes_no_sense_is_refused(town: Town) -> None:
    for kind, new, pointer in NONSENSE:
        answer = await town.red.client.post(f"/api/v1{MEASURES}/{kind}", json=new)
        assert answer.status_code == 400, (kind, new, answer.text)
        if pointer is not None:
            assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    assert (await town.red.client.get(f"/api/v1{MEASURES}")).json()["items"] == []


async def test_nobody_is_redirected_to_where_they_come_from(town: Town) -> None:
    new = on("identifier", "88.1/a-1", href=f"{town.web.url}/id/88.1/a-2")
    answer = await town.red.client.post(f"/api/v1{MEASURES}/redirect", json=new)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/href")


async def test_targets_of_other_code_systems(town: Town) -> None:
    register = town.web.services.more["register"]
    await asyncio.to_thread(give_prefix, register, "GS1:9506000", town.red.id)
    await asyncio.to_thread(give_prefix, register, "OID:1.2.156.7", town.red.id)
    await asyncio.to_thread(give_prefix, register, "GS1:95060007", town.blue.id)
    for identifier in ("(01)09506000134352", "(01)09506000134352(10)L7", "(01)09506000134352(10)L7(21)x",
                       "(01)09506000134352(10)L8", "(01)19506000134359", "1.2.156.7.1", "1.2.156.7.11"):  # fmt: skip
        await send(town.red.client, "POST", "/identifiers", town.red.new("x") | {"identifier": identifier})

    async def touched(scope: str, what: str) -> int:
        found = await send(town.red.client, "POST", f"{MEASURES}/preview", {"scope": scope, "on": what}, 200)
        return int(found["touched"])

    assert await touched("identifier", "(01)09506000134352") == 4
    assert await touched("identifier", "https://id.gs1.org/01/09506000134352/10/L7") == 2
    assert await touched("beginning", "GS1/01/09506000134352/10/L") == 3
    assert await touched("beginning", "(01)09506000134352(10)L8") == 1
    assert await touched("prefix", "GS1:9506000") == 5
    assert await touched("prefix", "OID:1.2.156.7") == 2
    assert await touched("beginning", "OID/1.2.156.7.1") == 2
    assert await touched("identifier", "urn:oid:1.2.156.7.1") == 1
