"""MQTT control packets as plain data, the same for every version of the protocol (3.1, 3.1.1 and 5.0)."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class PacketType(IntEnum):
    """Control packet types (MQTT 5.0, table 2-1); AUTH is of 5.0 alone."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class ConnectCode(IntEnum):
    """CONNACK return codes (MQTT 3.1.1, table 3.1)."""

    ACCEPTED = 0
    UNACCEPTABLE_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORIZED = 5


SUBSCRIBE_REFUSED = 0x80
"""SUBACK return code of a subscription that was not made; from here on a reason code of MQTT 5 is one too."""


class Reason(IntEnum):
    """Reason codes (MQTT 5.0, table 2-6): those that are sent here or looked for."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED = 0x80
    MALFORMED = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC = 0x83
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_INVALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    TAKEN_OVER = 0x8E
    FILTER_INVALID = 0x8F
    TOPIC_INVALID = 0x90
    PACKET_ID_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    SHARED_NOT_SUPPORTED = 0x9E


# What a subscription is, as one number: bits 0-1 QoS, then what MQTT 5.0 adds (3.8.3.1), from bit 8 its identifier.
# One of 3.1.1 is its QoS.
QOS, NO_LOCAL, RETAIN_AS_PUBLISHED = 0x03, 0x04, 0x08
RETAIN_HANDLING_SHIFT, IDENTIFIER_SHIFT = 4, 8

NEVER = 0xFFFFFFFF
"""A session expiry interval that does not end."""


class Will(msgspec.Struct, frozen=True, gc=False):
    """The message a client leaves for the case that its connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: bytes = b""
    delay_s: int = 0
    expiry_s: int | None = None


class StoredWill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A will as the journal keeps it while its client is connected, and while it waits.

    ``expiry_s`` is how long the client's session lives on, of which the journal may have nothing else.
    """

    id: str
    device_id: str
    client_id: str
    will: Will
    expiry_s: int = 0


class Connect(msgspec.Struct, frozen=True):
    """CONNECT: level 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0; the fields from ``session_expiry_s`` on are of 5.0."""

    level: int
    client_id: str
    clean_session: bool
    keep_alive_s: int
    will: Will | None
    username: str | None
    password: bytes | None
    session_expiry_s: int = 0
    receive_maximum: int = 65535
    maximum_packet: int = 0
    alias_maximum: int = 0
    wants_response_information: bool = False
    wants_problem_information: bool = True
    authentication_method: str | None = None
    authentication_data: bytes = b""
    user_properties: list[tuple[str, str]] = []


class Publish(msgspec.Struct, frozen=True, gc=False):
    """PUBLISH; ``packet_id`` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    packet_id: int = 0


class Subscribe(msgspec.Struct, frozen=True):
    """SUBSCRIBE: filters with what is asked for: the QoS, with MQTT 5.0 the options and the identifier too."""

    packet_id: int
    filters: list[tuple[str, int]]


class Unsubscribe(msgspec.Struct, frozen=True):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: list[str]


class RetainedMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last message retained on a topic; ``expires_ms`` is UTC, 0: never. ``properties`` as they are forwarded."""

    topic: str
    payload: bytes
    qos: int
    properties: bytes = b""
    expires_ms: int = 0


class Queued(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message for a session, as the journal keeps it; the topic is the receiver's name of it."""

    topic: str
    payload: bytes
    first: int
    properties: bytes = b""
    expires_ms: int = 0
    identifiers: tuple[int, ...] = ()
