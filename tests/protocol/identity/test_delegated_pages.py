"""Digital Links, pages and DIDs below a prefix that another node keeps: sent on, answered by recursion, never in a
circle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from millwright.identity.handle.site import encode_site
from millwright.identity.records import Prefix, Records
from millwright.identity.records.naming import name_of_text
from millwright.identity.recursion import RecursionSettings, Recursor
from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.identity.resolution.referring import VIA
from millwright.kernel import SystemClock
from support.handle import running_handle, site_for, value
from support.identifiers import home, open_records, put
from support.measures import lift, take
from support.ports import free_port
from support.resolution import BID, GTIN, SHIRT, served

DELEGATED = ("GS1:9506000", "DID:did:bid", "88.118.8", "OID:1.2.156.9")


def delegate(records: Records, resolver: str, port: int) -> None:
    entries = [
        Prefix(
            prefix=each, organisation_id="org_test", state="active", site=encode_site(site_for(port)), resolver=resolver
        )
        for each in DELEGATED
    ]
    records.change_many((), who="test", prefixes=entries)


def keep(records: Records) -> None:
    """What the other node has."""
    home(records, *(each.encode() for each in DELEGATED))
    put(
        records,
        (name_of_text(GTIN).encode(), (value(1, data=b"https://shop.example/shirt", ttl=300),)),
        (name_of_text(BID).encode(), (value(1, ttl=300),)),
        (b"88.118.8/p", (value(1, b"NAME", b"A pump", ttl=300),)),
    )


@asynccontextmanager
async def resolver(records: Records, recursion: Any = None, **settings: Any) -> AsyncIterator[str]:
    app = resolution_app(records, ResolutionSettings(misses_per_min=0, **settings), SystemClock(), recursion=recursion)
    async with served(app) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (SHIRT, "", 307),
        (f"{SHIRT}/21/aB%2F7", "17=290101&linkType=gs1:defaultLink", 307),
        (f"{SHIRT}/21/aB%2F7", "linkType=gs1:pip", 404),
        (f"{SHIRT}?linkType=linkset", "", 200),
        (f"/id/{GTIN}", "lang=zh", 200),
        ("/id/88.118.8/p", "", 200),
        ("/id/OID/1.2.156.9.7", "", 404),
        (f"/1.0/identifiers/{BID}", "", 200),
    ],
)
async def test_who_asks_is_sent_to_the_node_that_keeps_it(tmp_path: Path, path: str, query: str, status: int) -> None:
    here, there = open_records(tmp_path / "here"), open_records(tmp_path / "there")
    keep(there)
    try:
        async with resolver(there) as other, resolver(here) as own, httpx.AsyncClient(trust_env=False) as http:
            delegate(here, f"{other}/", free_port())
            asked = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
            answer = await http.get(f"{own}{asked}")
            assert answer.status_code == 307, answer.text
            target = urlsplit(answer.headers["location"])
            assert f"{target.scheme}://{target.netloc}" == other
            assert target.path == urlsplit(path).path
            for part in query.split("&"):
                assert part in target.query
            assert answer.headers["access-control-allow-origin"] == "*"
            # What stands there is what the other one says, and its mark goes no further.
            arrived = await http.get(answer.headers["location"])
            assert arrived.status_code == status
            assert VIA not in arrived.headers.get("location", "")
    finally:
        here.close()
        there.close()


async def test_two_nodes_that_name_each_other_are_found_out(tmp_path: Path) -> None:
    one, two = open_records(tmp_path / "one"), open_records(tmp_path / "two")
    try:
        async with resolver(one) as first, resolver(two) as second:
            delegate(one, second, free_port())
            delegate(two, first, free_port())
            async with httpx.AsyncClient(trust_env=False, follow_redirects=True, max_redirects=5) as http:
                for path in (SHIRT, f"/id/{GTIN}", "/id/88.118.8/p", f"/1.0/identifiers/{BID}"):
                    answer = await http.get(f"{first}{path}")
                    assert answer.status_code == 508, (path, answer.text)
                    assert answer.json()["code"] == "resolution.circle"
                    assert len(answer.history) == 2
            # And one that names itself, whatever was checked when it was written.
            delegate(one, first, free_port())
            async with httpx.AsyncClient(trust_env=False) as http:
                assert (await http.get(f"{first}{SHIRT}")).status_code == 508
                long = "&".join(f"{VIA}={each}" for each in range(5))
                delegate(one, second, free_port())
                assert (await http.get(f"{first}{SHIRT}?{long}")).status_code == 508
    finally:
        one.close()
        two.close()


async def test_where_recursion_is_on_it_is_answered_here(tmp_path: Path) -> None:
    here, there = open_records(tmp_path / "here"), open_records(tmp_path / "there")
    keep(there)
    async with running_handle(tmp_path, records=there) as handle:
        recursor = Recursor(here, RecursionSettings(enabled=True, timeout_s=1.0), SystemClock())
        try:
            async with resolver(here, recursor) as own, httpx.AsyncClient(base_url=own, trust_env=False) as http:
                delegate(here, "https://other.example", handle.port)
                answer = await http.get(SHIRT)
                assert (answer.status_code, answer.headers["location"]) == (307, "https://shop.example/shirt")
                assert "A pump" in (await http.get("/id/88.118.8/p")).text
                assert (await http.get("/api/handles/88.118.8/p")).json()["responseCode"] == 1
                # What it has in its cache is measured here, too.
                measure = take(here, "suspend", "prefix", "88.118.8", "88.118.8")
                assert (await http.get("/api/handles/88.118.8/p")).json()["responseCode"] == 301
                assert (await http.get("/id/88.118.8/p")).status_code == 410
                lift(here, measure)
                assert (await http.get("/api/handles/88.118.8/p")).json()["responseCode"] == 1
                take(here, "announce", "beginning", "88.118.8", "88.118.8/", text="Mind the pump")
                values = (await http.get("/api/handles/88.118.8/p")).json()["values"]
                assert [each["type"] for each in values] == ["NAME", "MW_NOTICE"]
                # Who keeps it does not answer: perhaps its resolver does, for who asks.
                delegate(here, "https://other.example", free_port())
                recursor.forget()
                answer = await http.get(f"{SHIRT}/10/new")
                assert answer.status_code == 307
                assert answer.headers["location"].startswith(f"https://other.example{SHIRT}/10/new?{VIA}=")
        finally:
            await recursor.stop()
            here.close()
