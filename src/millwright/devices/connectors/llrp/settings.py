"""Settings of a connection to an RFID reader."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class LlrpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the reader is, and how it is to look for tags."""

    host: Annotated[str, Meta(description="Address of the reader.", min_length=1, max_length=255)]
    port: Annotated[int, Meta(description="Its LLRP port, usually 5084.", ge=1, le=65535)] = 5084
    timeout_s: Annotated[float, Meta(description="Longest wait for an answer.", ge=0.1, le=120)] = 5.0
    version: Annotated[
        Literal["1.0.1", "1.1"], Meta(description="Version of the protocol; readers of 1.1 speak 1.0.1 as well.")
    ] = "1.0.1"
    antennas: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(description="Antennas to use; none: all of them.", max_length=64),
    ] = ()
    report_ms: Annotated[
        int, Meta(description="How long a round of inventory takes, after which it is reported.", ge=50, le=60_000)
    ] = 500
    keepalive_s: Annotated[
        float,
        Meta(
            description="How often the reader gives a sign of life; three missing: it is lost.",
            ge=0.2,
            le=600,
        ),
    ] = 10.0
    rospec_id: Annotated[
        int, Meta(description="Number of our ROSpec; one of this number is replaced.", ge=1, le=4_294_967_295)
    ] = 5084
    take_over: Annotated[
        bool, Meta(description="Stop other ROSpecs of the reader, which would report into this connection as well.")
    ] = False
