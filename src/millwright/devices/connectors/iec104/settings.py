"""Settings of a connection to an IEC 60870-5-104 station."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

PEM = {"secret": True}


class Iec104Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the station is, how its frames are laid out, and what it is asked for."""

    hosts: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...],
        Meta(
            description="Addresses of the station, tried in order: `10.0.0.5`, or `10.0.0.5:2405` with a port.",
            min_length=1,
            max_length=8,
        ),
    ]
    port: Annotated[int, Meta(description="Port where none is given; usual: 2404, with TLS 19998.", ge=1, le=65535)] = (
        2404
    )
    timeout_s: Annotated[
        float, Meta(description="Longest wait for the answer to a command or an interrogation.", ge=0.1, le=300)
    ] = 10.0
    common_addresses: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(description="Stations to interrogate; none: all of them by the global address.", max_length=64),
    ] = ()
    originator: Annotated[int, Meta(description="Our originator address, 0: none.", ge=0, le=255)] = 0
    time_zone: Annotated[
        str, Meta(description="Zone of the station's clock, such as UTC or Asia/Shanghai.", max_length=64)
    ] = "UTC"
    interrogation_interval_s: Annotated[
        float, Meta(description="Time between general interrogations; 0: at the start only.", ge=0, le=86_400)
    ] = 0.0
    counter_interval_s: Annotated[
        float, Meta(description="Time between counter interrogations of followed totals; 0: at the start.", ge=0)
    ] = 900.0
    clock_interval_s: Annotated[
        float, Meta(description="Time between settings of the station's clock; 0: we leave it alone.", ge=0)
    ] = 0.0
    select: Annotated[
        bool, Meta(description="Commands are selected, then executed, where the address does not say otherwise.")
    ] = False
    wait_for_termination: Annotated[
        bool, Meta(description="A command is done at its termination (cause 10), not at its confirmation (cause 7).")
    ] = False
    t0_s: Annotated[float, Meta(description="t0: limit for connecting.", ge=0.1, le=255)] = 30.0
    t1_s: Annotated[float, Meta(description="t1: limit for an acknowledgement.", ge=0.1, le=255)] = 15.0
    t2_s: Annotated[float, Meta(description="t2: we acknowledge after this long at the latest.", ge=0.05, le=255)] = (
        10.0
    )
    t3_s: Annotated[float, Meta(description="t3: a silent connection is tested after this long.", ge=0.1)] = 20.0
    k: Annotated[int, Meta(description="k: frames we send before an acknowledgement.", ge=1, le=32767)] = 12
    w: Annotated[int, Meta(description="w: we acknowledge after this many frames.", ge=1, le=32767)] = 8
    cause_bytes: Annotated[
        int, Meta(description="Octets of the cause of transmission; 2 by the standard.", ge=1, le=2)
    ] = 2
    common_address_bytes: Annotated[
        int, Meta(description="Octets of the common address; 2 by the standard.", ge=1, le=2)
    ] = 2
    object_address_bytes: Annotated[
        int, Meta(description="Octets of the information object address; 3 by the standard.", ge=1, le=3)
    ] = 3
    tls: Annotated[bool, Meta(description="TLS 1.2 or later (IEC 62351-3).")] = False
    tls_authorities: Annotated[
        str, Meta(description="Authorities (PEM) whose certificate the station has; none: those of this machine.")
    ] = ""
    tls_certificate: Annotated[str, Meta(description="Our certificate with its chain (PEM), if the station asks.")] = ""
    tls_key: Annotated[str, Meta(description="Private key (PEM) of our certificate.", extra=PEM)] = ""
    tls_server_name: Annotated[
        str, Meta(description="Name in the station's certificate, if it is not the address; `-`: any name.")
    ] = ""
