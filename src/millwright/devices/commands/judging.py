"""Whether a command may leave now: locks, then interlocks, over what is known at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from millwright.devices.commands.errors import locked_outcome
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.interlocks import Against, DeviceOnline, Facts, NoAlarm, devices_of, find_against
from millwright.devices.commands.model import Outcome
from millwright.historian import Latest
from millwright.kernel import Clock, MillwrightError

NewestOf = Callable[[Sequence[str]], Awaitable[Sequence[Latest]]]
"""The newest readings of devices, what was just received included."""
OnlineOf = Callable[[Collection[str]], Awaitable[Mapping[str, bool]]]
"""Whether these devices are connected."""
AlarmsOf = Callable[[str], Awaitable[Mapping[str, int]]]
"""How many alarms of a device are active, by priority."""


class Judge:
    """Judges commands; ``guards`` see everything, for an interlock holds whoever asks."""

    def __init__(
        self, guards: GuardStore, clock: Clock, newest_of: NewestOf, online_of: OnlineOf, alarms_of: AlarmsOf
    ) -> None:
        self._guards, self._clock = guards, clock
        self.newest_of, self.online_of, self._alarms_of = newest_of, online_of, alarms_of

    async def find_lock(self, device_id: str) -> Outcome | None:
        """The lock that is on the device, as what stands against a command. Raises ``Unavailable``."""
        standing = await asyncio.to_thread(lambda: self._guards.locks(device_id, standing=True))
        return locked_outcome(standing[0]) if standing else None

    async def find_against(self, device_id: str, model_id: str | None, name: str) -> Against | None:
        """What stands against a command now; what cannot be judged stands against it."""
        try:
            lock = await self.find_lock(device_id)
            if lock is not None:
                return Against(outcome=lock)
            rules = await asyncio.to_thread(self._guards.standing, device_id, model_id, name)
            if not rules:
                return None
            conditions = [each for rule in rules for each in rule.conditions]
            whose = sorted(devices_of(rules, device_id))
            latest: dict[str, dict[str, Latest]] = {}
            if not all(isinstance(each, NoAlarm | DeviceOnline) for each in conditions):
                for row in await self.newest_of(whose):
                    latest.setdefault(row.device_id, {})[row.property] = row
            online, alarms = {}, {}
            if any(isinstance(each, DeviceOnline) for each in conditions):
                online = dict(await self.online_of(whose))
            if any(isinstance(each, NoAlarm) for each in conditions):
                alarms = {device_id: dict(await self._alarms_of(device_id))}
        except MillwrightError as error:
            text = f"The interlocks cannot be judged now: {error.message}"
            outcome = Outcome(code="commands.interlock_unknowable", text=text, hint=error.hint)
            return Against(outcome=outcome, stale=True)
        return find_against(rules, device_id, Facts(latest, online, alarms), self._clock.now_ms())
