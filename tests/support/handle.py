"""A real Handle server on a free port over a fresh LMDB folder, and values for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from millwright.identity.handle import (
    HandleClient,
    HandleServer,
    HandleService,
    HandleSettings,
    HandleValue,
    Interface,
    Reference,
    SecretCredentials,
    Server,
    Site,
)
from millwright.identity.handle.keys import encode_public_key
from millwright.identity.handle.model import SECRET_PERMISSIONS
from millwright.identity.handle.special import Admin, encode_admin
from millwright.identity.records import Records
from millwright.kernel import SystemClock
from support.identifiers import home, open_records, put
from support.ports import free_port

ADMIN = Reference(b"0.NA/86.1000.1", 300)
SECRET = b"open sesame"


def value(index: int, kind: bytes = b"URL", data: bytes = b"https://example.com/", **more: Any) -> HandleValue:
    return HandleValue(index=index, type=kind, data=data, **more)


def admin_value(who: Reference = ADMIN, permissions: int = 0x0FFF, index: int = 100) -> HandleValue:
    return value(index, b"HS_ADMIN", encode_admin(Admin(who, permissions)))


def site_for(
    port: int, *, public_key: bytes = b"", host: str = "127.0.0.1", version: tuple[int, int] = (2, 11)
) -> Site:
    interfaces = tuple(Interface(3, transport, port) for transport in (1, 0))
    server = Server(1, ip_address(host), public_key, interfaces)
    return Site(servers=(server,), protocol_version=version)


@dataclass
class RunningHandle:
    server: HandleServer
    records: Records
    site: Site

    @property
    def port(self) -> int:
        return self.server.port

    def client(self, secret: bytes | None = None, who: Reference = ADMIN, **more: Any) -> HandleClient:
        return HandleClient([self.site], SecretCredentials(who, secret) if secret is not None else None, **more)


def fill(records: Records, prefix: bytes = b"86.1000.1", *extra: HandleValue) -> None:
    """A prefix with an administrator by secret, and one product."""
    home(records, prefix, b"0.NA")
    secret = value(300, b"HS_SECKEY", SECRET, permissions=int(SECRET_PERMISSIONS))
    put(
        records,
        (b"0.NA/" + prefix, (admin_value(Reference(b"0.NA/" + prefix, 300)), secret, *extra)),
        (prefix + b"/Product-1", (value(1), value(2, b"EMAIL", b"a@example.com"), admin_value())),
    )


@asynccontextmanager
async def running_handle(
    folder: Path,
    *extra: HandleValue,
    key: Any = None,
    administrators: tuple[Reference, ...] = (),
    records: Records | None = None,
    **settings: Any,
) -> AsyncIterator[RunningHandle]:
    """``extra`` values stand in the prefix handle ``0.NA/86.1000.1``."""
    if records is None:
        records = open_records(folder / "handles")
        fill(records, b"86.1000.1", *extra)
    public = encode_public_key(key.public_key()) if key is not None else b""
    chosen = HandleSettings(**{"host": "127.0.0.1", "port": free_port()} | settings)
    site = site_for(chosen.port, public_key=public)
    service = HandleService(records, site, chosen, SystemClock(), key=key, administrators=administrators)
    server = HandleServer(service)
    await server.start()
    try:
        yield RunningHandle(server, records, site)
    finally:
        await server.stop()
        records.close()


def with_type(given: HandleValue, kind: bytes) -> HandleValue:
    return replace(given, type=kind)
