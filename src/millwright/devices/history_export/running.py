"""One run: from the series of its owner's devices to a file that has its name when it is whole."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from fnmatch import translate
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa

from millwright.devices.history_export import errors
from millwright.devices.history_export.columns import Series, rows_of_buckets, rows_of_readings, schema_of
from millwright.devices.history_export.model import ExportSelection
from millwright.devices.history_export.schedule import check_rows, days_of, zone_of
from millwright.devices.history_export.store import ReadingExportFiles, ReadingExportStore, settings_of
from millwright.devices.history_export.writing import WRITERS, Sink, TableWriter
from millwright.devices.registry.model import Device, DeviceQuery
from millwright.devices.registry.store import DeviceStore
from millwright.historian import (
    EARLIEST_MS,
    LATEST_MS,
    Arrivals,
    BucketQuery,
    BucketSeries,
    CatalogueEntry,
    HistorianClient,
    Range,
    RawQuery,
)
from millwright.kernel import LimitExceeded, NotFound, Unavailable, to_iso
from millwright.kernel.files import sync_folder, write_whole

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAGE: Final = 50_000
_DEVICES_AT_ONCE: Final = 500
_SERIES_AT_ONCE: Final = 20
_BUCKETS_AT_ONCE: Final = 2_000
_BUCKETS_OF_ONE: Final = 10_000
ROWS_HELD: Final = 200_000
"""Buckets held in memory at most."""
_AGAIN_S: Final = 2.0
_PATIENCE: Final = 300
_LOOK_S: Final = 1.0

Wait = Callable[[float], Awaitable[bool]]
"""Waits so many seconds; says whether the process is to end."""


class Stopped(Exception):
    """The process shall end; the next one makes the run anew."""


class Cancelled(Exception):
    """Somebody does not want it any more."""


class ReadingExportRunner:
    """Makes the file of one run. ``devices`` shows what the owner may read; ``may_go_on`` raises when they may not."""

    def __init__(
        self,
        row: Any,
        name: str,
        devices: DeviceStore,
        historian: HistorianClient,
        store: ReadingExportStore,
        files: ReadingExportFiles,
        wait: Wait,
        *,
        most_mb: int,
        disk_stop_mb: int,
    ) -> None:
        self._row, self._name, self._settings = row, name, settings_of(row)
        self._devices, self._historian = devices, historian
        self._store, self._files, self._wait = store, files, wait
        self._most_mb, self._disk_stop_mb = most_mb, disk_stop_mb
        self._zone = zone_of(self._settings.time_zone)
        buckets = self._settings.rows == "buckets"
        self._schema = schema_of(self._zone, self._settings.aggregates if buckets else None)
        self._buckets = buckets
        self._rows = self._series = 0
        self._organisations: set[str] = set()
        self._looked_s = 0.0

    async def run(self) -> dict[str, Any]:
        """Write the file aside; what is known of it. Raises what fails it, :class:`Stopped`, :class:`Cancelled`."""
        row, files = self._row, self._files
        chosen = await asyncio.to_thread(self._chosen)
        total = 0
        for part in _parts(chosen, _DEVICES_AT_ONCE):
            total += len(await self._entries(part))
        if self._buckets:
            check_rows(self._settings, row.to_ms - row.from_ms, total)
        await self._note(series_total=total)
        await asyncio.to_thread(files.begin, row.id)
        sink = Sink(files.aside(row.id), self._check_size)
        try:
            writer = WRITERS[self._settings.format](sink, self._schema, self._zone)
            for part in _parts(chosen, _DEVICES_AT_ONCE):
                entries = await self._entries(part)
                owners = {device.id: device.organisation_id for device in part}
                self._organisations |= {owners[entry.device_id] for entry in entries}
                names = {device.id: device.name for device in part}
                series = [Series(entry, names[entry.device_id]) for entry in entries]
                await (self._write_buckets(writer, series) if self._buckets else self._write_readings(writer, series))
            await asyncio.to_thread(writer.end)
            digest, size = await asyncio.to_thread(sink.settle), sink.size
        finally:
            sink.close()
        return {
            "series": self._series, "readings": self._rows, "organisations": sorted(self._organisations),
            "file_name": self._file_name(), "file_bytes": size, "sha256": digest,
        }  # fmt: skip

    def publish(self, found: dict[str, Any], created_ms: int) -> None:
        """Put the manifest there, then the file under its name: it is whole from then on."""
        row, files = self._row, self._files
        window = self._settings.window.kind
        document = {
            "export": row.export_id, "name": self._name, "run": row.id, "organisation": row.organisation_id,
            "made_by": row.who_name, "made": to_iso(created_ms), "file": found["file_name"],
            "bytes": found["file_bytes"], "sha256": found["sha256"], "rows": found["readings"],
            "series": found["series"], "organisations": found["organisations"],
            "from": to_iso(row.from_ms), "to": to_iso(row.to_ms),
            "by": "arrival" if window == "new" else "source time", "time_zone": self._settings.time_zone,
            "columns": self._schema.names,
        }  # fmt: skip
        manifest = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        write_whole(files.manifest(row.id), manifest, durable=True)
        target = files.file(row.id, found["file_name"])
        files.aside(row.id).rename(target)
        sync_folder(target.parent)

    # --- what ----------------------------------------------------------------------------------------------------

    def _chosen(self) -> list[Device]:
        """The owner's devices that are wanted, by name. Those that are gone are left out."""
        wanted = self._settings.selection
        if not wanted.device_ids:
            query = DeviceQuery(place_id=wanted.place_id, model_id=wanted.model_id, tag=wanted.tag)
            return list(self._devices.iter(query))
        found = []
        for device_id in dict.fromkeys(wanted.device_ids):
            try:
                found.append(self._devices.get(device_id))
            except NotFound:
                logger.info("the device %s of the export %s is not there", device_id, self._row.export_id)
        return sorted(found, key=lambda device: (device.name.casefold(), device.id))

    async def _entries(self, part: Sequence[Device]) -> list[CatalogueEntry]:
        found = await self._patiently(lambda: self._historian.catalogue([device.id for device in part]))
        order = {device.id: at for at, device in enumerate(part)}
        wanted = _matching(self._settings.selection)
        kept = [entry for entry in found if wanted(entry.property)]
        return sorted(kept, key=lambda entry: (order[entry.device_id], entry.property))

    # --- rows ----------------------------------------------------------------------------------------------------

    async def _write_readings(self, writer: TableWriter, series: Sequence[Series]) -> None:
        async for each, page in _ahead(self._pages(series)):
            if page is None:
                self._series += 1
            else:
                await asyncio.to_thread(self._write_page, writer, each, page)
            await self._look()

    def _write_page(self, writer: TableWriter, series: Series, page: pa.Table) -> None:
        writer.write(rows_of_readings(page, series, self._schema))
        self._rows += page.num_rows

    async def _pages(self, series: Sequence[Series]) -> AsyncIterator[tuple[Series, pa.Table | None]]:
        """Pages of one series after the other; ``None`` ends each."""
        row = self._row
        wanted, arrivals = Range(row.from_ms, row.to_ms), None
        if self._settings.window.kind == "new":
            wanted, arrivals = Range(EARLIEST_MS, LATEST_MS), Arrivals(row.from_ms, row.to_ms)
        for each in series:
            query: RawQuery | None = RawQuery(each.entry.series, wanted, PAGE, arrivals=arrivals)
            while query is not None:
                asked = query
                page, bound = await self._patiently(lambda asked=asked: self._historian.raw(asked))  # type: ignore[misc]  # bound now
                if page.num_rows:
                    yield each, page
                query = None
                if bound is not None:
                    query = msgspec.structs.replace(asked, range=Range(bound, wanted.to_ms))
            yield each, None

    async def _write_buckets(self, writer: TableWriter, series: Sequence[Series]) -> None:
        """Several series at a time while their buckets fit into memory together, else one after the other."""
        row, width_ms = self._row, self._settings.bucket_s * 1000
        at_once = min(_SERIES_AT_ONCE, max(1, ROWS_HELD // -(-(row.to_ms - row.from_ms) // width_ms)))
        most = _BUCKETS_AT_ONCE if at_once > 1 else _BUCKETS_OF_ONE
        stretches = await asyncio.to_thread(
            lambda: list(_stretches(row.from_ms, row.to_ms, width_ms, self._zone, most))
        )
        for part in _parts(series, at_once):
            held: list[list[pa.Table]] = [[] for _ in part]
            for start, end in stretches:
                found = await self._ask_buckets(part, start, end, -(-(end - start) // width_ms))
                for rows, each, buckets in zip(held, part, found, strict=True):
                    rows.append(rows_of_buckets(buckets, each, self._schema))
                if len(part) == 1 and sum(each.num_rows for each in held[0]) >= PAGE:
                    await self._flush(writer, held[0])
                await self._look()
            for rows in held:
                await self._flush(writer, rows)
                self._series += 1

    async def _ask_buckets(self, part: Sequence[Series], start: int, end: int, buckets: int) -> list[BucketSeries]:
        aggregates = tuple(name for name in self._settings.aggregates if name != "count") or ("min",)
        query = BucketQuery(tuple(each.entry.series for each in part), Range(start, end), buckets, aggregates)
        return await self._patiently(lambda: self._historian.buckets(query))

    async def _flush(self, writer: TableWriter, held: list[pa.Table]) -> None:
        rows = pa.concat_tables(held) if held else self._schema.empty_table()
        held.clear()
        if rows.num_rows:
            await asyncio.to_thread(writer.write, rows)
            self._rows += rows.num_rows

    # --- care ----------------------------------------------------------------------------------------------------

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until history answers, for ten minutes."""
        for left in reversed(range(_PATIENCE)):
            try:
                return await ask()
            except (Unavailable, LimitExceeded) as error:
                if not left:
                    raise
                logger.warning("the export %s waits for history: %s", self._row.export_id, error.message)
            self._looked_s = 0.0
            await self._look()
            if await self._wait(_AGAIN_S):
                raise Stopped
        raise AssertionError("the last time raises")

    async def _look(self) -> None:
        """Once a second: write down how far it is, and look whether it is still wanted."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        await self._note()

    async def _note(self, **values: Any) -> None:
        if await self._wait(0):
            raise Stopped
        if self._files.free_bytes() < self._disk_stop_mb * 1_000_000:
            raise errors.disk_full()
        counts = {"series": self._series, "readings": self._rows}
        await asyncio.to_thread(self._store.update_run, self._row.id, ("running",), **counts, **values)
        row = await asyncio.to_thread(self._store.find_run, self._row.id)
        if row is None or row.wanted == "cancel":
            raise Cancelled

    def _check_size(self, size: int) -> None:
        if size > self._most_mb * 1_000_000:
            raise errors.too_large("The file", self._most_mb)

    def _file_name(self) -> str:
        stem = re.sub(r"[^\w.-]+", "-", self._name, flags=re.UNICODE).strip("-.")[:80] or "export"
        moment = to_iso(self._row.due_ms)[:19].replace("-", "").replace(":", "")
        return f"{stem}-{moment}Z.{self._settings.format}"


def _matching(selection: ExportSelection) -> Callable[[str], bool]:
    """Whether a property is wanted. Only ``*`` and ``?`` mean something in a pattern."""
    if not selection.properties:
        return lambda _name: True
    patterns = [re.compile(translate(each.replace("[", "[[]"))) for each in selection.properties]
    return lambda name: any(pattern.match(name) for pattern in patterns)


def _stretches(
    from_ms: int, to_ms: int, width_ms: int, zone: Any, most: int = _BUCKETS_AT_ONCE
) -> Iterator[tuple[int, int]]:
    """What is asked for at once: at most so many whole buckets. The first bucket of a local day begins with it: where
    the day is no multiple of a bucket, its last one is shorter and stands alone."""
    begun = from_ms
    for start, end in days_of(from_ms, to_ms, zone):
        whole = end - (end - start) % width_ms
        while whole - begun > most * width_ms:
            yield begun, begun + most * width_ms
            begun += most * width_ms
        if whole < end:
            if begun < whole:
                yield begun, whole
            yield whole, end
            begun = end
    if begun < to_ms:
        yield begun, to_ms


def _parts(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


async def _ahead(source: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same with the next one asked for while this one is worked on."""
    iterator = aiter(source)

    async def following() -> T | None:
        return await anext(iterator, None)

    waiting = asyncio.create_task(following())
    try:
        while (item := await waiting) is not None:
            waiting = asyncio.create_task(following())
            yield item
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
