"""Wishes to have commands back that edges have, inside other transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import sqlalchemy as sa

from millwright.devices.commands.course import add_event
from millwright.devices.commands.model import Withdrawal
from millwright.devices.commands.tables import commands

AT_EDGE: Final = ("sending", "sent")
"""An edge has the command, or nobody knows; as far as it has told, the device has not."""


def select_at_edge(connection: sa.Connection, device_id: str, name: str) -> list[str]:
    """Writes of a property that an edge has, as far as is known here."""
    same = (commands.c.device_id == device_id, commands.c.kind == "write", commands.c.name == name)
    query = sa.select(commands.c.id).where(*same, commands.c.route == "edge", commands.c.state.in_(AT_EDGE))
    return list(connection.execute(query).scalars())


def wish_all(connection: sa.Connection, command_ids: Iterable[str], wish: Withdrawal) -> list[str]:
    """Wish that these be taken back, in the caller's transaction; the ids of those that may.
    The first wish stays."""
    wished = []
    for command_id in command_ids:
        row = connection.execute(
            sa.update(commands)
            .where(
                commands.c.id == command_id,
                commands.c.route == "edge",
                commands.c.state.in_(AT_EDGE),
                commands.c.withdrawal.is_(None),
            )
            .values(withdrawal=msgspec.to_builtins(wish))
            .returning(commands.c.device_id)
        ).one_or_none()
        if row is not None:
            text = f"{wish.by_name} wants it back; the edge is asked."
            detail = {"code": "commands.withdrawing"}
            add_event(connection, row.device_id, command_id, wish.asked_ms, "note", text, detail)
            wished.append(command_id)
    return wished
