"""Edges in the records of a parent, on SQLite and PostgreSQL, and what of them comes to the edge's own."""

from __future__ import annotations

from pathlib import Path

from millwright import certificates, devices, parties
from millwright.devices import DeviceDirectory, DeviceStore, ForeignAddress, NewDevice
from millwright.devices.edge import EdgeStore
from millwright.devices.edge.desired import DesiredApplier, DesiredBuilder
from millwright.devices.models.store import ModelStore
from millwright.engines.sql import Records
from millwright.kernel.scope import EVERYTHING
from support.sqlite import migrated

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


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
