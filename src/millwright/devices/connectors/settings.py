"""Settings of the host of connectors."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ConnectorsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[connectors]``: the process that speaks field protocols, and what one of them may use up."""

    enterprises: Annotated[
        bool,
        Meta(
            description="Whether organisations below the one that runs this node may make connections from it. They "
            "would reach what the node reaches in its network: better let them connect by edges of their own.",
        ),
    ] = False
    silence_s: Annotated[
        float,
        Meta(
            description="A session that delivers nothing for so long, and for three of its longest intervals, is asked "
            "for a value; one that does not answer is ended and opened again.",
            ge=1,
        ),
    ] = 30.0
    cancel_s: Annotated[
        float,
        Meta(description="How long a session may take to end when told to; then it is abandoned.", ge=0.1, le=60),
    ] = 5.0
    first_retry_s: Annotated[
        float, Meta(description="Wait before a lost connection is tried again; doubles each time.", gt=0)
    ] = 1.0
    most_retry_s: Annotated[float, Meta(description="Longest wait between two attempts.", gt=0)] = 60.0
    buffer_mb: Annotated[
        int,
        Meta(
            description="Most disk for values that wait while the broker is away, in megabytes; when it is full, "
            "sessions are not read until there is room.",
            ge=1,
            le=65_536,
        ),
    ] = 256
    memory_mb: Annotated[
        int,
        Meta(
            description="Memory above which the process ends itself in order, to be started anew: a connector that "
            "leaks takes no node down.",
            ge=64,
        ),
    ] = 512
    linger_s: Annotated[
        float,
        Meta(description="How long the process stays after a test or browsing while no connection is enabled.", ge=1),
    ] = 300.0
    points: Annotated[int, Meta(description="Most points of one connection.", ge=1, le=1_000_000)] = 20_000
