"""Requests and replies on the bus: msgpack for plain data, an Arrow stream for rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from millwright.historian.model import Kind, ReadingBatch, SeriesInfo
from millwright.historian.query import BucketSeries, Latest
from millwright.historian.retention import RetentionPolicy
from millwright.kernel import Invalid

PREFIX = "rpc.historian."
REPLY_BYTES = 3 << 20
"""Rows in one reply take about this much at most; the broker's limit is 8 MiB."""
BUCKETS_A_REPLY = 30_000
"""Buckets in one reply: seven aggregates of as many take about two megabytes."""

_NEXT = b"next"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")

T = TypeVar("T")


class DevicesRequest(msgspec.Struct, frozen=True):
    """Rows about devices, from the row ``offset`` on; ``device_ids`` None: about all."""

    device_ids: list[str] | None = None
    offset: int = 0


class BucketsReply(msgspec.Struct, frozen=True):
    """Answer to a ``BucketQuery``."""

    series: list[BucketSeries]


class LatestReply(msgspec.Struct, frozen=True):
    """Newest readings from the row asked for on, and where the next ones begin."""

    rows: list[Latest]
    following: int | None


class PreviewRequest(msgspec.Struct, frozen=True):
    """Retention policies that an organisation might set, in the order in which they are tried."""

    policies: list[RetentionPolicy]
    organisation_id: str


class WriteRequest(msgspec.Struct, frozen=True):
    """Readings as columns (each as its bytes) and the series that are news: (device, property, kind, unit, known)."""

    series: bytes
    time_ms: bytes
    received_ms: bytes
    number: bytes
    kind: bytes
    quality: bytes
    text: dict[int, str]
    news: list[tuple[str, str, int, str | None, bool]]

    @classmethod
    def of(cls, batch: ReadingBatch, news: Sequence[SeriesInfo]) -> WriteRequest:
        """A batch to be written."""
        named = [(each.device_id, each.property, int(each.kind), each.unit, each.known) for each in news]
        return cls(
            batch.series.tobytes(),
            batch.time_ms.tobytes(),
            batch.received_ms.tobytes(),
            batch.number.tobytes(),
            batch.kind.tobytes(),
            batch.quality.tobytes(),
            batch.text,
            named,
        )

    def batch(self) -> ReadingBatch:
        """The readings. Raises ``Invalid`` (``historian.request_unreadable``) when the columns do not fit."""
        kinds = (np.uint64, np.int64, np.int64, np.float64, np.uint8, np.uint8)
        given = (self.series, self.time_ms, self.received_ms, self.number, self.kind, self.quality)
        try:
            columns: list[Any] = [np.frombuffer(data, kind) for data, kind in zip(given, kinds, strict=True)]
        except ValueError as error:
            raise _unreadable(error) from error
        if len({len(column) for column in columns}) != 1:
            raise _unreadable("its columns are not of one length")
        series, time_ms, received_ms, number, kind, quality = columns
        return ReadingBatch(series, time_ms, received_ms, number, kind, quality, self.text)

    def series_news(self) -> list[SeriesInfo]:
        """The series that are news."""
        return [SeriesInfo.of(device, name, Kind(kind), unit, known) for device, name, kind, unit, known in self.news]


def encode(message: msgspec.Struct) -> bytes:
    """As msgpack."""
    return msgspec.msgpack.encode(message)


def decode(payload: bytes, kind: type[T]) -> T:
    """From msgpack. Raises ``Invalid`` (``historian.request_unreadable``)."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def _unreadable(why: object) -> Invalid:
    return Invalid(
        f"The request cannot be read: {why}",
        code="historian.request_unreadable",
        hint="Run the same version of Millwright in every role.",
    )


def encode_latest(rows: Sequence[Latest], offset: int) -> bytes:
    """As many of the rows from ``offset`` on as one reply may take."""
    count = len(rows) - offset
    while True:
        end = offset + count
        reply = encode(LatestReply(list(rows[offset:end]), end if end < len(rows) else None))
        if len(reply) <= REPLY_BYTES or count <= 1:
            return reply
        count = max(1, min(count // 2, count * REPLY_BYTES // len(reply)))


def encode_rows(table: pa.Table, following: int | None) -> bytes:
    """Rows, and where the next ones begin."""
    if following is not None:
        table = table.replace_schema_metadata({_NEXT: str(following).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_COMPRESSED) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def decode_rows(payload: bytes) -> tuple[pa.Table, int | None]:
    """What :func:`encode_rows` made."""
    with pa.ipc.open_stream(pa.py_buffer(payload)) as reader:
        table = reader.read_all()
    following = (table.schema.metadata or {}).get(_NEXT)
    return table.replace_schema_metadata(None), int(following) if following is not None else None


def page(table: pa.Table, offset: int) -> tuple[pa.Table, int | None]:
    """The rows from ``offset`` on that fit one reply, and the offset of the rest."""
    rest = table.slice(offset)
    rows = rest.num_rows
    if rest.nbytes > REPLY_BYTES:
        rows = max(1, rows * REPLY_BYTES // rest.nbytes)
        while rows > 1 and rest.slice(0, rows).nbytes > 2 * REPLY_BYTES:
            rows //= 2
    return rest.slice(0, rows), offset + rows if rows < rest.num_rows else None
