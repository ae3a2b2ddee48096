"""Properties seen, in the records."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from millwright.devices.properties.model import SeenProperty
from millwright.devices.store import devices, properties, upsert
from millwright.engines.sql import Records


class PropertyStore:
    """Reads and writes which properties devices have sent."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self, device_id: str) -> list[SeenProperty]:
        """What a device has sent, by name."""
        with self._records.read() as connection:
            rows = connection.execute(
                sa.select(properties).where(properties.c.device_id == device_id).order_by(properties.c.property)
            ).mappings()
            fields = SeenProperty.__struct_fields__
            return [SeenProperty(**{key: row[key] for key in fields}) for row in rows]

    def note(self, seen: Sequence[SeenProperty]) -> None:
        """Keep these; of one that is known already, type, unit and ``known`` are brought up to date.

        Devices that were deleted meanwhile are passed over.
        """
        latest = {(found.device_id, found.property): found for found in seen}
        if not latest:
            return
        with self._records.begin() as connection:
            wanted = sorted({found.device_id for found in latest.values()})
            there: set[str] = set()
            for start in range(0, len(wanted), 500):
                chunk = wanted[start : start + 500]
                there.update(connection.execute(sa.select(devices.c.id).where(devices.c.id.in_(chunk))).scalars())
            rows = [msgspec.to_builtins(found) for found in latest.values() if found.device_id in there]
            upsert(connection, properties, rows, update=("type", "unit", "known"))
