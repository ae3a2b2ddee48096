"""Searching and listing identifiers over HTTP: what one may see is found, counted and shown, and nothing else."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from support.registration import Works, give_prefix, make_works
from support.web import RunningWeb, running_web


@dataclass
class Town:
    web: RunningWeb
    red: Works
    blue: Works


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1")
        blue = await make_works(web, root, "Blue", "88.2")
        yield Town(web, red, blue)


async def register(works: Works, suffix: str, **fields: Any) -> None:
    answer = await works.client.post("/api/v1/identifiers", json=works.new(suffix, **fields))
    assert answer.status_code == 201, answer.text


async def found(client: httpx.AsyncClient, path: str = "/search", **asked: Any) -> tuple[list[str], int]:
    params = {key.replace("field_", "field."): value for key, value in asked.items()}
    answer = await client.get(f"/api/v1/identifiers{path}", params=params)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["lag"] == {"behind_ms": 0, "building": False}
    return [each["name"] for each in page["items"]], page["total"]


async def test_words_fields_and_neighbours(town: Town) -> None:
    red, blue = town.red, town.blue
    await register(red, "a", name="中华人民 Centrifugal Pump", colour="deep red", batch="hidden99", recipe="secretsalt")
    await register(red, "b", name="Ventil", colour="blue", weight={"value": 3, "unit": "kg"})
    await register(blue, "c", name="Pump", colour="red")
    mine = red.client
    assert await found(mine, q="pump") == (["88.2/c", "88.1/a"], 2)
    assert await found(mine, q="PUMP centri") == (["88.1/a"], 1)
    for text in ("中华", "华人", "人民", "民", "中", "中华人民", "ｐｕｍｐ 中华"):
        assert await found(mine, q=text) == (["88.1/a"], 1), text
    for text in ("中人", "华中", "secretsalt", "nothing"):
        assert await found(mine, q=text) == ([], 0), text
    assert await found(mine, field_colour="red") == (["88.2/c", "88.1/a"], 2)
    assert await found(mine, field_colour="deep red") == (["88.1/a"], 1)
    assert await found(mine, field_name="red") == ([], 0)
    assert await found(mine, field_name="华人", field_colour="red") == (["88.1/a"], 1)
    assert await found(mine, q="hidden99") == (["88.1/a"], 1)
    assert await found(mine, q="pump", among="own") == (["88.1/a"], 1)
    assert await found(mine, q="pump", among="public") == (["88.2/c"], 1)
    theirs = blue.client
    assert await found(theirs, q="hidden99") == ([], 0)
    assert await found(theirs, field_batch="hidden99") == ([], 0)
    assert await found(theirs, q="centrifugal") == (["88.1/a"], 1)
    answer = (await theirs.get("/api/v1/identifiers/search", params={"q": "centrifugal"})).json()["items"][0]
    assert answer["fields"] == {"name": "中华人民 Centrifugal Pump", "colour": "deep red"}
    assert (answer["own"], answer["withheld"]) == (False, {})
    assert await found(theirs, "") == (["88.2/c"], 1)
    assert await found(mine, "") == (["88.1/b", "88.1/a"], 2)
    assert await found(mine, "", prefix="88.1", template=red.template_id) == (["88.1/b", "88.1/a"], 2)
    assert await found(mine, "", prefix="88.2") == ([], 0)
    assert await found(theirs, "", template=red.template_id) == ([], 0)


async def test_changes_removals_and_prefixes_are_followed(town: Town) -> None:
    red, blue, register_ = town.red, town.blue, town.web.services.more["register"]
    await register(red, "a", colour="red")
    await register(red, "5.x", colour="red")
    record = "/api/v1/identifiers/record"
    changed = await red.client.patch(record, params={"identifier": "88.1/a"}, json={"fields": {"colour": "green"}})
    assert changed.status_code == 200
    assert await found(red.client, field_colour="red") == (["88.1/5.x"], 1)
    assert await found(red.client, field_colour="green") == (["88.1/a"], 1)
    assert await found(blue.client, field_colour="green") == (["88.1/a"], 1)
    await asyncio.to_thread(give_prefix, register_, "88.1", red.id, "suspended")
    assert await found(blue.client, field_colour="green") == ([], 0)
    assert await found(red.client, field_colour="green") == (["88.1/a"], 1)
    await asyncio.to_thread(give_prefix, register_, "88.1", blue.id)
    assert await found(blue.client, "") == (["88.1/a", "88.1/5.x"], 2)
    assert await found(red.client, "") == ([], 0)
    await asyncio.to_thread(give_prefix, register_, "88.1", red.id)
    gone = await red.client.delete(record, params={"identifier": "88.1/a"})
    assert gone.status_code == 204
    assert await found(red.client, "") == (["88.1/5.x"], 1)


async def test_a_prefix_below_takes_what_stands_under_it(town: Town) -> None:
    red, blue, register_ = town.red, town.blue, town.web.services.more["register"]
    for name in ("88.1/a", "88.1.7/b", "88.1.8/c"):
        new = red.new("") | {"identifier": name}
        assert (await red.client.post("/api/v1/identifiers", json=new)).status_code == 201
    assert (await found(red.client, ""))[1] == 3
    await asyncio.to_thread(give_prefix, register_, "88.1.7", blue.id)
    assert await found(blue.client, "") == (["88.1.7/b"], 1)
    assert await found(red.client, "") == (["88.1.8/c", "88.1/a"], 2)


async def test_pages_go_on_where_they_ended_and_cursors_tell_nothing(town: Town) -> None:
    red = town.red
    for number in range(7):
        await register(red, f"p{number}")
    seen: list[str] = []
    cursor = None
    while True:
        params = {"q": "thing", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await red.client.get("/api/v1/identifiers/search", params=params)).json()
        seen += [each["name"] for each in page["items"]]
        assert page["total"] == 7
        cursor = page["next"]
        if cursor is None:
            break
        if len(seen) == 3:
            await register(red, "late")
            await red.client.delete("/api/v1/identifiers/record", params={"identifier": "88.1/late"})
    assert seen == [f"88.1/p{number}" for number in reversed(range(7))]
    for bad in ("x", "AAAA", "9" * 27):
        answer = await red.client.get("/api/v1/identifiers/search", params={"cursor": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "search.bad_cursor")
    for odd in ('"', "*", "a OR b", "NEAR(a b)", "{own} : x", "')--", "^a", "-"):
        answer = await red.client.get("/api/v1/identifiers/search", params={"q": odd})
        assert answer.status_code == 200, (odd, answer.text)


async def test_an_index_that_is_broken_or_gone_is_made_anew(town: Town) -> None:
    red, follower = town.red, town.web.services.more["search_follower"]
    await register(red, "a")
    await register(red, "b")
    assert (await found(red.client, q="thing"))[1] == 2
    await asyncio.to_thread(follower.index.remove)
    await register(red, "c")
    for _ in range(100):
        answer = (await red.client.get("/api/v1/identifiers/search", params={"q": "thing"})).json()
        if answer.get("total") == 3 and answer["lag"]["building"] is False:
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError(answer)
    assert sorted(each["name"] for each in answer["items"]) == ["88.1/a", "88.1/b", "88.1/c"]


async def test_exports_hold_what_one_may_see_and_come_back_by_an_import(town: Town) -> None:
    red, blue = town.red, town.blue
    await register(red, "a", name="=1+1", colour="红", weight={"value": 3, "unit": "kg"}, batch="b1", recipe="salt",
                   tags=["x", "y"])  # fmt: skip
    await register(red, "b")
    await register(blue, "c")
    assert (await found(red.client, ""))[1] == 2
    whole = {"format": "csv", "template": red.template_id}
    text = (await red.client.get("/api/v1/identifiers/export", params=whole)).text
    assert "salt" not in text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [each["identifier"] for each in rows] == ["88.1/b", "88.1/a"]
    assert {key: rows[1][key] for key in ("name", "colour", "weight", "batch", "recipe", "tags")} == {
        "name": "'=1+1", "colour": "红", "weight": "3 kg", "batch": "b1", "recipe": "", "tags": "x\ny",
    }  # fmt: skip
    lines = (await blue.client.get("/api/v1/identifiers/export", params={"format": "jsonl", "among": "all"})).text
    told = {each["identifier"]: each["fields"] for each in map(json.loads, lines.splitlines())}
    assert set(told) == {"88.1/a", "88.1/b", "88.2/c"}
    assert told["88.1/a"] == {"name": ["=1+1"], "colour": ["红"], "weight": ["3 kg"], "tags": ["x", "y"]}
    arrow = await red.client.get("/api/v1/identifiers/export", params={"format": "arrow"})
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert table.column("identifier").to_pylist() == ["88.1/b", "88.1/a"]

    made = (await red.client.post("/api/v1/identifiers/imports", json={"file_name": "again.csv"})).json()["id"]
    path = f"/api/v1/identifiers/imports/{made}"
    sent = await red.client.put(
        f"{path}/file", content=text.encode(), headers={"Content-Type": "application/octet-stream"}
    )
    assert sent.json()["file_bytes"] == len(text.encode())
    settings = {"template_id": red.template_id, "existing": "update"}
    started = await red.client.post(f"{path}/start", json=settings)
    assert started.json()["state"] == "waiting", started.text
    worker = town.web.services.more["import_worker"]
    while await asyncio.to_thread(worker._step):
        pass
    await worker.stop()
    ended = (await red.client.get(path)).json()
    assert (ended["state"], ended["rows"], ended["unchanged"], ended["refused"]) == ("done", 2, 2, 0), ended
    for method, where in (("GET", path), ("GET", f"{path}/refused"), ("POST", f"{path}/cancel"), ("DELETE", path)):
        answer = await blue.client.request(method, where)
        assert (answer.status_code, answer.json()["code"]) == (404, "identifiers.import_unknown")
