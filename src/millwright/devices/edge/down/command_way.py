"""At the parent: commands go to edges, and what edges tell of them is written."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from millwright.devices.commands.handing import EDGE
from millwright.devices.commands.model import OPEN, UNDER_WAY, Command, Outcome, State
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.tables import commands
from millwright.devices.commands.withdrawing import Withdrawn
from millwright.devices.edge.down.asking import ask_edge
from millwright.devices.edge.down.wire import TAKE, WITHDRAW, TakeCommand, Told, WithdrawCommand
from millwright.engines.sql import Records
from millwright.kernel import Bus, Unavailable

_THERE_S: Final = 2.0
_TAKE_S: Final = 10.0
_FIELDS: Final = [name for name in TakeCommand.__struct_fields__ if name != "left_s"]


class LinkWay:
    """Implements the port of commands of the name ``EdgeWay``, by the role that has the links."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def is_there(self, edge_id: str) -> bool:
        """Whether the edge's link is up."""
        try:
            await ask_edge(self._bus, edge_id, "", b"", _THERE_S)
        except Unavailable:
            return False
        return True

    async def hand_over(self, edge_id: str, command: Command, left_s: float) -> None:
        """Return when the edge has the command in its records. Raises what the edge raised."""
        taken = TakeCommand(**{name: getattr(command, name) for name in _FIELDS}, left_s=left_s)
        await ask_edge(self._bus, edge_id, TAKE, msgspec.msgpack.encode(taken), _TAKE_S)

    async def withdraw(self, edge_id: str, command: Command, state: State, outcome: Outcome) -> Withdrawn:
        """Let it end if it still waits at the edge. Raises what the edge raised."""
        taken = TakeCommand(**{name: getattr(command, name) for name in _FIELDS}, left_s=0.0)
        asked = WithdrawCommand(command=taken, state=state, outcome=outcome)
        answer = await ask_edge(self._bus, edge_id, WITHDRAW, msgspec.msgpack.encode(asked), _TAKE_S)
        return msgspec.msgpack.decode(answer, type=Withdrawn)


class HeardCommands:
    """Writes what edges tell; blocks."""

    def __init__(self, records: Records) -> None:
        self._records, self._store = records, CommandStore(records)

    def hear(self, edge_id: str, told: Told, now_ms: int) -> Command | None:
        """The command when its state is another now. An edge speaks for commands that were handed to it alone."""
        command = self._store.find(told.id)
        if command is None or not self._is_theirs(told.id, edge_id):
            return None
        changes: dict[str, Any] = {"before": told.before, "after": told.after, "outputs": told.outputs}
        changes = {key: value for key, value in changes.items() if value is not None}
        if told.state in OPEN:
            # Waiting and sending at the edge is all under way from here.
            if told.state == "acknowledged":
                return self._store.move(told.id, ("sending", "sent"), "acknowledged", now_ms, **changes)
            if command.state in OPEN:
                words = {"queued": "The edge waits for the device.", "sent": "The edge has sent it to the device."}
                if told.state in words:
                    self._store.note(command, now_ms, words[told.state], {"route": told.route} if told.route else None)
            return None
        if command.state in OPEN:
            outcome = told.outcome or Outcome(code="commands.at_edge")
            detail = {**outcome.detail, "edge_id": edge_id, "at_edge_ms": told.at_ms}
            outcome = msgspec.structs.replace(outcome, detail=detail)
            if told.state == "superseded" and command.withdrawal is not None:
                changes["superseded_by"] = command.withdrawal.superseded_by
            return self._store.move(told.id, (*UNDER_WAY, "queued"), told.state, now_ms, outcome, **changes)
        if command.state == "timed_out" and told.state != "timed_out":
            said = told.outcome.text if told.outcome else ""
            text = f"The edge told after the time was over: {told.state}. {said}".strip()
            self._store.note(command, now_ms, text, {"code": "commands.answered_late", "status": told.state})
        return None

    def _is_theirs(self, command_id: str, edge_id: str) -> bool:
        query = sa.select(commands.c.route, commands.c.attempt).where(commands.c.id == command_id)
        with self._records.read() as connection:
            row = connection.execute(query).one()
        return row.route == EDGE and (row.attempt or {}).get("edge_id") == edge_id
