"""What is kept elsewhere, asked for over HTTP: the same names on each interface, out of one cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel import SystemClock
from support.handle import value
from support.identifiers import home, put
from support.recursion import ENTERPRISE, Tree, delegate_entry, running_recursive, running_tree

NAME = ENTERPRISE + b"/Pump-1"
GTIN = b"GS1/01/09506000134352"
DID = "did:bid:efJgt44mNDewKK1VEN454R17cjso3mSG"


def filled(tree: Tree) -> None:
    from millwright.identity.records.naming import code_of_text, name_of

    did = name_of(code_of_text(DID)).encode()
    home(tree.enterprise.records, b"GS1:9506000", b"DID:did:bid")
    for prefix in ("GS1:9506000", "DID:did:bid"):
        delegate_entry(tree.root.records, prefix, tree.enterprise.site)
    put(
        tree.enterprise.records,
        (GTIN, (value(1, b"DESC", b"Oil", ttl=300),)),
        (GTIN + b"/21/7", (value(1, b"DESC", b"Oil, can 7", ttl=300),)),
        (did, (value(1, b"DESC", b"A machine", ttl=300),)),
    )


def client(records: Any, recursor: Any, address: str = "127.0.0.1") -> httpx.AsyncClient:
    app = resolution_app(records, ResolutionSettings(misses_per_min=0), SystemClock(), recursion=recursor)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://id.example.com")


async def test_every_interface_finds_what_is_kept_elsewhere(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, recursor):
        filled(tree)
        async with client(node.records, recursor) as http:
            first = await http.get(f"/api/handles/{NAME.decode()}")
            questions = recursor.counters()["recursion_questions"]
            quick = await http.get(f"/api/handles/{NAME.decode()}")
            assert first.status_code == quick.status_code == 200
            assert first.json() == quick.json()
            assert [each["index"] for each in first.json()["values"]] == [1, 2]
            assert recursor.counters()["recursion_questions"] == questions
            page = await http.get(f"/id/{NAME.decode()}", headers={"accept": "application/json"})
            assert page.status_code == 200
            missing = await http.get(f"/api/handles/{ENTERPRISE.decode()}/none")
            assert (missing.status_code, missing.json()["responseCode"]) == (404, 100)
            elsewhere = await http.get("/api/handles/99.9/x")
            assert elsewhere.json()["responseCode"] == 301

            # A Digital Link looks at the item and what it is one of.
            links = await http.get("/01/09506000134352/21/7?linkType=linkset")
            assert links.status_code == 200
            assert "Oil, can 7" in links.text
            assert (await http.get("/01/09506000134352/21/8?linkType=linkset")).status_code == 200
            assert (await http.get("/01/04012345123456?linkType=linkset")).status_code == 404
            resolved = await http.get(f"/1.0/identifiers/{DID}")
            assert resolved.status_code == 200
            assert resolved.json()["didDocument"]["id"] == DID


async def test_who_may_not_ask_is_told_as_without_recursion(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, recursor):
        async with client(node.records, recursor, "203.0.113.7") as http:
            for path in (f"/api/handles/{NAME.decode()}", f"/id/{NAME.decode()}", "/01/09506000134352"):
                assert (await http.get(path)).status_code == 404
        async with client(node.records, recursor) as http:
            await http.get(f"/api/handles/{NAME.decode()}")
        # Not out of the cache either.
        async with client(node.records, recursor, "203.0.113.7") as http:
            assert (await http.get(f"/api/handles/{NAME.decode()}")).status_code == 404


async def test_that_nobody_answers_is_not_told_as_not_found(tmp_path: Path) -> None:
    async with running_tree(tmp_path) as tree, running_recursive(tmp_path, tree.roots) as (node, recursor):
        await tree.enterprise.server.stop()
        async with client(node.records, recursor) as http:
            handle = await http.get(f"/api/handles/{NAME.decode()}")
            assert (handle.status_code, handle.json()["responseCode"]) == (503, 3)
            page = await http.get(f"/id/{NAME.decode()}")
            assert (page.status_code, page.json()["code"]) == (503, "recursion.no_answer")
