"""Two neighbouring enterprises on one node, each with one of everything, every text of theirs marked with a word."""

from __future__ import annotations

import asyncio
import io
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa
from PIL import Image

from millwright.approvals import Asked, Requester
from millwright.cases import SYSTEM
from millwright.devices.dead_letters import DeadLetter, DeadLetterStream
from millwright.devices.location import FeedbackStore, TrackStore
from millwright.devices.location.keeping import Step
from millwright.devices.location.layout import ANY_ANTENNA, ReaderSpec, ZoneSpec, arrange
from millwright.devices.location.sightings import Report, Sighting
from millwright.devices.location.tracker import Tracker
from millwright.devices.network import NetworkStore
from millwright.devices.network.model import Neighbour, NetworkReport
from millwright.devices.store import arrivals
from millwright.historian import Historian, SeriesInfo
from millwright.identity.filing.documents import signed
from millwright.identity.filing.model import Filing
from millwright.identity.filing.tables import sent
from millwright.identity.operation.model import Candidate
from millwright.identity.operation.store import OperationStore
from millwright.identity.records import Prefix
from millwright.kernel import Lifecycle
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Signer
from millwright.operations.alarms import KIND
from millwright.parties import NOBODY
from millwright.parties.oidc.store import IdentityStore
from millwright.parties.passkeys.store import PasskeyStore
from support.certificates import make_request
from support.historian import T0, numbers, store
from support.web import PASSWORD, RunningWeb

ROLES = ("administrator", "engineer", "operator", "viewer", "auditor")


@dataclass
class Tenant:
    """An enterprise, its marker, the ids of what it owns by the name of the path parameter, and its people.

    ``yard`` is a site of it.
    """

    marker: str
    id: str = ""
    yard: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def client(self) -> httpx.AsyncClient:
        """Its administrator's browser."""
        return self.clients["administrator"]


async def send(client: httpx.AsyncClient, method: str, path: str, body: Any = None, status: int = 201) -> Any:
    """One request that must succeed."""
    answer = await client.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == status, (method, path, answer.text)
    return answer.json() if answer.content else None


async def remove(root: httpx.AsyncClient, tenant: Tenant) -> None:
    """Remove a suspended enterprise, and its site first."""
    await send(root, "PATCH", f"/organisations/{tenant.yard}", {"suspended": True}, 200)
    for organisation_id in (tenant.yard, tenant.id):
        await send(root, "DELETE", f"/organisations/{organisation_id}", status=204)


async def plant(web: RunningWeb, historian: Historian | None, root: httpx.AsyncClient, marker: str) -> Tenant:
    """Make an enterprise with people in every role and one of everything."""
    made = Tenant(marker)
    organisation = {"parent_id": "org_root", "kind": "enterprise", "name": f"{marker} works"}
    made.id = made.ids["organisation_id"] = (await send(root, "POST", "/organisations", organisation))["id"]
    invited = await send(root, "POST", f"/organisations/{made.id}/invitations", {"role": "administrator"})
    made.clients["administrator"] = await join(web, invited["token"], f"{marker} administrator")
    for role in ROLES[1:]:
        invited = await send(made.client, "POST", f"/organisations/{made.id}/invitations", {"role": role})
        made.clients[role] = await join(web, invited["token"], f"{marker} {role}")
    waiting = await send(
        made.client, "POST", f"/organisations/{made.id}/invitations", {"role": "viewer", "note": marker}
    )
    made.ids["invitation_id"] = waiting["id"]
    await _people(made)
    await asyncio.to_thread(_factors, web, made)
    await _things(web, made)
    await _field(made)
    await _located(web, made)
    await _billing(root, made)
    await _identifiers(web, made)
    await asyncio.to_thread(_cases, web, made)
    await _letters(web, made)
    await _approval(web, made)
    if historian is not None:
        name = f"{marker}_property"
        info = SeriesInfo.of(made.ids["device_id"], name)
        await store(historian, numbers(info.series, [T0, T0 + 1000], [41.0, 42.0]), [info])
        await _exported(web, made)
    return made


async def _exported(web: RunningWeb, made: Tenant) -> None:
    """An export of what the enterprise has, with a file."""
    settings = {"window": {"kind": "between", "from_ms": T0, "to_ms": T0 + 10_000}}
    export = {"name": f"{made.marker} export", "settings": settings}
    export_id = made.ids["reading_export_id"] = (await send(made.client, "POST", "/readings/exports", export))["id"]
    made.ids["export_run_id"] = (await send(made.client, "POST", f"/readings/exports/{export_id}/run"))["id"]
    path = f"/readings/exports/runs/{made.ids['export_run_id']}"
    async with Lifecycle(web.services.more["reading_export_worker"]):
        while (found := await send(made.client, "GET", path, status=200))["state"] != "done":
            assert found["state"] in ("waiting", "running"), found
            await asyncio.sleep(0.05)


async def join(web: RunningWeb, token: str, name: str) -> httpx.AsyncClient:
    """Accept an invitation as somebody new."""
    client = web.client()
    answer = await client.post("/api/v1/invitations/accept", json={"token": token, "name": name, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return client


async def _people(made: Tenant) -> None:
    client, marker = made.client, made.marker
    people = await send(client, "GET", "/people", status=200)
    viewer = next(each for each in people if each["name"] == f"{marker} viewer")
    made.ids["person_id"] = viewer["id"]
    group = {"organisation_id": made.id, "name": f"{marker} group", "person_ids": [viewer["id"]]}
    made.ids["group_id"] = (await send(client, "POST", "/groups", group))["id"]
    role = {"organisation_id": made.id, "name": f"{marker} role", "permissions": ["devices:read"]}
    made.ids["role_id"] = (await send(client, "POST", "/roles", role))["id"]
    grant = {"organisation_id": made.id, "role": made.ids["role_id"], "group_id": made.ids["group_id"]}
    made.ids["grant_id"] = (await send(client, "POST", "/grants", grant))["id"]
    consent = {"to_id": "org_root", "permissions": ["retention:read"], "until_ms": 1}
    made.ids["consent_id"] = (await send(client, "POST", f"/organisations/{made.id}/consents", consent))["id"]
    token = await send(made.clients["viewer"], "POST", "/tokens", {"name": f"{marker} token", "roles": ["viewer"]})
    made.ids["token_id"] = token["id"]
    made.ids["session_id"] = (await send(made.clients["viewer"], "GET", "/session", status=200))["id"]


def _factors(web: RunningWeb, made: Tenant) -> None:
    """A passkey and an identity elsewhere of the viewer."""
    marker, person = made.marker, {"person_id": made.ids["person_id"], "created_ms": T0}
    made.ids |= {"passkey_id": f"psk_{marker}{'0' * 16}", "identity_id": f"idy_{marker}{'0' * 16}"}
    passkey = {"id": made.ids["passkey_id"], "name": f"{marker} key", "credential_id": marker.encode()}
    PasskeyStore(web.services.records).add(
        {**person, **passkey, "public_key": b"", "sign_count": 0, "backed_up": False},
    )
    identity = {"id": made.ids["identity_id"], "label": f"{marker} label", "subject": marker}
    IdentityStore(web.services.records).add({**person, **identity, "provider": "p", "issuer": "https://p.example"})


async def _things(web: RunningWeb, made: Tenant) -> None:
    client, marker = made.client, made.marker
    place = {"level": "site", "name": f"{marker} site"}
    made.ids["place_id"] = (await send(client, "POST", "/places", place))["id"]
    edge = {"name": f"{marker} edge", "place_id": made.ids["place_id"]}
    made.ids["edge_id"] = (await send(client, "POST", "/edges", edge))["edge"]["id"]
    neighbour = Neighbour(address="10.0.0.9", family=4, mac="02:00:00:00:00:09", interface="eth0", state="reachable")
    report = NetworkReport(at_ms=T0, host=f"{marker} host", neighbours=[neighbour])
    NetworkStore(web.services.records.scoped(EVERYTHING)).take(made.ids["edge_id"], "edge", "", report, T0)
    made.ids["site_id"] = made.ids["edge_id"]
    model = {"name": f"{marker} model", "properties": [{"name": f"{marker}_property", "writable": True}]}
    made.ids["model_id"] = (await send(client, "POST", "/models", model))["id"]
    device = {
        "name": f"{marker} device",
        "title": marker,
        "tags": [marker],
        "model_id": made.ids["model_id"],
        "place_id": made.ids["place_id"],
    }
    made.ids["device_id"] = (await send(client, "POST", "/devices", device))["id"]
    issued = await send(client, "POST", f"/devices/{made.ids['device_id']}/credentials", {"label": marker})
    made.ids["credential_id"] = issued["id"]
    with tempfile.TemporaryDirectory() as folder:
        request = await asyncio.to_thread(make_request, Path(folder), marker)
    certified = await send(client, "POST", f"/devices/{made.ids['device_id']}/certificates", {"request": request})
    made.ids["certificate_id"] = certified["issued"]["id"]
    rule = {
        "name": f"{marker} rule",
        "scope": {"device_id": made.ids["device_id"]},
        "property": f"{marker}_property",
        "condition": {"kind": "limit", "high": 1},
    }
    made.ids["rule_id"] = (await send(client, "POST", "/rules", rule))["id"]
    own = made.ids["device_id"]
    written = {"property": f"{marker}_property", "value": 1, "reason": marker}
    command = await send(client, "POST", f"/devices/{own}/commands/write", written)
    made.ids["command_id"] = command["id"]
    many = {**written, "device_ids": [own], "supersede": False}
    made.ids["batch_id"] = (await send(client, "POST", "/commands/write", many))["id"]
    made.ids["lock_id"] = (await send(client, "POST", f"/devices/{own}/locks", {"reason": marker}))["id"]
    interlock = {
        "name": f"{marker} interlock",
        "device_id": own,
        "conditions": [{"type": "value", "property": f"{marker}_property", "op": "<", "value": 1}],
    }
    made.ids["interlock_id"] = (await send(client, "POST", "/interlocks", interlock))["id"]
    policies = {"policies": [{"device_id": f"{marker}*", "property": "*", "keep_days": 9}]}
    await send(client, "PUT", "/retention", policies, 200)


async def _field(made: Tenant) -> None:
    """A connection with a point, which nobody runs."""
    client, marker = made.client, made.marker
    connection = {"name": f"{marker} connection", "kind": "simulator", "settings": {"machine": marker}}
    made.ids["connection_id"] = (await send(client, "POST", "/connectors", connection | {"enabled": False}))["id"]
    point = {"address": "sine/1", "device_id": made.ids["device_id"], "property": f"{marker}_property"}
    path = f"/connectors/{made.ids['connection_id']}/points"
    await send(client, "POST", path, [point])
    made.ids["point_id"] = (await send(client, "GET", path, status=200))["items"][0]["id"]


async def _located(web: RunningWeb, made: Tenant) -> None:
    """A plan with a picture, a zone, a reader, a tag that came and was seen, and a rule."""
    client, marker, device = made.client, made.marker, made.ids["device_id"]
    plan = {"name": f"{marker} plan", "width_m": 9, "height_m": 9, "place_id": made.ids["place_id"]}
    plan_id = made.ids["floor_plan_id"] = (await send(client, "POST", "/location/plans", plan))["id"]
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/api/v1/location/plans/{plan_id}/picture"
    answer = await client.put(path, content=picture.getvalue(), headers=headers)
    assert answer.status_code == 200, answer.text
    zone = {"name": f"{marker} zone", "plan_id": plan_id, "antennas": [{"device_id": device}]}
    zone_id = made.ids["zone_id"] = (await send(client, "POST", "/location/zones", zone))["id"]
    await send(client, "PUT", f"/location/readers/{device}", {"plan_id": plan_id}, 200)
    tag = made.ids["tag"] = f"{marker}-tag".upper()
    known = {"name": marker, "group": marker, "device_id": device, "identifier": marker}
    await send(client, "PUT", f"/location/tags/{tag}", known, 200)
    rule = {"name": f"{marker} rule", "on": "enter", "zone_id": zone_id, "device_id": device, "value": 1}
    rule |= {"command": f"{marker}_property"}
    made.ids["feedback_id"] = (await send(client, "POST", "/location/rules", rule))["id"]
    tracker = Tracker(arrange([ReaderSpec(device, made.id, plan_id=plan_id)], [_zone_of(zone_id, made, device)]))
    (reader,) = tracker.layout.readers.values()
    for second in range(3):
        tracker.report(reader, Report((Sighting(tag),), T0 + second * 1000), T0 + second * 1000)
    step = Step(marker, 1, *tracker.take(), list(tracker.tags.values()), {device: (made.id, tracker.readers[device])})
    records = web.services.records.scoped(EVERYTHING)
    triggers = await asyncio.to_thread(FeedbackStore(records).triggers)
    told = await asyncio.to_thread(TrackStore(records).keep, step, triggers, {}, T0)
    assert [event.kind for event in told] == ["enter"]


def _zone_of(zone_id: str, made: Tenant, device: str) -> ZoneSpec:
    return ZoneSpec(zone_id, f"{made.marker} zone", made.id, antennas=frozenset({(device, ANY_ANTENNA)}))


async def _billing(root: httpx.AsyncClient, made: Tenant) -> None:
    """A plan of the enterprise's own, and a statement that the one above issued to it."""
    document = {"name": f"{made.marker} plan", "monthly_fee": "1.00", "prices": []}
    own = await send(made.client, "POST", "/metering/plans", {"document": document})
    made.ids["plan_id"] = own["id"]
    offered = await send(root, "POST", "/metering/plans", {"document": document})
    subscription = {"from_day": "2025-01-01", "plan_id": offered["id"]}
    path = f"/metering/organisations/{made.id}"
    await send(root, "PUT", f"{path}/subscription", subscription, 200)
    await send(root, "PUT", f"{path}/limits", {"quotas": [{"meter": "messages", "limit": 1_000_000}]}, 200)
    issued = await send(root, "POST", "/metering/statements", {"organisation_id": made.id, "month": "2025-02"})
    made.ids["statement_id"] = issued["id"]


async def _identifiers(web: RunningWeb, made: Tenant) -> None:
    """A prefix that a site of the enterprise asked the enterprise for, with a document and a filing; a template."""
    client, marker = made.client, made.marker
    site = {"parent_id": made.id, "kind": "site", "name": f"{marker} yard"}
    yard = made.yard = (await send(client, "POST", "/organisations", site))["id"]
    contact = {"name": marker, "telephone": "1", "email": ""}
    form = {"system": "handle", "prefix": f"77.{marker}", "contact": contact, "industry": "C34", "use": marker}
    form |= {"credit_code": "91350100M000100Y43", "organisation_id": yard}
    prefix_id = made.ids["prefix_id"] = made.ids["review_id"] = (await send(client, "POST", "/prefixes", form))["id"]
    answer = await client.post(
        f"/api/v1/prefixes/{prefix_id}/documents?name={marker}.txt",
        content=marker.encode(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    made.ids["document_id"] = answer.json()["id"]
    for step in ("submit", "review", "approve"):
        await send(client, "POST", f"/prefixes/{prefix_id}/{step}", {}, 200)
    filed = await send(client, "POST", f"/prefixes/{prefix_id}/filings", {"node": marker})
    made.ids["filing_id"] = filed["filings"][0]["id"]
    document = {"name": f"{marker} template", "fields": [{"number": 1, "name": "name"}]}
    template_id = made.ids["template_id"] = (await send(client, "POST", "/identifier-templates", document))["id"]
    await send(client, "POST", f"/identifier-templates/{template_id}/publish", {}, 200)
    await _registered(web, made)
    await _filed(web, made)


async def _registered(web: RunningWeb, made: Tenant) -> None:
    """An identifier that shows nothing to others, and an import."""
    client, marker = made.client, made.marker
    entry = Prefix(prefix=f"78.{marker}", organisation_id=made.id, state="active")
    await asyncio.to_thread(web.services.more["register"].put_prefix, entry, who=made.id)
    document = {"name": f"{marker} inside", "fields": [{"number": 1, "name": "name", "visibility": "granted"}]}
    template_id = (await send(client, "POST", "/identifier-templates", document))["id"]
    await send(client, "POST", f"/identifier-templates/{template_id}/publish", {}, 200)
    made.ids["identifier"] = f"78.{marker}/thing"
    made.ids["finding_id"] = await asyncio.to_thread(_finding, web, made)
    new = {"identifier": made.ids["identifier"], "template_id": template_id, "fields": {"name": marker}}
    await send(client, "POST", "/identifiers", new)
    measure = {"scope": "identifier", "on": made.ids["identifier"], "reason": marker, "text": marker}
    made.ids["measure_id"] = (await send(client, "POST", "/identifiers/measures/announce", measure, 200))["id"]
    import_id = (await send(client, "POST", "/identifiers/imports", {"file_name": f"{marker}.csv"}))["id"]
    made.ids["import_id"] = import_id
    answer = await client.put(
        f"/api/v1/identifiers/imports/{import_id}/file",
        content=f"identifier,name\n{marker},{marker}\n".encode(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    made.ids["reading_import_id"] = (await send(client, "POST", "/readings/imports", {"file_name": f"{marker}.csv"}))[
        "id"
    ]
    answer = await client.put(
        f"/api/v1/readings/imports/{made.ids['reading_import_id']}/file",
        content=f"time,value\n{T0},{marker}\n".encode(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text


async def _filed(web: RunningWeb, made: Tenant) -> None:
    """A node below, what it filed, and a filing of the enterprise's own with a node above that is gone."""
    marker = made.marker
    new = {"name": f"{marker} node", "holder_id": made.id, "policy": "review"}
    admitted = await send(made.client, "POST", "/filers", new)
    made.ids["filer_id"] = admitted["filer"]["id"]
    signer, now_ms = Signer.generate(marker), web.services.clock.now_ms()
    receiving = web.services.more["filings"].receiving
    said = {
        "filing_id": f"fil_{marker}", "node": marker, "key": str(signer.verifier), "to": receiving.node.key,
        "system": "handle", "prefix": f"77.{marker}.1", "event": "activate", "state": "active", "sequence": 1,
        "at_ms": now_ms, "signed_ms": now_ms, "holder": marker, "use": marker,
    }  # fmt: skip
    answer = await web.client(token=admitted["token"]).post(
        "/api/v1/filings", json={"document": signed(msgspec.convert(said, Filing), signer)}
    )
    assert answer.status_code == 200, answer.text
    found = (await send(made.client, "GET", f"/filings/received?q={marker}", status=200))["items"]
    made.ids["received_id"] = found[0]["id"]
    made.ids["sent_id"] = f"fil_{marker}{'0' * 16}"
    row = {
        "id": made.ids["sent_id"], "organisation_id": made.id, "upper_id": "upn_gone", "upper_name": marker,
        "prefix_id": made.ids["prefix_id"], "received_id": None, "system": "handle", "prefix": f"77.{marker}",
        "key": f"77.{marker.upper()}", "event": "activate", "sequence": 1, "state": "failed", "facts": {},
        "document": None, "upper_key": None, "answer": None, "number": "", "reason": marker, "attempts": 1,
        "polls": 0, "next_ms": None, "prepared_ms": T0, "sent_ms": None, "answered_ms": None,
    }  # fmt: skip

    def keep() -> None:
        with web.services.records.scoped(EVERYTHING).begin() as connection:
            connection.execute(sa.insert(sent), [row])

    await asyncio.to_thread(keep)


def _finding(web: RunningWeb, made: Tenant) -> str:
    """Somebody tries out names of the enterprise."""
    store = OperationStore(web.services.records.scoped(EVERYTHING))
    name = f"78.{made.marker}/thing"
    seen = Candidate(
        kind="guessing", subject=name, period=1, at_ms=web.services.clock.now_ms(), evidence={}, names=(name,)
    )
    store.note(seen)
    return str(next(row.id for row in store.findings(None) if row.subject == name))


def _cases(web: RunningWeb, made: Tenant) -> None:
    records = web.services.records.scoped(EVERYTHING)
    marker = made.marker
    from millwright.operations import Alarms

    with Alarms(records, web.bus, web.services.clock).cases.begin() as session:
        data = {
            "message": marker,
            "message_zh": marker,
            "trigger_value": 2.0,
            "limit": 1.0,
            "unit": None,
            "last_occurrence_ms": T0,
            "rule_id": made.ids["rule_id"],
            "rule_name": marker,
            "device_name": marker,
            "property": f"{marker}_property",
            "condition_kind": "limit",
            "returned_ms": None,
            "acknowledged_ms": None,
            "acknowledged_by": None,
            "occurrences": 1,
        }
        case = session.open(
            KIND,
            id_prefix="alm",
            subject=made.ids["device_id"],
            actor=SYSTEM,
            priority=1,
            cause=f"{marker} cause",
            opened_ms=T0,
            search=marker,
            data=data,
            organisation_id=made.id,
        )
        session.comment(case, SYSTEM, marker)
        evidence = {"from_ms": T0, "to_ms": T0, "raised_ms": T0, "trigger_ms": T0, "unit": marker}
        session.keep_evidence(case.id, evidence, complete=True)
        made.ids["alarm_id"] = case.id
    with records.begin() as connection:
        row = {
            "id": f"arr_{marker}",
            "identity": f"mqtt:{marker}",
            "kind": "mqtt",
            "username": marker,
            "client_id": marker,
            "peer": marker,
            "digest": None,
            "reason": "password_wrong",
            "device_id": made.ids["device_id"],
            "properties": [],
            "attempts": 1,
            "first_ms": T0,
            "last_ms": T0,
            "organisation_id": made.id,
        }
        connection.execute(sa.insert(arrivals), [row])
    made.ids["arrival_id"] = row["id"]  # type: ignore[assignment]  # a text


async def _approval(web: RunningWeb, made: Tenant) -> None:
    """Something that the viewer asked for."""
    marker, device = made.marker, made.ids["device_id"]
    what = {"method": "DELETE", "path": f"/api/v1/devices/{device}", "query": "", "headers": {}, "body": ""}
    asked = Asked(
        action="devices.remove",
        organisation_id=made.id,
        requester=Requester(made.ids["person_id"], f"{marker} viewer", made.ids["session_id"], "cookie"),
        kind="http",
        what=what,
        shown={**what, "body": {"title": marker}},
        object_kind="device",
        object_id=device,
        object_name=f"{marker} device",
        reason=marker,
    )
    made.ids["approval_id"] = (await web.services.approvals.ask(NOBODY, asked)).id


async def _letters(web: RunningWeb, made: Tenant) -> None:
    marker = made.marker
    letter = DeadLetter("telemetry.not_json", marker, made.ids["device_id"], f"{marker}/t", marker.encode(), T0)
    stream = DeadLetterStream(web.bus)
    await stream.append(letter)
    made.ids["sequence"] = str(await stream.last_sequence())


def texts(document: Any) -> set[str]:
    """Every text in a document."""
    found = msgspec.to_builtins(document)
    if isinstance(found, str):
        return {found}
    if isinstance(found, dict):
        return {text for value in found.values() for text in texts(value)}
    if isinstance(found, list):
        return {text for value in found for text in texts(value)}
    return set()
