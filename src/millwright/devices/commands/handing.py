"""Commands for devices at an edge: handed to the edge, which carries them out and tells what became of them.

An edge takes a command once, by its id, whoever dies in between: so one of which nobody knows whether it was taken is
handed over again until the edge has said. From then on the edge alone decides how it ends; it is asked now and then
whether it still has it, for an edge whose records were put back or that is another machine now tells nothing more.
"""

from __future__ import annotations

import logging
from typing import Final, Protocol

from millwright.devices.commands.judging import Judge
from millwright.devices.commands.model import UNDER_WAY, WAITING, Command, Outcome, State
from millwright.devices.commands.moving import Moved, Mover
from millwright.devices.commands.store import Addressed, CommandStore
from millwright.devices.commands.withdrawing import Withdrawn
from millwright.kernel import Clock, MillwrightError, Unavailable

logger = logging.getLogger(__name__)

EDGE: Final = "edge"
"""The route of such commands."""
ANSWER_S: Final = 86_400.0
"""How long an edge that took a command and was cut off is waited for, beyond the time in which it must be over."""
_TAKEN: Final = ("sent", "acknowledged")
_REFUSED: Final = ("commands.interlocked", "commands.locked", "commands.device_disabled")

LEFT: Final = Outcome(
    code="commands.edge_left",
    text="The device was moved away from the edge before the edge told what became of it.",
    hint="Look at the machine before asking again.",
)
LOST: Final = Outcome(
    code="commands.edge_lost",
    text="The edge had taken the command and does not know it any more: nobody knows whether it was carried out.",
    hint="Look at the machine before asking again.",
)
_TELLING_S: Final = 10.0
_ASK_S: Final = (30.0, 600.0)
"""How often an edge is asked for a command it took: at first, and when that was long ago."""
_UNKNOWN_THERE: Final = ("commands.expired", "devices.device_unknown")


def has_left(each: Addressed, now_ms: int) -> bool:
    """Whether the command was handed to an edge that does not have the device any more, and that had time to tell."""
    command = each.command
    if command.route != EDGE or command.state not in UNDER_WAY or (each.attempt or {}).get("edge_id") == each.edge_id:
        return False
    return now_ms - (command.sent_ms or 0) > (command.timeout_s + _TELLING_S) * 1000


def is_silent(each: Addressed, now_ms: int) -> bool:
    """Whether an edge took the command and had time to tell how it ended; it may still wait for its device there."""
    command = each.command
    if command.route != EDGE or command.state not in _TAKEN:
        return False
    return now_ms - (command.sent_ms or 0) > (command.timeout_s + _TELLING_S) * 1000


def next_ask_s(command: Command, now_ms: int) -> float:
    """How long to wait before the edge is asked for the command again."""
    least_s, most_s = _ASK_S
    return min(max((now_ms - (command.sent_ms or 0)) / 1000, least_s), most_s)


class EdgeWay(Protocol):
    """The way to the edges."""

    async def is_there(self, edge_id: str) -> bool:
        """Whether the edge's link is up."""
        ...

    async def hand_over(self, edge_id: str, command: Command, left_s: float) -> None:
        """Return when the edge has the command in its records; ``left_s`` is how long it may wait for the device.

        Raises ``Unavailable`` when nobody knows whether it has, and what the edge refuses it with.
        """
        ...

    async def withdraw(self, edge_id: str, command: Command, state: State, outcome: Outcome) -> Withdrawn:
        """See :class:`millwright.devices.commands.withdrawing.WithdrawWay`."""
        ...


class Handover:
    """Hands commands to edges; what it decides is in the records before and after."""

    def __init__(self, store: CommandStore, judge: Judge, way: EdgeWay, clock: Clock) -> None:
        self._judge, self._way, self._clock = judge, way, clock
        self._move = Mover(store, clock)

    async def begin(self, each: Addressed, moved: Moved) -> None:
        """Hand over a command that waits, when the edge is there. What is known here to stand against it does; what
        cannot be judged here is judged at the edge, which has the same interlocks and fresher values."""
        command, edge_id = each.command, each.edge_id or ""
        if not await self._way.is_there(edge_id):
            return
        against = await self._judge.find_against(command.device_id, each.model_id, command.name)
        if against is not None and not against.stale:
            await self._move(command, WAITING, "refused", moved, against.outcome)
            return
        over_ms = command.expires_ms + round((command.timeout_s + ANSWER_S) * 1000)
        begun = await self._move(
            command,
            WAITING,
            "sending",
            moved,
            attempts=command.attempts + 1,
            sent_ms=self._clock.now_ms(),
            deadline_ms=over_ms,
            route=EDGE,
            attempt={"edge_id": edge_id},
        )
        if begun is not None:
            await self.again(begun, edge_id, moved)

    async def again(self, command: Command, edge_id: str, moved: Moved) -> None:
        """Hand over a command of which nobody knows whether the edge has it. Raises ``Unavailable``; try again then."""
        left_s = (command.expires_ms - self._clock.now_ms()) / 1000
        try:
            await self._way.hand_over(edge_id, command, left_s)
        except Unavailable:
            raise
        except MillwrightError as error:
            state = "expired" if error.code == "commands.expired" else "refused" if error.code in _REFUSED else "failed"
            outcome = Outcome(code=error.code, text=error.message, hint=error.hint)
            await self._move(command, ("sending",), state, moved, outcome)
            return
        await self._move(command, ("sending",), "sent", moved, text="The edge has it.", code="commands.at_edge")

    async def ask(self, command: Command, edge_id: str, moved: Moved) -> None:
        """Ask for a command that the edge took; end it when the edge does not have it any more. Raises ``Unavailable``.

        It is handed over with its time over: an edge that has it says so, and one that has it not takes it no second
        time, for nobody knows whether it was carried out before it was lost.
        """
        try:
            await self._way.hand_over(edge_id, command, 0.0)
        except MillwrightError as error:
            if error.code not in _UNKNOWN_THERE:
                raise
            await self._move(command, _TAKEN, "timed_out", moved, LOST)
