"""Edges in the records of a parent, on SQLite and PostgreSQL, and what of them comes to the edge's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices import DeviceDirectory, DeviceQuery, DeviceStore, ForeignAddress, NewDevice
from millwright.devices.edge import EdgeRecords, EdgeStore
from millwright.devices.edge.desired import DesiredApplier, DesiredBuilder
from millwright.devices.edge.down.model import SectionRefusal, SectionReport
from millwright.devices.edge.in_force import HandedStates
from millwright.devices.edge.model import EdgeStatus
from millwright.devices.models.store import ModelStore
from millwright.devices.registry import SparkplugBinding
from millwright.devices.registry.bulk import BulkStore, read_csv, write_csv
from millwright.devices.store import edge_handed, edges
from millwright.engines.sql import Records
from millwright.kernel import ROOT, ManualClock, NotFound
from millwright.kernel.scope import EVERYTHING, Scope, within
from millwright.parties.store.organisations_tables import organisations
from support.sqlite import migrated

NOW_MS = 1_750_000_000_000
MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
PATHS = {
    "org_works": f"/{ROOT}/org_works/",
    "org_site": f"/{ROOT}/org_works/org_site/",
    "org_other": f"/{ROOT}/org_other/",
}


def with_organisations(records: Records) -> Records:
    """Records of everybody, with an edge that joined in each organisation: ``edge_<organisation>``."""
    with records.begin() as connection:
        for key, path in PATHS.items():
            row = {"id": key, "parent_id": ROOT, "kind": "site", "name": key, "name_key": key, "path": path}
            connection.execute(sa.insert(organisations).values(**row, suspended=False, created_ms=0, revision=1))
    everything = records.scoped(EVERYTHING)
    store = EdgeStore(everything)
    for number, key in enumerate((ROOT, *PATHS)):
        store.insert(f"edge_{key}", key, None, bytes([number]) * 32, 10, 1)
        with everything.begin() as connection:
            connection.execute(sa.update(edges).where(edges.c.id == f"edge_{key}").values(organisation_id=key))
        store.use_code(bytes([number]) * 32, f"key {number}", 2)
    return everything


def test_edges_of_a_suspended_organisation_are_not_let_in(records: Records) -> None:
    everything = with_organisations(records)
    store = EdgeStore(everything)
    assert store.keys().keys() == {f"edge_{key}" for key in (ROOT, *PATHS)}
    with everything.begin() as connection:
        connection.execute(sa.update(organisations).where(organisations.c.id == "org_works").values(suspended=True))
    assert store.keys().keys() == {f"edge_{ROOT}", "edge_org_other"}


def test_a_device_is_at_an_edge_of_its_organisation_or_one_above(records: Records) -> None:
    everything = with_organisations(records)
    store = DeviceStore(everything)
    for key, may in (("org_site", {ROOT, "org_works", "org_site"}), ("org_works", {ROOT, "org_works"})):
        for other in (ROOT, *PATHS):
            name, edge_id = f"{key} at {other}", f"edge_{other}"
            with within(Scope(home=key, unlimited=True)):
                if other in may:
                    made = DeviceStore(everything).insert(
                        f"dev_{key}_{other}", NewDevice(name=name, edge_id=edge_id), 1
                    )
                    assert (made.organisation_id, made.edge_id) == (key, edge_id)
                    continue
                with pytest.raises(NotFound):
                    store.insert(f"dev_{key}_{other}", NewDevice(name=name, edge_id=edge_id), 1)
    with pytest.raises(NotFound) as refused:
        store.update("dev_org_site_org_site", {"edge_id": "edge_org_other"}, None)
    assert refused.value.code == "devices.edge_unknown"


def test_an_import_puts_devices_at_edges(records: Records) -> None:
    everything = with_organisations(records)
    EdgeStore(everything).revoke("edge_org_other", 5)
    rows = [
        {"name": "by id", "edge_id": "edge_org_works"},
        {"name": "by name", "edge_id": "ORG_WORKS"},
        {"name": "above", "edge_id": f"edge_{ROOT}"},
        {"name": "below", "edge_id": "edge_org_site"},
        {"name": "nowhere", "edge_id": "edge_9"},
        {"name": "here", "edge_id": ""},
    ]
    with within(Scope(home="org_works", unlimited=True)):
        done = BulkStore(everything).insert(rows, 1, issue=False, dry_run=False)
    assert {each.name: each.code for each in done.refused} == {
        "below": "devices.edge_unknown",
        "nowhere": "devices.edge_unknown",
    }
    store = DeviceStore(everything)
    found = {each.name: each.edge_id for each in store.iter(DeviceQuery())}
    assert found == {"by id": "edge_org_works", "by name": "edge_org_works", "above": f"edge_{ROOT}", "here": None}
    text = "".join(write_csv(store.iter(DeviceQuery()), {}))
    assert [row.get("edge_id") or None for row in read_csv(text)] == [found[row["name"]] for row in read_csv(text)]
    with within(Scope(home="org_other", unlimited=True)):
        revoked = [{"name": "late", "edge_id": "edge_org_other"}]
        late = BulkStore(everything).insert(revoked, 1, issue=False, dry_run=True)
    assert [each.code for each in late.refused] == ["devices.edge_revoked"]


async def test_devices_of_other_platforms_are_known_at_the_edge_by_their_addresses(
    records: Records, tmp_path: Path
) -> None:
    everything = records.scoped(EVERYTHING)
    EdgeStore(everything).insert("edge_1", "cabin", None, b"1" * 32, 10, 1)
    pump = ForeignAddress(dialect="alibaba", product_key="pk1", name="pump7")
    store = DeviceStore(everything)
    store.insert("dev_pump", NewDevice(name="pump", address=pump, edge_id="edge_1"), 1)
    store.insert("dev_gw", NewDevice(name="gw", kind="gateway", registers=True, edge_id="edge_1"), 1)
    child = ForeignAddress(dialect="thingsboard", name="meter 1")
    store.insert("dev_meter", NewDevice(name="m", kind="gateway_device", parent_id="dev_gw", address=child), 1)

    wanted = await DesiredBuilder(everything).of("edge_1")
    edge = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    try:
        for _ in range(2):  # what is there already is written again
            await DesiredApplier(edge, "edge_1").apply(wanted)
        directory = DeviceDirectory(DeviceStore(edge), ModelStore(edge))
        known = directory.find_device("dev_pump")
        assert known is not None
        assert (known.dialect, known.realm, known.foreign_name) == ("alibaba", "pk1", "pump7")
        gateway = directory.find_device("dev_gw")
        assert gateway is not None
        assert directory.find_child(gateway, "thingsboard", "dev_gw", "meter 1") == "dev_meter"
        assert not gateway.registers, "what is registered is registered at the parent"
    finally:
        edge.close()


def test_what_cannot_be_written_of_one_edge_keeps_nothing_of_another(records: Records) -> None:
    store = EdgeStore(with_organisations(records))
    seen = {"seen_ms": 100, "connected_ms": 50}
    store.note(
        {
            f"edge_{ROOT}": {**seen, "status": {"problems": [{(1, 2): "no key of JSON"}]}},
            "edge_org_works": {**seen, "status": {"version": "1"}},
        }
    )
    found = {each.id: each for each in store.list(100)}
    assert (found["edge_org_works"].seen_ms, found["edge_org_works"].status) == (100, EdgeStatus(version="1"))
    assert found[f"edge_{ROOT}"].seen_ms is None


def test_the_edge_that_an_edge_node_of_sparkplug_connects_at_is_found(records: Records) -> None:
    everything = with_organisations(records)
    devices, kept = DeviceStore(everything), EdgeRecords(everything)
    binding = SparkplugBinding(group_id="plant", edge_node_id="e1")
    here = NewDevice(name="e1", kind="sparkplug_edge", sparkplug=binding, edge_id=f"edge_{ROOT}")
    devices.insert("dev_e1", here, 1)
    other = SparkplugBinding(group_id="plant", edge_node_id="e2")
    devices.insert("dev_e2", NewDevice(name="e2", kind="sparkplug_edge", sparkplug=other), 1)
    assert kept.find_edge_of("plant", "e1") == f"edge_{ROOT}"
    assert kept.find_edge_of("plant", "e2") is None, "it connects at the node itself"


async def test_what_was_in_force_at_an_edge_still_is_when_it_has_started_anew(records: Records) -> None:
    everything = with_organisations(records)
    store, edge_id, clock = EdgeStore(everything), f"edge_{ROOT}", ManualClock(NOW_MS)
    handed = HandedStates(everything, clock)
    builder = DesiredBuilder(everything, {"rules": lambda _devices: [{"id": "r1"}, {"id": "r2"}]}, handed)
    registry = DeviceStore(everything)
    registry.insert("dev_1", NewDevice(name="d1", edge_id=edge_id), 1)

    def say(applied: str, in_force: int = 2, refused: Sequence[str] = (), apply_error: str = "") -> Any:
        named = [SectionRefusal(id=each, what="", code="", message="") for each in refused]
        sections = [SectionReport(name="rules", desired=2, in_force=in_force, refused=named)] if applied else []
        status = EdgeStatus(applied=applied, sections=sections, apply_error=apply_error)
        store.note({edge_id: {"seen_ms": 1, "connected_ms": 1, "status": msgspec.to_builtins(status)}})
        found = HandedStates(everything, clock).read()
        return [(each.version, sorted(each.devices), each.refused, len(each.further["rules"])) for each in found]

    first = (await builder.of(edge_id)).version
    assert say("") == []
    assert say(first) == [(first, ["dev_1"], (), 2)]
    assert say("") == [(first, ["dev_1"], (), 2)], "it has not asked yet what is desired"
    clock.advance(1)
    registry.insert("dev_2", NewDevice(name="d2", edge_id=edge_id), 1)
    second = (await builder.of(edge_id)).version
    assert say(first) == [(first, ["dev_1"], (), 2)], "dev_2 is not there yet"
    assert say("", apply_error="devices.edge_state: no") == [(first, ["dev_1"], (), 2)], "the former one still is"
    assert say(second, 1, ["r2"]) == [(second, ["dev_1", "dev_2"], ("r2",), 2)]
    assert say(second, 1) == [], "nobody knows which rule is missing"
    registry.update("dev_1", {"edge_id": None}, 1)
    assert say(second) == [(second, ["dev_2"], (), 2)], "what was taken back is judged at the parent at once"
    assert say("v0") == [], "a state that was not handed over"
    for number in range(30):
        clock.advance(1)
        registry.insert(f"dev_x{number}", NewDevice(name=f"x{number}", edge_id=edge_id), 1)
        await builder.of(edge_id)
    with everything.read() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(edge_handed))
    assert int(kept or 0) in range(1, 11), "an edge that applies nothing fills nothing"
    store.revoke(edge_id, 1)
    assert say(second) == []
