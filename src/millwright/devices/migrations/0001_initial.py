"""Places, models, devices, credentials, arrivals, presence, properties seen."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "devices_0001"
down_revision = None
branch_labels = ("devices",)
depends_on = None

_id = sa.String(40)
_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def _of_device(**options: Any) -> sa.Column[str]:
    return sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), **options)


def upgrade() -> None:
    counters = op.create_table(
        "devices_counters",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "devices_revision", "value": 1}])
    op.create_table(
        "devices_places",
        sa.Column("id", _id, primary_key=True),
        sa.Column("parent_id", _id, sa.ForeignKey("devices_places.id")),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_devices_places_parent_id", "devices_places", ["parent_id"])
    op.create_index(
        "uq_devices_places_sibling", "devices_places", [sa.text("coalesce(parent_id, '')"), "name_key"], unique=True
    )
    op.create_table(
        "devices_models",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices_model_versions",
        sa.Column("model_id", _id, sa.ForeignKey("devices_models.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices_devices",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False, unique=True),
        sa.Column("title", sa.String(255)),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("model_id", _id, sa.ForeignKey("devices_models.id")),
        sa.Column("model_version", sa.Integer),
        sa.Column("place_id", _id, sa.ForeignKey("devices_places.id")),
        sa.Column("parent_id", _id, sa.ForeignKey("devices_devices.id")),
        sa.Column("sparkplug_group", _key),
        sa.Column("sparkplug_edge", _key),
        sa.Column("sparkplug_device", _key),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("ix_devices_devices_parent_id", "devices_devices", ["parent_id"])
    op.create_index("ix_devices_devices_model_name", "devices_devices", ["model_id", "name_key"])
    op.create_index("ix_devices_devices_place_name", "devices_devices", ["place_id", "name_key"])
    op.create_index("ix_devices_devices_kind_name", "devices_devices", ["kind", "name_key"])
    op.create_index(
        "uq_devices_devices_sparkplug",
        "devices_devices",
        ["sparkplug_group", "sparkplug_edge", "sparkplug_device"],
        unique=True,
    )
    op.create_table("devices_tags", sa.Column("tag", _key, primary_key=True), _of_device(primary_key=True))
    op.create_index("ix_devices_tags_device_id", "devices_tags", ["device_id"])
    op.create_table(
        "devices_credentials",
        sa.Column("id", _id, primary_key=True),
        _of_device(nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("label", sa.String(128)),
        sa.Column("hint", sa.String(140), nullable=False),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
    )
    op.create_index("ix_devices_credentials_device_id", "devices_credentials", ["device_id"])
    op.create_table(
        "devices_properties",
        _of_device(primary_key=True),
        sa.Column("property", _key, primary_key=True),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("unit", sa.String(64)),
        sa.Column("known", sa.Boolean, nullable=False),
        sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_devices_properties_property", "devices_properties", ["property", "device_id"])
    op.create_table(
        "devices_presence",
        _of_device(primary_key=True),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(128)),
    )
    op.create_index("ix_devices_presence_online", "devices_presence", ["online"])
    op.create_table(
        "devices_presence_events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        _of_device(nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(128)),
    )
    op.create_index("ix_devices_presence_events_device", "devices_presence_events", ["device_id", "sequence"])
    op.create_table(
        "devices_arrivals",
        sa.Column("id", _id, primary_key=True),
        sa.Column("identity", sa.String(800), nullable=False, unique=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("username", sa.String(140)),
        sa.Column("client_id", sa.String(140)),
        sa.Column("peer", sa.String(64)),
        sa.Column("digest", sa.LargeBinary(32)),
        sa.Column("reason", sa.String(40)),
        sa.Column("device_id", _id),
        sa.Column("parent_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE")),
        sa.Column("sparkplug", sa.JSON),
        sa.Column("properties", sa.JSON, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_devices_arrivals_parent_id", "devices_arrivals", ["parent_id"])
    op.create_index("ix_devices_arrivals_last_ms", "devices_arrivals", ["last_ms"])
