"""Enrolment as a device does it: in JSON, by curl and openssl; authorities; a renewed https certificate."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import make_authority, make_request, openssl
from support.web import RunningWeb, running_web


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[RunningWeb]:
    async with running_web(tmp_path) as running:
        yield running


async def device(api: httpx.AsyncClient, name: str = "pump-7") -> str:
    answer = await api.post("/api/v1/devices", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_device_enrols_with_a_code_and_renews_with_its_certificate(web: RunningWeb, tmp_path: Path) -> None:
    api, outside = await web.set_up(), web.client(token="none")
    outside.headers.pop("authorization")
    assert (await outside.get("/api/v1/certificates/root")).json()["code"] == "certificates.no_authority"
    device_id = await device(api)
    path = f"/api/v1/devices/{device_id}/certificates"
    key = {"Idempotency-Key": "once"}
    made = await api.post(f"{path}/code", json={"hours": 2}, headers=key)
    code = made.json()["code"]
    # What is shown once is not kept for a repeated request either.
    again = await api.post(f"{path}/code", json={"hours": 2}, headers=key)
    assert again.json()["code"] == "web.idempotency_answer_gone"

    body = {"request": make_request(tmp_path)}
    wrong = await outside.post("/api/v1/enrolment", json=body, auth=("pump-7", "mwe_wrong"))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "devices.credential_wrong")
    weak = await outside.post("/api/v1/enrolment", json={"request": "x"}, auth=("pump-7", code))
    assert (weak.status_code, weak.json()["code"]) == (400, "certificates.request_malformed")
    assert weak.json()["errors"][0]["pointer"] == "/request"
    first = await outside.post("/api/v1/enrolment", json=body, auth=("pump-7", code))
    assert first.status_code == 201, first.text
    assert (await outside.post("/api/v1/enrolment", json=body, auth=("pump-7", code))).status_code == 401

    request = make_request(tmp_path, "next")
    signature = tmp_path / "signature"
    openssl(
        "dgst", "-sha256", "-sign", str(tmp_path / "device.key"), "-out", str(signature), str(tmp_path / "next.csr")
    )
    renewal = {
        "request": request,
        "certificate": first.json()["certificate"],
        "signature": base64.b64encode(signature.read_bytes()).decode(),
    }
    second = await outside.post("/api/v1/enrolment/renewal", json=renewal)
    assert second.status_code == 201, second.text
    listed = (await api.get(path)).json()
    assert [(each["origin"], each["state"]) for each in listed] == [("renewal", "valid"), ("code", "valid")]

    revoked = await api.post(f"{path}/{listed[1]['id']}/revocation", json={"reason": "key_compromise"})
    assert revoked.status_code == 204
    assert (await outside.post("/api/v1/enrolment/renewal", json=renewal)).status_code == 403
    crl = await outside.get(f"/api/v1/certificates/crl/{listed[1]['authority_id']}")
    text = openssl("crl", "-inform", "DER", "-noout", "-text", stdin=crl.content)
    assert listed[1]["serial"].upper() in text.replace(":", "").upper()
    assert "Key Compromise" in text
    every = (await api.get("/api/v1/certificates", params={"status": "revoked"})).json()
    assert [each["id"] for each in every["items"]] == [listed[1]["id"]]
    file = (await api.get(f"{path}/{listed[0]['id']}/pem")).text
    assert file.count("BEGIN CERTIFICATE") == 2
    root = (await outside.get("/api/v1/certificates/root")).text
    (tmp_path / "root.pem").write_text(root)
    (tmp_path / "file.pem").write_text(file)
    trust = ["-CAfile", str(tmp_path / "root.pem"), "-untrusted", str(tmp_path / "file.pem")]
    said = openssl("verify", *trust, str(tmp_path / "file.pem"))
    assert "OK" in said


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_est_as_rfc_7030_has_it(web: RunningWeb, tmp_path: Path) -> None:
    api = await web.set_up()
    device_id = await device(api)
    token = (await api.post(f"/api/v1/devices/{device_id}/credentials", json={})).json()["token"]
    make_request(tmp_path)
    openssl("req", "-in", str(tmp_path / "device.csr"), "-outform", "DER", "-out", str(tmp_path / "device.der"))
    openssl("base64", "-in", str(tmp_path / "device.der"), "-out", str(tmp_path / "device.b64"))

    def curl(path: str, *options: str) -> bytes:
        command = ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code} %{content_type}", *options]
        command.append(f"{web.url}/.well-known/est/{path}")
        return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout

    def certificates(answer: bytes) -> str:
        body, _, status = answer.rpartition(b"\n")
        assert status == b"200 application/pkcs7-mime", answer
        return openssl("pkcs7", "-inform", "DER", "-print_certs", "-noout", stdin=base64.b64decode(body))

    for action in ("simpleenroll", "simplereenroll"):
        options = ["-u", f"pump-7:{token}", "-H", "Content-Type: application/pkcs10"]
        options += ["-H", "Content-Transfer-Encoding: base64", "--data-binary", f"@{tmp_path / 'device.b64'}"]
        assert device_id in certificates(await asyncio.to_thread(curl, action, *options))
    assert "Millwright root" in certificates(await asyncio.to_thread(curl, "cacerts"))
    refused = await asyncio.to_thread(
        curl, "simpleenroll", "-u", "pump-7:no", "-H", "Content-Type: application/pkcs10", "--data-binary", "x"
    )
    assert refused.endswith(b"\n401 application/problem+json")
    large = await asyncio.to_thread(
        curl, "simpleenroll", "-u", f":{token}", "-H", "Content-Type: application/pkcs10", "--data-binary", "A" * 20000
    )
    assert large.endswith(b"\n413 application/problem+json")


async def test_an_administrator_makes_and_imports_authorities(web: RunningWeb, tmp_path: Path) -> None:
    api = await web.set_up()
    engineer = await web.person(api, "Erik", "engineer")
    assert (await engineer.post("/api/v1/certificates/authorities")).status_code == 403
    made = (await api.post("/api/v1/certificates/authorities")).json()
    assert [(each["role"], each["active"]) for each in made] == [("issuing", True), ("root", True)]
    certificate, key = make_authority(tmp_path)
    answer = await api.post("/api/v1/certificates/authorities/import", json={"certificate": certificate, "key": key})
    assert answer.status_code == 201, answer.text
    assert "PRIVATE" not in answer.text
    assert [each["origin"] for each in answer.json() if each["active"] and each["role"] == "issuing"] == ["imported"]
    assert (await api.get("/api/v1/certificates/root")).text == certificate
    bad: dict[str, Any] = {"certificate": certificate, "key": "-----BEGIN PRIVATE KEY-----\nbWFya2Vy\n"}
    refused = await api.post("/api/v1/certificates/authorities/import", json=bad)
    assert refused.json()["code"] == "certificates.authority_invalid"
    assert "bWFya2Vy" not in refused.text


def self_signed(folder: Path) -> tuple[Path, Path]:
    chain, key = folder / "web.pem", folder / "web.key"
    new = folder / "new.pem", folder / "new.key"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", str(new[1]), "-out", str(new[0])),
    )
    new[1].replace(key)
    new[0].replace(chain)
    return chain, key


async def test_a_renewed_certificate_is_served_while_a_stream_goes_on(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path)
    async with running_web(tmp_path, certificate=str(chain), key=str(key)) as web:
        first = chain.read_text()
        port = int(web.url.rsplit(":", 1)[1])

        def served() -> str:
            try:
                return ssl.get_server_certificate(("127.0.0.1", port))
            except OSError:  # it waited for the server that stops at this moment
                return ""

        assert await asyncio.to_thread(served) == first
        code = await web.services.parties.new_setup_code()
        context = ssl.create_default_context(cafile=str(chain))
        async with httpx.AsyncClient(
            base_url=web.url, verify=context, headers={"Origin": web.url}, timeout=30
        ) as client:
            person = {"name": "Anna", "password": "copper kettles whistle", "code": code}
            assert (await client.post("/api/v1/setup", json=person)).status_code == 201
            async with client.stream("GET", "/api/v1/live") as stream:
                lines = stream.aiter_lines()
                assert await anext(lines)
                self_signed(tmp_path)
                await web.server.renew()
                async with asyncio.timeout(20):
                    while await asyncio.to_thread(served) != chain.read_text():
                        pass
                assert chain.read_text() != first
                # The stream that was open goes on, and new connections know the same sessions.
                renewed = ssl.create_default_context(cafile=str(chain))
                async with httpx.AsyncClient(base_url=web.url, verify=renewed, cookies=client.cookies) as late:
                    assert (await late.get("/api/v1/session")).json()["person"]["name"] == "Anna"
                async with asyncio.timeout(30):
                    assert await anext(lines) is not None
                    while not (await anext(lines)).startswith(":"):
                        pass
        # A broken file ends nothing.
        chain.write_text("broken")
        from millwright.kernel import Invalid

        with pytest.raises(Invalid) as caught:
            await web.server.renew()
        assert caught.value.code == "web.certificate_unusable"
        assert await asyncio.to_thread(served)
