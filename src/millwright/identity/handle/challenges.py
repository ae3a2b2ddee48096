"""Challenges that wait for their answers: bounded in number and bytes, each for a short time, each answered once."""

from __future__ import annotations

from collections import Counter, OrderedDict

from millwright.identity.handle.authentication import new_nonce
from millwright.identity.handle.sessions import new_id
from millwright.identity.handle.wire.message import Message
from millwright.identity.handle.wire.requests import Request

_REMEMBERED = 1_024


class Challenge:
    """A challenge, and the request that caused it and is done when it is answered."""

    __slots__ = ("address", "digest", "expires_s", "id", "message", "nonce", "request", "version")

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

    @property
    def size(self) -> int:
        """Bytes of the request that it keeps."""
        return len(self.message.body) + len(self.message.credential)


class Answered:
    """A challenge that was answered; ``reply`` is said again when the answer comes again, as over UDP it may."""

    __slots__ = ("address", "expires_s", "reply")

    def __init__(self, address: str, expires_s: float) -> None:
        self.address = address
        self.expires_s = expires_s
        self.reply: bytes | None = None


class Challenges:
    """Those of a server, the oldest first."""

    def __init__(self, most: int, most_per_address: int, most_bytes: int, timeout_s: float) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._most_per_address = most_per_address
        self._timeout_s = timeout_s
        self._by_id: OrderedDict[int, Challenge] = OrderedDict()
        self._per_address: Counter[str] = Counter()
        self._answered: OrderedDict[tuple[int, int], Answered] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, challenge: Challenge, now_s: float, session_id: int = 0) -> bool:
        """Let a challenge wait, under the id of its session or a new one; false when there are too many."""
        self.expire(now_s)
        if session_id:
            self._forget(session_id)
        if (
            len(self._by_id) >= self._most
            or self._bytes + challenge.size > self._most_bytes
            or self._per_address[challenge.address] >= self._most_per_address
        ):
            return False
        challenge.id = session_id or new_id(self._by_id)
        challenge.expires_s = now_s + self._timeout_s
        self._by_id[challenge.id] = challenge
        self._per_address[challenge.address] += 1
        self._bytes += challenge.size
        return True

    def find(self, challenge_id: int, address: str, now_s: float) -> Challenge | None:
        """The challenge with an id that was sent to this address and is still open."""
        self.expire(now_s)
        challenge = self._by_id.get(challenge_id)
        return challenge if challenge is not None and challenge.address == address else None

    def take(self, challenge: Challenge, request_id: int, now_s: float) -> Answered:
        """A challenge is being answered, by the request of this id: it waits no longer and can be repeated only."""
        self._forget(challenge.id)
        answered = Answered(challenge.address, now_s + self._timeout_s)
        self._answered[challenge.id, request_id] = answered
        if len(self._answered) > _REMEMBERED:
            self._answered.popitem(last=False)
        return answered

    def find_answered(self, challenge_id: int, request_id: int, address: str) -> Answered | None:
        """What this very request answered before."""
        answered = self._answered.get((challenge_id, request_id))
        return answered if answered is not None and answered.address == address else None

    def expire(self, now_s: float) -> None:
        """Forget those that were not answered in time, and the answers that are no longer repeated."""
        while self._by_id and (oldest := next(iter(self._by_id.values()))).expires_s <= now_s:
            self._forget(oldest.id)
        while self._answered and next(iter(self._answered.values())).expires_s <= now_s:
            self._answered.popitem(last=False)

    def _forget(self, challenge_id: int) -> None:
        challenge = self._by_id.pop(challenge_id, None)
        if challenge is None:
            return
        self._bytes -= challenge.size
        self._per_address[challenge.address] -= 1
        if not self._per_address[challenge.address]:
            del self._per_address[challenge.address]
