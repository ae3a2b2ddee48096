"""The course of a command: one line for each thing that happened to it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from millwright.devices.commands.tables import command_events


def add_event(
    connection: sa.Connection,
    device_id: str,
    command_id: str,
    now_ms: int,
    state: str,
    text: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add a line, in the caller's transaction."""
    connection.execute(
        sa.insert(command_events).values(
            device_id=device_id, command_id=command_id, at_ms=now_ms, state=state, text=text[:2000], detail=detail or {}
        )
    )
