"""Settings of a connection to a BACnet/IP device."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class BacnetSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the device is, and how it is followed."""

    host: Annotated[str, Meta(description="Address of the device.", min_length=1, max_length=255)]
    port: Annotated[int, Meta(description="UDP port of the device.", ge=1, le=65535)] = 47808
    device: Annotated[
        Annotated[int, Meta(ge=0, le=4_194_302)] | None,
        Meta(description="Instance number the device must have; none: whichever answers."),
    ] = None
    timeout_s: Annotated[
        float, Meta(description="Longest wait for an answer; a request is repeated once within it.", ge=0.2, le=120)
    ] = 6.0
    subscribe: Annotated[
        bool, Meta(description="Have changes sent (COV) where the device can; else everything is polled.")
    ] = True
    lifetime_s: Annotated[
        int, Meta(description="Lifetime of a subscription; it is renewed at half of it.", ge=10, le=86_400)
    ] = 300
    check_interval_s: Annotated[
        float, Meta(description="How often subscribed values are read besides, to notice lost ones.", ge=1, le=3600)
    ] = 60.0
    priority: Annotated[
        int, Meta(description="Priority of what we write to commandable objects: 1 (highest) to 16.", ge=1, le=16)
    ] = 16
    objects_at_once: Annotated[
        int, Meta(description="Objects asked by one request, where the device can answer several.", ge=1, le=50)
    ] = 20
