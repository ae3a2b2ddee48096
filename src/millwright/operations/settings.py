"""Settings of rules and alarms."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class OperationsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[operations]``: rules and alarms."""

    backfill_s: Annotated[
        float,
        Meta(
            description="A reading received more than so many seconds after its source time is history: it raises "
            "no alarm and ends none.",
            gt=0,
        ),
    ] = 900
    evidence_before_s: Annotated[
        float, Meta(description="Seconds of readings before an alarm that are kept with it.", ge=0, le=86_400)
    ] = 300
    evidence_after_s: Annotated[
        float, Meta(description="Seconds of readings after an alarm was raised that are kept with it.", ge=0, le=3600)
    ] = 60
    rules_limit: Annotated[int, Meta(description="Most rules.", ge=1, le=100_000)] = 10_000
