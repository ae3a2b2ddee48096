"""Digital Links are resolved as GS1's standard says, and nobody is sent where a browser is fooled."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.identity.codes.gs1 import compress_link
from millwright.identity.digital_link import LINK_TYPE, Link, link_value, read_links
from millwright.identity.digital_link.links import safe_href
from millwright.identity.records.naming import name_of_text
from millwright.kernel import Invalid
from support.handle import value
from support.identifiers import put
from support.resolution import GTIN, HIDDEN, SHIRT, link, resolver

ROOT = "https://node.example"
ITEM = f"{SHIRT}/21/aB%2F7"


@pytest.fixture
async def client(tmp_path: Path):
    async with resolver(tmp_path, misses_per_min=0) as (client, _, _):
        yield client


async def target(client: httpx.AsyncClient, path: str, **headers: str) -> str:
    answer = await client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert answer.status_code == 307, answer.text
    return str(answer.headers["location"])


async def test_the_resolver_describes_itself(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/gs1resolver")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    shown = answer.json()
    assert shown["resolverRoot"] == ROOT
    assert shown["supportedPrimaryKeys"] == ["all"]


@pytest.mark.parametrize(
    "path", [SHIRT, f"{SHIRT}/", "/01/9506000134352", "/gtin/09506000134352", f"{SHIRT}/10/L1/21/9"]
)
async def test_without_a_wish_the_default_link_is_followed(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 307
    assert answer.headers["location"] == "https://shop.example/shirt"
    assert 'rel="linkset"' in answer.headers["link"]
    assert "Accept-Language" in answer.headers["vary"]
    head = await client.head(path)
    assert (head.status_code, head.headers["location"]) == (307, "https://shop.example/shirt")


@settings(max_examples=40)
@given(
    gtin=st.sampled_from([SHIRT[4:], "09506000134353", "00000000000000", "9506000134352", "095060001343520"]),
    batch=st.none() | st.from_regex("[0-9A-Za-z%/_-]{1,22}", fullmatch=True),
    serial=st.none() | st.from_regex("[0-9A-Z.]{0,21}", fullmatch=True),
)
def test_a_plain_product_is_read_as_any_other_link(gtin: str, batch: str | None, serial: str | None) -> None:
    async def ask() -> None:
        async with resolver(Path(folder), misses_per_min=0) as (client, _, _):
            answers = []
            for words in (("01", "10", "21"), ("gtin", "lot", "ser")):
                path = f"/{words[0]}/{gtin}" + (f"/{words[1]}/{batch}" if batch is not None else "")
                answer = await client.get(path + (f"/{words[2]}/{serial}" if serial else ""))
                answers.append((answer.status_code, answer.headers.get("location"), answer.headers.get("link")))
            assert answers[0] == answers[1]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(ask())


async def test_options_say_what_may_be_done(client: httpx.AsyncClient) -> None:
    answer = await client.options(SHIRT)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert (await client.post(SHIRT)).status_code == 405


@pytest.mark.parametrize(
    "kind", ["gs1:instructions", "https://gs1.org/voc/instructions", "https://ref.gs1.org/voc/instructions"]
)
async def test_a_link_type_is_named_in_any_way(client: httpx.AsyncClient, kind: str) -> None:
    found = await target(client, f"{SHIRT}?linkType={kind}")
    assert found == f"https://shop.example/wash?v=2&linkType={kind}#dry"


async def test_the_query_is_passed_on_unless_the_link_keeps_it(client: httpx.AsyncClient) -> None:
    assert await target(client, f"{SHIRT}?a=b%20c&17=271231") == "https://shop.example/shirt?a=b%20c&17=271231"
    assert await target(client, f"{SHIRT}?linkType=gs1:recallStatus&a=1") == "https://shop.example/recall"


@pytest.mark.parametrize(
    ("headers", "where"),
    [
        ({"accept_language": "zh-CN, en;q=0.5"}, "zh/shirt"),
        ({"accept_language": "en-GB"}, "en/shirt"),
        ({"accept_language": "fr, en;q=0.2"}, "en/shirt"),
        ({"accept": "application/pdf"}, "shirt.pdf"),
        ({"accept": "text/html, */*;q=0.1", "accept_language": "zh"}, "zh/shirt"),
    ],
)
async def test_language_and_media_type_choose(client: httpx.AsyncClient, headers: dict[str, str], where: str) -> None:
    found = await target(client, f"{SHIRT}?linkType=gs1:pip", **headers)
    assert found.startswith(f"https://shop.example/{where}?")


async def test_what_cannot_be_chosen_is_left_to_the_reader(client: httpx.AsyncClient) -> None:
    path = f"{SHIRT}?linkType=gs1:certificationInfo"
    answer = await client.get(path)
    assert answer.status_code == 300
    assert [each["href"] for each in answer.json()["links"]] == ["https://one.example/c", "https://two.example/c"]
    assert "https://two.example/c" in (await client.get(path, headers={"accept": "text/html"})).text
    assert (await target(client, f"{path}&context=lk")).startswith("https://lk.example/c")


async def test_links_of_the_item_come_before_those_of_the_product(client: httpx.AsyncClient) -> None:
    assert await target(client, f"{ITEM}?linkType=gs1:dpp") == "https://dpp.example/7?linkType=gs1:dpp"
    # What the item has not, its product has; another item has what the product has only.
    assert (await target(client, f"{ITEM}?linkType=gs1:instructions")).startswith("https://shop.example/wash")
    assert (await client.get(f"{SHIRT}/21/AB%2F7?linkType=gs1:dpp")).status_code == 404


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        (f"{ITEM}?linkType=linkset", "*/*", "application/linkset+json"),
        (f"{ITEM}?linkType=all", "*/*", "application/linkset+json"),
        (ITEM, "application/linkset+json", "application/linkset+json"),
        (ITEM, "application/json", "application/json"),
        (ITEM, "application/ld+json", "application/ld+json"),
    ],
)
async def test_the_linkset_has_every_level(client: httpx.AsyncClient, path: str, accept: str, kind: str) -> None:
    answer = await client.get(path, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in answer.headers["link"]
    item, product = answer.json()["linkset"]
    assert (item["anchor"], product["anchor"]) == (f"{ROOT}{ITEM}", f"{ROOT}{SHIRT}")
    assert product["itemDescription"] == "Crew neck shirt"
    assert product["https://ref.gs1.org/voc/defaultLink"] == [
        {"href": "https://shop.example/shirt", "title": "gs1:defaultLink"}
    ]
    assert product["https://ref.gs1.org/voc/pip"][1] == {
        "href": "https://shop.example/zh/shirt", "title": "gs1:pip", "hreflang": ["zh"], "type": "text/html",
    }  # fmt: skip
    assert HIDDEN not in answer.content
    assert ("@context" in answer.json()) == (kind == "application/ld+json")


async def test_people_read_the_linkset_as_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{SHIRT}?linkType=linkset", headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.headers["content-security-policy"]
    assert "https://shop.example/zh/shirt" in answer.text


async def test_a_compressed_link_is_that_which_it_stands_for(client: httpx.AsyncClient) -> None:
    for plain in (SHIRT, ITEM):
        small = compress_link(f"{ROOT}{plain}").removeprefix(ROOT)
        answer = await client.get(small)
        assert answer.status_code == 307, small
        assert answer.headers["location"] == "https://shop.example/shirt"
        assert f'<{ROOT}{plain}>; rel="owl:sameAs"' in answer.headers["link"]
        shown = (await client.get(f"{small}?linkType=linkset")).json()
        assert shown["linkset"][0]["anchor"] == f"{ROOT}{plain}"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/01/09506000134353", 400, "identity.code_invalid"),
        (f"{SHIRT}/foo", 400, "identity.code_invalid"),
        (f"{SHIRT}/99/1", 400, "identity.code_invalid"),
        (f"{SHIRT}/21/%ZZ", 400, "identity.code_invalid"),
        (f"{SHIRT}?10=L1", 400, "identity.code_invalid"),
        (f"{SHIRT}?linkType=gs1:nosuchlt", 404, "digital_link.no_such_link"),
        ("/01/09506000164908", 404, "digital_link.unknown"),
        ("/8004/9506000134352X", 404, "digital_link.unknown"),
    ],
)
async def test_errors_are_no_successes(client: httpx.AsyncClient, path: str, status: int, code: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    page = await client.get(path, headers={"accept": "text/html"})
    assert page.status_code == status


async def test_a_thing_without_links_has_its_page_here(client: httpx.AsyncClient) -> None:
    path = "/00/106141412345678908"
    found = await target(client, path)
    assert found == f"{ROOT}/id/GS1{path}"
    assert "A pallet" in (await client.get(found)).text
    shown = (await client.get(f"{path}?linkType=linkset")).json()["linkset"]
    assert shown[0]["https://ref.gs1.org/voc/defaultLink"] == [{"href": found, "title": "A pallet"}]


async def test_a_default_of_several_languages(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        values = (
            link(1, "gs1:defaultLink", "https://a.example/"),
            link(2, "gs1:defaultLinkMulti", "https://a.example/en", hreflang=("en",)),
            link(3, "gs1:defaultLinkMulti", "https://a.example/zh", hreflang=("zh",)),
        )
        put(records, *[(name_of_text("09506000164908").encode(), values)])
        path = "/01/09506000164908"
        assert await target(client, path) == "https://a.example/"
        assert await target(client, path, accept_language="zh-CN,zh;q=0.9") == "https://a.example/zh"
        assert await target(client, path, accept_language="fr") == "https://a.example/"
        assert await target(client, f"{path}?linkType=gs1:defaultLink", accept_language="zh") == (
            "https://a.example/?linkType=gs1:defaultLink"
        )


async def test_an_address_alone_is_a_default_link(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        put(records, *[(name_of_text("09506000164908").encode(), (value(1, b"URL", b"https://a.example/x"),))])
        assert await target(client, "/01/09506000164908") == "https://a.example/x"


# --- links as they are kept ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example",
        "https:/evil.example", "https://", "https://user@evil.example", "https://good.example\\@evil.example",
        "https://a.example/\r\nset-cookie: x", "https://a.example/\x00", "ftp://a.example", "file:///etc/passwd",
        "vbscript:x", "https://a.example:x/", "", "blob:https://a.example", "https://a b.example",
    ],
)  # fmt: skip
async def test_nobody_is_sent_there(tmp_path: Path, href: str) -> None:
    assert safe_href(href) is None
    with pytest.raises(Invalid) as error:
        link_value(1, Link(link_type="gs1:pip", href=href, title="x"))
    assert error.value.code == "digital_link.link_invalid"
    # Whatever way it came into the record.
    kept = json.dumps({"linkType": "gs1:defaultLink", "href": href, "title": "x"}).encode()
    async with resolver(tmp_path) as (client, _, records):
        values = (value(1, LINK_TYPE, kept), value(2, b"URL", href.encode()))
        put(records, *[(name_of_text("09506000164908").encode(), values)])
        answer = await client.get("/01/09506000164908")
        assert answer.headers["location"].startswith(f"{ROOT}/id/")
        page = await client.get("/id/09506000164908")
        assert 'href="javascript' not in page.text.lower()
        assert "evil.example" not in [part.partition('"')[0] for part in page.text.split('href="')[1:]]


def test_addresses_are_escaped_for_a_header() -> None:
    assert safe_href("https://例え.example/道?q=茶#a") == "https://xn--r8jz45g.example/%E9%81%93?q=%E8%8C%B6#a"
    assert safe_href("https://a.example/%41?b=c%20d") == "https://a.example/%41?b=c%20d"


@pytest.mark.parametrize(
    "more",
    [
        {"link_type": "nonsense here"}, {"link_type": "javascript://x"}, {"link_type": "linkset"}, {"title": " "},
        {"link_type": "gs1:defaultLink", "hreflang": ("en",)}, {"hreflang": ("not a tag!",)}, {"type": "html"},
    ],
)  # fmt: skip
def test_a_link_that_is_none_is_not_kept(more: dict[str, Any]) -> None:
    given = {"link_type": "gs1:pip", "href": "https://a.example", "title": "x"} | more
    with pytest.raises(Invalid):
        link_value(1, Link(**given))


def test_links_are_read_as_they_were_kept_and_only_public_ones() -> None:
    made = link(1, "gs1:pip", "https://a.example", hreflang=("en",), context=("CN",), fwqs=False)
    (found,) = read_links([made])
    assert (found.link_type, found.hreflang, found.context, found.fwqs) == ("pip", ("en",), ("CN",), False)
    assert read_links([msgspec.structs.replace(made, permissions=0x0C)]) == []
    assert read_links([value(1, LINK_TYPE, b"{"), value(2, LINK_TYPE, b"[]"), value(3, LINK_TYPE, b"\xff")]) == []
    two = [link(1, "gs1:defaultLink", "https://a.example"), link(2, "gs1:defaultLink", "https://b.example")]
    assert [each.href for each in read_links(two)] == ["https://a.example"]


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_not(text: str) -> None:
    found = safe_href(text)
    if found is not None:
        assert found.startswith(("http://", "https://")) or found[:8].lower().startswith(("http://", "https://"))
        assert found.isascii()
        assert found.isprintable()
        assert " " not in found


@given(st.from_regex(r"https?://[A-Za-z0-9.:@_\[\]-]{0,12}[/?#]?[!-~]{0,20}", fullmatch=True))
def test_an_address_is_taken_as_it_is_only_where_nothing_in_it_fools(text: str) -> None:
    if safe_href(text) == text:
        parts = urlsplit(text)
        assert parts.hostname
        assert "@" not in parts.netloc
        assert parts.port is None or parts.port >= 0
        assert not set(text) & set('\\^`{|}<>"')


@pytest.mark.parametrize(
    "path", ["/devices", "/alarms", "/sign-in", "/", "/assets/index-Bx12.js", "/01", "/01/", "/identity-explorer"]
)
async def test_addresses_of_the_console_are_not_taken(tmp_path: Path, path: str) -> None:
    async with resolver(tmp_path) as (_, app, _):
        assert app.takes(path) == (path == "/01/")


async def test_gtin_in_any_form_is_one(client: httpx.AsyncClient) -> None:
    assert GTIN in SHIRT
    assert (await client.get("/gtin/9506000134352/ser/x?linkType=linkset")).json()["linkset"][0][
        "anchor"
    ] == f"{ROOT}{SHIRT}"
