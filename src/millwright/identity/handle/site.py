"""HS_SITE: a service site, its servers and where they listen (RFC 3651, 3.2.3)."""

from __future__ import annotations

import hashlib
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.naming import PREFIX_HANDLES, fold
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int

_PRIMARY = 0x80
_MULTI_PRIMARY = 0x40


class Transport(IntEnum):
    """How an interface is spoken to."""

    UDP = 0
    TCP = 1
    HTTP = 2
    HTTPS = 3


class Service(IntEnum):
    """What an interface is for."""

    NONE = 0
    ADMINISTRATION = 1
    RESOLUTION = 2
    BOTH = 3


class HashOption(IntEnum):
    """Which part of a handle tells the server of a site that has it."""

    PREFIX = 0
    SUFFIX = 1
    ALL = 2


class Interface(Struct, frozen=True):
    """Where a server listens."""

    service: int
    transport: int
    port: int


class Server(Struct, frozen=True):
    """One server of a site; ``public_key`` is in the form of HS_PUBKEY (:mod:`.keys`)."""

    id: int
    address: IPv4Address | IPv6Address
    public_key: bytes = b""
    interfaces: tuple[Interface, ...] = ()

    def find_port(self, transport: int, service: int = Service.RESOLUTION) -> int | None:
        """The port for a transport and a service."""
        for interface in self.interfaces:
            if interface.transport == transport and interface.service & service:
                return interface.port
        return None


class Site(Struct, frozen=True, kw_only=True):
    """A service site; ``attributes`` are pairs of name and value such as ``desc`` and ``domain``."""

    servers: tuple[Server, ...]
    format_version: int = 1
    protocol_version: tuple[int, int] = (2, 11)
    serial: int = 1
    primary: bool = True
    multi_primary: bool = False
    hash_option: int = HashOption.ALL
    hash_filter: bytes = b""
    attributes: tuple[tuple[bytes, bytes], ...] = ()

    def server_of(self, handle: bytes) -> Server:
        """The server that has a handle (RFC 3652, 3.1.2). Raises ``MessageError`` for a site without servers."""
        if not self.servers:
            raise MessageError("a site has no servers")
        return self.servers[hash_of(handle, self.hash_option) % len(self.servers)]


def hash_of(handle: bytes, option: int) -> int:
    """The number by which handles are spread over the servers of a site (RFC 3652, 3.1.2)."""
    prefix, slash, suffix = handle.partition(b"/")
    if option == HashOption.PREFIX:
        part = prefix if slash else PREFIX_HANDLES
    elif option == HashOption.SUFFIX:
        part = suffix if slash else handle
    else:
        part = handle
    digest = hashlib.md5(fold(part), usedforsecurity=False).digest()
    return abs(int.from_bytes(digest[-4:], "big", signed=True))


def encode_site(site: Site) -> bytes:
    """HS_SITE as data."""
    flags = (_PRIMARY if site.primary else 0) | (_MULTI_PRIMARY if site.multi_primary else 0)
    parts = [
        site.format_version.to_bytes(2, "big"),
        bytes(site.protocol_version),
        (site.serial & 0xFFFF).to_bytes(2, "big"),
        bytes((flags, site.hash_option)),
        write_bytes(site.hash_filter),
        write_int(len(site.attributes)),
    ]
    for name, value in site.attributes:
        parts += write_bytes(name), write_bytes(value)
    parts.append(write_int(len(site.servers)))
    for server in site.servers:
        parts += write_int(server.id), server.address.packed.rjust(16, b"\x00")
        parts += write_bytes(server.public_key), write_int(len(server.interfaces))
        for interface in server.interfaces:
            parts += bytes((interface.service, interface.transport)), write_int(interface.port)
    return b"".join(parts)


def decode_site(data: bytes) -> Site:
    """HS_SITE from data. Raises ``MessageError``."""
    reader = Reader(data)
    format_version, version, serial = reader.short(), (reader.byte(), reader.byte()), reader.short()
    flags, hash_option, hash_filter = reader.byte(), reader.byte(), reader.array()
    attributes = tuple((reader.array(), reader.array()) for _ in range(reader.count(8)))
    servers = tuple(_read_server(reader) for _ in range(reader.count(28)))
    reader.end()
    return Site(
        servers=servers,
        format_version=format_version,
        protocol_version=version,
        serial=serial,
        primary=bool(flags & _PRIMARY),
        multi_primary=bool(flags & _MULTI_PRIMARY),
        hash_option=hash_option,
        hash_filter=hash_filter,
        attributes=attributes,
    )


def _read_server(reader: Reader) -> Server:
    server_id, address, public_key = reader.number(), read_address(reader.take(16)), reader.array()
    interfaces = []
    for _ in range(reader.count(6)):
        service, transport, port = reader.byte(), reader.byte(), reader.number()
        if port > 65_535:
            raise MessageError("a port is above 65535")
        interfaces.append(Interface(service, transport, port))
    return Server(server_id, address, public_key, tuple(interfaces))


def read_address(packed: bytes) -> IPv4Address | IPv6Address:
    """An address in sixteen octets; twelve zeros before it make it one of IPv4."""
    if packed[:12] in (bytes(12), bytes(10) + b"\xff\xff"):
        return IPv4Address(packed[12:])
    return IPv6Address(packed)


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """An address from text. Raises ``MessageError``."""
    try:
        return ip_address(text)
    except ValueError as error:
        raise MessageError("an address is none") from error
