"""The connector of folders and its session."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from millwright.devices.connectors.contract import (
    BAD,
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Point,
    Sample,
    Session,
    ValueType,
    Word,
)
from millwright.devices.connectors.file_drop.folder import Folder, Found, Unreadable, away
from millwright.devices.connectors.file_drop.settings import FileDropSettings
from millwright.devices.connectors.rows import Picker, parse
from millwright.kernel import Unavailable

T = TypeVar("T")
_FASTEST_S: Final = 0.1
_NOTHING: Final = "no file has told of it"
_MOST_LOOKED_AT: Final = 32_000_000


class FileDropSession(Session):
    """A folder that is there."""

    def __init__(self, folder: Folder, settings: FileDropSettings) -> None:
        self._folder, self._settings = folder, settings

    async def _within(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await asyncio.to_thread(work)
        except TimeoutError as error:
            raise Unavailable(
                f"The file system does not answer within {self._settings.timeout_s:g} s.",
                code="connectors.no_answer",
                hint="Look at the disk, or the server that the folder is mounted from.",
            ) from error
        except OSError as error:
            raise away(self._folder.path, error) from error

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says. With times in the rows, what the newest file that is done told is delivered first."""
        interval_s = max(_FASTEST_S, min((point.interval_ms for point in points), default=60_000) / 1000)
        picker = Picker({point.id: parse(point.address) for point in points}, self._settings.time_column)
        await self._within(self._folder.claim)
        try:
            silent = {point.id for point in points}

            async def tell(samples: Sequence[Sample]) -> None:
                silent.difference_update(sample.point_id for sample in samples)
                await deliver(samples)

            if points:
                await self._begin(picker, tell)
            due = time.monotonic()
            while True:
                for found in await self._within(self._folder.whole) if points else ():
                    await self._take(found, picker, tell)
                if silent:
                    await tell([Sample(each, None, None, BAD, _NOTHING) for each in sorted(silent)])
                due = max(due + interval_s, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
        finally:
            self._folder.release()

    async def _begin(self, picker: Picker, deliver: Deliver) -> None:
        last = await self._within(lambda: self._newest(picker, waiting_too=False))
        # A value without a time of its own would look as if it were new.
        if ready := [sample for sample in last.values() if sample.time_ms is not None]:
            await deliver(ready)

    def _newest(self, picker: Picker, waiting_too: bool) -> dict[str, Sample]:
        found = self._folder.newest(waiting_too)
        last: dict[str, Sample] = {}
        if found is not None and found.size <= _MOST_LOOKED_AT:
            with contextlib.suppress(Unreadable):
                for row in self._folder.rows(found):
                    last.update((sample.point_id, sample) for sample in picker.samples(row))
        return last

    async def _take(self, found: Found, picker: Picker, deliver: Deliver) -> None:
        taken = await self._within(lambda: self._folder.taken(found))
        rows = self._folder.rows(found, taken)
        size = self._settings.batch_rows
        why = ""
        while True:
            batch: list[Mapping[str, Any]] = []
            try:
                await self._within(lambda into=batch: _fill(into, rows, size))  # type: ignore[misc]
            except Unreadable as error:
                why = str(error)
            samples = [sample for row in batch for sample in picker.samples(row)]
            if samples:
                await deliver(samples)
            taken += len(batch)
            if why or len(batch) < size:
                break
            await self._within(lambda rows_taken=taken: self._folder.take(found, rows_taken))  # type: ignore[misc]
        await self._within(lambda: self._folder.put_away(found, why))

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says: the last of each in the newest file, whether it waits or is done."""
        picker = Picker({each: parse(each) for each in addresses}, self._settings.time_column)
        last = await self._within(lambda: self._newest(picker, waiting_too=True))
        return [last.get(each, Sample(each, None, None, BAD, _NOTHING)) for each in addresses]

    async def identify(self) -> Identity:
        """As the contract says: the newest file, and the columns that can be addressed."""
        return await self._within(self._look)

    def _look(self) -> Identity:
        found = self._folder.newest(waiting_too=True)
        if found is None:
            return Identity(note=f"No file like {self._settings.pattern} is in the folder yet.")
        try:
            first = next(self._folder.rows(found), {})
        except Unreadable as error:
            return Identity(product=found.path.name, note=f"It cannot be read: {error}.")
        note = f"Columns: {', '.join(first)}"[:500] if first else "It has no rows."
        return Identity(product=found.path.name, note=note)

    async def close(self) -> None:
        """As the contract says."""
        self._folder.release()


def _fill(batch: list[Mapping[str, Any]], rows: Iterator[Mapping[str, Any]], size: int) -> None:
    """What was read before a row that cannot be stays in the batch."""
    for row in itertools.islice(rows, size):
        batch.append(row)  # noqa: PERF402 - an error in between must not lose those before


class FileDropConnector(Connector[FileDropSettings]):
    """CSV files in a folder."""

    settings = FileDropSettings
    kind = ConnectorKind(
        key="file_drop",
        title=Word("CSV files", "CSV 文件"),
        summary=Word(
            "Values out of CSV files that appear in a folder; each is read whole, once, and moved.",
            "读取文件夹中出现的 CSV 文件；每个文件完整读取一次后移走。",
        ),
        capabilities=frozenset(),
        reads_files=True,
        address_hint=Word(
            "A column, as temperature; or of the rows of one tag, as value[tag=T1]",
            "列名，如 temperature；或某一标签的行，如 value[tag=T1]",
        ),
        does_not=Word(
            "No Excel, Parquet or compressed files, no subfolders, no FTP or SFTP (mount them).",
            "不支持 Excel、Parquet 和压缩文件，不读子文件夹，不支持 FTP/SFTP（请先挂载）。",
        ),
        standard="RFC 4180",
    )

    async def open(self, settings: FileDropSettings) -> FileDropSession:
        """As the contract says."""
        session = FileDropSession(folder := Folder(settings), settings)
        await session._within(folder.check)
        return session

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says; a file tells no types beforehand."""
        parse(address)
        return None
