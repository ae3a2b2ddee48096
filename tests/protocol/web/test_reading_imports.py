"""Bringing history in: over HTTP, by the worker's own hand, into a real historian."""

import asyncio
import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millwright.devices import NewDevice
from millwright.historian import EARLIEST_MS, LATEST_MS, Range, RawQuery, series_id
from millwright.kernel import ROOT, Lifecycle
from millwright.kernel.scope import EVERYTHING, within
from millwright.metering import CountStore
from support.pipeline import eventually
from support.web import running_web

T = 1_700_000_000_000
PATH = "/api/v1/readings/imports"


@pytest.fixture
async def web(tmp_path):
    async with running_web(tmp_path, history=True, written=True) as running:
        yield running


async def upload(client, name, data):
    made = (await client.post(PATH, json={"file_name": name})).json()["id"]
    half = len(data) // 2
    for offset, part in ((0, data[:half]), (half, data[half:])):
        answer = await client.put(
            f"{PATH}/{made}/file", params={"offset": offset}, content=part,
            headers={"Content-Type": "application/octet-stream"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    return made


async def ended(client, made, *states):
    async def over():
        found = (await client.get(f"{PATH}/{made}")).json()
        return found if found["state"] in (states or ("done", "failed", "cancelled")) else None

    return await eventually(over, 30)


async def history(web, device_id, name):
    table, _ = await web.historian.raw(RawQuery(series_id(device_id, name), Range(EARLIEST_MS, LATEST_MS), 5000))
    return list(zip(table.column("time_ms").to_pylist(), table.column("number").to_pylist(), strict=True))


async def device(web, name):
    with within(EVERYTHING):
        return (await web.services.devices.registry.create(NewDevice(name=name))).id


def worker(web):
    return Lifecycle(web.services.more["reading_import_worker"])


async def test_a_file_is_looked_at_tried_and_brought_in_twice(web):
    client = await web.set_up()
    pump = await device(web, "pump")
    lines = [f"{datetime.fromtimestamp(T / 1000 + at, UTC).isoformat()},pump,speed,{at}" for at in range(500)]
    data = "\n".join(["time,device,property,value", *lines, "never,pump,speed,1", f"{T},who,speed,1\n"]).encode()
    made = await upload(client, "past.csv", data)
    preview = (await client.post(f"{PATH}/{made}/preview", json={})).json()
    assert [each["name"] for each in preview["columns"]] == ["time", "device", "property", "value"]
    assert preview["readings"][1] == {
        "row": 2, "time_ms": T + 1000, "device": "pump", "property": "speed", "value": 1.0, "quality": 192,
        "reason": "", "reason_zh": "",
    }  # fmt: skip
    assert preview["total"] == 502
    settings = preview["settings"]
    async with worker(web):
        answer = await client.post(f"{PATH}/{made}/start", json={**settings, "dry_run": True})
        assert answer.status_code == 200, answer.text
        tried = await ended(client, made)
        assert (tried["state"], tried["rows"], tried["readings"], tried["refused"]) == ("done", 502, 500, 2)
        assert await history(web, pump, "speed") == []
        await client.post(f"{PATH}/{made}/start", json=settings)
        done = await ended(client, made)
        assert (done["state"], done["readings"], done["refused"], done["total"]) == ("done", 500, 2, 502)
        expected = [(T + 1000 * at, float(at)) for at in range(500)]
        assert await history(web, pump, "speed") == expected
        refused = (await client.get(f"{PATH}/{made}/refused")).json()["items"]
        assert [(each["row"], each["line"], each["code"]) for each in refused] == [
            (501, 502, "readings.time"), (502, 503, "readings.device"),
        ]  # fmt: skip
        report = await client.get(f"{PATH}/{made}/refused/file")
        assert report.text.count("\n") == 3
        assert (await client.post(f"{PATH}/{made}/start", json=settings)).status_code == 409
        again = await upload(client, "again.csv", data)
        await client.post(f"{PATH}/{again}/start", json=settings)
        await ended(client, again)
        assert await history(web, pump, "speed") == expected
    found = (await client.get(f"/api/v1/devices/{pump}/properties")).json()
    assert [(each["name"], each["latest"]["value"]) for each in found] == [("speed", 499.0)]
    with within(EVERYTHING):
        counted = CountStore(web.services.records.scoped(EVERYTHING)).sums(0, 1 << 40)
    assert counted[ROOT, "points"] == 1_000, "two imports of five hundred; the one that was tried does not count"
    keeper = web.services.more["reading_import_keeper"]
    for _ in range(2):
        await keeper.look()

    async def told():
        entries = (await client.get("/api/v1/ledger/entries?limit=500")).json()["items"]
        ends = [each for each in entries if each["action"] == "readings.imports.end"]
        return ends if len(ends) >= 2 else None

    assert len(await eventually(told, 30)) == 2, "the one that was tried was begun anew before it was told"
    assert (await client.delete(f"{PATH}/{made}")).status_code == 204
    assert [each["id"] for each in (await client.get(PATH)).json()["items"]] == [again]


async def test_parquet_in_the_wide_form_in_another_zone(web):
    client = await web.set_up()
    pump = await device(web, "pump")
    table = pa.table({"time": ["2023-11-15 06:13:20"], "speed [m/s]": [2.5], "on": [True]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    made = await upload(client, "past.parquet", sink.getvalue())
    settings = (await client.post(f"{PATH}/{made}/preview", json={})).json()["settings"]
    settings |= {"device_id": "pump", "time_zone": "Asia/Shanghai"}
    preview = (await client.post(f"{PATH}/{made}/preview", json={"settings": settings})).json()
    assert [(each["property"], each["value"], each["time_ms"]) for each in preview["readings"]] == [
        ("speed", 2.5, T), ("on", True, T),
    ]  # fmt: skip
    async with worker(web):
        await client.post(f"{PATH}/{made}/start", json=settings)
        assert (await ended(client, made))["readings"] == 2
    found = {each["name"]: each["unit"] for each in (await client.get(f"/api/v1/devices/{pump}/properties")).json()}
    assert found == {"speed": "m/s", "on": None}


async def test_paused_resumed_and_cancelled(web, monkeypatch):
    monkeypatch.setattr("millwright.devices.history_import.running.READINGS_A_PART", 100)
    client = await web.set_up()
    pump = await device(web, "pump")
    rows = 20_000
    data = ("time,value\n" + "".join(f"{T + at},{at}\n" for at in range(rows))).encode()
    settings = {"value": "value", "property_name": "x", "device_id": "pump"}
    made = await upload(client, "long.csv", data)

    async def some():
        return (await client.get(f"{PATH}/{made}")).json()["rows"] > 0

    async with worker(web):
        await client.post(f"{PATH}/{made}/start", json=settings)
        await eventually(some, 30)
        assert (await client.post(f"{PATH}/{made}/pause", json={})).status_code == 200
        paused = await ended(client, made, "paused", "done")
        assert paused["state"] == "paused", "too quick to be paused"
        monkeypatch.setattr("millwright.devices.history_import.running.READINGS_A_PART", 5_000)
        assert (await client.post(f"{PATH}/{made}/resume", json={})).status_code == 200
        done = await ended(client, made)
        assert (done["state"], done["rows"]) == ("done", rows)
        assert len(await history(web, pump, "x")) == 5_000  # a page
        monkeypatch.setattr("millwright.devices.history_import.running.READINGS_A_PART", 50)
        other = await upload(client, "other.csv", data)
        await client.post(f"{PATH}/{other}/start", json=settings)
        await client.post(f"{PATH}/{other}/cancel", json={})
        assert (await ended(client, other))["state"] == "cancelled"


async def test_one_that_is_interrupted_goes_on_and_doubles_nothing(web, monkeypatch):
    monkeypatch.setattr("millwright.devices.history_import.running.READINGS_A_PART", 50)
    client = await web.set_up()
    pump = await device(web, "pump")
    rows = 2_000
    data = ("time,value\n" + "".join(f"{T + at},{at}\n" for at in range(rows))).encode()
    made = await upload(client, "long.csv", data)
    await client.post(f"{PATH}/{made}/start", json={"value": "value", "property_name": "x", "device_id": "pump"})

    async def some():
        return (await client.get(f"{PATH}/{made}")).json()["rows"] > 0

    async with worker(web):
        await eventually(some, 30)
    then = (await client.get(f"{PATH}/{made}")).json()
    assert then["state"] == "running"
    assert then["rows"] < rows, "too quick to be interrupted"
    monkeypatch.setattr("millwright.devices.history_import.running.READINGS_A_PART", 5_000)
    async with worker(web):
        done = await ended(client, made)
    assert (done["rows"], done["readings"], done["refused"]) == (rows, rows, 0)
    assert [each[1] for each in await history(web, pump, "x")] == [float(at) for at in range(rows)]


async def test_files_that_are_none(web):
    client = await web.set_up()
    for name, data in (
        ("a.csv", b""),
        ("a.csv", b"\x00\x01"),
        ("a.xlsx", b"no workbook"),
        ("a.parquet", b"PAR1"),
        ("a.csv", b"a,a\n1,2\n"),
    ):
        made = (await client.post(PATH, json={"file_name": name})).json()["id"]
        headers = {"Content-Type": "application/octet-stream"}
        if data:
            await client.put(f"{PATH}/{made}/file", content=data, headers=headers)
        answer = await client.post(f"{PATH}/{made}/preview", json={})
        assert (answer.status_code, answer.json()["code"]) == (400, "tables.unreadable"), name
    assert (await client.post(PATH, json={"file_name": "a.exe"})).json()["code"] == "tables.unreadable"


async def test_a_viewer_may_not_and_offsets_are_kept(web):
    client = await web.set_up()
    viewer = await web.person(client, "Vera", "viewer")
    assert (await viewer.get(PATH)).status_code == 403
    made = (await client.post(PATH, json={"file_name": "a.csv"})).json()["id"]
    answer = await client.put(f"{PATH}/{made}/file", params={"offset": 7}, content=b"x",
                              headers={"Content-Type": "application/octet-stream"})  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "readings.import_offset")
    assert (await client.post(f"{PATH}/{made}/resume", json={})).json()["code"] == "readings.import_state"
    assert (await client.post(f"{PATH}/him_unknown/cancel", json={})).status_code == 404
    await asyncio.sleep(0)


async def test_no_more_of_a_file_is_taken_than_there_is_room_for(web, monkeypatch):
    client = await web.set_up()
    service = web.services.more["reading_imports"]
    monkeypatch.setattr(service, "_most_mb", 1)
    headers = {"Content-Type": "application/octet-stream"}

    async def send(made, size, offset=0):
        answer = await client.put(
            f"{PATH}/{made}/file", params={"offset": offset}, content=b"x" * size, headers=headers
        )
        return answer.status_code, answer.json().get("code")

    made = [(await client.post(PATH, json={"file_name": "a.csv"})).json()["id"] for _ in range(3)]
    full = [True]
    monkeypatch.setattr(service, "_is_full", lambda: full[0])
    assert await send(made[0], 10) == (429, "app.disk_full")
    full[0] = False
    half = 512 * 1024
    for each in made[:2]:
        assert await send(each, half) == (200, None)
        assert await send(each, half, half) == (200, None)
    assert await send(made[2], 1) == (413, "readings.import_too_large"), "the organisation has its share"
    assert (await client.delete(f"{PATH}/{made[0]}")).status_code == 204
    assert await send(made[2], 1) == (200, None)
