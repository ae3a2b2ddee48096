"""The ledger's tables: an index over the log that can be made anew from it, personal values, waiting intents.

The log itself is files (:mod:`millwright.ledger.log`). What is here and nowhere else are the personal values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records, metadata, organisation, owned
from millwright.kernel import ROOT
from millwright.ledger.model import Disclosure, Query, Sealed

entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("actor_id", sa.String(128), nullable=False),
    sa.Column("action", sa.String(128), nullable=False),
    sa.Column("object_kind", sa.String(64), nullable=False),
    sa.Column("object_id", sa.String(255), nullable=False),
    sa.Column("outcome", sa.String(8), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    organisation(),
    info=owned(kept=True),
)

disclosures = sa.Table(
    "ledger_disclosures",
    metadata,
    sa.Column("entry_id", sa.String(64), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("contents", sa.LargeBinary, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
)

intents = sa.Table(
    "ledger_intents",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

_ESCAPE = "\\"
_PARAMETERS = 400


class LedgerStore:
    """Queries; every method blocks."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- the writer's ------------------------------------------------------------------------------------------------

    def size(self) -> int:
        """How many entries the index holds; they are the first ones of the log."""
        with self._records.read() as connection:
            last = connection.execute(sa.select(sa.func.max(entries.c.position))).scalar_one()
        return 0 if last is None else int(last) + 1

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids whose entries are in the index."""
        found: set[str] = set()
        with self._records.read() as connection:
            for start in range(0, len(ids), _PARAMETERS):
                wanted = sa.select(entries.c.id).where(entries.c.id.in_(ids[start : start + _PARAMETERS]))
                found.update(connection.execute(wanted).scalars())
        return found

    def keep(self, sealed: Iterable[Sealed], begun: Sequence[tuple[str, int, bytes]], settled: Sequence[str]) -> None:
        """Keep the personal values of entries on their way into the log, keep intents, and forget settled ones."""
        rows = [_disclosure_row(each) for one in sealed for each in one.disclosures]
        ids = list(dict.fromkeys(row["entry_id"] for row in rows))
        with self._records.begin() as connection:
            for start in range(0, len(ids), _PARAMETERS):  # they may be there from before a crash
                again = disclosures.c.entry_id.in_(ids[start : start + _PARAMETERS])
                connection.execute(sa.delete(disclosures).where(again))
            if rows:
                connection.execute(sa.insert(disclosures), rows)
            for intent_id, at_ms, data in begun:
                connection.execute(sa.delete(intents).where(intents.c.id == intent_id))
                connection.execute(sa.insert(intents).values(id=intent_id, at_ms=at_ms, sealed=data))
            _forget(connection, settled)

    def index(self, first: int, written: Sequence[bytes]) -> None:
        """Add the entries that the log holds from position ``first`` on, and forget their intents."""
        rows = [_entry_row(first + offset, data) for offset, data in enumerate(written)]
        with self._records.begin() as connection:
            if rows:
                connection.execute(sa.insert(entries), rows)
            _forget(connection, [row["id"] for row in rows])

    def clear_index(self) -> None:
        """Forget the index; it is made anew from the log. Personal values and intents stay."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(entries))

    def overdue(self, before_ms: int) -> list[Sealed]:
        """Intents from before ``before_ms`` that never came to an end, oldest first, at most a thousand."""
        wanted = sa.select(intents.c.sealed).where(intents.c.at_ms < before_ms).order_by(intents.c.at_ms).limit(1000)
        with self._records.read() as connection:
            return [msgspec.json.decode(data, type=Sealed) for data in connection.execute(wanted).scalars()]

    # --- reading -----------------------------------------------------------------------------------------------------

    def page(self, query: Query, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Sealed entries that match, newest first, below position ``before``."""
        wanted = sa.select(entries.c.entry).where(*_conditions(query))
        if before is not None:
            wanted = wanted.where(entries.c.position < before)
        with self._records.read() as connection:
            found = connection.execute(wanted.order_by(entries.c.position.desc()).limit(limit)).scalars().all()
        return [msgspec.json.decode(data) for data in found]

    def find(self, entry_id: str) -> dict[str, Any] | None:
        """The sealed entry with this id."""
        with self._records.read() as connection:
            data = connection.execute(sa.select(entries.c.entry).where(entries.c.id == entry_id)).scalar()
        return None if data is None else msgspec.json.decode(data)

    def disclosed(self, ids: Sequence[str]) -> Mapping[str, list[Disclosure]]:
        """The personal values kept for these entries, by entry."""
        found: dict[str, list[Disclosure]] = defaultdict(list)
        with self._records.read() as connection:
            for start in range(0, len(ids), _PARAMETERS):
                wanted = sa.select(disclosures).where(disclosures.c.entry_id.in_(ids[start : start + _PARAMETERS]))
                for row in connection.execute(wanted):
                    values = msgspec.json.decode(row.contents)
                    found[row.entry_id].append(Disclosure(row.entry_id, row.subject, row.salt, values))
        return found

    def disclosures_after(self, entry_id: str, limit: int) -> list[Disclosure]:
        """Some ``limit`` personal values of the entries whose ids come after ``entry_id``, and all of the last one."""
        after = sa.select(disclosures).where(disclosures.c.entry_id > entry_id).order_by(disclosures.c.entry_id)
        with self._records.read() as connection:
            rows = list(connection.execute(after.order_by(disclosures.c.subject).limit(limit)))
            if len(rows) == limit:
                last = rows[-1].entry_id
                rest = sa.select(disclosures).where(disclosures.c.entry_id == last)
                rows = [row for row in rows if row.entry_id != last] + list(connection.execute(rest))
        return [Disclosure(row.entry_id, row.subject, row.salt, msgspec.json.decode(row.contents)) for row in rows]

    def erase(self, subject: str) -> int:
        """Delete the personal values of a subject with their salts; returns in how many entries they stood."""
        with self._records.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            return connection.execute(sa.delete(disclosures).where(disclosures.c.subject == subject)).rowcount


def _forget(connection: sa.Connection, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _PARAMETERS):
        connection.execute(sa.delete(intents).where(intents.c.id.in_(ids[start : start + _PARAMETERS])))


def _conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, value, starred in (
        (entries.c.object_kind, query.object_kind, True),
        (entries.c.object_id, query.object_id, False),
        (entries.c.actor_id, query.actor_id, False),
        (entries.c.action, query.action, True),
        (entries.c.outcome, query.outcome, False),
    ):
        if value is not None and starred and value.endswith("*"):
            found.append(column.like(_literal(value[:-1]) + "%", escape=_ESCAPE))
        elif value is not None:
            found.append(column == value)
    if query.from_ms is not None:
        found.append(entries.c.at_ms >= query.from_ms)
    if query.to_ms is not None:
        found.append(entries.c.at_ms < query.to_ms)
    for word in (query.text or "").lower().split()[:8]:
        pattern = f"%{_literal(word)}%"
        personal = sa.select(disclosures.c.entry_id).where(disclosures.c.words.like(pattern, escape=_ESCAPE))
        found.append(sa.or_(entries.c.words.like(pattern, escape=_ESCAPE), entries.c.id.in_(personal)))
    return found


def _literal(text: str) -> str:
    """``text`` for a LIKE pattern, meaning itself."""
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", f"{_ESCAPE}%").replace("_", f"{_ESCAPE}_")


def _entry_row(position: int, data: bytes) -> dict[str, Any]:
    entry = msgspec.json.decode(data)
    target, actor = entry["target"], entry["actor"]
    changes = [text for each in entry.get("changes", ()) for text in map(str, each.values())]
    words = [entry["id"], entry["action"], *target.values(), actor.get("id", ""), entry.get("error", ""), *changes]
    return {
        "position": position,
        "id": entry["id"],
        "at_ms": entry["at_ms"],
        "actor_id": actor.get("id", "")[:128],
        "action": entry["action"][:128],
        "object_kind": target["kind"][:64],
        "object_id": _storable(target.get("id", ""))[:255],
        "outcome": entry["outcome"],
        "words": _words([*words, entry.get("request_id", "")]),
        "entry": data,
        "organisation_id": entry.get("organisation", ROOT)[:40],
    }


def _disclosure_row(each: Disclosure) -> dict[str, Any]:
    return {
        "entry_id": each.entry_id,
        "subject": _storable(each.subject)[:255],
        "salt": each.salt,
        "contents": msgspec.json.encode(each.values),
        "words": _words(each.values.values()),
    }


def _words(values: Iterable[Any]) -> str:
    return _storable(" ".join(map(str, values)).lower())


def _storable(text: str) -> str:
    """Without the one character that PostgreSQL cannot store."""
    return text.replace("\0", "\ufffd")
