"""Settings of sensing and place."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class LocationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[location]``: who is where."""

    events_days: Annotated[
        float, Meta(description="How long entries, stays and exits are kept, in days.", gt=0, le=36_500)
    ] = 730
    trail_days: Annotated[float, Meta(description="How long the trail of a tag is kept, in days.", gt=0, le=36_500)] = (
        30
    )
    backlog_mb: Annotated[
        int,
        Meta(
            description="Most messages that wait for the tracker while it is away, in megabytes; beyond it the oldest "
            "are given up for it (history has them).",
            ge=16,
        ),
    ] = 512
    stale_s: Annotated[
        float,
        Meta(description="An event that is known so much later than it happened moves no machine.", gt=0, le=3600),
    ] = 30
    most_zones: Annotated[int, Meta(description="Most zones of one organisation.", ge=1, le=100_000)] = 1_000
    most_rules: Annotated[int, Meta(description="Most rules of feedback of one organisation.", ge=1, le=100_000)] = (
        1_000
    )
    most_tags: Annotated[
        int,
        Meta(
            description="Most tags of one organisation, both written down and followed; what is seen first beyond it "
            "is not followed.",
            ge=1,
            le=10_000_000,
        ),
    ] = 100_000
