"""Refused devices in the ledger: told by the listener, at a bounded rate, without making it wait."""

from __future__ import annotations

from millwright.app.limits import Inner
from millwright.devices.mqtt import Principal, Refusal
from millwright.kernel import Clock, new_id
from millwright.ledger import Actor, Denials, Draft, Target


class RecordedAuthenticator:
    """The listener's authenticator, with every refusal offered to the ledger. Never waits for it.

    ``protocol`` is what the entries' action and error begin with.
    """

    def __init__(self, inner: Inner, denials: Denials, clock: Clock, protocol: str = "mqtt") -> None:
        self._inner, self._denials, self._clock, self._protocol = inner, denials, clock, protocol

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        """Ask, and note a refusal. User name and client id are not noted: either may be a secret by mistake."""
        return self._told(await self._inner.authenticate(username, password, client_id, peer), peer)

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        """Ask about a certificate, and note a refusal."""
        return self._told(await self._inner.authenticate_certificate(fingerprint, client_id, peer), peer)

    def _told(self, answer: Principal | Refusal, peer: str) -> Principal | Refusal:
        if isinstance(answer, Refusal):
            self._denials.offer(
                Draft(
                    id=new_id("led"),
                    at_ms=self._clock.now_ms(),
                    actor=Actor("unknown"),
                    action=f"{self._protocol}.connect",
                    target=Target("device", answer.device_id or ""),
                    outcome="denied",
                    error=f"{self._protocol}.{answer.reason}",
                    address=peer.rpartition(":")[0][:64],
                )
            )
        return answer
