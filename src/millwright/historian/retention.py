"""How long readings are kept: policies, and removing what has expired.

Each organisation has policies of its own, for the series of its devices alone. They are tried in order and the first
whose patterns match a series decides; a series that none matches is kept for ever. Whole months that no policy keeps
are dropped at once; what is left is deleted by series, a day at a time. The newest value of a series stays known after
its readings are gone.
"""

# ruff: noqa: S608 - statements are put together from constants; every value is a bound parameter
from __future__ import annotations

import asyncio
import builtins
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from millwright.engines.clickhouse import SeriesEngine
from millwright.engines.sql import Records, metadata, organisation, owned
from millwright.historian.query import LATE_KEPT_DAYS, LATEST_MS
from millwright.kernel import ROOT, Clock, Invalid, MillwrightError, end

logger = logging.getLogger(__name__)

DAY_MS = 86_400_000
MOST_POLICIES = 200
_EXAMPLES = 5
_DEVICES_AT_ONCE = 1000

policies = sa.Table(
    "historian_policies",
    metadata,
    organisation(primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("device_id", sa.String(255), nullable=False),
    sa.Column("property", sa.String(255), nullable=False),
    sa.Column("keep_days", sa.Integer),
    info=owned(),
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

    def list(self, organisation_id: str = ROOT) -> list[RetentionPolicy]:
        """The policies of an organisation in the order in which they are tried."""
        return self.every().get(organisation_id, [])

    def every(self) -> dict[str, builtins.list[RetentionPolicy]]:
        """The policies of every organisation in scope that has any."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(policies).order_by(policies.c.position)).all()
        found: dict[str, builtins.list[RetentionPolicy]] = {}
        for row in rows:
            policy = RetentionPolicy(row.device_id, row.property, row.keep_days)
            found.setdefault(row.organisation_id, []).append(policy)
        return found

    def replace(self, wanted: Sequence[RetentionPolicy], organisation_id: str = ROOT) -> None:
        """Put ``wanted`` in the place of every policy of an organisation.

        Raises ``Invalid`` (``historian.too_many_policies``).
        """
        check(wanted)
        rows = [
            {
                "organisation_id": organisation_id,
                "position": position,
                "device_id": each.device_id,
                "property": each.property,
                "keep_days": each.keep_days,
            }
            for position, each in enumerate(wanted)
        ]
        with self._records.begin() as connection:
            connection.execute(sa.delete(policies).where(policies.c.organisation_id == organisation_id))
            if rows:
                connection.execute(sa.insert(policies), rows)


class Retention:
    """Removes expired readings, every ``interval_s``; runs in the historian role.

    ``owners`` tells the organisation of every device that does not belong to the root of the tree. Readings of devices
    whose organisation is gone (``gone``) are removed too.
    """

    def __init__(
        self,
        engine: SeriesEngine,
        store: PolicyStore,
        clock: Clock,
        *,
        interval_s: float = 3600.0,
        owners: Callable[[], Mapping[str, str]] = dict,
        gone: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._owners, self._gone = owners, gone
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first round runs after one interval."""
        self._task = asyncio.create_task(self._run(), name="historian-retention")

    async def stop(self) -> None:
        """End; a deletion under way is finished by the engine."""
        task, self._task = self._task, None
        await end(task)

    async def preview(self, wanted: Sequence[RetentionPolicy], organisation_id: str = ROOT) -> RetentionPreview:
        """What ``wanted`` would do if an organisation had it in force now; changes nothing.

        Raises ``Invalid``, the engine's errors.
        """
        check(wanted)
        today_ms = self._clock.now_ms() // DAY_MS * DAY_MS
        whose, ids = _theirs(organisation_id, await asyncio.to_thread(self._owners)) or ("0", ())
        devices = whose, {"devices": list(ids)} if ids else {}
        effects = [
            await self._effect(policy, wanted[:position], today_ms, *devices) for position, policy in enumerate(wanted)
        ]
        found = await self._engine.query(f"SELECT count() AS series FROM catalogue FINAL WHERE {whose}", devices[1])
        total = int(found.column("series")[0].as_py())
        return RetentionPreview(effects, total - sum(effect.series for effect in effects))

    async def _effect(
        self,
        policy: RetentionPolicy,
        earlier: Sequence[RetentionPolicy],
        today_ms: int,
        whose: str,
        devices: Mapping[str, Any],
    ) -> PolicyEffect:
        if any(
            each.device_id in ("*", policy.device_id) and each.property in ("*", policy.property) for each in earlier
        ):
            return PolicyEffect(0, 0, [], 0, None)  # an earlier one decides about all of its series
        matching, patterns = _matching(policy, earlier)
        parameters: dict[str, Any] = patterns | dict(devices)
        of_catalogue = f"FROM catalogue FINAL WHERE {matching} AND {whose}"
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
        found = await asyncio.to_thread(self._store.every)
        owners = await asyncio.to_thread(self._owners)
        gone = sorted(await asyncio.to_thread(self._gone))
        today_ms = self._clock.now_ms() // DAY_MS * DAY_MS
        kept = [_longest_days(found.get(each, [])) for each in {ROOT, *owners.values()}]
        await self._forget_late()
        if None not in kept:
            await self._drop_months(today_ms - max(days for days in kept if days is not None) * DAY_MS)
        for organisation_id, theirs in found.items():
            devices = _theirs(organisation_id, owners)
            for position, policy in enumerate(theirs):
                if policy.keep_days is not None and devices is not None:
                    cutoff_ms = today_ms - policy.keep_days * DAY_MS
                    await self._delete(policy, theirs[:position], cutoff_ms, devices)
        for start in range(0, len(gone), _DEVICES_AT_ONCE):
            devices = "device_id IN {devices:Array(String)}", gone[start : start + _DEVICES_AT_ONCE]
            await self._delete(RetentionPolicy(), (), LATEST_MS, devices)

    async def _drop_months(self, cutoff_ms: int) -> None:
        """Drop the partitions whose every reading is older and has expired under every policy that can apply."""
        local = self._engine.dialect.local("readings")
        expired = await self._engine.query(
            "SELECT DISTINCT partition FROM system.parts"
            " WHERE active AND database = currentDatabase() AND table = {table:String}"
            " AND toUInt32(partition) < toYYYYMM(fromUnixTimestamp64Milli({cutoff:Int64}, 'UTC'))",
            {"table": local, "cutoff": cutoff_ms},
        )
        for partition in expired.column("partition").to_pylist():
            await self._engine.execute(
                f"ALTER TABLE {local}{self._engine.dialect.on_cluster} DROP PARTITION {int(partition)}"
            )
            logger.info("retention dropped the readings of %s", partition)

    async def _forget_late(self) -> None:
        """Forget which readings came late long ago."""
        local, old = self._engine.dialect.local("late"), "stored_ms < {cutoff:Int64}"
        values = {"cutoff": self._clock.now_ms() - LATE_KEPT_DAYS * DAY_MS}
        if (await self._engine.query(f"SELECT 1 AS found FROM {local} WHERE {old} LIMIT 1", values)).num_rows:
            await self._engine.execute(f"DELETE FROM {local}{self._engine.dialect.on_cluster} WHERE {old}", values)

    async def _delete(
        self,
        policy: RetentionPolicy,
        earlier: Sequence[RetentionPolicy],
        cutoff_ms: int,
        devices: tuple[str, Sequence[str]],
    ) -> None:
        dialect = self._engine.dialect
        matching, parameters = _matching(policy, earlier)
        whose, ids = devices
        expired = (
            f"time_ms < {{cutoff:Int64}} AND series IN"
            f" (SELECT series FROM {dialect.local('catalogue')} FINAL WHERE {matching} AND {whose})"
        )
        values: dict[str, Any] = parameters | {"cutoff": cutoff_ms} | ({"devices": list(ids)} if ids else {})
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


def _longest_days(found: Sequence[RetentionPolicy]) -> int | None:
    """How many days anything is kept at most under these policies; ``None``: something is kept for ever."""
    longest = 0
    for policy in found:
        if policy.keep_days is None:
            return None
        longest = max(longest, policy.keep_days)
        if policy.device_id == policy.property == "*":
            return longest
    return None


def _theirs(organisation_id: str, owners: Mapping[str, str]) -> tuple[str, Sequence[str]] | None:
    """The devices of an organisation as a condition and its parameter; ``None``: it has none."""
    if organisation_id == ROOT:
        return ("device_id NOT IN {devices:Array(String)}", sorted(owners)) if owners else ("1", ())
    mine = sorted(device for device, owner in owners.items() if owner == organisation_id)
    return ("device_id IN {devices:Array(String)}", mine) if mine else None


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
