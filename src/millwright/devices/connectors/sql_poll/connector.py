"""The SQL connector and its session."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

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
from millwright.devices.connectors.rows import Picker, parse
from millwright.devices.connectors.sql_poll.query import Database, Mark, QueryFailed, Rows, checked
from millwright.devices.connectors.sql_poll.settings import SqlPollSettings
from millwright.kernel import Invalid, Unavailable


class SqlPollSession(Session):
    """An open connection, and how far it has read."""

    def __init__(self, database: Database, settings: SqlPollSettings, mark: Mark | None) -> None:
        self._database, self._settings, self._mark = database, settings, mark
        self._bad: dict[str, str] = {}
        self._last: dict[str, Sample] = {}
        """By address, what was read last of it: behind the watermark there may be nothing new."""

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says. One query serves all points, at the shortest of their intervals."""
        self._bad.clear()
        interval_s = min((point.interval_ms for point in points), default=60_000) / 1000
        picker = Picker({point.id: parse(point.address) for point in points}, self._settings.time_column)
        addresses = {point.id: point.address for point in points}
        due = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            more = await self._once(picker, addresses, deliver) if points else False
            if not more:
                due += (max(0, int((time.monotonic() - due) / interval_s)) + 1) * interval_s

    async def _once(self, picker: Picker, addresses: dict[str, str], deliver: Deliver) -> bool:
        """One query; returns whether more rows wait."""
        try:
            found = await self._database.rows(self._mark)
            kept, mark = self._behind(found)
        except QueryFailed as error:
            await self._tell([Sample(key, None, None, BAD, str(error)) for key in addresses], deliver)
            return False
        samples = [sample for row in kept for sample in picker.samples(row)]
        self._last.update((addresses[sample.point_id], sample) for sample in samples)
        bad = picker.missing(found.columns)
        if self._mark is None:
            seen = {sample.point_id for sample in [*samples, *bad]}
            bad += [Sample(key, None, None, BAD, "no row") for key in addresses if key not in seen]
        await self._tell([*bad, *samples], deliver)
        if mark is not None and mark != self._mark:
            self._mark = mark
            await asyncio.to_thread(self._keep)
        return found.following is not None

    async def _tell(self, samples: Sequence[Sample], deliver: Deliver) -> None:
        """Deliver, and bad news of the same kind once."""
        ready = []
        for sample in samples:
            if sample.quality == BAD and sample.time_ms is None and self._bad.get(sample.point_id) == sample.note:
                continue
            if sample.quality == BAD:
                self._bad[sample.point_id] = sample.note
            else:
                self._bad.pop(sample.point_id, None)
            ready.append(sample)
        if ready:
            await deliver(ready)

    def _behind(self, found: Rows) -> tuple[Sequence[dict[str, Any]], Mark | None]:
        """The rows to deliver, and the watermark after them."""
        column, rows = self._settings.watermark, found.rows
        if not column or not rows:
            return rows, None
        if column not in found.columns:
            raise QueryFailed(f"the result has no column {column!r} for the watermark")
        marks: list[Any] = [row[column] for row in rows]
        try:
            if any(later < earlier for earlier, later in pairwise(marks)):
                raise QueryFailed(f"the rows are not in the order of {column!r}: add ORDER BY {column}")
            before: Any = self._mark
            if type(marks[0]) is type(before) and marks[0] < before:
                raise QueryFailed(f"rows from before the watermark came: add WHERE {column} > :watermark")
        except TypeError as error:
            raise QueryFailed(f"the column {column!r} is null, or of mixed types") from error
        if found.following is None or found.following[column] != marks[-1]:
            return rows, marks[-1]
        # The rest of those with the last mark were cut off, and would never be asked for again.
        kept = [row for row in rows if row[column] != marks[-1]]
        if not kept:
            raise QueryFailed(f"more than {len(rows)} rows have the same {column!r}: raise max_rows")
        return kept, kept[-1][column]

    def _keep(self) -> None:
        if self._settings.state_file:
            path = Path(self._settings.state_file)
            written = path.with_name(path.name + ".new")
            with written.open("w", encoding="utf-8") as out:
                mark = self._mark
                kind = "time" if isinstance(mark, datetime) else "plain"
                json.dump({kind: mark.isoformat() if isinstance(mark, datetime) else mark}, out, default=float)
                out.flush()
                os.fsync(out.fileno())
            written.replace(path)

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says: of the rows that come now the last, else what was read last."""
        wanted = dict.fromkeys(addresses)
        picker = Picker({address: parse(address) for address in wanted}, self._settings.time_column)
        try:
            found = await self._database.rows(self._mark)
        except QueryFailed as error:
            return [Sample(address, None, None, BAD, str(error)) for address in addresses]
        samples = {address: _named(sample, address) for address, sample in self._last.items()}
        samples |= {sample.point_id: sample for sample in picker.missing(found.columns)}
        samples |= {sample.point_id: sample for row in found.rows for sample in picker.samples(row)}
        return [samples.get(each, Sample(each, None, None, BAD, "no row")) for each in addresses]

    async def identify(self) -> Identity:
        """As the contract says."""
        return Identity(product=self._database.product)

    async def close(self) -> None:
        """As the contract says."""
        await self._database.close()


def _named(sample: Sample, address: str) -> Sample:
    return Sample(address, sample.value, sample.time_ms, sample.quality, sample.note)


class SqlPollConnector(Connector[SqlPollSettings]):
    """Rows of a database."""

    settings = SqlPollSettings
    kind = ConnectorKind(
        key="sql_poll",
        title=Word("SQL database", "SQL 数据库"),
        summary=Word(
            "Values out of the rows of a query, whole or behind a watermark.", "从查询结果的行取值，可按水位只取新行。"
        ),
        capabilities=frozenset(),
        reads_files=True,
        address_hint=Word(
            "A column, as temperature; or of the rows of one tag, as value[tag=T1]",
            "列名，如 temperature；或某一标签的行，如 value[tag=T1]",
        ),
        does_not=Word(
            "No writing, no change capture, no stored procedures; tried with PostgreSQL and SQLite.",
            "不支持写入、变更捕获和存储过程；已在 PostgreSQL 和 SQLite 上验证。",
        ),
    )

    async def open(self, settings: SqlPollSettings) -> SqlPollSession:
        """As the contract says."""
        checked(settings)
        mark = await asyncio.to_thread(_first_mark, settings) if settings.watermark else None
        database = Database(settings)
        try:
            await database.connect()
        except QueryFailed as error:
            await database.close()
            raise Unavailable(
                f"The database cannot be reached: {error}.",
                code="connectors.unreachable",
                hint="Check the URL, that the database is up, and that this node may connect to it.",
            ) from error
        except BaseException:
            await database.close()
            raise
        return SqlPollSession(database, settings, mark)

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says; a query tells no types beforehand."""
        parse(address)
        return None


_READ_MARK: Final[Sequence[Callable[[str], Mark]]] = (int, float, datetime.fromisoformat)


def _first_mark(settings: SqlPollSettings) -> Mark:
    if settings.state_file:
        path = Path(settings.state_file)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return datetime.fromisoformat(kept["time"]) if "time" in kept else kept["plain"]
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise _no_state(settings, "its folder is not there") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _no_state(settings, str(error)) from error
    for read in _READ_MARK if not settings.url.startswith("sqlite") else _READ_MARK[:2]:  # SQLite's times are texts.
        try:
            return read(settings.begin)
        except ValueError:
            continue
    return settings.begin


def _no_state(settings: SqlPollSettings, why: str) -> Invalid:
    return Invalid(
        f"The state file {settings.state_file} cannot be used: {why}.",
        code="connectors.settings_invalid",
        hint="Name a file in a folder that this node may write. To begin anew, remove it and set begin.",
    )
