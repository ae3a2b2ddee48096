"""The historian's tables in the series engine, and their ordered changes.

``readings`` holds every reading once: rows of one (series, time) are versions, the newest ``received_ms`` wins, so
writing a batch twice changes nothing. ``latest`` holds the newest reading of each series; every insert is followed by
one into it (a materialised view did the same at three times the cost of the whole insert). ``catalogue`` names the
series. ``late`` notes what was stored long after it was received, so that arrivals can be followed (see
:class:`millwright.historian.query.Arrivals`). Codecs were chosen by measurement (``bench/historian_insert.py``): delta
and the engine's general compression (embedded: LZ4 for the young parts of single inserts, ZSTD for merged ones) bring a
merged reading to less than four bytes, of which the value itself is 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from millwright.engines.clickhouse import Dialect, SeriesEngine, Table
from millwright.kernel import Clock, Conflict

SCHEMA_VERSION = Table("schema_version", "step UInt32, applied_ms Int64", "step", "applied_ms", shard="step")

READINGS = Table(
    "readings",
    """
    series UInt64 CODEC({codec}),
    time_ms Int64 CODEC(Delta, {codec}),
    number Float64 CODEC({codec}),
    received_ms UInt64 CODEC(Delta, {codec}),
    kind UInt8 CODEC({codec}),
    quality UInt8 CODEC({codec}),
    text String CODEC({codec})
    """,
    order="(series, time_ms)",
    version="received_ms",
    partition="toYYYYMM(fromUnixTimestamp64Milli(time_ms, 'UTC'))",
    shard="series",
)

LATEST = Table(
    "latest",
    "series UInt64, time_ms Int64, version UInt64, number Float64, received_ms UInt64, kind UInt8, quality UInt8, "
    "text String",
    order="series",
    version="version",
    shard="series",
)

CATALOGUE = Table(
    "catalogue",
    "device_id String, property String, series UInt64, kind UInt8, unit Nullable(String), known Bool, "
    "updated_ms UInt64",
    order="(device_id, property)",
    version="updated_ms",
    shard="series",
)

LATE = Table(
    "late",
    """
    series UInt64 CODEC({codec}),
    time_ms Int64 CODEC(Delta, {codec}),
    received_ms UInt64 CODEC(Delta, {codec}),
    stored_ms UInt64 CODEC(Delta, {codec})
    """,
    order="(series, time_ms, received_ms)",
    version="stored_ms",
    partition="toYYYYMM(fromUnixTimestamp64Milli(toInt64(stored_ms), 'UTC'))",
    shard="series",
)
"""Readings that were stored long after (or before) they were received, noted while somebody follows arrivals."""


def _initial(dialect: Dialect) -> Iterator[str]:
    for table in (READINGS, LATEST, CATALOGUE):
        yield from dialect.create(table)


def _late(dialect: Dialect) -> Iterator[str]:
    yield from dialect.create(LATE)


STEPS: tuple[Callable[[Dialect], Iterator[str]], ...] = (_initial, _late)
"""Changes of the schema, oldest first. Each may run again after it broke off half way; none is ever edited."""


async def upgrade(
    engine: SeriesEngine, clock: Clock, steps: tuple[Callable[[Dialect], Iterator[str]], ...] = STEPS
) -> int:
    """Apply the steps the engine does not have yet; returns how many.

    Raises ``Conflict`` (``historian.schema_newer``) when a newer Millwright wrote these series.
    """
    for statement in engine.dialect.create(SCHEMA_VERSION):
        await engine.execute(statement)
    found = await engine.query("SELECT max(step) AS step FROM schema_version")
    present = int(found.column("step")[0].as_py())
    if present > len(steps):
        raise Conflict(
            "The series were written by a newer version of Millwright.",
            code="historian.schema_newer",
            hint="Install that version again, or restore the backup made before its first start.",
            detail={"present": present, "known": len(steps)},
        )
    for step, statements in enumerate(steps[present:], present + 1):
        for statement in statements(engine.dialect):
            await engine.execute(statement)
        await engine.execute(
            "INSERT INTO schema_version (step, applied_ms) SELECT {step:UInt32}, {now:Int64}",
            {"step": step, "now": clock.now_ms()},
        )
    return len(steps) - present
