"""Last wills: published when a client left without a goodbye, at once or after the delay it asked for (MQTT 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from millwright.devices.intake import FLAG_RETAINED, FLAG_WILL, Run
from millwright.devices.mqtt.committer import Committer
from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.packets import Will
from millwright.devices.mqtt.ports import Principal
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.topics import is_private
from millwright.kernel import Clock


class DelayedWill:
    """A will that waits; it is published after its delay or with the end of its session, whichever comes first."""

    __slots__ = ("_publish", "_session", "_timer")

    def __init__(self, session: Session, delay_s: float, publish: Callable[[], None]) -> None:
        self._session, self._publish = session, publish
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.fire)

    def fire(self) -> None:
        """Publish it now."""
        self.cancel()
        self._publish()

    def cancel(self) -> None:
        """The client is back: it is not published."""
        self._timer.cancel()
        if self._session.delayed_will is self:
            self._session.delayed_will = None


class Wills:
    """Publishes wills as what their devices sent."""

    def __init__(self, committer: Committer, exchange: Exchange, clock: Clock) -> None:
        self._committer, self._exchange, self._clock = committer, exchange, clock
        self.stopping = False

    def leave(self, session: Session, principal: Principal, will: Will) -> None:
        """A client left without a goodbye."""
        delay_s = min(will.delay_s, session.expiry_s)
        # Another connection that carries the session already has come before the delay is over (3.1.3.2.2).
        if will.delay_s and session.connection is not None:
            return
        if not delay_s or self.stopping:
            self._publish(principal, will)
            return
        session.delayed_will = DelayedWill(session, delay_s, lambda: self._publish(principal, will))

    def stop(self) -> None:
        """Publish what waits, and delay no more: nobody would be there to do it later."""
        self.stopping = True
        for session in list(self._exchange.sessions.values()):
            if session.delayed_will is not None:
                session.delayed_will.fire()

    def _publish(self, principal: Principal, will: Will) -> None:
        if not principal.may_publish(will.topic):  # it may have changed since the CONNECT
            return
        now_ms = self._clock.now_ms()
        flags = FLAG_WILL | (FLAG_RETAINED if will.retain else 0)
        run = Run(principal.device_id, will.topic, now_ms, flags, [will.payload])
        self._committer.add(_NOBODY, [run], [], len(will.payload) + len(will.topic))
        if not is_private(will.topic):
            expires_ms = now_ms + will.expiry_s * 1000 if will.expiry_s is not None else 0
            self._exchange.route(will.topic, run.payloads, will.qos, will.retain, will.properties, expires_ms)


class _Nobody:
    def acknowledge(self, acknowledgements: list[tuple[int, list[int]]]) -> None:
        """Nobody waits for a will to be stored."""


_NOBODY = _Nobody()
