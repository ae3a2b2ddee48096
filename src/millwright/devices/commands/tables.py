"""The tables of commands; their rows belong to whoever owns the device."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.devices.commands.model import UNDER_WAY
from millwright.devices.store import Key, devices, models
from millwright.engines.sql import metadata, organisation, owned, owned_through

_id = sa.String(40)
_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _device() -> sa.Column[str]:
    return sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False)


def _from_above() -> sa.Column[bool]:
    """At an edge: it came from the parent."""
    return sa.Column("from_above", sa.Boolean, nullable=False, server_default=sa.false())


commands = sa.Table(
    "devices_commands",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("id", _id, nullable=False, unique=True),
    _device(),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("name", Key, nullable=False),
    sa.Column("value", sa.JSON(none_as_null=True)),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("unit", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("confirm", sa.String(8), nullable=False),
    sa.Column("tolerance", sa.Float),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by_id", _id, nullable=False),
    sa.Column("by_name", sa.String(255), nullable=False),
    sa.Column("idempotency_key", sa.String(128)),
    sa.Column("asked_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("timeout_s", sa.Float, nullable=False),
    sa.Column("sent_ms", sa.BigInteger),
    sa.Column("deadline_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("route", sa.String(20)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("attempt", sa.JSON(none_as_null=True)),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.Column("outputs", sa.JSON(none_as_null=True)),
    sa.Column("outcome", sa.JSON(none_as_null=True)),
    sa.Column("batch_id", _id, index=True),
    sa.Column("superseded_by", _id),
    sa.Column("withdrawal", sa.JSON(none_as_null=True)),
    sa.Column("untold", _id, index=True),
    sa.Column("asked_above", sa.Boolean, nullable=False, server_default=sa.false(), index=True),
    sa.Column("told_above", sa.String(16)),
    sa.Index("ix_devices_commands_device", "device_id", "number"),
    sa.Index("ix_devices_commands_state", "state", "number"),
    sa.Index("uq_devices_commands_key", "by_id", "device_id", "idempotency_key", unique=True),
    info=owned_through(devices, "device_id"),
    sqlite_autoincrement=True,  # a number is never given twice: devices answer by it
)
"""``attempt``: where the attempt under way went, to be asked about after a crash. ``untold``: the id of the ledger
entry that is still to be written about the command's end. ``asked_above``, at an edge: it came from the parent,
which was told last of the state ``told_above``."""

_under_way = commands.c.state.in_(UNDER_WAY)
sa.Index(
    "uq_devices_commands_under_way",
    commands.c.device_id,
    commands.c.kind,
    commands.c.name,
    unique=True,
    sqlite_where=_under_way,
    postgresql_where=_under_way,
)
"""One attempt at a time for each property and service: also when two processes believe to be the one that sends."""

command_events = sa.Table(
    "devices_command_events",
    metadata,
    sa.Column("sequence", _number, primary_key=True, autoincrement=True),
    _device(),
    sa.Column("command_id", _id, nullable=False, index=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    info=owned_through(devices, "device_id"),
)

interlocks = sa.Table(
    "devices_interlocks",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), index=True),
    sa.Column("model_id", _id, sa.ForeignKey("devices_models.id", ondelete="CASCADE"), index=True),
    sa.Column("command", Key),
    sa.Column("conditions", sa.JSON, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    _from_above(),
    organisation(index=True),
    info=owned(),
)
"""An interlock of a device belongs to the device's organisation, one of a model to the model's. It holds for every
device that it is about, also for those of organisations below."""

locks = sa.Table(
    "devices_locks",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _device(),
    sa.Column("by_id", _id, nullable=False),
    sa.Column("by_name", sa.String(255), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("placed_ms", sa.BigInteger, nullable=False),
    sa.Column("released_ms", sa.BigInteger),
    sa.Column("released_by", sa.String(255)),
    _from_above(),
    sa.Index("ix_devices_locks_device", "device_id", "placed_ms"),
    info=owned_through(devices, "device_id"),
)

__all__ = ["command_events", "commands", "devices", "interlocks", "locks", "models"]
