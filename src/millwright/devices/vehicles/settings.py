"""Settings of vehicles."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class VehiclesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[vehicles]``: terminals and platforms that speak GB/T 32960, and where they are forwarded to."""

    host: Annotated[str, Meta(description="Address that the ports listen on.")] = "0.0.0.0"
    port: Annotated[int, Meta(description="Port for plain connections, usually 32960; 0: none.", ge=0, le=65535)] = 0
    tls_port: Annotated[int, Meta(description="Port for connections over TLS; 0: none.", ge=0, le=65535)] = 0
    certificate: Annotated[
        str, Meta(description="File with the certificate chain in PEM, for tls_port. Empty: that of [tls] or [web].")
    ] = ""
    key: Annotated[str, Meta(description="File with the certificate's private key in PEM.")] = ""
    max_connections: Annotated[int, Meta(description="Connections open at once, on both ports.", ge=1)] = 20_000
    max_new_per_address: Annotated[
        int, Meta(description="Connections of one address that have not logged in yet.", ge=1)
    ] = 200
    login_s: Annotated[
        float, Meta(description="Time a terminal or platform has to log in, in seconds.", gt=0, le=300)
    ] = 15.0
    login_tries: Annotated[
        int, Meta(description="Refused logins after which a connection is closed.", ge=1, le=100)
    ] = 3
    idle_s: Annotated[
        float, Meta(description="A connection that nothing was heard of for so long is closed, in seconds.", gt=0)
    ] = 180.0
    frame_s: Annotated[
        float, Meta(description="Time a message may take from its first byte to its last, in seconds.", gt=0, le=600)
    ] = 30.0
    max_noise_bytes: Annotated[
        int, Meta(description="Bytes that belong to no message, after which a connection is closed.", ge=1024)
    ] = 65_536
    max_uncommitted_mb: Annotated[
        int, Meta(description="Above this much taken and not yet durable nothing more is read, in megabytes.", ge=1)
    ] = 16
    forward: Annotated[
        str,
        Meta(
            description="Public platforms that everything is forwarded to, separated by spaces: "
            "`gbt32960+tls://user:password@host:port?code=CODE`, or `gbt32960://` without TLS."
        ),
    ] = ""
    forward_days: Annotated[
        float, Meta(description="How long what is to be forwarded is kept while a platform is away, in days.", gt=0)
    ] = 14
    forward_mb: Annotated[
        int, Meta(description="Most disk for what is to be forwarded, in megabytes; then the oldest goes.", ge=16)
    ] = 4096
