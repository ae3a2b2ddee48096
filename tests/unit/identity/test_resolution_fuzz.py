"""Whatever is asked is answered, and never by a failure."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from millwright.identity.resolution import Resolution, ResolutionSettings, resolution_app
from millwright.kernel import SystemClock
from support.identifiers import open_records
from support.resolution import BID, GTIN, SHIRT, fill_all

EXAMPLES = int(os.environ.get("MILLWRIGHT_TEST_RESOLUTION_CASES", "300"))

_WORDS = (
    r'/ // % %2F %00 %FF %E4%B8%AD .. ~ ~a ^ ? & = # 中 " : api/handles api/sessions this id 1.0/identifiers did.json'
    " .well-known gs1resolver 01 21 10 00 8004 gtin aB%2F7 did:key:z did:web:node.example:press 86.1000.1 0.NA"
    " Product-1 secret GS1/01 OID/1.2.156.3 MA/156 1.2.156.3 ARFKk4XBoA linkType linkset gs1:pip index type"
    " publicOnly false pretty prefix page pageSize lang q format json context"
)
_NAMES = ["accept", "accept-language", "authorization", "if-none-match", "host", "x-forwarded-for", "range"]
_TEXTS = (
    "text/html|application/json|application/linkset+json|*/*|zh;q=0.x,en|Basic !!|Basic YTpi|Handle =|Bearer x|*|"
    'Handle sessionId="x", signature="y", cnonce="!"|"x"|a b.example:1|zh-CN|application/did+json|q=;;,,;q=9'
)

_piece = st.one_of(st.sampled_from([*_WORDS.split(), GTIN, BID, "\x00"]), st.text(max_size=4))
_path = st.lists(_piece, max_size=6).map(lambda parts: "/" + "/".join(parts))
_query = st.lists(_piece, max_size=6).map("&".join)
_header = st.tuples(st.sampled_from(_NAMES), st.one_of(st.sampled_from(_TEXTS.split("|")), st.text(max_size=12)))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolution]:
    records = open_records(Path(tmp_path_factory.mktemp("fuzz")) / "register")
    fill_all(records)
    yield resolution_app(records, ResolutionSettings(requests_per_s=0, misses_per_min=0), SystemClock())
    records.close()


def ask(app: Resolution, method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> Any:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = path.encode(errors="surrogatepass")
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": raw, "scheme": "https", "client": ("127.0.0.1", 1),
        "query_string": query.encode(errors="surrogatepass"),
        "headers": [(name.encode(), text.encode(errors="replace")) for name, text in headers],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
    return sent


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH"]),
    _path,
    _query,
    st.lists(_header, max_size=4),
    st.one_of(st.just(b""), st.just(b'[{"index": 1, "type": "URL", "data": "x"}]'), st.binary(max_size=20)),
)
@example("GET", f"{SHIRT}/21/%ff", "linkType=%ff&linkType=all", [("accept", "text/html;q=x")], b"")
@example("GET", "/api/handles/86.1000.1/Product-1", "index=99999999999999999999", [], b"")
@example("PUT", "/api/sessions/this", "", [("authorization", "Handle x")], b"{")
def test_every_question_has_an_answer(
    app: Resolution, method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    failures = app.failures
    logging.disable(logging.CRITICAL)
    try:
        start, end = ask(app, method, path, query, headers, body)
    finally:
        logging.disable(logging.NOTSET)
    assert start["status"] < 500, (method, path, query, headers, end["body"])
    assert app.failures == failures
    for name, text in start["headers"]:
        assert name == name.lower()
        assert not set(text) & set(b"\r\n\x00"), (name, text)
    location = dict(start["headers"]).get(b"location", b"")
    assert location.startswith((b"https://", b"http://", b"/id/")) or not location
    if method == "HEAD":
        assert end["body"] == b""
