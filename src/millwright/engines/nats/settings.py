"""Settings of the message engine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class NatsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[nats]``: where the broker is, or how the embedded one runs."""

    url: Annotated[str, Meta(description="Servers, comma separated. Empty: run nats-server inside this node.")] = ""
    ca: Annotated[
        str, Meta(description="PEM file with the authorities of the servers in `url`. Empty: those of this machine.")
    ] = ""
    certificate: Annotated[
        str, Meta(description="PEM file with the certificate that this node shows to the servers in `url`.")
    ] = ""
    key: Annotated[str, Meta(description="PEM file with the private key of `certificate`.")] = ""
    host: Annotated[str, Meta(description="Address the embedded server listens on.")] = "127.0.0.1"
    port: Annotated[
        int, Meta(description="Port the embedded server listens on; 0: any free one, kept.", ge=0, le=65535)
    ] = 0
    secret: Annotated[
        str,
        Meta(
            description="What clients and the other servers of the cluster show to the embedded server. "
            "Empty: one made for this folder; all servers of a cluster need the same."
        ),
    ] = ""
    cluster_port: Annotated[
        int,
        Meta(
            description="Port on which the embedded server meets the other servers of a cluster; 0: it stands alone.",
            ge=0,
            le=65535,
        ),
    ] = 0
    routes: Annotated[
        str,
        Meta(description="The other servers of the cluster as `address:cluster_port`, comma separated."),
    ] = ""
    replicas: Annotated[
        int,
        Meta(
            description="Servers of the cluster that keep each stream; 0: three where the server belongs to a cluster, "
            "else one.",
            ge=0,
            le=5,
        ),
    ] = 0
    sync: Annotated[
        str,
        Meta(
            description="When JetStream forces data to the disk: `always` survives a power cut, "
            "a duration such as `10s` survives a crash of any process."
        ),
    ] = "10s"
    max_store_gb: Annotated[
        float, Meta(description="Most disk JetStream may use, in gigabytes; 0: three quarters of what is free.", ge=0)
    ] = 0
