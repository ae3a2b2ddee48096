"""The tables of plans, zones, readers and tags, and of what happened to them."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.devices.store import Key, counters
from millwright.engines.sql import metadata, organisation, owned

REVISION = "location_revision"
"""The counter that moves with every change of what the tracker and the feedback go by."""

_id = sa.String(40)
_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

plans = sa.Table(
    "devices_location_plans",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL")),
    sa.Column("width_m", sa.Float, nullable=False),
    sa.Column("height_m", sa.Float, nullable=False),
    sa.Column("image", sa.LargeBinary),
    sa.Column("image_type", sa.String(40)),
    sa.Column("revision", sa.Integer, nullable=False),
    organisation(),
    sa.Index("uq_devices_location_plans_name", "organisation_id", "name_key", unique=True),
    info=owned(),
)

zones = sa.Table(
    "devices_location_zones",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL")),
    sa.Column("plan_id", _id, sa.ForeignKey("devices_location_plans.id"), index=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    organisation(),
    sa.Index("uq_devices_location_zones_name", "organisation_id", "name_key", unique=True),
    info=owned(),
)
"""``document``: antennas, polygon and thresholds, as :class:`~.model.NewZone` has them."""

readers = sa.Table(
    "devices_location_readers",
    metadata,
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("plan_id", _id, sa.ForeignKey("devices_location_plans.id"), index=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    organisation(),
    info=owned(),
)

reader_states = sa.Table(
    "devices_location_reader_states",
    metadata,
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("state", sa.JSON, nullable=False),
    organisation(),
    info=owned(),
)

tags = sa.Table(
    "devices_location_tags",
    metadata,
    sa.Column("organisation_id", _id, primary_key=True),
    sa.Column("tag", Key, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("group", Key, nullable=False, index=True),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="SET NULL")),
    sa.Column("identifier", sa.String(512)),
    info=owned(),
)
"""What people know of tags: what they are fixed to."""

tag_states = sa.Table(
    "devices_location_tag_states",
    metadata,
    sa.Column("organisation_id", _id, primary_key=True),
    sa.Column("tag", Key, primary_key=True),
    sa.Column("seen_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("reader_id", _id, nullable=False),
    sa.Column("antenna", sa.Integer, nullable=False),
    sa.Column("rssi_dbm", sa.Float),
    sa.Column("plan_id", _id),
    sa.Column("x_m", sa.Float),
    sa.Column("y_m", sa.Float),
    sa.Column("z_m", sa.Float),
    sa.Column("position_ms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    info=owned(),
)
"""What the tracker remembers of a tag (``state``, MessagePack), and of that what is asked for."""

stays = sa.Table(
    "devices_location_stays",
    metadata,
    sa.Column("organisation_id", _id, primary_key=True),
    sa.Column("tag", Key, primary_key=True),
    sa.Column("zone_id", _id, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Index("ix_devices_location_stays_zone", "zone_id"),
    info=owned(),
)
"""Who is in which zone now."""

events = sa.Table(
    "devices_location_events",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("recorded_ms", sa.BigInteger, nullable=False),
    sa.Column("tag", Key),
    sa.Column("zone_id", _id, nullable=False),
    sa.Column("zone", sa.String(128), nullable=False),
    sa.Column("entered_ms", sa.BigInteger),
    sa.Column("stay_ms", sa.BigInteger),
    sa.Column("reader_id", _id),
    sa.Column("certain", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    organisation(),
    sa.Index("ix_devices_location_events_time", "time_ms", "number"),
    sa.Index("ix_devices_location_events_tag", "tag", "time_ms"),
    sa.Index("ix_devices_location_events_zone", "zone_id", "time_ms"),
    info=owned(),
    sqlite_autoincrement=True,
)

trail = sa.Table(
    "devices_location_trail",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("tag", Key, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("reader_id", _id, nullable=False),
    sa.Column("antenna", sa.Integer, nullable=False),
    sa.Column("plan_id", _id),
    sa.Column("x_m", sa.Float),
    sa.Column("y_m", sa.Float),
    sa.Column("z_m", sa.Float),
    sa.Column("late", sa.Boolean, nullable=False),
    organisation(),
    sa.Index("ix_devices_location_trail_tag", "tag", "time_ms"),
    sa.Index("ix_devices_location_trail_time", "time_ms"),
    info=owned(),
)

positions = sa.Table(
    "devices_location_positions",
    metadata,
    sa.Column("stream", sa.String(80), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
"""Up to where the intake was taken: written with what came of it, in one transaction."""

rules = sa.Table(
    "devices_location_rules",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("zone_id", _id, sa.ForeignKey("devices_location_zones.id", ondelete="CASCADE"), nullable=False),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("by_id", _id, nullable=False),
    sa.Column("by_name", sa.String(255), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    organisation(),
    sa.Index("uq_devices_location_rules_name", "organisation_id", "name_key", unique=True),
    info=owned(),
)

reactions = sa.Table(
    "devices_location_reactions",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("rule_id", _id, sa.ForeignKey("devices_location_rules.id", ondelete="CASCADE"), nullable=False),
    sa.Column("event_number", sa.BigInteger, nullable=False),
    sa.Column("tag", Key, nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("command_id", _id),
    sa.Column("code", sa.String(80)),
    sa.Column("text", sa.Text),
    organisation(),
    sa.Index("ix_devices_location_reactions_state", "state", "due_ms"),
    sa.Index("ix_devices_location_reactions_rule", "rule_id", "number"),
    info=owned(),
    sqlite_autoincrement=True,
)
"""What a rule makes of an event: waits, then became a command or was let be. Written with the event."""


def revision(connection: sa.Connection) -> int:
    """The value of the change counter."""
    return int(connection.scalar(sa.select(counters.c.value).where(counters.c.name == REVISION)) or 0)


def bump(connection: sa.Connection) -> None:
    """Count a change, in the caller's transaction."""
    connection.execute(sa.update(counters).where(counters.c.name == REVISION).values(value=counters.c.value + 1))
