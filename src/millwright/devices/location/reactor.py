"""Asks for the commands that reactions have become due for."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal

from millwright.devices.commands.model import Call, Command, Write
from millwright.devices.commands.rights import COMMANDS_CALL, COMMANDS_WRITE
from millwright.devices.commands.service import Commands
from millwright.devices.location import errors
from millwright.devices.location.feedback import Due, FeedbackStore, judge
from millwright.kernel import Clock, Denied, MillwrightError, Repeat, Unavailable
from millwright.ledger import Act, Actor, OwnActs, Recorder, Target, acting
from millwright.parties import Standing

logger = logging.getLogger(__name__)

_EVERY_S: Final = 0.2
_OF_THE_RULE: Final = frozenset({"location.rule_off", "location.too_soon", "location.too_often"})
"""What is against one reaction is against all that are due of the rule."""


class Reactor(Repeat):
    """A :class:`millwright.kernel.Part`. ``commands`` see every device; who made the rule is who asks, and must still
    be allowed to."""

    def __init__(
        self,
        store: FeedbackStore,
        commands: Commands,
        standing: Standing,
        recorder: Recorder,
        clock: Clock,
        stale_s: float,
    ) -> None:
        super().__init__(
            self.look,
            _EVERY_S,
            name="location feedback",
            lost="feedback of places cannot be worked on",
            back="feedback of places works again",
            log=logger,
        )
        self._store, self._commands, self._standing, self._clock = store, commands, standing, clock
        self._acts = OwnActs(recorder, clock, Actor("system", "location", "Millwright"))
        self._stale_ms = round(stale_s * 1000)
        self.asked = self.passed = self.refused = 0

    async def look(self) -> None:
        """Do what is due, one after the other: each is judged by what those before it asked. Organisations take turns:
        who has much waits for the others."""
        while numbers := await asyncio.to_thread(self._store.due, self._clock.now_ms()):
            for number in numbers:
                due = await asyncio.to_thread(self._store.find_due, number, self._clock.now_ms())
                if due is not None:
                    await self._do(due)
        await self._acts.tell()

    def counters(self) -> dict[str, float]:
        """What became of what was due."""
        return {
            "location_commands": self.asked,
            "location_reactions_passed": self.passed,
            "location_reactions_refused": self.refused,
        }

    async def stop(self) -> None:
        """Stop, and tell the ledger what is untold."""
        await super().stop()
        try:
            await self._acts.tell()
        except MillwrightError as error:
            logger.warning("what was asked for is not in the ledger: %s", error.message)

    async def _do(self, due: Due) -> None:
        """Ask for the command of a reaction, or let it be. Raises ``Unavailable``; it is done the next time then."""
        now_ms = self._clock.now_ms()
        against = judge(due, now_ms, self._stale_ms)
        if against is not None and against[0] in _OF_THE_RULE:
            rule_id, (code, text) = due.rule.id, against
            self.passed += await asyncio.to_thread(lambda: self._store.pass_all(rule_id, now_ms, code=code, text=text))
            return
        if against is not None:
            self.passed += 1
            await self._close(due, "passed", code=against[0], text=against[1])
            return
        act = Act()
        try:
            await asyncio.to_thread(self._check, due)
            with acting(act):
                command = await self._ask(due)
        except Unavailable:
            raise
        except MillwrightError as error:  # a right, a lock, an interlock, a value: said, and not tried again
            self.refused += 1
            await self._close(due, "refused", code=error.code, text=error.message)
            return
        self.asked += 1
        self._acts.keep(act, "location.feedback", Target("command", command.id, f"{due.rule.name}: {command.name}"))
        await self._close(due, "asked", command_id=command.id)

    def _check(self, due: Due) -> None:
        """Whether who made the rule may give its command now. Raises ``Denied`` (``location.maker_gone``)."""
        rule = due.rule
        permission = (COMMANDS_WRITE if rule.kind == "write" else COMMANDS_CALL).name
        try:
            _, authority = self._standing.stand_in(rule.by_id, "", "cookie")
        except Denied as error:
            raise errors.maker_gone(rule.by_name, permission) from error
        if not authority.may(permission, due.device_owner):
            raise errors.maker_gone(rule.by_name, permission)

    async def _ask(self, due: Due) -> Command:
        """The key makes it the same command when it is asked again after a crash."""
        rule = due.rule
        by = Actor("system", rule.id, f"{rule.name} ({rule.by_name})"[:255])
        words = {"enter": "came to", "dwell": "stays in", "exit": "left"}[due.event_kind]
        reason = f"{due.tag} {words} {due.zone}"
        key = f"location/{due.number}"
        if rule.kind == "call":
            asked = Call(service=rule.command, inputs=rule.inputs, reason=reason, expires_s=0)
            return await self._commands.call(rule.device_id, asked, by, key=key)
        assert rule.value is not None
        write = Write(property=rule.command, value=rule.value, reason=reason, expires_s=0)
        return await self._commands.write(rule.device_id, write, by, key=key)

    async def _close(
        self,
        due: Due,
        state: Literal["asked", "refused", "passed"],
        *,
        command_id: str | None = None,
        code: str | None = None,
        text: str | None = None,
    ) -> None:
        now_ms = self._clock.now_ms()
        await asyncio.to_thread(
            lambda: self._store.close(due.number, state, now_ms, command_id=command_id, code=code, text=text)
        )
