"""Presence in the records."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from millwright.devices.presence.model import KEPT_EVENTS, PresenceEvent, PresenceRow
from millwright.devices.store import devices, presence, presence_events, upsert
from millwright.engines.sql import Records

_CHUNK = 500


class PresenceStore:
    """Reads and writes presence; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def load(self) -> list[PresenceRow]:
        """How every device was when it was last written."""
        with self._records.read() as connection:
            return [
                PresenceRow(row.device_id, row.online, row.since_ms, row.last_seen_ms, row.reason)
                for row in connection.execute(sa.select(presence))
            ]

    def links(self) -> dict[str, str]:
        """The edge node or gateway of every device that is below one."""
        query = sa.select(devices.c.id, devices.c.parent_id).where(
            devices.c.kind.in_(("sparkplug_device", "gateway_device")), devices.c.parent_id.is_not(None)
        )
        with self._records.read() as connection:
            return {row.id: row.parent_id for row in connection.execute(query)}

    def write(self, rows: Sequence[PresenceRow], events: Sequence[PresenceEvent]) -> set[str]:
        """Keep states and changes; returns the ids of devices that are registered no more."""
        wanted = sorted({row.device_id for row in rows} | {event.device_id for event in events})
        if not wanted:
            return set()
        with self._records.begin() as connection:
            there: set[str] = set()
            for start in range(0, len(wanted), _CHUNK):
                known = sa.select(devices.c.id).where(devices.c.id.in_(wanted[start : start + _CHUNK]))
                there.update(connection.execute(known).scalars())
            newest = {row.device_id: row for row in rows if row.device_id in there}
            upsert(
                connection,
                presence,
                [msgspec.structs.asdict(row) for row in newest.values()],
                update=("online", "since_ms", "last_seen_ms", "reason"),
            )
            kept = [msgspec.structs.asdict(event) for event in events if event.device_id in there]
            if kept:
                connection.execute(sa.insert(presence_events), kept)
                _trim(connection, sorted({event["device_id"] for event in kept}))
        return set(wanted) - there

    def events(self, device_id: str) -> list[PresenceEvent]:
        """The last changes of a device, newest first."""
        query = (
            sa.select(presence_events)
            .where(presence_events.c.device_id == device_id)
            .order_by(presence_events.c.sequence.desc())
            .limit(KEPT_EVENTS)
        )
        with self._records.read() as connection:
            return [
                PresenceEvent(row.device_id, row.online, row.at_ms, row.reason) for row in connection.execute(query)
            ]


def _trim(connection: sa.Connection, device_ids: Sequence[str]) -> None:
    """Remove what is beyond the changes kept, for the devices that have more."""
    for start in range(0, len(device_ids), _CHUNK):
        chunk = device_ids[start : start + _CHUNK]
        counted = (
            sa.select(presence_events.c.device_id)
            .where(presence_events.c.device_id.in_(chunk))
            .group_by(presence_events.c.device_id)
            .having(sa.func.count() > KEPT_EVENTS)
        )
        for device_id in connection.execute(counted).scalars().all():
            oldest_kept = (
                sa.select(presence_events.c.sequence)
                .where(presence_events.c.device_id == device_id)
                .order_by(presence_events.c.sequence.desc())
                .offset(KEPT_EVENTS - 1)
                .limit(1)
            )
            sequence = connection.scalar(oldest_kept)
            connection.execute(
                sa.delete(presence_events).where(
                    presence_events.c.device_id == device_id, presence_events.c.sequence < sequence
                )
            )
