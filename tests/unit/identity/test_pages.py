"""The page about an identifier: for people, in their language, without a script; helpful where there is nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.codes import SYSTEMS
from millwright.identity.handle import HandleValue
from millwright.identity.pages.render import render, render_no_code
from millwright.identity.pages.view import NoCode, view_of
from millwright.identity.pages.words import FORMS, TYPES, WORDS
from millwright.identity.records.naming import code_of_text, name_of
from millwright.identity.templates import FieldLabel
from support.handle import value
from support.identifiers import put
from support.resolution import BID, GTIN, HIDDEN, resolver


@pytest.fixture
async def client(tmp_path: Path):
    async with resolver(tmp_path, misses_per_min=0) as (client, _, _):
        yield client


def text_of(html: str) -> str:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(re.sub(r"<style>.*?</style>", "", html))
    return re.sub(r"\s+", " ", " ".join(found))


async def test_a_page_says_what_it_is_and_what_is_registered(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/id/{GTIN}")
    assert answer.status_code == 200
    assert answer.headers["content-language"] == "en"
    text = text_of(answer.text)
    said = ("Crew neck shirt", "GTIN", f"(01){GTIN}", "GS1 keys", "2026-05-28 20:26 UTC", "gs1:pip", "Digital Link")
    for part in said:
        assert part in text, part
    assert HIDDEN.decode() not in answer.text


async def test_a_page_is_in_the_language_of_its_reader(client: httpx.AsyncClient) -> None:
    answer = await client.get("/id/1.2.156.3", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert answer.headers["content-language"] == "zh-CN"
    text = text_of(answer.text)
    assert "对象标识符" in text
    assert "设备" in text
    assert "中国" in text
    assert 'lang="zh-CN"' in answer.text
    assert "Object identifier" in text_of(
        (await client.get("/id/1.2.156.3?lang=en", headers={"accept-language": "zh"})).text
    )
    assert all(english and chinese for english, chinese in (*WORDS.values(), *FORMS.values(), *TYPES.values()))
    assert {form for system in SYSTEMS for form in system.conversions} - {"doi", "doi_https"} <= set(FORMS)


async def test_a_page_needs_no_script_and_allows_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/id/86.1000.1/mixed")
    policy = answer.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert " on" not in re.findall(r"<[^>]+>", answer.text)
    assert 'name="viewport"' in answer.text


@pytest.mark.parametrize(
    "text",
    [
        f"(01){GTIN}", "9506000134352", f"https://id.gs1.org/01/{GTIN}", f"GS1/01/{GTIN}", "86.1000.1/PRODUCT-1", BID,
        "urn:oid:1.2.156.3", "https%3A%2F%2Fnode.example%2Fid%2F1.2.156.3",
    ],
)  # fmt: skip
async def test_every_way_to_write_it_leads_to_its_page(client: httpx.AsyncClient, text: str) -> None:
    assert (await client.get(f"/id/{text}")).status_code == 200, text


async def test_where_there_is_nothing_the_page_helps(client: httpx.AsyncClient) -> None:
    for path, words in (
        ("86.1000.1/nothing", "Its prefix is kept here"),
        ("99.1.2/nothing", "Its prefix is not kept here"),
        ("09506000164908", "Its prefix is kept here"),
    ):
        answer = await client.get(f"/id/{path}")
        assert answer.status_code == 404
        assert words in text_of(answer.text)
        assert answer.headers["cache-control"] == "no-store"


async def test_a_text_that_fails_is_marked_at_the_place(client: httpx.AsyncClient) -> None:
    answer = await client.get("/id/09506000134353")
    assert answer.status_code == 404
    assert '0950600013435<span class="bad">3</span>' in answer.text
    assert "is 3 but should be 2" in text_of(answer.text)
    answer = await client.get("/id/09506000134353", headers={"accept-language": "zh"})
    assert "校验位" in text_of(answer.text)


async def test_programs_get_json(client: httpx.AsyncClient) -> None:
    for request in ({"headers": {"accept": "application/json"}}, {"params": {"format": "json"}}):
        shown = (await client.get(f"/id/{GTIN}", **request)).json()
        assert shown["name"] == f"GS1/01/{GTIN}"
        assert shown["code"]["kind"] == "gtin"
        assert shown["registered"] is True
        assert [each["type"] for each in shown["fields"]] == ["NAME"]
        assert shown["links"][0]["linkType"] == "defaultLink"
    answer = await client.get("/id/09506000134353", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["at"], answer.json()["system"]) == (404, 13, "gs1")


async def test_a_record_of_which_nothing_is_public(client: httpx.AsyncClient) -> None:
    answer = await client.get("/id/86.1000.1/secret")
    assert answer.status_code == 200
    assert "nothing of it is public" in text_of(answer.text)
    assert "2026" not in text_of(answer.text)


async def test_the_first_page_asks_and_leads_on(client: httpx.AsyncClient) -> None:
    for path in ("/id", "/id/"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert '<form action="/id" method="get">' in answer.text
    answer = await client.get("/id", params={"q": " (01)09506000134352?x#é "})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/id/(01)09506000134352%3Fx%23%C3%A9"
    answer = await client.get("/id", params={"q": "//evil.example"})
    assert answer.headers["location"] == "/id///evil.example"


async def test_what_is_registered_is_never_markup(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    async with resolver(tmp_path) as (client, _, records):
        values = (value(1, b"NAME", bad.encode()), value(2, bad.encode(), bad.encode()))
        put(records, *[(b"86.1000.1/" + bad.encode(), values)])
        for path in (f"/id/86.1000.1/{bad}", f"/id/{bad}", f"/id/99.1/{bad}"):
            answer = await client.get(path, headers={"accept": "text/html"})
            assert answer.status_code in (200, 404)
            assert "<script" not in answer.text
            assert "<img" not in answer.text


@given(st.text(max_size=50), st.text(max_size=20), st.integers(-1, 60))
@settings(max_examples=200)
def test_no_text_breaks_the_page(text: str, why: str, at: int) -> None:
    shown = render_no_code(NoCode(status=404, text=text, why=why, at=at), "Site", "en").content.decode(errors="replace")
    tags = re.findall(r"<(/?[a-z0-9]+|!doctype)", shown)
    own = [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "a",
        "h1",
        "p",
        "span",
        "form",
        "input",
        "button",
    ]
    assert {tag.strip("/") for tag in tags} <= {"!doctype", *own}


def test_the_responsible_is_named() -> None:
    code = code_of_text("88.118.8/pump-7")
    shown = view_of(code, name_of(code), (value(1),), "88.118.8", "here", "Harbour Pumps Ltd")
    text = text_of(render(shown, "Site", "en").content.decode())
    assert "Responsible Harbour Pumps Ltd" in text


def test_values_are_called_as_their_template_says() -> None:
    code = code_of_text("88.118.8/pump-7")
    state = HandleValue(index=1007, type=b"STATUS", data=b"in_use")
    labels = {1007: FieldLabel("State", "状态", {"in_use": ("In use", "在用")})}
    shown = view_of(code, name_of(code), (state,), "88.118.8", "here", "", labels)
    assert "State In use" in text_of(render(shown, "Site", "en").content.decode())
    assert "状态 在用" in text_of(render(shown, "Site", "zh").content.decode())
    assert shown.fields[0].data["value"] == "in_use"
