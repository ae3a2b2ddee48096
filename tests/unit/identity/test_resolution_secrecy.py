"""What the public may not read changes nothing of what the public sees; and guessing does not pay."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from millwright.identity.records import Prefix
from millwright.identity.records.naming import name_of_text
from millwright.identity.resolution.limits import Limits
from millwright.kernel import ManualClock
from support.handle import value
from support.identifiers import put
from support.resolution import BID, GTIN, HIDDEN, SHIRT, hidden, link, resolver

PUBLIC = (value(1, b"NAME", b"A pump", timestamp_s=1_700_000_000), link(2, "gs1:pip", "https://a.example/"))
SECRET = (
    hidden(3), hidden(4, b"URL", b"https://vermilion.example"), hidden(5, b"DID.DEACTIVATED"),
    hidden(6, b"GS1.LINK", link(6, "gs1:defaultLink", "https://vermilion.example").data), hidden(7, b"HS_ADMIN"),
    hidden(8, b"NAME"), hidden(9, b"DID.DOCUMENT", b'{"id": "%b"}' % BID.encode()),
)  # fmt: skip
QUESTIONS = [
    "/api/handles/86.1000.1/pump", "/api/handles/86.1000.1/pump?index=3", "/api/handles/86.1000.1/pump?type=PRICE",
    "/api/handles/86.1000.1/pump?pretty", "/api/handles/86.1000.1/pump?publicOnly=false", "/id/86.1000.1/pump",
    "/id/86.1000.1/pump?format=json", SHIRT, f"{SHIRT}?linkType=linkset", f"{SHIRT}?linkType=gs1:pip",
    f"{SHIRT}/21/9?linkType=linkset", f"/id/{GTIN}", f"/1.0/identifiers/{BID}", f"/id/{BID}?format=json",
    f"/api/handles/GS1/01/{GTIN}",
]  # fmt: skip


async def seen(client: httpx.AsyncClient) -> list[tuple[object, ...]]:
    found = []
    for path in QUESTIONS:
        answer = await client.get(path)
        headers = {name: text for name, text in answer.headers.items() if name != "www-authenticate"}
        found.append((path, answer.status_code, headers, answer.content))
    return found


async def test_private_values_leave_no_trace(tmp_path: Path) -> None:
    names = (b"86.1000.1/pump", name_of_text(GTIN).encode(), name_of_text(BID).encode())
    async with resolver(tmp_path, misses_per_min=0) as (client, _, records):
        put(records, *[(name, PUBLIC) for name in names])
        before = await seen(client)
        put(records, *[(name, PUBLIC + SECRET) for name in names])
        after = await seen(client)
        for open_, closed in zip(before, after, strict=True):
            assert open_ == closed
            assert HIDDEN not in closed[3]


@pytest.mark.parametrize(
    "path",
    [
        "/api/handles/86.1000.1/none{}",
        "/id/86.1000.1/none{}",
        "/8004/9506000134352X{}",
        "/1.0/identifiers/did:web:a{}.example",
    ],
)
async def test_guessing_comes_to_an_end_for_all_that_is_asked(tmp_path: Path, path: str) -> None:
    clock = ManualClock()
    async with resolver(tmp_path, clock, misses_per_min=30) as (client, app, _):
        found = "/api/handles/86.1000.1/Product-1"
        for number in range(29):
            assert (await client.get(path.format(number))).status_code == 404
            assert (await client.get(found)).status_code == 200
        assert (await client.get(path.format(30))).status_code == 404
        for asked in (found, path.format(31), f"/id/{GTIN}", SHIRT, "/api/handles/86.1000.1/Product-1?index=1"):
            answer = await client.get(asked)
            assert (answer.status_code, answer.json()["code"]) == (429, "resolution.too_many")
            assert int(answer.headers["retry-after"]) >= 1
        assert app.limits.refused == 5
        clock.advance(4.1)
        assert (await client.get(found)).status_code == 200


async def test_a_wrong_secret_costs_as_many_guesses(tmp_path: Path) -> None:
    async with resolver(tmp_path, ManualClock(), misses_per_min=30) as (client, _, _):
        given = {"authorization": "Basic MzAwJTNBMC5OQS84Ni4xMDAwLjE6d3Jvbmc="}
        answers = [(await client.get("/api/handles/86.1000.1/Product-1", headers=given)).status_code for _ in range(5)]
        assert answers == [401, 401, 401, 429, 429]


def test_requests_have_a_rate_too() -> None:
    clock = ManualClock()
    limits = Limits(clock, 10, 0)
    assert [limits.admit("192.0.2.1") for _ in range(100)] == [0.0] * 100
    assert limits.admit("192.0.2.1") == pytest.approx(0.1)
    assert limits.admit("192.0.2.2") == 0
    clock.advance(0.2)
    assert [bool(limits.admit("192.0.2.1")) for _ in range(3)] == [False, False, True]


def test_a_network_of_version_6_is_one_address() -> None:
    limits = Limits(ManualClock(), 0, 2)
    for host in ("2001:db8::1", "2001:db8::2"):
        limits.miss(host)
    assert limits.admit("2001:db8::3")
    assert not limits.admit("2001:db8:0:1::1")
    limits.miss("::ffff:192.0.2.1", 2)
    assert limits.admit("192.0.2.1")


async def test_a_proxy_is_believed_only_where_it_is_trusted(tmp_path: Path) -> None:
    async with resolver(tmp_path, ManualClock(), misses_per_min=1, trusted_proxies=["127.0.0.1"]) as (client, _, _):
        for number in range(3):
            given = {"x-forwarded-for": f"192.0.2.{number}"}
            assert (await client.get("/api/handles/86.1000.1/none", headers=given)).status_code == 404
        assert (
            await client.get("/api/handles/86.1000.1/Product-1", headers={"x-forwarded-for": "192.0.2.1"})
        ).status_code == 429
    async with resolver(tmp_path / "2", ManualClock(), misses_per_min=1) as (client, _, _):
        statuses = [
            (
                await client.get("/api/handles/86.1000.1/none", headers={"x-forwarded-for": f"192.0.2.{number}"})
            ).status_code
            for number in range(2)
        ]
        assert statuses == [404, 429]


@pytest.mark.parametrize(("state", "words"), [("suspended", "is suspended"), ("expired", "has expired")])
async def test_a_prefix_that_is_closed_says_so_and_nothing_else(tmp_path: Path, state: str, words: str) -> None:
    async with resolver(tmp_path, misses_per_min=0) as (client, _, records):
        names = ("GS1:9506000", "86.1000.1", "DID:did:bid", "OID:1.2.156")
        entries = [Prefix(prefix=each, organisation_id="org_press", state=state) for each in names]
        records.change_many((), who="test", prefixes=entries)
        shown = (await client.get("/api/handles/86.1000.1/Product-1")).json()
        assert shown["responseCode"] == 301
        assert words in shown["message"]
        for path in ("/id/86.1000.1/Product-1", "/id/1.2.156.3", SHIRT, f"/1.0/identifiers/{BID}", f"/id/{GTIN}"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert words in answer.text
            assert "example.com" not in answer.text
            assert "shirt" not in answer.text
        assert (await client.get("/00/106141412345678908")).status_code == 307
