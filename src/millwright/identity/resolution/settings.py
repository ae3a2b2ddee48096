"""Settings of resolution over HTTP."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ResolutionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[resolution]``: what anybody may ask over HTTP, and how much of it."""

    name: Annotated[str, Meta(description="Name of this resolver, in its description and on its pages.")] = "Millwright"
    host: Annotated[
        str, Meta(description="Address on which the role `resolver` answers over HTTP, when it has a `port`.")
    ] = "0.0.0.0"
    port: Annotated[
        int,
        Meta(
            description="Port on which the role `resolver` answers over HTTP by itself, beside the role `web`, which "
            "always does. 0: none.",
            ge=0,
            le=65535,
        ),
    ] = 0
    certificate: Annotated[
        str, Meta(description="PEM file with the TLS certificate of that port and its chain. Empty: plain HTTP.")
    ] = ""
    key: Annotated[str, Meta(description="PEM file with the private key of `certificate`.")] = ""
    public_url: Annotated[
        str,
        Meta(
            description="Where the public reaches this resolver, such as `https://id.example.com`: the root of every "
            "address it gives. Empty: whatever it was asked by.",
            pattern=r"^(https?://[^/\s]+/?)?$",
        ),
    ] = ""
    requests_per_s: Annotated[
        float,
        Meta(description="Requests a second of one address; as many as ten seconds' worth at once. 0: any.", ge=0),
    ] = 200.0
    misses_per_min: Annotated[
        float,
        Meta(
            description="Questions of one address a minute that find nothing, before it is told nothing more: guessing "
            "what is registered does not pay. 0: any.",
            ge=0,
        ),
    ] = 120.0
    secrets_without_tls: Annotated[
        bool,
        Meta(description="Take a Handle administrator's secret over plain HTTP from other machines, too."),
    ] = False
    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses of reverse proxies whose `X-Forwarded-For` and `-Proto` the resolver believes."),
    ] = []
    session_s: Annotated[
        float, Meta(description="A Handle administrator's session ends when it was not used for so long.", gt=0)
    ] = 600.0
    unproven_session_s: Annotated[
        float,
        Meta(description="A session in which nobody has answered the challenge ends so long after its opening.", gt=0),
    ] = 60.0
    max_sessions: Annotated[
        int,
        Meta(
            description="Most sessions of Handle administrators; at most half of them such as nobody has answered in.",
            ge=1,
        ),
    ] = 2_000
    max_body_bytes: Annotated[int, Meta(description="Largest body of a change.", ge=1024)] = 1_000_000
    max_page: Annotated[int, Meta(description="Most handles in one page of a list.", ge=1)] = 10_000
