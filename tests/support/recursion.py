"""A small tree of Handle servers on real sockets, and a server that answers whatever a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millwright.identity.handle import HandleValue
from millwright.identity.handle.site import Site, encode_site
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.handle.wire.message import (
    ENVELOPE_BYTES,
    HEADER_BYTES,
    Message,
    decode_envelope,
    decode_message,
    digest,
    encode_digest,
    encode_message,
    packets,
)
from millwright.identity.handle.wire.requests import Resolve, decode_request
from millwright.identity.records import Prefix, Records
from millwright.identity.recursion import RecursionSettings, Recursor
from millwright.kernel import Clock, SystemClock
from support.handle import RunningHandle, running_handle, site_for, value
from support.identifiers import home, open_records, put

TOP, SECONDARY, ENTERPRISE = b"88", b"88.118", b"88.118.8"


def delegate(records: Records, prefix: bytes, *sites: Site, ttl: int = 300) -> None:
    """Say that a prefix is kept at these sites, by its prefix handle."""
    values = tuple(value(number + 1, b"HS_SITE", encode_site(site), ttl=ttl) for number, site in enumerate(sites))
    put(records, (b"0.NA/" + prefix, values))


def delegate_entry(records: Records, prefix: str, site: Site) -> None:
    """The same by the entry of the prefix, as names of other code systems need it."""
    entry = Prefix(prefix=prefix, organisation_id="org_test", state="active", site=encode_site(site))
    records.change_many((), who="test", prefixes=[entry])


@dataclass
class Tree:
    """``root`` keeps 0.NA; below it ``secondary`` (88.118), below that ``enterprise`` (88.118.8)."""

    root: RunningHandle
    secondary: RunningHandle
    enterprise: RunningHandle

    @property
    def roots(self) -> list[str]:
        return [f"127.0.0.1:{self.root.port}"]


@asynccontextmanager
async def running_tree(folder: Path) -> AsyncIterator[Tree]:
    def register(name: str, *prefixes: bytes) -> Records:
        records = open_records(folder / name)
        home(records, *prefixes)
        return records

    root, secondary = register("root", b"0.NA"), register("secondary", SECONDARY)
    enterprise = register("enterprise", ENTERPRISE)
    async with (
        running_handle(folder, records=root) as at_root,
        running_handle(folder, records=secondary) as at_secondary,
        running_handle(folder, records=enterprise) as at_enterprise,
    ):
        # The derived prefix is delegated by the secondary, whose own prefix the root delegates for all below.
        delegate_entry(root, SECONDARY.decode(), at_secondary.site)
        delegate_entry(secondary, ENTERPRISE.decode(), at_enterprise.site)
        put(secondary, (SECONDARY + b"/s-1", (value(1, ttl=300),)))
        put(enterprise, (ENTERPRISE + b"/Pump-1", (value(1, ttl=300), value(2, b"EMAIL", b"a@example.com", ttl=60))))
        yield Tree(at_root, at_secondary, at_enterprise)


@asynccontextmanager
async def running_recursive(
    folder: Path, roots: list[str], clock: Clock | None = None, records: Records | None = None, **more: Any
) -> AsyncIterator[tuple[RunningHandle, Recursor]]:
    """A node that keeps ``77.1`` itself and asks for everything else."""
    if records is None:
        records = open_records(folder / "recursive")
        home(records, b"77.1")
        put(records, (b"77.1/own", (value(1),)))
    async with running_handle(folder, records=records) as handle:
        recursor = Recursor(
            records,
            RecursionSettings(enabled=True, roots=roots, **more),
            clock or SystemClock(),
            lambda host, port: host == "127.0.0.1" and port == handle.port,
        )
        handle.server.service.recursion = recursor
        if clock is not None:
            handle.server.service.clock = clock
        try:
            yield handle, recursor
        finally:
            await recursor.stop()


Answer = Callable[[bytes], tuple[int, bytes] | None]
"""From the handle asked for: response code and body, ``None`` for silence."""


class _Scripted(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, change: Callable[[Message], Message]) -> None:
        self._answer, self._change = answer, change
        self.asked: list[bytes] = []
        self.flags: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        envelope = decode_envelope(data)
        body = data[ENVELOPE_BYTES:]
        message = decode_message(body)
        request = decode_request(message.op, message.body)
        assert isinstance(request, Resolve)
        self.asked.append(request.handle)
        self.flags.append(message.flags)
        found = self._answer(request.handle)
        if found is None:
            return
        code, content = found
        signed = body[: HEADER_BYTES + len(message.body)]
        reply = self._change(
            Message(
                op=message.op,
                response_code=code,
                flags=Flag.REQUEST_DIGEST,
                expires_s=message.expires_s,
                body=encode_digest(3, digest(3, signed)) + content,
            )
        )
        for packet in packets((2, 11), 0, envelope.request_id, encode_message(reply, (2, 11))):
            self._transport.sendto(packet, addr)


@dataclass
class Scripted:
    """A server that says what a test wants, over UDP."""

    port: int
    protocol: _Scripted

    @property
    def asked(self) -> list[bytes]:
        return self.protocol.asked

    @property
    def site(self) -> Site:
        return site_for(self.port)


@asynccontextmanager
async def scripted(
    answer: Answer, change: Callable[[Message], Message] = lambda message: message
) -> AsyncIterator[Scripted]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Scripted(answer, change), local_addr=("127.0.0.1", 0)
    )
    try:
        yield Scripted(transport.get_extra_info("sockname")[1], protocol)
    finally:
        transport.close()


def record(handle: bytes, *values: HandleValue) -> tuple[int, bytes]:
    """A successful answer."""
    from millwright.identity.handle.model import encode_value
    from millwright.identity.handle.wire.responses import encode_resolved

    return Rc.SUCCESS, encode_resolved(handle, b"".join(map(encode_value, values)), len(values))


def referral(prefix_handle: bytes, *sites: Site, code: int = Rc.SERVICE_REFERRAL) -> tuple[int, bytes]:
    """A referral to sites."""
    kind = b"HS_SITE" if code == Rc.SERVICE_REFERRAL else b"HS_SITE.PREFIX"
    values = [value(number + 1, kind, encode_site(site), ttl=300) for number, site in enumerate(sites)]
    return code, record(prefix_handle, *values)[1]
