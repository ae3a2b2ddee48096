"""Scopes: whose rows a piece of work may touch.

Every row that belongs to somebody carries its organisation. A *scope* is the set of organisations whose rows are there
for the work at hand; the records (:mod:`millwright.engines.sql`) confine every statement to it. The scope of a request
is set once, by the guard of its route; whoever forgets to set one works in :data:`NOTHING`, where every owned table is
empty. So forgetting shows nothing instead of everything.

:data:`EVERYTHING` is for the node's own background work; only the composition root uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Final

ROOT: Final = "org_root"
"""The organisation at the top of the node's tree; it owns what existed before there were organisations."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Organisations (ids) whose rows may be read and written.

    ``home`` owns what is made without saying whose it is. ``above`` are organisations whose shared rows (models) may be
    read, not written. ``unlimited`` rows are not confined at all: see :data:`EVERYTHING`.
    """

    organisations: frozenset[str] = frozenset()
    home: str | None = None
    above: frozenset[str] = frozenset()
    unlimited: bool = False
    _texts: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)

    def __contains__(self, organisation_id: object) -> bool:
        return self.unlimited or organisation_id in self.organisations

    def __bool__(self) -> bool:
        return self.unlimited or bool(self.organisations)

    def text(self, key: str) -> str | None:
        """A form of the scope that was worked out before (an engine keeps its own here)."""
        return self._texts.get(key)

    def keep_text(self, key: str, text: str) -> str:
        """Remember such a form."""
        self._texts[key] = text
        return text


NOTHING: Final = Scope()
"""No organisation: owned tables are empty."""

EVERYTHING: Final = Scope(home=ROOT, unlimited=True)
"""Every organisation: for background work that serves all of them. Constructed into records by ``app`` alone."""

_current: ContextVar[Scope] = ContextVar("millwright_scope", default=NOTHING)


def current_scope() -> Scope:
    """The scope of the work at hand."""
    return _current.get()


def enter(scope: Scope) -> Token[Scope]:
    """Work in ``scope`` from here on, to the end of the task or until :func:`leave`."""
    return _current.set(scope)


def leave(token: Token[Scope]) -> None:
    """Work again in the scope from before :func:`enter`."""
    _current.reset(token)


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Work in ``scope`` inside the block."""
    token = enter(scope)
    try:
        yield
    finally:
        leave(token)
