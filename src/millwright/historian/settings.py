"""Settings of the historian."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class HistorianSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[historian]``: how readings are gathered into inserts, and how retention runs."""

    flush_ms: Annotated[
        int, Meta(description="Longest a reading waits for an insert, in milliseconds.", ge=10, le=10_000)
    ] = 400
    flush_rows: Annotated[int, Meta(description="Readings that start an insert at once.", ge=1_000)] = 500_000
    buffer_rows: Annotated[
        int, Meta(description="Readings held in memory before intake has to wait for the engine.", ge=10_000)
    ] = 2_000_000
    reduce_rows: Annotated[
        int,
        Meta(
            description="Readings a question about buckets may fetch to reduce them in the historian, "
            "which is faster up to here; more are reduced by the engine. 0: always by the engine.",
            ge=0,
            le=5_000_000,
        ),
    ] = 1_000_000
    newest_rows: Annotated[
        int,
        Meta(
            description="Series whose newest reading is held in memory, of the devices asked about lately; about "
            "0.2 KB each. 0: the engine is always asked, as it is when the series are on a ClickHouse server.",
            ge=0,
            le=10_000_000,
        ),
    ] = 100_000
    retention_interval_s: Annotated[
        float, Meta(description="How often expired readings are looked for, in seconds.", ge=1)
    ] = 3600.0
