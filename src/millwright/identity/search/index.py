"""The search index: an SQLite file with a full-text table (FTS5).

Every change of a record is a new row of the full-text table and takes the place of the former row in ``docs``; what is
left of the former one in the full-text table is found and dropped by the join, and gone when the index is made anew. So
nothing is ever looked up to be deleted, and rows lie in the order of time. Whose a record is, is said by its prefix.
"""

# ruff: noqa: S608 - what is put together are names of columns and conditions; every value is bound
from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from millwright.identity.records import Prefix
from millwright.kernel import Corrupt, Unavailable

FORM: Final = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prefixes (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, prefix TEXT NOT NULL, organisation TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_prefixes_organisation ON prefixes (organisation);
CREATE TABLE IF NOT EXISTS templates (id INTEGER PRIMARY KEY, template TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS docs (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, prefix INTEGER NOT NULL, template INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL, shown INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_docs_prefix ON docs (prefix, id);
CREATE INDEX IF NOT EXISTS ix_docs_template ON docs (template, id);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    public, own, content='', detail='column', columnsize=0, tokenize='ascii'
);
"""
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -32000",
    "temp_store = MEMORY",
    "busy_timeout = 5000",
)


class Doc:
    """A record as the index sees it; ``prefix`` is the key of the entry that it stands under."""

    __slots__ = ("changed_ms", "key", "own", "prefix", "public", "shown", "template")

    def __init__(
        self, key: bytes, prefix: bytes, template: str, changed_ms: int, public: str, own: str, *, shown: bool
    ) -> None:
        self.key, self.prefix, self.template, self.changed_ms = key, prefix, template, changed_ms
        self.public, self.own, self.shown = public, own, shown


class SearchIndex:
    """One file. Methods block; each thread has a connection. Raises ``Corrupt`` (``search.broken``) when the file is
    broken, and ``Unavailable`` (``search.not_there``) for a reader when there is none yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._made: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def create(self) -> None:
        """Make the tables, if they are not there. A file of another form is made anew."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            connection = self._connection(make=True)
            connection.executescript(_SCHEMA)
            form = self._get(connection, "form")
            if form is None:
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('form', ?)", (FORM,))
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('secret', ?)", (secrets.token_bytes(32),))
            elif form != FORM:
                raise Corrupt("The search index has another form.", code="search.broken", hint="It is made anew.")

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            made, self._made = self._made, []
        for each in made:
            each.close()
        self._local = threading.local()

    def remove(self) -> None:
        """Forget everything; it is read from the register again."""
        self.close()
        for each in self.path.parent.glob(f"{self.path.name}*"):
            each.unlink(missing_ok=True)

    def _connection(self, *, make: bool = False) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        number = self._number()
        if found is not None and number != self._local.number:  # another process has made it anew
            found.close()
            found = None
        if found is None:
            if not make and not number:
                raise Unavailable(
                    "The search index is not there yet.", code="search.not_there", hint="It is made; try again."
                )
            # Closed by whoever closes the index, which may be another thread.
            found = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in _PRAGMAS:
                found.execute(f"PRAGMA {pragma}")
            self._local.connection, self._local.number = found, self._number()
            with self._lock:
                self._made.append(found)
        return found

    def _number(self) -> int:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Unavailable("The search index is busy.", code="search.busy", hint="Try again.") from error
            raise _broken(error) from error
        except sqlite3.DatabaseError as error:
            raise _broken(error) from error

    @staticmethod
    def _get(connection: sqlite3.Connection, name: str) -> Any:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    # --- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[IndexWriter]:
        """One transaction."""
        with self._errors():
            connection = self._connection(make=True)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield IndexWriter(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    # --- reading -----------------------------------------------------------------------------------------------------

    def state(self) -> tuple[int, bool]:
        """The position in the log, and whether the index knows everything up to it."""
        with self._errors():
            connection = self._connection()
            return int(self._get(connection, "position") or 0), bool(self._get(connection, "whole"))

    def secret(self) -> bytes:
        """By which cursors are written, so that they tell nothing of how many rows there are."""
        with self._errors():
            return bytes(self._get(self._connection(), "secret") or b"")

    def resume_key(self) -> bytes:
        """Where building goes on."""
        with self._errors():
            return self._get(self._connection(), "resume") or b""

    def figures(self) -> dict[str, int]:
        """Records and bytes."""
        with self._errors():
            connection = self._connection()
            last = connection.execute("SELECT max(id) FROM docs").fetchone()[0] or 0
            return {"search_rows": int(last), "search_bytes": self.path.stat().st_size}

    def find(
        self,
        match: tuple[str, str] | None,
        own: Collection[str],
        *,
        among: str,
        prefix: bytes | None = None,
        template: str | None = None,
        since_ms: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[tuple[int, bytes, int]]:
        """Row, key and time of records, the newest first, older than row ``before``.

        ``match``: the question to the words of one's own records, and that to the public words of others'.
        """
        with self._errors():
            found: list[tuple[int, bytes, int]] = []
            for where, values, source in self._questions(match, own, among, prefix, template, since_ms, before):
                query = f"SELECT d.id, d.key, d.changed_ms FROM {source} WHERE {where} ORDER BY d.id DESC LIMIT ?"
                found += self._connection().execute(query, (*values, limit)).fetchall()
        found.sort(reverse=True)
        return found[:limit]

    def count(self, match: tuple[str, str] | None, own: Collection[str], *, most: int, **more: Any) -> int:
        """How many there are, ``most`` at most."""
        total = 0
        with self._errors():
            for where, values, source in self._questions(match, own, **{"before": None, **more}):
                query = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT ?)"
                total += self._connection().execute(query, (*values, most - total)).fetchone()[0]
                if total >= most:
                    break
        return total

    def _questions(
        self,
        match: tuple[str, str] | None,
        own: Collection[str],
        among: str,
        prefix: bytes | None,
        template: str | None,
        since_ms: int | None,
        before: int | None,
    ) -> Iterator[tuple[str, list[Any], str]]:
        """Conditions, their values and what is selected from: of one's own, and of others'; never both of one row."""
        connection = self._connection()
        conditions: list[str] = []
        values: list[Any] = []
        if prefix is not None:
            conditions.append("p.key = ?")
            values.append(prefix)
        if template is not None:
            conditions.append("d.template = (SELECT id FROM templates WHERE template = ?)")
            values.append(template)
        if since_ms is not None:
            conditions.append("d.changed_ms >= ?")
            values.append(since_ms)
        if before is not None:
            conditions.append("d.id < ?")
            values.append(before)
        names = sorted(own)
        mine = f"p.organisation IN ({','.join('?' * len(names))})"
        plain = "docs d JOIN prefixes p ON p.id = d.prefix"
        if among != "public" and names:
            if match is None:
                # By prefix, so that each question walks down one index.
                rows = connection.execute(f"SELECT p.id FROM prefixes p WHERE {mine}", names).fetchall()
                if len(rows) <= 50:
                    for (prefix_id,) in rows:
                        yield " AND ".join(["d.prefix = ?", *conditions]), [prefix_id, *values], plain
                else:
                    yield " AND ".join([mine, *conditions]), [*names, *values], plain
            else:
                matched = "words w CROSS JOIN docs d ON d.id = w.rowid JOIN prefixes p ON p.id = d.prefix"
                newer = [] if before is None else ["w.rowid < ?"]
                where = " AND ".join(["w.words MATCH ?", *newer, mine, *conditions])
                yield where, [match[0], *([before] if newer else []), *names, *values], matched
        if among != "own":
            others = [f"NOT {mine}", "p.state = 'active'", "d.shown = 1", *conditions]
            if match is None:
                yield " AND ".join(others), [*names, *values], plain
            else:
                matched = "words w CROSS JOIN docs d ON d.id = w.rowid JOIN prefixes p ON p.id = d.prefix"
                newer = [] if before is None else ["w.rowid < ?"]
                where = " AND ".join(["w.words MATCH ?", *newer, *others])
                yield where, [match[1], *([before] if newer else []), *names, *values], matched


class IndexWriter:
    """One transaction over the index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._prefixes: dict[bytes, int] = {}
        self._templates: dict[str, int] = {}

    @property
    def position(self) -> int:
        """How far it is."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
        return 0 if row is None else int(row[0])

    def put(self, docs: Sequence[Doc]) -> None:
        """Put records in the place of what was known of them."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = 'next'").fetchone()
        first = 1 if row is None else int(row[0])
        numbered = list(enumerate(docs, first))
        self._connection.executemany(
            "INSERT OR REPLACE INTO docs VALUES (?, ?, ?, ?, ?, ?)",
            [
                (number, each.key, self._prefix_id(each.prefix), self._template_id(each.template), each.changed_ms,
                 int(each.shown))
                for number, each in numbered
            ],
        )  # fmt: skip
        self._connection.executemany(
            "INSERT INTO words (rowid, public, own) VALUES (?, ?, ?)",
            [(number, each.public, each.own) for number, each in numbered],
        )
        self._set(next=first + len(docs))

    def delete(self, keys: Iterable[bytes]) -> None:
        """Forget records."""
        self._connection.executemany("DELETE FROM docs WHERE key = ?", [(each,) for each in keys])

    def put_prefix(self, key: bytes, prefix: Prefix) -> bool:
        """Set an entry; returns whether it is new, so that records may stand under it that stood under another."""
        values = (prefix.prefix, prefix.organisation_id, prefix.state, key)
        row = self._connection.execute("SELECT organisation FROM prefixes WHERE key = ?", (key,)).fetchone()
        if row is None:
            change = "INSERT INTO prefixes (prefix, organisation, state, key) VALUES (?, ?, ?, ?)"
        else:
            change = "UPDATE prefixes SET prefix = ?, organisation = ?, state = ? WHERE key = ?"
        self._connection.execute(change, values)
        return row is None or not row[0]

    def keys_under(self, prefix: bytes, after: bytes, limit: int) -> list[bytes]:
        """Keys of records that stand under an entry."""
        query = "SELECT key FROM docs WHERE prefix = ? AND key > ? ORDER BY key LIMIT ?"
        return [row[0] for row in self._connection.execute(query, (self._prefix_id(prefix), after, limit))]

    def move(self, key: bytes, prefix: bytes) -> None:
        """Let a record stand under another entry."""
        self._connection.execute("UPDATE docs SET prefix = ? WHERE key = ?", (self._prefix_id(prefix), key))

    def reached(self, position: int, *, whole: bool, resume: bytes = b"") -> None:
        """Note how far the index is."""
        self._set(position=position, whole=int(whole), resume=resume)

    def _set(self, **values: Any) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def _prefix_id(self, key: bytes) -> int:
        found = self._prefixes.get(key)
        if found is None:
            row = self._connection.execute("SELECT id FROM prefixes WHERE key = ?", (key,)).fetchone()
            if row is None:
                nobody = Prefix(prefix=key.decode(errors="replace"), organisation_id="", state="expired")
                self.put_prefix(key, nobody)
                return self._prefix_id(key)
            found = self._prefixes[key] = int(row[0])
        return found

    def _template_id(self, template: str) -> int:
        found = self._templates.get(template)
        if found is None:
            self._connection.execute("INSERT OR IGNORE INTO templates (template) VALUES (?)", (template,))
            row = self._connection.execute("SELECT id FROM templates WHERE template = ?", (template,)).fetchone()
            found = self._templates[template] = int(row[0])
        return found


def _broken(error: Exception) -> Corrupt:
    return Corrupt(
        f"The search index cannot be read: {error}", code="search.broken", hint="It is made anew from the register."
    )
