"""Last wills: published when a client left without a goodbye, at once or after the delay it asked for (MQTT 5).

A will is in the journal before its client hears that it is in, and leaves it when it was published or is needed no
more. So one whose listener ended suddenly is published by who serves the device next, and once: the frame that stores
it has the will's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from millwright.devices.intake import FLAG_RETAINED, FLAG_WILL, Run
from millwright.devices.mqtt.committer import Acknowledgements, Committer
from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.ingest5 import REASON_SHIFT
from millwright.devices.mqtt.joined import Durable
from millwright.devices.mqtt.journal import JournalWriter
from millwright.devices.mqtt.packets import StoredWill, Will
from millwright.devices.mqtt.ports import Principal
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.topics import is_death_of_edge_node, is_private
from millwright.kernel import Clock, new_id

_TIMESTAMP: Final = b"\x08"
"""Key of the field: number 1, a varint."""

Knows = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these devices, by id, may still say something."""


class DelayedWill:
    """A will that waits; it is published after its delay or with the end of its session, whichever comes first."""

    __slots__ = ("_drop", "_publish", "_session", "_timer")

    def __init__(self, session: Session, delay_s: float, publish: Callable[[], None], drop: Callable[[], None]) -> None:
        self._session, self._publish, self._drop = session, publish, drop
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.fire)

    def fire(self) -> None:
        """Publish it now."""
        self._end()
        self._publish()

    def cancel(self) -> None:
        """The client is back: it is not published."""
        self._end()
        self._drop()

    def _end(self) -> None:
        self._timer.cancel()
        if self._session.delayed_will is self:
            self._session.delayed_will = None


class Wills:
    """Publishes wills as what their devices sent."""

    def __init__(
        self, committer: Committer, exchange: Exchange, writer: JournalWriter, clock: Clock, *, stamps: bool = False
    ) -> None:
        self._committer, self._exchange, self._writer, self._clock = committer, exchange, writer, clock
        self.stopping, self._stamps = False, stamps

    def keep(
        self, device_id: str, client_id: str, will: Will, expiry_s: int
    ) -> tuple[StoredWill, asyncio.Future[None]]:
        """Write down the will of a client that connects; it may be told that it is in when the future is done."""
        stored = StoredWill(new_id("will"), device_id, client_id, will, expiry_s)
        return stored, self._writer.write_will(stored.id, stored)

    def withdraw(self, stored: StoredWill) -> None:
        """Its client left before it was written down."""
        self._writer.withdraw_will(stored.id)

    def drop(self, stored: StoredWill) -> None:
        """Nobody needs it any more."""
        self._writer.write_will(stored.id, None)

    def leave(self, session: Session, principal: Principal, stored: StoredWill) -> None:
        """A client left without a goodbye."""
        will = stored.will
        # Another connection that carries the session already has come before the delay is over (3.1.3.2.2).
        if will.delay_s and session.connection is not None:
            self.drop(stored)
            return
        # What the device may do may have changed since the CONNECT.
        self._leave(session, stored, lambda: self._publish(stored, principal.may_publish(will.topic)))

    def _leave(self, session: Session | None, stored: StoredWill, publish: Callable[[], None]) -> None:
        delay_s = min(stored.will.delay_s, session.expiry_s) if session is not None else 0
        if session is None or not delay_s or self.stopping:
            publish()
        else:
            session.delayed_will = DelayedWill(session, delay_s, publish, lambda: self.drop(stored))

    async def restore(self, kept: Sequence[StoredWill], knows: Knows | None) -> None:
        """Leave the wills of clients that were connected when an earlier process ended suddenly."""
        device_ids = {stored.device_id for stored in kept}
        speaking = device_ids if knows is None or not kept else set(await knows(device_ids))
        for stored in kept:
            known = stored.device_id in speaking
            session = self._exchange.sessions.get((stored.device_id, stored.client_id))
            if session is None and stored.will.delay_s and stored.expiry_s:  # it had no subscriptions to be kept
                session, _ = self._exchange.open(stored.device_id, stored.client_id, True, stored.expiry_s)
                if session is not None:
                    session.left_s = self._clock.monotonic_s()
            if session is not None and stored.will.delay_s and session.connection is not None:
                self.drop(stored)
            else:
                self._leave(session, stored, lambda stored=stored, known=known: self._publish(stored, known))  # type: ignore[misc]

    def stop(self) -> None:
        """Publish what waits, and delay no more: nobody would be there to do it later."""
        self.stopping = True
        for session in list(self._exchange.sessions.values()):
            if session.delayed_will is not None:
                session.delayed_will.fire()

    def _publish(self, stored: StoredWill, may: bool) -> None:
        if not may:
            self.drop(stored)
            return
        will, now_ms = stored.will, self._clock.now_ms()
        flags = FLAG_WILL | (FLAG_RETAINED if will.retain else 0)
        payload = will.payload
        if self._stamps and is_death_of_edge_node(will.topic):
            payload = stamped(payload, now_ms)
        run = Run(stored.device_id, will.topic, now_ms, flags, [payload])
        done: Acknowledgements = [(1 << REASON_SHIFT, [])]
        kept: Durable = None
        if not is_private(will.topic):
            expires_ms = now_ms + will.expiry_s * 1000 if will.expiry_s is not None else 0
            kept = self._exchange.route(will.topic, run.payloads, will.qos, will.retain, will.properties, expires_ms)
        if self.stopping:  # a stop is in order, and its wills are many: all of them in one frame
            self._committer.add(_Stored(self, stored), [run], done, len(will.payload) + len(will.topic), kept)
        else:
            self._committer.add_alone(_Stored(self, stored), run, done, stored.id, kept)


def stamped(death: bytes, now_ms: int) -> bytes:
    """An NDEATH with this timestamp in place of the one of its connection's beginning.

    The timestamp is field 1 of the payload, and the first in it as all encoders write it; any other stays as it is.
    """
    if death[:1] != _TIMESTAMP:
        return death
    end = 1
    while end < len(death) and death[end] & 0x80:
        end += 1
    if end == len(death):
        return death
    number, left = bytearray(), now_ms
    while left > 0x7F:
        number.append(left & 0x7F | 0x80)
        left >>= 7
    number.append(left)
    return _TIMESTAMP + number + death[end + 1 :]


class _Stored:
    """Waits until a will is stored; then the journal needs it no more."""

    __slots__ = ("_stored", "_wills")

    def __init__(self, wills: Wills, stored: StoredWill) -> None:
        self._wills, self._stored = wills, stored

    def acknowledge(self, acknowledgements: Acknowledgements) -> None:  # noqa: ARG002 - nobody else waits for it
        """It is durable."""
        self._wills.drop(self._stored)
