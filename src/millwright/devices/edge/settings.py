"""Settings of edges, at the parent and at the edge itself."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class EdgesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[edges]``: the edges below this node."""

    port: Annotated[
        int, Meta(description="Port where edges come in, usually 7422; 0: no edges may join.", ge=0, le=65535)
    ] = 0
    host: Annotated[str, Meta(description="Address that port listens on.")] = "0.0.0.0"
    public_host: Annotated[
        str, Meta(description="Host name or address that edges reach that port at. Empty: that of [web] public_url.")
    ] = ""
    code_hours: Annotated[float, Meta(description="How long a code for joining is valid, in hours.", gt=0, le=720)] = 24


class EdgeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[edge]``: this node as an edge of another, after ``millwright edge join``."""

    console: Annotated[bool, Meta(description="Serve the console and the API at the edge too; costs memory.")] = False
    parent_reaches: Annotated[
        Literal["machine", "network", "nothing"],
        Meta(
            description="What connections that the parent places here may reach: `machine` (network, serial ports, and "
            "files outside the data folder), `network` alone, or `nothing`."
        ),
    ] = "machine"
    backlog_mb: Annotated[
        int,
        Meta(
            description="Most disk for what is not with the parent yet, in megabytes; beyond it the oldest is given up "
            "(local history keeps it) and the node says so.",
            ge=16,
        ),
    ] = 4096
    backlog_days: Annotated[
        float, Meta(description="What is older and not with the parent yet is given up, in days.", gt=0)
    ] = 30
    kept_hours: Annotated[
        float,
        Meta(
            description="How long frames stay after the parent stored them, in hours: a parent restored from a backup "
            "gets them again.",
            ge=0,
        ),
    ] = 24
    live_after_s: Annotated[
        float, Meta(description="When the backlog is older than this, new data goes first, in seconds.", gt=0)
    ] = 5
