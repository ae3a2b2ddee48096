"""Several listeners on one port, as the processes of one, and devices that belong to a known one of them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from millwright.devices.mqtt import MqttListener, Principal, Refusal
from millwright.devices.mqtt.shards import Shards, SlotFolder, slot_of
from millwright.devices.mqtt.shards.inbox import JetStreamInbox
from support.mqtt import OpenDoor, OpenPrincipal, running_listener
from support.ports import free_port


def devices_of(number: int, processes: int = 2) -> list[str]:
    """Four device ids that belong to process ``number``."""
    names = (f"d{each}" for each in itertools.count())
    return list(itertools.islice((name for name in names if slot_of(name, processes) == number), 4))


def running_process(
    nats_url: str, folder: Path, number: int, processes: int, hang_s: float = 60, **options: Any
) -> AbstractAsyncContextManager[MqttListener]:
    """One of ``processes`` listeners, with its own lock, links and connection to the broker."""
    return running_listener(
        nats_url,
        listener_id=f"listener-{number}",
        shards=lambda connection: Shards(
            number, processes, SlotFolder(folder / "slots"), JetStreamInbox(connection), hang_s=hang_s
        ),
        processes=processes,
        **options,
    )


@asynccontextmanager
async def running_processes(
    nats_url: str, folder: Path, processes: int = 2, **options: Any
) -> AsyncIterator[list[MqttListener]]:
    """All of them, in this process."""
    options.setdefault("port", free_port())
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(running_process(nats_url, folder, number, processes, **options))
            for number in range(1, processes + 1)
        ]


async def one_process(nats_url: str, folder: str, port: str, number: str, processes: str, hang_s: str) -> None:
    """A process of its own, until it is killed; says when it is ready."""
    async with running_process(nats_url, Path(folder), int(number), int(processes), float(hang_s), port=int(port)):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


class KnownCertificate(OpenDoor):
    """Knows one certificate, as one device's."""

    def __init__(self, fingerprint: bytes, device_id: str) -> None:
        super().__init__()
        self.fingerprint, self.device_id = fingerprint, device_id

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        if fingerprint != self.fingerprint:
            return Refusal(5, "certificate_unknown", arrival=False)
        return OpenPrincipal(self.device_id)


def self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A certificate of a device, good for a day."""
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "press")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    day = datetime.timedelta(days=1)
    return builder.not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256())
