"""Every route of the document × every role × {own enterprise, neighbour, nobody}, on a real node with two enterprises.

Whatever is the other enterprise's is marked with a word; the word, an id, a count, a different status, body, header or
amount of database work is a leak. The outcomes are compared with ``docs/reference/permissions.md``, and written as a
table beside the test's other files. Routes of devices are in ``test_matrix_devices.py``.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from millwright.engines.sql import metadata, owner_of
from support.historian import T0
from support.tenants import ROLES, Tenant, plant
from support.web import RunningWeb, running_web

sys.path.insert(0, str(Path(__file__).parents[3]))
from tools.reference.permissions_page import RouteRight, route_rights

RED, BLUE = "vermilion", "cerulean"
FORM = {"system": "handle", "prefix": "78.1"}
NOWHERE = "00000000000000000000000000"
STREAMED = "/api/v1/live"
"""Is looked at in test_live_tenants."""

NODES = {
    "kind": "device",
    "path": "checkpoint",
    "subject": "x",
    "authority_id": "x",
    "upper_id": "x",
    "drill_id": "x",
    "symbology": "qr",
    "release_id": "x",
    "rollout_id": "x",
    "file": "millwright-1-py3-none-any.whl",
}
"""What of the node's ledger and authorities is asked for, and the kind of carrier: that is not an enterprise's."""

STATELESS = {"/api/v1/carriers/{symbology}"}
"""Answers with a picture of what was asked, and knows of nothing that is kept."""

PROOF = "/api/v1/ledger/entries/{entry_id}/proof"
"""Is against the newest tree head, which grows with what anybody does."""

PERSONAL = "/api/v1/ledger/disclosures"
"""Goes with the files of the whole node's log, for its own auditors: one log holds all organisations."""

RECORD = {
    "/api/v1/ledger/entries",
    "/api/v1/ledger/export",
    "/api/v1/ledger/objects/{kind}/{object_id}",
}
"""What one did oneself, and tried: those above made the enterprise, and a neighbour's attempts name what they tried."""

FACTORS = ("passkeys", "identities")
"""What of a person's own sign-in a neighbour must neither see nor remove."""

ASKED = {"/api/v1/approvals/{approval_id}"}
"""What only the viewer, who asked, and the administrator, who decides, may see."""

OWN = {
    "/api/v1/session",
    "/api/v1/session/rights",
    "/api/v1/sessions/{session_id}",
    "/api/v1/tokens",
    "/api/v1/account/second-factor",
    "/api/v1/approvals/actions",  # the same for everybody; it holds the words and the digits that are masked elsewhere
}


@dataclass
class Town:
    """A node with two enterprises, and what was found out about its routes."""

    web: RunningWeb
    root: httpx.AsyncClient
    red: Tenant
    blue: Tenant
    rights: list[RouteRight]
    outcomes: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def note(self, right: RouteRight, who: str, answer: httpx.Response) -> None:
        self.outcomes.setdefault((right.method, right.path), {})[who] = str(answer.status_code)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path, history=True, written=True) as web:
        root = await web.set_up()
        red = await plant(web, web.historian, root, RED)
        blue = await plant(web, web.historian, root, BLUE)
        for tenant in (red, blue):
            await tenant.client.post("/api/v1/vehicles/model")  # made at the first call, and found at the others
        for tenant, entries in zip((red, blue), await asyncio.gather(written(red), written(blue)), strict=True):
            tenant.ids["entry_id"] = entries[-1]["id"]
        yield Town(web, root, red, blue, list(route_rights(web.server._app)))


async def written(tenant: Tenant) -> list[dict[str, Any]]:
    """What the ledger says of an enterprise, once nothing more of it is on its way."""
    found: list[dict[str, Any]] = []
    while True:
        await asyncio.sleep(1.5)
        before, found = found, (await tenant.client.get("/api/v1/ledger/entries?limit=500")).json()["items"]
        if found and len(found) == len(before):
            return found


def address(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: (ids | NODES | {"object_id": ids["device_id"]})[match[1]], path)


def unknown(ids: dict[str, str]) -> dict[str, str]:
    """Ids of the same kind and length that nobody has."""
    return {name: "999999" if name == "sequence" else f"{value.split('_')[0]}_{NOWHERE}" for name, value in ids.items()}


def query(path: str, ids: dict[str, str], marker: str) -> dict[str, Any]:
    """What a route is asked, about things of these ids."""
    window = {"from_ms": T0 - 1000, "to_ms": T0 + 10_000}
    name = f"{marker}_property"
    return {
        "/api/v1/readings/latest": {"device_id": ids["device_id"]},
        "/api/v1/readings": {"device_id": ids["device_id"], "property": name, **window},
        "/api/v1/readings/buckets": {"device_id": ids["device_id"], "property": name, **window},
        "/api/v1/access/why": {
            "person_id": ids["person_id"],
            "permission": "devices:read",
            "organisation_on": ids["organisation_id"],
        },
        "/api/v1/access/reach": {"person_id": ids["person_id"]},
        "/api/v1/metering/usage": {"organisation_on": ids["organisation_id"]},
        "/api/v1/metering/draft": {"organisation_on": ids["organisation_id"]},
        "/api/v1/grants": {"person_id": ids["person_id"]},
        "/api/v1/devices": {"q": marker},
        "/api/v1/alarms": {"q": marker},
        "/api/v1/dead-letters": {"device_id": ids["device_id"]},
        "/api/v1/interlocks": {"device_id": ids["device_id"]},
        "/api/v1/commands": {"batch_id": ids["batch_id"]},
        "/api/v1/rules": {"device_id": ids["device_id"]},
        "/api/v1/carriers/{symbology}": {"text": "x"},
        "/api/v1/location/now": {"zone_id": ids["zone_id"]},
        "/api/v1/location/events": {"zone_id": ids["zone_id"]},
        "/api/v1/location/events/export": {"zone_id": ids["zone_id"]},
        "/api/v1/identifiers/check": {"identifier": ids["identifier"]},
        "/api/v1/identifiers/record": {"identifier": ids["identifier"]},
        "/api/v1/identifiers/record/versions": {"identifier": ids["identifier"]},
        "/api/v1/identifiers/record/restore": {"identifier": ids["identifier"]},
        "/api/v1/identifiers/record/reveal": {"identifier": ids["identifier"]},
        "/api/v1/identifiers/search": {"q": marker},
        "/api/v1/identifiers/measures": {"identifier": ids["identifier"]},
        "/api/v1/snms/template": {"prefix": f"78.{marker}", "version": ids["template_id"]},
        "/api/v1/snms/identityv2/data/detail": {"handle": ids["identifier"]},
        "/api/v1/identifiers/export": {"q": marker, "among": "all"},
        "/api/v1/filings/sent": {"q": marker},
        "/api/v1/filings/received": {"q": marker},
        "/api/v1/filings/received/export": {"q": marker},
        "/api/v1/prefixes": {"q": marker},
        "/api/v1/prefixes/{prefix_id}/documents": {"name": "n"},
        "/api/v1/prefixes/{prefix_id}/handle-keys": {"index": 300},
        "/api/v1/prefixes/{review_id}/evidence": {"name": "n"},
    }.get(path, {})


def body(method: str, path: str, ids: dict[str, str]) -> Any:
    """A body that is right in itself and names things of these ids."""
    short = path.removeprefix("/api/v1")
    organisation, device = ids["organisation_id"], ids["device_id"]
    rule = {"name": "r", "scope": {"device_id": device}, "property": "p", "condition": {"kind": "stale", "after_s": 9}}
    interlock = {"name": "i", "device_id": device, "conditions": [{"type": "no_alarm"}]}
    entry = {"handle": ids["identifier"], "templateVersion": ids["template_id"], "value": []}
    return {
        "POST /snms/identityv2/data": entry,
        "PUT /snms/identityv2/data": entry,
        "POST /snms/identityv2/data/batchCreate": [entry],
        "PUT /snms/identityv2/data/batchUpdate": [entry],
        "POST /devices/{device_id}/commands/write": {"property": "p", "value": 1},
        "POST /devices/{device_id}/commands/call": {"service": "s"},
        "POST /devices/{device_id}/locks": {"reason": "r"},
        "POST /commands/write": {"property": "p", "value": 1, "device_ids": [device]},
        "POST /commands/call": {"service": "s", "device_ids": [device]},
        "POST /interlocks": interlock,
        "PUT /interlocks/{interlock_id}": interlock,
        "POST /places": {"level": "area", "name": "p", "parent_id": ids["place_id"]},
        "PATCH /places/{place_id}": {"name": "p"},
        "POST /edges": {"name": "e", "place_id": ids["place_id"]},
        "PATCH /edges/{edge_id}": {"name": "e"},
        "PUT /networks/{site_id}/watching": {"watched": True},
        "POST /networks/{site_id}/neighbours/known": {"all": True},
        "POST /networks/{site_id}/scans": {"subnet": "10.0.0.0/30"},
        **placed(ids),
        "POST /edge-releases": {"files": ["millwright-1-py3-none-any.whl"]},
        "POST /edge-rollouts": {"release_id": "x", "groups": [[ids["edge_id"]]]},
        "POST /models/{model_id}/versions": {"name": "m", "properties": []},
        "POST /devices": {"name": "d", "place_id": ids["place_id"]},
        "PATCH /devices/{device_id}": {"title": "t"},
        "POST /devices/{device_id}/credentials": {"label": "l"},
        "POST /devices/{device_id}/certificates": {"request": "x"},
        "POST /devices/import": [{"name": "i", "place": ids["place_id"]}],
        "POST /connectors": {"name": "c", "kind": "simulator", "enabled": False, "place_id": ids["place_id"]},
        "PATCH /connectors/{connection_id}": {"name": "c"},
        "POST /connectors/test": {"connection_id": ids["connection_id"]},
        "POST /connectors/browse": {"connection_id": ids["connection_id"]},
        "POST /connectors/read": {"connection_id": ids["connection_id"], "addresses": ["sine/1"]},
        "POST /connectors/discover": {"kind": "simulator"},
        "POST /connectors/{connection_id}/try": {"body": "{}"},
        "POST /vehicles": [{"vin": "", "iccid": ""}],
        "POST /vehicles/platforms": {"name": "p", "username": "a name that is too long", "password": "p"},
        "POST /connectors/{connection_id}/things": {"tags": [{"address": "sine/1"}], "device_id": device},
        "POST /connectors/{connection_id}/points": [{"address": "sine/1", "device_id": device, "property": "q"}],
        "POST /connectors/{connection_id}/points/remove": {"ids": [ids["point_id"]]},
        "PATCH /connectors/{connection_id}/points/{point_id}": {"interval_ms": 500},
        "POST /readings/exports": {"name": "e", "settings": {"selection": {"device_ids": [device]}}},
        "PUT /readings/exports/{reading_export_id}": {"name": "e", "settings": {"selection": {"device_ids": [device]}}},
        "POST /arrivals/{arrival_id}/adopt": {"name": "n"},
        "POST /dead-letters/replay": {"sequences": [int(ids["sequence"])]},
        "POST /dead-letters/discard": {"sequences": [int(ids["sequence"])]},
        "POST /rules": rule,
        "POST /rules/test": {"rule": rule, "from_ms": T0, "to_ms": T0 + 1000},
        "PUT /rules/{rule_id}": rule,
        "POST /alarms/acknowledge": {"ids": [ids["alarm_id"]]},
        "POST /alarms/{alarm_id}/acknowledge": {"comment": "c"},
        "POST /alarms/{alarm_id}/comments": {"text": "c"},
        "POST /metering/plans": {"document": {"name": "p"}, "organisation_id": organisation},
        "PUT /metering/plans/{plan_id}": {"name": "p"},
        "PUT /metering/organisations/{organisation_id}/subscription": {
            "from_day": "2026-01-01",
            "plan_id": ids["plan_id"],
        },
        "PUT /metering/organisations/{organisation_id}/limits": {"quotas": [{"meter": "messages", "limit": 9}]},
        "POST /metering/statements": {"organisation_id": organisation, "month": "2025-03"},
        "PATCH /people/{person_id}": {"disabled": True},
        "PATCH /account/passkeys/{passkey_id}": {"name": "k"},
        "POST /people": {
            "name": "n",
            "password": "copper kettles",
            "roles": ["viewer"],
            "organisation_id": organisation,
        },
        "POST /people/services": {"name": "s", "roles": ["viewer"], "organisation_id": organisation},
        "POST /organisations": {"parent_id": organisation, "kind": "site", "name": "s"},
        "PATCH /organisations/{organisation_id}": {"suspended": True},
        "POST /organisations/{organisation_id}/members/{person_id}/transfer": {"to_id": organisation},
        "POST /organisations/{organisation_id}/consents": {"to_id": "org_root", "permissions": ["devices:read"]},
        "POST /organisations/{organisation_id}/invitations": {"role": "viewer"},
        "POST /roles": {"organisation_id": organisation, "name": "r", "permissions": []},
        "PUT /roles/{role_id}": {"name": "r", "permissions": []},
        "POST /groups": {"organisation_id": organisation, "name": "g"},
        "PUT /organisations/{organisation_id}/approval-policy": {"actions": []},
        "POST /approvals/{approval_id}/approve": {"comment": "c"},
        "POST /approvals/{approval_id}/reject": {"comment": "c"},
        "POST /approvals/{approval_id}/comments": {"comment": "c"},
        "POST /approvals/{approval_id}/withdraw": {"comment": "c"},
        "PUT /groups/{group_id}": {"name": "g", "person_ids": []},
        "POST /prefixes": FORM | {"organisation_id": organisation},
        "POST /prefixes/check": {"system": "handle", "prefix": "78.1"},
        "PUT /prefixes/{prefix_id}": FORM,
        "POST /prefixes/{prefix_id}/comments": {"text": "c"},
        "POST /prefixes/{review_id}/remarks": {"text": "c"},
        "POST /prefixes/{review_id}/return": {"comment": "c"},
        "POST /prefixes/{review_id}/reject": {"comment": "c"},
        "POST /prefixes/{review_id}/suspend": {"comment": "c"},
        "POST /prefixes/{review_id}/revoke": {"comment": "c"},
        "POST /prefixes/{review_id}/transfer": {"to_id": organisation, "comment": "c"},
        "POST /prefixes/{review_id}/filings": {"node": "n"},
        "PUT /prefixes/{review_id}/filings/{filing_id}": {"node": "n"},
        "PUT /prefixes/{review_id}/certification": {"certified_by": "c"},
        "POST /filings": {"document": "x"},
        "POST /filings/reports": {"document": "x"},
        "POST /filings/received/{received_id}/refuse": {"comment": "c"},
        "POST /filers": {"name": "n", "holder_id": organisation},
        "PUT /filers/{filer_id}": {"name": "n", "policy": "review"},
        "PUT /identifier-templates/{template_id}/draft": {"name": "t"},
        "POST /identifier-templates/{template_id}/check": {"fields": {"name": "x"}},
        "POST /identifiers": {"identifier": ids["identifier"]},
        "PATCH /identifiers/record": {"fields": {}},
        "POST /identifiers/record/restore": {"version": 1},
        "POST /identifiers/operation/findings/{finding_id}/acknowledge": {"comment": "c"},
        "POST /identifiers/imports/{import_id}/start": {"template_id": ids["template_id"]},
        "POST /readings/imports/{reading_import_id}/start": {
            "value": "value",
            "property_name": "x",
            "device_id": device,
        },
        "POST /identifiers/measures/preview": {"scope": "identifier", "on": ids["identifier"]},
        "POST /identifiers/measures/suspend": {"scope": "identifier", "on": ids["identifier"], "reason": "r"},
        "POST /identifiers/measures/redirect": {
            "scope": "identifier",
            "on": ids["identifier"],
            "reason": "r",
            "href": "https://recall.example/",
        },
        "POST /identifiers/measures/announce": {
            "scope": "identifier",
            "on": ids["identifier"],
            "reason": "r",
            "text": "t",
        },
        "POST /identifiers/measures/{measure_id}/lift": {"reason": "r"},
        "POST /codes/parse": {"texts": [device]},
        "POST /codes/convert": {"texts": [device], "form": "urn"},
        "POST /carriers/sheet": {"labels": [{"text": "x"}], "format": "svg"},
        "POST /grants": {"organisation_id": organisation, "role": "viewer", "person_id": ids["person_id"]},
    }.get(f"{method} {short}", {})


def placed(ids: dict[str, str]) -> dict[str, Any]:
    """Bodies of sensing and place."""
    device, plan = ids["device_id"], ids["floor_plan_id"]
    drawn = {"name": "p", "width_m": 1, "height_m": 1, "place_id": ids["place_id"]}
    zone = {"name": "z", "plan_id": plan, "antennas": [{"device_id": device}]}
    rule = {"name": "r", "on": "enter", "zone_id": ids["zone_id"], "device_id": device, "command": "c", "value": 1}
    return {
        "POST /location/plans": drawn,
        "PUT /location/plans/{floor_plan_id}": drawn,
        "POST /location/zones": zone,
        "PUT /location/zones/{zone_id}": zone,
        "PUT /location/readers/{device_id}": {"plan_id": plan},
        "POST /location/tags": [{"tag": ids["tag"], "device_id": device}],
        "PUT /location/tags/{tag}": {"device_id": device},
        "POST /location/rules": rule,
        "PUT /location/rules/{feedback_id}": rule,
    }


async def ask(
    client: httpx.AsyncClient, right: RouteRight, ids: dict[str, str], marker: str, **extra: Any
) -> httpx.Response:
    options: dict[str, Any] = {"params": {**query(right.path, ids, marker), **extra}}
    if right.method in ("POST", "PUT", "PATCH"):
        options["json"] = body(right.method, right.path, ids)
    return await client.request(right.method, address(right.path, ids), **options)


@contextmanager
def counted(web: RunningWeb) -> Iterator[Counter[str]]:
    """Counts the statements over owned tables, by their text."""
    found: Counter[str] = Counter()
    names = [name for name, table in metadata.tables.items() if owner_of(table) is not None]

    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Beside the requests the ledger's writer is at work, on the engine that is not confined.
        theirs = connection.engine is web.services.records.engine
        if any(name in statement for name in names if not (theirs and name == "ledger_entries")):
            found[statement] += 1

    engines = (web.services.records.engine, web.services.records._confined)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def masked(answer: httpx.Response, ids: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs by itself: the ids asked for, the request's own id, the time."""
    text = answer.text
    for name, value in sorted(ids.items(), key=lambda item: -len(item[1])):
        if name != "sequence" or "dead letter" in text:
            text = text.replace(value, f"<{name}>")
    text = re.sub(r'"request_id":"[^"]*"', "", text)
    text = re.sub(r'"(at_ms|now_ms|created_ms|disk_free_bytes|bytes)":\d+', "", text)
    text = re.sub(r"made_at,[^\n]*", "", text)
    kept = ("content-type", "etag", "location", "allow", "content-disposition")
    return answer.status_code, text, {name: answer.headers[name] for name in kept if name in answer.headers}


def leaks(answer: httpx.Response, other: Tenant, sent: set[str]) -> list[str]:
    everything = answer.text + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    words = {other.marker, *other.ids.values()} - sent - {other.ids["sequence"]}
    return [word for word in words if word in everything]


async def snapshot(town: Town, tenant: Tenant) -> list[str]:
    """All that an enterprise's administrator sees."""
    found = []
    for right in town.rights:
        if right.path in {STREAMED, PROOF, *RECORD} or right.takes == "public" or right.on_root:
            continue  # the record grows by looking: exports of it are told
        if right.method == "GET":
            answer = await ask(tenant.client, right, tenant.ids, tenant.marker)
            found.append(f"{right.path} {masked(answer, {})[1]}")
    return found


async def test_every_route_states_what_it_takes(town: Town) -> None:
    assert [right for right in town.rights if right.takes is None] == []
    assert len(town.rights) > 90


async def test_the_own_enterprise_is_open_to_its_roles_alone(town: Town, tmp_path: Path) -> None:
    shown = set()
    for right in town.rights:
        if right.path == STREAMED or right.takes == "public":
            continue
        nobody = await ask(town.web.client(), right, town.red.ids, RED)
        assert nobody.status_code == 401, right
        assert not leaks(nobody, town.red, set()), right
        town.note(right, "nobody", nobody)
        for role in ROLES:
            client = town.red.clients[role]
            real = right.method == "GET"
            ids = town.red.ids if real else unknown(town.red.ids)
            if right.takes == "signed in" and not real:
                continue  # their own: the session would end
            answer = await ask(client, right, ids, RED)
            town.note(right, role, answer)
            if right.outcome(role) in ("–", "node"):
                assert answer.status_code == 403, (right, role, answer.text)
                assert not leaks(answer, town.red, set(ids.values())), (right, role)
            elif right.path in ASKED and role not in ("administrator", "viewer"):
                assert answer.status_code == 404, (right, role, answer.text)
            elif real:
                assert answer.status_code == 200, (right, role, answer.text)
                shown |= {right.path} if RED in answer.text or town.red.ids["device_id"] in answer.text else set()
            else:
                assert answer.status_code not in (401, 403, 500), (right, role, answer.text)
            assert not leaks(answer, town.blue, set()), (right, role)
    assert len(shown) > 25  # the marker is really there to be leaked
    report(town, tmp_path / "matrix.md")


async def test_a_neighbour_finds_nothing_in_any_way(town: Town) -> None:
    before = await snapshot(town, town.red)
    for right in town.rights:
        if right.path in RECORD:
            answer = await ask(town.blue.client, right, town.red.ids, RED)
            assert not leaks(answer, town.red, sent(right, town.red)), right
    tried = 0
    for right in town.rights:
        if right.path in {STREAMED, *RECORD} or right.takes == "public" or right.on_root:
            continue
        if right.takes == "signed in" and (right.method, right.path) in {
            ("DELETE", "/api/v1/session"),
            ("POST", "/api/v1/session/password"),
            ("POST", "/api/v1/tokens"),
        }:
            continue
        for role in ROLES:
            client = town.blue.clients[role]
            nothing = unknown(town.red.ids)
            with counted(town.web) as work:
                answer = await ask(client, right, town.red.ids, RED)
            with counted(town.web) as work_for_nothing:
                void = await ask(client, right, nothing, RED)
            where = (right.method, right.path, role, answer.status_code, answer.text)
            assert answer.status_code != 500, where
            assert not leaks(answer, town.red, sent(right, town.red)), where
            if "{" in right.path and right.path not in STATELESS:
                assert answer.status_code in (403, 404), where
            if right.path not in OWN:
                assert masked(answer, town.red.ids) == masked(void, nothing), where
            if right.path != "/api/v1/overview":  # that is kept for a second for whoever asks
                assert work == work_for_nothing, where
            town.note(right, f"neighbour {role}", answer)
            tried += 1
    assert tried > 400
    assert await snapshot(town, town.red) == before
    kept = [(await town.red.clients["viewer"].get(f"/api/v1/account/{each}")).json() for each in FACTORS]
    assert [[one["id"] for one in each] for each in kept] == [
        [town.red.ids["passkey_id"]],
        [town.red.ids["identity_id"]],
    ]


def sent(right: RouteRight, tenant: Tenant) -> set[str]:
    """The words of the other enterprise that the question itself contains, and an error may repeat."""
    asked = f"{address(right.path, tenant.ids)} {query(right.path, tenant.ids, tenant.marker)}"
    asked += str(body(right.method, right.path, tenant.ids))
    return {word for word in {tenant.marker, *tenant.ids.values()} if word in asked}


async def test_those_above_see_no_data_of_an_enterprise(town: Town) -> None:
    for right in town.rights:
        if right.method != "GET" or right.path in (STREAMED, PERSONAL) or right.takes == "public":
            continue
        answer = await ask(town.root, right, town.red.ids, RED)
        told = "/organisations" in right.path or "/metering/" in right.path or right.path.endswith("/rights")
        named = {town.red.marker} if told else set()
        named |= {town.red.ids["statement_id"]} if "/statements" in right.path else set()
        named |= {town.red.ids["invitation_id"]} if "invitations" in right.path else set()
        named |= {town.red.marker, town.red.ids["statement_id"]} if right.path in RECORD else set()
        assert not leaks(answer, town.red, sent(right, town.red) | named | {town.red.id}), (right, answer.text)
    counts = (await town.root.get("/api/v1/overview")).json()
    assert counts["devices"]["total"] == counts["dead_letters"]["count"] == counts["arrivals"]["count"] == 0
    assert counts["alarms"]["active"] == 0
    own = (await town.red.client.get("/api/v1/overview")).json()
    assert (own["devices"]["total"], own["alarms"]["active"], own["dead_letters"]["count"]) == (1, 1, 1)
    assert own["rates"] is None
    assert own["storage"] is None


async def test_search_counts_and_exports_stay_inside(town: Town) -> None:
    client = town.blue.client
    for path in ("/devices/export", "/alarms/export"):
        exported = (await client.get(f"/api/v1{path}")).text
        assert BLUE in exported
        assert RED not in exported
    for text in (RED, "device", "model"):
        found = (await client.get("/api/v1/devices", params={"q": text})).json()["items"]
        assert all(each["organisation_id"] == town.blue.id for each in found)
    assert (await client.get("/api/v1/alarms/summary")).json()["active"] == 1
    letters = (await client.get("/api/v1/dead-letters/summary")).json()
    assert letters["count"] == 1
    assert list(letters["by_device"]) == [town.blue.ids["device_id"]]
    for form in ("csv", "arrow"):
        asked = {"device_id": town.red.ids["device_id"], "property": f"{RED}_property", "from_ms": T0, "to_ms": T0 + 9}
        assert (await client.get("/api/v1/readings", params={**asked, "format": form})).status_code == 404


async def test_a_header_narrows_and_never_widens(town: Town) -> None:
    for chosen, total in ((town.blue.id, 1), (town.red.id, 0), ("org_root", 1), ("nonsense", 0)):
        answer = await town.blue.client.get("/api/v1/devices", headers={"X-Organisation": chosen})
        found = answer.json()["items"] if answer.status_code == 200 else []
        assert (answer.status_code in (200, 403), len(found)) == (True, total), chosen
        assert not leaks(answer, town.red, {town.red.id})


async def test_names_are_free_in_every_enterprise(town: Town) -> None:
    for path, new in (
        ("/devices", {"name": f"{RED} device"}),
        ("/models", {"name": f"{RED} model", "properties": []}),
        ("/places", {"level": "site", "name": f"{RED} site"}),
        ("/roles", {"organisation_id": town.blue.id, "name": f"{RED} role", "permissions": []}),
        ("/groups", {"organisation_id": town.blue.id, "name": f"{RED} group"}),
    ):
        answer = await town.blue.client.post(f"/api/v1{path}", json=new)
        assert answer.status_code == 201, answer.text


def report(town: Town, file: Path) -> None:
    """The matrix as a table: routes × roles × status."""
    who = ["nobody", *ROLES]
    lines = [f"| route | {' | '.join(who)} |", f"|---|{'---|' * len(who)}"]
    for (method, path), found in sorted(town.outcomes.items()):
        lines.append(f"| `{method} {path}` | {' | '.join(found.get(each, '') for each in who)} |")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
