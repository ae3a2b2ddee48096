"""Roles on other machines reach an external NATS server over TLS that asks for certificates on both sides."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millwright.engines.nats import NatsConnection, NatsSettings, find_server, tls_context
from millwright.kernel import Invalid, Unavailable
from support.certificates import make_authority, make_request, openssl
from support.ports import free_port


def certify(folder: Path, name: str) -> None:
    make_request(folder, name, subject=f"/CN={name}")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl(
        *("x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(folder / "ours.pem"), "-days", "5"),
        *("-CAkey", str(folder / "ours.key"), "-out", str(folder / f"{name}.pem"), "-extfile", str(folder / "san")),
    )


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[str]:
    make_authority(tmp_path)
    certify(tmp_path, "server")
    certify(tmp_path, "role")
    port = free_port()
    config = tmp_path / "nats.conf"
    files = f'cert_file: "{tmp_path}/server.pem", key_file: "{tmp_path}/server.key", ca_file: "{tmp_path}/ours.pem"'
    config.write_text(f'host: "127.0.0.1"\nport: {port}\ntls {{ {files}, verify: true }}\n')
    process = subprocess.Popen(
        [str(find_server()), "--config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"tls://localhost:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def test_both_sides_show_their_certificate(secured: str, tmp_path: Path) -> None:
    settings = NatsSettings(
        url=secured,
        ca=str(tmp_path / "ours.pem"),
        certificate=str(tmp_path / "role.pem"),
        key=str(tmp_path / "role.key"),
    )
    connection = NatsConnection(settings.url, "test", tls_context(settings))
    await connection.start()
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(_: str, payload: bytes) -> None:
        heard.put_nowait(payload)

    await connection.subscribe("secured", hear)
    await connection.publish("secured", b"hello")
    assert await asyncio.wait_for(heard.get(), 5) == b"hello"
    await connection.stop()


@pytest.mark.parametrize("shown", ["nothing", "no authority"])
async def test_who_cannot_prove_itself_stays_outside(secured: str, tmp_path: Path, shown: str) -> None:
    ca = str(tmp_path / "ours.pem") if shown == "nothing" else ""
    settings = NatsSettings(url=secured, ca=ca)
    connection = NatsConnection(settings.url, "test", tls_context(settings))
    with pytest.raises(Unavailable):
        await connection.start()
    await connection.stop()


def test_files_that_do_not_belong_together_are_said(tmp_path: Path) -> None:
    make_authority(tmp_path)
    make_request(tmp_path, "other")
    wrong = NatsSettings(url="tls://x", certificate=str(tmp_path / "ours.pem"), key=str(tmp_path / "other.key"))
    with pytest.raises(Invalid) as caught:
        tls_context(wrong)
    assert caught.value.code == "engines.nats_certificate_unusable"
    assert tls_context(NatsSettings(url="nats://x")) is None
    assert tls_context(NatsSettings()) is None
