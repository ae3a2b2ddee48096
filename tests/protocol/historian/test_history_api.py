"""The history over HTTP and over the bus: a real broker, a real engine, the real routes."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pytest
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.historian import (
    BAD,
    TEXT,
    Historian,
    HistorianClient,
    HistorianServer,
    History,
    LivePublisher,
    PolicyStore,
    Range,
    RawQuery,
    Reading,
    ReadingBatch,
    Retention,
    SeriesInfo,
    series_id,
)
from millwright.historian.api import ROUTES
from millwright.historian.live import THIN_S
from millwright.kernel import Invalid, Lifecycle, MillwrightError, SystemClock, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.parties.model import Person, Role, Session
from support.authority import authority
from support.historian import T0, numbers, open_historian, store
from support.nats import RunningNats
from support.sqlite import migrated

MIGRATIONS = Path(__file__).parents[3] / "src/millwright/historian/migrations"
TEMPERATURE = SeriesInfo.of("dev_1", "temperature", unit="Cel", known=True)


@dataclass
class Running:
    historian: Historian
    client: HistorianClient
    bus: NatsConnection
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query)


def _signed_in(roles: tuple[Role, ...]) -> Any:
    def middleware(app: ASGIApp) -> ASGIApp:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            scope["auth"] = Session("ses_1", Person("per_1", "Ada", list(roles)), T0)  # type: ignore[typeddict-unknown-key]
            scope["authority"] = authority(*roles)  # type: ignore[typeddict-unknown-key]
            await app(scope, receive, send)

        return call

    return middleware


def _problem(_: Request[Any, Any, Any], error: MillwrightError) -> Response[dict[str, Any]]:
    status = {"invalid": 400, "denied": 403, "unavailable": 503}.get(error.family, 409)
    return Response(error.to_dict(), status_code=status)


class Everything:
    """A registry that knows every device."""

    async def known(self, device_ids: Collection[str]) -> dict[str, str]:
        return dict.fromkeys(device_ids, "org_root")


def _app(client: HistorianClient, policies: PolicyStore, roles: tuple[Role, ...]) -> Litestar:
    return Litestar(
        route_handlers=list(ROUTES),
        dependencies={
            "historian": Provide(lambda: client, sync_to_thread=False),
            "history": Provide(lambda: History(client, Everything()), sync_to_thread=False),
            "retention": Provide(lambda: policies, sync_to_thread=False),
        },
        middleware=[_signed_in(roles)],
        exception_handlers={MillwrightError: _problem},
    )


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    records = migrated(tmp_path, [MIGRATIONS], EVERYTHING)
    async with RunningNats(tmp_path / "nats") as nats, open_historian(tmp_path) as historian:
        server_bus, client_bus = NatsConnection(nats.url, "historian"), NatsConnection(nats.url, "web")
        retention = Retention(historian._engine, PolicyStore(records), SystemClock())
        server = HistorianServer(historian, retention, server_bus)
        client = HistorianClient(client_bus, timeout_s=20)
        transport = httpx.ASGITransport(_app(client, PolicyStore(records), ("administrator",)))
        async with (
            Lifecycle(server_bus, client_bus, server),
            httpx.AsyncClient(transport=transport, base_url="http://node") as http,
        ):
            yield Running(historian, client, client_bus, http)
    records.close()


async def _fill(running: Running, count: int = 100) -> None:
    times = [T0 + i * 1000 for i in range(count)]
    await store(running.historian, numbers(TEMPERATURE.series, times, [float(i) for i in range(count)]), [TEMPERATURE])


# --- HTTP -------------------------------------------------------------------------------------------------------------


async def test_latest_values_of_several_devices(running: Running) -> None:
    await _fill(running)
    note = SeriesInfo.of("dev_2", "note", TEXT)
    await store(
        running.historian, ReadingBatch.of([Reading(note.series, T0, "läuft", BAD)], received_ms=T0 + 3), [note]
    )
    reply = await running.get("/readings/latest", device_id=["dev_1", "dev_2", "dev_3"])
    assert reply.status_code == 200
    assert reply.json()["items"] == [
        {
            "device_id": "dev_1",
            "property": "temperature",
            "time_ms": T0 + 99_000,
            "received_ms": T0,
            "value": 99.0,
            "quality": 192,
        },
        {
            "device_id": "dev_2",
            "property": "note",
            "time_ms": T0,
            "received_ms": T0 + 3,
            "value": "läuft",
            "quality": 0,
        },
    ]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_last_page_has_no_next_even_when_it_is_full(running: Running, order: str) -> None:
    await _fill(running, 30)
    query = {"device_id": "dev_1", "property": "temperature", "from_ms": T0, "to_ms": T0 + 29_001, "order": order}
    whole = (await running.get("/readings", **query, limit=30)).json()
    assert (len(whole["items"]), whole["next"]) == (30, None)
    first = (await running.get("/readings", **query, limit=29)).json()
    rest = await running.get("/readings", **query, limit=29, cursor=first["next"])
    assert (len(rest.json()["items"]), rest.json()["next"]) == (1, None)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_readings_join_to_the_whole(running: Running, order: str) -> None:
    await _fill(running)
    query = {
        "device_id": "dev_1",
        "property": "temperature",
        "from_ms": T0,
        "to_ms": T0 + 10**6,
        "limit": 30,
        "order": order,
    }
    got, cursor = [], None
    for _ in range(4):
        reply = (await running.get("/readings", **query, **({"cursor": cursor} if cursor else {}))).json()
        got += [item["value"] for item in reply["items"]]
        cursor = reply["next"]
    assert cursor is None
    assert got == sorted(map(float, range(100)), reverse=order == "desc")


async def test_csv_export_is_the_whole_range_in_csv(running: Running) -> None:
    note = SeriesInfo.of("dev_2", "note", TEXT)
    texts = ['quoted "x", y', "two\nlines", "", "="]
    batch = ReadingBatch.of([Reading(note.series, T0 + i, text) for i, text in enumerate(texts)], received_ms=T0 + 9)
    await store(running.historian, batch, [note])
    reply = await running.get("/readings", device_id="dev_2", property="note", from_ms=T0, to_ms=T0 + 9, format="csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    assert [row["value"] for row in rows] == [*texts[:3], "'="]
    assert rows[0] == {
        "time": "2025-06-15T15:06:40.000Z",
        "time_ms": str(T0),
        "value": texts[0],
        "quality": "192",
        "received_ms": str(T0 + 9),
    }


async def test_arrow_export_streams_more_than_a_page(running: Running) -> None:
    count = 45_000
    await _fill(running, count)
    flag = SeriesInfo.of("dev_1", "temperature")
    await store(
        running.historian,
        ReadingBatch.of([Reading(flag.series, T0 - 1, "start"), Reading(flag.series, T0 - 2, True)], received_ms=T0),
    )
    query = {"device_id": "dev_1", "property": "temperature", "from_ms": T0 - 5, "to_ms": T0 + 10**9, "format": "arrow"}
    reply = await running.get("/readings", **query)
    assert reply.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(reply.content).read_all()
    assert table.column("number").to_pylist() == [1.0, None, *map(float, range(count))]
    assert table.column("text").to_pylist()[:3] == [None, "start", None]
    assert table.column("kind").to_pylist()[:3] == [1, 2, 0]
    assert table.column("time").cast(pa.int64()).to_pylist()[2:] == [T0 + i * 1000 for i in range(count)]


async def test_buckets_with_units_and_only_what_was_asked(running: Running) -> None:
    await _fill(running)
    query = {
        "device_id": "dev_1",
        "property": ["temperature", "nothing"],
        "from_ms": T0,
        "to_ms": T0 + 100_000,
        "buckets": 4,
    }
    reply = (await running.get("/readings/buckets", **query, aggregates="mean, twm")).json()
    assert {key: reply[key] for key in ("from_ms", "to_ms", "width_ms")} == {
        "from_ms": T0,
        "to_ms": T0 + 100_000,
        "width_ms": 25_000,
    }
    temperature, nothing = reply["series"]
    assert temperature == {
        "property": "temperature",
        "unit": "Cel",
        "gap_ms": 3000,
        "time_ms": [T0 + i * 25_000 for i in range(4)],
        "count": [25] * 4,
        "bad": [0] * 4,
        "mean": [12.0, 37.0, 62.0, 87.0],
        "twm": [12.0, 37.0, 62.0, 87.0],
    }
    assert nothing["time_ms"] == nothing["mean"] == []
    assert nothing["unit"] is None


async def test_buckets_as_csv_and_arrow(running: Running) -> None:
    await _fill(running)
    query = {
        "device_id": "dev_1",
        "property": "temperature",
        "from_ms": T0,
        "to_ms": T0 + 200_000,
        "buckets": 4,
        "aggregates": "min,max",
    }
    rows = list(
        csv.reader(io.StringIO((await running.get("/readings/buckets", **query, format="csv")).text, newline=""))
    )
    assert rows[0] == ["property", "time", "time_ms", "count", "bad", "min", "max"]
    assert [row[3:] for row in rows[1:]] == [["50", "0", "0.0", "49.0"], ["50", "0", "50.0", "99.0"]]
    table = pa.ipc.open_stream((await running.get("/readings/buckets", **query, format="arrow")).content).read_all()
    assert table.column("max").to_pylist() == [49.0, 99.0]


WRONG = [
    ("/readings", {"from_ms": T0, "to_ms": T0}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "cursor": "x"}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "cursor": "-"}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "cursor": "²"}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "cursor": str(T0 + 5)}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "limit": 0}),
    ("/readings", {"from_ms": T0, "to_ms": 10**30}),
    ("/readings", {"from_ms": "now", "to_ms": T0}),
    ("/readings", {"from_ms": T0, "to_ms": T0 + 1, "format": "xml"}),
    ("/readings", {"from_ms": T0, "to_ms": T0, "format": "csv"}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "buckets": 0}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "aggregates": "median"}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "aggregates": ""}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "gap_ms": 0}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "gap_ms": 10**30}),
    ("/readings/buckets", {"from_ms": T0, "to_ms": T0 + 1, "gap_ms": 2**63 - 1, "aggregates": "twm"}),
    ("/readings/buckets", {"from_ms": -(10**30), "to_ms": T0 + 1}),
    ("/readings/latest", {"device_id": []}),
]


@pytest.mark.parametrize(("path", "query"), WRONG)
async def test_wrong_questions_are_answered_with_400(running: Running, path: str, query: dict[str, Any]) -> None:
    reply = await running.get(path, **({"device_id": "dev_1", "property": "temperature"} | query))
    assert reply.status_code == 400, reply.text


@pytest.mark.parametrize("text", ["'; DROP TABLE readings --", "\\", "{x:String}", "%", "\0", "中文"])
async def test_names_are_only_names(running: Running, text: str) -> None:
    for path in ("/readings", "/readings/buckets"):
        reply = await running.get(path, device_id=text, property=text, from_ms=T0, to_ms=T0 + 1)
        assert reply.status_code == 200, reply.text
    assert (await running.get("/readings/latest", device_id=text)).json() == {"items": []}
    await _fill(running)


async def test_retention_is_read_and_set(running: Running) -> None:
    assert (await running.get("/retention")).json() == {"policies": []}
    wanted = {
        "policies": [
            {"device_id": "dev_*", "property": "*", "keep_days": 30},
            {"device_id": "*", "property": "*", "keep_days": None},
        ]
    }
    assert (await running.http.put("/retention", json=wanted)).status_code == 200
    assert (await running.get("/retention")).json() == wanted
    for wrong in ({"keep_days": 0}, {"device_id": ""}, {"keep_days": "x"}, {"property": "x" * 300}):
        assert (await running.http.put("/retention", json={"policies": [wrong]})).status_code == 400
    assert (await running.get("/retention")).json() == wanted


async def test_retention_can_be_tried_without_being_set(running: Running) -> None:
    await _fill(running)
    wanted = {"policies": [{"device_id": "dev_1", "keep_days": 1}, {"device_id": "dev_none", "keep_days": None}]}
    reply = await running.http.post("/retention/preview", json=wanted)
    assert reply.status_code == 200, reply.text
    first, second = reply.json()["policies"]
    assert (first["devices"], first["examples"][0]["device_id"]) == (1, "dev_1")
    assert first["expired"] > 0
    assert first["oldest_ms"] <= T0
    assert second == {"series": 0, "devices": 0, "examples": [], "expired": 0, "oldest_ms": None}
    assert (await running.get("/retention")).json() == {"policies": []}
    many = {"policies": [{"keep_days": 1}] * 201}
    assert (await running.http.post("/retention/preview", json=many)).status_code == 400


async def test_only_an_administrator_sets_retention(running: Running, tmp_path: Path) -> None:
    policies = PolicyStore(Records.in_folder(tmp_path, EVERYTHING))
    app = _app(running.client, policies, ("engineer", "operator", "viewer"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as http:
        assert (await http.put("/retention", json={"policies": []})).status_code == 403
        assert (await http.post("/retention/preview", json={"policies": []})).status_code == 403
        assert (await http.get("/retention")).status_code == 200


# --- the bus ----------------------------------------------------------------------------------------------------------


async def test_answers_larger_than_a_message_arrive_whole(running: Running) -> None:
    devices = [f"dev_{i:05}" for i in range(4000)]
    entries = [
        SeriesInfo.of(device, f"a property with a rather long name {n:03}") for device in devices for n in range(25)
    ]
    batch = ReadingBatch.of([Reading(e.series, T0, float(i)) for i, e in enumerate(entries)], received_ms=T0)
    await store(running.historian, batch, entries)
    latest = await running.client.latest(devices)
    assert [row.value for row in latest] == [float(i) for i in range(100_000)]
    catalogue = await running.client.catalogue(devices)
    assert [(e.device_id, e.property) for e in catalogue] == [(e.device_id, e.property) for e in entries]


async def test_many_buckets_are_split_into_messages(running: Running) -> None:
    names = [series_id("dev_1", f"p{i}") for i in range(10)]
    for number, series in enumerate(names):
        await store(running.historian, numbers(series, list(range(T0, T0 + 10_000)), [float(number)] * 10_000))
    from millwright.historian import AGGREGATES, BucketQuery

    found = await running.client.buckets(BucketQuery(tuple(names), Range(T0, T0 + 10_000), 10_000, AGGREGATES))
    assert [each.values["mean"] for each in found] == [[float(n)] * 10_000 for n in range(10)]


async def test_errors_travel_with_their_family(running: Running) -> None:
    with pytest.raises(Invalid) as caught:
        decoded = msgspec.msgpack.encode(RawQuery(series_id("a", "b"), Range(5, 5)))
        await running.bus.request("rpc.historian.raw", decoded)
    assert caught.value.code == "historian.range_invalid"
    with pytest.raises(Invalid) as caught:
        await running.bus.request("rpc.historian.buckets", b"\xff nonsense")
    assert caught.value.code == "historian.request_unreadable"


async def test_without_a_historian_questions_are_unavailable(tmp_path: Path) -> None:
    async with RunningNats(tmp_path) as nats:
        bus = NatsConnection(nats.url, "web")
        await bus.start()
        client = HistorianClient(bus)
        with pytest.raises(Unavailable):
            await client.storage()
        transport = httpx.ASGITransport(_app(client, PolicyStore(Records.in_folder(tmp_path, EVERYTHING)), ("viewer",)))
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as http:
            query = {"device_id": "dev_1", "property": "temperature", "from_ms": T0, "to_ms": T0 + 1}
            for form in ("json", "csv", "arrow"):
                assert (await http.get("/readings", params=query | {"format": form})).status_code == 503
        await bus.stop()


# --- live -------------------------------------------------------------------------------------------------------------


async def test_live_readings_reach_who_watches_thinned_to_the_newest(running: Running) -> None:
    await _fill(running, 1)
    other = SeriesInfo.of("dev_2", "temperature")
    await store(running.historian, numbers(other.series, [T0], [1.0]), [other])
    live = LivePublisher(running.bus, running.historian, SystemClock())
    await live.start()
    got: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def on_message(subject: str, payload: bytes) -> None:
        await got.put((subject, msgspec.json.decode(payload)))

    end = await running.bus.subscribe("live.dev_1", on_message)
    live.offer(numbers(TEMPERATURE.series, [T0 + 1], [5.0]))
    await running.bus.publish("live.watch", msgspec.json.encode({"devices": ["dev_1"]}))
    new = SeriesInfo.of("dev_1", "flag")
    began_s = time.monotonic()
    for moment in range(400):
        live.offer(numbers(other.series, [T0 + moment], [0.0]))
        live.offer(numbers(TEMPERATURE.series, [T0 + 1000 + moment], [float(moment)]))
        live.offer(
            ReadingBatch.of([Reading(new.series, T0 + moment, bool(moment % 2))]), [new] if moment == 300 else []
        )
        await asyncio.sleep(0.002)
    took_s = time.monotonic() - began_s
    messages = []
    while True:
        try:
            messages.append(await asyncio.wait_for(got.get(), 0.5))
        except TimeoutError:
            break
    assert 2 <= len(messages) <= took_s / THIN_S + 2, "one message about every 200 ms"
    assert {subject for subject, _ in messages} == {"live.dev_1"}
    last = {name: (time, value) for _, message in messages for name, time, value, _ in message["readings"]}
    assert last == {"temperature": (T0 + 1399, 399.0), "flag": (T0 + 399, True)}
    assert all(len({name for name, *_ in m["readings"]}) == len(m["readings"]) for _, m in messages)
    await end()
    await live.stop()
