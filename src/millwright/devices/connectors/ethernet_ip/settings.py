"""Settings of a connection to an EtherNet/IP controller."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class EthernetIpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the controller is, and whether it tells its tags."""

    host: Annotated[
        str, Meta(description="Address of the controller or its module.", pattern=r"^[A-Za-z0-9_.-]{1,255}$")
    ]
    port: Annotated[int, Meta(description="Port of EtherNet/IP.", ge=1, le=65535)] = 44818
    path: Annotated[
        str,
        Meta(
            description="What follows the address on the way to the controller: nothing, its slot (`2`), or a route "
            "(`backplane/2/enet/10.1.2.3/backplane/0`).",
            pattern=r"^[A-Za-z0-9_./-]{0,200}$",
        ),
    ] = ""
    timeout_s: Annotated[float, Meta(description="Longest wait for an answer.", ge=0.1, le=120)] = 10.0
    tags: Annotated[
        Literal["uploaded", "declared"],
        Meta(
            description="`uploaded`: the controller tells its tags and their types. `declared`: it cannot; each "
            "address names the type (`Speed:REAL`)."
        ),
    ] = "uploaded"
