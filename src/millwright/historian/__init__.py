"""The historian: every reading of every series, kept exactly once, found again in milliseconds.

Vocabulary: a *series* is one property of one device; a *reading* is a value at its source time; a *bucket* is a stretch
of time reduced to minimum, maximum, mean…; *received* is when this node took the reading in.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.historian.columns import values
    from millwright.historian.live import LivePublisher
    from millwright.historian.model import (
        BOOLEAN,
        NUMBER,
        TEXT,
        Kind,
        Reading,
        ReadingBatch,
        SeriesId,
        SeriesInfo,
        Value,
        series_id,
    )
    from millwright.historian.quality import BAD, GOOD, UNCERTAIN, Quality
    from millwright.historian.query import (
        AGGREGATES,
        EARLIEST_MS,
        LATE_KEPT_DAYS,
        LATEST_MS,
        SETTLED_MS,
        Aggregate,
        Arrivals,
        BucketQuery,
        BucketSeries,
        CatalogueEntry,
        Latest,
        Range,
        RawQuery,
        Storage,
    )
    from millwright.historian.reading import DeviceGate, History
    from millwright.historian.retention import PolicyStore, Retention, RetentionPolicy, RetentionPreview
    from millwright.historian.rights import HISTORY_READ
    from millwright.historian.rpc import HistorianClient, HistorianServer
    from millwright.historian.service import Historian
    from millwright.historian.settings import HistorianSettings

__getattr__ = exports(__name__)

__all__ = [
    "AGGREGATES",
    "EARLIEST_MS",
    "HISTORY_READ",
    "LATEST_MS",
    "LATE_KEPT_DAYS",
    "SETTLED_MS",
    "Aggregate",
    "Arrivals",
    "BucketQuery",
    "BucketSeries",
    "CatalogueEntry",
    "DeviceGate",
    "Historian",
    "HistorianClient",
    "HistorianServer",
    "HistorianSettings",
    "History",
    "Latest",
    "LivePublisher",
    "PolicyStore",
    "Range",
    "RawQuery",
    "Retention",
    "RetentionPolicy",
    "RetentionPreview",
    "Storage",
    "values",
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
