"""Batches whose sum tells whether each reading is there exactly once."""

from __future__ import annotations

import numpy as np

from millwright.historian import ReadingBatch, series_id

ROWS, DEVICES = 50_000, 50
T0 = 1_748_700_000_000  # a day before a month ends, so that every batch has rows in two partitions
_MONTH_MS = 31 * 86_400_000


def batch(number: int) -> ReadingBatch:
    """Batch ``number``: half of its readings a month later; the value of each reading is its place."""
    place = np.arange(number * ROWS, (number + 1) * ROWS)
    names = np.array([series_id(f"dev_{device}", "x") for device in range(DEVICES)], np.uint64)
    times = T0 + place * 10 + np.where(place % 2 == 0, 0, _MONTH_MS)
    return ReadingBatch(
        names[(place // 2) % DEVICES],
        times.astype(np.int64),
        np.full(ROWS, T0 + number, np.int64),
        place.astype(np.float64),
        np.zeros(ROWS, np.uint8),
        np.full(ROWS, 192, np.uint8),
    )


def expected_sum(batches: int) -> float:
    """The sum of every value of the first ``batches`` batches."""
    total = batches * ROWS
    return total * (total - 1) / 2
