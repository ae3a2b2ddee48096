"""The act under way: whoever begins one (the web host, a worker) opens it, and the domains note what they change.

A domain's service calls :func:`note` where it changes something and knows nothing else of the ledger; outside an act
the call does nothing. The act travels with the task, into threads too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from millwright.kernel import current_scope
from millwright.ledger.model import Actor

_current: ContextVar[Act | None] = ContextVar("millwright_ledger_act", default=None)
_MOST_GRANTS = 8


@dataclass(frozen=True, slots=True)
class Noted:
    """One object that was changed: what it was (``before``) and is (``after``), as structs or plain data.

    ``ignore`` names top-level fields that are not part of the object itself (its presence, its counters). ``personal``
    are JSON pointers to values that are about a person; with ``named`` the object's name is one too. ``organisation``
    is whose object it is.
    """

    kind: str
    id: str
    name: str | None = None
    before: Any = None
    after: Any = None
    ignore: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    named: bool = False
    organisation: str = ""


@dataclass(slots=True)
class Act:
    """Something being done. What is known only while it runs may be set then: who acts, which action, under what."""

    notes: list[Noted] = field(default_factory=list)
    action: str | None = None
    actor: Actor | None = None
    on_behalf: Actor | None = None
    grant: str = ""
    organisation: str = ""


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


def acted_by(actor: Actor | None, organisation: str = "") -> None:
    """Say who acts (``None``: not known for sure) and where they belong (empty: as said before), where that became
    known only in the act: who signed in. Does nothing outside an act."""
    act = _current.get()
    if act is not None:
        act.actor, act.organisation = actor or act.actor, organisation or act.organisation


def permitted_by(grants: Sequence[str]) -> None:
    """Say under which grants (ids) the act is permitted. Does nothing outside an act."""
    act = _current.get()
    if act is not None:
        act.grant = " ".join(grants[:_MOST_GRANTS])


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
    organisation: str = "",
) -> None:
    """Say that the current act changed an object; see :class:`Noted`. Does nothing outside an act.

    Without an ``organisation`` it is the one that ``after`` or ``before`` names as ``organisation_id``, else the home
    of the scope at hand.
    """
    act = _current.get()
    if act is not None:
        whose = organisation or _owner(after) or _owner(before) or current_scope().home or ""
        act.notes.append(Noted(kind, object_id, name, before, after, tuple(ignore), tuple(personal), named, whose))


def _owner(state: Any) -> str:
    found = state.get("organisation_id") if isinstance(state, Mapping) else getattr(state, "organisation_id", None)
    return found or ""
