"""The domain's tables, and what every store of it needs: the change counter and a portable upsert.

``devices_counters`` holds ``devices_revision``. It grows in the same transaction as any change that a cache elsewhere
may hold (device, credential, model, binding), so a process that polls it can miss nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import insert_into, metadata, organisation, owned, owned_through
from millwright.kernel import ROOT, current_scope

REVISION = "devices_revision"

Key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
"""Text compared byte by byte in both engines, so that pages are in the same order everywhere."""

_id = sa.String(40)

counters = sa.Table(
    "devices_counters",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

places = sa.Table(
    "devices_places",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("parent_id", _id, sa.ForeignKey("devices_places.id"), index=True),
    sa.Column("level", sa.String(16), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    organisation(),
    info=owned(),
)
sa.Index(
    "uq_devices_places_sibling",
    places.c.organisation_id,
    sa.func.coalesce(places.c.parent_id, ""),
    places.c.name_key,
    unique=True,
)

models = sa.Table(
    "devices_models",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    organisation(),
    sa.Index("uq_devices_models_name", "organisation_id", "name_key", unique=True),
    info=owned(shared=True),
)

model_versions = sa.Table(
    "devices_model_versions",
    metadata,
    sa.Column("model_id", _id, sa.ForeignKey("devices_models.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    info=owned_through(models, "model_id"),
)

devices = sa.Table(
    "devices_devices",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("title", sa.String(255)),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("model_id", _id, sa.ForeignKey("devices_models.id")),
    sa.Column("model_version", sa.Integer),
    sa.Column("place_id", _id, sa.ForeignKey("devices_places.id")),
    sa.Column("parent_id", _id, sa.ForeignKey("devices_devices.id"), index=True),
    sa.Column("sparkplug_group", Key),
    sa.Column("sparkplug_edge", Key),
    sa.Column("sparkplug_device", Key),
    sa.Column("foreign_dialect", sa.String(20)),
    sa.Column("foreign_realm", Key),
    sa.Column("foreign_name", Key),
    sa.Column("registers", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("edge_id", _id, index=True),
    organisation(),
    sa.Index("ix_devices_devices_name", "name_key", "id"),
    sa.Index("uq_devices_devices_name", "organisation_id", "name_key", unique=True),
    sa.Index("ix_devices_devices_model_name", "model_id", "name_key"),
    sa.Index("ix_devices_devices_place_name", "place_id", "name_key"),
    sa.Index("ix_devices_devices_kind_name", "kind", "name_key"),
    sa.Index("uq_devices_devices_sparkplug", "sparkplug_group", "sparkplug_edge", "sparkplug_device", unique=True),
    sa.Index(
        "uq_devices_devices_foreign",
        "organisation_id",
        "foreign_dialect",
        "foreign_realm",
        "foreign_name",
        unique=True,
    ),
    info=owned(),
)

edges = sa.Table(
    "devices_edges",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", sa.String(255), nullable=False),
    sa.Column("place_id", _id),
    sa.Column("code_digest", sa.LargeBinary(32), unique=True),
    sa.Column("code_expires_ms", sa.BigInteger),
    sa.Column("public_key", sa.String(80), unique=True),
    sa.Column("joined_ms", sa.BigInteger),
    sa.Column("revoked_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger),
    sa.Column("connected_ms", sa.BigInteger),
    sa.Column("status", sa.JSON),
    sa.Column("seal_key", sa.String(64)),
    sa.Column("in_force", sa.String(16)),
    sa.Column("not_in_force", sa.JSON),
    organisation(),
    sa.Index("uq_devices_edges_name", "organisation_id", "name_key", unique=True),
    info=owned(),
)
"""Nodes below this one. ``code_digest`` until the edge has joined, ``public_key`` from then until it is revoked;
``status`` is what the edge said last. What is sealed for ``seal_key`` (X25519) can be opened at the edge alone.
``in_force``: the desired state that it says is in force, without the rules ``not_in_force``."""

edge_handed = sa.Table(
    "devices_edge_handed",
    metadata,
    sa.Column("edge_id", _id, sa.ForeignKey("devices_edges.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.String(16), primary_key=True),
    sa.Column("handed_ms", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    info=owned_through(edges, "edge_id"),
)
"""What of desired states that were handed to edges has to be known when they are in force: msgpack, compressed."""

edge_past = sa.Table(
    "devices_edge_past",
    metadata,
    sa.Column("edge_id", _id, sa.ForeignKey("devices_edges.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("device_id", _id, primary_key=True),
    info=owned_through(edges, "edge_id"),
)
"""Devices that were at an edge before: what it still keeps of theirs is believed."""

removed = sa.Table(
    "devices_removed",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("removed_ms", sa.BigInteger, nullable=False),
    organisation(index=True),
    info=owned(kept=True),
)
"""Whose the devices were that are registered no more: their history stays, and stays their organisation's."""

tags = sa.Table(
    "devices_tags",
    metadata,
    sa.Column("tag", Key, primary_key=True),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True, index=True),
    info=owned_through(devices, "device_id"),
)

credentials = sa.Table(
    "devices_credentials",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("label", sa.String(128)),
    sa.Column("hint", sa.String(140), nullable=False),
    sa.Column("origin", sa.String(10), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("last_used_ms", sa.BigInteger),
    info=owned_through(devices, "device_id"),
)

properties = sa.Table(
    "devices_properties",
    metadata,
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("property", Key, primary_key=True),
    sa.Column("type", sa.String(10), nullable=False),
    sa.Column("unit", sa.String(64)),
    sa.Column("known", sa.Boolean, nullable=False),
    sa.Column("first_seen_ms", sa.BigInteger, nullable=False),
    sa.Index("ix_devices_properties_property", "property", "device_id"),
    info=owned_through(devices, "device_id"),
)

presence = sa.Table(
    "devices_presence",
    metadata,
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("online", sa.Boolean, nullable=False, index=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("last_seen_ms", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String(128)),
    info=owned_through(devices, "device_id"),
)

presence_events = sa.Table(
    "devices_presence_events",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("online", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(128)),
    sa.Index("ix_devices_presence_events_device", "device_id", "sequence"),
    info=owned_through(devices, "device_id"),
)

arrivals = sa.Table(
    "devices_arrivals",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("identity", sa.String(800), nullable=False, unique=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("username", sa.String(140)),
    sa.Column("client_id", sa.String(140)),
    sa.Column("peer", sa.String(64)),
    sa.Column("digest", sa.LargeBinary(32)),
    sa.Column("reason", sa.String(40)),
    sa.Column("device_id", _id),
    sa.Column("parent_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), index=True),
    sa.Column("sparkplug", sa.JSON),
    sa.Column("address", sa.JSON),
    sa.Column("properties", sa.JSON, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("first_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False, index=True),
    organisation(),
    info=owned(),
)
"""An arrival belongs to the organisation of the device or edge node it names; one that names none, to the root."""


def home() -> str:
    """Whose a thing is that nobody is named for: the home of the scope at hand."""
    return current_scope().home or ROOT


def revision(connection: sa.Connection) -> int:
    """The value of the domain's change counter."""
    return int(connection.scalar(sa.select(counters.c.value).where(counters.c.name == REVISION)) or 0)


def bump(connection: sa.Connection) -> int:
    """Count a change, in the caller's transaction; returns the new value."""
    changed = connection.execute(
        sa.update(counters)
        .where(counters.c.name == REVISION)
        .values(value=counters.c.value + 1)
        .returning(counters.c.value)
    )
    return int(changed.scalar_one())


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[dict[str, Any]],
    *,
    update: Iterable[str] = (),
) -> None:
    """Insert ``rows``; where the primary key exists, overwrite the columns ``update`` (none: leave the row alone).

    The rows have the same columns, and no primary key twice.
    """
    if not rows:
        return
    keys = list(table.primary_key.columns)
    names = list(update)
    statement = insert_into(connection, table)
    if names:
        statement = statement.on_conflict_do_update(
            index_elements=keys, set_={name: getattr(statement.excluded, name) for name in names}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, list(rows))
