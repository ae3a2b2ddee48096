"""Many new devices below one gateway, in one statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from millwright.devices.errors import invalid
from millwright.devices.registry.model import Device, NewDevice
from millwright.devices.registry.store import model_version, values_of
from millwright.devices.store import devices


def taken_names(connection: sa.Connection, organisation_id: str, keys: Collection[str]) -> set[str]:
    """Those of the names, as ``key_of`` has them, that devices of the organisation have."""
    rows = connection.execute(
        sa.select(devices.c.name_key).where(
            devices.c.organisation_id == organisation_id, devices.c.name_key.in_(list(keys))
        )
    )
    return set(rows.scalars())


def insert_below(connection: sa.Connection, gateway: Device, new: Sequence[tuple[str, NewDevice]], now_ms: int) -> None:
    """Add checked devices, each with its id, in the caller's transaction; they are where the gateway is.

    Raises what the database has against one of them: a name or address that another device took in this moment.
    """
    kind = connection.scalar(sa.select(devices.c.kind).where(devices.c.id == gateway.id))
    if kind != "gateway":
        raise invalid("The parent is no gateway.", "/parent_id")
    organisation_id = gateway.organisation_id
    versions = {
        each: model_version(connection, each, None, organisation_id) for each in {device.model_id for _, device in new}
    }
    rows = [
        values_of(device_id, device, versions[device.model_id], now_ms, organisation_id) for device_id, device in new
    ]
    connection.execute(sa.insert(devices), rows)
