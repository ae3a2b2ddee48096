"""Rules and alarms over HTTP: a real web host, broker, database and historian, and the historian role's worker."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from millwright.devices import DevicesService
from millwright.historian import (
    Historian,
    HistorianClient,
    HistorianServer,
    HistorianSettings,
    PolicyStore,
    ReadingBatch,
    Retention,
)
from millwright.kernel import Lifecycle, SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.operations import AlarmWorker, OperationsSettings, RegistryDirectory
from support.historian import open_engine
from support.operations import readings
from support.web import RunningWeb, running_web

LIMIT = {"kind": "limit", "high": 80, "deadband": 5}


class Site:
    """A node with one model, one pump and somebody in each role."""

    def __init__(self, web: RunningWeb, worker: AlarmWorker) -> None:
        self.web = web
        self.worker = worker
        self.model_id = self.device_id = ""
        self.engineer: httpx.AsyncClient
        self.operator: httpx.AsyncClient
        self.viewer: httpx.AsyncClient

    async def set_up(self) -> None:
        administrator = await self.web.set_up()
        self.engineer = await self.web.person(administrator, "Eva", "engineer")
        self.operator = await self.web.person(administrator, "Otto", "operator")
        self.viewer = await self.web.person(administrator, "Vera", "viewer")
        properties = [
            {"name": "temperature", "type": "number", "unit": "Cel"},
            {"name": "mode", "type": "string"},
        ]
        model = await self.engineer.post("/api/v1/models", json={"name": "Pump", "properties": properties})
        assert model.status_code == 201, model.text
        self.model_id = model.json()["id"]
        self.device_id = await self.add_device("pump-1")

    async def add_device(self, name: str) -> str:
        answer = await self.engineer.post("/api/v1/devices", json={"name": name, "model_id": self.model_id})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def rule(self, **changes: Any) -> dict[str, Any]:
        given = {
            "name": "Too hot",
            "scope": {"model_id": self.model_id},
            "property": "temperature",
            "condition": LIMIT,
            "priority": "high",
        }
        return given | changes

    async def make_rule(self, **changes: Any) -> dict[str, Any]:
        answer = await self.engineer.post("/api/v1/rules", json=self.rule(**changes))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def watching(self, count: int) -> None:
        await until(lambda: self.worker.gauges()["rules_watching"] == count)

    async def feed(self, *values: tuple[float, Any], device_id: str = "") -> ReadingBatch:
        """Readings that many seconds from now, judged and written."""
        now_ms = round(time.time() * 1000)
        batch = readings(*values, device_id=device_id or self.device_id, start_ms=now_ms)
        self.worker.evaluate(batch)
        await self.worker.flush()
        return batch

    async def alarms(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.viewer.get("/api/v1/alarms", params=query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@asynccontextmanager
async def running_site(web: RunningWeb) -> AsyncIterator[Site]:
    records = web.services.records.scoped(EVERYTHING)
    things = DevicesService(records, web.bus, SystemClock())
    worker = AlarmWorker(
        records,
        web.bus,
        HistorianClient(web.bus),
        RegistryDirectory(things.device_store, things.model_store, things.changes),
        SystemClock(),
        OperationsSettings(evidence_after_s=1),
    )
    async with Lifecycle(worker):
        made = Site(web, worker)
        await made.set_up()
        yield made


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose history nobody asks for."""
    async with running_web(tmp_path) as web, running_site(web) as made:
        yield made


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[tuple[Site, Historian]]:
    """A site with a historian."""
    async with running_web(tmp_path) as web, open_engine("chdb", tmp_path / "history") as engine:
        historian = Historian(engine, SystemClock(), HistorianSettings(flush_ms=20))
        retention = Retention(engine, PolicyStore(web.services.records), SystemClock())
        server = HistorianServer(historian, retention, web.bus)
        async with Lifecycle(historian, server), running_site(web) as made:
            yield made, historian


async def until(check: Callable[[], bool | Awaitable[bool]], seconds: float = 5.0) -> None:
    """Return when ``check`` is true."""
    for _ in range(round(seconds / 0.02)):
        found = check()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def test_from_a_rule_to_an_alarm_to_its_end(site: Site) -> None:
    told: list[dict[str, Any]] = []

    async def hear(_subject: str, payload: bytes) -> None:
        told.append(msgspec.msgpack.decode(payload))

    await site.web.bus.subscribe("events.alarms", hear)
    rule = await site.make_rule(message="{device} {value} {unit}")
    await site.watching(1)
    await site.feed((0, 70.0), (1, 85.5))
    (alarm,) = await site.alarms()
    assert (
        alarm
        | {
            "rule_id": rule["id"],
            "rule_name": "Too hot",
            "device_id": site.device_id,
            "device_name": "pump-1",
            "property": "temperature",
            "priority": "high",
            "condition_kind": "limit",
            "message": "pump-1 85.5 °C",
            "state": "unacknowledged",
            "active": True,
            "acknowledged": False,
            "trigger_value": 85.5,
            "limit": 80.0,
            "occurrences": 1,
        }
        == alarm
    )
    path = f"/api/v1/alarms/{alarm['id']}"
    assert (await site.viewer.post(f"{path}/acknowledge", json={})).status_code == 403
    assert (await site.viewer.post(f"{path}/comments", json={"text": "x"})).status_code == 403
    acknowledged = await site.operator.post(f"{path}/acknowledge", json={"comment": "looking"})
    assert (acknowledged.status_code, acknowledged.json()["acknowledged_by"]) == (200, "Otto")
    assert (await site.operator.post(f"{path}/acknowledge")).json()["state"] == "acknowledged"
    assert (await site.engineer.post(f"{path}/comments", json={"text": "new seal"})).status_code == 201
    await site.feed((2, 60.0))
    detail = (await site.viewer.get(path)).json()
    assert detail["state"] == "normal"
    assert [(e["kind"], e["by"], e["text"]) for e in detail["history"]] == [
        ("raised", "Millwright", ""),
        ("acknowledged", "Otto", "looking"),
        ("comment", "Eva", "new seal"),
        ("returned", "Millwright", ""),
    ]
    assert [(e["value"], e["source_ms"]) for e in detail["history"]] == [
        (85.5, detail["raised_ms"]),
        (None, None),
        (None, None),
        (None, detail["returned_ms"]),
    ]
    await until(lambda: len(told) == 3)
    assert [each["state"] for each in told] == ["unacknowledged", "acknowledged", "normal"]


async def test_a_rule_watches_devices_added_later_and_stops_when_changed(site: Site) -> None:
    rule = await site.make_rule()
    await site.watching(1)
    later = await site.add_device("pump-2")
    await site.watching(2)
    await site.feed((0, 90.0), device_id=later)
    (alarm,) = await site.alarms(active=True)
    assert alarm["device_id"] == later
    disabled = await site.engineer.put(f"/api/v1/rules/{rule['id']}", json=site.rule(enabled=False))
    assert disabled.status_code == 200
    await site.watching(0)
    await site.worker.flush()
    (alarm,) = await site.alarms()
    assert alarm["state"] == "returned_unacknowledged"
    detail = (await site.viewer.get(f"/api/v1/alarms/{alarm['id']}")).json()
    assert "no longer there, or disabled" in detail["history"][-1]["text"]


async def test_a_rule_is_kept_changed_and_removed(site: Site) -> None:
    first = await site.make_rule(name="A")
    await site.make_rule(name="B", scope={"device_id": site.device_id}, property="undeclared")
    path = f"/api/v1/rules/{first['id']}"
    read = await site.viewer.get(path)
    assert (read.json(), read.headers["etag"]) == (first, '"1"')
    page = (await site.viewer.get("/api/v1/rules", params={"limit": 1})).json()
    assert [each["name"] for each in page["items"]] == ["A"]
    page = (await site.viewer.get("/api/v1/rules", params={"limit": 1, "cursor": page["next"]})).json()
    assert ([each["name"] for each in page["items"]], page["next"]) == (["B"], None)
    scoped = (await site.viewer.get("/api/v1/rules", params={"device_id": site.device_id})).json()
    assert [each["name"] for each in scoped["items"]] == ["B"]
    changed = await site.engineer.put(path, json=site.rule(name="C"), headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["name"], changed.headers["etag"]) == (200, "C", '"2"')
    stale = await site.engineer.put(path, json=site.rule(name="D"), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "operations.rule_changed")
    assert (await site.viewer.delete(path)).status_code == 403
    assert (await site.engineer.delete(path)).status_code == 204
    assert (await site.engineer.delete(path)).status_code == 404
    assert (await site.viewer.get(path)).status_code == 404


WRONG_RULES: list[tuple[dict[str, Any], str]] = [
    ({"condition": {"kind": "limit"}}, "needs high, low or both"),
    ({"condition": {"kind": "limit", "high": 1, "low": 2}}, "must be less than high"),
    ({"condition": {"kind": "limit", "high": "hot"}}, "Expected"),
    ({"condition": {"kind": "limit", "high": "nan"}}, "must be a finite number"),
    ({"condition": {"kind": "magic"}}, "magic"),
    ({"condition": {"kind": "limit", "high": 1, "hysteresis": 1}}, "hysteresis"),
    ({"condition": {"kind": "stale", "after_s": 0}}, "after_s must be from 1"),
    ({"property": "temprature"}, "did you mean temperature?"),
    ({"property": "mode"}, "only a stale rule can watch it"),
    ({"property": "\0"}, "/property"),
    ({"scope": {}}, "exactly one of"),
    ({"scope": {"device_id": "a", "model_id": "b"}}, "exactly one of"),
    ({"priority": "urgent"}, "urgent"),
    ({"message": "{nothing}"}, "names {nothing}"),
    ({"name": ""}, "/name"),
]


async def test_a_wrong_rule_is_refused_with_its_reason(site: Site) -> None:
    for changes, reason in WRONG_RULES:
        answer = await site.engineer.post("/api/v1/rules", json=site.rule(**changes))
        assert answer.status_code == 400, answer.text
        assert reason in answer.text
    body = msgspec.json.encode(site.rule()).replace(b'"high":80', b'"high":1e400')
    answer = await site.engineer.post("/api/v1/rules", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert (await site.viewer.get("/api/v1/rules")).json()["items"] == []
    assert (await site.viewer.get("/api/v1/rules?cursor=x")).status_code == 400


async def test_unknown_devices_and_models(site: Site) -> None:
    for scope in ({"device_id": "dev_none"}, {"model_id": "mod_none"}):
        assert (await site.engineer.post("/api/v1/rules", json=site.rule(scope=scope))).status_code == 404


async def test_many_alarms_are_acknowledged_counted_and_exported(site: Site) -> None:
    await site.make_rule()
    devices = [site.device_id, await site.add_device("=cmd()")]
    await site.watching(2)
    for each in devices:
        await site.feed((0, 90.0), device_id=each)
    await site.feed((1, 20.0))
    summary = (await site.viewer.get("/api/v1/alarms/summary")).json()
    assert (summary["active"], summary["unacknowledged"], summary["by_priority"]["high"]) == (1, 2, 1)
    ids = [alarm["id"] for alarm in await site.alarms()]
    assert (await site.viewer.post("/api/v1/alarms/acknowledge", json={"ids": ids})).status_code == 403
    done = await site.operator.post("/api/v1/alarms/acknowledge", json={"ids": [*ids, "alm_none"]})
    assert (sorted(done.json()["acknowledged"]), done.json()["skipped"]) == (sorted(ids), ["alm_none"])
    assert [alarm["state"] for alarm in await site.alarms(active=False)] == ["normal"]
    exported = await site.viewer.get("/api/v1/alarms/export", params={"q": "too hot"})
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert {row["device"] for row in rows} == {"pump-1", "'=cmd()"}


WRONG_QUERIES = (
    "state=odd", "priority=odd", "from_ms=-1", "from_ms=99999999999999999999", "limit=0", "limit=1001", "cursor=x",
    "active=perhaps",
)  # fmt: skip


async def test_a_wrong_query_is_a_400(site: Site) -> None:
    for query in WRONG_QUERIES:
        answer = await site.viewer.get(f"/api/v1/alarms?{query}")
        assert answer.status_code == 400, (query, answer.text)


async def test_what_does_not_exist_and_who_is_not_there(site: Site) -> None:
    for path in ("/alarms/alm_none", "/alarms/alm_none/evidence", "/rules/rul_none"):
        assert (await site.viewer.get(f"/api/v1{path}")).status_code == 404
    assert (await site.operator.post("/api/v1/alarms/alm_none/acknowledge")).status_code == 404
    assert (await site.operator.post("/api/v1/alarms/alm_none/comments", json={"text": "x"})).status_code == 404
    assert (await site.operator.post("/api/v1/alarms/alm_none/comments", json={"text": " "})).status_code == 400
    stranger = site.web.client()
    for path in ("/alarms", "/alarms/summary", "/alarms/export", "/rules", "/alarms/x", "/alarms/x/evidence"):
        assert (await stranger.get(f"/api/v1{path}")).status_code == 401


async def test_evidence_comes_from_history(recorded: tuple[Site, Historian]) -> None:
    site, historian = recorded
    rule = await site.make_rule()
    await site.watching(1)
    batch = await site.feed(*[(-second, 70.0) for second in range(30, 0, -1)], (0, 90.0), (0.5, 91.0))
    await historian.append(batch)
    await historian.flush()
    (alarm,) = await site.alarms()
    path = f"/api/v1/alarms/{alarm['id']}/evidence"
    early = (await site.viewer.get(path)).json()
    assert (early["complete"], early["limit_high"], early["raised_ms"]) == (False, 80.0, alarm["raised_ms"])

    async def complete() -> bool:
        return bool((await site.viewer.get(path)).json()["complete"])

    await until(complete, 15)
    found = (await site.viewer.get(path)).json()
    assert found["value"] == [70.0] * 30 + [90.0, 91.0]
    assert (found["unit"], found["from_ms"], rule["revision"]) == ("Cel", alarm["raised_ms"] - 300_000, 1)


async def test_a_rule_is_tried_out_on_history(recorded: tuple[Site, Historian]) -> None:
    site, historian = recorded
    now_ms = round(time.time() * 1000)
    steps = [(-second, 90.0 if second % 20 < 5 else 60.0) for second in range(100, 0, -1)]
    await historian.append(readings(*steps, device_id=site.device_id, start_ms=now_ms))
    await historian.flush()
    request = {"rule": site.rule(enabled=False), "from_ms": now_ms - 200_000, "to_ms": now_ms}
    assert (await site.viewer.post("/api/v1/rules/test", json=request)).status_code == 403
    answer = await site.engineer.post("/api/v1/rules/test", json=request)
    assert answer.status_code == 200, answer.text
    (device,) = answer.json()["devices"]
    assert (answer.json()["raised"], device["readings"], device["device_name"]) == (6, 100, "pump-1")
    assert await site.alarms() == []
    for wrong in ({"from_ms": now_ms, "to_ms": now_ms - 1}, {"from_ms": -1}, {"rule": site.rule(property="x")}):
        assert (await site.engineer.post("/api/v1/rules/test", json=request | wrong)).status_code == 400
    missing = await site.engineer.post("/api/v1/rules/test", json=request | {"device_id": "dev_none"})
    assert missing.status_code == 404
