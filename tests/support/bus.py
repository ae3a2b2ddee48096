"""A bus inside one process, for tests without sockets: delivers at once, in order."""

from __future__ import annotations

from millwright.kernel import Handler, Responder, Unavailable, Unsubscribe


class LocalBus:
    """Implements :class:`millwright.kernel.Bus`; ``published`` keeps what was sent, ``down`` makes sending fail."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.down = False
        self._handlers: list[tuple[list[str], Handler]] = []
        self._responders: dict[str, Responder] = {}

    async def publish(self, subject: str, payload: bytes) -> None:
        if self.down:
            raise Unavailable("the bus is down", code="test.down")
        self.published.append((subject, payload))
        for pattern, handler in list(self._handlers):
            if _matches(pattern, subject.split(".")):
                await handler(subject, payload)

    async def subscribe(self, subject: str, handler: Handler) -> Unsubscribe:
        entry = (subject.split("."), handler)
        self._handlers.append(entry)

        async def unsubscribe() -> None:
            if entry in self._handlers:
                self._handlers.remove(entry)

        return unsubscribe

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 10.0) -> bytes:
        if subject not in self._responders:
            raise Unavailable(f"nobody serves {subject}", code="test.nobody")
        return await self._responders[subject](payload)

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> Unsubscribe:
        self._responders[subject] = responder

        async def unsubscribe() -> None:
            self._responders.pop(subject, None)

        return unsubscribe

    def sent(self, subject: str) -> list[bytes]:
        """The payloads sent on one subject."""
        return [payload for name, payload in self.published if name == subject]


def _matches(pattern: list[str], subject: list[str]) -> bool:
    for position, token in enumerate(pattern):
        if token == ">":
            return len(subject) > position
        if position >= len(subject) or token not in ("*", subject[position]):
            return False
    return len(pattern) == len(subject)
