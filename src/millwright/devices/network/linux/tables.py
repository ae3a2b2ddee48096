"""Interfaces, addresses, routes and neighbours by rtnetlink (``linux/rtnetlink.h``, ``if_link.h``, ``neighbour.h``)."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Final, Literal

from millwright.devices.network.linux import netlink
from millwright.devices.network.model import Address, Family, Interface, Neighbour, Route, Scope

_GETLINK, _GETADDR, _GETROUTE, _GETNEIGH = 18, 22, 26, 30
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBi")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")
_AF: Final[dict[int, Family]] = {2: 4, 10: 6}
_ARPHRD_LOOPBACK: Final = 772
_IFF_UP: Final = 1
_IFLA: Final = {"mac": 1, "name": 3, "mtu": 4, "info": 18, "stats": 23, "carrier": 33, "changes": 35}
_STATS: Final = struct.Struct("=8Q")  # packets, bytes, errors, dropped: received and sent in turn
_TENTATIVE, _FAILED, _DEPRECATED = 0x40, 0x08, 0x20
_MAIN: Final = 254
_UNICAST: Final = 1
_NEIGHBOUR_STATES: Final[dict[int, Literal["reachable", "stale", "failed", "permanent"]]] = {
    0x02: "reachable", 0x04: "stale", 0x08: "stale", 0x10: "stale", 0x20: "failed", 0x80: "permanent",
}  # fmt: skip
_MOST: Final = 2_000


def read_interfaces(sys: Path = Path("/sys/class/net")) -> list[Interface]:
    """Every interface with its addresses, in the kernel's order. Raises ``OSError``."""
    addresses = _addresses()
    found = []
    for _, body in netlink.dump(netlink.ROUTE, _GETLINK, _LINK.pack(0, 0, 0, 0, 0)):
        _, kind, index, flags, _ = _LINK.unpack_from(body)
        given = netlink.attributes(body, _LINK.size)
        stats = given.get(_IFLA["stats"], b"")
        counts = _STATS.unpack_from(stats) if len(stats) >= _STATS.size else (0,) * 8
        name = netlink.text(given.get(_IFLA["name"]))
        speed, duplex = _driver(sys / name)
        found.append(
            Interface(
                name=name,
                index=index,
                mac=netlink.mac(given.get(_IFLA["mac"])),
                loopback=kind == _ARPHRD_LOOPBACK,
                virtual=_IFLA["info"] in given,
                up=bool(flags & _IFF_UP),
                carrier=bool(netlink.number(given.get(_IFLA["carrier"]))),
                mtu=netlink.number(given.get(_IFLA["mtu"])),
                speed_mbps=speed,
                duplex=duplex,
                addresses=addresses.get(index, []),
                rx_bytes=counts[2],
                tx_bytes=counts[3],
                rx_errors=counts[4],
                tx_errors=counts[5],
                rx_dropped=counts[6],
                tx_dropped=counts[7],
                carrier_changes=netlink.number(given.get(_IFLA["changes"])),
            )
        )
    return found[:_MOST]


def _driver(folder: Path) -> tuple[int | None, Literal["full", "half"] | None]:
    """Speed and duplex; a driver that has none, or no cable, says so by an error or a senseless figure."""
    try:
        speed = int((folder / "speed").read_text())
    except (OSError, ValueError):
        speed = 0
    try:
        duplex = (folder / "duplex").read_text().strip()
    except OSError:
        duplex = ""
    return speed if speed > 0 else None, "half" if duplex == "half" else "full" if duplex == "full" else None


def _addresses() -> dict[int, list[Address]]:
    found: dict[int, list[Address]] = {}
    for _, body in netlink.dump(netlink.ROUTE, _GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0)):
        family, prefix, flags, _, index = _ADDRESS.unpack_from(body)
        given = netlink.attributes(body, _ADDRESS.size)
        text = netlink.address(given.get(2) or given.get(1))
        if family not in _AF or not text:
            continue
        flags = netlink.number(given.get(8), flags)
        state: Literal["ok", "tentative", "duplicate", "deprecated"] = "ok"
        if flags & _FAILED:
            state = "duplicate"
        elif flags & _TENTATIVE:
            state = "tentative"
        elif flags & _DEPRECATED:
            state = "deprecated"
        found.setdefault(index, []).append(
            Address(address=text, prefix=prefix, family=_AF[family], scope=scope_of(text), state=state)
        )
    return found


def scope_of(text: str) -> Scope:
    """How far an address reaches: RFC 1918 and its like are ``private``, fc00::/7 ``ula``, fe80::/10 ``link``."""
    address = ipaddress.ip_address(text)
    if address.is_loopback:
        return "host"
    if address.is_link_local:
        return "link"
    if isinstance(address, ipaddress.IPv6Address):
        return "ula" if address in _ULA else "global"
    return "global" if address.is_global else "private"


_ULA: Final = ipaddress.ip_network("fc00::/7")


def read_routes(names: dict[int, str]) -> list[Route]:
    """The unicast routes of the main table, defaults first; ``names`` are those of interfaces. Raises ``OSError``."""
    found: list[Route] = []
    for family in _AF:
        for _, body in netlink.dump(netlink.ROUTE, _GETROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
            kind, prefix, _, _, table, _, _, route_type, _ = _ROUTE.unpack_from(body)
            given = netlink.attributes(body, _ROUTE.size)
            if kind not in _AF or route_type != _UNICAST or netlink.number(given.get(15), table) != _MAIN:
                continue
            for gateway, index in _hops(given):
                found.append(
                    Route(
                        family=_AF[kind],
                        destination=netlink.address(given.get(1)) or ("0.0.0.0" if _AF[kind] == 4 else "::"),
                        prefix=prefix,
                        gateway=gateway,
                        interface=names.get(index, str(index)),
                        metric=netlink.number(given.get(6)),
                    )
                )
    return sorted(found, key=lambda route: (route.prefix, route.family, route.metric))[:_MOST]


def _hops(given: dict[int, bytes]) -> list[tuple[str, int]]:
    """Gateway and interface of a route; of each of its hops when it has several (RTA_MULTIPATH)."""
    several = given.get(9)
    if several is None:
        via = given.get(18, b"")  # RTA_VIA: a gateway of the other family
        return [(netlink.address(given.get(5)) or netlink.address(via[2:]), netlink.number(given.get(4)))]
    found, at = [], 0
    while at + 8 <= len(several):
        length, _, _, index = struct.unpack_from("=HBBi", several, at)
        if length < 8:
            break
        inner = netlink.attributes(several[at : at + length], 8)
        found.append((netlink.address(inner.get(5)), index))
        at += (length + 3) & ~3
    return found


def read_neighbours(names: dict[int, str]) -> list[Neighbour]:
    """ARP and NDP entries that were resolved, or could not be. Raises ``OSError``."""
    found: list[Neighbour] = []
    for _, body in netlink.dump(netlink.ROUTE, _GETNEIGH, _NEIGHBOUR.pack(0, 0, 0, 0, 0)):
        family, index, state, flags, _ = _NEIGHBOUR.unpack_from(body)
        given = netlink.attributes(body, _NEIGHBOUR.size)
        text, mac = netlink.address(given.get(1)), netlink.mac(given.get(2))
        known = _NEIGHBOUR_STATES.get(state)
        if family not in _AF or known is None or not text or ipaddress.ip_address(text).is_multicast:
            continue
        if not mac and known != "failed":
            continue
        found.append(
            Neighbour(
                address=text,
                family=_AF[family],
                mac=mac,
                interface=names.get(index, str(index)),
                state=known,
                router=bool(flags & 0x80),
            )
        )
    return found[:_MOST]


def read_dns(file: Path = Path("/etc/resolv.conf")) -> list[str]:
    """The name servers that this machine asks."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [parts[1] for line in lines if len(parts := line.split()) > 1 and parts[0] == "nameserver"][:16]
