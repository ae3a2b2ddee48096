"""The public resolver over a fresh LMDB folder, within the process or on a free port, and records for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import structs

from millwright.identity.digital_link import Link, link_value
from millwright.identity.handle import HandleValue
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.records import Records
from millwright.identity.records.naming import name_of_text
from millwright.identity.resolution import Resolution, ResolutionSettings, resolution_app
from millwright.identity.resolution.server import ResolutionServer
from millwright.kernel import Clock, Lifecycle, SystemClock
from support.handle import fill, value
from support.identifiers import home, open_records, put
from support.ports import free_port

GTIN = "09506000134352"
SHIRT = f"/01/{GTIN}"
HIDDEN = b"vermilion"
"""Stands in every value that the public may not read."""

STAMP_S = 1_780_000_000


def link(index: int, kind: str, href: str, **more: Any) -> HandleValue:
    return link_value(index, Link(link_type=kind, href=href, title=more.pop("title", kind), **more))


def hidden(index: int, kind: bytes = b"PRICE", data: bytes = HIDDEN) -> HandleValue:
    return value(index, kind, data, permissions=int(SECRET_PERMISSIONS), timestamp_s=STAMP_S + 5000)


SHIRT_VALUES = (
    value(1, b"NAME", b"Crew neck shirt", timestamp_s=STAMP_S),
    hidden(2),
    link(10, "gs1:defaultLink", "https://shop.example/shirt"),
    link(11, "gs1:pip", "https://shop.example/en/shirt", hreflang=("en",), type="text/html"),
    link(12, "gs1:pip", "https://shop.example/zh/shirt", hreflang=("zh",), type="text/html"),
    link(13, "gs1:pip", "https://shop.example/shirt.pdf", type="application/pdf"),
    link(14, "gs1:instructions", "https://shop.example/wash?v=2#dry"),
    link(15, "gs1:recallStatus", "https://shop.example/recall", fwqs=False),
    link(16, "gs1:certificationInfo", "https://one.example/c", type="text/html"),
    link(17, "gs1:certificationInfo", "https://two.example/c", type="text/html"),
    link(18, "gs1:certificationInfo", "https://lk.example/c", type="text/html", context=("LK",)),
)


def fill_all(records: Records) -> None:
    """A prefix of handles with an administrator, a shirt and one of it, a DID, an OID, and a secret."""
    fill(records)
    home(
        records,
        b"GS1:9506000",
        b"GS1:0614141",
        b"OID:1.2.156",
        b"DID:did:web",
        b"DID:did:bid",
        organisation_id="org_press",
    )
    document = {"id": "did:web:node.example:press", "service": []}
    put(
        records,
        *[
            (name_of_text(GTIN).encode(), SHIRT_VALUES),
            (
                name_of_text(f"(01){GTIN}(21)aB/7").encode(),
                (link(1, "gs1:dpp", "https://dpp.example/7"), value(2, b"NAME", b"Shirt no. aB/7")),
            ),
            (name_of_text("(00)106141412345678908").encode(), (value(1, b"NAME", b"A pallet"),)),
            (b"OID/1.2.156.3", (value(1, b"NAME", "设备".encode()), hidden(2))),
            (b"DID/did:web:node.example:press", (value(1, b"DID.DOCUMENT", json.dumps(document).encode()),)),
            (name_of_text(BID).encode(), (value(1, b"URL", b"https://bid.example/", timestamp_s=STAMP_S), hidden(2))),
            (b"86.1000.1/secret", (hidden(1), hidden(2))),
            (b"86.1000.1/mixed", (value(1), hidden(2), value(3, b"NOTE", 'a "b"\\ü\n'.encode(), timestamp_s=STAMP_S))),
        ],
    )


BID = "did:bid:ef21AHDJDnVHeGvjfpJ5kUTEdXu3hVDuX"


@asynccontextmanager
async def resolver(
    folder: Path,
    clock: Clock | None = None,
    *,
    address: str = "127.0.0.1",
    records: Records | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[httpx.AsyncClient, Resolution, Records]]:
    """A client of the application within this process."""
    if records is None:
        records = open_records(folder / "register")
        fill_all(records)
    app = resolution_app(records, ResolutionSettings(**settings), clock or SystemClock())
    transport = httpx.ASGITransport(app, client=(address, 12345))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="https://node.example") as client:
            yield client, app, records
    finally:
        records.close()


@asynccontextmanager
async def served(app: Resolution, settings: ResolutionSettings | None = None) -> AsyncIterator[str]:
    """The application on a free port, as the role ``resolver`` serves it; yields its address."""
    chosen = structs.replace(settings or ResolutionSettings(), host="127.0.0.1", port=free_port())
    async with Lifecycle(ResolutionServer(app, chosen)):
        yield f"http://127.0.0.1:{chosen.port}"
