"""Clients of MQTT 5 that were not written here, over TCP, TLS and WebSocket; and signing in by signature."""

from __future__ import annotations

import asyncio
import queue
import shutil
import subprocess
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from millwright.devices.mqtt import Principal, Refusal, codec5
from millwright.devices.mqtt.codec5 import Authentication
from millwright.devices.mqtt.properties import Property
from millwright.devices.mqtt.signatures import signed_text
from support.intake import stored_payloads
from support.mqtt import OpenPrincipal, RawClient, connect_bytes, hang_up, publish_bytes, running_listener, until
from support.mqtt5 import Raw5, connect5_bytes, told_in
from support.nats import RunningNats
from support.ports import free_port
from support.tls import certificate, needs_openssl


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
@pytest.mark.parametrize("secured", [False, pytest.param(True, marks=needs_openssl)])
async def test_paho_speaks_mqtt_5_over_every_way_in(
    nats: RunningNats, tmp_path: Path, transport: Any, secured: bool
) -> None:
    settings: dict[str, Any] = {}
    if secured:
        chain, key = certificate(tmp_path, "IP:127.0.0.1")
        settings = {"tls_port": free_port(), "certificate": str(chain), "key": str(key)}
    async with running_listener(nats.url, **settings) as listener:
        messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        events: queue.Queue[tuple[str, Any]] = queue.Queue()
        client = paho.Client(CallbackAPIVersion.VERSION2, "p", protocol=paho.MQTTv5, transport=transport)
        if secured:
            client.tls_set(str(tmp_path / "cert.pem") if not chain.exists() else str(chain))
        client.on_message = lambda c, d, message: messages.put(message)
        client.on_connect = lambda c, d, f, reason, p: events.put(("connect", reason.value))
        client.on_subscribe = lambda c, d, m, reasons, p: events.put(("subscribe", [r.value for r in reasons]))
        client.on_publish = lambda c, d, m, reason, p: events.put(("publish", reason.value))

        async def event() -> tuple[str, Any]:
            return await asyncio.to_thread(events.get, timeout=10)

        await asyncio.to_thread(client.connect, "127.0.0.1", listener.tls_port if secured else listener.port)
        client.loop_start()
        assert await event() == ("connect", 0)
        client.subscribe([("plant/#", paho.SubscribeOptions(2)), ("test/nosubscribe", paho.SubscribeOptions(1))])
        assert await event() == ("subscribe", [2, 0x87])
        told = Properties(PacketTypes.PUBLISH)
        told.UserProperty = ("order", "7")
        payload = b"x" * 100_000  # several reads, and a frame of the longest form
        client.publish("plant/a", payload, 2, properties=told)
        assert await event() == ("publish", 0)
        found = await asyncio.to_thread(messages.get, timeout=10)
        assert (found.payload, found.qos, found.properties.UserProperty) == (payload, 2, [("order", "7")])
        client.publish("forbidden/a", b"", 1)
        assert await event() == ("publish", 0x87)
        client.disconnect()
        await asyncio.to_thread(hang_up, client)
    assert await stored_payloads(nats.url) == [payload]


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto's clients are not installed")
async def test_mosquitto_speaks_mqtt_5(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        port = str(listener.port)
        subscriber = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-V", "5", "-p", port, "-t", "$share/g/plant/#", "-q", "2", "-C", "2", "-W", "20",
            "-F", "%t %p %q %P", stdout=subprocess.PIPE,
        )  # fmt: skip
        for _ in range(200):
            if listener.exchange.subscriptions.count:
                break
            await asyncio.sleep(0.02)
        for payload in ("one", "two"):
            publisher = await asyncio.create_subprocess_exec(
                "mosquitto_pub", "-V", "5", "-p", port, "-t", "plant/a", "-m", payload, "-q", "1",
                "-D", "publish", "user-property", "shift", "early", "-D", "publish", "topic-alias", "3",
            )  # fmt: skip
            assert await publisher.wait() == 0
        out, _ = await subscriber.communicate()
        assert out.decode().split("\n")[:2] == ["plant/a one 1 shift:early", "plant/a two 1 shift:early"]
        refused = await asyncio.create_subprocess_exec(
            "mosquitto_pub", "-V", "5", "-p", port, "-t", "forbidden/a", "-m", "x", "-q", "1", stderr=subprocess.PIPE
        )
        _, errors = await refused.communicate()
        assert refused.returncode or b"Not authorized" in errors, errors


async def test_a_request_that_is_no_websocket_is_answered_as_http_and_can_be_turned_off(nats: RunningNats) -> None:
    request = b"GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n"
    async with running_listener(nats.url) as listener:
        client = await RawClient.open(listener.port, request)
        assert (await client.closed()).startswith(b"HTTP/1.1 426 ")
        assert listener.closed["websocket_refused"] == 1
        await client.close()
    async with running_listener(nats.url, websocket=False) as listener:
        client = await RawClient.open(listener.port, request)
        assert await client.closed() == b""
        assert listener.closed["not_mqtt"] == 1
        await client.close()


async def test_pings_of_a_websocket_that_does_not_read_end_it_before_anybody_signed_in(nats: RunningNats) -> None:
    request = (
        b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    pings = (b"\x89\xfd" + bytes(4) + b"x" * 125) * 2000
    async with running_listener(nats.url) as listener:
        deaf = await RawClient.open(listener.port, request)
        for _ in range(200):
            deaf.send(pings)
            await asyncio.sleep(0.01)
            if listener.closed["slow_reader"]:
                break
        await until(lambda: listener.closed["slow_reader"] == 1)
        deaf.ends()[1].transport.abort()
        await deaf.close()


async def test_a_websocket_that_closes_without_a_goodbye_is_a_lost_connection(nats: RunningNats) -> None:
    request = (
        b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )

    def frame(data: bytes, opcode: int = 2) -> bytes:
        return bytes((0x80 | opcode, 0x80 | len(data))) + bytes(4) + data

    async with running_listener(nats.url) as listener:
        client = await RawClient.open(listener.port)
        # Two packets in one frame, one packet in two, behind the request.
        packet = publish_bytes("plant/a", b"1", 1, 1)
        client.send(request + frame(connect_bytes() + packet[:5]) + frame(packet[5:]))
        reader, _ = client.ends()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await reader.readexactly(12) == b"\x82\x04\x20\x02\x00\x00" + b"\x82\x04\x40\x02\x00\x01"
        client.send(frame(b"\x03\xe8", 8))
        assert await client.closed() == b"\x88\x02\x03\xe8"
        assert listener.closed["connection_lost"] == 1
        await client.close()
    assert await stored_payloads(nats.url) == [b"1"]


class Registered:
    """Knows one certificate."""

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint, self.revoked = fingerprint, False

    async def authenticate(self, *_: object) -> Principal | Refusal:
        return OpenPrincipal()

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        if self.revoked or fingerprint != self.fingerprint:
            return Refusal(5, "certificate_unknown", arrival=False)
        return OpenPrincipal("dev_cert")


def made(key: Any, days: int = 1) -> x509.Certificate:
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "press")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=9)).not_valid_after(
        now + datetime.timedelta(days=days)
    )
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def sign(key: Any, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(text, ec.ECDSA(hashes.SHA256()))
    return bytes(key.sign(text))


async def answer(client: Raw5, key: Any, client_id: str = "press") -> None:
    """Take the challenge and sign it."""
    first, body = await client.packet()
    assert (first, body[0]) == (0xF0, 0x18)
    told = told_in(body, 1)
    assert told[Property.AUTHENTICATION_METHOD] == "X509-SIGNATURE"
    signature = sign(key, signed_text(told[Property.AUTHENTICATION_DATA], client_id))
    client.send(codec5.encode_auth(Authentication(0x18, "X509-SIGNATURE", signature)))


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
async def test_a_device_signs_in_by_its_key_and_is_looked_at_anew(nats: RunningNats, kind: str) -> None:
    key: Any = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    shown = made(key)
    der = shown.public_bytes(serialization.Encoding.DER)
    door = Registered(shown.fingerprint(hashes.SHA256()))
    method = {"authentication_method": "X509-SIGNATURE", "authentication_data": der}

    async def start(**options: Any) -> Raw5:
        return Raw5(*(await RawClient.open(listener.port, connect5_bytes("press", **{**method, **options}))).ends())

    async with running_listener(nats.url, door=door, certificates=door) as listener:
        client = await start()
        await answer(client, key)
        first, body = await client.packet()
        assert (first, body[1]) == (0x20, 0)
        assert told_in(body, 2)[Property.AUTHENTICATION_METHOD] == "X509-SIGNATURE"
        assert list(listener.revisions()) == ["dev_cert"]
        again = codec5.encode_auth(Authentication(0x19, "X509-SIGNATURE"))
        client.send(again)
        await answer(client, key)
        first, body = await client.packet()
        assert (first, body[0]) == (0xF0, 0x00)
        for wrong, code in (
            (await start(), 0x86),  # signed for another client id
            (await start(authentication_data=b"no certificate"), 0x86),
            (await start(authentication_data=made(key, -1).public_bytes(serialization.Encoding.DER)), 0x86),
            (await start(authentication_data=made(key).public_bytes(serialization.Encoding.DER)), 0x87),
        ):
            await answer(wrong, key, "press" if code == 0x87 else "other")
            first, body = await wrong.packet()
            assert (first, body[1]) == (0x20, code)
            await wrong.close()
        door.revoked = True
        client.send(again)
        await answer(client, key)
        assert (await client.goodbye())[0] == 0x87
        unasked = await start()
        await unasked.packet()
        unasked.send(b"\xc0\x00")
        first, body = await unasked.packet()
        assert (first, body[1]) == (0x20, 0x82)
        await unasked.close()
    async with running_listener(nats.url, door=door, certificates=door, client_certificates="off") as listener:
        client = await start()
        assert (await client.packet())[1][1] == 0x8C
        await client.close()
