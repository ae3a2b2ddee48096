"""Settings of the Handle service."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class HandleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[handle]``: where Handle clients ask, and what one of them may use up."""

    host: Annotated[str, Meta(description="Address to listen on. The default is every network.")] = "0.0.0.0"
    port: Annotated[int, Meta(description="Port for UDP and TCP; 0 takes a free one.", ge=0, le=65535)] = 2641
    address: Annotated[
        str,
        Meta(
            description="Address under which clients reach this server, told in its site information. "
            "Empty: `host`, or the one this machine sends from."
        ),
    ] = ""
    key: Annotated[
        str,
        Meta(
            description="PEM file with the private key (RSA, DSA or P-256) that signs certified answers. "
            "Empty: there are none."
        ),
    ] = ""
    administrators: Annotated[
        list[str],
        Meta(
            description="Handle values, as `300:0.NA/88.118.8`, whose keys may do everything on this server. "
            "Others may do what the HS_ADMIN values of a handle allow them."
        ),
    ] = []
    signers: Annotated[
        list[str],
        Meta(
            description="Keys that sign the records of a prefix as this node registers them, as "
            "`300:0.NA/88.118.8 = FILE`: the name of the key in its certificate, and a PEM file with the private key "
            "(P-256 or Ed25519 are quick, RSA is what Handle.Net's own software can verify). Prefixes without one are "
            "not signed."
        ),
    ] = []
    signature_days: Annotated[
        int,
        Meta(
            description="How long such a signature holds; 0: as long as the certificate of its key. What is not "
            "changed before is then no longer trusted.",
            ge=0,
            le=36_500,
        ),
    ] = 0
    udp_answer_bytes: Annotated[
        int,
        Meta(
            description="Largest UDP answer to an address that has not proved itself by a TCP connection; of a larger "
            "one only the first packet is sent, and the client asks over TCP.",
            ge=512,
            le=65536,
        ),
    ] = 1536
    udp_proven_answer_bytes: Annotated[
        int, Meta(description="Largest UDP answer to an address that has proved itself.", ge=512, le=262144)
    ] = 32_768
    proven_s: Annotated[float, Meta(description="How long a TCP connection proves its address.", gt=0)] = 600.0
    requests_per_s: Annotated[
        int, Meta(description="UDP requests of one address in a second; more are not answered.", ge=1)
    ] = 20_000
    max_connections: Annotated[int, Meta(description="TCP connections open at once.", ge=1)] = 5_000
    max_connections_per_address: Annotated[
        int, Meta(description="TCP connections of one address open at once.", ge=1)
    ] = 200
    idle_timeout_s: Annotated[
        float, Meta(description="A TCP connection on which nothing is asked for this long is closed.", gt=0)
    ] = 300.0
    message_timeout_s: Annotated[
        float, Meta(description="Time for a message to arrive in full, and for an answer to be taken.", gt=0)
    ] = 15.0
    challenge_timeout_s: Annotated[float, Meta(description="Time in which a challenge may be answered.", gt=0)] = 60.0
    max_challenges: Annotated[int, Meta(description="Challenges that wait for an answer at one time.", ge=1)] = 10_000
    max_challenges_per_address: Annotated[
        int, Meta(description="Challenges of one address that wait for an answer at one time.", ge=1)
    ] = 200
    max_challenge_bytes: Annotated[
        int, Meta(description="Requests kept for challenges that wait for an answer, in bytes.", ge=262144)
    ] = 64 * 1024 * 1024
    max_administration: Annotated[int, Meta(description="Requests of administrators worked on at one time.", ge=1)] = 64
    max_administration_per_address: Annotated[
        int, Meta(description="Requests of administrators of one address worked on at one time.", ge=1)
    ] = 32
    max_comparisons: Annotated[
        int,
        Meta(
            description="Answers to challenges compared with keys at one time, which takes up to half a second of a "
            "core; others wait.",
            ge=1,
        ),
    ] = 2
    max_sessions: Annotated[
        int, Meta(description="Sessions open at once; half of them before a challenge was answered.", ge=0)
    ] = 10_000
    max_sessions_per_address: Annotated[int, Meta(description="Sessions of one address open at once.", ge=0)] = 100
    session_timeout_s: Annotated[
        float, Meta(description="A session ends when it is not used this long.", gt=0, le=86400)
    ] = 3600.0
    unproven_session_timeout_s: Annotated[
        float,
        Meta(description="The same for a session in which nobody has answered a challenge yet.", gt=0, le=3600),
    ] = 60.0
    listed_at_once: Annotated[int, Meta(description="Handles in one message of a list.", ge=1, le=2048)] = 1000
