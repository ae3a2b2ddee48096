"""A listener with mutual TLS over real records: an authority, a node's certificate, devices with certificates."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millwright import certificates, devices, parties
from millwright.certificates import CertificateAuthority, CertificatesSettings, NodeCertificate
from millwright.certificates.node import own_names
from millwright.devices import Access, DevicesService, NewDevice
from millwright.devices.certificates import DeviceCertificates, IssuedCertificate
from millwright.devices.mqtt import ListenerTls, MqttListener
from millwright.engines import secrets
from millwright.engines.nats import NatsConnection
from millwright.engines.secrets import SecretsSettings, open_secrets
from millwright.kernel import SystemClock
from millwright.kernel.scope import EVERYTHING
from support.certificates import make_request
from support.mqtt import running_listener
from support.ports import free_port
from support.sqlite import migrated


@dataclass
class MutualTls:
    """What a test uses; files are in ``folder``: ``ca.pem`` (trusted), ``node.pem``, and those of each device."""

    folder: Path
    listener: MqttListener
    tls: ListenerTls
    node: NodeCertificate
    service: DevicesService
    held: DeviceCertificates

    @property
    def ca(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    @property
    def port(self) -> int:
        return self.listener.tls_port

    async def device(self, name: str, kind: str = "ec") -> IssuedCertificate:
        """A device with a certificate: ``<name>.pem`` and ``<name>.key``."""
        device_id = (await self.service.registry.create(NewDevice(name=name))).id
        return await self.certify(device_id, name, kind)

    async def certify(self, device_id: str, file: str, kind: str = "ec") -> IssuedCertificate:
        """A further certificate for a device."""
        request = await asyncio.to_thread(make_request, self.folder, file, kind=kind)
        made = await self.held.issue(device_id, request.encode())
        (self.folder / f"{file}.pem").write_text(made.certificate + made.chain)
        return made

    def options(self, name: str | None) -> list[str]:
        """mosquitto's options for a device's certificate."""
        own = ["--cert", str(self.folder / f"{name}.pem"), "--key", str(self.folder / f"{name}.key")] if name else []
        return ["-h", "localhost", "-p", str(self.port), "--cafile", str(self.ca), *own]

    async def publish(self, name: str | None, *more: str) -> subprocess.CompletedProcess[str]:
        """``mosquitto_pub`` with a device's certificate, QoS 1."""
        topic = ["-t", "v1/devices/me/telemetry", "-m", '{"temperature":1}', "-q", "1"]
        command = ["mosquitto_pub", *self.options(name), *topic, *more]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30, check=False)


@asynccontextmanager
async def mutual_tls(
    nats_url: str, folder: Path, *, mode: str = "optional", **settings: Any
) -> AsyncIterator[MutualTls]:
    clock = SystemClock()
    homes = [secrets.MIGRATIONS, parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
    records = migrated(folder, homes, EVERYTHING)
    sealed = open_secrets(SecretsSettings(), records, folder, clock)
    sealed.prepare()
    authority = CertificateAuthority(records, sealed, clock, CertificatesSettings())
    node = NodeCertificate(authority, records, clock, folder / "tls", "millwright", own_names([]))
    await asyncio.to_thread(node.ensure)
    bus = NatsConnection(nats_url, "test")
    await bus.start()
    service = DevicesService(records, bus, clock)

    def ask_again(device_id: str) -> None:
        listener.run(listener.reauthenticate(None if device_id == "*" else device_id))

    access = Access(service.credential_store, service.device_store, service.changes, bus, clock, ask_again)
    tls = ListenerTls(
        node.certificate, node.key, mode=mode, trust=lambda: "".join(authority.trusted()),
        client_ca=settings.get("client_ca", ""), poll_s=0.05,
    )  # fmt: skip
    await access.start()
    await tls.start()
    try:
        async with running_listener(
            nats_url,
            door=access,
            host="localhost",
            tls=tls,
            certificates=access,
            tls_port=free_port(),
            client_certificates=mode,
            **settings,
        ) as listener:
            yield MutualTls(
                folder,
                listener,
                tls,
                node,
                service,
                DeviceCertificates(authority, records, records, service.changes, clock),
            )
    finally:
        await tls.stop()
        await access.stop()
        await bus.stop()
        records.close()
