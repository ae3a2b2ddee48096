"""What holds for every request."""

import os
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.web import RunningWeb, running_web, send_raw

MEDIA = "application/problem+json"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path, max_body_bytes=100_000) as running:
        yield running


async def test_failures_are_problems(web: RunningWeb) -> None:
    administrator = await web.set_up()
    json = {"content-type": "application/json"}
    cases = [
        ("GET", "/api/v1/nothing", {}, b"", 404, "web.no_such_path"),
        ("GET", "/api/v1/people/per_nobody", {}, b"", 404, "parties.person_unknown"),
        ("PUT", "/api/v1/session", json, b"{}", 405, "web.method_not_allowed"),
        ("GET", "/api/v1/session", {"accept": "image/png"}, b"", 406, "web.not_acceptable"),
        ("POST", "/api/v1/people", {"content-type": "text/plain"}, b"x", 415, "web.media_type_unsupported"),
        ("POST", "/api/v1/people", json, b"{", 400, "web.malformed"),
        ("POST", "/api/v1/people", json, b"\xff\xfe", 400, "web.malformed"),
        ("POST", "/api/v1/people", json, b"[" * 50_000, 400, "web.malformed"),
        ("POST", "/api/v1/people", json, b'{"name":' * 10_000, 400, "web.malformed"),
        ("POST", "/api/v1/people", json, b"", 400, None),
        ("POST", "/api/v1/people", json, b"null", 400, "web.invalid"),
        ("POST", "/api/v1/people", json, b"x" * 100_001, 413, "web.body_too_large"),
        ("GET", "/api/v1/devices/a%00b", {}, b"", 400, "web.malformed"),
        ("GET", "/api/v1/rules?device_id=%00", {}, b"", 400, "web.malformed"),
    ]
    for method, path, headers, body, status, code in cases:
        answer = await administrator.request(method, path, headers=headers, content=body)
        assert answer.status_code == status, (path, body[:20], answer.text)
        assert answer.headers["content-type"] == MEDIA
        problem = answer.json()
        assert problem["status"] == status
        assert code is None or problem["code"] == code
        assert problem["type"] == f"/problems/{problem['code']}"
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert "Traceback" not in answer.text
    answer = await administrator.put("/api/v1/session", json={})
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(answer.headers["allow"].split(", "))


async def test_options_tell_every_method_of_a_path(web: RunningWeb) -> None:
    administrator = await web.set_up()
    document = (await administrator.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        answer = await administrator.options(re.sub(r"\{[^}]+\}", "x", path))
        assert answer.status_code == 204, path
        allowed = set(answer.headers["allow"].split(", ")) - {"OPTIONS"}
        assert allowed == {method.upper() for method in item}, path
    assert (await administrator.options("/api/v1/nothing")).status_code == 404


async def test_wrong_values_are_pointed_at(web: RunningWeb) -> None:
    administrator = await web.set_up()
    person = {"name": "Bob", "password": "copper kettles whistle", "roles": ["viewer", "emperor"]}
    problem = (await administrator.post("/api/v1/people", json=person)).json()
    assert problem["code"] == "web.invalid"
    assert problem["errors"][0]["pointer"] == "/roles/1"
    problem = (await administrator.post("/api/v1/people", json={**person, "roles": ["viewer"], "shoe": 43})).json()
    assert "shoe" in problem["errors"][0]["message"]
    problem = (await administrator.get("/api/v1/devices", params={"limit": "many"})).json()
    assert problem["errors"][0] | {"message": ""} == {
        "pointer": "/limit",
        "field": "limit",
        "source": "query",
        "message": "",
    }


async def test_a_field_named_like_a_dependency_is_a_wrong_value_all_the_same(web: RunningWeb) -> None:
    administrator = await web.set_up()
    model = {"name": "Pump", "properties": [], "services": {}}
    answer = await administrator.post("/api/v1/models", json=model)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/services"


async def test_a_body_without_a_length_is_limited_too(web: RunningWeb) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1000

    administrator = await web.set_up()
    answer = await administrator.post("/api/v1/people", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_headers_protect_every_answer(web: RunningWeb) -> None:
    client = web.client()
    for path in ("/healthz", "/api/v1/setup", "/api/v1/session", "/nowhere", "/", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert headers["x-request-id"]


async def test_a_request_id_is_kept_when_it_is_one(web: RunningWeb) -> None:
    client = web.client()
    answer = await client.get("/healthz", headers={"x-request-id": "trace-1"})
    assert answer.headers["x-request-id"] == "trace-1"
    for odd in ("a b", "x" * 65, '"><script>', "a\tb"):
        answer = await client.get("/healthz", headers={"x-request-id": odd})
        assert answer.headers["x-request-id"] != odd


async def test_the_cookie_works_from_the_console_alone(web: RunningWeb) -> None:
    administrator = await web.set_up()
    del administrator.headers["origin"]
    foreign: list[dict[str, str]] = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {},
    ]
    for headers in foreign:
        answer = await administrator.patch("/api/v1/session", json={"language": "zh"}, headers=headers)
        assert answer.status_code == 403, headers
        assert answer.json()["code"] == "web.cross_origin"
    assert (await administrator.get("/api/v1/session")).json()["person"]["language"] is None
    for site in ("same-origin", "none"):
        answer = await administrator.patch("/api/v1/session", json={"language": "zh"}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 200


async def test_another_site_cannot_sign_a_browser_in(web: RunningWeb) -> None:
    answer = await web.client().post(
        "/api/v1/session", json={"name": "a", "password": "b"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


async def test_cookies_that_were_tampered_with_open_nothing(web: RunningWeb) -> None:
    administrator = await web.set_up()
    secret = administrator.cookies["millwright_session"]
    client = web.client()
    for cookie in (
        f"millwright_session={secret[:-1]}",
        f"millwright_session={secret.swapcase()}",
        'millwright_session="',
        "millwright_session=; millwright_session=",
        "millwright_session=mws_\xff\xfe",
        "millwright_session=" + "x" * 5000,
        ";;;===",
    ):
        answer = await client.get("/api/v1/session", headers={b"cookie": cookie.encode("latin-1")})
        assert answer.status_code == 401, cookie
    answer = await client.get("/api/v1/session", headers={"cookie": f"a=b; millwright_session={secret}; c=d"})
    assert answer.status_code == 200


async def test_cookies_of_others_on_the_same_host_do_not_sign_out(web: RunningWeb) -> None:
    administrator = await web.set_up()
    secret = administrator.cookies["millwright_session"]
    for other in ('prefs={"a": 1, "b": [2]}', "no value", "x=a,b c", "$Version=1", "名=值", "=;=", "a[b]=1"):
        for cookie in (f"{other}; millwright_session={secret}", f"millwright_session={secret};{other}"):
            answer = await web.client().get("/api/v1/session", headers={b"cookie": cookie.encode()})
            assert answer.status_code == 200, cookie


async def test_the_cookie_is_closed_to_scripts_and_other_sites(web: RunningWeb) -> None:
    client = web.client()
    code = await web.services.parties.new_setup_code()
    body = {"name": "Anna", "password": "copper kettles whistle", "code": code}
    cookie = (await client.post("/api/v1/setup", json=body)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    answer = await client.delete("/api/v1/session")
    assert answer.status_code == 204
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_authorization_that_opens_nothing(web: RunningWeb) -> None:
    for value in ("Basic eDp5", "Bearer", "Bearer mwt_made_up", "bearer\tmwt_x", "Bearer \xff"):
        answer = await web.client().get("/api/v1/session", headers={b"authorization": value.encode("latin-1")})
        assert answer.status_code == 401, value
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_wrong_token_is_not_saved_by_a_right_cookie(web: RunningWeb) -> None:
    administrator = await web.set_up()
    answer = await administrator.get("/api/v1/session", headers={"authorization": "Bearer mwt_wrong"})
    assert answer.status_code == 401


async def test_bytes_that_are_no_request_do_no_harm(web: RunningWeb) -> None:
    requests = [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\r\n\r\n",
        b"GET /api/v1/session HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /%00%ff%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00" + os.urandom(64) + b"\r\n\r\n",
        b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2000)) + b"\r\n",
    ]
    for request in requests:
        answer = await send_raw(web, request)
        assert b" 500 " not in answer.split(b"\r\n", 1)[0]
        assert b"root:" not in answer
    assert (await web.client().get("/healthz")).status_code == 200


async def test_values_cannot_add_headers(web: RunningWeb) -> None:
    answer = await send_raw(
        web, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a%0d%0aSet-Cookie: b=c\r\nConnection: close\r\n\r\n"
    )
    assert b"set-cookie" not in answer.lower()


async def test_wrong_passwords_are_slowed_and_say_when_to_try_again(web: RunningWeb) -> None:
    await web.set_up()
    client = web.client()
    for _ in range(5):
        answer = await client.post("/api/v1/session", json={"name": "Anna", "password": "wrong"})
        assert answer.status_code == 401
        assert answer.json()["code"] == "parties.wrong_password"
    answer = await client.post("/api/v1/session", json={"name": "Anna", "password": "copper kettles whistle"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_trusted_proxy_names_the_client(tmp_path: Path) -> None:
    async with running_web(tmp_path, trusted_proxies=["127.0.0.1"]) as web:
        await web.set_up()
        client = web.client()
        for _ in range(5):
            await client.post(
                "/api/v1/session",
                json={"name": "Anna", "password": "wrong"},
                headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"},
            )
        right = {"name": "Anna", "password": "copper kettles whistle"}
        for forwarded, status in (("10.9.9.9, 203.0.113.9", 429), ("203.0.113.10", 201)):
            answer = await client.post("/api/v1/session", json=right, headers={"X-Forwarded-For": forwarded})
            assert answer.status_code == status


async def test_without_trust_a_forwarded_address_is_ignored(web: RunningWeb) -> None:
    await web.set_up()
    client = web.client()
    for number in range(6):
        answer = await client.post(
            "/api/v1/session",
            json={"name": "Anna", "password": "wrong"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    assert answer.status_code == 429


async def test_a_port_in_use_is_said_so(web: RunningWeb) -> None:
    from millwright.kernel import Unavailable
    from millwright.web import WebServer, create_app

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        import msgspec

        settings = msgspec.structs.replace(web.services.settings, port=taken.getsockname()[1])
        with pytest.raises(Unavailable) as caught:
            await WebServer(create_app(web.services), settings).start()
    assert caught.value.code == "web.port_taken"


async def test_every_role_learns_where_devices_connect_and_nothing_else(web: RunningWeb) -> None:
    assert (await web.client().get("/api/v1/connection")).status_code == 401
    administrator = await web.set_up()
    others = [await web.person(administrator, role, role) for role in ("engineer", "operator", "viewer")]
    for client in (administrator, *others):
        answer = await client.get("/api/v1/connection")
        assert answer.json() == {"mqtt_port": 18830, "mqtt_tls_port": None, "own_authority": False}
