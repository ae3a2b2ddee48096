"""Opening, moving and finding cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.cases import store
from millwright.cases.model import Actor, Case, Entry, Filter, Page, Workflow
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Clock, Conflict, NotFound, new_id


class Cases:
    """The case engine over one records database. Synchronous; every method is one transaction."""

    def __init__(self, records: Records, clock: Clock, *workflows: Workflow) -> None:
        self._records = records
        self._clock = clock
        self._workflows = {workflow.kind: workflow for workflow in workflows}

    @contextmanager
    def begin(self) -> Iterator[CaseSession]:
        """A transaction over many cases; everything it was told is written when the block ends without an error."""
        with self._records.begin() as connection:
            session = CaseSession(connection, self._clock.now_ms(), self._workflows)
            yield session
            session.flush()

    def fire(
        self,
        case_id: str,
        transition: str,
        actor: Actor,
        *,
        comment: str = "",
        data: Mapping[str, Any] | None = None,
        revision: int | None = None,
    ) -> Case:
        """Move one case; with ``revision``, only if nobody changed it since.

        Raises ``NotFound`` (``cases.unknown``), ``Conflict`` (``cases.changed``) and what :meth:`Workflow.step` raises.
        """
        with self.begin() as session:
            case = session.get(case_id)
            if revision is not None and revision != case.revision:
                raise Conflict(
                    f"The case changed: it is at revision {case.revision}.",
                    code="cases.changed",
                    hint="Read it again and decide anew.",
                    detail={"revision": case.revision},
                )
            return session.fire(case, transition, actor, comment=comment, data=data)

    def comment(self, case_id: str, actor: Actor, text: str) -> Entry:
        """Add a comment; possible in every state. Raises ``NotFound`` (``cases.unknown``)."""
        with self.begin() as session:
            return session.comment(session.get(case_id), actor, text)

    def get(self, case_id: str) -> Case:
        """The case. Raises ``NotFound`` (``cases.unknown``)."""
        with self._records.read() as connection:
            return _known(store.select(connection, [case_id]), case_id)

    def find(self, ids: Iterable[str]) -> dict[str, Case]:
        """Those of ``ids`` that exist."""
        with self._records.read() as connection:
            return store.select(connection, ids)

    def page(self, wanted: Filter, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Cases that match, latest first. Raises ``Invalid`` (``cases.bad_cursor``, ``cases.bad_limit``)."""
        with self._records.read() as connection:
            return store.page(connection, wanted, cursor=cursor, limit=limit)

    def count(self, wanted: Filter, *by: store.Column) -> dict[tuple[Any, ...], int]:
        """How many cases match, for each combination of the columns ``by``."""
        with self._records.read() as connection:
            return store.count(connection, wanted, by)

    def history(self, case_id: str, *, limit: int = 1000) -> Sequence[Entry]:
        """What happened to the case, oldest first: the newest ``limit`` lines."""
        with self._records.read() as connection:
            return store.history(connection, case_id, limit)

    def find_evidence(self, case_id: str) -> tuple[dict[str, Any], bool] | None:
        """What was kept as evidence, and whether it is complete."""
        with self._records.read() as connection:
            return store.get_evidence(connection, case_id)

    def incomplete_evidence(self, limit: int) -> Sequence[tuple[str, dict[str, Any]]]:
        """Evidence that still waits for completion: case id and what there is."""
        with self._records.read() as connection:
            return store.incomplete_evidence(connection, limit)


class CaseSession:
    """One transaction of :class:`Cases`: locks what it reads, writes in bulk at its end."""

    def __init__(self, connection: sa.Connection, now_ms: int, workflows: Mapping[str, Workflow]) -> None:
        self.connection = connection
        self.now_ms = now_ms
        self._workflows = workflows
        self._new: dict[str, Case] = {}
        self._changed: dict[str, Case] = {}
        self._entries: list[Entry] = []
        self._evidence: dict[str, tuple[str, dict[str, Any], bool]] = {}

    def get(self, case_id: str) -> Case:
        """The case, locked. Raises ``NotFound`` (``cases.unknown``)."""
        return _known(self.find([case_id]), case_id)

    def find(self, ids: Iterable[str]) -> dict[str, Case]:
        """Those of ``ids`` that exist, locked."""
        return store.select(self.connection, ids, lock=True)

    def find_open(self, kind: str, causes: Iterable[str]) -> dict[str, Case]:
        """The open case of each cause, locked."""
        return store.select_open(self.connection, kind, causes, lock=True)

    def latest_closed(self, kind: str, subject: str, limit: int) -> list[Case]:
        """The closed cases of a subject, the one that was opened last first."""
        states = tuple(self._workflows[kind].closed)
        return store.page(
            self.connection, Filter(kind=kind, states=states, subjects=(subject,)), cursor=None, limit=limit
        ).items

    def open(
        self,
        kind: str,
        *,
        id_prefix: str,
        subject: str,
        actor: Actor,
        priority: int,
        cause: str | None = None,
        opened_ms: int | None = None,
        deadline_ms: int | None = None,
        search: str = "",
        data: Mapping[str, Any] | None = None,
        comment: str = "",
        noted: Mapping[str, Any] | None = None,
        organisation_id: str = ROOT,
    ) -> Case:
        """A new case in its workflow's first state. The caller has seen that no case is open for ``cause``.

        ``noted`` is what its first line of history keeps of ``data``, which changes later.
        """
        state = self._workflows[kind].initial
        case = Case(
            id=new_id(id_prefix),
            kind=kind,
            subject=subject,
            state=state,
            priority=priority,
            opened_ms=self.now_ms if opened_ms is None else opened_ms,
            created_ms=self.now_ms,
            updated_ms=self.now_ms,
            search=search.lower(),
            cause=cause,
            deadline_ms=deadline_ms,
            data=dict(data or {}),
            organisation_id=organisation_id,
        )
        self._new[case.id] = case
        self._note(case, actor, "open", "", state, comment, noted or {})
        return case

    def fire(
        self, case: Case, transition: str, actor: Actor, *, comment: str = "", data: Mapping[str, Any] | None = None
    ) -> Case:
        """Move a case of this session, merging ``data`` into its data. Raises what :meth:`Workflow.step` raises."""
        workflow = self._workflows[case.kind]
        state = workflow.step(case, transition, actor, comment=comment, data=data or {})
        self._note(case, actor, transition, case.state, state, comment, data or {})
        cause = None if state in workflow.closed else case.cause
        return self._put(case, state=state, cause=cause, data={**case.data, **(data or {})})

    def amend(self, case: Case, data: Mapping[str, Any]) -> Case:
        """Merge ``data`` into a case's data without a line of history: for figures that only count."""
        return self._put(case, data={**case.data, **data})

    def hand_over(self, case: Case, organisation_id: str) -> Case:
        """Make a case of this session another organisation's; whoever calls writes the line of history."""
        return self._put(case, organisation_id=organisation_id)

    def comment(self, case: Case, actor: Actor, text: str) -> Entry:
        """Add a comment to a case of this session."""
        self._put(case)
        return self._note(case, actor, None, case.state, case.state, text, {})

    def keep_evidence(self, case_id: str, document: dict[str, Any], *, complete: bool) -> None:
        """Set the evidence of a case."""
        self._evidence[case_id] = (case_id, document, complete)

    def flush(self) -> None:
        """Write everything so far."""
        store.update(self.connection, list(self._changed.values()))  # first: what closes frees its cause
        store.insert(self.connection, list(self._new.values()))
        store.append(self.connection, self._entries)
        store.put_evidence(self.connection, list(self._evidence.values()))
        self._new, self._changed, self._entries, self._evidence = {}, {}, [], {}

    def _put(self, case: Case, **changes: Any) -> Case:
        if case.id in self._new:
            self._new[case.id] = case = msgspec.structs.replace(case, **changes)
            return case
        revision = case.revision if case.id in self._changed else case.revision + 1
        case = msgspec.structs.replace(case, revision=revision, updated_ms=self.now_ms, **changes)
        self._changed[case.id] = case
        return case

    def _note(
        self, case: Case, actor: Actor, name: str | None, before: str, after: str, comment: str, data: Mapping[str, Any]
    ) -> Entry:
        entry = Entry(
            case_id=case.id,
            at_ms=self.now_ms,
            actor_id=actor.id,
            actor_name=actor.name,
            transition=name,
            from_state=before,
            to_state=after,
            comment=comment,
            data=dict(data),
        )
        self._entries.append(entry)
        return entry


def _known(found: Mapping[str, Case], case_id: str) -> Case:
    case = found.get(case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id}.", code="cases.unknown", hint="It may have been deleted.")
    return case
