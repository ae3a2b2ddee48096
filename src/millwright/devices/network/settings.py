"""Settings of watching the network of a site."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class NetworkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[network]``: what is looked at in the network around this node or edge."""

    edge: Annotated[
        bool, Meta(description="An edge looks at its network and tells its parent, inside a process that runs anyway.")
    ] = True
    interval_s: Annotated[
        float, Meta(description="Seconds between two rounds: the tables are read, each peer is asked once.", ge=1)
    ] = 10.0
    probe: Annotated[
        bool,
        Meta(
            description="Ask gateways and the peers that the node talks to anyway by ICMP echo; without, only what the "
            "kernel measured of open connections is told."
        ),
    ] = True
    targets: Annotated[
        tuple[str, ...],
        Meta(description="Further hosts to ask each round: an address, a name, or HOST:PORT for a TCP connection."),
    ] = ()
    peers: Annotated[int, Meta(description="Most peers that are followed.", ge=1, le=1000)] = 128
    slow_ms: Annotated[float, Meta(description="A peer is slow from this latency on, in milliseconds.", gt=0)] = 200.0
    lossy_pct: Annotated[
        float, Meta(description="A link is lossy from this share of lost answers on, in percent.", gt=0, le=100)
    ] = 5.0
    ntp: Annotated[
        str, Meta(description="Time server whose clock this machine's is compared with; empty: none is asked.")
    ] = ""
    clock_ms: Annotated[float, Meta(description="A clock further off than this is told, in milliseconds.", gt=0)] = (
        1000.0
    )
    lldp: Annotated[bool, Meta(description="Hear what switches say of themselves (LLDP); needs CAP_NET_RAW.")] = True
    wire: Annotated[
        bool,
        Meta(
            description="Also count the protocols in frames that pass the interfaces, by their heads; needs "
            "CAP_NET_RAW. Nothing of their content is kept."
        ),
    ] = False
    wire_promiscuous: Annotated[
        bool, Meta(description="Count frames that are for others, too: for an interface at a mirror port.")
    ] = False
    wire_frames: Annotated[
        int, Meta(description="Most frames read a second and interface; others are passed over.", ge=1, le=100_000)
    ] = 1_000
    scan_hosts: Annotated[
        int, Meta(description="Most addresses of a scan that somebody asks for; 0: no scans here.", ge=0, le=65_536)
    ] = 1024
