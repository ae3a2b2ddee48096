"""How long readings are kept: policies, and removing what has expired.

Policies are tried in order and the first whose patterns match a series decides; a series that none matches is kept for
ever. Whole months that no policy keeps are dropped at once; what is left is deleted by series, a day at a time. The
newest value of a series stays known after its readings are gone.
"""

# ruff: noqa: S608 - statements are put together from constants; every value is a bound parameter
from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
import sqlalchemy as sa

from millwright.engines.clickhouse import SeriesEngine
from millwright.engines.sql import Records, metadata
from millwright.kernel import Clock, Invalid, MillwrightError, end

logger = logging.getLogger(__name__)

DAY_MS = 86_400_000
MOST_POLICIES = 200
_EXAMPLES = 5

policies = sa.Table(
    "historian_policies",
    metadata,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("device_id", sa.String(255), nullable=False),
    sa.Column("property", sa.String(255), nullable=False),
    sa.Column("keep_days", sa.Integer),
)

Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class RetentionPolicy(msgspec.Struct, frozen=True):
    """How long the series that match are kept.

    ``device_id`` and ``property`` are patterns: ``*`` stands for any characters, ``?`` for one. ``keep_days`` null
    keeps for ever.
    """

    device_id: Pattern = "*"
    property: Pattern = "*"
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] | None = None


class SeriesName(msgspec.Struct, frozen=True):
    """A property of a device."""

    device_id: str
    property: str


class PolicyEffect(msgspec.Struct, frozen=True):
    """What one policy does to what is stored now.

    ``series`` and ``devices`` count what it decides about (what no policy before it matches), ``examples`` are the
    first of them. ``expired`` counts the readings it would remove, versions of a reading that are not merged yet
    included; ``oldest_ms`` is the source time of the oldest of them.
    """

    series: int
    devices: int
    examples: list[SeriesName]
    expired: int
    oldest_ms: int | None


class RetentionPreview(msgspec.Struct, frozen=True):
    """What a list of policies would do; ``unmatched`` counts the series that none matches, which are kept for ever."""

    policies: list[PolicyEffect]
    unmatched: int


class PolicyStore:
    """The policies in the records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> list[RetentionPolicy]:
        """The policies in the order in which they are tried."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(policies).order_by(policies.c.position)).all()
        return [RetentionPolicy(row.device_id, row.property, row.keep_days) for row in rows]

    def replace(self, wanted: Sequence[RetentionPolicy]) -> None:
        """Put ``wanted`` in the place of every policy. Raises ``Invalid`` (``historian.too_many_policies``)."""
        check(wanted)
        rows = [
            {"position": position, "device_id": each.device_id, "property": each.property, "keep_days": each.keep_days}
            for position, each in enumerate(wanted)
        ]
        with self._records.begin() as connection:
            connection.execute(sa.delete(policies))
            if rows:
                connection.execute(sa.insert(policies), rows)


class Retention:
    """Removes expired readings, every ``interval_s``; runs in the historian role."""

    def __init__(self, engine: SeriesEngine, store: PolicyStore, clock: Clock, *, interval_s: float = 3600.0) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first round runs after one interval."""
        self._task = asyncio.create_task(self._run(), name="historian-retention")

    async def stop(self) -> None:
        """End; a deletion under way is finished by the engine."""
        task, self._task = self._task, None
        await end(task)

    async def list(self) -> list[RetentionPolicy]:
        """The policies in the order in which they are tried."""
        return await asyncio.to_thread(self._store.list)

    async def replace(self, wanted: Sequence[RetentionPolicy]) -> None:
        """Put ``wanted`` in the place of every policy; applied in the next round."""
        await asyncio.to_thread(self._store.replace, wanted)

    async def preview(self, wanted: Sequence[RetentionPolicy]) -> RetentionPreview:
        """What ``wanted`` would do if it was in force now; changes nothing. Raises ``Invalid``, the engine's errors."""
        check(wanted)
        today_ms = self._clock.now_ms() // DAY_MS * DAY_MS
        effects = [await self._effect(policy, wanted[:position], today_ms) for position, policy in enumerate(wanted)]
        found = await self._engine.query("SELECT count() AS series FROM catalogue FINAL")
        total = int(found.column("series")[0].as_py())
        return RetentionPreview(effects, total - sum(effect.series for effect in effects))

    async def _effect(self, policy: RetentionPolicy, earlier: Sequence[RetentionPolicy], today_ms: int) -> PolicyEffect:
        matching, parameters = _matching(policy, earlier)
        of_catalogue = f"FROM catalogue FINAL WHERE {matching}"
        counted, first = await asyncio.gather(
            self._engine.query(f"SELECT count() AS series, uniqExact(device_id) AS devices {of_catalogue}", parameters),
            self._engine.query(
                f"SELECT device_id, property {of_catalogue} ORDER BY device_id, property LIMIT {_EXAMPLES}", parameters
            ),
        )
        row = counted.to_pylist()[0]
        examples = [SeriesName(**each) for each in first.to_pylist()]
        if policy.keep_days is None or not row["series"]:
            return PolicyEffect(row["series"], row["devices"], examples, 0, None)
        expired = await self._engine.query(
            "SELECT count() AS expired, min(time_ms) AS oldest_ms FROM readings"
            f" WHERE time_ms < {{cutoff:Int64}} AND series IN (SELECT series {of_catalogue})",
            parameters | {"cutoff": today_ms - policy.keep_days * DAY_MS},
        )
        gone = expired.to_pylist()[0]
        oldest_ms = gone["oldest_ms"] if gone["expired"] else None
        return PolicyEffect(row["series"], row["devices"], examples, gone["expired"], oldest_ms)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.apply()
            except MillwrightError as error:
                logger.warning("retention could not be applied: %s", error)
            except Exception:
                logger.exception("applying retention failed")

    async def apply(self) -> None:
        """Remove what has expired now. Raises the engine's errors; the next round goes on."""
        found = await self.list()
        today_ms = self._clock.now_ms() // DAY_MS * DAY_MS
        await self._drop_months(found, today_ms)
        for position, policy in enumerate(found):
            if policy.keep_days is not None:
                await self._delete(policy, found[:position], today_ms - policy.keep_days * DAY_MS)

    async def _drop_months(self, found: Sequence[RetentionPolicy], today_ms: int) -> None:
        """Drop the partitions whose every reading has expired under every policy that can apply."""
        longest = 0
        for policy in found:
            if policy.keep_days is None:
                return
            longest = max(longest, policy.keep_days)
            if policy.device_id == policy.property == "*":
                break
        else:
            return
        local = self._engine.dialect.local("readings")
        expired = await self._engine.query(
            "SELECT DISTINCT partition FROM system.parts"
            " WHERE active AND database = currentDatabase() AND table = {table:String}"
            " AND toUInt32(partition) < toYYYYMM(fromUnixTimestamp64Milli({cutoff:Int64}, 'UTC'))",
            {"table": local, "cutoff": today_ms - longest * DAY_MS},
        )
        for partition in expired.column("partition").to_pylist():
            await self._engine.execute(
                f"ALTER TABLE {local}{self._engine.dialect.on_cluster} DROP PARTITION {int(partition)}"
            )
            logger.info("retention dropped the readings of %s", partition)

    async def _delete(self, policy: RetentionPolicy, earlier: Sequence[RetentionPolicy], cutoff_ms: int) -> None:
        dialect = self._engine.dialect
        matching, parameters = _matching(policy, earlier)
        expired = (
            f"time_ms < {{cutoff:Int64}} AND series IN"
            f" (SELECT series FROM {dialect.local('catalogue')} FINAL WHERE {matching})"
        )
        values = parameters | {"cutoff": cutoff_ms}
        local = dialect.local("readings")
        present = await self._engine.query(f"SELECT 1 AS found FROM {local} WHERE {expired} LIMIT 1", values)
        if present.num_rows:
            await self._engine.execute(f"DELETE FROM {local}{dialect.on_cluster} WHERE {expired}", values)
            logger.info("retention deleted readings before %d of %s %s", cutoff_ms, policy.device_id, policy.property)


def check(wanted: Sequence[RetentionPolicy]) -> None:
    """Raise ``Invalid`` (``historian.too_many_policies``) when these are more than can be kept."""
    if len(wanted) > MOST_POLICIES:
        raise Invalid(
            f"{len(wanted)} retention policies are too many.",
            code="historian.too_many_policies",
            hint=f"At most {MOST_POLICIES}; use patterns.",
        )


def _matching(policy: RetentionPolicy, earlier: Sequence[RetentionPolicy]) -> tuple[str, dict[str, str]]:
    parameters: dict[str, str] = {}

    def condition(each: RetentionPolicy) -> str:
        index = len(parameters)
        parameters[f"device{index}"] = regular_expression(each.device_id)
        parameters[f"property{index}"] = regular_expression(each.property)
        return f"match(device_id, {{device{index}:String}}) AND match(property, {{property{index}:String}})"

    clauses = [f"({condition(policy)})", *(f"NOT ({condition(each)})" for each in earlier)]
    return " AND ".join(clauses), parameters


def regular_expression(pattern: str) -> str:
    """A pattern with ``*`` and ``?`` as an RE2 expression for the whole text."""
    parts = {"*": ".*", "?": "."}
    return f"^(?s:{''.join(parts.get(letter) or re.escape(letter) for letter in pattern)})$"
