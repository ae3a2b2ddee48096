"""Settings of the host application of Sparkplug."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SparkplugSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sparkplug]``: the host application, and the MQTT servers of others that it signs in at."""

    host_id: Annotated[
        str,
        Meta(
            description="Name of this host application: edge nodes are set to it as their primary host.",
            pattern=r"^[^/+#\s]{1,128}$",
        ),
    ] = "millwright"
    reorder_s: Annotated[
        float,
        Meta(
            description="How long a payload whose number was passed over may be late before the edge node is asked for "
            "its births, in seconds.",
            ge=0,
            le=600,
        ),
    ] = 2.0
    servers: Annotated[
        str,
        Meta(
            description="MQTT servers of others whose registered edge nodes are read too, separated by spaces: "
            "`mqtt://user:password@host:port`, or `mqtts://` with TLS, and `?ca=FILE` for its authority."
        ),
    ] = ""
    max_waiting_mb: Annotated[
        int,
        Meta(
            description="Most of a server's messages that wait to be stored, in megabytes; what comes beyond is lost, "
            "counted, and asked for again as births.",
            ge=1,
        ),
    ] = 64
