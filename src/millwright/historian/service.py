"""The historian itself: gathers readings, stores them exactly once, answers questions about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from millwright.engines.clickhouse import SeriesEngine
from millwright.historian.buckets import assemble
from millwright.historian.buffer import ReadingBuffer
from millwright.historian.columns import values
from millwright.historian.model import Kind, ReadingBatch, SeriesId, SeriesInfo
from millwright.historian.newest import NewestReadings
from millwright.historian.query import (
    EARLIEST_MS,
    LATE_MS,
    LATEST_MS,
    MOST_DEVICES,
    SETTLED_MS,
    BucketQuery,
    BucketSeries,
    CatalogueEntry,
    Latest,
    RawQuery,
    Storage,
)
from millwright.historian.reduction import Columns, columns_of, holds_versions, reduce_buckets, reduce_held, split
from millwright.historian.schema import upgrade
from millwright.historian.settings import HistorianSettings
from millwright.historian.store import ReadingStore
from millwright.kernel import Clock, Invalid, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

_PAGE_BYTES = 3 << 20
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.2, 5.0


class Historian:
    """Runs in the historian role only; other roles ask it through :class:`HistorianClient`.

    :meth:`append` returns a ticket at once; :meth:`stored` returns when the engine has everything up to that ticket,
    and only then may the intake be acknowledged. What is appended again after a crash changes nothing.
    """

    def __init__(self, engine: SeriesEngine, clock: Clock, settings: HistorianSettings | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings or HistorianSettings()
        self._store = ReadingStore(engine)
        self._buffer = ReadingBuffer(self._settings.buffer_rows)
        self._newest = NewestReadings(self._settings.newest_rows if engine.exclusive else 0)
        self._flushing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._progress = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._stored = 0
        self._failure: MillwrightError | None = None
        self._failing_since_ms = 0
        self._follows_arrivals = True
        """Until somebody said that nobody does: what is stored before would be missing to whoever follows."""
        self.points_stored = 0
        """Readings handed to the engine since the start, repeated ones included."""
        self.points_refused = 0
        """Readings left out because their source time lies before 1900 or after 2099."""
        self.inserts = 0
        """Inserts since the start."""

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the engine, bring the schema up, begin to flush."""
        await self._engine.start()
        await upgrade(self._engine, self._clock)
        self._task = asyncio.create_task(self._flush_forever(), name="historian-flush")

    async def stop(self) -> None:
        """Store what is buffered (unless the engine refuses), then close the engine."""
        task, self._task = self._task, None
        if task is not None:
            await end(task)
            try:
                await self.flush()
            except MillwrightError as error:
                logger.warning("%d readings stay unacknowledged: %s", len(self._buffer), error)
        await self._engine.stop()

    # --- readings in ---------------------------------------------------------------------------------------------

    async def append(self, batch: ReadingBatch, new_series: Sequence[SeriesInfo] = ()) -> int:
        """Take readings in; returns the ticket to wait for with :meth:`stored`.

        Waits while the buffer is full. Raises the engine's ``Unavailable`` or ``LimitExceeded`` when the buffer is full
        and the engine is failing: nothing of the batch was taken then, append it again later.
        """
        batch = self._within_bounds(batch)
        while not self._buffer.fits(len(batch)):
            if self._failure is not None:
                raise self._failure
            self._wake.set()
            async with self._progress:
                await self._progress.wait()
        ticket = self._buffer.add(batch, new_series)
        self._wake.set()
        return ticket

    async def stored(self, ticket: int) -> None:
        """Return when everything up to ``ticket`` is in the engine; an insert that fails is tried again meanwhile."""
        async with self._progress:
            await self._progress.wait_for(lambda: self._stored >= ticket)

    def is_stored(self, ticket: int) -> bool:
        """Whether the engine has everything up to ``ticket``."""
        return self._stored >= ticket

    def follow_arrivals(self, wanted: bool) -> None:
        """Whether to note from now on what is stored late; see :class:`millwright.historian.query.Arrivals`."""
        self._follows_arrivals = wanted

    async def flush(self) -> None:
        """Store what is buffered now. Raises the engine's error; the readings stay buffered then."""
        async with self._flushing:
            taken = self._buffer.take()
            if taken is None:
                return
            try:
                if taken.new_series:
                    await self._store.announce(taken.new_series, self._clock.now_ms())
                    self._newest.announced({entry.device_id for entry in taken.new_series})
                await self._insert(taken.batch)
            except BaseException as error:
                self._newest.clear()
                self._buffer.put_back(taken)
                if isinstance(error, MillwrightError):
                    await self._failed(error)
                raise
            self.points_stored += len(taken.batch)
            self.inserts += 1
            if self._failure is not None:
                logger.warning("storing readings works again")
            async with self._progress:
                self._failure = None
                self._stored = taken.ticket
                self._progress.notify_all()

    async def _insert(self, batch: ReadingBatch) -> None:
        looked_ms, follows = self._clock.now_ms(), self._follows_arrivals
        if follows:
            await self._store.note_late(batch, looked_ms)
        if len(batch):
            self._newest.inserted(await self._store.insert(batch))
        # Who follows may have been past these readings when an insert that took so long was over.
        while follows and (now_ms := self._clock.now_ms()) - looked_ms >= SETTLED_MS - LATE_MS:
            await self._store.note_late(batch, now_ms)
            looked_ms = now_ms

    async def _failed(self, error: MillwrightError) -> None:
        async with self._progress:
            if self._failure is None:
                self._failing_since_ms = self._clock.now_ms()
                logger.error("storing readings fails: %s", error)
            self._failure = error
            self._progress.notify_all()

    async def _flush_forever(self) -> None:
        retry_s = _FIRST_RETRY_S
        while True:
            await self._wake.wait()
            self._wake.clear()
            if len(self._buffer) < self._settings.flush_rows:
                await self._gather()
            try:
                await self.flush()
                retry_s = _FIRST_RETRY_S
            except MillwrightError:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
                self._wake.set()
            except Exception as error:
                logger.exception("storing readings failed unexpectedly")
                await self._failed(Unavailable(f"Storing readings failed: {error!r}", code="historian.insert_failed"))
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
                self._wake.set()

    async def _gather(self) -> None:
        """Wait for more readings, ``flush_ms`` at most or until ``flush_rows`` are there."""
        deadline = asyncio.get_running_loop().time() + self._settings.flush_ms / 1000
        while len(self._buffer) < self._settings.flush_rows:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()

    def _within_bounds(self, batch: ReadingBatch) -> ReadingBatch:
        outside = (batch.time_ms < EARLIEST_MS) | (batch.time_ms >= LATEST_MS)
        refused = int(np.count_nonzero(outside))
        if not refused:
            return batch
        self.points_refused += refused
        return batch.take(~outside)

    # --- state ---------------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """For the role's ``stats`` message."""
        return {
            "points_stored": self.points_stored,
            "points_refused": self.points_refused,
            "inserts": self.inserts,
        }

    def gauges(self) -> dict[str, int]:
        """For the role's ``stats`` message."""
        return {"points_buffered": len(self._buffer), "newest_held": len(self._newest)}

    def problems(self) -> list[dict[str, str | int]]:
        """For the role's ``stats`` message: why storing does not work now, if it does not."""
        error = self._failure
        if error is None:
            return []
        return [{"code": error.code, "message": error.message, "hint": error.hint, "since_ms": self._failing_since_ms}]

    # --- questions -----------------------------------------------------------------------------------------------

    async def raw(self, query: RawQuery) -> tuple[pa.Table, int | None]:
        """Readings in order, and the bound at which the next page begins (None at the end).

        For the next page set ``from_ms`` to it (``to_ms`` when descending).
        """
        query.check()
        table = await self._store.raw(query)
        more = table.num_rows == query.limit or table.nbytes > _PAGE_BYTES // 2
        while table.num_rows > 1 and table.nbytes > _PAGE_BYTES:
            table = table.slice(0, table.num_rows // 2)
        if not more or not table.num_rows:
            return table, None
        last = int(table.column("time_ms")[-1].as_py())
        if query.descending:
            return table, last if last > query.range.from_ms else None
        return table, last + 1 if last + 1 < query.range.to_ms else None

    async def buckets(self, query: BucketQuery) -> list[BucketSeries]:
        """Each series in at most ``query.buckets`` buckets, in the order asked."""
        query.check()
        until_ms = None
        if "twm" in query.aggregates:
            until_ms = min(query.range.to_ms, max(self._clock.now_ms(), query.range.from_ms))
        most = self._settings.reduce_rows
        if most:
            asked = [self._store.before(query)] if until_ms is not None else []
            table, *before = await asyncio.gather(self._store.narrow(query, most), *asked)
            if table.num_rows <= most:
                rows = await asyncio.to_thread(split, table, query.series)
                if holds_versions(rows):
                    table = await self._store.narrow(query, most, final=True)
                    rows = await asyncio.to_thread(split, table, query.series)
                return await asyncio.to_thread(_reduce, query, rows, before[0] if before else None, until_ms)
        asked = [self._store.held(query, until_ms)] if until_ms is not None else []
        table, *held = await asyncio.gather(self._store.buckets(query), *asked)
        by_series = {s: columns_of(t) for s, t in zip(query.series, held[0], strict=True)} if held else None
        return await asyncio.to_thread(assemble, query, split(table, query.series), by_series)

    async def catalogue_table(self, device_ids: Sequence[str] | None = None) -> pa.Table:
        """``device_id, property, series, kind, unit, known`` of these devices, or of all, in order."""
        _check_devices(device_ids)
        return await self._store.catalogue(device_ids)

    async def catalogue(self, device_ids: Sequence[str] | None = None) -> list[CatalogueEntry]:
        """Every series of these devices, or of all, ordered by device and property."""
        return catalogue_rows(await self.catalogue_table(device_ids))

    async def latest_table(self, device_ids: Sequence[str] | None = None) -> pa.Table:
        """``device_id, property, series, time_ms, received_ms, number, kind, quality, text`` of each series' newest.

        Always asks the engine.
        """
        _check_devices(device_ids)
        return await asyncio.to_thread(_join_latest, *await self._ask_newest(device_ids))

    async def latest(self, device_ids: Sequence[str]) -> list[Latest]:
        """The newest reading of every series of these devices, ordered by device and property.

        The answer of :meth:`latest_table`; the engine is asked only about devices that are not in memory.
        """
        _check_devices(device_ids)
        rows = {device_id: self._newest.find(device_id) for device_id in sorted(set(device_ids))}
        missing = [device_id for device_id, found in rows.items() if found is None]
        if missing:
            asked = self._newest.ask()
            try:
                named, newest = await self._ask_newest(missing)
            except BaseException:
                self._newest.drop(asked)
                raise
            self._newest.keep(asked, missing, named, newest)
            for row in latest_rows(await asyncio.to_thread(_join_latest, named, newest)):
                of_device = rows[row.device_id]
                if of_device is None:
                    of_device = rows[row.device_id] = []
                of_device.append(row)
        return [row for found in rows.values() if found for row in found]

    async def _ask_newest(self, device_ids: Sequence[str] | None) -> tuple[pa.Table, pa.Table]:
        return await asyncio.gather(self._store.catalogue(device_ids), self._store.latest(device_ids))

    async def bytes_by_device(self) -> dict[str, int]:
        """How many bytes on disk the readings of each device take; see :meth:`ReadingStore.bytes_by_device`."""
        return await self._store.bytes_by_device()

    async def storage(self) -> Storage:
        """What the historian holds, and the room left."""
        return await self._store.storage()


def _reduce(
    query: BucketQuery, rows: dict[int, Columns], before: Sequence[pa.Table] | None, until_ms: int | None
) -> list[BucketSeries]:
    held = None
    if before is not None and until_ms is not None:
        held = reduce_held(query, rows, [columns_of(table) for table in before], until_ms)
    return assemble(query, reduce_buckets(query, rows), held)


def _check_devices(device_ids: Sequence[str] | None) -> None:
    if device_ids is not None and len(device_ids) > MOST_DEVICES:
        raise Invalid(
            f"{len(device_ids)} devices at once cannot be answered.",
            code="historian.too_many_devices",
            hint=f"Ask for {MOST_DEVICES} at most.",
        )


def _join_latest(named: pa.Table, latest: pa.Table) -> pa.Table:
    wanted, known = named.column("series").to_numpy(), latest.column("series").to_numpy()
    if not len(known):
        present = np.zeros(len(wanted), np.bool_)
        at = np.zeros(len(wanted), np.int64)
    else:
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        present = known[at] == wanted
    names = named.select(["device_id", "property"]).filter(pa.array(present))
    rows = latest.take(pa.array(at[present]))
    columns = {name: names.column(name) for name in names.column_names}
    columns |= {name: rows.column(name) for name in rows.column_names}
    return pa.table(columns)


def latest_rows(table: pa.Table) -> list[Latest]:
    """The rows of :meth:`Historian.latest_table` as plain data."""
    columns = ("device_id", "property", "series", "time_ms", "received_ms", "quality")
    rows = zip(*(table.column(name).to_pylist() for name in columns), values(table), strict=True)
    return [
        Latest(device, name, SeriesId(series), time_ms, received_ms, value, quality)
        for device, name, series, time_ms, received_ms, quality, value in rows
    ]


def catalogue_rows(table: pa.Table) -> list[CatalogueEntry]:
    """The rows of :meth:`Historian.catalogue_table` as plain data."""
    columns = (table.column(name).to_pylist() for name in ("device_id", "property", "series", "kind", "unit", "known"))
    return [
        CatalogueEntry(device, name, SeriesId(series), Kind(kind), unit, known)
        for device, name, series, kind, unit, known in zip(*columns, strict=True)
    ]
