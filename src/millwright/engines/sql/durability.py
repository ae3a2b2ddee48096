"""Commits that survive a loss of power, for the few that must.

With ``synchronous=NORMAL`` a commit to SQLite's write-ahead log survives the death of the process and not that of the
machine (https://sqlite.org/pragma.html#pragma_synchronous). What that could take back is harmless nearly everywhere.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from millwright.engines.sql.records import Records


def sync(records: Records) -> None:
    """Return when everything that was committed so far is on the disk; PostgreSQL's commits are. Raises ``OSError``.

    Takes no lock of the database, so that it waits for nobody's transaction.
    """
    database = records.engine.url.database
    if records.engine.dialect.name != "sqlite" or not database:
        return
    for path in (Path(f"{database}-wal"), Path(database).parent):
        with contextlib.suppress(FileNotFoundError):  # no log: all of it is in the database, which SQLite synced
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
