"""Settings of a connection to a Siemens S7 controller."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class S7Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the controller is, and how it is read."""

    host: Annotated[str, Meta(description="Address of the controller or its CP.", min_length=1, max_length=255)]
    port: Annotated[int, Meta(description="Port of ISO-on-TCP.", ge=1, le=65535)] = 102
    rack: Annotated[int, Meta(description="Rack of the CPU; nearly always 0.", ge=0, le=7)] = 0
    slot: Annotated[
        int,
        Meta(
            description="Slot of the CPU: 1 for S7-1200 and 1500, 2 for S7-300; S7-400: see its hardware.", ge=0, le=31
        ),
    ] = 1
    connection: Annotated[
        Literal["pg", "op", "basic"],
        Meta(description="Which of the CPU's connection resources is used: programmer, panel or other."),
    ] = "op"
    timeout_s: Annotated[float, Meta(description="Longest wait for an answer.", ge=0.1, le=120)] = 5.0
    gap_bytes: Annotated[
        int, Meta(description="Values at most this far apart are read as one block.", ge=0, le=400)
    ] = 16
    encoding: Annotated[
        str, Meta(description="Characters of STRING and CHAR, such as latin-1 or gbk.", max_length=32)
    ] = "latin-1"
