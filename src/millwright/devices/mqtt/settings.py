"""Settings of the MQTT listener."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class MqttSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[mqtt]``: where devices connect, and what one of them may use up."""

    host: Annotated[
        str,
        Meta(description="Address to listen on. The default is every network; 127.0.0.1 keeps it on this machine."),
    ] = "0.0.0.0"
    port: Annotated[int, Meta(description="Port for plain MQTT; 0 turns it off.", ge=0, le=65535)] = 1883
    tls_port: Annotated[
        int, Meta(description="Port for MQTT over TLS, usually 8883; 0 turns it off.", ge=0, le=65535)
    ] = 0
    certificate: Annotated[str, Meta(description="File with the certificate chain in PEM, for tls_port.")] = ""
    key: Annotated[str, Meta(description="File with the certificate's private key in PEM.")] = ""
    client_certificates: Annotated[
        Literal["off", "optional", "required"],
        Meta(
            description="Whether devices may (or must) prove themselves by a certificate on tls_port. "
            "`required` refuses tokens, on every port."
        ),
    ] = "optional"
    client_ca: Annotated[
        str,
        Meta(description="PEM file with further authorities whose client certificates are believed, besides our own."),
    ] = ""
    tls_handshakes: Annotated[int, Meta(description="TLS handshakes under way at one time.", ge=1)] = 1000
    tls_handshakes_per_s: Annotated[
        float, Meta(description="TLS handshakes begun in a second; what is beyond waits.", gt=0)
    ] = 250.0
    websocket: Annotated[
        bool, Meta(description="Whether port and tls_port take MQTT over WebSocket too, told apart by the first byte.")
    ] = True
    websocket_path: Annotated[str, Meta(description="Path that a WebSocket client asks for.", pattern="^/[!-~]*$")] = (
        "/mqtt"
    )
    processes: Annotated[
        int,
        Meta(
            description="Processes that listen on the same ports, each serving the devices that fall to it.",
            ge=1,
            le=32,
        ),
    ] = 1
    max_packet_bytes: Annotated[
        int, Meta(description="Largest packet a client may send.", ge=16384, le=4 * 1024 * 1024)
    ] = 1024 * 1024
    max_connections: Annotated[int, Meta(description="Connections open at once, on all ports.", ge=1)] = 20_000
    max_connections_per_device: Annotated[
        int, Meta(description="Connections open at once of one device, each with a client id of its own.", ge=1)
    ] = 1_000
    max_unauthenticated_per_address: Annotated[
        int, Meta(description="Connections of one address that have not signed in yet.", ge=1)
    ] = 200
    connect_timeout_s: Annotated[
        float, Meta(description="Time a client has for its TLS handshake and its CONNECT.", gt=0, le=300)
    ] = 10.0
    connects_at_once: Annotated[
        int,
        Meta(description="Clients that are signing in at one time; those beyond take turns by address.", ge=1),
    ] = 64
    max_keep_alive_s: Annotated[
        int,
        Meta(
            description="Longest keep-alive of an MQTT 5 client, which is told so; 0 leaves it to the client.",
            ge=0,
            le=65535,
        ),
    ] = 0
    commit_delay_ms: Annotated[
        float, Meta(description="How long messages are gathered into one durable append.", ge=0, le=1000)
    ] = 3.0
    commit_bytes: Annotated[
        int, Meta(description="An append is sent at once when it holds this much.", ge=1024, le=1024 * 1024)
    ] = 256 * 1024
    commits_in_flight: Annotated[int, Meta(description="Appends not yet confirmed at one time.", ge=1, le=256)] = 8
    max_uncommitted_bytes: Annotated[
        int, Meta(description="Above this much taken and not yet confirmed, reading from devices pauses.", ge=65536)
    ] = 16 * 1024 * 1024
    max_inflight: Annotated[
        int, Meta(description="QoS 1 and 2 messages sent to a client and not yet acknowledged.", ge=1, le=65535)
    ] = 64
    receive_maximum: Annotated[
        int,
        Meta(
            description="QoS 1 and 2 messages an MQTT 5 client may send unacknowledged; it is told so.", ge=1, le=65535
        ),
    ] = 8192
    max_topic_aliases: Annotated[
        int, Meta(description="Topic aliases an MQTT 5 client may use; each costs memory.", ge=0, le=1024)
    ] = 64
    max_queued: Annotated[
        int,
        Meta(description="QoS 1 and 2 messages kept for a client that is away or slow; then the oldest go.", ge=1),
    ] = 1000
    max_queued_bytes: Annotated[
        int, Meta(description="Bytes kept for a client that is away or slow; then the oldest messages go.", ge=65536)
    ] = 4 * 1024 * 1024
    max_outgoing_bytes: Annotated[
        int, Meta(description="Unsent bytes after which a client that does not read is disconnected.", ge=65536)
    ] = 4 * 1024 * 1024
    max_subscriptions: Annotated[int, Meta(description="Subscriptions of one session.", ge=1)] = 200
    max_sessions: Annotated[int, Meta(description="Persistent sessions kept, connected or not.", ge=1)] = 100_000
    max_sessions_per_device: Annotated[int, Meta(description="Persistent sessions of one device.", ge=1)] = 1_000
    session_expiry_s: Annotated[
        int,
        Meta(
            description="A persistent session ends when its client stays away this long; MQTT 5 may ask for less.",
            ge=60,
            lt=0xFFFFFFFF,
        ),
    ] = 7 * 86_400
    sparkplug_certificates: Annotated[
        bool,
        Meta(
            description="Keep births of Sparkplug under `$sparkplug/certificates/…`, retained, and let an edge node's "
            "will tell when it was published: a server that is aware of Sparkplug."
        ),
    ] = False
    max_retained: Annotated[int, Meta(description="Topics with a retained message.", ge=0)] = 100_000
