"""Sensing and place: plans, zones, readers, tags, what happened, and what is made of it."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0007"
down_revision = "devices_0006"
branch_labels = None
depends_on = None

_id = sa.String(40)
_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "devices_location_plans",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL")),
        sa.Column("width_m", sa.Float, nullable=False),
        sa.Column("height_m", sa.Float, nullable=False),
        sa.Column("image", sa.LargeBinary),
        sa.Column("image_type", sa.String(40)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index(
        "uq_devices_location_plans_name", "devices_location_plans", ["organisation_id", "name_key"], unique=True
    )
    op.create_table(
        "devices_location_zones",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL")),
        sa.Column("plan_id", _id, sa.ForeignKey("devices_location_plans.id")),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index("ix_devices_location_zones_plan_id", "devices_location_zones", ["plan_id"])
    op.create_index(
        "uq_devices_location_zones_name", "devices_location_zones", ["organisation_id", "name_key"], unique=True
    )
    op.create_table(
        "devices_location_readers",
        sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("plan_id", _id, sa.ForeignKey("devices_location_plans.id")),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index("ix_devices_location_readers_plan_id", "devices_location_readers", ["plan_id"])
    op.create_table(
        "devices_location_reader_states",
        sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_table(
        "devices_location_tags",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("tag", _key, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("group", _key, nullable=False),
        sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="SET NULL")),
        sa.Column("identifier", sa.String(512)),
    )
    op.create_index("ix_devices_location_tags_group", "devices_location_tags", ["group"])
    op.create_table(
        "devices_location_tag_states",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("tag", _key, primary_key=True),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("reader_id", _id, nullable=False),
        sa.Column("antenna", sa.Integer, nullable=False),
        sa.Column("rssi_dbm", sa.Float),
        sa.Column("plan_id", _id),
        sa.Column("x_m", sa.Float),
        sa.Column("y_m", sa.Float),
        sa.Column("z_m", sa.Float),
        sa.Column("position_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_devices_location_tag_states_seen_ms", "devices_location_tag_states", ["seen_ms"])
    op.create_table(
        "devices_location_stays",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("tag", _key, primary_key=True),
        sa.Column("zone_id", _id, primary_key=True),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_devices_location_stays_zone", "devices_location_stays", ["zone_id"])
    op.create_table(
        "devices_location_events",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("tag", _key),
        sa.Column("zone_id", _id, nullable=False),
        sa.Column("zone", sa.String(128), nullable=False),
        sa.Column("entered_ms", sa.BigInteger),
        sa.Column("stay_ms", sa.BigInteger),
        sa.Column("reader_id", _id),
        sa.Column("certain", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_devices_location_events_time", "devices_location_events", ["time_ms", "number"])
    op.create_index("ix_devices_location_events_tag", "devices_location_events", ["tag", "time_ms"])
    op.create_index("ix_devices_location_events_zone", "devices_location_events", ["zone_id", "time_ms"])
    op.create_table(
        "devices_location_trail",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("tag", _key, nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("reader_id", _id, nullable=False),
        sa.Column("antenna", sa.Integer, nullable=False),
        sa.Column("plan_id", _id),
        sa.Column("x_m", sa.Float),
        sa.Column("y_m", sa.Float),
        sa.Column("z_m", sa.Float),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index("ix_devices_location_trail_tag", "devices_location_trail", ["tag", "time_ms"])
    op.create_index("ix_devices_location_trail_time", "devices_location_trail", ["time_ms"])
    op.create_table(
        "devices_location_positions",
        sa.Column("stream", sa.String(80), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices_location_rules",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("zone_id", _id, sa.ForeignKey("devices_location_zones.id", ondelete="CASCADE"), nullable=False),
        sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("by_id", _id, nullable=False),
        sa.Column("by_name", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index(
        "uq_devices_location_rules_name", "devices_location_rules", ["organisation_id", "name_key"], unique=True
    )
    op.create_table(
        "devices_location_reactions",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("rule_id", _id, sa.ForeignKey("devices_location_rules.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event_number", sa.BigInteger, nullable=False),
        sa.Column("tag", _key, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("command_id", _id),
        sa.Column("code", sa.String(80)),
        sa.Column("text", sa.Text),
        sa.Column("organisation_id", _id, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_devices_location_reactions_state", "devices_location_reactions", ["state", "due_ms"])
    op.create_index("ix_devices_location_reactions_rule", "devices_location_reactions", ["rule_id", "number"])
    op.execute("INSERT INTO devices_counters (name, value) VALUES ('location_revision', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM devices_counters WHERE name = 'location_revision'")
    op.drop_table("devices_location_reactions")
    op.drop_table("devices_location_rules")
    op.drop_table("devices_location_positions")
    op.drop_table("devices_location_trail")
    op.drop_table("devices_location_events")
    op.drop_table("devices_location_stays")
    op.drop_table("devices_location_tag_states")
    op.drop_table("devices_location_tags")
    op.drop_table("devices_location_reader_states")
    op.drop_table("devices_location_readers")
    op.drop_table("devices_location_zones")
    op.drop_table("devices_location_plans")
