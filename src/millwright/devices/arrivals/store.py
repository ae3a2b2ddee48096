"""Arrivals in the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.devices.arrivals.model import Arrival, ArrivalProperty, SparkplugContact
from millwright.devices.credentials.store import add, adopted_row
from millwright.devices.errors import not_found
from millwright.devices.registry.addresses import ForeignAddress
from millwright.devices.registry.model import NewDevice, SparkplugBinding
from millwright.devices.registry.store import insert_device
from millwright.devices.store import arrivals, bump, devices
from millwright.engines.sql import Records
from millwright.kernel import ROOT, new_id


@dataclass(slots=True)
class Contact:
    """Contacts of one unknown device gathered before they are written. ``identity`` tells devices apart."""

    identity: str
    kind: str
    last_ms: int
    first_ms: int
    attempts: int = 1
    username: str | None = None
    client_id: str | None = None
    peer: str | None = None
    digest: bytes | None = None
    reason: str | None = None
    device_id: str | None = None
    parent_id: str | None = None
    sparkplug: SparkplugBinding | None = None
    address: ForeignAddress | None = None
    properties: tuple[ArrivalProperty, ...] = field(default_factory=tuple)


class ArrivalStore:
    """Reads and writes arrivals; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> list[Arrival]:
        """Every arrival, the latest heard first."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(arrivals).order_by(arrivals.c.last_ms.desc(), arrivals.c.id))
            return [_arrival(row) for row in rows.mappings()]

    def get(self, arrival_id: str) -> Arrival:
        """One arrival. Raises ``NotFound`` (``devices.arrival_unknown``)."""
        with self._records.read() as connection:
            return _arrival(_row(connection, arrival_id))

    def count(self) -> int:
        """How many arrivals wait."""
        with self._records.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(arrivals)) or 0)

    def record(self, contacts: Sequence[Contact], *, limit: int, oldest_ms: int) -> bool:
        """Merge contacts in, forget what was not heard of since ``oldest_ms``, keep ``limit`` at most.

        Returns whether an arrival is new.
        """
        new = False
        with self._records.begin() as connection:
            connection.execute(sa.delete(arrivals).where(arrivals.c.last_ms < oldest_ms))
            for contact in contacts:
                new = _merge(connection, contact) or new
            held = int(connection.scalar(sa.select(sa.func.count()).select_from(arrivals)) or 0)
            if held > limit:
                longest = sa.select(arrivals.c.id).order_by(arrivals.c.last_ms, arrivals.c.id).limit(held - limit)
                connection.execute(sa.delete(arrivals).where(arrivals.c.id.in_(longest.scalar_subquery())))
        return new

    def dismiss(self, arrival_id: str) -> None:
        """Forget an arrival; it comes back at its next contact. Raises ``NotFound``."""
        with self._records.begin() as connection:
            if not connection.execute(sa.delete(arrivals).where(arrivals.c.id == arrival_id)).rowcount:
                raise not_found("arrival", arrival_id)

    def adopt(self, arrival_id: str, device_id: str, new: NewDevice, now_ms: int, limit: int) -> None:
        """Register the arrival as a new device that is let in with the credential it presented."""
        with self._records.begin() as connection:
            row = _row(connection, arrival_id)
            insert_device(connection, device_id, new, now_ms)
            self._grant(connection, row, device_id, now_ms, limit)

    def adopt_into(self, arrival_id: str, device_id: str, now_ms: int, limit: int) -> None:
        """Let a registered device in with the credential that the arrival presented."""
        with self._records.begin() as connection:
            row = _row(connection, arrival_id)
            if connection.scalar(sa.select(devices.c.id).where(devices.c.id == device_id)) is None:
                raise not_found("device", device_id)
            self._grant(connection, row, device_id, now_ms, limit)

    def adopt_born(self, contact: SparkplugContact, device_id: str, new: NewDevice, now_ms: int) -> None:
        """Register a Sparkplug device at its birth, and forget its arrival if one is listed."""
        with self._records.begin() as connection:
            insert_device(connection, device_id, new, now_ms)
            connection.execute(sa.delete(arrivals).where(arrivals.c.identity == sparkplug_identity(contact)))
            bump(connection)

    @staticmethod
    def _grant(connection: sa.Connection, row: sa.RowMapping, device_id: str, now_ms: int, limit: int) -> None:
        if row["digest"] is not None:
            hint = row["username"] or "…"
            add(connection, device_id, adopted_row(device_id, hint, bytes(row["digest"]), now_ms), limit)
        connection.execute(sa.delete(arrivals).where(arrivals.c.id == row["id"]))
        bump(connection)


def mqtt_identity(digest: bytes) -> str:
    """What tells refused MQTT devices apart: the digest of what they presented."""
    return f"mqtt:{digest.hex()}"


def sparkplug_identity(contact: SparkplugContact) -> str:
    """What tells unregistered Sparkplug devices apart: edge node and name."""
    return f"sparkplug:{contact.edge_id}:{contact.device}"


def _merge(connection: sa.Connection, contact: Contact) -> bool:
    """Write one contact; returns whether it is a new arrival."""
    changes: dict[str, Any] = {
        "username": contact.username,
        "client_id": contact.client_id,
        "peer": contact.peer,
        "reason": contact.reason,
        "device_id": contact.device_id,
        "last_ms": contact.last_ms,
    }
    if contact.properties:
        changes["properties"] = msgspec.to_builtins(contact.properties)
    updated = connection.execute(
        sa.update(arrivals)
        .where(arrivals.c.identity == contact.identity)
        .values(attempts=arrivals.c.attempts + contact.attempts, **changes)
    )
    if updated.rowcount:
        return False
    named = contact.parent_id or contact.device_id
    owner = connection.scalar(sa.select(devices.c.organisation_id).where(devices.c.id == named)) if named else None
    if contact.parent_id is not None and owner is None:
        return False
    changes.setdefault("properties", [])
    connection.execute(
        sa.insert(arrivals).values(
            id=new_id("arr"),
            organisation_id=owner or ROOT,
            identity=contact.identity,
            kind=contact.kind,
            digest=contact.digest,
            parent_id=contact.parent_id,
            sparkplug=msgspec.to_builtins(contact.sparkplug) if contact.sparkplug else None,
            address=msgspec.to_builtins(contact.address) if contact.address else None,
            attempts=contact.attempts,
            first_ms=contact.first_ms,
            **changes,
        )
    )
    return True


def _row(connection: sa.Connection, arrival_id: str) -> sa.RowMapping:
    row = connection.execute(sa.select(arrivals).where(arrivals.c.id == arrival_id)).mappings().one_or_none()
    if row is None:
        raise not_found("arrival", arrival_id)
    return row


def _arrival(row: sa.RowMapping) -> Arrival:
    return msgspec.convert({key: row[key] for key in Arrival.__struct_fields__}, Arrival)
