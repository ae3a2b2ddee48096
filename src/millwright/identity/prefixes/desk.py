"""The transaction in which a prefix and its case change together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import sqlalchemy as sa

from millwright.cases import SYSTEM, Actor, Case, Cases, CaseSession
from millwright.engines.sql import Records
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.model import WORKFLOW, PrefixForm
from millwright.identity.prefixes.store import PrefixStore, Row, Side
from millwright.identity.prefixes.systems import name_of
from millwright.kernel import Clock
from millwright.ledger import note

PERSONAL = ("/form/contact/name", "/form/contact/telephone", "/form/contact/email")
"""What is about a person in a prefix, for the ledger."""

_TOLD = ("until_ms", "site", "resolver", "former", "since_ms")
_IN_INDEX = ("active", "suspended", "expired")


class PrefixChanges(Protocol):
    """Who has to know, in the same transaction, what a prefix became."""

    def changed(self, connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A prefix was written; rows as they were and are."""
        ...


class Opened:
    """One prefix within its transaction."""

    def __init__(
        self, store: PrefixStore, session: CaseSession, row: Row, case: Case, told: PrefixChanges | None = None
    ) -> None:
        self.store, self.session, self.row, self.case, self._told = store, session, row, case, told
        self.connection, self.now_ms = session.connection, session.now_ms
        self._who = SYSTEM.id

    def fire(self, transition: str, actor: Actor, *, comment: str = "", data: Mapping[str, Any] | None = None) -> Case:
        """Take a step. Raises what :meth:`millwright.cases.Workflow.step` raises."""
        self._who = actor.id
        self.case = self.session.fire(self.case, transition, actor, comment=comment.strip(), data=data)
        return self.case

    def touch(self) -> Case:
        """Count a change that is no step."""
        self.case = self.session.amend(self.case, {})
        return self.case

    def say(self, actor: Actor, text: str) -> None:
        """Add a comment."""
        self._who = actor.id
        self.touch()
        self.session.comment(self.case, actor, text.strip())

    def save(self, **values: Any) -> None:
        """Write the row as the case now is, and tell the index of what it has to know."""
        case = self.case
        kept = {"state": case.state, "revision": case.revision, "changed_ms": self.now_ms} | values
        self.store.update(self.connection, self.row.id, **kept)
        after = {**self.row._mapping, **kept}
        if after["granted_ms"] is not None:
            state = case.state if case.state in _IN_INDEX else "expired"
            told = {"key": after["key"], "name": name_of(after["system"], after["prefix"]), "who": self._who}
            told |= {"organisation_id": after["organisation_id"], "state": state}
            before = self.row._mapping
            same = before["granted_ms"] is not None and all(
                before[name] == after[name] for name in ("state", "organisation_id", *_TOLD)
            )
            if not same:
                self.store.put_state(self.connection, told | {name: after[name] for name in _TOLD})
        if self._told is not None:
            self._told.changed(self.connection, {**self.row._mapping}, after)
        note(
            "prefix", self.row.id, self.row.prefix, before=_noted({**self.row._mapping}), after=_noted(after),
            personal=PERSONAL, organisation=after["organisation_id"],
        )  # fmt: skip


class Desk:
    """Opens prefixes. ``records`` see everything; whose a prefix must be is said each time."""

    def __init__(self, records: Records, clock: Clock, told: PrefixChanges | None = None) -> None:
        self.cases = Cases(records, clock, WORKFLOW)
        self.store = PrefixStore(records)
        self._told = told

    @contextmanager
    def opened(
        self,
        prefix_id: str,
        side: Side,
        organisations: Collection[str],
        revision: int | None = None,
        *,
        lock: bool = False,
    ) -> Iterator[Opened]:
        """One prefix that this side may change; with ``lock`` nobody else decides who holds what meanwhile.

        Raises ``NotFound`` (``prefixes.unknown``), ``Outdated`` (``prefixes.revision_stale``).
        """
        with self.cases.begin() as session:
            if lock:
                self.store.lock(session.connection)
            if self.store.take(session.connection, prefix_id, side, organisations) is None:
                raise errors.unknown(prefix_id)
            case = session.get(prefix_id)  # locks it: only now is the row what it will stay
            row = self.store.take(session.connection, prefix_id, side, organisations)
            if row is None:
                raise errors.unknown(prefix_id)
            if revision is not None and revision != case.revision:
                raise errors.stale(prefix_id, case.revision)
            yield Opened(self.store, session, row, case, self._told)

    @contextmanager
    def opened_by_node(self, prefix_id: str) -> Iterator[Opened]:
        """One prefix, for the node's own work."""
        with self.cases.begin() as session:
            case = session.get(prefix_id)
            yield Opened(self.store, session, self.store.get(session.connection, prefix_id), case, self._told)


def search_text(form: PrefixForm, organisation: str) -> str:
    """What a search looks through."""
    return f"{form.prefix} {organisation} {form.credit_code} {form.industry} {form.use}".lower()


def _noted(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "organisation_id",
        "system",
        "prefix",
        "state",
        "until_ms",
        "form",
        "certification",
        "registrar_id",
        "filed",
    )
    return {name: row[name] for name in names if row.get(name) is not None}
