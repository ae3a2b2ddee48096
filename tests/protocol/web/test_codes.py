"""Codes and carriers over HTTP: up to 1,000 texts, pictures from strangers, label sheets; and who may ask."""

from __future__ import annotations

import asyncio
import io
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from millwright.identity import api
from millwright.identity.api import Turns
from millwright.identity.carriers import encode, png_of
from support.web import RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, written=True) as running:
        yield running


@pytest.fixture
async def viewer(web: RunningWeb) -> httpx.AsyncClient:
    return await web.person(await web.set_up(), "Vera", "viewer")


async def test_systems_have_examples_that_are_theirs(viewer: httpx.AsyncClient) -> None:
    systems = (await viewer.get("/api/v1/codes/systems")).json()
    assert {"handle", "oid", "ecode", "idcode", "did"} <= {each["name"] for each in systems}
    answer = await viewer.post("/api/v1/codes/parse", json={"texts": [each["example"] for each in systems]})
    assert answer.status_code == 200
    for system, found in zip(systems, answer.json(), strict=True):
        assert found["code"]["system"] == system["name"]
        assert set(found["forms"]) <= set(system["forms"])


async def test_each_text_gets_its_code_or_its_problem(viewer: httpx.AsyncClient) -> None:
    texts = [" 88.118.8/泵 ", "did:web:exa mple.com", "", "no such thing", "x" * 5000]
    found = (await viewer.post("/api/v1/codes/parse", json={"texts": texts})).json()
    assert found[0]["code"]["canonical"] == "88.118.8/泵"
    assert found[0]["forms"]["https"] == "https://hdl.handle.net/88.118.8/%E6%B3%B5"
    assert (found[1]["problem"]["system"], found[1]["problem"]["at"]) == ("did", 11)
    assert found[1]["problem"]["why_zh"]
    assert [each["code"] for each in found[2:]] == [None] * 3
    assert len(found[3]["problem"]["tried"]) >= 5
    assert (found[4]["problem"]["code"], found[4]["problem"]["at"]) == ("identity.code_invalid", 4096)
    by_oid = await viewer.post("/api/v1/codes/parse", json={"texts": ["20.500/a"], "system": "oid"})
    assert by_oid.json()[0]["problem"]["code"] == "identity.code_invalid"


async def test_a_thousand_texts_and_no_more(viewer: httpx.AsyncClient) -> None:
    many = [f"88.118.8/{number}" for number in range(1000)]
    found = (await viewer.post("/api/v1/codes/parse", json={"texts": many})).json()
    assert [each["code"]["canonical"] for each in found] == many
    for texts in ([], [*many, "x"]):
        assert (await viewer.post("/api/v1/codes/parse", json={"texts": texts})).status_code == 400


async def test_only_so_many_wait_for_their_turn(viewer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1, 1)
    monkeypatch.setattr(api, "_TEXTS", turns)
    monkeypatch.setattr(api, "_LARGE", turns)
    body = {"texts": ["88.118.8/1"]}
    async with turns:
        waits = asyncio.create_task(turns.__aenter__())
        await asyncio.sleep(0)
        assert not waits.done()
        for answer in (
            await viewer.post("/api/v1/codes/parse", json=body),
            await viewer.post("/api/v1/codes/convert", json={**body, "form": "urn"}),
            await viewer.post("/api/v1/carriers/read", content=b"x", headers={"Content-Type": "image/png"}),
        ):
            assert answer.status_code == 503
            assert answer.json()["code"] == "identity.busy"
            assert int(answer.headers["Retry-After"]) == 5
    await waits
    # It had its turn; one more may wait behind it, and does so in vain.
    gives_up = asyncio.create_task(turns.__aenter__())
    await asyncio.sleep(0)
    gives_up.cancel()
    await turns.__aexit__()
    assert (await viewer.post("/api/v1/codes/parse", json=body)).status_code == 200


async def test_deep_json_is_refused(viewer: httpx.AsyncClient) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    for body in (deep, b'{"texts":' + deep + b"}", b'{"more":' + deep + b"}"):
        answer = await viewer.post("/api/v1/codes/parse", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, answer.text


async def test_codes_are_written_in_another_form(viewer: httpx.AsyncClient) -> None:
    body = {"texts": ["1.2.156.10197", "did:web:example.com", "?"], "form": "urn"}
    found = (await viewer.post("/api/v1/codes/convert", json=body)).json()
    assert found[0]["result"] == "urn:oid:1.2.156.10197"
    assert found[1]["problem"]["code"] == "identity.no_such_form"
    assert found[2]["problem"]["code"] == "identity.code_unknown"


async def test_what_is_drawn_is_read_again(viewer: httpx.AsyncClient) -> None:
    element = "(01)09506000134352(10)A"
    for symbology, text in (("qr", "88.118.8/泵"), ("data_matrix", "1.2.156.1"), ("gs1_128", element)):
        drawn = await viewer.get(f"/api/v1/carriers/{symbology}", params={"text": text, "format": "png"})
        assert drawn.headers["content-type"] == "image/png"
        read = await viewer.post("/api/v1/carriers/read", content=drawn.content, headers={"Content-Type": "image/png"})
        assert read.status_code == 200, read.text
        (found,) = read.json()
        assert found["carrier"]["text"] == text
        assert found["parsed"]["text"] == text
    svg = await viewer.get("/api/v1/carriers/qr", params={"text": "<&\"'>", "hri": True})
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert b"<title>&lt;&amp;" in svg.content
    zpl = await viewer.get("/api/v1/carriers/gs1_data_matrix", params={"text": element, "format": "zpl"})
    assert zpl.text.startswith("^XA")


@pytest.mark.parametrize(
    ("symbology", "query", "status"),
    [
        ("aztec", {"text": "x"}, (400, 404)),
        ("qr", {}, (400,)),
        ("qr", {"text": ""}, (400,)),
        ("qr", {"text": "x", "format": "pdf"}, (400,)),
        ("qr", {"text": "x", "scale": 999}, (400,)),
        ("code_128", {"text": "编"}, (400, 422)),
        ("gs1_qr", {"text": "x"}, (400, 422)),
        ("qr", {"text": "y" * 3900, "level": "H"}, (400, 422)),
    ],
)
async def test_what_cannot_be_drawn_is_refused(
    viewer: httpx.AsyncClient, symbology: str, query: dict[str, str], status: tuple[int, ...]
) -> None:
    answer = await viewer.get(f"/api/v1/carriers/{symbology}", params=query)
    assert answer.status_code in status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_sheets_are_pdf_or_svg(viewer: httpx.AsyncClient) -> None:
    pdf = await viewer.post("/api/v1/carriers/sheet", json={"csv": "text,copies\n88.118.8/a,30\n"})
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")
    body = {"labels": [{"text": "x", "caption": "泵"}], "format": "svg", "layout": {"columns": 1, "rows": 1}}
    svg = await viewer.post("/api/v1/carriers/sheet", json=body)
    assert "泵" in svg.text
    for bad in ({}, {"csv": "text\n", "labels": [{"text": "x"}]}, {"csv": "text,copies\nx,0\n"}):
        assert (await viewer.post("/api/v1/carriers/sheet", json=bad)).status_code in (400, 422)


def _bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (60_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


async def test_hostile_pictures_are_refused(viewer: httpx.AsyncClient) -> None:
    async def read(content: bytes, kind: str = "image/png") -> httpx.Response:
        return await viewer.post("/api/v1/carriers/read", content=content, headers={"Content-Type": kind})

    whole = png_of(encode("x", "qr"))
    for content, code in (
        (b"", "identity.picture_unreadable"),
        (b"GIF89a", "identity.picture_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "identity.picture_unreadable"),
        (whole[: len(whole) // 2], "identity.picture_unreadable"),
        (_bomb(), "identity.picture_too_large"),
        (bytes(10 * 1024 * 1024 + 1), "identity.picture_too_large"),
    ):
        answer = await read(content)
        assert answer.status_code in (400, 413, 422, 429), answer.text
        assert answer.json()["code"] == code
    blank = io.BytesIO()
    Image.new("L", (300, 300), 255).save(blank, "PNG")
    assert (await read(blank.getvalue())).json() == []
    assert len((await read(whole)).json()) == 1  # and it goes on reading


async def test_nothing_of_it_is_written_into_the_ledger(web: RunningWeb) -> None:
    administrator = await web.set_up()
    assert (await administrator.post("/api/v1/codes/parse", json={"texts": ["1.2.3"]})).status_code == 200
    assert (await administrator.post("/api/v1/places", json={"level": "enterprise", "name": "p"})).status_code == 201
    entries: list[dict[str, str]] = []
    for _ in range(100):
        entries = (await administrator.get("/api/v1/ledger/entries")).json()["items"]
        if any("places" in each["action"] for each in entries):
            break
        await asyncio.sleep(0.1)
    assert any("places" in each["action"] for each in entries)
    assert [each["action"] for each in entries if "code" in each["action"] or "carrier" in each["action"]] == []


async def test_nobody_asks_without_signing_in(web: RunningWeb) -> None:
    nobody = web.client()
    assert (await nobody.get("/api/v1/codes/systems")).status_code == 401
    picture = {"Content-Type": "image/png"}
    assert (await nobody.post("/api/v1/carriers/read", content=b"x", headers=picture)).status_code == 401
    # Pictures are taken where they are read, and nowhere else.
    assert (await nobody.post("/api/v1/codes/parse", content=b"x", headers=picture)).status_code == 415
