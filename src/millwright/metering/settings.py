"""Settings of metering."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MeteringSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[metering]``: when days begin, and how quotas are kept."""

    utc_offset_h: Annotated[
        int,
        Meta(
            description="Hours that local time is ahead of UTC: days and months of usage and statements begin by it.",
            ge=-12,
            le=14,
        ),
    ] = 0
    flush_s: Annotated[
        float,
        Meta(
            description="How often API calls are written down; a killed process forgets so many seconds of them.",
            gt=0,
            le=60,
        ),
    ] = 1.0
    watch_s: Annotated[float, Meta(description="How often limits and what was used of them are read.", gt=0, le=60)] = (
        2.0
    )
    quota_grace_s: Annotated[
        float,
        Meta(description="How long connected devices may go on after a hard quota is used up.", ge=0, le=86_400),
    ] = 60.0
