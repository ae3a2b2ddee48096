"""Settings of decoding."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class TelemetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[telemetry]``: the bounds of what a device may send."""

    message_properties: Annotated[
        int, Meta(description="Most properties in one message; more makes it a dead letter.", ge=1, le=100_000)
    ] = 2_000
    device_properties: Annotated[
        int, Meta(description="Most distinct properties of one device; a message with more is a dead letter.", ge=1)
    ] = 10_000
    nesting: Annotated[int, Meta(description="Deepest nesting of objects and arrays in JSON.", ge=1, le=100)] = 16
    text_bytes: Annotated[int, Meta(description="Longest text value, in bytes of UTF-8.", ge=1)] = 8_192
    repeat_memory_s: Annotated[
        float,
        Meta(
            description="How long a message without its own time is remembered, to recognise its repetition (MQTT "
            "DUP); intake frames stay on disk that long.",
            ge=0,
        ),
    ] = 300.0
    repeat_memory_mb: Annotated[
        int, Meta(description="Most intake frames kept on disk for that purpose, in megabytes.", ge=0)
    ] = 1_000
