"""Prefixes and metadata templates over HTTP, as an applicant, who decides, and a neighbour."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.tenants import join, send
from support.web import RunningWeb, running_web

CODE = "91350100M000100Y43"
BYTES = {"Content-Type": "application/octet-stream"}


@dataclass
class Park:
    """A park with two enterprises, and their administrators' browsers."""

    web: RunningWeb
    root: httpx.AsyncClient
    red: httpx.AsyncClient
    blue: httpx.AsyncClient
    red_id: str
    blue_id: str


@pytest.fixture
async def park(tmp_path: Path) -> AsyncIterator[Park]:
    async with running_web(tmp_path, written=True) as web:
        root = await web.set_up()
        ids, clients = [], []
        for name in ("Red", "Blue"):
            made = await send(
                root, "POST", "/organisations", {"parent_id": "org_root", "kind": "enterprise", "name": name}
            )
            invited = await send(root, "POST", f"/organisations/{made['id']}/invitations", {"role": "administrator"})
            ids.append(made["id"])
            clients.append(await join(web, invited["token"], f"{name} administrator"))
        yield Park(web, root, clients[0], clients[1], ids[0], ids[1])


def form(prefix: str, **more: Any) -> dict[str, Any]:
    contact = {"name": "李工", "telephone": "0591 1", "email": "li@example.cn"}
    whole = {"system": "handle", "prefix": prefix, "credit_code": CODE, "contact": contact}
    return whole | {"industry": "C34 通用设备制造业", "use": "水泵"} | more


async def test_from_an_application_to_a_filing(park: Park) -> None:
    looked = await send(park.red, "POST", "/prefixes/check", {"system": "handle", "prefix": "88.118.8"}, 200)
    assert (looked["available"], looked["key"], looked["parent"]) == (True, "88.118.8", None)
    assert [part["label_zh"] for part in looked["parts"]][1:] == ["二级节点（行业或地区）", "企业"]
    made = await park.red.post("/api/v1/prefixes", json=form("88.118.8"))
    assert made.status_code == 201, made.text
    prefix = made.json()
    path = f"/prefixes/{prefix['id']}"
    assert (prefix["state"], prefix["organisation_id"], prefix["allowed"][0]) == ("draft", park.red_id, "change")

    licence = b"%PDF-1.7 licence"
    added = await park.red.post(
        f"/api/v1{path}/documents", params={"name": "营业执照.pdf"}, content=licence, headers=BYTES
    )
    assert added.status_code == 201, added.text
    document = added.json()
    assert document["digest"] == hashlib.sha256(licence).hexdigest()
    taken = await park.red.get(f"/api/v1{path}/documents/{document['id']}")
    assert (taken.content, taken.headers["content-type"]) == (licence, "application/pdf")
    assert taken.headers["content-disposition"].startswith("attachment;")
    assert taken.headers["content-security-policy"].startswith("default-src 'none'")
    large = await park.red.post(f"/api/v1{path}/documents?name=a", content=b"x" * 9000, headers=BYTES)
    assert (large.status_code, large.json()["code"]) == (413, "prefixes.document_too_large")

    late = await park.red.post(f"/api/v1{path}/submit", json={}, headers={"If-Match": made.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "prefixes.revision_stale")
    sent = await send(park.red, "POST", f"{path}/submit", {"comment": "请审核"}, 200)
    assert (sent["state"], sent["registrar_id"]) == ("submitted", "org_root")
    own = await park.red.post(f"/api/v1{path}/review", json={})
    assert (own.status_code, own.json()["code"]) == (404, "prefixes.unknown")

    assert (await send(park.root, "GET", "/prefixes/summary", status=200))["waiting"] == 1
    listed = await send(park.root, "GET", "/prefixes?side=registrar&state=submitted", status=200)
    assert [each["prefix"] for each in listed["items"]] == ["88.118.8"]
    await send(park.root, "POST", f"{path}/review", {}, 200)
    seen = await send(park.root, "GET", path, status=200)
    assert seen["warnings"][-1]["text_zh"] == "本节点没有它的上级前缀"
    assert seen["documents"][0]["name"] == "营业执照.pdf"
    unsaid = await park.root.post(f"/api/v1{path}/reject", json={"comment": ""})
    assert unsaid.status_code == 400
    await send(park.root, "POST", f"{path}/approve", {}, 200)
    early = await park.root.post(f"/api/v1{path}/activate", json={})
    assert (early.status_code, early.json()["code"]) == (409, "prefixes.certification_missing")
    certification = {"certified_by": "CAICT", "number": "R-1", "document_id": document["id"]}
    await send(park.root, "PUT", f"{path}/certification", certification, 200)
    active = await send(park.root, "POST", f"{path}/activate", {"until_ms": 4_000_000_000_000}, 200)
    assert (active["state"], active["certified"]) == ("active", True)
    filed = await send(park.root, "POST", f"{path}/filings", {"node": "88", "state": "sent", "number": "B-7"})
    filing = filed["filings"][0]
    answer = {"node": "88", "state": "accepted", "number": "B-7", "answer": "已备案"}
    assert (await send(park.root, "PUT", f"{path}/filings/{filing['id']}", answer, 200))["filed"]

    told = await send(park.red, "GET", f"{path}/filing-document", status=200)
    assert (told["credit_code"], told["certification"]["number"]) == (CODE, "R-1")
    sheet = await park.red.get(f"/api/v1{path}/filing-document/file")
    assert sheet.content.startswith(b"\xef\xbb\xbf")
    assert "统一社会信用代码," + CODE in sheet.text
    history = (await send(park.red, "GET", path, status=200))["history"]
    assert [each["transition"] for each in history if each["transition"]] == [
        "open", "submit", "review", "approve", "certify", "activate", "file", "file",
    ]  # fmt: skip


async def test_a_neighbour_sees_and_changes_nothing(park: Park) -> None:
    prefix = await send(park.red, "POST", "/prefixes", form("88.118.8"))
    path = f"/api/v1/prefixes/{prefix['id']}"
    await send(park.red, "POST", f"/prefixes/{prefix['id']}/submit", {}, 200)
    for method, end, body in (
        ("GET", "", None), ("PUT", "", form("88.118.8")), ("POST", "/submit", {}), ("POST", "/withdraw", {}),
        ("POST", "/review", {}), ("POST", "/activate", {}),
        ("POST", "/transfer", {"to_id": park.blue_id, "comment": "x"}),
        ("GET", "/filing-document", None), ("POST", "/documents?name=a", {}), ("POST", "/evidence?name=a", {}),
        ("PUT", "/certification", {"certified_by": "x"}), ("POST", "/filings", {"node": "x"}),
        ("POST", "/comments", {"text": "x"}), ("POST", "/remarks", {"text": "x"}),
    ):  # fmt: skip
        answer = await park.blue.request(method, path + end, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "prefixes.unknown"), (method, end, answer.text)
    assert (await send(park.blue, "GET", "/prefixes", status=200))["items"] == []
    foreign = await park.blue.post("/api/v1/prefixes", json=form("88.9", organisation_id=park.red_id))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "prefixes.organisation_unknown")
    bad = await park.blue.post("/api/v1/prefixes", json=form("88..9"))
    assert (bad.status_code, bad.json()["code"]) == (400, "prefixes.prefix_invalid")
    assert (bad.json()["errors"][0]["pointer"], bad.json()["data"]["at"]) == ("/prefix", 3)
    assert bad.json()["data"]["why_zh"]


async def test_the_same_request_twice_is_done_once(park: Park) -> None:
    for _ in range(2):
        answer = await park.red.post("/api/v1/prefixes", json=form("88.1"), headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 201
    assert len((await send(park.red, "GET", "/prefixes", status=200))["items"]) == 1


async def test_approval_takes_a_second_person(park: Park) -> None:
    """What the registrar's organisation demands holds for what it decides on, whoever's that is."""
    below = await send(park.red, "POST", "/prefixes", form("88.118"))
    for client, step in ((park.red, "submit"), (park.root, "review"), (park.root, "approve")):
        await send(client, "POST", f"/prefixes/{below['id']}/{step}", {}, 200)
    await send(park.root, "PUT", f"/prefixes/{below['id']}/certification", {"certified_by": "CAICT"}, 200)
    await send(park.root, "POST", f"/prefixes/{below['id']}/activate", {}, 200)
    derived = await send(park.blue, "POST", "/prefixes", form("88.118.8"))
    sent = await send(park.blue, "POST", f"/prefixes/{derived['id']}/submit", {}, 200)
    assert sent["registrar_id"] == park.red_id
    invited = await send(park.red, "POST", f"/organisations/{park.red_id}/invitations", {"role": "administrator"})
    second = await join(park.web, invited["token"], "Red second")
    policy = {"actions": ["prefixes.approve"]}
    await send(park.red, "PUT", f"/organisations/{park.red_id}/approval-policy", policy, 200)
    await send(park.red, "POST", f"/prefixes/{derived['id']}/review", {}, 200)
    held = await park.red.post(f"/api/v1/prefixes/{derived['id']}/approve", json={})
    assert held.status_code == 202, held.text
    approval = held.json()["approval"]["id"]
    done = await send(second, "POST", f"/approvals/{approval}/approve", {"comment": "ok"}, 200)
    assert done["state"] == "done", done
    assert (await send(park.blue, "GET", f"/prefixes/{derived['id']}", status=200))["state"] == "approved"


# --- templates -------------------------------------------------------------------------------------------------------

DOCUMENT = {
    "name": "Pump",
    "fields": [
        {"number": 1, "name": "name", "required": True},
        {"number": 2, "name": "weight", "type": "quantity", "unit": "kg"},
    ],
}


async def test_the_life_of_a_template(park: Park) -> None:
    made = await send(park.red, "POST", "/identifier-templates", DOCUMENT)
    path = f"/identifier-templates/{made['id']}"
    assert (made["version"], made["draft"]["name"]) == (0, "Pump")
    twice = await park.red.post("/api/v1/identifier-templates", json=DOCUMENT | {"name": "pump"})
    assert (twice.status_code, twice.json()["code"]) == (409, "templates.name_taken")
    published = await park.red.post(f"/api/v1{path}/publish")
    assert published.status_code == 200, published.text
    assert (published.json()["version"], published.json()["draft"]) == (1, None)
    again = await park.red.post(f"/api/v1{path}/publish")
    assert (again.status_code, again.json()["code"]) == (409, "templates.no_draft")

    fields = {"name": "P7", "weight": {"value": 1200, "unit": "g"}}
    assert (await send(park.red, "POST", f"{path}/check", {"fields": fields}, 200))["fields"] == fields
    # A page that asks of the draft while it is published is told of what it became.
    late = {"fields": fields, "draft": True}
    assert (await send(park.red, "POST", f"{path}/check", late, 200))["fields"] == fields
    bad = await park.red.post(f"/api/v1{path}/check", json={"fields": {"weight": 3}})
    problem = bad.json()
    assert (bad.status_code, problem["code"]) == (400, "templates.fields_invalid")
    assert [(each["field"], each["why_zh"]) for each in problem["data"]["problems"]] == [
        ("name", "必填"), ("weight", "应为带单位的数值（value、unit）"),
    ]  # fmt: skip

    reused = {"name": "Pump", "fields": [{"number": 1, "name": "count", "type": "integer"}]}
    answer = await park.red.put(f"/api/v1{path}/draft", json=reused)
    assert (answer.status_code, answer.json()["code"]) == (409, "templates.number_reused")
    grown = {"name": "Pump 2", "fields": [*DOCUMENT["fields"], {"number": 3, "name": "page", "type": "url"}]}
    stale = await park.red.put(f"/api/v1{path}/draft", json=grown, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "templates.revision_stale")
    drafted = await send(park.red, "PUT", f"{path}/draft", grown, 200)
    assert (drafted["name"], drafted["document"]["name"], drafted["draft"]["name"]) == ("Pump", "Pump", "Pump 2")
    assert (await send(park.red, "POST", f"{path}/publish", status=200))["name"] == "Pump 2"
    versions = await send(park.red, "GET", f"{path}/versions", status=200)
    assert [each["version"] for each in versions] == [2, 1]
    exported = await park.red.get(f"/api/v1{path}/document", params={"version": 1})
    assert exported.json() == DOCUMENT
    removed = await park.red.delete(f"/api/v1{path}")
    assert (removed.status_code, removed.json()["code"]) == (409, "templates.published")
    assert (await send(park.red, "POST", f"{path}/retire", status=200))["retired"]
    assert (await send(park.red, "GET", "/identifier-templates?retired=false", status=200))["items"] == []


async def test_templates_of_the_enterprise_serve_its_sites(park: Park) -> None:
    made = await send(park.red, "POST", "/identifier-templates", DOCUMENT)
    site = {"parent_id": park.red_id, "kind": "site", "name": "Yard"}
    yard = (await send(park.red, "POST", "/organisations", site))["id"]
    invited = await send(park.red, "POST", f"/organisations/{yard}/invitations", {"role": "administrator"})
    below = await join(park.web, invited["token"], "Yard administrator")
    listed = await send(below, "GET", "/identifier-templates", status=200)
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    changed = await below.put(f"/api/v1/identifier-templates/{made['id']}/draft", json=DOCUMENT)
    assert (changed.status_code, changed.json()["code"]) == (404, "templates.unknown")
    for client in (park.blue, park.root):
        assert (await client.get(f"/api/v1/identifier-templates/{made['id']}")).status_code == 404
        assert (await send(client, "GET", "/identifier-templates", status=200))["items"] == []


async def test_ready_templates_can_be_taken_as_they_are(park: Park) -> None:
    ready = await send(park.red, "GET", "/identifier-templates/ready", status=200)
    assert [each["key"] for each in ready] == ["product", "batch", "device", "document", "organisation"]
    for each in ready:
        made = await send(park.red, "POST", "/identifier-templates", each["document"])
        assert (await send(park.red, "POST", f"/identifier-templates/{made['id']}/publish", status=200))["version"] == 1
    page = await send(park.red, "GET", "/identifier-templates?limit=3", status=200)
    rest = await send(park.red, "GET", f"/identifier-templates?limit=3&cursor={page['next']}", status=200)
    assert [each["name"] for each in (*page["items"], *rest["items"])] == [
        "Batch", "Device", "Document", "Organisation", "Product",
    ]  # fmt: skip
