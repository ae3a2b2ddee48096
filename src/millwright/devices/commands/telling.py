"""The ledger hears how commands end; each end once, for its entry's id is kept with the command until it is told."""

from __future__ import annotations

import asyncio
from typing import Any

from millwright.devices.commands.model import Command
from millwright.devices.commands.store import CommandStore
from millwright.kernel import Clock
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of, note

_ACTOR = Actor("system", "commands", "Millwright")


class Teller:
    """Tells what the records say is untold."""

    def __init__(self, store: CommandStore, recorder: Recorder, clock: Clock) -> None:
        self._store, self._recorder, self._clock = store, recorder, clock

    async def tell(self) -> None:
        """Return when every end is durable in the ledger. Raises ``Unavailable``; it is told the next time."""
        waiting = await asyncio.to_thread(self._store.untold)
        for ledger_id, command in waiting:
            draft = Draft(
                id=ledger_id,
                at_ms=command.ended_ms or self._clock.now_ms(),
                actor=_ACTOR,
                action=f"commands.{command.state}",
                target=Target("command", command.id, command.name),
                outcome="done",
                organisation=command.organisation_id,
            )
            act = Act()
            with acting(act):
                note_end(command)
            await self._recorder.record(entries_of(act, draft))
        if waiting:
            await asyncio.to_thread(self._store.told, [ledger_id for ledger_id, _ in waiting])


def note_end(command: Command) -> None:
    """What the machine was and is, as far as it was seen."""
    was: dict[str, Any] = {"state": "asked"}
    now: dict[str, Any] = {"state": command.state, "device": command.device_id, "by": command.by_id}
    if command.before is not None:
        was["value"] = command.before.value
    if command.after is not None:
        now["value"] = command.after.value
    if command.kind == "write":
        now["asked"] = command.value
    if command.outputs:
        now["outputs"] = command.outputs
    if command.outcome is not None:
        now["why"] = f"{command.outcome.code} {command.outcome.text}"[:300]
    note(
        "command", command.id, f"{command.device_name} {command.name}",
        before=was, after=now, organisation=command.organisation_id,
    )  # fmt: skip
