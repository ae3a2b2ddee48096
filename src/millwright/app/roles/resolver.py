"""The role ``resolver``: identifiers asked for by Handle clients, and the index brought up to their log."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from millwright.app.archiving import ArchiveKeeper
from millwright.app.identifiers import (
    RecordedHandles,
    administrators_of,
    archive_of,
    primary_bus_of,
    recursor_of,
    register_of,
    watch_of,
)
from millwright.app.node import Composition, Node
from millwright.app.stats import Figures, figures
from millwright.identity.handle import HandleServer, HandleService, HandleSettings, Interface, Server, Site
from millwright.identity.handle.site import Service, Transport
from millwright.identity.operation.telling import MirrorTeller, Teller
from millwright.identity.operation.watch import Watch
from millwright.identity.records import Follower
from millwright.identity.records.comparing import StandingTeller
from millwright.identity.records.offering import SnapshotTeller
from millwright.kernel import Invalid, Part
from millwright.ledger import Denials, Recorder

if TYPE_CHECKING:
    from millwright.identity.recursion import Recursor

_EVERY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_OUTSIDE = ("192.0.2.1", 9)
"""An address of documentation (RFC 5737): nothing is sent there, only looked which own address would be used."""


def compose(node: Node) -> Composition:
    """The register, what follows its log, and the Handle server."""
    settings = node.settings.handle
    if not settings.port:
        settings = structs.replace(settings, port=_free_port(settings.host))
    records = register_of(node)
    follower = Follower(records, node.bus, node.clock)
    recorder = Recorder(node.bus)
    denials = Denials(recorder, node.clock, interval_s=node.settings.ledger.repeats_every_s)
    handles = RecordedHandles(records, recorder, denials, node.clock)
    key = _read_key(settings.key) if settings.key else None
    watch = watch_of(node, records)
    recursor = recursor_of(node, handles, watch, settings.port)
    service = HandleService(
        handles,
        _site(settings, key, primary=not node.settings.identity.follows),
        settings,
        node.clock,
        key=key,
        administrators=administrators_of(settings),
        recursion=recursor,
        failed=handles.failed,
        watch=watch,
    )
    server = HandleServer(service)
    keeper = ArchiveKeeper(node)
    node.stats.sources += [
        lambda: figures(follower.counters(), follower.gauges(), follower.problems()),
        lambda: Figures(**server.stats()),
        lambda: Figures(recorder.counters()),
        lambda: figures({}, keeper.gauges(), keeper.problems()),
    ]
    host = _EVERY.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    parts: list[Part] = [records, follower, recorder, denials, handles]
    if recursor is not None:
        parts.append(recursor)
    if not node.settings.identity.follows:
        parts.append(StandingTeller(records, node.bus, node.settings.node.name))
        parts.append(SnapshotTeller(archive_of(node.settings, node.clock), node.bus))
    else:
        primary = primary_bus_of(node, records)
        parts.append(MirrorTeller(records, follower, primary, node.settings.node.name))
    parts.append(Teller(watch, node.bus, node.settings.node.name))
    parts.append(keeper)
    parts.append(server)
    if node.settings.resolution.port:
        parts.append(_over_http(node, handles, recursor, watch))
    return Composition(parts, f"handle://{shown}:{settings.port}")


def _over_http(node: Node, handles: RecordedHandles, recursor: Recursor | None, watch: Watch) -> Part:
    """Resolution over HTTP on a port of its own; imported only by who wants it."""
    from millwright.identity.resolution import resolution_app
    from millwright.identity.resolution.server import ResolutionServer

    app = resolution_app(
        handles,
        node.settings.resolution,
        node.clock,
        administrators=administrators_of(node.settings.handle),
        recursion=recursor,
        failed=handles.failed,
        watch=watch,
    )
    node.stats.sources.append(lambda: Figures(app.counters()))
    return ResolutionServer(app, node.settings.resolution)


def _site(settings: HandleSettings, key: Any, *, primary: bool) -> Site:
    """What the server says about itself."""
    public_key = b""
    if key is not None:
        from millwright.identity.handle.keys import encode_public_key

        public_key = encode_public_key(key.public_key())
    try:
        address = ip_address(settings.address or _own_address(settings.host))
    except ValueError as error:
        raise Invalid(
            f"[handle] address is no address of the Internet Protocol: {settings.address or settings.host}",
            code="handle.address_invalid",
            hint="Give it as numbers: 203.0.113.7, or 2001:db8::7.",
        ) from error
    interfaces = tuple(
        Interface(Service.BOTH, transport, settings.port) for transport in (Transport.TCP, Transport.UDP)
    )
    return Site(servers=(Server(1, address, public_key, interfaces),), primary=primary)


def _own_address(host: str) -> str:
    if host not in _EVERY:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_OUTSIDE)
        except OSError:
            return _EVERY[host]
        return str(probe.getsockname()[0])


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _read_key(path: str) -> Any:
    """The private key of a file. Raises ``Invalid`` (``handle.key_unusable``)."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from millwright.identity.handle.keys import encode_public_key

    try:
        key: Any = load_pem_private_key(Path(path).read_bytes(), None)
        encode_public_key(key.public_key())
    except Exception as error:  # the library has many of its own
        raise Invalid(
            f"The key {path} cannot be used by the Handle server: {error}",
            code="handle.key_unusable",
            hint="Name a PEM file without a password, with a key of RSA, DSA or P-256.",
        ) from error
    return key
