"""Whom this node talks to, and how good the way there is: latency, jitter and loss of each peer over time."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from millwright.devices.network.inventory import Snapshot
from millwright.devices.network.linux.echo import Answer
from millwright.devices.network.linux.sockets import Socket
from millwright.devices.network.model import Family, LinkState, Method, Role, SiteLink, Spoken
from millwright.devices.network.protocols import INDUSTRIAL
from millwright.devices.network.settings import NetworkSettings

_SAMPLES: Final = 30
_DOWN_AFTER: Final = 3
_LOSS_FROM: Final = 10
_KEPT_MS: Final = 3_600_000
_AT_ONCE: Final = 16
_RANK: Final[dict[Role, int]] = {"gateway": 0, "parent": 1, "target": 2, "device": 3, "dns": 4, "peer": 5}
_MQTT: Final = frozenset({"MQTT", "MQTT TLS"})


@dataclass(slots=True)
class Track:
    """What is remembered of one peer. ``echoes``: it answered an echo before, so that silence means loss."""

    peer: str
    family: Family
    role: Role
    port: int = 0
    samples: deque[float | None] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    echoes: bool = False
    method: Method = "none"
    state: LinkState = "unknown"
    since_ms: int = 0
    used_ms: int = 0
    jitter_ms: float | None = None
    last_ms: float | None = None
    path_mtu: int | None = None
    connections: int = 0
    socket_loss_pct: float | None = None
    segments: tuple[int, int] = (0, 0)
    whole_lost: int | None = None
    """The size of whole packets that do not arrive, though small ones do."""
    whole_round: int | None = None
    """The round in which whole packets were sent last."""

    def note(self, latency_ms: float | None) -> None:
        """One more sample; ``None``: no answer."""
        self.samples.append(latency_ms)
        if latency_ms is not None:
            if self.last_ms is not None:
                moved = abs(latency_ms - self.last_ms)
                before = self.jitter_ms
                self.jitter_ms = moved if before is None else before + (moved - before) / 16  # RFC 3550, 6.4.1
            self.last_ms = latency_ms

    @property
    def loss_pct(self) -> float | None:
        """In percent of the samples."""
        if self.method == "socket":
            return self.socket_loss_pct
        if not self.samples or not self.echoes:
            return None
        return 100 * sum(each is None for each in self.samples) / len(self.samples)


class LinkBook:
    """The peers, from round to round."""

    def __init__(self, settings: NetworkSettings, is_parent: Callable[[Spoken], bool] = lambda _: False) -> None:
        self._settings, self._is_parent = settings, is_parent
        self.tracks: dict[str, Track] = {}

    def follow(
        self, snapshot: Snapshot, spoken: Sequence[Spoken], targets: Mapping[str, tuple[Family, int]], now_ms: int
    ) -> None:
        """Take up whom the node talks to now; whom it did an hour ago and not since is forgotten."""
        wanted: dict[str, tuple[Role, Family, int]] = {}

        def want(peer: str, role: Role, family: Family, port: int = 0) -> None:
            if peer not in wanted or _RANK[role] < _RANK[wanted[peer][0]]:
                wanted[peer] = role, family, port

        own = snapshot.own()
        for route in snapshot.gateways():
            want(route.gateway, "gateway", 4 if "." in route.gateway else 6)
        for peer, (family, port) in targets.items():
            want(peer, "target", family, port)
        for each in spoken:
            if each.family == 0 or each.source != "socket":
                continue
            role: Role = "peer"
            if self._is_parent(each):
                role = "parent"
            elif (each.direction == "out" and each.protocol in INDUSTRIAL) or each.protocol in _MQTT:
                role = "device"
            want(each.peer, role, each.family)
        for server in snapshot.dns:
            address = _address(server)
            if address is not None and not address.is_loopback and str(address) not in own:
                want(str(address), "dns", 4 if address.version == 4 else 6)
        ranked = sorted(wanted.items(), key=lambda item: _RANK[item[1][0]])[: self._settings.peers]
        for peer, (role, family, port) in ranked:
            track = self.tracks.setdefault(peer, Track(peer, family, role, since_ms=now_ms))
            track.role, track.port, track.used_ms = role, port, now_ms
        old = [peer for peer, track in self.tracks.items() if now_ms - track.used_ms > _KEPT_MS]
        for peer in old:
            del self.tracks[peer]
        while len(self.tracks) > self._settings.peers:
            del self.tracks[min(self.tracks, key=lambda peer: self.tracks[peer].used_ms)]

    def hear(self, sockets: Sequence[Socket]) -> None:
        """Take over what TCP itself measured: the best round trip, and what had to be sent again since last time."""
        by_peer: dict[str, list[Socket]] = {}
        for each in sockets:
            if not each.listening and each.peer in self.tracks:
                by_peer.setdefault(each.peer, []).append(each)
        for peer, track in self.tracks.items():
            mine = [each for each in by_peer.get(peer, []) if each.transport == "tcp"]
            track.connections = len(by_peer.get(peer, []))
            known = [each.path_mtu for each in mine if each.path_mtu]
            track.path_mtu = min(known) if known else None
            sent, again = sum(each.segments_out for each in mine), sum(each.retransmitted for each in mine)
            moved, lost = sent - track.segments[0], again - track.segments[1]
            track.segments = sent, again
            if moved > 0 and lost >= 0:
                track.socket_loss_pct = min(100.0, 100 * lost / moved)

    async def ask(
        self,
        snapshot: Snapshot,
        echo: Callable[[Track, str], Awaitable[Answer]],
        now_ms: Callable[[], int],
        sockets: Sequence[Socket],
    ) -> None:
        """Ask every peer once, some at a time, and judge how each is."""
        limit = asyncio.Semaphore(_AT_ONCE)
        rtt: dict[str, float] = {}
        for each in sockets:
            if each.rtt_ms is not None and not each.listening:
                rtt[each.peer] = min(each.rtt_ms, rtt.get(each.peer, each.rtt_ms))
        reached: dict[str, str] = {each.address: each.state for each in snapshot.neighbours}
        for route in snapshot.gateways():
            # A gateway that nobody ever answered for leaves the table again; it is no less away for that.
            if any(each.name == route.interface and each.mac for each in snapshot.interfaces):
                reached.setdefault(route.gateway, "failed")

        async def one(track: Track) -> None:
            async with limit:
                answer = await echo(track, snapshot.way_to(track.peer))
            self._judge(track, answer, rtt.get(track.peer), reached.get(track.peer), now_ms())

        await asyncio.gather(*(one(track) for track in list(self.tracks.values())))

    def _judge(self, track: Track, answer: Answer, rtt_ms: float | None, neighbour: str | None, now_ms: int) -> None:
        if isinstance(answer, float):
            track.method, track.echoes = "tcp" if track.port else "icmp", True
            track.note(answer)
        elif track.echoes or track.port:
            track.method = "tcp" if track.port else "icmp"
            track.note(None)
        elif rtt_ms is not None:
            track.method = "socket"
            track.note(rtt_ms)
        elif neighbour is not None:
            track.method = "neighbour"
        else:
            track.method = "none"
        state = self._state(track, neighbour)
        if state != track.state:
            track.state, track.since_ms = state, now_ms

    def _state(self, track: Track, neighbour: str | None) -> LinkState:
        if track.method == "neighbour":
            return "down" if neighbour == "failed" else "ok"
        if track.method == "none":
            return "unknown"
        newest = list(track.samples)[-_DOWN_AFTER:]
        if newest and all(each is None for each in newest) and (len(newest) == _DOWN_AFTER or track.state == "unknown"):
            return "down" if len(newest) == _DOWN_AFTER else "unknown"
        loss = track.loss_pct
        enough = len(track.samples) >= _LOSS_FROM or track.method == "socket"
        if loss is not None and enough and loss >= self._settings.lossy_pct:
            return "lossy"
        if track.last_ms is not None and track.last_ms >= self._settings.slow_ms:
            return "slow"
        if newest and newest[-1] is None:
            return track.state if track.state != "unknown" else "ok"
        return "ok"

    def links(self, snapshot: Snapshot, spoken: Sequence[Spoken]) -> list[SiteLink]:
        """As they are now, gateways first."""
        macs = {each.address: each.mac for each in snapshot.neighbours if each.mac}
        by_mac: dict[str, dict[int, str]] = {}
        for neighbour in snapshot.neighbours:
            if neighbour.mac and neighbour.state != "failed":
                by_mac.setdefault(neighbour.mac, {}).setdefault(neighbour.family, neighbour.address)
        protocols: dict[str, list[str]] = {}
        for each in spoken:
            if each.protocol not in protocols.setdefault(each.peer, []):
                protocols[each.peer].append(each.protocol)
        found = []
        for track in self.tracks.values():
            mac = macs.get(track.peer, "")
            answered = [each for each in track.samples if each is not None]
            loss = track.loss_pct
            found.append(
                SiteLink(
                    peer=track.peer,
                    family=track.family,
                    role=track.role,
                    state=track.state,
                    method=track.method,
                    interface=snapshot.way_to(track.peer),
                    mac=mac,
                    latency_ms=_rounded(answered[-1] if answered and track.state != "down" else None),
                    jitter_ms=_rounded(track.jitter_ms if answered else None),
                    loss_pct=None if loss is None else round(loss, 1),
                    recent=[_rounded(each) for each in track.samples],
                    path_mtu=track.path_mtu,
                    protocols=protocols.get(track.peer, []),
                    connections=track.connections,
                    since_ms=track.since_ms,
                    other_family=by_mac.get(mac, {}).get(10 - track.family),
                )
            )
        return sorted(found, key=lambda one: (_RANK[one.role], one.family, one.peer))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
