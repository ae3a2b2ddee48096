"""The routes over HTTP: a real web host, nats-server and database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from millwright.devices import Access, ArrivalService, ArrivalStore, ArrivalWorker, DevicesService, DevicesSettings
from millwright.kernel.scope import EVERYTHING
from support.web import RunningWeb, running_web

API = "/api/v1"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


@pytest.fixture
async def anna(web: RunningWeb) -> httpx.AsyncClient:
    return await web.set_up()


async def ok(answer: httpx.Response, status: int = 200) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    found: dict[str, object] = answer.json() if answer.content else {}
    return found


async def test_a_device_from_place_and_model_to_credential(anna: httpx.AsyncClient) -> None:
    works = await ok(await anna.post(f"{API}/places", json={"level": "enterprise", "name": "Works"}), 201)
    cell = await ok(
        await anna.post(f"{API}/places", json={"level": "cell", "name": "Cell", "parent_id": works["id"]}), 201
    )
    document = {"name": "Pump", "properties": [{"name": "p", "unit": "kPa", "title_zh": "压力", "maximum": 1600}]}
    model = await ok(await anna.post(f"{API}/models", json=document), 201)
    new = {"name": "pump-7", "model_id": model["id"], "place_id": cell["id"], "tags": ["cooling"]}
    answer = await anna.post(f"{API}/devices", json=new)
    device = await ok(answer, 201)
    assert answer.headers["etag"] == '"1"'
    assert (device["place_path"], device["model_version"], device["presence"]) == (
        "Works/Cell",
        1,
        {"online": False, "since_ms": None, "last_seen_ms": None, "reason": None},
    )
    url = f"{API}/devices/{device['id']}"
    issued = await ok(await anna.post(f"{url}/credentials", json={"label": "gateway"}), 201)
    assert str(issued["token"]).startswith("mwd_")
    listed = (await anna.get(f"{url}/credentials")).json()
    assert [entry["id"] for entry in listed] == [issued["id"]]
    assert "token" not in listed[0]
    assert (await anna.delete(f"{url}/credentials/{issued['id']}")).status_code == 204
    shown = (await anna.get(f"{url}/properties")).json()
    assert [(entry["name"], entry["symbol"], entry["known"], entry["latest"]) for entry in shown] == [
        ("p", "kPa", True, None)
    ]
    assert (await anna.get(f"{url}/presence")).json() == []
    found = await ok(await anna.get(f"{API}/devices", params={"q": "PUMP", "status": "never", "place_id": works["id"]}))
    assert [entry["id"] for entry in found["items"]] == [device["id"]]  # type: ignore[index, attr-defined]
    assert found["next"] is None


async def test_a_change_rests_on_the_etag(anna: httpx.AsyncClient) -> None:
    device = await ok(await anna.post(f"{API}/devices", json={"name": "d"}), 201)
    url = f"{API}/devices/{device['id']}"
    answer = await anna.patch(url, json={"title": "D"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["etag"], answer.json()["title"]) == (200, '"2"', "D")
    stale = await anna.patch(url, json={"title": "E"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "devices.revision_stale")
    assert (await anna.patch(url, json={"title": None}, headers={"If-Match": "*"})).json()["title"] is None
    assert (await anna.delete(url, headers={"If-Match": "no etag"})).status_code == 400
    assert (await anna.delete(url, headers={"If-Match": '"3"'})).status_code == 204
    assert (await anna.get(url)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("devices", {"name": ""}, "devices.name_invalid"),
        ("devices", {"name": "dev_x"}, "devices.name_invalid"),
        ("devices", {"name": "x", "sparkplug": {"group_id": "a+", "edge_node_id": "e"}}, "devices.invalid"),
        (
            "devices",
            {"name": "x", "kind": "sparkplug_edge", "sparkplug": {"group_id": "a+", "edge_node_id": "e"}},
            "devices.sparkplug_name",
        ),
        ("places", {"level": "site", "name": "a/b"}, "devices.name_invalid"),
        ("models", {"name": "m", "properties": [{"name": "t", "unit": "°C"}]}, "units.unknown"),
        ("models", {"name": "m", "properties": [{"name": "t"}, {"name": "t"}]}, "devices.model_name_twice"),
        ("models", {"name": "m", "properties": [{"name": "t", "minimum": 2, "maximum": 1}]}, "devices.model_range"),
        (
            "models",
            {"name": "m", "properties": [{"name": "t", "type": "string", "unit": "m"}]},
            "devices.model_invalid",
        ),
        ("models", {"name": "m", "services": [{"name": "s", "inputs": [{"name": ""}]}]}, "devices.name_invalid"),
    ],
)
async def test_wrong_input_is_named(anna: httpx.AsyncClient, path: str, body: object, code: str) -> None:
    answer = await anna.post(f"{API}/{path}", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert problem["hint"]
    if path == "models":
        assert '"pointer"' in answer.text


async def test_devices_go_in_and_out_as_csv(anna: httpx.AsyncClient) -> None:
    text = "name,title,tags\np1,水泵,a;b\np1,twice,\np2,,\n"
    headers = {"Content-Type": "text/csv"}
    report = await ok(
        await anna.post(
            f"{API}/devices/import", params={"issue": True}, content=text.encode("gb18030"), headers=headers
        )
    )
    assert report["created"] == 2
    assert [entry["row"] for entry in report["refused"]] == [2]  # type: ignore[attr-defined]
    assert [entry["username"] for entry in report["credentials"]] == ["p1", "p2"]  # type: ignore[attr-defined]
    exported = await anna.get(f"{API}/devices/export", params={"tag": "a"})
    assert exported.headers["content-type"].startswith("text/csv")
    assert exported.content.decode("utf-8-sig").splitlines()[1].startswith("p1,水泵,,,a;b,device")
    rows = await ok(await anna.post(f"{API}/devices/import", json=[{"name": "p3"}, {"title": "?"}, 3]))
    assert (rows["created"], len(rows["refused"])) == (1, 2)  # type: ignore[arg-type]
    assert (await anna.post(f"{API}/devices/import", json={"name": "p4"})).status_code == 400
    assert (await anna.post(f"{API}/devices/import", content=b"\xff", headers=headers)).status_code == 400


async def test_roles_are_asked_for(web: RunningWeb, anna: httpx.AsyncClient) -> None:
    device = await ok(await anna.post(f"{API}/devices", json={"name": "d"}), 201)
    viewer = await web.person(anna, "Vera", "viewer")
    engineer = await web.person(anna, "Emil", "engineer")
    assert (await viewer.get(f"{API}/devices")).status_code == 200
    for method, path, body in (
        ("POST", "devices", {"name": "x"}),
        ("PATCH", f"devices/{device['id']}", {"title": "x"}),
        ("DELETE", f"devices/{device['id']}", None),
        ("POST", "devices/import", [{"name": "x"}]),
        ("GET", f"devices/{device['id']}/credentials", None),
        ("POST", f"devices/{device['id']}/credentials", {}),
        ("POST", "places", {"level": "site", "name": "x"}),
        ("POST", "models", {"name": "x"}),
        ("POST", "arrivals/x/adopt", {"name": "x"}),
        ("DELETE", "arrivals/x", None),
    ):
        assert (await viewer.request(method, f"{API}/{path}", json=body)).status_code == 403, (method, path)
    assert (await engineer.post(f"{API}/devices", json={"name": "x"})).status_code == 201
    stranger = web.client()
    for path in ("devices", "places", "models", "arrivals"):
        assert (await stranger.get(f"{API}/{path}")).status_code == 401


def historian_arrivals(web: RunningWeb) -> ArrivalService:
    """The service as the historian role has it: it serves the node."""
    records = web.services.records.scoped(EVERYTHING)
    things = DevicesService(records, web.bus, web.services.clock)
    return ArrivalService(
        ArrivalStore(records), things.device_store, things.changes, web.bus, web.services.clock, DevicesSettings()
    )


async def test_an_unknown_device_is_adopted_with_one_click(web: RunningWeb, anna: httpx.AsyncClient) -> None:
    things = DevicesService(web.services.records.scoped(EVERYTHING), web.bus, web.services.clock)
    access = Access(things.credential_store, things.device_store, things.changes, web.bus, web.services.clock)
    worker = ArrivalWorker(historian_arrivals(web), web.bus)
    await worker.start()
    await access.start()
    await access.authenticate("press-3", b"its own password", "client-3", "10.0.0.3:1883")
    for _ in range(50):
        await worker.flush()
        listed = (await anna.get(f"{API}/arrivals")).json()
        if listed:
            break
    assert [(entry["username"], entry["client_id"]) for entry in listed] == [("press-3", "client-3")]
    assert "digest" not in listed[0]
    device = await ok(await anna.post(f"{API}/arrivals/{listed[0]['id']}/adopt", json={"name": "Press 3"}), 201)
    admitted = await access.authenticate("press-3", b"its own password", "client-3", "10.0.0.3:1883")
    assert getattr(admitted, "device_id", None) == device["id"]
    await access.stop()
    await worker.stop()
