"""Measures on real sockets: what each interface says while they hold, and that all is as before when they are over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.identity.handle import HandleClient, HandleValue
from millwright.identity.handle.site import Interface, Server, Site
from millwright.identity.records import Records
from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel import ManualClock, MillwrightError
from support.handle import ADMIN, SECRET, RunningHandle, admin_value, running_handle, value
from support.identifiers import MemoryLog, make_records, open_records, put
from support.measures import lift, take
from support.resolution import BID, GTIN, HIDDEN, SHIRT, fill_all, served

PUMP, OTHER = b"86.1000.1/Product-1", b"86.1000.1/mixed"
RECALL = "https://recall.example/42"
HOUR_MS = 3_600_000
PATHS = (
    "/api/handles/86.1000.1/Product-1",
    "/api/handles/86.1000.1/Product-1?type=URL",
    f"/api/handles/GS1{SHIRT}",
    SHIRT,
    f"{SHIRT}/21/aB%2F7",
    f"{SHIRT}?linkType=gs1:pip",
    f"{SHIRT}?linkType=linkset",
    "/id/86.1000.1/Product-1",
    f"/id/{GTIN}?lang=zh",
    f"/1.0/identifiers/{BID}",
)


@dataclass
class Town:
    """One register, a Handle server and an HTTP resolver over it."""

    records: Records
    handle: RunningHandle
    http: httpx.AsyncClient
    clock: ManualClock

    async def native(self, name: bytes, transport: int, **more: Any) -> tuple[HandleValue, ...] | str:
        """The values, or the error's code and words, over one transport alone."""
        (server,) = self.handle.site.servers
        only = Server(server.id, server.address, b"", (Interface(3, transport, self.handle.port),))
        client = HandleClient([Site(servers=(only,))])
        try:
            return await client.resolve(name, **more)
        except MillwrightError as error:
            return f"{error.code}: {error.message}"

    async def everything(self) -> list[Any]:
        """What every interface says of some names."""
        said: list[Any] = [
            await self.native(name, transport)
            for name in (PUMP, OTHER, b"GS1" + SHIRT.encode())
            for transport in (0, 1)
        ]
        for path in PATHS:
            answer = await self.http.get(path)
            kept = {name: answer.headers.get(name) for name in ("location", "etag", "cache-control", "link")}
            said.append((path, answer.status_code, answer.content, kept))
        return said


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as made:
        yield made


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Town]:
    clock = ManualClock(1_790_000_000_000)
    records = open_records(folder / "register", clock=clock)
    fill_all(records)
    app = resolution_app(records, ResolutionSettings(misses_per_min=0), clock)
    async with (
        running_handle(folder, records=records) as handle,
        served(app) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        yield Town(records, handle, http, clock)


Taken = Callable[[Records], Any]


def on_product(kind: str, **more: Any) -> Taken:
    return lambda records: take(records, kind, "identifier", "86.1000.1", PUMP.decode(), **more)


@pytest.mark.parametrize(
    ("scope", "prefix", "on"),
    [
        ("identifier", "86.1000.1", "86.1000.1/product-1"),
        ("beginning", "86.1000.1", "86.1000.1/Prod"),
        ("prefix", "86.1000.1", "86.1000.1"),
    ],
)
async def test_what_is_suspended_resolves_nowhere_and_is_as_before_when_lifted(
    town: Town, scope: str, prefix: str, on: str
) -> None:
    before = await town.everything()
    measure = take(town.records, "suspend", scope, prefix, on, text="Recalled <b>.", text_zh="召回")
    for transport in (0, 1):
        said = await town.native(PUMP, transport)
        assert isinstance(said, str)
        assert said.startswith("handle.not_responsible")
        assert "suspended" in said
        # The neighbour in the same prefix is only where that is suspended.
        other = await town.native(OTHER, transport)
        assert isinstance(other, str) == (scope == "prefix")
    rest = await town.http.get(f"/api/handles/{PUMP.decode()}")
    assert (rest.status_code, rest.json()["responseCode"]) == (404, 301)
    assert "suspended" in rest.json()["message"]
    assert "values" not in rest.json()
    for language, words in (("en", "does not resolve at present"), ("zh", "暂停解析")):
        page = await town.http.get(f"/id/{PUMP.decode()}?lang={language}")
        assert page.status_code == 410
        assert words in page.text
        assert "example.com" not in page.text
        assert "<b>" not in page.text
    assert (await town.http.get(f"/id/{PUMP.decode()}?lang=zh")).text.count("召回") == 1
    assert (await town.http.get(SHIRT)).status_code == 307  # another prefix is not touched
    lift(town.records, measure)
    assert await town.everything() == before


async def test_a_suspended_product_takes_its_serial_numbers_along(town: Town) -> None:
    before = await town.everything()
    measure = take(town.records, "suspend", "identifier", "GS1:9506000", f"GS1{SHIRT}", text="Do not use")
    for path in (SHIRT, f"{SHIRT}/21/aB%2F7", f"{SHIRT}/21/nobody", f"{SHIRT}?linkType=linkset"):
        answer = await town.http.get(path)
        assert answer.status_code == 410, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        problem = answer.json()
        assert problem["code"] == "digital_link.suspended"
        assert problem["notice"]["text"] == "Do not use"
        html = await town.http.get(path, headers={"accept": "text/html"})
        assert (html.status_code, "shop.example" in html.text) == (410, False)
    assert isinstance(await town.native(b"GS1" + SHIRT.encode(), 0), str)
    lift(town.records, measure)
    assert await town.everything() == before


async def test_a_suspended_did_is_deactivated(town: Town) -> None:
    before = await town.everything()
    measure = take(town.records, "suspend", "prefix", "DID:did:bid", "DID:did:bid")
    for did in (BID, f"{BID[:-1]}1"):  # of one that was never registered nothing else is told
        answer = await town.http.get(f"/1.0/identifiers/{did}")
        assert answer.status_code == 410
        shown = answer.json()
        assert shown["didDocumentMetadata"]["deactivated"] is True
        assert shown["didDocument"] == {"id": did}
    assert (await town.http.get("/1.0/identifiers/did:web:node.example:press")).status_code == 200
    lift(town.records, measure)
    assert await town.everything() == before


async def test_who_is_redirected_never_meets_the_former_address(town: Town) -> None:
    before = await town.everything()
    product = take(town.records, "redirect", "identifier", "86.1000.1", PUMP.decode(), href=RECALL)
    shirt = take(town.records, "redirect", "prefix", "GS1:9506000", "GS1:9506000", href=f"{RECALL}?a=1")
    for transport in (0, 1):
        said = await town.native(PUMP, transport)
        assert not isinstance(said, str)
        by_type = {each.type: each for each in said}
        assert by_type[b"URL"].data == RECALL.encode()
        assert by_type[b"URL"].index == 1
        assert by_type[b"URL"].ttl == 60
        assert by_type[b"EMAIL"].data == b"a@example.com"
        assert json.loads(by_type[b"MW_NOTICE"].data)["href"] == RECALL
        assert [each.data for each in await town.native(PUMP, transport, types=[b"URL"])] == [RECALL.encode()]  # type: ignore[union-attr]
    shown = (await town.http.get(f"/api/handles/{PUMP.decode()}")).json()
    assert [each["data"]["value"] for each in shown["values"] if each["type"] == "URL"] == [RECALL]
    # Who administers the record sees it as it is.
    who = httpx.BasicAuth(f"{ADMIN.index}%3A{ADMIN.handle.decode()}", SECRET.decode())
    original = (await town.http.get(f"/api/handles/{PUMP.decode()}", auth=who)).json()["values"]
    assert [each["data"]["value"] for each in original if each["type"] == "URL"] == ["https://example.com/"]
    assert not [each for each in original if each["type"] == "MW_NOTICE"]
    for path in (SHIRT, f"{SHIRT}/21/aB%2F7", f"{SHIRT}?linkType=gs1:pip", f"/id/{GTIN}"):
        answer = await town.http.get(path)
        assert answer.status_code == 307, path
        assert answer.headers["location"].startswith(f"{RECALL}?a=1"), path
    links = (await town.http.get(f"{SHIRT}?linkType=linkset")).json()["linkset"][0]
    assert [each["href"] for each in links["https://ref.gs1.org/voc/defaultLink"]] == [f"{RECALL}?a=1"]
    page = (await town.http.get(f"/id/{PUMP.decode()}?format=json")).json()
    assert page["redirected_to"] == RECALL
    assert page["notices"][0]["kind"] == "redirect"
    for measure in (product, shirt):
        lift(town.records, measure)
    assert await town.everything() == before


async def test_an_announcement_stands_on_every_interface_until_it_ends_by_itself(town: Town) -> None:
    before = await town.everything()
    now_ms = town.clock.now_ms()
    span = {"since_ms": now_ms + HOUR_MS, "until_ms": now_ms + 3 * HOUR_MS}
    more = {"severity": "danger", "text": "Stop using it & <i>", "text_zh": "立即停止使用", "href": RECALL}
    take(town.records, "announce", "beginning", "86.1000.1", "86.1000.1/", **span, **more)
    take(town.records, "announce", "prefix", "GS1:9506000", "GS1:9506000", **span, **more)
    assert await town.everything() == before  # not yet
    town.clock.advance(2 * 3600)
    for transport in (0, 1):
        said = await town.native(PUMP, transport)
        assert not isinstance(said, str)
        notices = [each for each in said if each.type == b"MW_NOTICE"]
        assert [each.index for each in notices] == [910]
        told = json.loads(notices[0].data)
        assert (told["kind"], told["severity"], told["until"]) == ("announce", "danger", span["until_ms"] // 1000)
        assert [each.data for each in said if each.type == b"URL"] == [b"https://example.com/"]
    rest = (await town.http.get(f"/api/handles/{PUMP.decode()}?type=MW_NOTICE")).json()
    assert json.loads(rest["values"][0]["data"]["value"])["text_zh"] == "立即停止使用"
    assert (await town.http.get(SHIRT)).headers["location"] == "https://shop.example/shirt"
    links = (await town.http.get(f"{SHIRT}?linkType=linkset")).json()["linkset"][0]
    recalls = links["https://ref.gs1.org/voc/recallStatus"]
    assert [(each["href"], each["hreflang"]) for each in recalls if each["href"] == RECALL] == [
        (RECALL, ["en"]),
        (RECALL, ["zh"]),
    ]
    page = await town.http.get(f"/id/{GTIN}?lang=zh")
    assert page.status_code == 200
    assert page.text.index("立即停止使用") < page.text.index("<h1>")
    english = (await town.http.get(f"/id/{GTIN}?lang=en")).text
    assert "Stop using it &amp; &lt;i&gt;" in english
    town.clock.advance(3600)
    assert await town.everything() == before
    with town.records.view() as view:
        assert not view.measured  # asked of no question any more


async def test_nothing_is_told_of_what_shows_nothing(town: Town) -> None:
    before = (await town.http.get("/api/handles/86.1000.1/secret")).content
    take(town.records, "announce", "prefix", "86.1000.1", "86.1000.1", text="x")
    take(town.records, "redirect", "prefix", "86.1000.1", "86.1000.1", href=RECALL)
    assert (await town.http.get("/api/handles/86.1000.1/secret")).content == before
    assert (await town.http.get("/api/handles/86.1000.1/never")).json()["responseCode"] == 100
    for name in ("mixed", "secret"):
        for path in (f"/api/handles/86.1000.1/{name}", f"/id/86.1000.1/{name}?format=json"):
            assert HIDDEN not in (await town.http.get(path)).content


async def test_the_nearest_measure_counts_and_none_reaches_what_another_holds(town: Town) -> None:
    from support.identifiers import home

    home(town.records, b"86.1000.1.5", organisation_id="org_other")
    put(town.records, (b"86.1000.1.5/a", (value(1),)), (b"86.1000.1.6/a", (value(1), admin_value())))
    take(town.records, "redirect", "prefix", "86.1000.1", "86.1000.1", href="https://wide.example/", taken_ms=9)
    take(town.records, "redirect", "beginning", "86.1000.1", "86.1000.1/P", href="https://near.example/")
    take(town.records, "redirect", "identifier", "86.1000.1", PUMP.decode(), href="https://exact.example/")

    async def sent(name: str) -> str:
        values = (await town.http.get(f"/api/handles/{name}?type=URL")).json()["values"]
        return str(values[0]["data"]["value"])

    assert await sent(PUMP.decode()) == "https://exact.example/"
    assert await sent("86.1000.1/mixed") == "https://wide.example/"
    assert await sent("86.1000.1.6/a") == "https://wide.example/"  # derived, and nobody else's
    assert await sent("86.1000.1.5/a") == "https://example.com/"
    take(town.records, "suspend", "prefix", "86.1000.1", "86.1000.1")
    assert isinstance(await town.native(PUMP, 0), str)
    assert not isinstance(await town.native(b"86.1000.1.5/a", 0), str)
    # The prefix handle is not redirected: it says where a prefix is kept.
    assert ADMIN.handle == b"0.NA/86.1000.1"


async def test_a_mirror_follows_and_proves_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    log = MemoryLog()
    primary = make_records(tmp_path / "a", log)
    primary.open()
    fill_all(primary)
    trusted = [str(primary._keys.signer().verifier)]
    mirror = make_records(tmp_path / "b", log, mirror=True, trusted=trusted)
    mirror.open()
    app = resolution_app(mirror, ResolutionSettings(misses_per_min=0))
    try:
        async with served(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            path = f"/api/handles/{PUMP.decode()}"
            assert (await http.get(path)).json()["responseCode"] == 1
            measure = take(primary, "suspend", "identifier", "86.1000.1", PUMP.decode())
            assert mirror.catch_up()
            assert (await http.get(path)).json()["responseCode"] == 301
            assert (mirror.digest, mirror.position) == (primary.digest, primary.position)
            assert primary.verify() == mirror.verify()
            primary.snapshot(tmp_path / "copy")
            lift(primary, measure)
            assert mirror.catch_up()
            assert (await http.get(path)).json()["responseCode"] == 1
            assert mirror.digest == primary.digest
            with mirror.view() as view:
                assert [each.lifted_why for each in view.iter_measures()] == ["over"]
            # From the log alone comes the same.
            mirror.rebuild()
            assert mirror.digest == primary.digest
            assert mirror.verify() == primary.verify()
    finally:
        mirror.close()
        primary.close()
