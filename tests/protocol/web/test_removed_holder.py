"""What becomes of the names of an organisation that is removed, by really removing one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from millwright.identity.handle import HandleValue
from millwright.identity.prefixes import PrefixKeeper
from millwright.identity.registration.bulk import ImportKeeper
from millwright.identity.registration.bulk.store import ImportFiles
from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel.scope import EVERYTHING
from millwright.parties import AuthorityStore
from support.registration import Works, make_works
from support.tenants import send
from support.web import RunningWeb, running_web

CODE = "91350100M000100Y43"
GRANTED, SEALED = "vermilion", "cerulean"


@dataclass
class Town:
    """Red holds ``88.8`` with two identifiers; Blue would like to have it one day."""

    web: RunningWeb
    root: httpx.AsyncClient
    red: Works
    blue: Works

    @property
    def register(self) -> Any:
        return self.web.services.more["register"]

    async def public(self, path: str) -> httpx.Response:
        app = resolution_app(self.register, ResolutionSettings(misses_per_min=0))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://r.example") as http:
            return await http.get(path)

    async def keep(self) -> None:
        """One round of the node's own work."""
        services = self.web.services
        store = AuthorityStore(services.records.scoped(EVERYTHING))
        await PrefixKeeper(services.more["prefixes"], store, services.recorder, services.clock).look()

    async def remove_red(self) -> None:
        path = f"/organisations/{self.red.id}"
        await send(self.root, "PATCH", path, {"suspended": True}, 200)
        await send(self.root, "DELETE", path, status=204)
        await self.keep()

    async def apply(self, who: Works) -> str:
        contact = {"name": "李工", "telephone": "1", "email": ""}
        form = {
            "system": "handle",
            "prefix": "88.8",
            "credit_code": CODE,
            "contact": contact,
            "industry": "C34",
            "use": "x",
        }
        made = await send(who.client, "POST", "/prefixes", form)
        await send(who.client, "POST", f"/prefixes/{made['id']}/submit", {}, 200)
        await send(self.root, "POST", f"/prefixes/{made['id']}/review", {}, 200)
        return str(made["id"])

    async def activate(self, prefix_id: str) -> None:
        await send(self.root, "PUT", f"/prefixes/{prefix_id}/certification", {"certified_by": "CAICT"}, 200)
        await send(self.root, "POST", f"/prefixes/{prefix_id}/activate", {}, 200)

    def rows(self, table: str, organisation_id: str) -> int:
        with self.web.services.records.scoped(EVERYTHING).read() as connection:
            query = sa.text(f"SELECT count(*) FROM {table} WHERE organisation_id = :id")
            return int(connection.execute(query, {"id": organisation_id}).scalar_one())


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        made = Town(web, root, await make_works(web, root, "Red", "88.1"), await make_works(web, root, "Blue", "88.2"))
        prefix_id = await made.apply(made.red)
        await send(root, "POST", f"/prefixes/{prefix_id}/approve", {}, 200)
        await made.activate(prefix_id)
        for suffix in ("a", "b"):
            new = made.red.new("x", batch=GRANTED, recipe=SEALED) | {"identifier": f"88.8/{suffix}"}
            await send(made.red.client, "POST", "/identifiers", new)
        yield made


async def test_its_prefix_ends_and_its_names_resolve_and_are_found_no_more(town: Town) -> None:
    assert (await town.public("/api/handles/88.8/a")).json()["responseCode"] == 1
    files = ImportFiles(town.web.services.data_folder / "identifier-imports")
    new = await send(town.red.client, "POST", "/identifiers/imports", {"file_name": "a.csv"})
    uploaded = await town.red.client.put(
        f"/api/v1/identifiers/imports/{new['id']}/file",
        content=b"identifier,name\n88.8/c,late\n",
        headers={"Content-Type": "application/octet-stream"},
    )
    assert uploaded.status_code == 200, uploaded.text
    await send(
        town.red.client, "POST", f"/identifiers/imports/{new['id']}/start", {"template_id": town.red.template_id}, 200
    )
    await town.remove_red()

    for path in ("/api/handles/88.8/a", "/id/88.8/a", "/api/handles/88.8/never"):
        answer = await town.public(path)
        assert answer.status_code == 404
        assert "thing x" not in answer.text
    assert (await town.public("/api/handles/88.8/a")).json()["responseCode"] == 301
    for client in (town.root, town.blue.client):
        read = await client.get("/api/v1/identifiers/record", params={"identifier": "88.8/a"})
        assert read.json()["code"] in ("identifiers.prefix_expired", "identifiers.unknown")
        for text in ("thing", GRANTED, SEALED):
            found = (await client.get("/api/v1/identifiers/search", params={"q": text})).json()
            assert (found["items"], found["total"]) == ([], 0), (text, found)
    # The record itself is kept, under its versions: that it was registered is not denied.
    with town.register.view() as view:
        assert view.find(b"88.8/a") is not None
        assert view.find_prefix(b"88.8").state == "expired"
    # What waited to be imported is not, and its file goes.
    worker = town.web.services.more["import_worker"]
    assert not await asyncio.to_thread(worker._step)
    with town.register.view() as view:
        assert view.find(b"88.8/c") is None
    assert town.rows("identity_imports", town.red.id) == 0
    keeper = ImportKeeper(
        town.web.services.records.scoped(EVERYTHING), files, town.web.services.recorder,
        town.web.services.clock, lambda: asyncio.sleep(0),
    )  # fmt: skip
    await keeper.look()
    assert new["id"] not in files.known()
    for table in ("identity_prefixes", "identity_serials", "identity_templates"):
        assert town.rows(table, town.red.id) == 0, table


async def test_an_import_stops_at_its_next_part(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    new = await send(town.red.client, "POST", "/identifiers/imports", {"file_name": "a.csv"})
    path = f"/api/v1/identifiers/imports/{new['id']}"
    rows = "".join(f"88.8/row-{number},n\n" for number in range(5))
    headers = {"Content-Type": "application/octet-stream"}
    content = f"identifier,name\n{rows}".encode()
    assert (await town.red.client.put(f"{path}/file", content=content, headers=headers)).status_code == 200
    wanted = {"template_id": town.red.template_id, "batch_size": 1}
    await send(town.red.client, "POST", f"/identifiers/imports/{new['id']}/start", wanted, 200)
    written, go_on = threading.Event(), threading.Event()
    batch = town.register.batch

    def slowly(*given: Any, **more: Any) -> Any:
        found = batch(*given, **more)
        written.set()
        assert go_on.wait(60)
        return found

    monkeypatch.setattr(town.register, "batch", slowly)
    running = asyncio.create_task(asyncio.to_thread(town.web.services.more["import_worker"]._step))
    assert await asyncio.to_thread(written.wait, 60)
    await town.remove_red()
    go_on.set()
    await running
    with town.register.view() as view:
        there = [view.find(b"88.8/row-%d" % number) is not None for number in range(5)]
    assert there == [True, False, False, False, False]
    assert (await town.public("/api/handles/88.8/row-0")).json()["responseCode"] == 301


@pytest.mark.parametrize("former", ["discard", "pass_on"])
async def test_nobody_gets_the_prefix_silently_with_what_was_registered(town: Town, former: str) -> None:
    order = {"scope": "identifier", "on": "88.8/a", "reason": GRANTED}
    await send(town.red.client, "POST", "/identifiers/measures/suspend", order, 200)
    await town.remove_red()
    prefix_id = await town.apply(town.blue)
    refused = await town.root.post(f"/api/v1/prefixes/{prefix_id}/approve", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "prefixes.names_left")
    assert refused.json()["data"]["names"] == 2
    await send(town.root, "POST", f"/prefixes/{prefix_id}/approve", {"former": former}, 200)
    with town.register.view() as view:
        assert view.find_prefix(b"88.8").organisation_id == town.red.id  # until it is activated
    await town.activate(prefix_id)
    with town.register.view() as view:
        assert view.find_prefix(b"88.8").organisation_id == town.blue.id
        record = view.find(b"88.8/a")
        kept = view.history(b"88.8/a")
    public = await town.public("/api/handles/88.8/a")
    blue = town.blue.client
    seen = await blue.get("/api/v1/identifiers/record", params={"identifier": "88.8/a"})
    if former == "discard":
        assert record is None
        assert public.json()["responseCode"] == 100
        assert seen.status_code == 404
    else:
        assert record is not None
        assert record.values == tuple(each for each in record.values if each.public)
        assert "thing x" in public.text
        assert seen.json()["fields"] == {"name": "thing x"}
    assert GRANTED not in seen.text + public.text
    # What the former holder kept to itself stays in versions that nobody is shown and nobody restores.
    assert any(GRANTED.encode() in _all(each.record) for each in kept)
    versions = await blue.get("/api/v1/identifiers/record/versions", params={"identifier": "88.8/a"})
    assert GRANTED not in versions.text
    for version in (1, 2):
        await blue.post(
            "/api/v1/identifiers/record/restore", params={"identifier": "88.8/a"}, json={"version": version}
        )
        now = await blue.get("/api/v1/identifiers/record", params={"identifier": "88.8/a"})
        assert GRANTED not in now.text
        opened = await blue.post(
            "/api/v1/identifiers/record/reveal", params={"identifier": "88.8/a"}, json={"reason": "x"}
        )
        assert SEALED not in opened.text
    # What it had ordered is over, and its reasons are its own.
    assert (await blue.get("/api/v1/identifiers/measures")).json()["items"] == []
    with town.register.view() as view:
        assert [each.lifted_why for each in view.iter_measures()] == ["another holder"]
    found = (await blue.get("/api/v1/identifiers/search", params={"q": GRANTED})).json()
    assert found["items"] == []
    # A name that was once given is not given to another thing.
    again = await blue.post("/api/v1/identifiers", json=town.blue.new("x") | {"identifier": "88.8/a"})
    assert again.status_code == 409
    await send(blue, "POST", "/identifiers", town.blue.new("x") | {"identifier": "88.8/fresh"})
    # Passing it on by agreement takes all along, and nothing is disposed of a second time.
    with town.register.view() as view:
        assert view.find(b"88.8/fresh") is not None


def _all(record: Any) -> bytes:
    values: tuple[HandleValue, ...] = () if record is None else record.values
    return b"".join(each.data for each in values)
