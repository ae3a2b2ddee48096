"""Mutual TLS with clients that know nothing of us: openssl, mosquitto, paho. And a flood of handshakes."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from millwright.devices import DeviceChange, NewCredential
from millwright.devices.mqtt.codec import encode_publish
from millwright.devices.mqtt.packets import Publish
from support.certificates import make_authority, make_request, openssl
from support.mqtt import RawClient, connect_bytes, hang_up, until
from support.mtls import MutualTls, mutual_tls
from support.nats import RunningNats

needs_mosquitto = pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is missing")


def client_context(running: MutualTls, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(running.ca))
    if name:
        context.load_cert_chain(running.folder / f"{name}.pem", running.folder / f"{name}.key")
    return context


async def opened(running: MutualTls, name: str | None, first: bytes = b"") -> RawClient:
    client = RawClient(*await asyncio.open_connection("localhost", running.port, ssl=client_context(running, name)))
    client.send(first)
    return client


async def connected(running: MutualTls, name: str, client_id: str = "c") -> RawClient:
    client = await opened(running, name, connect_bytes(client_id))
    assert await client.packet() == (0x20, b"\x00\x00")
    return client


@needs_mosquitto
async def test_mosquitto_signs_in_by_certificate_and_is_confined(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        for kind in ("ec", "rsa", "ed25519"):
            await running.device(f"pump-{kind}", kind)
            done = await running.publish(f"pump-{kind}")
            assert done.returncode == 0, done.stderr
        assert running.listener.messages_in == 3
        # What a token may not, a certificate may not either: the topic of another device.
        await running.publish("pump-ec", "-t", "spBv1.0/g/NDATA/e")
        assert running.listener.closed["not_authorized"] == 1
        # The token still opens, and nothing opens nothing.
        device = await running.service.registry.find_by_name("pump-ec")
        assert device is not None
        token = (await running.service.credentials.issue(device.id, NewCredential())).token
        assert (await running.publish(None, "-u", token)).returncode == 0
        assert (await running.publish(None)).returncode != 0


async def test_openssl_verifies_the_listener_and_shows_whom_it_trusts(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        await running.device("pump-7")
        arguments = ["s_client", "-connect", f"localhost:{running.port}", "-verify_hostname", "localhost", "-brief"]
        arguments += ["-CAfile", str(running.ca), "-verify_return_error"]
        own = ["-cert", str(tmp_path / "pump-7.pem"), "-key", str(tmp_path / "pump-7.key")]
        said = await asyncio.to_thread(openssl, *arguments, *own, stdin=b"", check=False)
        assert "Verification: OK" in said
        old = await asyncio.to_thread(openssl, *arguments, *own, "-tls1_1", stdin=b"", check=False)
        assert "Verification: OK" not in old


@pytest.mark.alone
async def test_paho_stays_connected_until_its_certificate_is_revoked(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        made = await running.device("pump-7")
        device_id = made.issued.subject_id
        second = await running.certify(device_id, "pump-7-next")
        ended: list[str] = []
        clients = []
        for file in ("pump-7", "pump-7-next"):
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=file, reconnect_on_failure=False)
            client.tls_set(str(running.ca), str(tmp_path / f"{file}.pem"), str(tmp_path / f"{file}.key"))
            client.on_disconnect = lambda *_, name=file: ended.append(name)
            await asyncio.to_thread(client.connect, "localhost", running.port)
            client.loop_start()
            clients.append(client)
        await until(lambda: all(client.is_connected() for client in clients))
        await running.held.revoke(device_id, made.issued.id, "key_compromise")
        await until(lambda: ended == ["pump-7"])
        assert running.listener.closed["certificate_unknown"] == 1
        # The next certificate of the same device was not touched.
        assert clients[1].publish("v1/devices/me/telemetry", "{}", qos=1).rc == 0
        await running.held.revoke(device_id, second.issued.id, "superseded")
        await until(lambda: len(ended) == 2)
        for client in clients:
            await asyncio.to_thread(hang_up, client)


async def test_a_disabled_device_is_out_with_a_good_certificate(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        made = await running.device("pump-7")
        client = await connected(running, "pump-7")
        await running.service.registry.change(made.issued.subject_id, DeviceChange(disabled=True))
        await client.closed()
        refused = await opened(running, "pump-7", connect_bytes())
        assert await refused.packet() == (0x20, b"\x00\x05")
        for each in (client, refused):
            await each.close()


async def test_certificates_that_nobody_here_issued_open_nothing(nats: RunningNats, tmp_path: Path) -> None:
    certificate, _ = make_authority(tmp_path, "factory")
    (tmp_path / "factory-ca.pem").write_text(certificate)
    request = make_request(tmp_path, "stranger", subject="/CN=pump-7")
    assert request
    openssl(
        *("x509", "-req", "-in", str(tmp_path / "stranger.csr"), "-CA", str(tmp_path / "factory.pem")),
        *("-CAkey", str(tmp_path / "factory.key"), "-out", str(tmp_path / "stranger.pem"), "-days", "30"),
    )
    async with mutual_tls(nats.url, tmp_path) as running:
        await running.device("pump-7")
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            client = await opened(running, "stranger", connect_bytes())
            await client.packet()
        await until(lambda: running.listener.stats()["counters"]["tls_handshakes_failed"] == 1)
    # Believed by TLS because the settings name its authority, and still the certificate of no device.
    async with mutual_tls(nats.url, tmp_path / "second", client_ca=str(tmp_path / "factory-ca.pem")) as running:
        for name in ("stranger.pem", "stranger.key"):
            shutil.copy(tmp_path / name, running.folder / name)
        client = await opened(running, "stranger", connect_bytes())
        assert await client.packet() == (0x20, b"\x00\x05")
        await client.close()


async def test_required_refuses_tokens_on_every_port(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path, mode="required") as running:
        made = await running.device("pump-7")
        token = (await running.service.credentials.issue(made.issued.subject_id, NewCredential())).token
        plain = await RawClient.open(running.listener.port, connect_bytes(username=token))
        assert await plain.packet() == (0x20, b"\x00\x05")
        assert running.listener.closed["refused_certificate_required"] == 1
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            client = await opened(running, None, connect_bytes(username=token))
            await client.packet()
        good = await connected(running, "pump-7")
        for each in (plain, good):
            await each.close()


async def test_a_changed_certificate_is_used_without_ending_a_connection(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        await running.device("pump-7")
        client = await connected(running, "pump-7")
        before = running.node.certificate.read_bytes()
        running.node.certificate.unlink()
        assert await asyncio.to_thread(running.node.ensure)
        assert running.node.certificate.read_bytes() != before

        async def served() -> str:
            probe = await opened(running, None)
            found = probe._writer.get_extra_info("ssl_object").getpeercert(True)
            await probe.close()
            return ssl.DER_cert_to_PEM_cert(found)

        async with asyncio.timeout(10):
            while not running.node.certificate.read_text().startswith(await served()):
                pass
        client.send(encode_publish(Publish("v1/devices/me/telemetry", b"{}", 1, packet_id=7)))
        assert await client.packet() == (0x40, b"\x00\x07")
        # A broken file is not taken over.
        running.node.certificate.write_text("broken")
        await asyncio.sleep(0.2)
        again = await connected(running, "pump-7", "again")
        for each in (client, again):
            await each.close()


async def test_a_flood_of_handshakes_leaves_live_connections_alone(nats: RunningNats, tmp_path: Path) -> None:
    limits = {"tls_handshakes_per_s": 50.0, "max_unauthenticated_per_address": 20, "tls_handshakes": 30}
    async with mutual_tls(nats.url, tmp_path, connect_timeout_s=1.0, **limits) as running:
        await running.device("pump-7")
        client = await connected(running, "pump-7")
        flood = [await asyncio.open_connection("localhost", running.port) for _ in range(120)]
        most = 0
        for number in range(1, 40):
            client.send(encode_publish(Publish("v1/devices/me/telemetry", b"{}", 1, packet_id=number)))
            assert await client.packet() == (0x40, number.to_bytes(2, "big"))
            door = running.listener._door
            assert door is not None
            most = max(most, door.under_way)
            await asyncio.sleep(0.02)
        assert 0 < most <= 20
        assert running.listener.stats()["counters"]["tls_refused"] > 0
        for _, writer in flood:
            writer.close()
        # Afterwards everybody comes in again.
        late = await connected(running, "pump-7", "late")
        for each in (client, late):
            await each.close()


@needs_mosquitto
async def test_a_certificate_does_not_speak_for_another_device(nats: RunningNats, tmp_path: Path) -> None:
    async with mutual_tls(nats.url, tmp_path) as running:
        first, second = await running.device("pump-7"), await running.device("pump-8")
        token = (await running.service.credentials.issue(second.issued.subject_id, NewCredential())).token
        # A user name and token beside a certificate change nothing: the certificate decides alone.
        client = await opened(running, "pump-7", connect_bytes("x", username=token))
        assert await client.packet() == (0x20, b"\x00\x00")
        assert set(running.listener.revisions()) == {first.issued.subject_id}
        await client.close()
        # With another device's certificate and one's own key there is no handshake at all.
        command = ["mosquitto_pub", "-h", "localhost", "-p", str(running.port), "--cafile", str(running.ca)]
        command += ["--cert", str(tmp_path / "pump-8.pem"), "--key", str(tmp_path / "pump-7.key"), "-t", "t", "-m", "x"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=30, check=False)
        assert done.returncode != 0
