"""Settings of the web host."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class WebSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[web]``: the HTTP API and the console."""

    host: Annotated[
        str, Meta(description="Address to listen on; `0.0.0.0` or `::` for every network.", min_length=1)
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on.", ge=1, le=65535)] = 8420
    certificate: Annotated[
        str, Meta(description="PEM file with the TLS certificate and its chain. Empty: plain HTTP.")
    ] = ""
    key: Annotated[str, Meta(description="PEM file with the private key of `certificate`.")] = ""
    public_url: Annotated[
        str,
        Meta(
            description="Where browsers reach this node when that is not `host`:`port`, such as "
            "`https://plant.example.com`.",
            pattern=r"^(https?://[^/\s]+/?)?$",
        ),
    ] = ""
    hosts: Annotated[
        list[str],
        Meta(
            description="Further names under which this node is reached. Its numbers, `localhost`, the machine's name "
            "and the name in `public_url` always are; a request for any other name is refused."
        ),
    ] = []
    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses of reverse proxies whose `X-Forwarded-For` and `-Proto` are believed."),
    ] = []
    session_hours: Annotated[
        float, Meta(description="A session ends this many hours after it was last used.", gt=0, le=720)
    ] = 12.0
    body_timeout_s: Annotated[
        float, Meta(description="A request body of which nothing comes for so long is given up, in seconds.", gt=0)
    ] = 30.0
    max_body_bytes: Annotated[int, Meta(description="Largest request body, in bytes.", ge=1024)] = 16 * 1024 * 1024
    max_streams: Annotated[int, Meta(description="Most live streams open at once.", ge=1)] = 500
