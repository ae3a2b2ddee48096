"""From pages of history to the rows of a file: columns, in the export's time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from millwright.historian import Aggregate, BucketSeries, CatalogueEntry, Kind

_QUARTER_MS = 900_000
_KINDS = pa.array(["number", "boolean", "text"])

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """A series and how its device is called."""

    entry: CatalogueEntry
    device: str


def schema_of(zone: ZoneInfo, aggregates: Sequence[Aggregate] | None) -> pa.Schema:
    """The columns of a file: of readings, or of buckets with ``aggregates``."""
    moment = pa.timestamp("ms", zone.key)
    fields = [
        pa.field("time", moment, nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("device_id", pa.string(), nullable=False),
        pa.field("property", pa.string(), nullable=False),
        pa.field("unit", pa.string()),
    ]
    if aggregates is None:
        fields += [
            pa.field("number", pa.float64()),
            pa.field("text", pa.string()),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("quality", pa.uint8(), nullable=False),
            pa.field("received", moment, nullable=False),
        ]
    else:
        fields += [pa.field("count", pa.int64(), nullable=False), pa.field("bad", pa.int64(), nullable=False)]
        fields += [pa.field(name, pa.float64()) for name in aggregates if name != "count"]
    return pa.schema(fields)


def rows_of_readings(page: pa.Table, series: Series, schema: pa.Schema) -> pa.Table:
    """A page of readings as rows of the file. A number that is none (NaN, infinite) and a text have no ``number``."""
    count, moment = page.num_rows, schema.field("time").type
    kind = page.column("kind")
    number, is_text = page.column("number"), pc.equal(kind, int(Kind.TEXT))
    plain = pc.and_(pc.invert(is_text), pc.is_finite(number))
    return pa.table(
        [
            page.column("time_ms").cast(pa.int64()).cast(moment),
            *_names(series, count),
            pc.if_else(plain, number, pa.scalar(None, pa.float64())),
            pc.if_else(is_text, page.column("text").cast(pa.string()), pa.scalar(None, pa.string())),
            pc.take(_KINDS, kind),
            page.column("quality").cast(pa.uint8()),
            page.column("received_ms").cast(pa.int64()).cast(moment),
        ],
        schema=schema,
    )


def rows_of_buckets(found: BucketSeries, series: Series, schema: pa.Schema) -> pa.Table:
    """Buckets of one series as rows of the file; what only breaks a line between two is left out."""
    table = pa.table(
        [
            pa.array(found.time_ms, pa.int64()).cast(schema.field("time").type),
            *_names(series, len(found.time_ms)),
            pa.array(found.count, pa.int64()),
            pa.array(found.bad, pa.int64()),
            *(pa.array(found.values[field.name], pa.float64()) for field in list(schema)[7:]),
        ],
        schema=schema,
    )
    counted = pc.greater(pc.add(table.column("count"), table.column("bad")), 0)
    if "twm" in schema.names:
        counted = pc.or_(counted, pc.is_valid(table.column("twm")))
    return table.filter(counted)


def _names(series: Series, count: int) -> list[pa.Array]:
    entry = series.entry
    texts = (series.device, entry.device_id, entry.property)
    unit = pa.nulls(count, pa.string()) if entry.unit is None else pa.repeat(pa.scalar(entry.unit), count)
    return [*(pa.repeat(pa.scalar(text, pa.string()), count) for text in texts), unit]


class LocalTimes:
    """Times as people read them in one zone. Offsets are looked up once for each quarter of an hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._utc = zone.key.upper() in ("UTC", "ETC/UTC")

    def local_ms(self, times: pa.ChunkedArray) -> tuple[Integers, Integers]:
        """Milliseconds of the local clock since 1970, and the offset from UTC in minutes, of each time."""
        at: Integers = times.cast(pa.int64()).to_numpy()
        if self._utc:
            return at, np.zeros(len(at), np.int64)
        quarters, where = np.unique(at // _QUARTER_MS, return_inverse=True)
        minutes = np.array([self._minutes(int(each)) for each in quarters], np.int64)[where]
        return at + minutes * 60_000, minutes

    def _minutes(self, quarter: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=quarter * _QUARTER_MS)
        offset = moment.astimezone(self._zone).utcoffset()
        return 0 if offset is None else round(offset.total_seconds() / 60)

    def texts(self, times: pa.ChunkedArray) -> pa.Array:
        """ISO 8601 with milliseconds and the offset."""
        local, minutes = self.local_ms(times)
        shown = pc.strftime(pa.array(local, pa.timestamp("ms")), format="%Y-%m-%dT%H:%M:%S")
        offsets, where = np.unique(minutes, return_inverse=True)
        names = pa.array([_offset(int(each)) for each in offsets], pa.string())
        return pc.binary_join_element_wise(shown, pc.take(names, pa.array(where)), "")


def _offset(minutes: int) -> str:
    if minutes == 0:
        return "Z"
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{size // 60:02d}:{size % 60:02d}"
