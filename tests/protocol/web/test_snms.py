"""The interface of secondary nodes, as a client written for one uses it: a host, a user name, a password."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.registration import Works, give_prefix, make_works
from support.tenants import join, send
from support.web import RunningWeb, running_web

DATA, DETAIL = "/identityv2/data", "/identityv2/data/detail"
FIELDS: list[dict[str, Any]] = [
    {"number": 1000, "name": "product_name", "handle_type": "productName", "required": True},
    {"number": 1001, "name": "product_no", "handle_type": "productNo"},
    {"number": 1002, "name": "weight", "type": "quantity", "unit": "kg"},
    {"number": 1003, "name": "batch", "visibility": "granted"},
    {"number": 1004, "name": "recipe", "visibility": "sealed"},
    {"number": 1005, "name": "tags", "repeated": True},
]


@dataclass
class Town:
    web: RunningWeb
    red: Works
    blue: Works
    erp: httpx.AsyncClient
    neighbour: httpx.AsyncClient
    secret: str


async def token_of(works: Works, name: str, *roles: str) -> str:
    service = {"name": name, "roles": list(roles), "organisation_id": works.id}
    made = await send(works.client, "POST", "/people/services", service)
    secret: str = made["token"]
    return secret


async def client_of(web: RunningWeb, name: str, secret: str) -> httpx.AsyncClient:
    """Signs in as the guide says, and goes on with what came back."""
    first = web.client()
    answer = await first.post("/identity/token", json={"username": name, "password": secret})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["status"], found["message"]) == (1, "success")
    return web.client(token=found["data"]["token"])


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running_web(tmp_path, snms=True) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1", "viewer")
        blue = await make_works(web, root, "Blue", "88.2")
        for works in (red, blue):
            template = await send(works.client, "POST", "/identifier-templates", {"name": "V1.0.0", "fields": FIELDS})
            await send(works.client, "POST", f"/identifier-templates/{template['id']}/publish", {}, 200)
        secret = await token_of(red, "red-erp", "engineer")
        erp = await client_of(web, "red-erp", secret)
        neighbour = await client_of(web, "blue-erp", await token_of(blue, "blue-erp", "engineer"))
        yield Town(web, red, blue, erp, neighbour, secret)


def attribute(index: int, kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {"index": index, "type": kind, "data": {"format": "string", "value": value}, "auth": ""} | more


def entry(handle: str, *more: dict[str, Any], version: str = "V1.0.0", name: str = "小型机械01") -> dict[str, Any]:
    return {"handle": handle, "templateVersion": version, "value": [attribute(2000, "productName", name), *more]}


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None, http: int = 200) -> dict[str, Any]:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == http, (method, path, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert set(found) == {"status", "message", "data"}
    return found


async def detail(client: httpx.AsyncClient, handle: str, http: int = 200) -> dict[str, Any]:
    answer = await client.get(DETAIL, params={"handle": handle}, headers={"Content-Type": "application/json"})
    assert answer.status_code == http, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shown(found: dict[str, Any]) -> dict[int, tuple[str, str]]:
    return {each["index"]: (each["type"], each["data"]["value"]) for each in found["data"]["value"]}


async def test_the_life_of_an_identifier(town: Town) -> None:
    more = [
        attribute(2001, "productNo", "N-1"),
        attribute(2002, "WEIGHT", "1.5 t"),
        attribute(2003, "batch", "b1"),
        attribute(2004, "recipe", "salt"),
        attribute(12005, "tags", "b"),
        attribute(2005, "tags", "a"),
    ]
    done = {"status": 1, "message": "success", "data": True}
    assert await ask(town.erp, "POST", DATA, entry("88.1/xx002", *more)) == done
    again = await ask(town.erp, "POST", DATA, entry("88.1/XX002"))
    assert again == {"status": -2, "message": "标识已存在", "data": None}

    found = await detail(town.erp, "88.1/xx002")
    assert (found["status"], found["message"]) == (1, "success")
    data = found["data"]
    assert (data["prefix"], data["handle"], data["templateVersion"]) == ("88.1", "88.1/xx002", "V1.0.0")
    assert data["value"][0] == {
        "index": 1001, "type": "TEMPLATE", "auth": "1", "data": {"format": "string", "value": "V1.0.0"},
    }  # fmt: skip
    assert shown(found) == {
        1001: ("TEMPLATE", "V1.0.0"),
        2000: ("productName", "小型机械01"),
        2001: ("productNo", "N-1"),
        2002: ("WEIGHT", "1.5 t"),
        2003: ("BATCH", "b1"),
        2005: ("TAGS", "a"),
        12005: ("TAGS", "b"),
    }
    same = await town.red.client.get("/api/v1/identifiers/record", params={"identifier": "88.1/xx002"})
    assert same.json()["fields"]["weight"] == {"value": 1.5, "unit": "t"}
    assert same.json()["withheld"] == {"recipe": "sealed"}

    assert await ask(town.erp, "PUT", DATA, entry("88.1/xx002", attribute(2001, "productNo", ""), name="new")) == done
    changed = shown(await detail(town.erp, "88.1/xx002"))
    assert changed[2000] == ("productName", "new")
    assert 2001 not in changed
    assert changed[2003] == ("BATCH", "b1")
    revealed = await town.red.client.post(
        "/api/v1/identifiers/record/reveal", params={"identifier": "88.1/xx002"}, json={}
    )
    assert revealed.json()["fields"] == {"recipe": "salt"}

    assert await ask(town.erp, "DELETE", DATA, {"handle": "88.1/xx002"}) == done
    gone = {"status": -2, "message": "没有找到标识", "data": None}
    assert await ask(town.erp, "DELETE", DATA, {"handle": "88.1/xx002"}) == gone
    assert await detail(town.erp, "88.1/xx002") == gone
    assert await ask(town.erp, "PUT", DATA, entry("88.1/xx002")) == gone
    back = await ask(town.erp, "POST", DATA, entry("88.1/xx002"))
    assert "不能重新分配" in back["message"]
    history = await town.red.client.get("/api/v1/identifiers/record/versions", params={"identifier": "88.1/xx002"})
    assert [each["operation"] for each in history.json()["items"]] == ["remove", "change", "register"]
    assert {each["reason"] for each in history.json()["items"]} == {"SNMS"}


async def test_many_at_once(town: Town) -> None:
    entries = [entry("88.1/1"), entry("88.1/2"), entry("88.1/1"), entry("88.2/1"), entry("88.1/3", version="V9")]
    entries.append({**entry("88.1/4"), "value": []})
    found = await ask(town.erp, "POST", f"{DATA}/batchCreate", entries)
    assert (found["status"], found["message"]) == (1, "success")
    said = [each["msg"] for each in found["data"]]
    assert [each["handle"] for each in found["data"]] == [each["handle"] for each in entries]
    assert said[:3] == ["success", "success", "标识已存在"]
    assert "前缀" in said[3]
    assert said[4] == "数据模板V9不存在"
    assert said[5] == "product_name：必填"
    changed = await ask(town.erp, "PUT", f"{DATA}/batchUpdate", [entry("88.1/2", name="two"), entry("88.1/9")])
    assert [each["msg"] for each in changed["data"]] == ["success", "标识不存在"]
    assert shown(await detail(town.erp, "88.1/2"))[2000][1] == "two"
    gone = await ask(town.erp, "DELETE", f"{DATA}/batchDelete", ["88.1/1", "88.1/1", "88.2/1", "\x01"])
    assert [(each["handle"], each["code"]) for each in gone["data"]] == [
        ("88.1/1", 1), ("88.1/1", -2), ("88.2/1", -2), ("\x01", -2),
    ]  # fmt: skip
    assert [each["msg"] for each in gone["data"]][:3] == ["success", "标识不存在", "标识不存在"]
    named = await ask(town.erp, "DELETE", f"{DATA}/batchDelete", {"handles": ["88.1/2"]})
    assert named["data"] == [{"handle": "88.1/2", "code": 1, "msg": "success"}]
    assert (await ask(town.erp, "POST", f"{DATA}/batchCreate", []))["data"] == []


async def test_no_more_than_two_thousand(town: Town) -> None:
    entries = [entry(f"88.1/p-{number}") for number in range(2000)]
    found = await ask(town.erp, "POST", f"{DATA}/batchCreate", entries)
    assert {each["msg"] for each in found["data"]} == {"success"}
    more = await ask(town.erp, "POST", f"{DATA}/batchCreate", [*entries, entry("88.1/one-more")])
    assert (more["status"], more["data"]) == (-2, None)
    assert "2000" in more["message"]
    handles = [each["handle"] for each in entries]
    gone = await ask(town.erp, "DELETE", f"{DATA}/batchDelete", handles)
    assert {each["code"] for each in gone["data"]} == {1}
    assert (await ask(town.erp, "DELETE", f"{DATA}/batchDelete", [*handles, "x"]))["status"] == -2


async def test_a_neighbour_sees_and_writes_nothing(town: Town) -> None:
    await ask(town.erp, "POST", DATA, entry("88.1/a", attribute(2003, "batch", "b1"), attribute(2004, "recipe", "r")))
    seen = shown(await detail(town.neighbour, "88.1/a"))
    assert set(seen) == {1001, 2000}
    for method, body in (("POST", entry("88.1/b")), ("PUT", entry("88.1/a")), ("DELETE", {"handle": "88.1/a"})):
        found = await ask(town.neighbour, method, DATA, body)
        assert (found["status"], found["data"]) == (-2, None), (method, found)
    for method, path, body in (
        ("POST", "batchCreate", [entry("88.1/b")]),
        ("PUT", "batchUpdate", [entry("88.1/a")]),
        ("DELETE", "batchDelete", ["88.1/a"]),
    ):
        there = await ask(town.neighbour, method, f"{DATA}/{path}", body)
        assert there["data"][0]["msg"] != "success"
        nowhere = "88.1/nowhere"
        void = await ask(
            town.neighbour, method, f"{DATA}/{path}", [nowhere] if isinstance(body[0], str) else [entry(nowhere)]
        )
        assert void["data"][0]["msg"].replace(nowhere, "") == there["data"][0]["msg"].replace("88.1/a", "")
    assert (await town.red.client.get("/api/v1/identifiers/record", params={"identifier": "88.1/a"})).json()[
        "version"
    ] == 1
    foreign = entry("88.2/a", version=town.red.template_id)
    assert (await ask(town.neighbour, "POST", DATA, foreign))["message"].startswith("数据模板")


async def test_who_one_must_be(town: Town) -> None:
    nobody = town.web.client()
    unsigned = {"status": -1, "message": "没有登录，需要验证", "data": None}
    assert await ask(nobody, "POST", DATA, entry("88.1/a"), 401) == unsigned
    assert await ask(town.web.client(token="mwt_wrong"), "DELETE", f"{DATA}/batchDelete", ["88.1/a"], 401) == unsigned
    assert await detail(nobody, "88.1/a", 401) == unsigned
    reader = await client_of(town.web, "red-reader", await token_of(town.red, "red-reader", "viewer"))
    refused = {"status": -3, "message": "没有权限", "data": None}
    assert await ask(reader, "POST", DATA, entry("88.1/a"), 403) == refused
    assert (await detail(reader, "88.1/a"))["message"] == "没有找到标识"
    wrong = {"status": -2, "message": "用户名/密码错误！", "data": None}
    for username, password in (
        ("red-erp", "mwt_wrong"), ("blue-erp", town.secret), ("red-erp", ""), ("", town.secret), ("red-erp", "密码"),
        ("red-erp", "copper kettles whistle"),
    ):  # fmt: skip
        assert await ask(nobody, "POST", "/identity/token", {"username": username, "password": password}) == wrong
    assert (await ask(nobody, "POST", "/identity/token", {"username": " RED-ERP", "password": town.secret}))[
        "data"
    ] == {"token": town.secret}


async def test_odd_input_is_refused_in_the_envelope(town: Town) -> None:
    erp = town.erp
    missing = await ask(erp, "GET", DETAIL)
    assert missing == {"status": -2, "message": "缺少必要的请求参数: handle", "data": None}
    for text in ("", "no identifier", "88.1/", "x" * 2000, "88.1/a\x01", "0.NA/88.1"):
        assert (await detail(erp, text))["status"] == -2, text
    for value, message in (
        ([attribute(1001, "TEMPLATE", "1.0")], "索引1001为预留索引，不能使用"),
        ([attribute(1000, "name", "x")], "非法操作，索引1000在模板中不存在"),
        ([attribute(-5, "name", "x")], "非法操作，索引-5在模板中不存在"),
        ([attribute(12000, "productName", "x")], "非法操作，索引12000在模板中不存在"),
        ([attribute(2000, "name", "x")], "索引2000的类型应为productName，与模板不一致"),
        ([attribute(2000, "productName", "x"), attribute(2000, "productName", "y")], "索引2000重复"),
        ([attribute(2000, "productName", "x", data={"format": "hex", "value": "1"})], "索引2000的内容格式只支持string"),
        ([attribute(2000, "productName", "x"), attribute(2002, "weight", "heavy")], "索引2002的值不符合要求"),
        ([attribute(2000, "productName", "")], "product_name：必填"),
    ):
        found = await ask(erp, "POST", DATA, {**entry("88.1/odd"), "value": value})
        assert (found["status"], found["data"]) == (-2, None)
        assert found["message"].startswith(message), found
    for body in (
        {}, [], None, 7, "text", {"handle": 7}, entry("88.1/a") | {"value": {}}, entry("88.1/a") | {"handle": None},
        entry("88.1/a", attribute("x", "y", "z")),  # type: ignore[arg-type]
        entry("88.1/a", attribute(2001, "productNo", 7)),  # type: ignore[arg-type]
    ):  # fmt: skip
        assert (await ask(erp, "POST", DATA, body))["status"] == 21000, body
    for body in ([7], {"handle": "88.1/a"}, "88.1/a"):
        assert (await ask(erp, "DELETE", f"{DATA}/batchDelete", body))["status"] == 21000, body
    broken = await erp.post(DATA, content=b'{"handle": ', headers={"Content-Type": "application/json"})
    assert broken.json()["status"] == 21000
    form = await erp.post(DATA, data={"handle": "88.1/a"})
    assert (form.status_code, form.json()["status"]) == (415, 21000)
    nothing = await erp.get("/identityv2/data/nothing")
    assert (nothing.status_code, nothing.json()["status"]) == (404, -2)
    method = await erp.patch(DATA, json={})
    assert (method.status_code, method.json()["status"]) == (405, -2)
    unknown = entry("88.1/lenient") | {"extra": 1}
    unknown["value"][0] |= {"auth": None, "more": []}
    assert (await ask(erp, "POST", DATA, unknown))["status"] == 1
    assert shown(await detail(erp, "88.1/lenient"))[2000][1] == "小型机械01"


async def test_a_closed_prefix_and_other_code_systems(town: Town) -> None:
    register = town.web.services.more["register"]
    await asyncio.to_thread(give_prefix, register, "GS1:950600", town.red.id)
    assert (await ask(town.erp, "POST", DATA, entry("(01)09506000134352(21)7")))["status"] == 1
    found = await detail(town.erp, "https://id.gs1.org/01/09506000134352/21/7")
    assert found["data"]["prefix"] == "GS1:950600"
    await asyncio.to_thread(give_prefix, register, "88.1", town.red.id, "suspended")
    closed = await ask(town.erp, "POST", DATA, entry("88.1/closed"))
    assert (closed["status"], "停用" in closed["message"]) == (-2, True)


async def test_the_node_does_not_answer_at_the_root_unless_it_is_set_to(tmp_path: Path) -> None:
    async with running_web(tmp_path) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1")
        client = web.client(token=await token_of(red, "erp", "engineer"))
        answer = await client.get(DETAIL, params={"handle": "88.1/a"})
        assert "status" not in answer.text or answer.status_code == 404
        assert (await client.post(DATA, json=entry("88.1/a"))).status_code in (404, 405)
        below = await client.get(f"/api/v1/snms{DETAIL}", params={"handle": "88.1/a"})
        assert below.json() == {"status": -2, "message": "没有找到标识", "data": None}


async def test_what_takes_a_second_person_waits(town: Town) -> None:
    path = f"/organisations/{town.red.id}/invitations"
    invited = await send(town.red.client, "POST", path, {"role": "administrator"})
    second = await join(town.web, invited["token"], "Red second")
    policy = {"actions": ["identifiers.add"]}
    await send(town.red.client, "PUT", f"/organisations/{town.red.id}/approval-policy", policy, 200)
    for address, body in ((DATA, entry("88.1/held")), (f"{DATA}/batchCreate", [entry("88.1/held")])):
        held = await ask(town.erp, "POST", address, body)
        assert (held["status"], held["data"]) == (-2, None)
        assert "审批" in held["message"]
    assert (await detail(town.erp, "88.1/held"))["message"] == "没有找到标识"
    waiting = (await second.get("/api/v1/approvals")).json()["items"]
    assert {each["action"] for each in waiting} == {"identifiers.add"}
    first = min(waiting, key=lambda each: str(each["id"]))
    await send(second, "POST", f"/approvals/{first['id']}/approve", {}, 200)
    assert shown(await detail(town.erp, "88.1/held"))[2000][1] == "小型机械01"


async def test_a_client_that_makes_its_template_first(town: Town) -> None:
    """As a public client does: it looks for the template, makes one when there is none, reads indexes, registers."""
    asked = {"prefix": "88.1", "version": "单品模板1"}
    for path in ("/snms/api/v3/template", "/snms/api/v5/template", "/snms/api/template/v1"):
        answer = await town.erp.get(path, params=asked)
        assert (answer.status_code, answer.json()["status"], answer.json()["data"]) == (200, -2, None), answer.text
    limits = {"minLength": 0, "maxLength": 10000, "type": "String"}
    kinds = ("productName", "productNo", "code", "code.2", "9")
    items = [{"name": f"产品{kind}", "idType": kind, "metadata": limits} for kind in kinds]
    items[0] |= {"idIndex": "2000", "required": True, "metadata": {"type": "string", "minLength": 1, "maxLength": 5}}
    new = {**asked, "items": items, "industryCategory": "A", "type": 1, "description": "测试"}
    assert (await ask(town.erp, "POST", "/snms/api/template/v1", new))["data"] is True
    assert (await ask(town.erp, "POST", "/snms/api/v5/template", new))["message"] == "数据模板已存在"
    found = (await town.erp.get("/snms/api/template/v1", params=asked)).json()
    assert found["status"] == 1
    data = found["data"]
    assert (data["prefix"], data["version"], data["description"]) == ("88.1", "单品模板1", "测试")
    assert [(each["idIndex"], each["idType"], each["name"]) for each in data["items"]] == [
        (2000 + place, kind, f"产品{kind}") for place, kind in enumerate(kinds)
    ]
    assert data["items"][0]["metadata"] == {"type": "string", "minLength": 1, "maxLength": 5}
    value = [attribute(each["idIndex"], each["idType"], "v") for each in data["items"]]
    made = {"handle": "88.1/single", "templateVersion": "单品模板1", "value": value}
    assert (await ask(town.erp, "POST", f"{DATA}/batchCreate", [made]))["data"][0]["msg"] == "success"
    value[0]["data"]["value"] = "longer"
    assert "5" in (await ask(town.erp, "PUT", DATA, made))["message"]

    for client, prefix in ((town.neighbour, "88.1"), (town.erp, "88.9"), (town.erp, "\x01")):
        there = (await client.get("/snms/api/v3/template", params={**asked, "prefix": prefix})).json()
        assert "不属于您" in there["message"]
        for method in ("POST", "PUT", "DELETE"):
            refused = await ask(client, method, "/snms/api/v3/template", {**new, "prefix": prefix, "version": "x"})
            assert (refused["status"], "不属于您" in refused["message"]) == (-2, True), refused
    for index in (1001, "1001", 7, "-1", "x", 11000, 10**12):
        wrong = {**new, "version": "w", "items": [{"name": "a", "idType": "a", "idIndex": index}]}
        assert (await ask(town.erp, "POST", "/snms/api/v5/template", wrong))["status"] in (-2, 21000), index
    for item in ({"idType": "名称"}, {"idType": "HS_ADMIN"}, {"metadata": {"type": "int"}}, {"idType": ""}):
        wrong = {**new, "version": "w", "items": [{"name": "a", "idType": "a", **item}]}
        assert (await ask(town.erp, "POST", "/snms/api/v5/template", wrong))["status"] == -2, item
    reader = await client_of(town.web, "red-reader", await token_of(town.red, "red-reader", "viewer"))
    assert (await ask(reader, "POST", "/snms/api/v3/template", {**new, "version": "w"}, 403))["status"] == -3

    change = {**asked, "items": [
        {**items[1], "idIndex": 2001, "name": "编号", "required": True, "state": 1},
        {**items[2], "idIndex": "2002", "state": 0},
        {"name": "新", "idType": "added"},
    ]}  # fmt: skip
    for _ in range(2):  # sent again it changes nothing, but for what it adds
        assert (await ask(town.erp, "PUT", "/snms/api/v5/template", change))["data"] is True
        change["items"].pop()
    data = (await town.erp.get("/snms/api/v5/template", params=asked)).json()["data"]
    assert [(each["idIndex"], each["name"], each["required"]) for each in data["items"]] == [
        (2000, "产品productName", True), (2001, "编号", True), (2003, "产品code.2", False), (2004, "产品9", False),
        (2005, "新", False),
    ]  # fmt: skip
    for item in (
        {"idType": "productNo", "idIndex": 2000}, {"idType": "productNo"}, {"idType": "code", "idIndex": 2005},
    ):  # fmt: skip
        wrong = {**asked, "items": [{"name": "a", **item}]}
        assert (await ask(town.erp, "PUT", "/snms/api/v5/template", wrong))["status"] == -2, item
    key = {"prefix": "88.1", "version": "单品模板1"}
    assert (await ask(town.erp, "DELETE", "/snms/api/v3/template", key))["data"] is True
    assert (await ask(town.erp, "POST", DATA, made | {"handle": "88.1/later"}))["message"] == "数据模板单品模板1不存在"
    assert (await detail(town.erp, "88.1/single"))["data"]["templateVersion"] == "单品模板1"


async def test_the_ledger_tells_it_as_of_any_registration(tmp_path: Path) -> None:
    async with running_web(tmp_path, snms=True, written=True) as web:
        root = await web.set_up()
        red = await make_works(web, root, "Red", "88.1")
        template = await send(red.client, "POST", "/identifier-templates", {"name": "V1.0.0", "fields": FIELDS})
        await send(red.client, "POST", f"/identifier-templates/{template['id']}/publish", {}, 200)
        secret = await token_of(red, "red-erp", "engineer")
        erp = await client_of(web, "red-erp", secret)
        await ask(web.client(), "POST", "/identity/token", {"username": "other", "password": secret})
        await ask(erp, "POST", DATA, entry("88.1/a", attribute(2004, "recipe", "salt")))
        await ask(erp, "POST", f"{DATA}/batchCreate", [entry("88.1/b"), entry("88.1/a"), entry("88.1/c")])
        await ask(erp, "PUT", DATA, entry("88.1/a", name="new"))
        await ask(erp, "DELETE", f"{DATA}/batchDelete", ["88.1/a", "88.1/b"])
        wanted = [
            ("identifiers.add", "88.1/a"), ("identifiers.add", "88.1/b"), ("identifiers.add", "88.1/c"),
            ("identifiers.change", "88.1/a"), ("identifiers.remove", "88.1/a"), ("identifiers.remove", "88.1/b"),
        ]  # fmt: skip
        found: list[dict[str, Any]] = []
        for _ in range(50):
            items = (await red.client.get("/api/v1/ledger/entries", params={"limit": 500})).json()["items"]
            found = [each for each in items if each["action"].startswith("identifiers.")]
            if len(found) >= len(wanted):
                break
            await asyncio.sleep(0.2)
        assert sorted((each["action"], each["target"]["id"]) for each in found) == wanted
        assert {each["actor"]["name"] for each in found} == {"red-erp"}
        assert {each["outcome"] for each in found} == {"done"}
        signed = [each for each in items if each["action"] == "session.sign_in" and each["actor"]["name"] == "red-erp"]
        assert [each["outcome"] for each in signed] == ["done"]
        everything = (await root.get("/api/v1/ledger/entries", params={"limit": 500})).text + str(items)
        assert secret not in everything
        assert "salt" not in everything
