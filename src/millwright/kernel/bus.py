"""The port through which roles talk: subjects, messages, requests.

What must travel up a floor, or to another process, is a message on the bus. The one implementation that
crosses processes is :mod:`millwright.engines.nats`. Delivery here is *at most once* (what must not be lost
goes through a JetStream stream instead).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Handler = Callable[[str, bytes], Awaitable[None]]
"""Called with the subject and the payload of a message."""

Responder = Callable[[bytes], Awaitable[bytes]]
"""Called with a request's payload; returns the reply. A :class:`MillwrightError` travels to the caller."""

Unsubscribe = Callable[[], Awaitable[None]]
"""Ends a subscription."""


class Bus(Protocol):
    """Publish, subscribe, ask and answer."""

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send to whoever listens now. Raises ``Unavailable`` when the broker is away."""
        ...

    async def subscribe(self, subject: str, handler: Handler) -> Unsubscribe:
        """Call ``handler`` for every message on ``subject`` (``*`` and ``>`` are wildcards)."""
        ...

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Ask whoever serves ``subject``. Raises the error that the responder raised, or ``Unavailable``."""
        ...

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> Unsubscribe:
        """Answer requests on ``subject``; members of one ``queue`` share them. Requests run concurrently."""
        ...
