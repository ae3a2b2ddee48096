"""Readings on their way to the engine: kept in order until an insert has succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from millwright.historian.model import ReadingBatch, SeriesId, SeriesInfo


@dataclass(slots=True, frozen=True)
class Taken:
    """Everything that was buffered, as one insert; ``ticket`` is the newest in it."""

    batch: ReadingBatch
    new_series: list[SeriesInfo]
    ticket: int


class ReadingBuffer:
    """Batches in order of arrival; tickets count them."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._batches: list[ReadingBatch] = []
        self._series: dict[SeriesId, SeriesInfo] = {}
        self._ticket = 0
        self._taken = 0
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def fits(self, rows: int) -> bool:
        """Whether so many more may come; an empty buffer takes any batch."""
        return not self._rows or self._rows + rows <= self._most_rows

    def add(self, batch: ReadingBatch, new_series: Sequence[SeriesInfo]) -> int:
        """Keep the batch; returns its ticket."""
        if len(batch):
            self._batches.append(batch)
            self._rows += len(batch)
        self._series.update((entry.series, entry) for entry in new_series)
        self._ticket += 1
        return self._ticket

    def take(self) -> Taken | None:
        """Everything, or None when there is nothing to store or to confirm."""
        if self._ticket == self._taken:
            return None
        taken = Taken(ReadingBatch.concatenate(self._batches), list(self._series.values()), self._ticket)
        self._batches, self._series, self._rows = [], {}, 0
        self._taken = self._ticket
        return taken

    def put_back(self, taken: Taken) -> None:
        """Return what could not be stored to the front."""
        if len(taken.batch):
            self._batches.insert(0, taken.batch)
            self._rows += len(taken.batch)
        self._series = {entry.series: entry for entry in taken.new_series} | self._series
        self._taken = 0
