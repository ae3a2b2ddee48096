"""Takes messages of devices that speak HTTP into the intake, many requests in one append."""

from __future__ import annotations

import asyncio
from typing import Final

from millwright.devices.device_http.settings import DeviceHttpSettings
from millwright.devices.intake import FLAG_ACKNOWLEDGED, Run
from millwright.devices.mqtt.committer import Committer
from millwright.devices.mqtt.ports import Intake, Pacer, Principal
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.waiters import Waiter
from millwright.kernel import Clock, LimitExceeded, Unavailable

_OVERHEAD: Final = 128
_LONGEST_DEBT_S: Final = 1.0
"""Whoever owes more than this to its rate is refused; less is let through, as a burst."""
_DRAIN_S: Final = 5.0


class IntakeDesk:
    """One per process. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        intake: Intake,
        name: str,
        settings: DeviceHttpSettings,
        gathering: MqttSettings,
        clock: Clock,
        pacer: Pacer | None = None,
    ) -> None:
        self._settings, self._clock, self._pacer = settings, clock, pacer
        self._committer = Committer(intake, name, gathering, clock, lambda _paused: None)
        self.messages = 0

    async def start(self) -> None:
        """Nothing to begin: the first message does."""

    async def stop(self) -> None:
        """Store what was taken."""
        await self._committer.drain(_DRAIN_S)

    async def take(self, principal: Principal, device_id: str, topic: str, payload: bytes) -> None:
        """Return when the message is durable.

        Raises ``LimitExceeded`` (``devices.too_fast``) and ``Unavailable`` (``devices.intake_unavailable``).
        """
        if self._pacer is not None:
            debt_s = self._pacer.take(principal, 0)
            if debt_s > _LONGEST_DEBT_S:
                raise LimitExceeded(
                    "The device, or its organisation, sends more messages than its rate lets through.",
                    code="devices.too_fast",
                    hint="Wait as long as Retry-After says; put several readings into one request.",
                    retry_after_s=debt_s,
                )
            self._pacer.take(principal, 1)
        if self._committer.paused:
            raise self._away()
        waiting = Waiter()
        run = Run(device_id, topic, self._clock.now_ms(), FLAG_ACKNOWLEDGED, [payload])
        self._committer.add(waiting, [run], [(0, [0])], len(payload) + len(topic) + _OVERHEAD)
        self.messages += 1
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await waiting.done
        except TimeoutError:
            raise self._away() from None

    @staticmethod
    def _away() -> Unavailable:
        return Unavailable(
            "Messages cannot be stored at the moment.",
            code="devices.intake_unavailable",
            hint="Send it again later, with `ts` in it: the same reading sent twice is then stored once.",
            retry_after_s=2.0,
        )
