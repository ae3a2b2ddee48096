"""One look at what the kernel knows, and what is told from it without asking anybody."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.network.linux.sockets import Socket, inodes_of, read_sockets
from millwright.devices.network.linux.tables import read_dns, read_interfaces, read_neighbours, read_routes
from millwright.devices.network.model import Interface, Listening, Neighbour, Readiness, Route, SiteLink, Spoken
from millwright.devices.network.protocols import name_of

_MOST: Final = 500


@dataclass(frozen=True)
class Snapshot:
    """What there was at one moment. ``limits``: what could not be read."""

    interfaces: list[Interface]
    routes: list[Route] = field(default_factory=list)
    neighbours: list[Neighbour] = field(default_factory=list)
    dns: list[str] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    host: str = ""

    def own(self) -> set[str]:
        """The addresses of this machine."""
        return {each.address for interface in self.interfaces for each in interface.addresses}

    def gateways(self) -> list[Route]:
        """The default routes that lead over somebody, the preferred of each family first."""
        return [route for route in self.routes if route.prefix == 0 and route.gateway]

    def way_to(self, address: str) -> str:
        """The interface that leads to an address; empty when none does."""
        wanted = ipaddress.ip_address(address)
        best, name = -1, ""
        for route in self.routes:
            if ipaddress.ip_address(route.destination).version != wanted.version or route.prefix <= best:
                continue
            if wanted in ipaddress.ip_network((route.destination, route.prefix), strict=False):
                best, name = route.prefix, route.interface
        return name


def look(root_pid: int) -> Snapshot:
    """Read it all; the sockets are those of ``root_pid`` and what it started. Blocks for some milliseconds.

    Raises ``OSError`` when not even the interfaces can be read.
    """
    interfaces = read_interfaces()
    names = {each.index: each.name for each in interfaces}
    limits = []
    sockets: list[Socket] = []
    try:
        sockets = read_sockets(inodes_of(root_pid))
    except OSError:
        limits.append("sockets")
    return Snapshot(
        interfaces, read_routes(names), read_neighbours(names), read_dns(), sockets, limits, socket.gethostname()
    )


def listening_of(sockets: Sequence[Socket], own: Mapping[int, str]) -> list[Listening]:
    """The ports that are served, each once. Unbound UDP sockets above the usual ports are clients' and left out."""
    found = {}
    for each in sockets:
        if not each.listening or (each.transport == "udp" and each.local_port >= 32_768):
            continue
        key = each.transport, each.local, each.local_port
        found[key] = Listening(
            address=each.local,
            family=each.family,
            port=each.local_port,
            transport=each.transport,
            protocol=name_of(each.transport, each.local_port, own),
        )
    return sorted(found.values(), key=lambda one: (one.port, one.transport, one.address))[:_MOST]


def spoken_of(sockets: Sequence[Socket], here: Collection[str], own: Mapping[int, str]) -> list[Spoken]:
    """What is spoken with others, by peer, protocol and direction: from this node's own connections."""
    served = {(each.transport, each.local_port) for each in sockets if each.listening}
    sums: dict[tuple[str, int, str, str, int, str], list[int]] = {}
    for each in sockets:
        if each.listening or not each.peer or each.peer in here or ipaddress.ip_address(each.peer).is_loopback:
            continue
        inward = (each.transport, each.local_port) in served
        port = each.local_port if inward else each.peer_port
        protocol = name_of(each.transport, port, own if inward else None)
        key = each.peer, each.family, protocol, each.transport, port, "in" if inward else "out"
        counted = sums.setdefault(key, [0, 0, 0])
        counted[0] += 1
        counted[1] += each.bytes_in
        counted[2] += each.bytes_out
    return [
        Spoken(
            peer=peer,
            family=4 if family == 4 else 6,
            protocol=protocol,
            transport="tcp" if transport == "tcp" else "udp",
            port=port,
            direction="in" if direction == "in" else "out",
            connections=connections,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
        )
        for (peer, family, protocol, transport, port, direction), (connections, bytes_in, bytes_out) in sorted(
            sums.items()
        )
    ][:_MOST]


def readiness_of(snapshot: Snapshot, links: Sequence[SiteLink]) -> Readiness:
    """How far the site is with IPv6. A host is what has one MAC address; a host with a link-local address alone speaks
    IPv6, so it counts. The share is of the hosts and of the links behind a router, together."""
    outer = [each for each in snapshot.interfaces if not each.loopback and each.up and each.addresses]
    with_v6 = [each for each in outer if any(one.family == 6 for one in each.addresses)]
    hosts: dict[str, set[int]] = {}
    for each in snapshot.neighbours:
        if each.mac and each.state != "failed":
            hosts.setdefault(each.mac, set()).add(each.family)
    far = [each for each in links if not each.mac]
    known = len(hosts) + len(far)
    ready = sum(6 in families for families in hosts.values()) + sum(each.family == 6 for each in far)
    defaults = {route.family for route in snapshot.routes if route.prefix == 0}
    return Readiness(
        interfaces=len(outer),
        interfaces_v6=len(with_v6),
        links=len(links),
        links_v6=sum(each.family == 6 or each.other_family is not None for each in links),
        hosts=len(hosts),
        hosts_v6=sum(6 in families for families in hosts.values()),
        default_v4=4 in defaults,
        default_v6=6 in defaults,
        share_pct=round(100 * ready / known, 1) if known else 0.0,
    )
