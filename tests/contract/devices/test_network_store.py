"""Sites in the records, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices.edge import EdgeStore
from millwright.devices.network.model import Neighbour, NetworkReport, ScanOrder
from millwright.devices.network.store import NetworkStore, completed, shown
from millwright.devices.network.tables import neighbours, networks
from millwright.engines.sql import Records
from millwright.kernel import ROOT, NotFound
from millwright.kernel.scope import EVERYTHING, Scope

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
HOUR_MS = 3_600_000


def report(*macs: str, state: str = "reachable") -> NetworkReport:
    there = [
        Neighbour(address=f"10.0.0.{n}", family=4, mac=mac, interface="eth0", state=state)  # type: ignore[arg-type]
        for n, mac in enumerate(macs, 2)
    ]
    return NetworkReport(at_ms=1, neighbours=there)


def test_who_comes_after_the_first_hour_is_unknown_until_somebody_says_so(records: Records) -> None:
    store = NetworkStore(records.scoped(EVERYTHING))
    for at_ms, macs in ((0, ["a"]), (HOUR_MS - 1, ["a", "b"]), (HOUR_MS, ["a", "c"]), (HOUR_MS + 9, ["c", "d"])):
        site = store.take("node-x", "node", "x", report(*macs), at_ms)
    store.take("node-x", "node", "x", report("f", state="failed"), HOUR_MS + 10)
    known = store.macs(["node-x"])["node-x"]
    assert known == {"a": (0, True), "b": (HOUR_MS - 1, True), "c": (HOUR_MS, False), "d": (HOUR_MS + 9, False)}
    told = completed(site.last() or report(), known)
    assert [(each.kind, each.about, each.since_ms) for each in told.findings] == [
        ("unknown_neighbour", "c", HOUR_MS),
        ("unknown_neighbour", "d", HOUR_MS + 9),
    ]
    assert shown(site, known, HOUR_MS + 10).unknown_neighbours == 2
    assert store.know("node-x", ["c", "a", "nobody"]) == 1
    assert store.know("node-x", None) == 1
    assert all(each for _, each in store.macs(["node-x"])["node-x"].values())


def test_made_up_machines_do_not_fill_the_records(records: Records) -> None:
    store = NetworkStore(records.scoped(EVERYTHING))
    for number in range(3):
        store.take("node-x", "node", "x", report(*(f"{number}-{n}" for n in range(2_500))), number)
    with records.scoped(EVERYTHING).read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(neighbours)) == 5_000
    assert "2-0" in store.macs(["node-x"])["node-x"]


def test_a_site_of_an_edge_is_whose_the_edge_is_and_goes_with_it(records: Records) -> None:
    everything = records.scoped(EVERYTHING)
    edges = EdgeStore(everything)
    edges.insert("edge_1", "hall 3", None, b"1" * 32, 10, 1)
    store = NetworkStore(everything)
    assert store.list() == []  # it has not joined
    edges.use_code(b"1" * 32, "key", 2)
    assert [(each.id, each.name, each.seen_ms) for each in store.list()] == [("edge_1", "hall 3", None)]
    store.take("edge_1", "edge", "", report("a"), 5)
    site = store.find("edge_1")
    assert site is not None
    assert (site.name, site.organisation_id, site.seen_ms) == ("hall 3", ROOT, 5)
    assert NetworkStore(records.scoped(Scope(frozenset({"org_other"}), home="org_other"))).find("edge_1") is None
    with pytest.raises(NotFound):
        store.take("edge_2", "edge", "", report("a"), 5)
    edges.revoke("edge_1", 6)
    edges.delete("edge_1")
    assert store.list() == []


def test_watching_and_scans_are_kept_and_a_strange_report_is_none(records: Records) -> None:
    store = NetworkStore(records.scoped(EVERYTHING))
    site = store.take("node-x", "node", "x", report("a"), 5)
    assert not store.wanted("node-x")
    store.watch(site, True, "dev_1")
    order = ScanOrder(id="scan_1", subnet="10.0.0.0/30", per_s=20, asked_ms=6)
    store.order(site, order)
    found = store.take("node-x", "node", "x", report("a"), 7)
    assert (found.watched, found.device_id, found.order()) == (True, "dev_1", order)
    assert store.wanted("node-x")
    with records.scoped(EVERYTHING).begin() as connection:
        connection.execute(sa.update(networks).values(report={"at_ms": "of another version"}))
    strange = store.find("node-x")
    assert strange is not None
    assert strange.last() is None
    assert shown(strange, {}, 8).state == "ok"
