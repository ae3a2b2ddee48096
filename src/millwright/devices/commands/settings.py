"""Settings of commands."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class CommandsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[commands]``: writing properties and calling services of devices."""

    timeout_s: Annotated[
        float, Meta(description="How long the effect of a command may take once it is sent.", ge=0.5, le=3600)
    ] = 15.0
    expires_s: Annotated[
        float, Meta(description="How long a command waits for a device that is away.", ge=0, le=2_592_000)
    ] = 3600.0
    reason: Annotated[
        Literal["optional", "required"], Meta(description="`required`: whoever commands a device must say why.")
    ] = "optional"
    queue_per_device: Annotated[int, Meta(description="Most commands that wait for one device.", ge=1, le=10_000)] = 100
    kept_per_device: Annotated[
        int, Meta(description="Most ended commands kept of one device; the ledger keeps all.", ge=10, le=1_000_000)
    ] = 1000
    interlocks: Annotated[int, Meta(description="Most interlocks of one organisation.", ge=1, le=100_000)] = 1000
