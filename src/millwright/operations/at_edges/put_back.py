"""At the edge: what a version that was tried and went told of alarms, when the records are those from before it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.operations.at_edges.telling import COUNTER
from millwright.operations.at_edges.wire import AlarmChange
from millwright.operations.store import revisions, rules, untold, watches


def take_in(records: Records, trial: Path) -> int:
    """Take what was not told out of the records of a trial, and let each watch say anew how it is: the parent may have
    heard of beginnings and ends that these records do not know. Once: the file is removed. Returns how many changes
    were taken. Blocks, and comes before anything is judged.
    """
    if not trial.exists():
        return 0
    rows = _read(trial)
    with records.begin() as connection:
        known = set(connection.execute(sa.select(untold.c.number)).scalars())
        new = [row for row in rows if row["number"] not in known]
        if new:
            connection.execute(sa.insert(untold), new)
            counter, last = revisions.c.name == COUNTER, max(row["number"] for row in new)
            before = connection.scalar(sa.select(revisions.c.value).where(counter))
            if before is None:
                connection.execute(sa.insert(revisions).values(name=COUNTER, value=last))
            elif before < last:
                connection.execute(sa.update(revisions).where(counter).values(value=last))
        above = sa.select(rules.c.id).where(rules.c.from_above)
        connection.execute(sa.delete(watches).where(watches.c.rule_id.in_(above)))
    trial.unlink()
    return len(new)


def _read(trial: Path) -> list[dict[str, Any]]:
    """Nothing where the schema of the trial is another one, and without what this version cannot tell."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(trial)) as database:
        for number, change in database.execute(f"SELECT number, change FROM {untold.name} ORDER BY number"):  # noqa: S608 - our table
            with contextlib.suppress(ValueError, TypeError):
                document = json.loads(change)
                msgspec.convert(document, AlarmChange)
                found.append({"number": int(number), "change": document})
    return found
