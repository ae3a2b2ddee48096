"""Schema migrations: each domain keeps its own line of Alembic revisions in ``<domain>/migrations``.

They run at start, all or nothing per revision; a SQLite database is copied first.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from millwright.engines.sql.records import Records, metadata
from millwright.kernel import Conflict, Corrupt

_SCRIPTS = Path(__file__).parent


class Migrations:
    """Brings a database to the newest schema of every given domain."""

    def __init__(self, records: Records, locations: Sequence[Path]) -> None:
        self._records = records
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(path) for path in locations))
        self._config = config
        self._scripts = ScriptDirectory.from_config(config)

    def current(self) -> set[str]:
        """Revisions the database has."""
        with self._records.engine.connect() as connection:
            return set(MigrationContext.configure(connection).get_current_heads())

    def pending(self) -> bool:
        """Whether :meth:`upgrade` has something to do.

        Raises ``Conflict`` (``engines.schema_newer``) when the database was written by a newer Millwright.
        """
        current = self.current()
        known = {script.revision for script in self._scripts.walk_revisions()}
        unknown = current - known
        if unknown:
            raise Conflict(
                "The records database was written by a newer version of Millwright.",
                code="engines.schema_newer",
                hint="Install that version again, or restore the backup made before its first start.",
                detail={"unknown_revisions": sorted(unknown)},
            )
        return current != set(self._scripts.get_heads())

    def upgrade(self, backup_folder: Path | None = None) -> Path | None:
        """Apply what is pending; returns the backup made first, if any."""
        if not self.pending():
            return None
        backup = self._back_up(backup_folder) if backup_folder and self.current() else None

        def steps(revision: object, _context: object) -> object:
            return self._scripts._upgrade_revs("heads", revision)  # type: ignore[arg-type]  # Alembic's own hook signature

        with (
            EnvironmentContext(self._config, self._scripts, fn=steps) as context,
            self._records.engine.connect() as connection,
            _rebuilding(connection),
            connection.begin(),
        ):
            context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
            context.run_migrations()
        return backup

    def _back_up(self, folder: Path) -> Path | None:
        database = self._records.engine.url.database
        if self._records.engine.dialect.name != "sqlite" or not database:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"records-{'-'.join(sorted(self.current()))[:60]}.db"
        partial = target.with_suffix(".partial")
        with sqlite3.connect(database) as source, sqlite3.connect(partial) as copy:
            source.backup(copy)
        shutil.move(partial, target)
        return target


@contextmanager
def _rebuilding(connection: sa.Connection) -> Iterator[None]:
    """SQLite changes a constraint by rebuilding its table; dropping the old one must not delete what refers to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        broken = raw.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise Corrupt(
                "Rows refer to others that do not exist.",
                code="engines.references_broken",
                hint="Restore the backup made before this start, and report it.",
                detail={"rows": [list(row) for row in broken[:10]]},
            )
    finally:
        raw.execute("PRAGMA foreign_keys=ON")
