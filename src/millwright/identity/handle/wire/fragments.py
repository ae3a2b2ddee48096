"""Putting messages together from UDP packets in any order, within limits (RFC 3652, 2.3)."""

from __future__ import annotations

from collections import Counter, OrderedDict

from millwright.identity.handle.wire.message import FRAGMENT_BYTES, Envelope


class _Partial:
    __slots__ = ("address", "deadline_s", "length", "missing", "parts")

    def __init__(self, address: str, length: int, deadline_s: float) -> None:
        self.address = address
        self.length = length
        self.missing = -(-length // FRAGMENT_BYTES)
        self.parts: list[bytes | None] = [None] * self.missing
        self.deadline_s = deadline_s


class Reassembly:
    """Holds incomplete messages: some for each address, some bytes in all, each for a short time.

    What goes beyond the limits, or contradicts what came before, is dropped; a client repeats.
    """

    def __init__(
        self,
        *,
        max_message_bytes: int = 65_536,
        max_bytes: int = 4 * 1024 * 1024,
        max_per_address: int = 4,
        timeout_s: float = 5.0,
    ) -> None:
        self._max_message = max_message_bytes
        self._max_bytes = max_bytes
        self._max_per_address = max_per_address
        self._timeout_s = timeout_s
        self._partial: OrderedDict[tuple[str, int, int, int], _Partial] = OrderedDict()
        self._per_address: Counter[str] = Counter()
        self.held_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._partial)

    def add(self, address: tuple[str, int], envelope: Envelope, data: bytes, now_s: float) -> bytes | None:
        """Take a packet's data; returns the whole message when this was its last missing part."""
        length, number = envelope.length, envelope.sequence
        if length <= FRAGMENT_BYTES:
            if len(data) == length and not number:
                return data
            self.dropped += 1
            return None
        count = -(-length // FRAGMENT_BYTES)
        expected = FRAGMENT_BYTES if number < count - 1 else length - FRAGMENT_BYTES * (count - 1)
        if length > self._max_message or number >= count or len(data) != expected:
            self.dropped += 1
            return None
        self.expire(now_s)
        key = (address[0], address[1], envelope.session_id, envelope.request_id)
        partial = self._partial.get(key)
        if partial is None:
            if (
                self._per_address[address[0]] >= self._max_per_address
                or self.held_bytes + length > self._max_bytes
            ):  # fmt: skip
                self.dropped += 1
                return None
            partial = self._partial[key] = _Partial(address[0], length, now_s + self._timeout_s)
            self._per_address[address[0]] += 1
            # The whole length counts from the first packet on, so that what was begun can end.
            self.held_bytes += length
        if partial.length != length or partial.parts[number] is not None:
            self.dropped += 1
            return None
        partial.parts[number] = data
        partial.missing -= 1
        if partial.missing:
            return None
        self._forget(key)
        return b"".join(part for part in partial.parts if part is not None)

    def expire(self, now_s: float) -> None:
        """Forget what waited too long."""
        while self._partial:
            key, partial = next(iter(self._partial.items()))
            if partial.deadline_s > now_s:
                return
            self._forget(key)
            self.dropped += 1

    def _forget(self, key: tuple[str, int, int, int]) -> None:
        partial = self._partial.pop(key)
        self.held_bytes -= partial.length
        self._per_address[partial.address] -= 1
        if not self._per_address[partial.address]:
            del self._per_address[partial.address]
