"""Taking history out: over HTTP, by the worker's own hand, out of a real historian, read by independent readers."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millwright.devices import NewDevice
from millwright.devices.history_export import ArrivalsWanted
from millwright.devices.history_export.store import ReadingExportStore
from millwright.devices.history_export.writing import ParquetWriter
from millwright.historian import BOOLEAN, TEXT, Reading, ReadingBatch, SeriesInfo, series_id
from millwright.kernel import Lifecycle, ManualClock
from millwright.kernel.scope import EVERYTHING, within
from support.historian import numbers, store
from support.pipeline import eventually
from support.web import RunningWeb, running_web

T = 1_700_000_000_000
"""2023-11-14T22:13:20Z; 06:13:20 of the next day in Shanghai."""
PATH = "/api/v1/readings/exports"
WINDOW = {"kind": "between", "from_ms": T, "to_ms": T + 86_400_000}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, history=True, written=True) as running:
        yield running


async def device(web: RunningWeb, name: str, **values: Any) -> str:
    with within(EVERYTHING):
        return (await web.services.devices.registry.create(NewDevice(name=name, **values))).id


async def filled(web: RunningWeb) -> tuple[str, str]:
    """Two devices: numbers, a switch and texts of one, numbers of the other."""
    pump, fan = await device(web, "=pump", tags=["hall"]), await device(web, "fan")
    speed = SeriesInfo.of(pump, "speed", unit="m/s")
    await store(web.historian, numbers(speed.series, [T + at * 1000 for at in range(1000)], range(1000), T), [speed])
    state, on = SeriesInfo.of(pump, "state", TEXT), SeriesInfo.of(pump, "on", BOOLEAN)
    rows = [
        Reading(state.series, T, '=1+1,\n"x"'),
        Reading(on.series, T + 1, True, 64),
        Reading(on.series, T + 2, False),
    ]
    rows += [Reading(speed.series, T - 1, 5.0), Reading(speed.series, T + 2000, float("nan"))]
    await store(web.historian, ReadingBatch.of(rows, received_ms=T + 5), [state, on])
    other = SeriesInfo.of(fan, "speed")
    await store(web.historian, numbers(other.series, [T], [0.1], T), [other])
    return pump, fan


async def make(client: Any, **settings: Any) -> str:
    answer = await client.post(PATH, json={"name": "每日 export/1", "settings": {"window": WINDOW, **settings}})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def run(client: Any, made: str) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{made}/run")
    assert answer.status_code == 201, answer.text
    return await ended(client, answer.json()["id"])


async def ended(client: Any, run_id: str) -> dict[str, Any]:
    async def over() -> dict[str, Any] | None:
        found: dict[str, Any] = (await client.get(f"{PATH}/runs/{run_id}")).json()
        return found if found["state"] in ("done", "failed", "cancelled") else None

    return await eventually(over, 60)


async def content(client: Any, found: dict[str, Any]) -> bytes:
    assert found["state"] == "done", found
    answer = await client.get(f"{PATH}/runs/{found['id']}/file")
    assert answer.status_code == 200, answer.text
    manifest = (await client.get(f"{PATH}/runs/{found['id']}/manifest")).json()
    data = bytes(answer.content)
    assert manifest["sha256"] == found["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["bytes"] == found["file_bytes"] == len(data)
    assert manifest["rows"] == found["readings"]
    return data


def worker(web: RunningWeb) -> Lifecycle:
    return Lifecycle(web.services.more["reading_export_worker"])


async def test_the_same_rows_in_every_format(web: RunningWeb) -> None:
    client = await web.set_up()
    pump, fan = await filled(web)
    async with worker(web):
        kinds = ("csv", "parquet", "arrow", "xlsx")
        files = {}
        for kind in kinds:
            made = await make(client, format=kind, time_zone="Asia/Shanghai")
            found = await run(client, made)
            assert (found["readings"], found["series"], found["series_total"]) == (1004, 4, 4), found
            assert found["file_name"].startswith("每日-export-1-2")
            files[kind] = await content(client, found)
    lines = list(csv.DictReader(io.StringIO(files["csv"].decode(), newline="")))
    assert list(lines[0]) == ["time", "device", "device_id", "property", "unit", "value", "quality", "received"]
    # By name of device (a text never begins a formula), then by property, then by time.
    assert [(each["device"], each["property"]) for each in lines[:4]] == [
        ("'=pump", "on"), ("'=pump", "on"), ("'=pump", "speed"), ("'=pump", "speed"),
    ]  # fmt: skip
    assert lines[0]["time"] == "2023-11-15T06:13:20.001+08:00"
    assert [lines[0][name] for name in ("value", "quality")] == ["true", "64"]
    assert lines[1]["value"] == "false"
    assert (lines[3]["value"], lines[3]["unit"], lines[3]["device_id"]) == ("1", "m/s", pump)
    assert lines[4]["value"] == "", "the later NaN"
    assert lines[1002]["value"] == '\'=1+1,\n"x"'
    assert (lines[1003]["device"], lines[1003]["value"], lines[1003]["device_id"]) == ("fan", "0.1", fan)
    tables = {
        "parquet": pq.read_table(io.BytesIO(files["parquet"])),
        "arrow": pa.ipc.open_file(io.BytesIO(files["arrow"])).read_all(),
    }
    for table in tables.values():
        rows = table.to_pylist()
        assert len(rows) == 1004
        assert rows[0]["time"] == datetime.fromisoformat("2023-11-15T06:13:20.001+08:00")
        assert rows[0]["time"].utcoffset().total_seconds() == 8 * 3600
        assert (rows[0]["number"], rows[0]["kind"], rows[0]["quality"]) == (1.0, "boolean", 64)
        assert (rows[4]["number"], rows[4]["text"]) == (None, None)
        assert (rows[1002]["text"], rows[1002]["kind"], rows[1002]["device"]) == ('=1+1,\n"x"', "text", "=pump")
    book = openpyxl.load_workbook(io.BytesIO(files["xlsx"]), read_only=True)
    sheet = list(book["readings"].iter_rows(values_only=True))
    book.close()
    assert sheet[0][0] == "time (Asia/Shanghai)"
    assert len(sheet) == 1005
    assert sheet[1][0] == datetime(2023, 11, 15, 6, 13, 20, 1000)
    assert sheet[1][5] is True
    assert (sheet[4][4], sheet[4][5]) == ("m/s", 1)
    assert sheet[1003][5] == '=1+1,\n"x"'


async def test_chosen_series_in_buckets_that_begin_with_the_local_day(web: RunningWeb) -> None:
    client = await web.set_up()
    await filled(web)
    selection = {"tag": "hall", "properties": ["sp*", "o?"]}
    settings = {"selection": selection, "rows": "buckets", "bucket_s": 86_400, "aggregates": ["count", "max", "mean"]}
    async with worker(web):
        made = await make(client, time_zone="Asia/Kolkata", format="parquet", **settings)
        table = pq.read_table(io.BytesIO(await content(client, await run(client, made))))
    rows = table.to_pylist()
    assert table.column_names[5:] == ["count", "bad", "max", "mean"]
    assert [(each["property"], each["count"], each["bad"]) for each in rows] == [("on", 2, 0), ("speed", 999, 1)]
    assert rows[1]["max"] == 999.0
    assert rows[1]["time"] == datetime.fromisoformat("2023-11-15T03:43:20+05:30"), "cut to the window"


async def test_many_buckets_are_written_in_pieces(web: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await web.set_up()
    await filled(web)
    settings = {
        "selection": {"properties": ["speed"]},
        "rows": "buckets",
        "bucket_s": 1,
        "aggregates": ["count", "max"],
    }
    window = {"kind": "between", "from_ms": T, "to_ms": T + 90_000_000}
    held: list[int] = []
    write = ParquetWriter.write

    def counted(self: ParquetWriter, rows: pa.Table) -> None:
        held.append(rows.num_rows)
        write(self, rows)

    monkeypatch.setattr(ParquetWriter, "write", counted)
    tables = []
    async with worker(web):
        made = await make(client, format="parquet", window=window, **settings)
        for rows, page in ((1_000_000, 50_000), (1, 300)):
            monkeypatch.setattr("millwright.devices.history_export.running.ROWS_HELD", rows)
            monkeypatch.setattr("millwright.devices.history_export.running.PAGE", page)
            monkeypatch.setattr("millwright.devices.history_export.running._BUCKETS_OF_ONE", 250)
            held.clear()
            tables.append(pq.read_table(io.BytesIO(await content(client, await run(client, made)))))
        monkeypatch.setattr("millwright.devices.history_export.schedule.MOST_ROWS", 100_000)
        found = await run(client, made)
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows == 1001
    assert max(held) <= 550
    assert found["error"]["code"] == "readings.export_too_many_rows", "two series, as the run finds"


async def test_a_run_that_ends_its_process_is_given_up_and_others_do_not_wait(
    web: RunningWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await web.set_up()
    await filled(web)
    made, other = await make(client), await make(client)
    store = ReadingExportStore(web.services.records.scoped(EVERYTHING))
    run_id = (await client.post(f"{PATH}/{made}/run")).json()["id"]
    exporter = web.services.more["reading_export_worker"]
    for tries in range(1, 4):
        exporter._begun()  # and its process was killed
        assert store.find_run(run_id).tries == tries
    waits = (await client.post(f"{PATH}/{other}/run")).json()["id"]
    assert store.next().id == waits, "what ended its process comes last"
    async with worker(web):
        found = await ended(client, run_id)
        assert (await ended(client, waits))["state"] == "done"
    assert (found["state"], found["error"]["code"]) == ("failed", "readings.export_failed")
    assert "3 times" in found["error"]["message"]


async def test_organisations_take_turns(web: RunningWeb) -> None:
    client = await web.set_up()
    store = ReadingExportStore(web.services.records.scoped(EVERYTHING))
    first, second = await make(client), await make(client)
    runs = [(await client.post(f"{PATH}/{each}/run")).json()["id"] for each in (first, second)]
    assert store.next().id == runs[0]
    store.update_run(runs[1], organisation_id="org_other")
    mine = store.find_run(runs[0]).organisation_id
    assert store.next([mine]).id == runs[1]
    assert store.next([mine, "org_other"]).id == runs[0]


async def test_what_is_new_is_neither_lost_nor_doubled(web: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await web.set_up()
    settled = 1500
    for module in ("millwright.historian.store.LATE_MS", "millwright.devices.history_export.worker.SETTLED_MS"):
        monkeypatch.setattr(module, settled // 2 if "LATE" in module else settled)
    monkeypatch.setattr("millwright.devices.history_export.service.SURE_MS", 0)
    pump = await device(web, "pump")
    series = series_id(pump, "x")
    made = await make(client, window={"kind": "new"}, format="parquet")
    web.historian.follow_arrivals(True)
    clock, seen, sent = web.services.clock, [], 0

    async def send(count: int, late_ms: int) -> None:
        nonlocal sent
        received = clock.now_ms() - late_ms
        values = [float(each) for each in range(sent, sent + count)]
        times = [T + each for each in range(sent, sent + count)]
        await store(web.historian, numbers(series, times, values, received), [SeriesInfo.of(pump, "x")])
        sent += count

    async with worker(web):
        for _ in range(6):
            await send(7, 0)
            await send(5, 86_400_000)
            found = await run(client, made)
            seen += pq.read_table(io.BytesIO(await content(client, found))).column("number").to_pylist()
            await asyncio.sleep(0.3)
        assert seen, "too quick to see anything"
        await asyncio.sleep(settled / 1000 + 0.2)
        found = await run(client, made)
        seen += pq.read_table(io.BytesIO(await content(client, found))).column("number").to_pylist()
    assert sorted(seen) == [float(each) for each in range(sent)]
    assert (await client.get(f"{PATH}/{made}")).json()["reached_ms"] == found["to_ms"]


async def test_arrivals_are_followed_while_somebody_fetches_them(web: RunningWeb) -> None:
    client = await web.set_up()
    told: list[bool] = []
    clock = ManualClock(web.services.clock.now_ms())
    wanted = ArrivalsWanted(web.services.records.scoped(EVERYTHING), told.append, clock)
    await wanted.look()
    made = await make(client, window={"kind": "new"})
    await wanted.look()
    clock.advance(91 * 86_400)
    await wanted.look()
    clock.advance(2 * 86_400)  # it did not run once, for its owner is gone
    await wanted.look()
    clock.jump(-2 * 86_400)
    assert (await client.delete(f"{PATH}/{made}")).status_code == 204
    await wanted.look()
    assert told == [False, True, True, False, False]


async def test_who_may_no_more_exports_nothing_and_whose_it_is_changes(web: RunningWeb) -> None:
    client = await web.set_up()
    await filled(web)
    engineer, viewer = await web.person(client, "Eve", "engineer"), await web.person(client, "Vera", "viewer")
    assert (await viewer.get(PATH)).status_code == 403
    made = await make(engineer)
    eve = next(each for each in (await client.get("/api/v1/people")).json() if each["name"] == "Eve")
    async with worker(web):
        assert (await run(engineer, made))["state"] == "done"
        answer = await client.patch(f"/api/v1/people/{eve['id']}", json={"disabled": True})
        assert answer.status_code == 200, answer.text
        found = await run(client, made)
        assert (found["state"], found["error"]["code"], found["has_file"]) == ("failed", "readings.export_owner", False)
        body = (await client.get(f"{PATH}/{made}")).json()
        saved = {"name": body["name"], "settings": body["settings"]}
        assert (await client.put(f"{PATH}/{made}", json=saved)).json()["who_name"] != "Eve"
        assert (await run(client, made))["state"] == "done"
    keeper = web.services.more["reading_export_keeper"]
    await keeper.look()
    await keeper.look()

    async def told() -> list[dict[str, Any]] | None:
        entries = (await client.get("/api/v1/ledger/entries?limit=500")).json()["items"]
        found = [each for each in entries if each["action"] == "readings.exports.end"]
        return found if len(found) >= 3 else None

    entries = await eventually(told, 30)
    assert sorted(each["outcome"] for each in entries) == ["done", "done", "failed"]


async def test_one_that_is_interrupted_is_made_anew_and_never_seen_half(
    web: RunningWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await web.set_up()
    await filled(web)
    monkeypatch.setattr("millwright.devices.history_export.running.PAGE", 10)
    monkeypatch.setattr("millwright.devices.history_export.running._LOOK_S", 0.0)
    made = await make(client)
    run_id = (await client.post(f"{PATH}/{made}/run")).json()["id"]
    folder = web.services.more["reading_exports"].files.folder

    async def some() -> bool:
        assert not list(folder.glob("*/*.csv"))
        return bool((await client.get(f"{PATH}/runs/{run_id}")).json()["readings"] > 0)

    async with worker(web):
        await eventually(some, 30)
        assert (await client.get(f"{PATH}/runs/{run_id}/file")).json()["code"] == "readings.export_file_gone"
        assert (await client.post(f"{PATH}/{made}/run")).status_code == 409, "one at a time"
        assert (await client.delete(f"{PATH}/{made}")).status_code == 409
    then = (await client.get(f"{PATH}/runs/{run_id}")).json()
    assert then["state"] == "running", "too quick to be interrupted"
    seen = ReadingExportStore(web.services.records.scoped(EVERYTHING)).find_run(run_id)
    assert seen is not None
    assert seen.tries == 0, "a process that was asked to stop does not count"
    assert (folder / run_id / "aside").exists()
    monkeypatch.setattr("millwright.devices.history_export.running.PAGE", 5_000)
    async with worker(web):
        done = await ended(client, run_id)
        assert (await content(client, done)).count(b"\n") >= 1005
        assert (done["from_ms"], done["to_ms"], done["readings"]) == (then["from_ms"], then["to_ms"], 1004)
        monkeypatch.setattr("millwright.devices.history_export.running.PAGE", 10)
        other = (await client.post(f"{PATH}/{made}/run")).json()["id"]
        assert (await client.post(f"{PATH}/runs/{other}/cancel")).status_code == 200
        assert (await ended(client, other))["state"] == "cancelled"
    assert (await client.post(f"{PATH}/runs/{other}/cancel")).json()["code"] == "readings.export_state"
    assert {each.name for each in (folder / run_id).iterdir()} == {done["file_name"], "manifest.json"}
    assert not (folder / other).exists()
    assert (await client.delete(f"{PATH}/{made}")).status_code == 204
    assert not (folder / run_id).exists()


async def test_due_missed_and_kept(web: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await web.set_up()
    await filled(web)
    keeper, service = web.services.more["reading_export_keeper"], web.services.more["reading_exports"]
    made = await make(
        client, window={"kind": "previous", "unit": "day"}, schedule={"every": "day", "at": "00:30"}, keep_runs=1
    )
    due = (await client.get(f"{PATH}/{made}")).json()["next_ms"]
    assert keeper.make_due() == 0
    now = due + 3 * 86_400_000 + 5 * 3_600_000
    monkeypatch.setattr(keeper, "_clock", type("Later", (), {"now_ms": staticmethod(lambda: now)}))
    assert (keeper.make_due(), keeper.make_due()) == (1, 0), "once, and not while it is under way"
    async with worker(web):
        [missed] = (await client.get(f"{PATH}/{made}/runs")).json()["items"]
        missed = await ended(client, missed["id"])
    day = 86_400_000
    assert (missed["cause"], missed["due_ms"]) == ("missed", due + 3 * day)
    assert (missed["from_ms"], missed["to_ms"]) == (due // day * day - day, due // day * day + 3 * day), "all four days"
    assert (await client.get(f"{PATH}/{made}")).json()["next_ms"] == due + 4 * day
    async with worker(web):
        again = await run(client, made)
    keeper.tidy()
    assert not (await client.get(f"{PATH}/runs/{missed['id']}")).json()["has_file"], "one is kept"
    assert (await client.get(f"{PATH}/runs/{again['id']}")).json()["has_file"]
    assert service.files.known() == [again["id"]]


UNFIT: list[tuple[dict[str, Any], str]] = [
    ({"window": {"kind": "between", "from_ms": 5, "to_ms": 5}}, "/settings/window"),
    ({"schedule": {}}, "/settings/schedule"),
    ({"time_zone": "Mars/Base"}, "/settings/time_zone"),
    ({"rows": "buckets", "bucket_s": 7}, "/settings/bucket_s"),
    ({"rows": "buckets", "window": {"kind": "new"}}, "/settings/rows"),
    ({"rows": "buckets", "aggregates": []}, "/settings/aggregates"),
    ({"selection": {"device_ids": ["dev_x"], "tag": "a"}}, "/settings/selection"),
]


async def test_what_does_not_fit_is_not_there_or_too_large(web: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await web.set_up()
    await filled(web)
    for settings, pointer in UNFIT:
        answer = await client.post(PATH, json={"name": "x", "settings": {"window": WINDOW, **settings}})
        assert (answer.status_code, answer.json()["code"]) == (400, "readings.export_settings"), answer.text
        assert pointer in answer.text, answer.text
    gone = {"name": "x", "settings": {"selection": {"device_ids": ["dev_gone"]}}}
    assert (await client.post(PATH, json=gone)).status_code == 404
    assert (await client.get(f"{PATH}/hex_gone")).json()["code"] == "readings.export_unknown"
    assert (await client.get(f"{PATH}/runs/hxr_gone")).json()["code"] == "readings.export_run_unknown"
    monkeypatch.setattr("millwright.devices.history_export.service.MOST_EXPORTS", 1)
    made = await make(client)
    assert (await client.post(PATH, json={"name": "x"})).json()["code"] == "readings.export_too_many"
    monkeypatch.setattr(web.services.more["reading_export_worker"], "_most_mb", 0.01)
    async with worker(web):
        found = await run(client, made)
        assert found["error"]["code"] == "readings.export_too_large", found
        monkeypatch.setattr(web.services.more["reading_export_worker"], "_most_mb", 10)
        monkeypatch.setattr(web.services.more["reading_export_worker"], "_disk_stop_mb", 1 << 40)
        assert (await run(client, made))["error"]["code"] == "app.disk_full"
    assert web.services.more["reading_exports"].files.known() == []


async def test_what_is_late_is_noted_while_another_window_is_chosen(web: RunningWeb) -> None:
    """Until the export is removed: its window may be what is new again, from where that was."""
    client = await web.set_up()
    await device(web, "pump")
    told: list[bool] = []
    wanted = ArrivalsWanted(web.services.records.scoped(EVERYTHING), told.append, web.services.clock)
    made = await make(client, window={"kind": "new"})
    reached = (await client.get(f"{PATH}/{made}")).json()["reached_ms"]
    for window in (WINDOW, {"kind": "new"}):
        answer = await client.put(f"{PATH}/{made}", json={"name": "x", "settings": {"window": window}})
        assert answer.status_code == 200, answer.text
        await wanted.look()
    assert answer.json()["reached_ms"] == reached
    assert (await client.delete(f"{PATH}/{made}")).is_success
    await wanted.look()
    assert told == [True, True, False]
