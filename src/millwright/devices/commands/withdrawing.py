"""Taking back a command that an edge has: wished for in the records, then asked of the edge until it has answered.

The edge decides: what still waits there is not sent any more, what was sent cannot be called back. A command of which
nobody knows whether the edge has it is taken back all the same, and is none of the edge's to take afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Protocol

import sqlalchemy as sa
from msgspec import Struct

from millwright.devices.commands.course import add_event
from millwright.devices.commands.model import Command, Outcome, State, Withdrawal
from millwright.devices.commands.store import Addressed, CommandStore
from millwright.devices.commands.tables import commands
from millwright.devices.commands.wishes import AT_EDGE, wish_all
from millwright.engines.sql import Records
from millwright.kernel import Clock, MillwrightError

_RETRY_S: Final = (2.0, 60.0)
_AT_ONCE: Final = 50
_GONE_THERE: Final = "devices.device_unknown"


class Withdrawn(Struct, frozen=True):
    """How the command stands at the edge after it was asked to take it back."""

    state: State
    text: str = ""


class WithdrawWay(Protocol):
    """The way to the edges, as far as commands are taken back."""

    async def withdraw(self, edge_id: str, command: Command, state: State, outcome: Outcome) -> Withdrawn:
        """Let it end as ``state`` if it still waits there. Raises ``Unavailable`` when nobody knows."""
        ...


class Wishes:
    """What is to be taken back, in the records; every method is one transaction, and blocks."""

    def __init__(self, records: Records) -> None:
        self._records, self._store = records, CommandStore(records)

    def add(self, command_id: str, wish: Withdrawal) -> Command | None:
        """Wish it; ``None`` when it is not with an edge, or the edge has told that it was sent."""
        with self._records.begin() as connection:
            if not wish_all(connection, [command_id], wish):
                return None
        return self._store.find(command_id)

    def drop(self, command: Command, now_ms: int, text: str) -> Command | None:
        """It is too late."""
        with self._records.begin() as connection:
            changed = connection.execute(
                sa.update(commands)
                .where(commands.c.id == command.id, commands.c.withdrawal.is_not(None))
                .values(withdrawal=None)
            )
            if not changed.rowcount:
                return None
            detail = {"code": "commands.too_late"}
            add_event(connection, command.device_id, command.id, now_ms, "note", text, detail)
        return self._store.find(command.id)


class Withdrawer:
    """Asks the edges, for the worker."""

    def __init__(self, store: CommandStore, wishes: Wishes, way: WithdrawWay, clock: Clock) -> None:
        self._store, self._wishes, self._way, self._clock = store, wishes, way, clock
        self._next_s: dict[str, float] = {}

    def due(self, open_: Iterable[Addressed], active: Iterable[str]) -> list[Addressed]:
        """Those to ask about now; a bounded number at once."""
        now_s, now_ms, busy = self._clock.monotonic_s(), self._clock.now_ms(), set(active)
        wished = [each for each in open_ if each.command.withdrawal is not None and each.command.state in AT_EDGE]
        ids = {each.command.id for each in wished}
        self._next_s = {key: at_s for key, at_s in self._next_s.items() if key in ids}
        found: list[Addressed] = []
        for each in wished:
            command = each.command
            if command.device_id in busy or now_s < self._next_s.get(command.id, 0.0) or len(found) == _AT_ONCE:
                continue
            assert command.withdrawal is not None
            least_s, most_s = _RETRY_S
            waited_s = (now_ms - command.withdrawal.asked_ms) / 1000
            self._next_s[command.id] = now_s + min(max(waited_s / 2, least_s), most_s)
            busy.add(command.device_id)
            found.append(each)
        return found

    async def ask(self, each: Addressed, moved: Any) -> None:
        """Ask the edge that has it, and write what it says. Raises ``Unavailable``; ask again then."""
        command, wish = each.command, each.command.withdrawal
        assert wish is not None
        state: State = "cancelled" if wish.superseded_by is None else "superseded"
        outcome = Outcome(code=f"commands.{state}", text=wish.words)
        edge_id = (each.attempt or {}).get("edge_id", "")
        try:
            answer = await self._way.withdraw(edge_id, command, state, outcome)
        except MillwrightError as error:
            if error.code != _GONE_THERE:
                raise
            answer = Withdrawn(command.state, "The edge does not have the device any more.")
        now_ms = self._clock.now_ms()
        if answer.state == state:
            more = {} if wish.superseded_by is None else {"superseded_by": wish.superseded_by}
            found = await asyncio.to_thread(
                lambda: self._store.move(command.id, AT_EDGE, state, now_ms, outcome, **more)
            )
        else:
            text = answer.text or f"Too late: at the edge it is {answer.state}."
            found = await asyncio.to_thread(self._wishes.drop, command, now_ms, text)
        if found is not None:
            await moved(found)
