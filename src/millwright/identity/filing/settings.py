"""Settings of filing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class FilingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[filing]``: filing prefixes with nodes above, and reporting to them."""

    look_s: Annotated[float, Meta(description="Seconds between two looks for what is to be sent.", gt=0, le=600)] = 2.0
    answer_s: Annotated[
        float, Meta(description="Seconds that a node above has for a whole answer.", ge=0.1, le=600)
    ] = 20.0
    retry_first_s: Annotated[
        float,
        Meta(
            description="Seconds until a node above that failed is tried again; twice as many after each failure, "
            "by chance up to a quarter more or less.",
            gt=0,
            le=3600,
        ),
    ] = 5.0
    retry_most_s: Annotated[float, Meta(description="Most seconds between two attempts.", gt=0, le=86_400)] = 3600.0
    poll_s: Annotated[
        float,
        Meta(
            description="Seconds until a node above is asked again about a filing that it, or a node above it, has "
            "not decided; up to twenty times as many the longer that takes.",
            gt=0,
            le=86_400,
        ),
    ] = 30.0
    clock_ahead_s: Annotated[
        float,
        Meta(description="How far the clock of a node below may be ahead of this one's, in seconds.", ge=1, le=86_400),
    ] = 300.0
