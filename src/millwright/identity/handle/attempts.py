"""Who asks, for those that keep account of it: attempts to pass for an administrator, and addresses of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from millwright.identity.handle.model import Reference

FailedAttempt: TypeAlias = Callable[[Reference, str], None]
"""Is told that somebody at an address named a value as their own and did not prove it. Does not wait, never raises."""

_address: ContextVar[str] = ContextVar("handle_client", default="")


def unheard(claimed: Reference, address: str) -> None:
    """Nobody keeps account."""


def client_address() -> str:
    """The address of whose request is worked on, in threads that were begun for it too; empty when nobody asked."""
    return _address.get()


@contextmanager
def asked_from(address: str) -> Iterator[None]:
    """Work on a request of an address."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)
