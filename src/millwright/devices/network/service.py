"""Use cases of the network of sites."""

from __future__ import annotations

import asyncio
import builtins
import csv
import io
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import structs

from millwright.devices.connectors import ConnectionStore
from millwright.devices.network.errors import not_watched, scan_under_way, site_unknown
from millwright.devices.network.model import (
    TAG,
    KnownNeighbours,
    NetworkReport,
    NewScan,
    ScanOrder,
    SiteDetail,
    SiteLink,
    SiteNetwork,
)
from millwright.devices.network.scanning import addresses_of
from millwright.devices.network.store import NetworkStore, Site, completed, shown
from millwright.devices.registry import NewDevice, Registry
from millwright.kernel import ROOT, Clock, NotFound, Scope, current_scope, new_id
from millwright.kernel.scope import within
from millwright.ledger import note

_SCAN_LOST_MS: Final = 600_000
_ADDRESSES: Final = ("host", "address", "url", "endpoint", "ip")


class Networks:
    """The room's service; works in the scope at hand. ``node`` is this node's name, ``woken`` is told of a change."""

    def __init__(
        self,
        store: NetworkStore,
        connections: ConnectionStore,
        registry: Registry,
        clock: Clock,
        node: str,
        scan_hosts: int,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._connections, self._registry, self._clock = store, connections, registry, clock
        self._own = site_of(node)
        self._node, self._scan_hosts, self._woken = node, scan_hosts, woken

    async def list(self) -> builtins.list[SiteNetwork]:
        """This node and its edges: how the network of each is."""
        sites = await asyncio.to_thread(self._sites)
        macs = await asyncio.to_thread(self._store.macs, [each.id for each in sites])
        now_ms = self._clock.now_ms()
        return [shown(each, macs.get(each.id, {}), now_ms) for each in sites]

    async def get(self, site_id: str) -> SiteDetail:
        """A site with all that it reported last. Raises ``NotFound`` (``devices.network_unknown``)."""
        site = await asyncio.to_thread(self._site, site_id)
        macs = (await asyncio.to_thread(self._store.macs, [site.id]))[site.id]
        report = site.last()
        if report is not None:
            report = completed(report, macs)
            names = await asyncio.to_thread(self._names)
            report = structs.replace(
                report, links=[structs.replace(each, names=names.get(each.peer, [])) for each in report.links]
            )
        return SiteDetail(site=shown(site, macs, self._clock.now_ms()), report=report)

    async def watch(self, site_id: str, watched: bool) -> SiteDetail:
        """Have a site watched, with its figures kept as readings of a device; or not, then those that are there stay.

        Raises ``NotFound``, ``Conflict`` (a device of another kind has the name).
        """
        site = await asyncio.to_thread(self._site, site_id)
        device_id = site.device_id
        if watched and not await self._is_there(device_id):
            new = NewDevice(
                name=f"network-of-{site.name}"[:128],
                title=f"Network of {site.name}"[:255],
                tags=(TAG,),
                edge_id=site.id if site.kind == "edge" else None,
            )
            here = Scope(current_scope().organisations | {site.organisation_id}, home=site.organisation_id)
            with within(here):  # the device is whose the site is
                device_id = (await self._registry.create(new)).id
        await asyncio.to_thread(self._store.watch, site, watched, device_id)
        before, after = {"watched": site.watched}, {"watched": watched}
        note("network", site.id, site.name, before=before, after=after, organisation=site.organisation_id)
        self._woken()
        return await self.get(site_id)

    async def know(self, site_id: str, chosen: KnownNeighbours) -> SiteDetail:
        """Say which neighbours belong to a site. Raises ``NotFound``."""
        site = await asyncio.to_thread(self._site, site_id)
        macs = None if chosen.all else [each.lower() for each in chosen.macs]
        count = await asyncio.to_thread(self._store.know, site.id, macs)
        after = {"neighbours_known": count, "macs": "all" if macs is None else ", ".join(macs[:50])}
        note("network", site.id, site.name, after=after, organisation=site.organisation_id)
        return await self.get(site_id)

    async def scan(self, site_id: str, wanted: NewScan, by: str) -> ScanOrder:
        """Ask a site to scan a private subnet; the report says how far it is.

        Raises ``NotFound``, ``Invalid``, ``Denied`` (public), ``LimitExceeded`` (large), ``Conflict`` (one runs, or the
        node does not look at its network).
        """
        site = await asyncio.to_thread(self._site, site_id)
        if site.kind == "node" and not site.watched:
            raise not_watched(site.id)
        count = len(addresses_of(wanted.subnet, self._scan_hosts))
        now_ms = self._clock.now_ms()
        before, report = site.order(), site.last()
        done = before is None or (
            report is not None
            and report.scan is not None
            and report.scan.id == before.id
            and report.scan.state in ("done", "failed")
        )
        if before is not None and not done and now_ms - before.asked_ms < _SCAN_LOST_MS:
            raise scan_under_way(site_id)
        order = ScanOrder(id=new_id("scan"), subnet=wanted.subnet, per_s=wanted.per_s, asked_ms=now_ms, by=by)
        await asyncio.to_thread(self._store.order, site, order)
        after = {"scan": wanted.subnet, "addresses": count, "per_s": wanted.per_s}
        note("network", site.id, site.name, after=after, organisation=site.organisation_id)
        self._woken()
        return order

    async def export_csv(self, site_id: str) -> str:
        """Interfaces, links, neighbours, protocols and findings of a site, a row each. Raises ``NotFound``."""
        detail = await self.get(site_id)
        return write_csv(detail.report) if detail.report else write_csv(NetworkReport(at_ms=0))

    async def _is_there(self, device_id: str | None) -> bool:
        if device_id is None:
            return False
        try:
            await self._registry.get(device_id)
        except NotFound:
            return False
        return True

    def _sites(self) -> builtins.list[Site]:
        found = self._store.list()
        if ROOT in current_scope() and not any(each.id == self._own for each in found):
            found.insert(0, self._unseen())
        return sorted(found, key=lambda each: (each.kind != "node", each.name))

    def _site(self, site_id: str) -> Site:
        found = self._store.find(site_id)
        if found is None and site_id == self._own and ROOT in current_scope():
            return self._unseen()
        if found is None:
            raise site_unknown(site_id)
        return found

    def _unseen(self) -> Site:
        """This node's own site before anybody had it watched."""
        return Site(self._own, "node", self._node, None, False, None, None, None, ROOT)

    def _names(self) -> dict[str, builtins.list[str]]:
        """The names of connections by the addresses in their settings."""
        found: dict[str, builtins.list[str]] = {}
        for each in self._connections.list():
            for host in hosts_of(each.settings):
                found.setdefault(host, []).append(each.name)
        return found


def site_of(node: str) -> str:
    """The id of a node's own site."""
    return f"node-{node}"


def hosts_of(settings: Any) -> set[str]:
    """The hosts that the settings of a connection name, as they are written there."""
    found = set()
    for key in _ADDRESSES:
        value = settings.get(key)
        if isinstance(value, str) and value:
            text = urlsplit(value).hostname if "://" in value else value
            found.add((text or "").strip("[]"))
    return found - {""}


def write_csv(report: NetworkReport) -> str:
    """The report as CSV, with a byte order mark for spreadsheets."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["kind", "name", "family", "state", "detail", "latency_ms", "jitter_ms", "loss_pct", "since_ms"])
    for each in report.interfaces:
        addresses = " ".join(f"{one.address}/{one.prefix}" for one in each.addresses)
        state = "up" if each.up and each.carrier else "down"
        rows.writerow(["interface", each.name, "", state, _safe(f"{each.mac} {addresses}"), "", "", "", ""])
    for link in report.links:
        rows.writerow(_link_row(link))
    for neighbour in report.neighbours:
        state = neighbour.state if neighbour.known is not False else f"{neighbour.state}, unknown"
        rows.writerow(
            ["neighbour", neighbour.address, neighbour.family, state, neighbour.mac, "", "", "", neighbour.first_ms]
        )
    for spoken in report.protocols:
        detail = f"{spoken.protocol} {spoken.transport}/{spoken.port} in {spoken.bytes_in} out {spoken.bytes_out}"
        rows.writerow(["protocol", spoken.peer, spoken.family or "", spoken.direction, detail, "", "", "", ""])
    for port in report.switches:
        rows.writerow(["switch", _safe(port.name or port.chassis), "", "", _safe(port.port), "", "", "", port.heard_ms])
    for finding in report.findings:
        detail = " ".join(f"{key}={value}" for key, value in finding.detail.items())
        row = ["finding", _safe(finding.about), "", finding.severity, _safe(f"{finding.kind} {detail}")]
        rows.writerow([*row, "", "", "", finding.since_ms])
    return "\ufeff" + out.getvalue()


def _link_row(link: SiteLink) -> builtins.list[Any]:
    detail = _safe(f"{link.role} {' '.join(link.names)} {' '.join(link.protocols)}")
    figures = [link.latency_ms, link.jitter_ms, link.loss_pct, link.since_ms]
    return ["link", link.peer, link.family, link.state, detail, *figures]


def _safe(text: str) -> str:
    """Text that others wrote, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
