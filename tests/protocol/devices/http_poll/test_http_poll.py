"""The HTTP connector against a real server."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD
from millwright.devices.connectors.http_poll.connector import HttpPollConnector, HttpPollSession
from millwright.devices.connectors.http_poll.settings import HttpPollSettings
from millwright.kernel import Denied, Invalid, Unavailable
from support.modbus import following
from support.tls import certificate
from support.web_source import Source

STATUS = {
    "t": "2026-11-26T01:02:03Z",
    "temp": 21.5,
    "on": True,
    "name": "P7",
    "none": None,
    "list": [{"id": 3, "v": 4}],
}
STATUS_MS = 1795654923000


@asynccontextmanager
async def reading(source: Source, **settings: Any) -> AsyncIterator[HttpPollSession]:
    with source.serving() as port:
        opened = await HttpPollConnector().open(HttpPollSettings(url=f"http://127.0.0.1:{port}/status", **settings))
        try:
            yield opened
        finally:
            await opened.close()


async def test_values_are_read_and_followed_one_request_a_document() -> None:
    source = Source({"/status": STATUS, "/rooms/2?x=1": {"temperature": 19}})
    places = ["/temp", "on", "name", "list[id=3].v", "rooms/2?x=1#temperature", "/none", "/list", "gone"]
    async with reading(source, time_place="t") as opened:
        source.asked.clear()
        samples = await opened.read(places[:4])
        assert len(source.asked) == 1
        assert [sample.value for sample in samples] == [21.5, True, "P7", 4]
        assert {(sample.quality, sample.time_ms) for sample in samples} == {(GOOD, STATUS_MS)}
        bad = await opened.read(places[5:])
        assert [(s.value, s.quality) for s in bad] == [(None, BAD)] * 3
        assert [s.note for s in bad] == ["null", "a list", "there is no 'gone'"]
        async with following(opened, {place: place for place in places if "#" not in place}, 30) as followed:
            await followed.until(lambda seen: len(seen.of("/temp")) >= 3)
        assert len(followed.of("gone")) == 1


async def test_another_document_has_its_own_values() -> None:
    source = Source({"/status": STATUS, "/rooms/2": {"temperature": 19}, "/deep": {"a": 1}})
    async with reading(source) as opened:
        samples = await opened.read(["rooms/2#/temperature", "/deep#a", "/temp"])
        assert [(s.value, s.time_ms) for s in samples] == [(19, None), (1, None), (21.5, None)]
        for address in ("http://elsewhere/#a", "//elsewhere/#a", "/a\r\nX: 1#b", "x[#y["):
            with pytest.raises(Invalid) as caught:
                await opened.read([address])
            assert caught.value.code == "connectors.address_invalid"


async def test_the_document_is_browsed() -> None:
    many = {f"k{n}": n for n in range(450)}
    async with reading(
        Source({"/status": {**STATUS, "a/b": {"c": 1}, "many": many}, "/named": [{"name": "inlet"}, 3]})
    ) as opened:
        top = {node.name: node for node in (await opened.browse()).items}
        assert (top["temp"].kind, top["temp"].type, top["temp"].value) == ("variable", "number", 21.5)
        assert (top["list"].kind, top["list"].has_children) == ("folder", True)
        named = (await opened.browse("named#")).items
        assert [node.description for node in named] == ["name inlet", ""]
        (inner,) = (await opened.browse(top["a/b"].address)).items
        assert [s.value for s in await opened.read([inner.address])] == [1]
        found, cursor = [], None
        while True:
            page = await opened.browse("/many", cursor)
            found += page.items
            if (cursor := page.next) is None:
                break
        assert [node.name for node in found] == list(many)
        with pytest.raises(Invalid):
            await opened.browse("/nowhere")


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ((503, {}, b"{}"), "HTTP 503"),
        ((302, {"location": "/other"}, b""), "HTTP 302"),
        ((200, {}, b"<html>"), "no JSON"),
        ((200, {}, b""), "no JSON"),
        ((200, {}, b'{"temp": NaN}'), "no JSON"),
        ((200, {}, b"[" * 200_000), "no JSON"),
        ((200, {}, b"\xff\xfe"), "no JSON"),
        ((200, {}, b'"' + b"x" * 20_000 + b'"'), "more than 10000 bytes"),
        ((200, {"content-encoding": "gzip"}, gzip.compress(b'"' + b"x" * 50_000_000 + b'"')), "more than 10000 bytes"),
        ((200, {"content-encoding": "gzip"}, b"no gzip"), ""),
        ((200, {"content-length": "100"}, b"{"), ""),
    ],
)
async def test_an_answer_that_is_no_document_is_bad_and_the_next_is_read(answer: Any, note: str) -> None:
    source = Source({"/status": STATUS, "/bad": answer})
    size = 1_000_000 if note == "no JSON" else 10_000
    async with reading(source, max_bytes=size, timeout_s=30 if note else 1) as opened:
        bad, good = await opened.read(["/bad#/temp", "/temp"])
        assert (bad.value, bad.quality) == (None, BAD)
        assert bad.note
        assert note in bad.note
        assert good.value == 21.5


async def test_who_asks_is_told() -> None:
    source = Source({"/status": STATUS})
    async with reading(source, user="u", password="p", api_key="k", headers={"X-Site": "7"}):
        headers = source.asked[0][2]
        assert (headers["authorization"], headers["x-api-key"], headers["x-site"]) == ("Basic dTpw", "k", "7")
    async with reading(source, token="t", method="POST", body='{"q":1}'):
        method, _, headers, body = source.asked[-1]
        assert (method, headers["authorization"], body) == ("POST", "Bearer t", b'{"q":1}')
    for status in (401, 403):
        source.documents["/status"] = (status, {}, b"no")
        with pytest.raises(Denied):
            async with reading(source):
                pass


async def test_a_source_that_hangs_ends_the_session() -> None:
    source = Source({"/status": STATUS})
    async with reading(source, timeout_s=0.6) as opened:
        source.wait_s = 1.5
        with pytest.raises(Unavailable):
            async with following(opened, {"a": "/temp"}, 20) as followed:
                await followed.until(lambda _: False)
        assert [s.note for s in followed.samples] == ["no whole answer within 0.6 s"]


async def test_a_source_that_is_gone_and_comes_back() -> None:
    source = Source({"/status": STATUS})
    with source.serving() as port:
        opened = await HttpPollConnector().open(HttpPollSettings(url=f"http://127.0.0.1:{port}/status"))
        with pytest.raises(Unavailable):
            async with following(opened, {"a": "/temp"}, 20) as followed:
                await followed.until(lambda seen: bool(seen.samples))
                await asyncio.to_thread(source.stop)
                await followed.until(lambda _: False)
        with pytest.raises(Unavailable) as caught:
            await HttpPollConnector().open(HttpPollSettings(url=f"http://127.0.0.1:{port}/status", timeout_s=2))
        assert caught.value.code == "connectors.unreachable"
        await opened.close()


async def test_tls_is_verified(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path / "good", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with Source({"/status": STATUS}).serving(context) as port:
        url = f"https://127.0.0.1:{port}/status"
        opened = await HttpPollConnector().open(HttpPollSettings(url=url, ca=chain.read_text()))
        assert [s.value for s in await opened.read(["/temp"])] == [21.5]
        await opened.close()
        with pytest.raises(Unavailable):
            await HttpPollConnector().open(HttpPollSettings(url=url))
        opened = await HttpPollConnector().open(HttpPollSettings(url=url, verify=False))
        await opened.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://"},
        {"url": "http:///x"},
        {"url": "http://u:p@h/"},
        {"url": "http://h:99999/"},
        {"url": "https://h/", "ca": "no certificate"},
        {"url": "http://h/", "time_place": "a["},
        {"url": "http://h/", "headers": {"X": "泵"}},
    ],
)
async def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        await HttpPollConnector().open(HttpPollSettings(**wrong))
    assert caught.value.code == "connectors.settings_invalid"


async def test_it_conforms() -> None:
    conformance = pytest.importorskip("millwright.devices.connectors.conformance")
    source = Source({"/status": STATUS})
    with source.serving() as port:
        await conformance.check(
            HttpPollConnector(),
            {"url": f"http://127.0.0.1:{port}/status", "timeout_s": 5},
            addresses=["/temp", "on", "list[id=3].v"],
            bad_address="/nowhere",
            kill=lambda: asyncio.to_thread(source.stop),
        )
