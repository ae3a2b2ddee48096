"""``/api/handles`` answers as Handle.Net's REST API does, and its quick way as the long one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from millwright.identity.handle import StoredRecord, sm2
from millwright.identity.handle.authentication import answer_by_secret
from millwright.identity.handle.json_form import value_to_json
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.rest.login import RestSession, RestSessions
from millwright.identity.handle.rest.quick import public_values
from millwright.identity.handle.sm2 import Sm2PrivateKey
from millwright.identity.handle.special import Admin, encode_admin, hashed_secret
from millwright.identity.handle.wire.codes import LATEST
from support.handle import ADMIN, SECRET, admin_value, site_for, value
from support.identifiers import put
from support.resolution import HIDDEN, STAMP_S, hidden, resolver

BASIC = "Basic " + base64.b64encode(b"300%3A0.NA/86.1000.1:" + SECRET).decode()
AUTHORIZED = {"authorization": BASIC}


@pytest.fixture
async def client(tmp_path: Path):
    async with resolver(tmp_path, misses_per_min=0) as (client, _, _):
        yield client


# --- reading ---------------------------------------------------------------------------------------------------------

_values = st.builds(
    HandleValue,
    index=st.integers(1, 0x7FFFFFFF),
    type=st.sampled_from([b"URL", b"HS_ADMIN", b"hs_admin", b"HS_SITE", b'odd"type', "größe".encode(), b"EMAIL"]),
    data=st.one_of(
        st.binary(max_size=40),
        st.text(max_size=40).map(str.encode),
        st.just(encode_admin(Admin(ADMIN))),
        st.sampled_from([b"https://example.com/a?b=1", b"\x7f", b'"', b"\\", b"\t", b""]),
    ),
    permissions=st.sampled_from([0x0E, 0x0C, 0x0F, 0x02]),
    ttl_type=st.sampled_from([0, 1]),
    ttl=st.integers(0, 0x7FFFFFFF),
    timestamp_s=st.sampled_from([0, 1, STAMP_S]),
    references=st.sampled_from([(), (Reference(b"10/1", 3),)]),
)


@given(st.lists(_values, max_size=6, unique_by=lambda each: each.index))
def test_the_quick_form_is_the_form(values: list[HandleValue]) -> None:
    record = StoredRecord.build(b"10/1", values)
    shown = b"[" + b"".join(public_values(record.data)) + b"]"
    # Byte for byte: an ETag is of these.
    assert shown == msgspec.json.encode([value_to_json(each) for each in record.values if each.public])


async def test_public_values_are_read(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/handles/86.1000.1/Product-1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    shown = answer.json()
    assert (shown["responseCode"], shown["handle"]) == (1, "86.1000.1/Product-1")
    assert shown["values"][0] == {
        "index": 1, "type": "URL", "data": {"format": "string", "value": "https://example.com/"}, "ttl": 86400,
    }  # fmt: skip
    assert shown["values"][2]["data"]["value"]["permissions"] == "1" * 12


@pytest.mark.parametrize("path", ["86.1000.1%2Fproduct-1", "86.1000.1/PRODUCT-1", "86.1000.1/Product%2D1"])
async def test_escapes_and_case_are_those_of_handles(client: httpx.AsyncClient, path: str) -> None:
    shown = (await client.get(f"/api/handles/{path}")).json()
    assert shown["responseCode"] == 1
    assert shown["handle"] == path.replace("%2F", "/").replace("%2D", "-")


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        ("index=2", [2]),
        ("index=1&index=100", [1, 100]),
        ("type=URL", [1]),
        ("type=email&index=100", [2, 100]),
        ("type=HS_ADMIN.", [100]),
        ("auth=true&cert=true&publicOnly=true", [1, 2, 100]),
    ],
)
async def test_values_are_chosen_by_index_or_type(client: httpx.AsyncClient, query: str, indexes: list[int]) -> None:
    shown = (await client.get(f"/api/handles/86.1000.1/Product-1?{query}")).json()
    assert [each["index"] for each in shown["values"]] == indexes


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("86.1000.1/none", 100, 404),
        ("86.1000.2/none", 301, 404),
        ("86.1000.1/Product-1?type=NONE", 200, 200),
        ("86.1000.1/Product-1?index=9", 200, 200),
        ("86.1000.1/Product-1?index=x", 4, 400),
        ("86.1000.1/Product-1?publicOnly=false", 402, 401),
        ("86.1000.1/none?publicOnly=false", 402, 401),
        ("86.1000.1/secret", 200, 200),
        ("86.1000.1/%FF", 4, 400),
        ("/none", 301, 404),
        ("%2Fnone", 301, 404),
        ("86.1000.1/Product-1?callback=alert", 5, 400),
    ],
)
async def test_codes_and_statuses(client: httpx.AsyncClient, path: str, code: int, status: int) -> None:
    answer = await client.get(f"/api/handles/{path}")
    assert (answer.json()["responseCode"], answer.status_code) == (code, status)


async def test_what_another_service_keeps_is_referred_to(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        from millwright.identity.handle.site import encode_site

        site = value(1, b"HS_SITE", encode_site(site_for(2641, host="192.0.2.7")))
        put(records, *[(b"0.NA/77.1", (site,))])
        answer = await client.get("/api/handles/77.1/a")
        assert answer.status_code == 404
        shown = answer.json()
        assert shown["responseCode"] == 302
        assert shown["referredBy"] == "0.NA/77.1"
        assert shown["values"][0]["data"]["value"]["servers"][0]["address"] == "192.0.2.7"


async def test_head_options_pretty_and_conditions(client: httpx.AsyncClient) -> None:
    path = "/api/handles/86.1000.1/Product-1"
    got = await client.get(path)
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["etag"] == got.headers["etag"]
    same = await client.get(path, headers={"if-none-match": f'"x", W/{got.headers["etag"]}'})
    assert (same.status_code, same.content) == (304, b"")
    other = await client.get(path, headers={"if-none-match": '"x"'})
    assert other.content == got.content
    options = await client.options(path, headers={"origin": "https://other.example"})
    assert options.status_code == 204
    assert "PUT" in options.headers["access-control-allow-methods"]
    assert "Authorization" in options.headers["access-control-allow-headers"]
    pretty = await client.get(f"{path}?pretty=true")
    assert pretty.json() == got.json()
    assert b'\n  "handle"' in pretty.content


async def test_a_prefix_alone_is_its_prefix_handle(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/api/handles/86.1000.1")).json()
    assert [each["index"] for each in shown["values"]] == [100]


# --- administrators --------------------------------------------------------------------------------------------------


async def test_an_administrator_reads_what_is_restricted(client: httpx.AsyncClient) -> None:
    path = "/api/handles/0.NA/86.1000.1?publicOnly=false"
    shown = (await client.get(path, headers=AUTHORIZED)).json()
    assert [each["type"] for each in shown["values"]] == ["HS_ADMIN", "HS_SECKEY"]
    # Not asked to leave it out, an administrator gets it too; and nothing of it is to be kept.
    answer = await client.get("/api/handles/0.NA/86.1000.1", headers=AUTHORIZED)
    assert len(answer.json()["values"]) == 2
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    # Somebody who is no administrator of the handle gets what everybody gets.
    answer = await client.get("/api/handles/86.1000.1/mixed", headers=AUTHORIZED)
    assert HIDDEN not in answer.content
    answer = await client.get("/api/handles/86.1000.1/mixed?publicOnly=false", headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (403, 400)


@pytest.mark.parametrize(
    ("user", "secret", "code"),
    [
        (b"300%3A0.NA/86.1000.1", b"wrong", 403),
        (b"301%3A0.NA/86.1000.1", SECRET, 403),
        (b"300%3A0.NA/86.1000.9", SECRET, 403),
        (b"0.NA/86.1000.1", SECRET, 404),
    ],
)
async def test_a_wrong_secret_says_not_what_is_wrong(
    client: httpx.AsyncClient, user: bytes, secret: bytes, code: int
) -> None:
    given = {"authorization": "Basic " + base64.b64encode(user + b":" + secret).decode()}
    answer = await client.delete("/api/handles/86.1000.1/Product-1", headers=given)
    assert (answer.status_code, answer.json()["responseCode"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith('Basic realm="handle"')


async def test_a_secret_kept_as_its_hash_is_known(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, _, records):
        put(
            records,
            *[(b"0.NA/86.1000.1", (admin_value(), value(300, b"HS_SECKEY", hashed_secret(SECRET), permissions=0x0C)))],
        )
        assert (await client.get("/api/handles/0.NA/86.1000.1?publicOnly=false", headers=AUTHORIZED)).status_code == 200


async def test_a_secret_does_not_travel_in_the_clear(tmp_path: Path) -> None:
    async with resolver(tmp_path, address="192.0.2.9") as (client, _, _):
        far = "http://node.example/api/handles/0.NA/86.1000.1"
        answer = await client.get(far, headers=AUTHORIZED)
        assert (answer.status_code, answer.json()["responseCode"]) == (403, 5)
        assert (await client.get(far.replace("http:", "https:"), headers=AUTHORIZED)).status_code == 200


async def test_a_handle_is_created_changed_and_deleted(client: httpx.AsyncClient) -> None:
    path = "/api/handles/86.1000.1/new"
    administrator = {"handle": "0.NA/86.1000.1", "index": 300, "permissions": "011111110011"}
    values = [
        {"index": 1, "type": "URL", "data": "https://new.example"},
        {"index": 100, "type": "HS_ADMIN", "data": {"format": "admin", "value": administrator}},
    ]  # fmt: skip
    answer = await client.put(f"{path}?overwrite=false", json={"values": values})
    assert (answer.status_code, answer.json()["responseCode"]) == (401, 402)
    answer = await client.put(f"{path}?overwrite=false", json={"values": values}, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()) == (201, {"responseCode": 1, "handle": "86.1000.1/new"})
    answer = await client.put(f"{path}?overwrite=false", json=values, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (409, 101)
    answer = await client.put(path, json=values, headers=AUTHORIZED)
    assert answer.status_code == 200
    more = [{"index": 1, "type": "URL", "data": "https://newer.example"}, {"index": 2, "type": "NOTE", "data": "x"}]
    answer = await client.put(f"{path}?index=1&index=2&overwrite=true", json=more, headers=AUTHORIZED)
    assert answer.status_code == 200
    assert [each["data"]["value"] for each in (await client.get(f"{path}?index=1&index=2")).json()["values"]] == [
        "https://newer.example",
        "x",
    ]
    answer = await client.put(f"{path}?index=various&overwrite=false", json=more, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (409, 201)
    answer = await client.put(f"{path}?index=1", json=more, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (400, 202)
    assert (await client.delete(f"{path}?index=2", headers=AUTHORIZED)).status_code == 200
    answer = await client.delete(f"{path}?index=2", headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (400, 200)
    assert (await client.delete(path, headers=AUTHORIZED)).status_code == 200
    answer = await client.delete(path, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (404, 100)


async def test_a_suffix_is_minted(client: httpx.AsyncClient) -> None:
    values = [{"index": 1, "type": "URL", "data": "https://new.example"}]
    answer = await client.put("/api/handles/86.1000.1/?mintNewSuffix=true", json=values, headers=AUTHORIZED)
    assert answer.status_code == 201
    handle = answer.json()["handle"]
    assert handle.startswith("86.1000.1/")
    assert len(handle) > 30
    assert (await client.get(f"/api/handles/{handle}")).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"values": 1}', b"[1]", b'[{"index": 0, "type": "URL"}]', b'[{"type": "URL"}]']
)
async def test_a_body_that_is_no_values_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.put("/api/handles/86.1000.1/new", content=body, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["responseCode"]) == (400, 4)


async def test_a_list_is_for_administrators_and_in_pages(client: httpx.AsyncClient) -> None:
    path = "/api/handles?prefix=86.1000.1"
    assert (await client.get(path)).status_code == 401
    shown = (await client.get(path, headers=AUTHORIZED)).json()
    assert shown["totalCount"] == "3"
    assert shown["handles"] == ["86.1000.1/mixed", "86.1000.1/Product-1", "86.1000.1/secret"]
    page = (await client.get(f"{path}&page=1&pageSize=2", headers=AUTHORIZED)).json()
    assert (page["page"], page["pageSize"], page["handles"]) == (1, 2, ["86.1000.1/secret"])
    assert (await client.get(f"{path}&page=0&pageSize=0", headers=AUTHORIZED)).json()["handles"] == []
    assert (await client.get("/api/handles?prefix=86.9", headers=AUTHORIZED)).status_code == 403
    assert (await client.get("/api/handles", headers=AUTHORIZED)).status_code == 400


# --- sessions --------------------------------------------------------------------------------------------------------


def signed(session: dict[str, Any], key: rsa.RSAPrivateKey | Sm2PrivateKey) -> str:
    nonce, cnonce = base64.b64decode(session["nonce"]), b"client nonce 123"
    if isinstance(key, Sm2PrivateKey):
        name, signature = "SM3", sm2.sign(key, sm2.sm3(nonce + cnonce), b"0.NA/86.1000.1")
    else:
        name, signature = "SHA256", key.sign(nonce + cnonce, padding.PKCS1v15(), hashes.SHA256())
    parts = {
        "sessionId": session["sessionId"], "cnonce": base64.b64encode(cnonce).decode(), "id": "301:0.NA/86.1000.1",
        "type": "HS_PUBKEY", "alg": name, "signature": base64.b64encode(signature).decode(),
    }  # fmt: skip
    return "Handle " + ", ".join(f'{name}="{text}"' for name, text in parts.items())


def new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("make", [new_rsa, sm2.generate])
async def test_a_session_is_opened_by_a_key(tmp_path: Path, make: Callable[[], Any]) -> None:
    async with resolver(tmp_path) as (client, app, records):
        key = make()
        put(
            records,
            *[
                (
                    b"0.NA/86.1000.1",
                    (
                        admin_value(Reference(b"0.NA/86.1000.1", 301)),
                        value(301, b"HS_PUBKEY", encode_public_key(key.public_key())),
                        hidden(5),
                    ),
                )
            ],
        )
        made = await client.post("/api/sessions")
        assert made.status_code == 201
        session = made.json()
        assert session["authenticated"] is False
        alone = {"authorization": f'Handle version="0", sessionId="{session["sessionId"]}"'}
        path = "/api/handles/0.NA/86.1000.1?publicOnly=false"
        assert (await client.get(path, headers=alone)).status_code == 401
        shown = (await client.put("/api/sessions/this", headers={"authorization": signed(session, key)})).json()
        assert (shown["authenticated"], shown["id"]) == (True, "301:0.NA/86.1000.1")
        assert HIDDEN in (await client.get(path, headers=alone)).content
        assert (await client.get("/api/sessions/this", headers=alone)).json()["authenticated"]
        assert (await client.delete("/api/sessions/this", headers=alone)).status_code == 204
        assert (await client.get(path, headers=alone)).status_code == 401
        # The challenge that comes with a refusal will do, too.
        challenge = (await client.get(path)).headers["www-authenticate"]
        found = dict(part.split("=", 1) for part in challenge.partition("Handle ")[2].split(", "))
        session = {name: text.strip('"') for name, text in found.items()}
        assert (await client.get(path, headers={"authorization": signed(session, key)})).status_code == 200
        # Another's key, and another session's nonce, do not.
        other = make()
        session = (await client.post("/api/sessions")).json()
        assert (await client.get(path, headers={"authorization": signed(session, other)})).status_code == 401
        stolen = signed(session | {"nonce": base64.b64encode(bytes(16)).decode()}, key)
        assert (await client.get(path, headers={"authorization": stolen})).status_code == 401
        assert len(app.handles.sessions) < 10


@pytest.mark.parametrize("as_body", [False, True])
async def test_a_session_is_opened_by_a_secret(client: httpx.AsyncClient, as_body: bool) -> None:
    session = (await client.post("/api/sessions")).json()
    nonce, cnonce = base64.b64decode(session["nonce"]), b"0123456789abcdef"
    made = answer_by_secret(ADMIN, SECRET, nonce, cnonce, LATEST).response
    # kind, length and salt, iterations, bits, length and code
    salt, code = made[5:21], made[33:]
    parts = {
        "sessionId": session["sessionId"], "cnonce": base64.b64encode(cnonce).decode(), "id": str(ADMIN),
        "type": "HS_SECKEY", "alg": "PBKDF2-HMAC-SHA1", "salt": base64.b64encode(salt).decode(),
        "iterations": "10000", "length": "160", "signature": base64.b64encode(code).decode(),
    }  # fmt: skip
    given = "Handle " + ",".join(f'{name}="{text}"' for name, text in parts.items())
    if as_body:
        answer = await client.put("/api/sessions/this", json=parts)
    else:
        answer = await client.put("/api/sessions/this", headers={"authorization": given})
    assert answer.json()["id"] == "300:0.NA/86.1000.1", answer.text


async def test_sessions_of_one_address_are_few(tmp_path: Path) -> None:
    async with resolver(tmp_path) as (client, app, _):
        for _ in range(100):
            assert (await client.post("/api/sessions")).status_code == 201
        assert len(app.handles.sessions) == 32


class Sessions:
    """Those of a process whose time stands still until it is moved."""

    def __init__(self, most: int) -> None:
        self.now_s = 0.0
        self.all = RestSessions(lambda: self.now_s, most, 600, 60)

    def open(self, address: str) -> RestSession:
        session = self.all.open(address)
        assert session is not None
        return session


def test_sessions_of_strangers_have_half_of_the_places_and_a_minute() -> None:
    sessions = Sessions(10)
    mine = sessions.open("10.0.0.1")
    sessions.all.prove(mine, ADMIN)
    first = [sessions.open(f"192.0.2.{number}") for number in range(5)]
    assert sessions.all.open("192.0.2.9") is None
    again = sessions.open("192.0.2.3")  # in the place of one's own
    assert sessions.all.find(first[3].id) is None
    assert sessions.all.find(first[4].id) is first[4]
    sessions.now_s = 59
    for each in (again, first[0]):
        assert sessions.all.find(each.id) is each
    sessions.now_s = 61  # that they were asked for has not kept them
    assert sessions.all.find(again.id) is None
    assert sessions.all.find(first[0].id) is None
    assert sessions.all.find(mine.id) is mine
    for number in range(5):
        sessions.open(f"198.51.100.{number}")
    assert len(sessions.all) == 6
    sessions.now_s = 660
    assert sessions.all.find(mine.id) is mine
    sessions.now_s = 1261
    assert sessions.all.find(mine.id) is None


def test_a_session_that_ended_is_not_brought_back_by_its_answer() -> None:
    sessions = Sessions(4)
    session = sessions.open("192.0.2.1")
    sessions.now_s = 61
    sessions.open("192.0.2.2")
    sessions.all.prove(session, ADMIN)
    assert sessions.all.find(session.id) is None
    assert len(sessions.all) == 1
    proven = sessions.open("192.0.2.2")
    sessions.all.prove(proven, ADMIN)
    sessions.all.prove(proven, ADMIN)
    sessions.all.close(proven)
    assert len(sessions.all) == 1
    for _ in range(40):
        sessions.open("192.0.2.2")
    assert len(sessions.all) == 2
