"""What the edge holds for every request: names, sizes, pace, cookies, headers."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from millwright.parties import SignInSettings
from support.authenticator import SoftwareAuthenticator
from support.web import PASSWORD, RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


async def raw(web: RunningWeb, request: bytes, wait_s: float = 10) -> bytes:
    """The answer to bytes that no client library would send."""
    address = urlsplit(web.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    try:
        await writer.drain()
        return await asyncio.wait_for(reader.read(65536), wait_s)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


# --- the name ------------------------------------------------------------------------------------------------------


async def test_a_request_for_another_name_is_refused(tmp_path: Path) -> None:
    async with running_web(tmp_path, hosts=["plant.lan"], public_url="https://mill.example") as web:
        client = web.client()
        for host in ("evil.example", "evil.example:8420", "mill.example.evil.example", "plant.lan.evil.example", "a@b"):
            for path in ("/api/v1/setup", "/", "/healthz"):
                answer = await client.get(path, headers={"Host": host})
                assert answer.status_code in (400, 421), (host, path)
        for host in (
            "plant.lan",
            "PLANT.LAN:80",
            "mill.example",
            "localhost:1",
            "a.localhost",
            "10.1.2.3",
            "[::1]:8420",
        ):
            assert (await client.get("/healthz", headers={"Host": host})).status_code == 200, host


async def test_a_request_without_a_name_or_with_two_is_refused(web: RunningWeb) -> None:
    for hosts in (b"", b"Host: a\r\nHost: localhost\r\n", b"Host: localhost\r\nHost: localhost\r\n", b"Host: \r\n"):
        answer = await raw(web, b"GET /api/v1/setup HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert status(answer) in (400, 421), hosts


async def test_a_public_name_is_where_providers_send_browsers_back(tmp_path: Path) -> None:
    async with running_web(tmp_path, public_url="https://mill.example") as web:
        administrator = await web.set_up()
        begun = await administrator.post("/api/v1/account/passkeys/challenge")
        assert begun.json()["options"]["rp"]["id"] == "mill.example"


# --- sizes and pace ------------------------------------------------------------------------------------------------


async def test_headers_and_addresses_have_bounds(web: RunningWeb) -> None:
    client = web.client()
    assert (await client.get("/healthz", headers={"x-a": "a" * 40_000})).status_code == 431
    assert (await client.get("/healthz?" + "a" * 9000)).status_code == 414
    assert (await client.get("/" + "a" * 9000)).status_code == 414
    huge = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 400_000 + b"\r\n\r\n"
    assert status(await raw(web, huge)) in (0, 400, 431)


async def test_smuggled_lengths_are_refused(web: RunningWeb) -> None:
    inner = b"GET /api/v1/people HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    attempts = [
        head + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
        head + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + inner,
        head + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + inner,
        head + b"Content-Length: +5\r\n\r\nhello",
        head + b"Content-Length: 5, 5\r\n\r\nhello",
        head + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
        head + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
        head + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner,
    ]
    for attempt in attempts:
        answer = await raw(web, attempt.replace(b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n", 1))
        assert status(answer) in (0, 400, 401, 415), (attempt[90:160], answer[:100])
        assert answer.count(b"HTTP/1.1 ") <= 1, attempt


async def test_a_body_that_stalls_is_given_up(tmp_path: Path) -> None:
    async with running_web(tmp_path, body_timeout_s=0.2) as web:
        head = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        answer = await raw(web, head + b"Content-Length: 40\r\n\r\n{")
        assert status(answer) == 408
        assert b"web.body_too_slow" in answer
        assert (await web.client().get("/healthz")).status_code == 200


async def test_slow_clients_keep_nobody_else_waiting(web: RunningWeb) -> None:
    address = urlsplit(web.url)
    held = [await asyncio.open_connection(address.hostname, address.port) for _ in range(50)]
    for _, writer in held:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: loc")
    assert (await web.client().get("/healthz")).status_code == 200
    for _, writer in held:
        writer.close()


# --- cookies and headers -------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem, private


async def test_over_tls_cookies_belong_to_this_host_alone(tmp_path: Path) -> None:
    pem, private = certificate(tmp_path / "tls")
    context = ssl.create_default_context(cafile=str(pem))
    async with running_web(tmp_path, certificate=str(pem), key=str(private)) as web:
        client = web.client(verify=context)
        code = await web.services.parties.new_setup_code()
        answer = await client.post("/api/v1/setup", json={"name": "Anna", "password": PASSWORD, "code": code})
        assert answer.status_code == 201, answer.text
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            name, _, rest = cookie.partition("=")
            assert name.startswith("__Host-millwright_")
            attributes = {part.strip().lower() for part in rest.split(";")[1:]}
            assert {"secure", "httponly", "path=/", "samesite=strict"} <= attributes
            assert not any(attribute.startswith("domain") for attribute in attributes)
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert (await client.get("/api/v1/session")).status_code == 200
        secret = client.cookies["__Host-millwright_session"]
        other = web.client(verify=context)  # a cookie that plain HTTP or a sister name planted has no such name
        assert (
            await other.get("/api/v1/session", headers={"cookie": f"millwright_session={secret}"})
        ).status_code == 401
        with pytest.raises(ssl.SSLError):  # TLS 1.1 is spoken no more
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            await asyncio.open_connection("127.0.0.1", urlsplit(web.url).port, ssl=old)


async def test_cookies_that_come_one_by_one_are_read_together(web: RunningWeb) -> None:
    administrator = await web.set_up()
    secret, browser = (administrator.cookies[f"millwright_{name}"] for name in ("session", "browser"))
    pair = [b"Cookie: millwright_session=" + secret.encode(), b"Cookie: millwright_browser=" + browser.encode()]
    for crumbs in (pair, pair[::-1]):
        lines = [b"GET /api/v1/session HTTP/1.1", b"Host: localhost", *crumbs, b"Connection: close", b"", b""]
        assert status(await raw(web, b"\r\n".join(lines))) == 200


async def test_every_answer_carries_the_protecting_headers(web: RunningWeb) -> None:
    administrator = await web.set_up()
    for path in ("/", "/nowhere", "/healthz", "/openapi.json", "/api/v1/session", "/api/v1/nothing"):
        headers = (await administrator.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=(self)" in headers["permissions-policy"]
        assert (
            "object-src" in headers["content-security-policy"]
            or "default-src 'none'" in (headers["content-security-policy"])
        )
        assert not any(each.isdigit() for each in headers.get("server", "")), "no version"
        assert "x-powered-by" not in headers
        assert "strict-transport-security" not in headers  # over plain HTTP it would mean nothing
    for path in ("/api/v1/session", "/api/v1/people", "/api/v1/nothing"):
        assert (await administrator.get(path)).headers["cache-control"] == "no-store", path


async def test_other_sites_are_allowed_nothing(web: RunningWeb) -> None:
    administrator = await web.set_up()
    for origin in ("https://evil.example", "null", web.url):
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x"}
        for method in ("OPTIONS", "GET"):
            answer = await administrator.request(method, "/api/v1/session", headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (origin, method)


async def test_the_session_ends_in_the_browser_too(web: RunningWeb) -> None:
    administrator = await web.set_up()
    answer = await administrator.delete("/api/v1/session")
    cookie = answer.headers["set-cookie"].lower()
    assert "max-age=0" in cookie
    assert "path=/" in cookie
    assert "millwright_session" not in administrator.cookies
    assert "millwright_browser" in administrator.cookies  # the browser stays known


# --- who one is ----------------------------------------------------------------------------------------------------


async def test_a_cookie_from_before_signing_in_opens_nothing(web: RunningWeb) -> None:
    await web.set_up()
    client = web.client()
    planted = "mws_" + "A" * 32
    client.cookies.set("millwright_session", planted)
    answer = await client.post("/api/v1/session", json={"name": "Anna", "password": PASSWORD})
    assert answer.status_code == 201
    assert planted not in answer.headers["set-cookie"]
    thief = web.client()
    thief.cookies.set("millwright_session", planted)
    assert (await thief.get("/api/v1/session")).status_code == 401


async def test_a_known_browser_gets_in_while_others_guess(web: RunningWeb) -> None:
    administrator = await web.set_up()
    await administrator.delete("/api/v1/session")
    stranger = web.client()
    for _ in range(5):
        await stranger.post("/api/v1/session", json={"name": "Anna", "password": "wrong"})
    right = {"name": "Anna", "password": PASSWORD}
    assert (await stranger.post("/api/v1/session", json=right)).status_code == 429
    assert (await administrator.post("/api/v1/session", json=right)).status_code == 201


async def test_changes_take_a_fresh_proof(tmp_path: Path) -> None:
    settings = SignInSettings(proof_minutes=1e-6)
    async with running_web(tmp_path, sign_in=settings) as web:
        administrator = await web.set_up()
        person = (await administrator.get("/api/v1/session")).json()["person"]["id"]
        changes: list[tuple[str, str, Any]] = [
            ("POST", "/api/v1/tokens", {"name": "t", "roles": ["viewer"]}),
            ("POST", "/api/v1/people", {"name": "Bob", "password": PASSWORD, "roles": ["viewer"]}),
            ("PATCH", f"/api/v1/people/{person}", {"name": "Anne"}),
            ("DELETE", f"/api/v1/people/{person}/second-factor", None),
            ("POST", "/api/v1/account/second-factor", None),
            ("DELETE", "/api/v1/account/second-factor", None),
            ("POST", "/api/v1/account/second-factor/recovery-codes", None),
            ("POST", "/api/v1/account/passkeys/challenge", None),
            ("DELETE", "/api/v1/account/passkeys/psk_x", None),
            ("POST", "/api/v1/account/identities", {"provider": "x"}),
            ("DELETE", "/api/v1/account/identities/idy_x", None),
            ("POST", "/api/v1/prefixes/pfx_x/handle-keys", {}),
        ]
        for method, path, body in changes:
            answer = await administrator.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "parties.proof_required"), path
        before = administrator.cookies["millwright_session"]
        wrong = await administrator.post("/api/v1/session/proof", json={"password": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (403, "parties.proof_wrong")
        assert (await administrator.post("/api/v1/session/proof", json={})).status_code == 400
        assert (await administrator.post("/api/v1/session/proof", json={"password": PASSWORD})).status_code == 200
        assert administrator.cookies["millwright_session"] != before


async def test_another_persons_passkey_proves_nothing(web: RunningWeb) -> None:
    administrator = await web.set_up()
    bob = await web.person(administrator, "Bob", "viewer")
    host = urlsplit(web.url)
    origin = f"http://localhost:{host.port}"
    device = SoftwareAuthenticator(origin)
    named = {"host": f"localhost:{host.port}", "origin": origin}
    begun = (await bob.post("/api/v1/account/passkeys/challenge", headers=named)).json()
    made = {"ceremony": begun["ceremony"], "credential": device.create(begun["options"]), "name": "x"}
    assert (await bob.post("/api/v1/account/passkeys", json=made, headers=named)).status_code == 201
    for client, expected in ((administrator, 403), (bob, 200)):
        begun = (await client.post("/api/v1/session/passkey/challenge", headers=named)).json()
        shown = {"ceremony": begun["ceremony"], "credential": device.get(begun["options"])}
        assert (await client.post("/api/v1/session/proof", json=shown, headers=named)).status_code == expected


async def test_a_restricted_session_reaches_its_own_factors_alone(tmp_path: Path) -> None:
    settings = SignInSettings(second_factor_for=["administrator"])
    async with running_web(tmp_path, sign_in=settings) as web:
        administrator = await web.set_up()
        assert (await administrator.get("/api/v1/session")).json()["restricted"]
        elsewhere = ("/api/v1/devices", "/api/v1/people", "/api/v1/tokens", "/metrics", "/api/v1/overview")
        for path in (*elsewhere, "/api/v1/sessions", "/api/v1/accounts", "/api/v1/setups"):
            answer = await administrator.get(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "parties.second_factor_required"), path
        assert (await administrator.get("/api/v1/account/second-factor")).json()["required"]


async def test_a_token_reaches_nothing_of_a_persons_own_sign_in(web: RunningWeb) -> None:
    administrator = await web.set_up()
    made = await administrator.post("/api/v1/tokens", json={"name": "t", "roles": ["administrator"]})
    program = web.client(token=made.json()["token"])
    for method, path in (
        ("GET", "/api/v1/account/second-factor"),
        ("POST", "/api/v1/account/second-factor"),
        ("GET", "/api/v1/account/passkeys"),
        ("POST", "/api/v1/account/passkeys/challenge"),
        ("GET", "/api/v1/account/identities"),
        ("POST", "/api/v1/session/proof"),
    ):
        body = {"json": {}} if method == "POST" else {}
        answer = await program.request(method, path, **body)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (403, "parties.cookie_required"), path


async def test_secrets_shown_once_are_not_kept_for_repeated_requests(web: RunningWeb) -> None:
    administrator = await web.set_up()
    key = {"Idempotency-Key": "once"}
    begun = await administrator.post("/api/v1/account/second-factor", headers=key)
    assert begun.json()["secret"]
    again = await administrator.post("/api/v1/account/second-factor", headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "web.idempotency_answer_gone")
    with web.services.records.read() as connection:
        kept = connection.exec_driver_sql("SELECT body FROM web_answers").scalars().all()
    assert kept == [None]


async def test_fields_that_no_route_knows_are_refused(web: RunningWeb) -> None:
    """Mass assignment: every body that the document describes as an object takes its own fields and no other."""
    administrator = await web.set_up()
    document = (await administrator.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    loose, seen = [], 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            for media, found in content.items():
                name = found.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
                if media != "application/json" or not name or "properties" not in schemas[name]:
                    continue
                seen += 1
                if path.startswith(("/api/v1/session", "/api/v1/account", "/api/v1/setup", "/api/v1/people")):
                    address = path.replace("{person_id}", "x").replace("{passkey_id}", "x")
                    answer = await administrator.request(method.upper(), address, json={"roles_": 1, "id": "x"})
                    if answer.status_code != 400:
                        loose.append((method, path, answer.status_code))
    assert seen > 15
    assert loose == []
    person = {"name": "Bob", "password": PASSWORD, "roles": ["viewer"], "kind": "program", "id": "per_mine"}
    assert (await administrator.post("/api/v1/people", json=person)).status_code == 400
    change = {"roles": ["administrator"], "language": "en"}
    assert (await administrator.patch("/api/v1/session", json=change)).status_code == 400


async def test_a_live_streams_session_is_found_whatever_its_secret_until_it_ends(web: RunningWeb) -> None:
    administrator = await web.set_up()
    session = await web.services.parties.find_session(administrator.cookies["millwright_session"])
    assert session is not None
    await web.services.parties.prove(session, ["password"])
    assert await web.services.parties.find_by_id(session.id) is not None
    await web.services.parties.end_session(session, session.id)
    assert await web.services.parties.find_by_id(session.id) is None
