"""Queries of prefixes. The records see everything, so each query names whose rows it wants."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.identity.prefixes.model import HELD
from millwright.identity.prefixes.systems import beginning_of, parents_of
from millwright.identity.prefixes.tables import documents, filings, prefixes, registrars, states

Side: TypeAlias = Literal["holder", "registrar"]
Row: TypeAlias = sa.Row[Any]

_LOCK = 7_276_411_901
"""PostgreSQL's advisory lock of whoever decides who holds what; SQLite's write lock does that by itself."""

_joined = sa.select(prefixes, registrars.c.organisation_id.label("registrar_id")).outerjoin(
    registrars, registrars.c.id == prefixes.c.id
)
_summary = [column for column in documents.c if column.name != "content"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose prefixes somebody may see: those of ``held_by``, and those that ``reviewed_by`` decide on."""

    held_by: Collection[str]
    reviewed_by: Collection[str]

    def condition(self) -> sa.ColumnElement[bool]:
        """That a row of the join is one of them."""
        return sa.or_(
            prefixes.c.organisation_id.in_(sorted(self.held_by)),
            registrars.c.organisation_id.in_(sorted(self.reviewed_by)),
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """Held prefixes around one: the nearest above it, itself, and those below it."""

    parent: Row | None
    same: Row | None
    below: list[Row]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which prefixes to list."""

    states: Sequence[str] = ()
    systems: Sequence[str] = ()
    side: Side | None = None
    text: str = ""
    filed: bool | None = None


class PrefixStore:
    """Reads and writes; a method with ``connection`` works in the transaction of the case that changes along."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- looking -------------------------------------------------------------------------------------------------

    def page(self, reader: Reader, wanted: Wanted, *, before: str | None, limit: int) -> builtins.list[Row]:
        """Rows with ``registrar_id``, newest first."""
        query = _joined.where(reader.condition())
        if wanted.side == "holder":
            query = query.where(prefixes.c.organisation_id.in_(sorted(reader.held_by)))
        if wanted.side == "registrar":
            query = query.where(registrars.c.organisation_id.in_(sorted(reader.reviewed_by)))
        if wanted.states:
            query = query.where(prefixes.c.state.in_(wanted.states))
        if wanted.systems:
            query = query.where(prefixes.c.system.in_(wanted.systems))
        if wanted.text:
            query = query.where(prefixes.c.search.contains(wanted.text.lower(), autoescape=True))
        if wanted.filed is not None:
            query = query.where(prefixes.c.filed == wanted.filed)
        if before is not None:
            query = query.where(prefixes.c.id < before)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query.order_by(prefixes.c.id.desc()).limit(limit)))

    def find(self, prefix_id: str, reader: Reader) -> Row | None:
        """A row with ``registrar_id``, if the reader may see it."""
        with self._records.read() as connection:
            return connection.execute(_joined.where(prefixes.c.id == prefix_id, reader.condition())).one_or_none()

    def count_waiting(self, reader: Reader) -> int:
        """How many applications wait for a decision of the reader's."""
        query = (
            sa.select(sa.func.count())
            .select_from(prefixes.join(registrars, registrars.c.id == prefixes.c.id))
            .where(
                prefixes.c.state.in_(("submitted", "in_review")),
                registrars.c.organisation_id.in_(sorted(reader.reviewed_by)),
            )
        )
        with self._records.read() as connection:
            return int(connection.scalar(query) or 0)

    def documents(self, prefix_id: str) -> builtins.list[Row]:
        """The documents of a prefix without their content, oldest first."""
        query = sa.select(*_summary).where(documents.c.prefix_id == prefix_id).order_by(documents.c.id)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query))

    def find_document(self, prefix_id: str, document_id: str) -> Row | None:
        """A document with its content."""
        query = sa.select(documents).where(documents.c.prefix_id == prefix_id, documents.c.id == document_id)
        with self._records.read() as connection:
            return connection.execute(query).one_or_none()

    def filings(self, prefix_id: str) -> builtins.list[Row]:
        """The filings of a prefix, oldest first."""
        query = sa.select(filings).where(filings.c.prefix_id == prefix_id).order_by(filings.c.id)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query))

    def around(self, key: str) -> Overlap:
        """What is held around a key, as it is now."""
        with self._records.read() as connection:
            return self.overlap(connection, key)

    def others(self, key: str, prefix_id: str, organisation_id: str) -> builtins.list[Row]:
        """Rows of other organisations for the same key: what was held once, and what is asked for."""
        told = sa.or_(prefixes.c.granted_ms.is_not(None), prefixes.c.state.in_(("submitted", "in_review")))
        query = sa.select(prefixes.c.organisation_id, prefixes.c.state, prefixes.c.granted_ms).where(
            prefixes.c.key == key, prefixes.c.id != prefix_id, prefixes.c.organisation_id != organisation_id, told
        )
        with self._records.read() as connection:
            return builtins.list(connection.execute(query.order_by(prefixes.c.id).limit(20)))

    # --- in a transaction ----------------------------------------------------------------------------------------

    def lock(self, connection: sa.Connection) -> None:
        """Let one transaction at a time decide who holds what."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def take(self, connection: sa.Connection, prefix_id: str, side: Side, organisations: Collection[str]) -> Row | None:
        """A row that one side may change."""
        whose = prefixes if side == "holder" else registrars
        mine = whose.c.organisation_id.in_(sorted(organisations))
        return connection.execute(_joined.where(prefixes.c.id == prefix_id, mine)).one_or_none()

    def get(self, connection: sa.Connection, prefix_id: str) -> Row:
        """A row, whoever's it is: for the node's own work."""
        return connection.execute(_joined.where(prefixes.c.id == prefix_id)).one()

    def insert(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Add a row."""
        connection.execute(sa.insert(prefixes).values(**row))

    def update(self, connection: sa.Connection, prefix_id: str, **values: Any) -> None:
        """Change a row."""
        connection.execute(sa.update(prefixes).where(prefixes.c.id == prefix_id).values(**values))

    def set_registrar(self, connection: sa.Connection, prefix_id: str, organisation_id: str) -> None:
        """Say who reviews and administers a prefix."""
        connection.execute(sa.delete(registrars).where(registrars.c.id == prefix_id))
        connection.execute(sa.insert(registrars).values(id=prefix_id, organisation_id=organisation_id))

    def overlap(self, connection: sa.Connection, key: str) -> Overlap:
        """What is held around a key."""
        columns = [prefixes.c[name] for name in ("id", "organisation_id", "prefix", "held_key", "state")]
        parents = parents_of(key)
        query = sa.select(*columns).where(prefixes.c.held_key.in_([key, *parents]))
        found = {row.held_key: row for row in connection.execute(query)}
        parent = next((found[each] for each in parents if each in found), None)
        start = beginning_of(key)
        below = sa.select(*columns).where(prefixes.c.held_key.startswith(start, autoescape=True))
        # SQLite compares so without regard to case, and PostgreSQL with it.
        rows = [row for row in connection.execute(below) if row.held_key.startswith(start) and row.held_key != key]
        return Overlap(parent, found.get(key), rows)

    def own(self, connection: sa.Connection, key: str, organisation_id: str, prefix_id: str) -> str | None:
        """The id of another application of the organisation for this key that is under way or granted."""
        under_way = prefixes.c.state.in_(("submitted", "in_review", *HELD))
        query = sa.select(prefixes.c.id).where(
            prefixes.c.key == key, prefixes.c.organisation_id == organisation_id, prefixes.c.id != prefix_id, under_way
        )
        found: str | None = connection.execute(query.limit(1)).scalar_one_or_none()
        return found

    def derived_rows(self, connection: sa.Connection, key: str, registrar_id: str) -> builtins.list[Row]:
        """Rows below a key that one registrar decides on."""
        start = beginning_of(key)
        query = _joined.where(
            prefixes.c.key.startswith(start, autoescape=True), registrars.c.organisation_id == registrar_id
        )
        return [row for row in connection.execute(query) if row.key.startswith(start)]

    def put_state(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """What the index shall know of ``row["key"]`` from now on."""
        changed = connection.scalar(sa.select(states.c.changed).where(states.c.key == row["key"]).with_for_update())
        if changed is None:
            connection.execute(sa.insert(states).values(**row, changed=1, told=0))
        else:
            connection.execute(sa.update(states).where(states.c.key == row["key"]).values(**row, changed=changed + 1))

    def add_document(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Keep a document."""
        connection.execute(sa.insert(documents).values(**row))

    def count_documents(self, connection: sa.Connection, prefix_id: str) -> int:
        """How many documents a prefix has."""
        query = sa.select(sa.func.count()).where(documents.c.prefix_id == prefix_id)
        return int(connection.scalar(query) or 0)

    def remove_document(self, connection: sa.Connection, prefix_id: str, document_id: str) -> Row | None:
        """Remove a document; returns what it was."""
        mine = (documents.c.prefix_id == prefix_id, documents.c.id == document_id)
        row = connection.execute(sa.select(*_summary).where(*mine)).one_or_none()
        connection.execute(sa.delete(documents).where(*mine))
        return row

    def has_document(self, connection: sa.Connection, prefix_id: str, document_id: str) -> bool:
        """Whether a document belongs to a prefix."""
        mine = (documents.c.prefix_id == prefix_id, documents.c.id == document_id)
        return connection.scalar(sa.select(sa.func.count()).where(*mine)) == 1

    def put_filing(self, connection: sa.Connection, row: dict[str, Any], *, fresh: bool) -> bool:
        """Add a filing, or change the one of that id; ``False``: there is none."""
        if fresh:
            connection.execute(sa.insert(filings).values(**row))
        else:
            mine = (filings.c.id == row["id"], filings.c.prefix_id == row["prefix_id"])
            if not connection.execute(sa.update(filings).where(*mine).values(**row)).rowcount:
                return False
        accepted = sa.select(sa.func.count()).where(
            filings.c.prefix_id == row["prefix_id"], filings.c.state == "accepted"
        )
        self.update(connection, row["prefix_id"], filed=bool(connection.scalar(accepted)))
        return True

    # --- the node's own work -------------------------------------------------------------------------------------

    def due(self, now_ms: int, limit: int = 500) -> Sequence[str]:
        """Ids of prefixes in force whose time is over."""
        over = (prefixes.c.state.in_(("active", "suspended")), prefixes.c.until_ms <= now_ms)
        query = sa.select(prefixes.c.id).where(*over).order_by(prefixes.c.until_ms).limit(limit)
        with self._records.read() as connection:
            return connection.execute(query).scalars().all()

    def registrar_of(self, key: str) -> str | None:
        """The organisation that decides on a held prefix, by its key."""
        query = _joined.with_only_columns(registrars.c.organisation_id).where(prefixes.c.held_key == key)
        with self._records.read() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def registrars_of(self, organisations: Collection[str]) -> dict[str, str]:
        """The keys of held prefixes that some organisations decide on, and which of them does."""
        mine = registrars.c.organisation_id.in_(sorted(organisations))
        query = _joined.with_only_columns(prefixes.c.held_key, registrars.c.organisation_id).where(
            prefixes.c.held_key.is_not(None), mine
        )
        with self._records.read() as connection:
            return {row.held_key: row.organisation_id for row in connection.execute(query)}

    def without_registrar(self, limit: int = 500) -> Sequence[Row]:
        """Rows whose registrar is gone with its organisation."""
        query = _joined.where(
            registrars.c.id.is_(None), prefixes.c.state.not_in(("draft", "returned", "rejected", "withdrawn"))
        )
        with self._records.read() as connection:
            return connection.execute(query.order_by(prefixes.c.id).limit(limit)).all()

    def appoint(self, prefix_id: str, organisation_id: str) -> None:
        """Give a prefix whose registrar is gone another one."""
        with self._records.begin() as connection:
            self.set_registrar(connection, prefix_id, organisation_id)

    def end_orphans(self) -> int:
        """End in the index what nobody holds any more, for its organisation was removed."""
        held = sa.select(prefixes.c.held_key).where(prefixes.c.held_key.is_not(None))
        query = (
            sa.update(states)
            .where(states.c.state != "expired", states.c.key.not_in(held))
            .values(state="expired", changed=states.c.changed + 1)
        )
        with self._records.begin() as connection:
            return connection.execute(query).rowcount

    def find_state(self, key: str) -> Row | None:
        """What the index shall know of a key."""
        with self._records.read() as connection:
            return connection.execute(sa.select(states).where(states.c.key == key)).one_or_none()

    def untold(self, limit: int) -> Sequence[str]:
        """Keys of which the index does not know the newest."""
        query = sa.select(states.c.key).where(states.c.told < states.c.changed).order_by(states.c.key).limit(limit)
        with self._records.read() as connection:
            return connection.execute(query).scalars().all()

    def mark_told(self, key: str, changed: int) -> bool:
        """Mark as told what was told; ``False``: it changed meanwhile."""
        query = sa.update(states).where(states.c.key == key, states.c.changed == changed).values(told=changed)
        with self._records.begin() as connection:
            return bool(connection.execute(query).rowcount)

    def forget_told(self) -> None:
        """As if the index knew nothing."""
        with self._records.begin() as connection:
            connection.execute(sa.update(states).values(told=0))
