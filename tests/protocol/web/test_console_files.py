"""The console's files."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.web import RunningWeb, running_web

INDEX = "<!doctype html><title>console</title>"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    console = tmp_path / "console"
    (console / "assets").mkdir(parents=True)
    (console / "index.html").write_text(INDEX)
    (console / "assets" / "index-DkU3hx9b.js").write_text("let a = 1")
    (console / "assets" / "index-DkU3hx9b.js.gz").write_bytes(gzip.compress(b"let a = 1"))
    (console / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    (console / "link.txt").symlink_to(tmp_path / "secret.txt")
    async with running_web(tmp_path, console=console) as running:
        yield running


async def test_the_page_stands_in_for_every_address_of_the_console(web: RunningWeb) -> None:
    client = web.client()
    for path in ("/", "/index.html", "/devices", "/devices/dev_1/history"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.text == INDEX
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert "script-src 'self';" in answer.headers["content-security-policy"]


async def test_hashed_files_are_kept_for_ever_and_compressed(web: RunningWeb) -> None:
    client = web.client()
    answer = await client.get("/assets/index-DkU3hx9b.js")
    assert answer.text == "let a = 1"
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]
    plain = await client.get("/assets/index-DkU3hx9b.js", headers={"accept-encoding": "identity"})
    assert plain.text == "let a = 1"
    assert "content-encoding" not in plain.headers
    assert "immutable" not in (await client.get("/favicon.svg")).headers["cache-control"]


async def test_what_did_not_change_is_not_sent_again(web: RunningWeb) -> None:
    client = web.client()
    etag = (await client.get("/")).headers["etag"]
    answer = await client.get("/", headers={"if-none-match": etag})
    assert answer.status_code == 304
    assert answer.content == b""


async def test_head_has_no_body(web: RunningWeb) -> None:
    answer = await web.client().head("/")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(INDEX))


async def test_nothing_else_is_served(web: RunningWeb) -> None:
    client = web.client()
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//etc/passwd.txt",
        "/..\\secret.txt",
        "/link.txt",
        "/assets/gone-DkU3hx9b.js",
        "/assets/index-DkU3hx9b.js.gz",
        "/%00.txt",
    ):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert "secret" not in answer.text


async def test_other_methods_are_refused(web: RunningWeb) -> None:
    assert (await web.client().post("/")).status_code == 405


async def test_without_a_console_a_page_says_how_to_get_it(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        answer = await web.client().get("/")
        assert answer.status_code == 503
        assert "make console" in answer.text
