"""Settings of the devices domain."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class DevicesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[devices]``: the registry and what happens when an unknown device makes contact."""

    arrivals: Annotated[
        Literal["off", "list"],
        Meta(description="`list`: devices that make contact unknown are listed for adoption. `off`: forgotten."),
    ] = "list"
    arrivals_limit: Annotated[
        int, Meta(description="Most arrivals listed; the ones unheard of longest leave first.", ge=1, le=100_000)
    ] = 1000
    arrivals_age_h: Annotated[
        float, Meta(description="An arrival that is not heard of for so many hours is forgotten.", gt=0)
    ] = 168
    adopt_sparkplug: Annotated[
        bool,
        Meta(description="Register a new Sparkplug device below a known edge node at its first birth, unasked."),
    ] = True
    gateway_devices: Annotated[
        int, Meta(description="Most devices that one gateway registers below itself, unasked.", ge=0, le=100_000)
    ] = 10_000
    credentials_per_device: Annotated[int, Meta(description="Most credentials one device may hold.", ge=1, le=1000)] = (
        20
    )
    import_rows: Annotated[int, Meta(description="Most rows in one import.", ge=1, le=1_000_000)] = 100_000
