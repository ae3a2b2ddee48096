"""The schema of the records, and what a node prepares in them before its roles start."""

from __future__ import annotations

import ast
import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from millwright.app.node import open_records
from millwright.app.sections import folder_of
from millwright.app.settings import NodeSettings
from millwright.devices.edge.upgrade.keeper import FOLDER as UPGRADE_FOLDER
from millwright.devices.edge.upgrade.keeper import TRIAL
from millwright.engines.secrets import open_secrets
from millwright.engines.sql import Records
from millwright.kernel import SystemClock, Unavailable
from millwright.parties import Parties, ensure_local_token

if TYPE_CHECKING:
    from millwright.engines.sql import Migrations

DOMAINS = (
    "engines/secrets",
    "ledger",
    "parties",
    "metering",
    "cases",
    "historian",
    "certificates",
    "approvals",
    "devices",
    "identity",
    "operations",
    "web",
)
"""Domains that may keep records; each has its migrations in ``<domain>/migrations``."""


def migrations(records: Records) -> Migrations:
    """The schema of every domain that keeps records."""
    from millwright.engines.sql import Migrations  # half a second of imports, needed only when something changed

    return Migrations(records, _folders())


def _folders() -> list[Path]:
    root = Path(__file__).parent.parent
    return [path for domain in DOMAINS if (path := root / domain / "migrations").is_dir()]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What :func:`prepare` did: the backup it made, and the set-up code while the first administrator is missing."""

    backup: Path | None
    setup_code: str | None


def prepare(settings: NodeSettings) -> Prepared:
    """Bring the records to this version's schema; leave the keys of secrets, the command line's token, a set-up code.

    Raises ``Conflict`` (``engines.schema_newer``) when the data is of a newer version, and what
    :meth:`~millwright.engines.secrets.Secrets.prepare` raises when its secrets cannot be opened.
    """
    records = open_records(settings)
    try:
        backup = None if is_current(records) else migrations(records).upgrade(folder_of(settings).backups)
        trial = folder_of(settings).root / UPGRADE_FOLDER / TRIAL
        if trial.exists():
            from millwright.operations.at_edges import take_in  # seldom, and at an edge alone

            take_in(records, trial)
        ensure_local_token(records, folder_of(settings).token)
        open_secrets(settings.secrets, records, folder_of(settings).root, SystemClock()).prepare()
        code = asyncio.run(Parties(records, SystemClock()).new_setup_code())
        return Prepared(backup, code)
    finally:
        records.close()


def is_current(records: Records) -> bool:
    """Whether the records have exactly the newest revision of every domain: then Alembic need not even be imported."""
    newest, older = set(), set()
    for folder in _folders():
        for file in folder.glob("*.py"):
            named = {
                target.id: ast.literal_eval(node.value)
                for node in ast.parse(file.read_text(encoding="utf-8")).body
                if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
                if target.id in ("revision", "down_revision")
            }
            newest.add(named.get("revision"))
            older.add(named.get("down_revision"))
    with records.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return set(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars()) == newest - older


def require_schema(records: Records) -> None:
    """Raises ``Unavailable`` (``app.schema_behind``) when the records are not migrated yet."""
    if not is_current(records) and migrations(records).pending():
        raise Unavailable(
            "The records database has not been migrated to this version.",
            code="app.schema_behind",
            hint="Run `millwright migrate` once; `millwright up` does so by itself.",
        )
