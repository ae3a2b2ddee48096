"""Challenges that wait for their answers: bounded, each for a short time, each answered once."""

from __future__ import annotations

from collections import Counter, OrderedDict

from millwright.identity.handle.authentication import new_nonce
from millwright.identity.handle.sessions import new_id
from millwright.identity.handle.wire.message import Message
from millwright.identity.handle.wire.requests import Request

_REMEMBERED = 1_024


class Challenge:
    """A challenge, and the request that caused it and is done when it is answered."""

    __slots__ = ("address", "digest", "expires_s", "id", "message", "nonce", "reply", "request", "version")

    def __init__(
        self, address: str, message: Message, request: Request, digest: bytes, version: tuple[int, int]
    ) -> None:
        self.id = 0
        self.address = address
        self.message = message
        self.request = request
        self.digest = digest
        self.version = version
        self.nonce = new_nonce()
        self.expires_s = 0.0
        self.reply: bytes | None = None
        """What was said to it: said again when the answer comes again, as over UDP it may."""


class Challenges:
    """Those of a server, the oldest first."""

    def __init__(self, most: int, most_per_address: int, timeout_s: float) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._timeout_s = timeout_s
        self._by_id: OrderedDict[int, Challenge] = OrderedDict()
        self._per_address: Counter[str] = Counter()
        self._answered: OrderedDict[tuple[int, int], Challenge] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, challenge: Challenge, now_s: float, session_id: int = 0) -> bool:
        """Let a challenge wait, under the id of its session or a new one; false when there are too many."""
        self.expire(now_s)
        if session_id:
            self._forget(session_id)
        if len(self._by_id) >= self._most or self._per_address[challenge.address] >= self._most_per_address:
            return False
        challenge.id = session_id or new_id(self._by_id)
        challenge.expires_s = now_s + self._timeout_s
        self._by_id[challenge.id] = challenge
        self._per_address[challenge.address] += 1
        return True

    def find(self, challenge_id: int, address: str, now_s: float) -> Challenge | None:
        """The challenge with an id that was sent to this address and is still open."""
        self.expire(now_s)
        challenge = self._by_id.get(challenge_id)
        return challenge if challenge is not None and challenge.address == address else None

    def take(self, challenge: Challenge, request_id: int) -> None:
        """A challenge is being answered, by the request of this id: it waits no longer and can be repeated only."""
        self._forget(challenge.id)
        self._answered[challenge.id, request_id] = challenge
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)

    def find_answered(self, challenge_id: int, request_id: int, address: str) -> Challenge | None:
        """The challenge that this very request answered before."""
        challenge = self._answered.get((challenge_id, request_id))
        return challenge if challenge is not None and challenge.address == address else None

    def expire(self, now_s: float) -> None:
        """Forget those that were not answered in time."""
        while self._by_id:
            oldest = next(iter(self._by_id))
            if self._by_id[oldest].expires_s > now_s:
                return
            self._forget(oldest)

    def _forget(self, challenge_id: int) -> None:
        challenge = self._by_id.pop(challenge_id, None)
        if challenge is None:
            return
        self._per_address[challenge.address] -= 1
        if not self._per_address[challenge.address]:
            del self._per_address[challenge.address]
