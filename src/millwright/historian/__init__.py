"""The historian: every reading of every series, kept exactly once, found again in milliseconds.

Vocabulary: a *series* is one property of one device; a *reading* is a value at its source time; a *bucket* is a stretch
of time reduced to minimum, maximum, mean…; *received* is when this node took the reading in.
"""

from millwright.historian.model import (
    BAD,
    BOOLEAN,
    GOOD,
    NUMBER,
    TEXT,
    UNCERTAIN,
    Kind,
    Quality,
    Reading,
    ReadingBatch,
    SeriesId,
    SeriesInfo,
    Value,
    series_id,
)

__all__ = [
    "BAD",
    "BOOLEAN",
    "GOOD",
    "NUMBER",
    "TEXT",
    "UNCERTAIN",
    "Kind",
    "Quality",
    "Reading",
    "ReadingBatch",
    "SeriesId",
    "SeriesInfo",
    "Value",
    "series_id",
]
