"""MQTT control packets as plain data, the same for every version of the protocol."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class PacketType(IntEnum):
    """Control packet types (MQTT 3.1.1, table 2.1)."""

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


class ConnectCode(IntEnum):
    """CONNACK return codes (MQTT 3.1.1, table 3.1)."""

    ACCEPTED = 0
    UNACCEPTABLE_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORIZED = 5


SUBSCRIBE_REFUSED = 0x80
"""SUBACK return code of a subscription that was not made."""


class Will(msgspec.Struct, frozen=True, gc=False):
    """The message a client leaves for the case that its connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Connect(msgspec.Struct, frozen=True):
    """CONNECT: level 3 is MQTT 3.1, 4 is 3.1.1."""

    level: int
    client_id: str
    clean_session: bool
    keep_alive_s: int
    will: Will | None
    username: str | None
    password: bytes | None


class Publish(msgspec.Struct, frozen=True, gc=False):
    """PUBLISH; ``packet_id`` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    packet_id: int = 0


class Subscribe(msgspec.Struct, frozen=True):
    """SUBSCRIBE: filters with the QoS asked for."""

    packet_id: int
    filters: list[tuple[str, int]]


class Unsubscribe(msgspec.Struct, frozen=True):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: list[str]


class RetainedMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last message retained on a topic."""

    topic: str
    payload: bytes
    qos: int
