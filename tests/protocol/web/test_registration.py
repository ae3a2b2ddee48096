"""Registering identifiers over HTTP, on a real register: odd names, visibility, neighbours, versions, prefixes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.registration import Works, give_prefix, make_works
from support.web import RunningWeb, running_web

RECORD = "/api/v1/identifiers/record"


@dataclass
class Town:
    web: RunningWeb
    red: Works
    blue: Works


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1", "viewer", "engineer")
        blue = await make_works(web, root, "Blue", "88.2")
        yield Town(web, red, blue)


async def register(works: Works, new: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = await works.client.post("/api/v1/identifiers", json=new)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(client: httpx.AsyncClient, identifier: str, status: int = 200) -> dict[str, Any]:
    answer = await client.get(RECORD, params={"identifier": identifier})
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_from_nothing_to_a_tombstone_and_back(town: Town) -> None:
    red = town.red
    new = red.new("pump-7", colour="红", weight={"value": 1.5, "unit": "t"}, batch="b1", recipe="salt", tags=["a", "b"])
    link = {"linkType": "gs1:pip", "href": "https://example.com/p", "title": "Product"}
    made = await register(red, new | {"links": [link], "reason": "first"})
    assert made["identifier"] == made["name"] == "88.1/pump-7"
    assert (made["version"], made["own"], made["writable"], made["organisation_id"]) == (1, True, True, red.id)
    assert made["fields"] == {k: v for k, v in new["fields"].items() if k != "recipe"}
    assert made["withheld"] == {"recipe": "sealed"}
    assert made["links"][0]["linkType"] == "pip"
    assert made["template"]["id"] == red.template_id
    found = await read(red.client, "88.1/PUMP-7")
    assert {k: v for k, v in found.items() if k != "changed_ms"} == {
        k: v for k, v in made.items() if k != "changed_ms"
    } | {"registered_ms": found["registered_ms"]}

    change = {"fields": {"colour": "blue", "tags": None}, "reason": "painted"}
    asked = {"identifier": "88.1/pump-7"}
    late = await red.client.patch(RECORD, params=asked, json=change, headers={"If-Match": '"4"'})
    assert (late.status_code, late.json()["code"]) == (412, "identifiers.revision_stale")
    changed = await red.client.patch(RECORD, params=asked, json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["fields"] == {k: v for k, v in made["fields"].items() if k != "tags"} | {"colour": "blue"}
    assert changed.json()["withheld"] == {"recipe": "sealed"}
    assert changed.json()["links"] == made["links"]
    same = await red.client.patch(RECORD, params=asked, json=change)
    assert same.headers["etag"] == '"2"'

    gone = await red.client.delete(RECORD, params=asked | {"reason": "scrapped"})
    assert gone.status_code == 204, gone.text
    assert (await read(red.client, "88.1/pump-7", 404))["code"] == "identifiers.removed"
    assert (await read(town.blue.client, "88.1/pump-7", 404))["code"] == "identifiers.unknown"
    assert (await register(red, new, 409))["code"] == "identifiers.name_used"
    back = await red.client.post(f"{RECORD}/restore", params=asked, json={"version": 1})
    assert back.status_code == 200, back.text
    assert back.json()["fields"] == made["fields"]
    assert back.json()["version"] == 4
    revealed = await red.client.post(f"{RECORD}/reveal", params=asked, json={"reason": "audit"})
    assert revealed.json()["fields"] == {"recipe": "salt"}

    history = (await red.client.get(f"{RECORD}/versions", params=asked)).json()
    assert [(each["version"], each["operation"], each["reason"]) for each in history["items"]] == [
        (4, "restore", "version 1"), (3, "remove", "scrapped"), (2, "change", "painted"), (1, "register", "first"),
    ]  # fmt: skip
    painted = {each["field"]: (each.get("before"), each.get("after")) for each in history["items"][2]["changes"]}
    assert painted == {"colour": ("红", "blue"), "tags": (["a", "b"], None)}
    assert {each["field"] for each in history["items"][0]["changes"] if each["withheld"]} == {"recipe"}


async def test_who_sees_what(town: Town) -> None:
    red, blue = town.red, town.blue
    await register(red, red.new("a", batch="b1", recipe="salt"))
    seen = await read(red.clients["viewer"], "88.1/a")
    assert (seen["fields"], seen["withheld"]) == ({"name": "thing a", "batch": "b1"}, {"recipe": "sealed"})
    assert (seen["own"], seen["writable"]) == (True, False)
    other = await read(blue.client, "88.1/a")
    assert (other["fields"], other["withheld"], other["own"]) == ({"name": "thing a"}, {}, False)
    assert other["changed_by"] is None
    for path in ("/versions",):
        answer = await blue.client.get(f"{RECORD}{path}", params={"identifier": "88.1/a"})
        assert answer.json()["code"] == "identifiers.unknown"
    answer = await blue.client.post(f"{RECORD}/reveal", params={"identifier": "88.1/a"}, json={})
    assert answer.json()["code"] == "identifiers.unknown"
    answer = await red.clients["engineer"].post(f"{RECORD}/reveal", params={"identifier": "88.1/a"}, json={})
    assert answer.status_code == 403
    answer = await red.clients["viewer"].post("/api/v1/identifiers", json=red.new("b"))
    assert answer.status_code == 403
    nobody = await town.web.client().get(RECORD, params={"identifier": "88.1/a"})
    assert nobody.status_code == 401


async def test_a_neighbour_writes_nothing(town: Town) -> None:
    red, blue = town.red, town.blue
    await register(red, red.new("a"))
    assert (await register(blue, blue.new("b") | {"identifier": "88.1/b"}, 404))["code"] == "identifiers.no_prefix"
    theirs = blue.new("b") | {"identifier": "88.1/a"}
    assert (await register(blue, theirs, 404))["code"] == "identifiers.no_prefix"
    asked = {"identifier": "88.1/a"}
    for method, path, body in (
        ("PATCH", "", {"fields": {"name": "x"}}), ("DELETE", "", None), ("POST", "/restore", {"version": 1}),
    ):  # fmt: skip
        answer = await blue.client.request(method, f"{RECORD}{path}", params=asked, json=body)
        assert answer.status_code == 404, (method, answer.text)
    assert (await read(red.client, "88.1/a"))["version"] == 1
    borrowed = blue.new("b") | {"template_id": red.template_id}
    assert (await register(blue, borrowed, 404))["code"] == "templates.unknown"


async def test_odd_names_arrive_as_they_are(town: Town) -> None:
    red = town.red
    for suffix in (
        "a/b//c",
        "a?b#c&d=e+f",
        "100%",
        "%2F",
        "中文 名称",
        "a;b,c",
        "x" * 1500,
        "..",
        "../../etc",
        "\\",
        "~aB",
        "é",
    ):
        made = await register(red, red.new(suffix))
        assert made["name"] == f"88.1/{suffix}"
        found = await read(red.client, made["identifier"])
        assert (found["name"], found["fields"]["name"]) == (made["name"], f"thing {suffix}")
    for text in ("88.1/a\x01", "88.1/", "/x", "", "no identifier at all", "x" * 3000):
        answer = await red.client.get(RECORD, params={"identifier": text})
        assert answer.status_code in (400, 404), (text, answer.text)


async def test_every_code_system_and_suffixes_to_be_made(town: Town) -> None:
    red, register_ = town.red, town.web.services.more["register"]
    for prefix in ("GS1:950600", "OID:1.2.156.3", "DID:did:web:example.com", "MA:156.1000", "MA:156.M0.100001",
                   "ECODE:10064"):  # fmt: skip
        await asyncio.to_thread(give_prefix, register_, prefix, red.id)
    for text, name in (
        ("https://id.gs1.org/01/09506000134352/21/aB7", "GS1/01/09506000134352/21/~aB7"),
        ("(01)09506000134352(21)8", "GS1/01/09506000134352/21/8"),
        ("1.2.156.3.99", "OID/1.2.156.3.99"),
        ("urn:epc:id:sgtin:950600.0013435.9", "GS1/01/09506000134352/21/9"),
    ):
        made = await register(red, red.new("") | {"identifier": text})
        assert made["name"] == name
        assert (await read(red.client, text))["name"] == (await read(red.client, name))["name"] == name
    wanted: list[tuple[str, dict[str, Any], list[str]]] = [
        ("88.1", {"kind": "serial", "before": "p-", "digits": 3}, ["88.1/p-001", "88.1/p-002"]),
        ("OID:1.2.156.3", {"kind": "serial", "before": "7."}, ["OID/1.2.156.3.7.1", "OID/1.2.156.3.7.2"]),
        ("GS1:950600", {"kind": "serial", "gtin": "9506000134352", "digits": 4},
         ["GS1/01/09506000134352/21/0001", "GS1/01/09506000134352/21/0002"]),
        ("GS1:950600", {"kind": "sscc", "extension": 3}, ["GS1/00/395060000000000016", "GS1/00/395060000000000023"]),
        ("MA:156.1000", {"kind": "serial", "before": "PUMP-", "digits": 3},
         ["MA/156.1000/PUMP-001", "MA/156.1000/PUMP-002"]),
        ("MA:156.M0.100001", {"kind": "serial", "before": "1ABCDEF8.L2408", "digits": 4},
         ["MA/156.M0.100001.1ABCDEF8.L2408.S0001", "MA/156.M0.100001.1ABCDEF8.L2408.S0002"]),
        ("ECODE:10064", {"kind": "serial", "before": "7", "digits": 10},
         ["ECODE/1006470000000001", "ECODE/1006470000000002"]),
    ]  # fmt: skip
    for prefix, suffix, names in wanted:
        new = red.new("") | {"identifier": None, "prefix": prefix, "suffix": suffix}
        assert [(await register(red, new))["name"] for _ in names] == names
    for kind in ("uuid", "random"):
        new = red.new("") | {"identifier": None, "prefix": "88.1", "suffix": {"kind": kind}}
        assert len({(await register(red, new))["name"] for _ in range(3)}) == 3
    for prefix, suffix, code in (
        ("MA:156.M0.100001", {"kind": "serial", "before": "short"}, "identity.code_unknown"),
        ("ECODE:10064", {"kind": "serial", "before": "x"}, "identity.code_unknown"),
        ("ECODE:10064", {"kind": "uuid"}, "identifiers.no_generator"),
    ):
        new = red.new("") | {"identifier": None, "prefix": prefix, "suffix": suffix}
        answer = await red.client.post("/api/v1/identifiers", json=new)
        assert (answer.status_code, answer.json()["code"]) == (400 if "unknown" in code else 422, code), answer.text
    await register(red, red.new("p-003"))
    new = red.new("") | {
        "identifier": None,
        "prefix": "88.1",
        "suffix": {"kind": "serial", "before": "p-", "digits": 3},
    }
    assert (await register(red, new))["name"] == "88.1/p-004"
    theirs = new | {"prefix": "88.2"}
    assert (await register(red, theirs, 404))["code"] == "identifiers.no_prefix"


async def test_a_prefix_that_is_not_in_force_refuses_and_says_so(town: Town) -> None:
    red, blue, register_ = town.red, town.blue, town.web.services.more["register"]
    await register(red, red.new("a"))
    for state in ("suspended", "expired"):
        await asyncio.to_thread(give_prefix, register_, "88.1", red.id, state)
        assert (await register(red, red.new("b"), 409))["code"] == f"identifiers.prefix_{state}"
        answer = await red.client.patch(RECORD, params={"identifier": "88.1/a"}, json={"fields": {"colour": "x"}})
        assert answer.json()["code"] == f"identifiers.prefix_{state}"
        own = await read(red.client, "88.1/a")
        assert (own["prefix_state"], own["writable"]) == (state, False)
        for name in ("88.1/a", "88.1/none"):
            assert (await read(blue.client, name, 409))["code"] == f"identifiers.prefix_{state}"
        checked = (await red.client.get("/api/v1/identifiers/check", params={"identifier": "88.1/c"})).json()
        assert checked["standing"] == "closed"
    await asyncio.to_thread(give_prefix, register_, "88.1", red.id, "active", site=b"elsewhere")
    assert (await register(red, red.new("b"), 409))["code"] == "identifiers.kept_elsewhere"


async def test_wrong_fields_are_told_one_by_one(town: Town) -> None:
    red = town.red
    new = red.new("a", weight={"value": 1, "unit": "m"}, nonsense=1, name=None)
    problem = await register(red, new, 400)
    assert problem["code"] == "templates.fields_invalid"
    assert {each["field"] for each in problem["data"]["problems"]} == {"name", "weight", "nonsense"}
    bad = red.new("a") | {"links": [{"linkType": "gs1:pip", "href": "javascript:alert(1)", "title": "x"}]}
    assert (await register(red, bad, 400))["code"] == "digital_link.link_invalid"
    both = red.new("a") | {"prefix": "88.1", "suffix": {"kind": "uuid"}}
    assert (await register(red, both, 400))["code"] == "identifiers.invalid"
    assert (await register(red, red.new("a")))["version"] == 1
    assert (await register(red, red.new("A"), 409))["code"] == "identifiers.exists"


async def test_every_change_and_every_look_at_what_is_sealed_is_in_the_ledger(tmp_path: Path) -> None:
    async with running_web(tmp_path, written=True) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1")
        asked = {"identifier": "88.1/a"}
        await register(red, red.new("a", colour="red", batch="batchword", recipe="salty"))
        for method, path, body in (
            ("PATCH", "", {"fields": {"colour": "blue"}}), ("POST", "/reveal", {"reason": "audit"}),
            ("DELETE", "", None), ("POST", "/restore", {"version": 1}),
        ):  # fmt: skip
            answer = await red.client.request(method, f"{RECORD}{path}", params=asked, json=body)
            assert answer.status_code in (200, 204), answer.text
        entries: list[dict[str, Any]] = []
        query = {"object_kind": "identifier", "object_id": "88.1/a"}
        for _ in range(50):
            entries = (await red.client.get("/api/v1/ledger/entries", params=query)).json()["items"]
            if len(entries) == 5:
                break
            await asyncio.sleep(0.2)
        assert [each["action"] for each in reversed(entries)] == [
            "identifiers.add", "identifiers.change", "identifiers.reveal", "identifiers.remove", "identifiers.restore",
        ]  # fmt: skip
        assert "salty" not in str(entries)
        assert "batchword" not in str(entries)
        assert "blue" in str(entries)
