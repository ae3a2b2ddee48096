"""What is not as it should be, told from what was seen; each with a word that the console explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from millwright.devices.network.inventory import Snapshot
from millwright.devices.network.links import Track
from millwright.devices.network.model import Interface, NetworkFinding, Severity, SiteLink, SwitchPort

WINDOW_MS: Final = 600_000
_FLAPS: Final = 3
_ERRORS: Final = 10
_MOVES: Final = 2
_ETHERNET_BYTES: Final = 22  # header, a VLAN tag and the checksum: what a largest frame holds besides the packet
_MOST: Final = 200


@dataclass(slots=True)
class _Past:
    """Figures of one thing in the window: when, and how many until then."""

    points: list[tuple[int, int]] = field(default_factory=list)

    def grown(self, now_ms: int, total: int) -> int:
        """By how much the total grew in the window; a smaller total began anew."""
        if self.points and total < self.points[-1][1]:
            self.points.clear()
        self.points.append((now_ms, total))
        while len(self.points) > 1 and now_ms - self.points[0][0] > WINDOW_MS:
            del self.points[0]
        return total - self.points[0][1]


class Findings:
    """Remembers what it takes to see what changes, and since when each finding holds."""

    def __init__(self, clock_ms: float) -> None:
        self._clock_ms = clock_ms
        self._errors: dict[str, _Past] = {}
        self._carrier: dict[str, _Past] = {}
        self._had_carrier: set[str] = set()
        self._macs: dict[tuple[str, str], str] = {}
        self._moves: dict[tuple[str, str], list[int]] = {}
        self._since: dict[tuple[str, str], int] = {}

    def flaps(self, interface: Interface, now_ms: int) -> int:
        """How often the carrier came or went in the window."""
        return self._carrier.setdefault(interface.name, _Past()).grown(now_ms, interface.carrier_changes)

    def judge(
        self,
        snapshot: Snapshot,
        links: Sequence[SiteLink],
        tracks: Mapping[str, Track],
        *,
        now_ms: int,
        switches: Sequence[SwitchPort] = (),
        claimed: Mapping[str, str] | None = None,
        clock_offset_ms: float | None = None,
        clock_error: str = "",
    ) -> list[NetworkFinding]:
        """Everything that is wrong now, the worst first. ``claimed``: IPv4 addresses of ours that another MAC has."""
        found: list[tuple[str, Severity, str, dict[str, Any]]] = []
        found += self._of_interfaces(snapshot.interfaces, now_ms)
        found += [
            ("duplicate_address", "error", address, {"mac": mac}) for address, mac in sorted((claimed or {}).items())
        ]
        found += self._of_neighbours(snapshot, now_ms)
        found += _of_links(snapshot, links, tracks)
        for port in switches:
            mtu = next((each.mtu for each in snapshot.interfaces if each.name == port.interface), 0)
            if port.max_frame and mtu > port.max_frame - _ETHERNET_BYTES + 4:
                detail = {"mtu": mtu, "peer_mtu": port.max_frame - _ETHERNET_BYTES + 4, "peer": port.name}
                found.append(("mtu_mismatch", "warning", port.interface, detail))
        if clock_offset_ms is not None and abs(clock_offset_ms) > self._clock_ms:
            found.append(("clock_off", "warning", "clock", {"offset_ms": round(clock_offset_ms, 1)}))
        if clock_error:
            found.append(("clock_unknown", "info", "clock", {"why": clock_error}))
        return self._dated(found, now_ms)

    def _dated(self, found: list[tuple[str, Severity, str, dict[str, Any]]], now_ms: int) -> list[NetworkFinding]:
        keys = {(kind, about) for kind, _, about, _ in found}
        self._since = {key: since for key, since in self._since.items() if key in keys}
        made = [
            NetworkFinding(
                kind=kind,
                severity=severity,
                about=about,
                detail=detail,
                since_ms=self._since.setdefault((kind, about), now_ms),
            )
            for kind, severity, about, detail in found
        ]
        order = {"error": 0, "warning": 1, "info": 2}
        return sorted(made, key=lambda each: (order[each.severity], each.kind, each.about))[:_MOST]

    def _of_interfaces(
        self, interfaces: Sequence[Interface], now_ms: int
    ) -> list[tuple[str, Severity, str, dict[str, Any]]]:
        found: list[tuple[str, Severity, str, dict[str, Any]]] = []
        for each in interfaces:
            if each.loopback:
                continue
            if each.up and each.carrier and each.addresses:
                self._had_carrier.add(each.name)
            elif each.name in self._had_carrier and not (each.up and each.carrier):
                found.append(("interface_down", "error", each.name, {"up": each.up}))
            if each.flaps >= _FLAPS:
                found.append(("link_flaps", "warning", each.name, {"times": each.flaps}))
            if each.duplex == "half" and each.carrier:
                found.append(("half_duplex", "warning", each.name, {"speed_mbps": each.speed_mbps}))
            grown = self._errors.setdefault(each.name, _Past()).grown(now_ms, each.rx_errors + each.tx_errors)
            if grown >= _ERRORS:
                found.append(("errors_rising", "warning", each.name, {"errors": grown}))
            found += [
                ("duplicate_address", "error", one.address, {"interface": each.name})
                for one in each.addresses
                if one.state == "duplicate"
            ]
        return found

    def _of_neighbours(self, snapshot: Snapshot, now_ms: int) -> list[tuple[str, Severity, str, dict[str, Any]]]:
        found: list[tuple[str, Severity, str, dict[str, Any]]] = []
        here = {(each.interface, each.address): each.mac for each in snapshot.neighbours if each.mac}
        for key, mac in here.items():
            if self._macs.get(key, mac) != mac:
                self._moves.setdefault(key, []).append(now_ms)
            self._macs[key] = mac
        for key, times in list(self._moves.items()):
            recent = [each for each in times if now_ms - each <= WINDOW_MS]
            if not recent:
                del self._moves[key]
                continue
            self._moves[key] = recent
            if len(recent) >= _MOVES:
                detail = {"interface": key[0], "times": len(recent), "mac": self._macs[key]}
                found.append(("address_moves", "error", key[1], detail))
        if len(self._macs) > 20_000:
            self._macs = here
        return found


def _of_links(
    snapshot: Snapshot, links: Sequence[SiteLink], tracks: Mapping[str, Track]
) -> list[tuple[str, Severity, str, dict[str, Any]]]:
    found: list[tuple[str, Severity, str, dict[str, Any]]] = []
    mtu = {each.name: each.mtu for each in snapshot.interfaces}
    with_v6 = {each.name for each in snapshot.interfaces if any(one.family == 6 for one in each.addresses)}
    for each in links:
        detail: dict[str, Any] = {"role": each.role, "interface": each.interface, "family": each.family}
        if each.state == "down":
            kind = "gateway_unreachable" if each.role == "gateway" else "peer_down"
            severity: Severity = "error" if each.role in ("gateway", "parent") else "warning"
            found.append((kind, severity, each.peer, detail))
        elif each.state == "lossy":
            found.append(("peer_lossy", "warning", each.peer, {**detail, "loss_pct": each.loss_pct}))
        elif each.state == "slow":
            found.append(("peer_slow", "info", each.peer, {**detail, "latency_ms": each.latency_ms}))
        track = tracks.get(each.peer)
        if track is not None and track.whole_lost is not None:
            found.append(("mtu_mismatch", "warning", each.peer, {**detail, "mtu": track.whole_lost}))
        own = mtu.get(each.interface, 0)
        if each.path_mtu and own and each.path_mtu < own:
            found.append(("path_mtu_small", "info", each.peer, {"path_mtu": each.path_mtu, "mtu": own}))
        if each.family == 4 and each.other_family and each.interface in with_v6 and each.role == "device":
            found.append(("ipv4_only", "info", each.peer, {"ipv6": each.other_family}))
    return found
