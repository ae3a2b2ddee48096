"""Sites in the records."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from msgspec import structs

from millwright.devices.network.errors import site_unknown
from millwright.devices.network.model import LinkState, NetworkFinding, NetworkReport, ScanOrder, SiteNetwork
from millwright.devices.network.tables import neighbours, networks
from millwright.devices.store import edges, upsert
from millwright.engines.sql import Records
from millwright.kernel import ROOT

FRESH_MS: Final = 60_000
_MOST_MACS: Final = 5_000
_SURE_MS: Final = 3_600_000
"""Who is there in a site's first hour belongs there; who comes later has to be said to."""

Kind = Literal["node", "edge"]


class Site(NamedTuple):
    """A site as it is kept. ``report`` is decoded when it is asked for."""

    id: str
    kind: str
    name: str
    device_id: str | None
    watched: bool
    seen_ms: int | None
    report: Any
    scan: Any
    organisation_id: str

    def last(self) -> NetworkReport | None:
        """What it reported last; nothing when that was another version's."""
        try:
            return msgspec.convert(self.report, NetworkReport) if self.report else None
        except msgspec.ValidationError:
            return None

    def order(self) -> ScanOrder | None:
        """The scan that somebody asked for last."""
        return msgspec.convert(self.scan, ScanOrder) if self.scan else None


class NetworkStore:
    """Reads and writes sites; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> builtins.list[Site]:
        """Every site that ever reported or is watched, and every edge that joined; by name."""
        with self._records.read() as connection:
            return _sites(connection, None)

    def find(self, site_id: str) -> Site | None:
        """One of those."""
        with self._records.read() as connection:
            found = _sites(connection, site_id)
        return found[0] if found else None

    def wanted(self, site_id: str) -> bool:
        """Whether a site is watched."""
        query = sa.select(networks.c.watched).where(networks.c.id == site_id)
        with self._records.read() as connection:
            return bool(connection.scalar(query))

    def watch(self, site: Site, watched: bool, device_id: str | None) -> None:
        """Have a site watched or not."""
        self._put(site, {"watched": watched, "device_id": device_id})

    def order(self, site: Site, order: ScanOrder) -> None:
        """Ask a site for a scan."""
        self._put(site, {"scan": msgspec.to_builtins(order)})

    def _put(self, site: Site, values: dict[str, Any]) -> None:
        with self._records.begin() as connection:
            if not connection.execute(sa.update(networks).where(networks.c.id == site.id).values(**values)).rowcount:
                row = {**site._asdict(), "report": None, "scan": None, **values}
                connection.execute(sa.insert(networks).values(**row))

    def take(self, site_id: str, kind: Kind, name: str, report: NetworkReport, now_ms: int) -> Site:
        """Keep what a site reported; returns the site, so that it can be told what is asked of it.

        Raises ``NotFound`` for an edge that is none any more.
        """
        kept = msgspec.to_builtins(report)
        with self._records.begin() as connection:
            changed = connection.execute(
                sa.update(networks).where(networks.c.id == site_id).values(report=kept, seen_ms=now_ms)
            )
            if not changed.rowcount:
                owner: str | None = ROOT
                if kind == "edge":
                    row = connection.execute(
                        sa.select(edges.c.organisation_id, edges.c.name).where(edges.c.id == site_id)
                    ).one_or_none()
                    if row is None:
                        raise site_unknown(site_id)
                    owner, name = row.organisation_id, row.name
                fresh = Site(site_id, kind, name, None, False, now_ms, kept, None, owner or ROOT)
                connection.execute(sa.insert(networks).values(**fresh._asdict()))
            _note_neighbours(connection, site_id, report, now_ms)
            columns = [networks.c[name] for name in Site._fields]
            return Site(*connection.execute(sa.select(*columns).where(networks.c.id == site_id)).one())

    def macs(self, site_ids: Sequence[str]) -> dict[str, dict[str, tuple[int, bool]]]:
        """Of each site its neighbours by MAC: since when they are seen, and whether they are known."""
        found: dict[str, dict[str, tuple[int, bool]]] = {each: {} for each in site_ids}
        query = sa.select(neighbours).where(neighbours.c.network_id.in_(site_ids))
        with self._records.read() as connection:
            for row in connection.execute(query):
                found[row.network_id][row.mac] = row.first_ms, row.known
        return found

    def know(self, site_id: str, macs: Sequence[str] | None) -> int:
        """Say that these neighbours belong to the site (``None``: all); returns how many were not known."""
        changed = 0
        which = [neighbours.c.network_id == site_id, sa.not_(neighbours.c.known)]
        with self._records.begin() as connection:
            for start in range(0, len(macs) if macs is not None else 1, 500):
                chosen = [neighbours.c.mac.in_(macs[start : start + 500])] if macs is not None else []
                changed += connection.execute(sa.update(neighbours).where(*which, *chosen).values(known=True)).rowcount
        return changed


def _sites(connection: sa.Connection, site_id: str | None) -> builtins.list[Site]:
    kept = sa.select(*[networks.c[name] for name in Site._fields])
    there = sa.select(edges.c.id, edges.c.name, edges.c.organisation_id, edges.c.joined_ms, edges.c.revoked_ms)
    if site_id is not None:
        kept, there = kept.where(networks.c.id == site_id), there.where(edges.c.id == site_id)
    mine = {row.id: row for row in connection.execute(there)}
    found = []
    for row in connection.execute(kept):
        site = Site(*row)
        edge = mine.pop(site.id, None)
        if site.kind == "edge" and edge is None:
            continue  # removed, with what it reported
        found.append(site._replace(name=edge.name, organisation_id=edge.organisation_id) if edge else site)
    found += [
        Site(row.id, "edge", row.name, None, False, None, None, None, row.organisation_id)
        for row in mine.values()
        if row.joined_ms is not None and row.revoked_ms is None
    ]
    return sorted(found, key=lambda each: each.name)


def _note_neighbours(connection: sa.Connection, site_id: str, report: NetworkReport, now_ms: int) -> None:
    macs = sorted({each.mac for each in report.neighbours if each.mac and each.state != "failed"})[:_MOST_MACS]
    if not macs:
        return
    first: int | None = connection.scalar(
        sa.select(sa.func.min(neighbours.c.first_ms)).where(neighbours.c.network_id == site_id)
    )
    known = first is None or now_ms - first < _SURE_MS
    rows = [{"network_id": site_id, "mac": mac, "first_ms": now_ms, "last_ms": now_ms, "known": known} for mac in macs]
    upsert(connection, neighbours, rows, update=("last_ms",))
    count = connection.scalar(
        sa.select(sa.func.count()).select_from(neighbours).where(neighbours.c.network_id == site_id)
    )
    if (count or 0) > _MOST_MACS:  # somebody makes MAC addresses up: who was not seen for longest leaves
        oldest = (
            sa.select(neighbours.c.mac)
            .where(neighbours.c.network_id == site_id)
            .order_by(neighbours.c.last_ms.desc())
            .offset(_MOST_MACS)
        )
        connection.execute(
            sa.delete(neighbours).where(neighbours.c.network_id == site_id, neighbours.c.mac.in_(oldest))
        )


def shown(site: Site, macs: dict[str, tuple[int, bool]], now_ms: int) -> SiteNetwork:
    """A site as the list shows it."""
    report = site.last()
    fresh = site.seen_ms is not None and now_ms - site.seen_ms < FRESH_MS
    links = report.links if report else []
    findings = completed(report, macs).findings if report else []
    return SiteNetwork(
        id=site.id,
        name=site.name,
        kind="edge" if site.kind == "edge" else "node",
        watched=site.watched,
        device_id=site.device_id,
        seen_ms=site.seen_ms,
        fresh=fresh,
        state=_state(findings) if fresh else "unknown",
        links=len(links),
        links_down=sum(each.state == "down" for each in links),
        findings=sum(each.severity != "info" for each in findings),
        unknown_neighbours=sum(each.kind == "unknown_neighbour" for each in findings),
        share_pct=report.readiness.share_pct if report else None,
        organisation_id=site.organisation_id,
    )


def _state(findings: Sequence[NetworkFinding]) -> LinkState:
    severities = {each.severity for each in findings}
    return "down" if "error" in severities else "lossy" if "warning" in severities else "ok"


def completed(report: NetworkReport, macs: dict[str, tuple[int, bool]]) -> NetworkReport:
    """The report with what only the records know: since when a neighbour is there, and who is unknown."""
    there = [
        structs.replace(each, first_ms=macs[each.mac][0], known=macs[each.mac][1]) if each.mac in macs else each
        for each in report.neighbours
    ]
    unknown: dict[str, list[str]] = {}
    for each in there:
        if each.known is False and each.state != "failed":
            unknown.setdefault(each.mac, []).append(each.address)
    more = [
        NetworkFinding(
            kind="unknown_neighbour",
            severity="warning",
            about=mac,
            detail={"addresses": addresses},
            since_ms=macs[mac][0],
        )
        for mac, addresses in sorted(unknown.items())
    ]
    return structs.replace(report, neighbours=there, findings=[*report.findings, *more])
