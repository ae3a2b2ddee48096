"""What was sent to webhooks lately: the table, and its queries."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from millwright.devices.connectors.tables import connections
from millwright.engines.sql import Records, metadata, owned_through
from millwright.kernel import new_id

Outcome = Literal["taken", "repeated", "refused"]
_BEGUN = "begun"
"""The outcome in the table of what was handed over, and of which nobody has heard how that ended."""
KEPT = 10_000
"""Deliveries kept of each connection: so many that were taken, so many others; so far back one that is repeated is
recognised, and at least as long as its signed time is good."""

_id = sa.String(40)

deliveries = sa.Table(
    "devices_webhook_deliveries",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("connection_id", _id, sa.ForeignKey("devices_connections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("delivery_id", sa.String(255)),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("code", sa.String(64)),
    sa.Column("reason", sa.String(500)),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("readings", sa.Integer, nullable=False),
    sa.Column("peer", sa.String(64), nullable=False),
    sa.Column("proof", sa.String(64)),
    sa.Index("ix_devices_webhook_deliveries_connection", "connection_id", "id"),
    sa.Index("ix_devices_webhook_deliveries_delivery", "connection_id", "delivery_id"),
    sa.Index("ix_devices_webhook_deliveries_proof", "connection_id", "proof"),
    info=owned_through(connections, "connection_id"),
)
"""``proof``: what stands for its signature."""


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """A request to a webhook: ``taken`` with ``readings`` values, ``repeated`` (taken before), or ``refused`` and why.

    ``size`` is in bytes.
    """

    id: str
    at_ms: int
    delivery_id: str | None
    outcome: Outcome
    code: str | None
    reason: str | None
    size: int
    readings: int
    peer: str


class DeliveryStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def latest(self, connection_id: str, limit: int) -> list[WebhookDelivery]:
        """The newest first."""
        query = sa.select(deliveries).where(deliveries.c.connection_id == connection_id, deliveries.c.outcome != _BEGUN)
        with self._records.read() as connection:
            rows = connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit)).mappings().all()
        return [WebhookDelivery(**{name: row[name] for name in WebhookDelivery.__struct_fields__}) for row in rows]

    def was_taken(self, connection_id: str, delivery_id: str | None, proof: str | None) -> bool:
        """Whether a delivery with this id, or with this signature, was taken before."""
        named, signed = deliveries.c.delivery_id == delivery_id, deliveries.c.proof == proof
        same = [each for each, known in ((named, delivery_id), (signed, proof)) if known is not None]
        query = sa.select(deliveries.c.id).where(
            deliveries.c.connection_id == connection_id,
            sa.or_(sa.false(), *same),
            deliveries.c.outcome == "taken",
        )
        with self._records.read() as connection:
            return connection.scalar(query.limit(1)) is not None

    def begin(self, connection_id: str, delivery_id: str | None, proof: str | None, now_ms: int) -> int:
        """Note that a delivery is about to be handed over; returns when it first was: that is when it was received,
        also when it has to be handed over again because nobody heard whether it was stored."""
        own = deliveries.c.connection_id == connection_id, deliveries.c.outcome == _BEGUN
        by = deliveries.c.delivery_id == delivery_id if delivery_id is not None else deliveries.c.proof == proof
        values = {"delivery_id": delivery_id, "proof": proof, "outcome": _BEGUN, "size": 0, "readings": 0, "peer": ""}
        with self._records.begin() as connection:
            first = connection.scalar(sa.select(sa.func.min(deliveries.c.at_ms)).where(*own, by))
            if first is not None:
                return int(first)
            row = {"id": new_id("whd"), "connection_id": connection_id, "at_ms": now_ms, **values}
            connection.execute(sa.insert(deliveries).values(row))
        return now_ms

    def add(self, connection_id: str, *, trim: bool, taken_since_ms: int = 0, **values: Any) -> None:
        """Note one; ``trim``: forget what is too old, of what was taken only what is older than ``taken_since_ms``.

        What was taken is counted apart: nobody pushes it out by sending what is refused or repeated.
        """
        with self._records.begin() as connection:
            connection.execute(sa.insert(deliveries).values(id=new_id("whd"), connection_id=connection_id, **values))
            if values["outcome"] == "taken":
                name = "delivery_id" if values.get("delivery_id") is not None else "proof"
                begun = deliveries.c.connection_id == connection_id, deliveries.c.outcome == _BEGUN
                connection.execute(sa.delete(deliveries).where(*begun, deliveries.c[name] == values.get(name)))
            if trim:
                own, taken = deliveries.c.connection_id == connection_id, deliveries.c.outcome == "taken"
                for kind, old in ((taken, deliveries.c.at_ms < taken_since_ms), (sa.not_(taken), sa.true())):
                    newest = sa.select(deliveries.c.id).where(own, kind).order_by(deliveries.c.id.desc())
                    last = connection.scalar(newest.offset(KEPT).limit(1))
                    if last is not None:
                        connection.execute(sa.delete(deliveries).where(own, kind, old, deliveries.c.id <= last))
