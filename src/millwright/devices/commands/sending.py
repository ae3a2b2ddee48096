"""One attempt: judge, write down that it begins, touch the world, write down what came of it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from millwright.devices.commands.judging import Judge, NewestOf
from millwright.devices.commands.model import WAITING, Command, Outcome, Seen
from millwright.devices.commands.moving import Moved, Mover
from millwright.devices.commands.routes.contract import Delivery, Reach, Route
from millwright.devices.commands.store import Addressed, CommandStore
from millwright.kernel import Clock, MillwrightError

STALE_S: Final = 10.0
"""A device that has just come back has said nothing yet: so long an interlock waits for a fresh value."""
MOST_ATTEMPTS: Final = 3
_LEFT: Final = "The device had left; nothing was sent."


class Sender:
    """Makes attempts; everything it decides is in the records before and after."""

    def __init__(self, store: CommandStore, judge: Judge, newest_of: NewestOf, clock: Clock) -> None:
        self._store, self._judge, self._newest_of, self._clock = store, judge, newest_of, clock
        self._move = Mover(store, clock)
        self._waits: dict[str, float] = {}

    async def send(self, each: Addressed, route: Route, reach: Reach, moved: Moved) -> None:
        """Send a command that waits, over a way that is open. Raises ``MillwrightError``; it waits on then."""
        command = each.command
        against = await self._judge.find_against(command.device_id, each.model_id, command.name)
        if against is not None:
            now_s = self._clock.monotonic_s()
            if against.stale and now_s - self._waits.setdefault(command.id, now_s) < STALE_S:
                return
            self._waits.pop(command.id, None)
            await self._move(command, WAITING, "refused", moved, against.outcome)
            return
        self._waits.pop(command.id, None)
        before = await self._find_value(command)
        now_ms = self._clock.now_ms()
        begun = await self._move(
            command,
            WAITING,
            "sending",
            moved,
            attempts=command.attempts + 1,
            sent_ms=now_ms,
            deadline_ms=now_ms + round(command.timeout_s * 1000),
            route=reach.route,
            attempt=reach.token,
            before=before,
        )
        if begun is None:  # cancelled or superseded at the last moment
            return
        current = msgspec.structs.replace(each, command=begun)
        await self._apply(current, route, await route.deliver(current, reach), moved)

    async def recover(self, each: Addressed, route: Route | None, token: dict[str, Any], moved: Moved) -> None:
        """Find out what became of an attempt of an earlier process."""
        reach = Reach(route=each.command.route or "", token=token)
        delivery = Delivery(status="unknown") if route is None else await route.recall(each, reach)
        await self._apply(each, route, delivery, moved)

    async def _apply(self, each: Addressed, route: Route | None, delivery: Delivery, moved: Moved) -> None:
        command, outcome = each.command, delivery.outcome
        said = outcome.text if outcome else ""
        after = self._seen(delivery)
        under_way = ("sending",)
        if delivery.status == "sent" and command.confirm == "none":
            await self._move(command, under_way, "delivered", moved)
        elif delivery.status == "sent":
            await self._move(command, under_way, "sent", moved)
        elif delivery.status == "acknowledged":
            await self._move(command, under_way, "acknowledged", moved, text=said, after=after)
        elif delivery.status == "confirmed":
            done = Outcome(code="commands.read_back", text="The machine was read back.")
            await self._move(command, under_way, "confirmed", moved, done, after=after, outputs=delivery.outputs)
        elif delivery.status == "failed":
            await self._move(command, under_way, "failed", moved, outcome)
        elif delivery.status == "not_sent":
            await self._move(command, under_way, "queued", moved, text=_LEFT, code="commands.not_sent")
        elif route is not None and route.idempotent(each) and command.attempts < MOST_ATTEMPTS:
            text = f"{said} It is sent again, which does no harm.".strip()
            await self._move(command, under_way, "queued", moved, text=text, code="commands.sent_again")
        else:
            text = f"{said} It is not sent again; an answer is waited for.".strip()
            await self._move(command, under_way, "sent", moved, text=text, code="commands.not_sent_again")

    def _seen(self, delivery: Delivery) -> Seen | None:
        return None if delivery.value is None else Seen(delivery.value, self._clock.now_ms(), 192)

    async def _find_value(self, command: Command) -> Seen | None:
        """The property's value before; that it cannot be read stops nothing."""
        if command.kind != "write":
            return None
        try:
            rows = await self._newest_of([command.device_id])
        except MillwrightError:
            return None
        found = next((row for row in rows if row.property == command.name), None)
        return None if found is None else Seen(found.value, found.time_ms, found.quality)
