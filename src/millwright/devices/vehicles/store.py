"""How many vehicles are below platforms."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from millwright.devices.registry import DeviceCounts
from millwright.devices.store import devices, presence
from millwright.devices.vehicles.topics import DIALECT
from millwright.engines.sql import Records


class FleetStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def count(self, platform_ids: Sequence[str]) -> dict[str, DeviceCounts]:
        """Vehicles below each of these, by presence; those with none are left out."""
        query = (
            sa.select(devices.c.parent_id, presence.c.online, sa.func.count())
            .select_from(devices.outerjoin(presence, presence.c.device_id == devices.c.id))
            .where(devices.c.parent_id.in_(platform_ids), devices.c.foreign_dialect == DIALECT)
            .group_by(devices.c.parent_id, presence.c.online)
        )
        counted: dict[str, dict[bool | None, int]] = {}
        with self._records.read() as connection:
            for platform_id, online, count in connection.execute(query):
                counted.setdefault(platform_id, {})[None if online is None else bool(online)] = count
        return {
            platform_id: DeviceCounts(
                total=sum(by.values()), online=by.get(True, 0), offline=by.get(False, 0), never=by.get(None, 0)
            )
            for platform_id, by in counted.items()
        }
