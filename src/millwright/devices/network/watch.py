"""Looks at the network around this machine, round by round, and hands on what it sees."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, get_args

from msgspec import structs

from millwright.devices.network.findings import Findings
from millwright.devices.network.hearing import Ear
from millwright.devices.network.inventory import Snapshot, listening_of, look, readiness_of, spoken_of
from millwright.devices.network.links import LinkBook, Track
from millwright.devices.network.linux.arp import find_claimant
from millwright.devices.network.linux.echo import Answer, Echo
from millwright.devices.network.model import Family, Interface, LinkState, NetworkReport, ScanOrder, Spoken
from millwright.devices.network.scanning import Scanner
from millwright.devices.network.settings import NetworkSettings
from millwright.devices.network.sntp import ClockUnknown, ask_clock
from millwright.kernel import Clock, Repeat

logger = logging.getLogger(__name__)

_SELDOM: Final = 30
"""Every so many rounds: whole packets, claims of our addresses, the clock."""
_TIMEOUT_S: Final = 1.0
_SPACING_S: Final = 0.02


class NetworkWatch(Repeat):
    """``take`` gets every report. ``root_pid`` is the process whose sockets, and whose children's, are this node's;
    ``own`` says what its ports serve. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        settings: NetworkSettings,
        clock: Clock,
        take: Callable[[NetworkReport], Awaitable[None]],
        *,
        root_pid: int,
        own: Mapping[int, str] | None = None,
        is_parent: Callable[[Spoken], bool] = lambda _: False,
    ) -> None:
        super().__init__(
            self.round,
            settings.interval_s,
            name="network watch",
            lost="the network around this machine is not watched",
            back="the network around this machine is watched again",
            log=logger,
        )
        self._settings, self._clock, self._take = settings, clock, take
        self._root_pid, self._own = root_pid, dict(own or {})
        self.echo, self._ear = Echo(), Ear(settings, clock)
        self.book = LinkBook(settings, is_parent)
        self._findings = Findings(settings.clock_ms)
        self._scanner = Scanner(self.echo, lambda: look(root_pid).neighbours, settings.scan_hosts)
        self._before: tuple[float, dict[str, Interface]] | None = None
        self._claimed: dict[str, str] = {}
        self._offset_ms: float | None = None
        self._clock_error = ""
        self._rounds = 0
        self._snapshot: Snapshot | None = None

    async def stop(self) -> None:
        """End, and let go of every socket."""
        await super().stop()
        await self._scanner.stop()
        self._ear.close()
        self.echo.close()

    def scan(self, order: ScanOrder | None) -> None:
        """Begin a scan that was asked for; how far it is stands in the reports."""
        if order is not None:
            self._scanner.begin(order, lambda address: self._snapshot.way_to(address) if self._snapshot else "")

    def links_by_state(self) -> dict[str, int]:
        """How many links are in each state."""
        found = dict.fromkeys(get_args(LinkState), 0)
        for track in self.book.tracks.values():
            found[track.state] += 1
        return found

    async def round(self) -> None:
        """Look once and hand on what was seen."""
        await self._take(await self.see())

    async def see(self) -> NetworkReport:
        """One round. Raises ``OSError`` when the kernel tells nothing."""
        snapshot = await asyncio.to_thread(look, self._root_pid)
        now_ms = self._clock.now_ms()
        snapshot.interfaces[:] = self._with_rates(snapshot.interfaces, now_ms)
        self._snapshot = snapshot
        self._ear.attend(snapshot.interfaces)
        families = self.echo.open() if self._settings.probe else set()
        spoken = spoken_of(snapshot.sockets, snapshot.own(), self._own)
        self.book.follow(snapshot, spoken, await self._targets(), now_ms)
        self.book.hear(snapshot.sockets)
        spacing = iter(range(self._settings.peers + 1))

        async def ask(track: Track, interface: str) -> Answer:
            if not self._settings.probe:
                return "unreachable"
            await asyncio.sleep(next(spacing, 0) * _SPACING_S)  # one after the other, not all in one moment
            if track.port:
                return await _connect(track.peer, track.port)
            return await self.echo.ask(track.peer, track.family, interface=interface, timeout_s=_TIMEOUT_S)

        await self.book.ask(snapshot, ask, self._clock.now_ms, snapshot.sockets)
        if self._settings.probe:
            await self._send_whole(snapshot)
            if self._rounds % _SELDOM == 0:
                await self._look_for_claims(snapshot)
        if self._rounds % _SELDOM == 0 and self._settings.ntp:
            await self._compare_clock()
        self._rounds += 1
        return self._report(snapshot, spoken, families, now_ms)

    def _report(self, snapshot: Snapshot, spoken: list[Spoken], families: set[Family], now_ms: int) -> NetworkReport:
        spoken = [*spoken, *self._ear.spoken()]
        links = self.book.links(snapshot, spoken)
        switches = self._ear.switches()
        limits = list(snapshot.limits)
        if self._settings.probe and not families:
            limits.append("icmp")
        if self._ear.denied:
            limits.append("packets")
        return NetworkReport(
            at_ms=now_ms,
            host=snapshot.host,
            interfaces=snapshot.interfaces,
            routes=snapshot.routes[:200],
            dns=snapshot.dns,
            neighbours=snapshot.neighbours,
            listening=listening_of(snapshot.sockets, self._own),
            links=links,
            protocols=spoken,
            switches=switches,
            findings=self._findings.judge(
                snapshot,
                links,
                self.book.tracks,
                now_ms=now_ms,
                switches=switches,
                claimed=self._claimed,
                clock_offset_ms=self._offset_ms,
                clock_error=self._clock_error,
            ),
            readiness=readiness_of(snapshot, links),
            limits=limits,
            clock_offset_ms=self._offset_ms,
            scan=self._scanner.result,
        )

    def _with_rates(self, interfaces: list[Interface], now_ms: int) -> list[Interface]:
        now_s = self._clock.monotonic_s()
        before_s, before = self._before or (now_s, {})
        made = []
        for each in interfaces:
            rx = tx = None
            old, took_s = before.get(each.name), now_s - before_s
            if old is not None and took_s > 0 and each.rx_bytes >= old.rx_bytes and each.tx_bytes >= old.tx_bytes:
                rx, tx = ((each.rx_bytes - old.rx_bytes) * 8 / took_s, (each.tx_bytes - old.tx_bytes) * 8 / took_s)
            made.append(structs.replace(each, rx_bps=rx, tx_bps=tx, flaps=self._findings.flaps(each, now_ms)))
        self._before = now_s, {each.name: each for each in interfaces}
        return made

    async def _targets(self) -> dict[str, tuple[Family, int]]:
        found: dict[str, tuple[Family, int]] = {}
        for target in self._settings.targets:
            host, port = _split(target)
            try:
                known = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except OSError:
                continue
            for family, _, _, _, address in known:
                if family in (socket.AF_INET, socket.AF_INET6):
                    found.setdefault(str(address[0]), (4 if family == socket.AF_INET else 6, port))
        return found

    async def _send_whole(self, snapshot: Snapshot) -> None:
        """Packets as large as the interface allows, to the gateways and the parent: when they first answer, and seldom
        again."""
        mtu = {each.name: each.mtu for each in snapshot.interfaces}
        for track in list(self.book.tracks.values()):
            whole = min(mtu.get(snapshot.way_to(track.peer), 0), 9216)
            if track.role not in ("gateway", "parent") or not track.echoes or whole < 1280 or track.state == "down":
                continue
            if track.whole_round is not None and self._rounds - track.whole_round < _SELDOM:
                continue
            track.whole_round = self._rounds
            way, silent = snapshot.way_to(track.peer), 0
            for _ in range(3):  # one that is lost may be lost by chance
                answer = await self.echo.ask(
                    track.peer, track.family, interface=way, whole_bytes=whole, timeout_s=_TIMEOUT_S
                )
                if isinstance(answer, float):
                    break
                silent += 1
            small = await self.echo.ask(track.peer, track.family, interface=way, timeout_s=_TIMEOUT_S)
            if isinstance(small, float):  # else it is away altogether, which says nothing of sizes
                track.whole_lost = whole if silent == 3 else None

    async def _look_for_claims(self, snapshot: Snapshot) -> None:
        """Whether somebody else has an IPv4 address of ours."""
        self._claimed = {}
        if self._ear.denied:
            return
        for each in snapshot.interfaces:
            if each.loopback or not each.carrier or not each.mac:
                continue
            for one in [one for one in each.addresses if one.family == 4][:8]:
                try:
                    claimant = await find_claimant(each.name, each.mac, one.address)
                except OSError:
                    continue
                if claimant is not None:
                    self._claimed[one.address] = claimant

    async def _compare_clock(self) -> None:
        host, port = _split(self._settings.ntp)
        try:
            self._offset_ms, self._clock_error = await ask_clock(host, port or 123), ""
        except ClockUnknown as error:
            self._offset_ms, self._clock_error = None, f"{host}: {error}"


async def _connect(host: str, port: int) -> Answer:
    """The time to an open TCP connection, which is closed at once."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "silent"
    except OSError:
        return "unreachable"
    took_ms = (loop.time() - began) * 1000
    writer.close()
    return took_ms


def _split(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT or [ADDRESS]:PORT; port 0 when none is given."""
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), 0
    except ValueError:
        host, separator, port = text.rpartition(":")
        return (host.strip("[]"), int(port)) if separator and port.isdecimal() else (text, 0)
