"""Between batches of readings and the engine's Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millwright.historian.model import Identities, Integers, Kind, ReadingBatch, SeriesInfo, Value
from millwright.historian.query import EARLIEST_MS

_LATER_BITS = 21
_EARLIEST_RECEPTION_S = -2 * 86_400


def prepare(batch: ReadingBatch) -> tuple[pa.Table, pa.Table]:
    """The batch as rows of ``readings`` and of ``latest``, both in the order of their keys.

    The engine takes sorted rows as they are: sorting here costs a tenth of what it costs there, and leaves the newest
    reading of each series at the end of its run.
    """
    batch = batch.take(_order(batch))
    newest = batch.take(np.flatnonzero(np.r_[batch.series[1:] != batch.series[:-1], len(batch) > 0]))
    version = pa.array(versions(newest.time_ms, newest.received_ms))
    return readings_table(batch), readings_table(newest).append_column("version", version)


def versions(time_ms: Integers, received_ms: Integers) -> Identities:
    """What makes one reading of a series newer than another: its source time, then its reception.

    Above, milliseconds since 1900; below, 21 bits: seconds from source time to reception, from two days before it to
    twenty-two after. A correction within the same second, or later still, is newer because it is written later.
    """
    later_s = (received_ms - time_ms) // 1000 - _EARLIEST_RECEPTION_S
    version: Integers = (time_ms - EARLIEST_MS) << _LATER_BITS | later_s.clip(0, (1 << _LATER_BITS) - 1)
    return version.view(np.uint64)


def _order(batch: ReadingBatch) -> npt.NDArray[np.intp]:
    """The rows by series, source time, time of reception.

    Series are hashes and rows of one series mostly come by time. So one sort of plain words, the upper bits of the
    series over the number of the row, nearly always does it; the few other batches take the long way.
    """
    rows = np.arange(len(batch), dtype=np.uint64)
    lower = np.uint64((1 << len(batch).bit_length()) - 1)
    words = (batch.series & ~lower) | rows
    words.sort()
    order = (words & lower).astype(np.intp)
    series, times = batch.series[order], batch.time_ms[order]
    rising = (series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & (times[1:] > times[:-1]))
    return order if rising.all() else np.lexsort((batch.received_ms, batch.time_ms, batch.series))


def readings_table(batch: ReadingBatch) -> pa.Table:
    """The batch as rows of ``readings``; the column of texts is left out when there are none."""
    columns = {
        "series": pa.array(batch.series),
        "time_ms": pa.array(batch.time_ms),
        "number": pa.array(batch.number),
        "received_ms": pa.array(batch.received_ms.view(np.uint64)),
        "kind": pa.array(batch.kind),
        "quality": pa.array(batch.quality),
    }
    if batch.text:
        columns["text"] = _sparse_texts(batch.text, len(batch))
    return pa.table(columns)


def _sparse_texts(text: dict[int, str], length: int) -> pa.Array:
    rows = sorted(text)
    encoded = [storable(text[row]) for row in rows]
    lengths = np.zeros(length + 1, np.int64)
    lengths[np.asarray(rows) + 1] = [len(value) for value in encoded]
    return pa.LargeStringArray.from_buffers(length, pa.py_buffer(np.cumsum(lengths)), pa.py_buffer(b"".join(encoded)))


def storable(text: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON can carry and UTF-8 cannot, becomes a question mark."""
    return text.encode("utf-8", "replace")


def catalogue_table(entries: Sequence[SeriesInfo], now_ms: int) -> pa.Table:
    """Series as rows of ``catalogue``."""
    return pa.table(
        {
            "device_id": pa.array([storable(entry.device_id).decode() for entry in entries], pa.string()),
            "property": pa.array([storable(entry.property).decode() for entry in entries], pa.string()),
            "series": pa.array([entry.series for entry in entries], pa.uint64()),
            "kind": pa.array([int(entry.kind) for entry in entries], pa.uint8()),
            "unit": pa.array([entry.unit for entry in entries], pa.string()),
            "known": pa.array([entry.known for entry in entries], pa.bool_()),
            "updated_ms": pa.array([now_ms] * len(entries), pa.uint64()),
        }
    )


def values(table: pa.Table) -> list[Value]:
    """The values of rows with ``kind``, ``number`` and ``text``, as the API shows them."""
    numbers = table.column("number").to_numpy()
    kinds = table.column("kind").to_numpy()
    finite = np.isfinite(numbers)
    found: list[Value] = numbers.tolist()
    for row in np.flatnonzero((kinds != Kind.NUMBER) | ~finite).tolist():
        if kinds[row] == Kind.TEXT:
            found[row] = table.column("text")[row].as_py()
        elif kinds[row] == Kind.BOOLEAN and finite[row]:
            found[row] = bool(numbers[row])
        else:
            found[row] = None
    return found
