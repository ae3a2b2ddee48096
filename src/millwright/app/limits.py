"""Quotas and rates at the listener: who is not let in, who is shut out, who is slowed down.

A device whose organisation (or one above) has used up a hard quota is refused with CONNACK 3, *server unavailable*: of
the codes of MQTT 3.1.1 (table 3.1) the one that says "not now" and not "not you"; the reason is counted, and told to
the ledger. What is connected already may go on for ``[metering] quota_grace_s`` and is then disconnected. Whoever sends
faster than its rate is read more slowly: what was read is stored and acknowledged, and TCP holds back the rest. The
processes of one listener tell each other several times a second what they drew for organisations; with listeners on
several machines each lets the rate through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from millwright.app.stats import Figures, Problem
from millwright.devices.mqtt import Authenticator, CertificateAuthenticator, Principal, Refusal
from millwright.kernel import Clock
from millwright.metering import INTAKE_METERS, Buckets, Ceilings

logger = logging.getLogger(__name__)

QUOTA_EXCEEDED: Final = "quota_exceeded"
_SERVER_UNAVAILABLE: Final = 3


class Inner(Authenticator, CertificateAuthenticator, Protocol):
    """Both ways to know a device."""


class QuotaDoor:
    """An authenticator that lets nobody in whose quota is used up."""

    def __init__(self, inner: Inner, ceilings: Callable[[], Ceilings]) -> None:
        self._inner, self._ceilings = inner, ceilings

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        """Ask, and then look at the quotas."""
        return self._judge(await self._inner.authenticate(username, password, client_id, peer))

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        """Ask about a certificate, and then look at the quotas."""
        return self._judge(await self._inner.authenticate_certificate(fingerprint, client_id, peer))

    def _judge(self, answer: Principal | Refusal) -> Principal | Refusal:
        if isinstance(answer, Refusal):
            return answer
        if self._ceilings().find_exceeded(answer.organisation_id, INTAKE_METERS) is None:
            return answer
        return Refusal(_SERVER_UNAVAILABLE, QUOTA_EXCEEDED, arrival=False, device_id=answer.device_id)


class RatePacer:
    """Implements the listener's ``Pacer`` over the limits in force."""

    def __init__(self, ceilings: Callable[[], Ceilings], clock: Clock) -> None:
        self._ceilings = ceilings
        self._buckets = Buckets(clock)
        self.shared = False
        """Whether other processes draw from the same rates."""
        self._drawn: dict[str, int] = {}
        self._rates: dict[str, float] = {}

    def take_drawn(self) -> dict[str, int]:
        """What was drawn for organisations since the last call, to be told to the other processes."""
        drawn, self._drawn = self._drawn, {}
        return drawn

    def draw(self, drawn: dict[str, int]) -> None:
        """Draw what other processes drew; of an organisation that was not met here yet nothing is owed."""
        for key, messages in drawn.items():
            per_s = self._rates.get(key)
            if per_s is not None:
                self._draw(key, per_s, messages)

    def take(self, principal: Principal, messages: int) -> float:
        """Draw the messages from the device's bucket and from those of its organisations; the longest debt counts."""
        wait_s = 0.0
        for holder, rates in self._ceilings().rates(principal.organisation_id):
            if rates.messages is not None:
                key = f"o/{holder}"
                if self.shared:
                    self._rates[key] = rates.messages
                    self._drawn[key] = self._drawn.get(key, 0) + messages
                wait_s = max(wait_s, self._draw(key, rates.messages, messages))
            if rates.device_messages is not None:
                key = f"d/{holder}/{principal.device_id}"
                wait_s = max(wait_s, self._draw(key, rates.device_messages, messages))
        return wait_s

    def take_all(self, organisation_id: str, messages: int) -> float:
        """The same for messages of many devices at once, as an edge brings them: of organisations alone."""
        rated = self._ceilings().rates(organisation_id)
        debts = [
            self._draw(f"o/{holder}", rates.messages, messages) for holder, rates in rated if rates.messages is not None
        ]
        return max(debts, default=0.0)

    def _draw(self, key: str, per_s: float, messages: int) -> float:
        bucket = self._buckets.get(key, per_s)
        bucket.left -= messages
        return bucket.debt_s()


class QuotaEnforcer:
    """Ends the connections of organisations whose quota has been used up for longer than the grace."""

    def __init__(
        self,
        ceilings: Callable[[], Ceilings],
        disconnect_where: Callable[[Callable[[Principal], bool], str], int],
        clock: Clock,
        grace_s: float,
    ) -> None:
        self._ceilings, self._disconnect, self._clock, self._grace_s = ceilings, disconnect_where, clock, grace_s
        self._since_s: dict[tuple[str, str, int], float] = {}

    def look(self) -> None:
        """Called whenever the limits were read; notes what is used up, and acts once the grace is over."""
        ceilings, now_s = self._ceilings(), self._clock.monotonic_s()
        over = {
            (state.organisation_id, state.quota.meter, state.ends_ms)
            for states in ceilings.states.values()
            for state in states
            if state.quota.hard and state.exceeded and state.quota.meter in INTAKE_METERS
        }
        self._since_s = {key: self._since_s.get(key, now_s) for key in over}
        shut = {key[0] for key, since_s in self._since_s.items() if now_s - since_s >= self._grace_s}
        if not shut:
            return

        barred = {below for each in shut for below in ceilings.tree.subtree(each)}
        ended = self._disconnect(lambda principal: principal.organisation_id in barred, QUOTA_EXCEEDED)
        if ended:
            logger.warning("%d connections were ended: a hard quota is used up", ended)


class QuotaProblems:
    """Says among the node's problems which quotas are used up or nearly so; asked once a second."""

    def __init__(self, ceilings: Callable[[], Ceilings], clock: Clock) -> None:
        self._ceilings, self._clock = ceilings, clock
        self._since_ms: dict[tuple[str, str, int, bool], int] = {}

    def figures(self) -> Figures:
        """For the role's ``stats`` message."""
        ceilings, now_ms = self._ceilings(), self._clock.now_ms()
        told = [state for states in ceilings.states.values() for state in states if state.warned]
        keys = [(each.organisation_id, each.quota.meter, each.ends_ms, each.exceeded) for each in told]
        self._since_ms = {key: self._since_ms.get(key, now_ms) for key in keys}
        found = []
        for state, key in zip(told, keys, strict=True):
            node = ceilings.tree.nodes.get(state.organisation_id)
            name, quota = node.name if node is not None else state.organisation_id, state.quota
            said = "used up" if state.exceeded else "nearly used up"
            text = f"{name}: {state.used} of {quota.limit} {quota.meter} a {quota.period}, {said}."
            code = "metering.quota_used_up" if state.exceeded else "metering.quota_nearly_used_up"
            hint = "It begins anew with the next period; whoever decides above may raise it."
            found.append(Problem(code, text, hint, self._since_ms[key]))
        return Figures(problems=found)
