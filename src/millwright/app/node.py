"""What every role of a node stands on: settings, folder, clock, the bus, the records, its figures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from millwright.app.folder import DataFolder
from millwright.app.sections import folder_of, nats_url
from millwright.app.settings import NodeSettings
from millwright.app.stats import StatsPublisher
from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Migrations, Records
from millwright.kernel import Clock, Part, SystemClock, Unavailable
from millwright.parties import Parties, ensure_local_token

DOMAINS = ("parties", "cases", "historian", "devices", "operations", "web")
"""Domains that may keep records; each has its migrations in ``<domain>/migrations``."""


@dataclass(frozen=True, slots=True)
class Node:
    """The engines of one process, constructed and not yet started."""

    role: str
    settings: NodeSettings
    folder: DataFolder
    clock: Clock
    bus: NatsConnection
    records: Records
    stats: StatsPublisher
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Composition:
    """What runs in one role, in the order it starts, and where the role is reached from this machine."""

    parts: Sequence[Part]
    address: str | None = None


def construct(role: str, settings: NodeSettings, config: Path | None = None) -> Node:
    """The engines of the process ``role``; no connection is opened yet."""
    folder = folder_of(settings)
    clock = SystemClock()
    bus = NatsConnection(nats_url(settings), name=f"{settings.node.name}/{role}")
    stats = StatsPublisher(role, bus=bus, clock=clock, instance=settings.node.name)
    return Node(role, settings, folder, clock, bus, open_records(settings), stats, config)


def open_records(settings: NodeSettings) -> Records:
    """The records database: the configured one, or SQLite in the data folder."""
    if settings.sql.url:
        return Records(settings.sql.url)
    folder = folder_of(settings)
    folder.make()
    return Records.in_folder(folder.root)


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
