"""The act under way: whoever begins one (the web host, a worker) opens it, and the domains note what they change.

A domain's service calls :func:`note` where it changes something and knows nothing else of the ledger; outside an act
the call does nothing. The act travels with the task, into threads too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from millwright.ledger.model import Actor

_current: ContextVar[Act | None] = ContextVar("millwright_ledger_act", default=None)


@dataclass(frozen=True, slots=True)
class Noted:
    """One object that was changed: what it was (``before``) and is (``after``), as structs or plain data.

    ``ignore`` names top-level fields that are not part of the object itself (its presence, its counters). ``personal``
    are JSON pointers to values that are about a person; with ``named`` the object's name is one too.
    """

    kind: str
    id: str
    name: str | None = None
    before: Any = None
    after: Any = None
    ignore: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    named: bool = False


@dataclass(slots=True)
class Act:
    """Something being done. What is known only while it runs may be set then: who acts, which action, under what."""

    notes: list[Noted] = field(default_factory=list)
    action: str | None = None
    actor: Actor | None = None
    on_behalf: Actor | None = None
    grant: str = ""


def current_act() -> Act | None:
    """The act of this task, if one is under way."""
    return _current.get()


@contextmanager
def acting(act: Act) -> Iterator[Act]:
    """Make ``act`` the current one within the block."""
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def acted_by(actor: Actor) -> None:
    """Say who acts, where that became known only in the act: who signed in. Does nothing outside an act."""
    act = _current.get()
    if act is not None:
        act.actor = actor


def note(
    kind: str,
    object_id: str,
    name: str | None = None,
    *,
    before: Any = None,
    after: Any = None,
    ignore: Sequence[str] = (),
    personal: Sequence[str] = (),
    named: bool = False,
) -> None:
    """Say that the current act changed an object; see :class:`Noted`. Does nothing outside an act."""
    act = _current.get()
    if act is not None:
        act.notes.append(Noted(kind, object_id, name, before, after, tuple(ignore), tuple(personal), named))
