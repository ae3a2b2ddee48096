"""The schema of the records, and what a node prepares in them before its roles start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from millwright.app.node import open_records
from millwright.app.sections import folder_of
from millwright.app.settings import NodeSettings
from millwright.engines.sql import Migrations, Records
from millwright.kernel import SystemClock, Unavailable
from millwright.parties import Parties, ensure_local_token

DOMAINS = ("parties", "cases", "historian", "devices", "operations", "web")
"""Domains that may keep records; each has its migrations in ``<domain>/migrations``."""


def migrations(records: Records) -> Migrations:
    """The schema of every domain that keeps records."""
    root = Path(__file__).parent.parent
    return Migrations(records, [path for domain in DOMAINS if (path := root / domain / "migrations").is_dir()])


@dataclass(frozen=True, slots=True)
class Prepared:
    """What :func:`prepare` did: the backup it made, and the set-up code while the first administrator is missing."""

    backup: Path | None
    setup_code: str | None


def prepare(settings: NodeSettings) -> Prepared:
    """Bring the records to this version's schema; leave the command line's token and a fresh set-up code.

    Raises ``Conflict`` (``engines.schema_newer``) when the data is of a newer version.
    """
    records = open_records(settings)
    try:
        backup = migrations(records).upgrade(folder_of(settings).backups)
        ensure_local_token(records, folder_of(settings).token)
        code = asyncio.run(Parties(records, SystemClock()).new_setup_code())
        return Prepared(backup, code)
    finally:
        records.close()


def require_schema(records: Records) -> None:
    """Raises ``Unavailable`` (``app.schema_behind``) when the records are not migrated yet."""
    if migrations(records).pending():
        raise Unavailable(
            "The records database has not been migrated to this version.",
            code="app.schema_behind",
            hint="Run `millwright migrate` once; `millwright up` does so by itself.",
        )
