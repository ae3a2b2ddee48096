"""Resolution for everybody within the web host: beside its own routes, without its cookies, with its defences."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel import SystemClock
from support.handle import SECRET
from support.identifiers import open_records
from support.resolution import GTIN, HIDDEN, SHIRT, fill_all
from support.web import RunningWeb, running_web, send_raw

CONSOLE = "<!doctype html><title>console</title>"


@asynccontextmanager
async def web_with_identifiers(folder: Path, **settings: Any) -> AsyncIterator[tuple[RunningWeb, httpx.AsyncClient]]:
    records = open_records(folder / "register")
    fill_all(records)
    console = folder / "console"
    console.mkdir()
    (console / "index.html").write_text(CONSOLE)
    public = resolution_app(records, ResolutionSettings(**settings), SystemClock())
    try:
        async with running_web(folder, public=public, console=console) as web:
            yield web, web.client()
    finally:
        records.close()


async def test_everything_public_is_answered_by_the_web_host(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path) as (web, client):
        answer = await client.get("/api/handles/86.1000.1/Product-1")
        assert answer.json()["responseCode"] == 1
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-request-id"]
        answer = await client.get(SHIRT)
        assert (answer.status_code, answer.headers["location"]) == (307, "https://shop.example/shirt")
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        shown = (await client.get(f"{SHIRT}?linkType=linkset")).json()
        assert shown["linkset"][0]["anchor"] == f"{web.url}{SHIRT}"
        assert (await client.get("/.well-known/gs1resolver")).json()["resolverRoot"] == web.url
        page = await client.get(f"/id/{GTIN}")
        assert "Crew neck shirt" in page.text
        assert page.headers.get_list("content-security-policy")[0].startswith("default-src 'none'; style-src 'sha256-")
        assert (await client.get("/1.0/methods")).json() == ["key", "web", "bid"]


async def test_the_console_and_the_api_stay_where_they_are(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path) as (_, client):
        for path in ("/", "/devices", "/sign-in", "/alarms/alm_01", "/identifiers"):
            assert (await client.get(path)).text == CONSOLE, path
        assert (await client.get("/api/v1/session")).status_code in (200, 401)
        assert (await client.get("/api/v1/devices")).status_code == 401
        assert (await client.get("/api/handle")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200


async def test_a_signed_in_person_sees_no_more_than_everybody(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path) as (web, client):
        anna = await web.set_up()
        for path in ("/api/handles/86.1000.1/secret", "/api/handles/86.1000.1/mixed?publicOnly=false", f"/id/{GTIN}"):
            own, other = await anna.get(path), await client.get(path)
            assert own.status_code == other.status_code
            assert own.content == other.content
            assert HIDDEN not in own.content
            assert "set-cookie" not in own.headers


async def test_a_handle_is_changed_through_the_web_host(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path) as (_, client):
        given = {"authorization": "Basic " + base64.b64encode(b"300%3A0.NA/86.1000.1:" + SECRET).decode()}
        values = [{"index": 1, "type": "URL", "data": "https://new.example"}]
        path = "/api/handles/86.1000.1/new"
        answer = await client.put(path, json=values, headers=given | {"origin": "https://other.example"})
        assert answer.status_code == 201, answer.text
        assert (await client.get(path)).json()["values"][0]["data"]["value"] == "https://new.example"
        big = b"[" + b" " * 1_100_000 + b"]"
        assert (await client.put(path, content=big, headers=given)).status_code == 413


async def test_hostile_requests_do_not_get_through(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path, misses_per_min=0) as (web, client):
        host = web.url.removeprefix("http://").encode()
        for target in (
            b"/api/handles/86.1000.1/%00", b"/api/handles/%", b"/api/handles/86.1000.1/%FF%FE", b"/id/%ff", b"/id/%00",
            b"/01/%0d%0aset-cookie:x", b"/1.0/identifiers/%0a", b"/api/handles/86.1000.1/a?index=%ff",
            b"/api/handles//", b"/id//", b"/01//", b"/01/" + b"9" * 5000, b"/id/" + b"a" * 5000,
            b"/api/handles?prefix=%ff", b"/api/sessions/x", b"//evil.example/did.json",
        ):  # fmt: skip
            said = await send_raw(
                web, b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
            )
            status = int(said.split(b" ", 2)[1])
            assert 400 <= status < 500, (target, said[:200])
            assert b"\r\nset-cookie" not in said.lower()
            assert b"Traceback" not in said
        said = await send_raw(web, b"GET /id HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert b" 421 " in said
        assert (await client.get("/api/handles/86.1000.1/Product-1")).status_code == 200


async def test_many_ask_at_once_and_read_what_they_wrote(tmp_path: Path) -> None:
    async with web_with_identifiers(tmp_path) as (_, client):
        given = {"authorization": "Basic " + base64.b64encode(b"300%3A0.NA/86.1000.1:" + SECRET).decode()}

        async def one(number: int) -> None:
            path = f"/api/handles/86.1000.1/many-{number}"
            for text in ("a", "b", "c"):
                made = await client.put(path, json=[{"index": 1, "type": "NOTE", "data": text}], headers=given)
                if made.status_code == 503:
                    continue
                assert made.status_code in (200, 201, 403), made.text
                if made.status_code == 403:  # it has no HS_ADMIN, so it is changed no more
                    return
                shown = (await client.get(path)).json()
                assert shown["values"][0]["data"]["value"] == text

        await asyncio.gather(*(one(number) for number in range(12)))
