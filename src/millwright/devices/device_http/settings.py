"""Settings of devices over HTTP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class DeviceHttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[device_http]``: telemetry over HTTP, on the port of the console."""

    enabled: Annotated[bool, Meta(description="Whether devices may send over HTTP.")] = True
    max_body_bytes: Annotated[
        int, Meta(description="Largest request of a device, in bytes.", ge=1024, le=4 * 1024 * 1024)
    ] = 1024 * 1024
    timeout_s: Annotated[
        float, Meta(description="How long a request waits for its message to be durable, in seconds.", gt=0, le=300)
    ] = 10.0
