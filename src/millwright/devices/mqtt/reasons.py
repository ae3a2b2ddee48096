"""Why a connection ends, as a reason code of MQTT 5.0 (table 2-6).

The words are those that are counted, shown in a device's presence history and listed in ``docs/reference/mqtt.md``.
"""

from __future__ import annotations

from typing import Final

from millwright.devices.mqtt.packets import ConnectCode, Reason

_CODES: Final = {
    "not_mqtt": Reason.PROTOCOL_ERROR,
    "malformed": Reason.MALFORMED,
    "invalid_utf8": Reason.MALFORMED,
    "protocol_error": Reason.PROTOCOL_ERROR,
    "unexpected_packet": Reason.PROTOCOL_ERROR,
    "not_connected": Reason.PROTOCOL_ERROR,
    "unacceptable_version": Reason.UNSUPPORTED_VERSION,
    "invalid_topic": Reason.TOPIC_INVALID,
    "invalid_filter": Reason.FILTER_INVALID,
    "packet_too_large": Reason.PACKET_TOO_LARGE,
    "receive_maximum_exceeded": Reason.RECEIVE_MAXIMUM_EXCEEDED,
    "topic_alias_invalid": Reason.TOPIC_ALIAS_INVALID,
    "payload_format_invalid": Reason.PAYLOAD_FORMAT_INVALID,
    "bad_authentication_method": Reason.BAD_AUTHENTICATION_METHOD,
    "client_id_missing": Reason.CLIENT_ID_INVALID,
    "taken_over": Reason.TAKEN_OVER,
    "keep_alive": Reason.KEEP_ALIVE_TIMEOUT,
    "listener_stopped": Reason.SHUTTING_DOWN,
    "quota_exceeded": Reason.QUOTA_EXCEEDED,
    "refused_quota_exceeded": Reason.QUOTA_EXCEEDED,
    "sessions_full": Reason.QUOTA_EXCEEDED,
    "device_connections_full": Reason.QUOTA_EXCEEDED,
    "slow_reader": Reason.QUOTA_EXCEEDED,
}

_CONNECT_CODES: Final = {
    ConnectCode.ACCEPTED: Reason.SUCCESS,
    ConnectCode.UNACCEPTABLE_VERSION: Reason.UNSUPPORTED_VERSION,
    ConnectCode.IDENTIFIER_REJECTED: Reason.CLIENT_ID_INVALID,
    ConnectCode.SERVER_UNAVAILABLE: Reason.SERVER_UNAVAILABLE,
    ConnectCode.BAD_CREDENTIALS: Reason.BAD_CREDENTIALS,
    ConnectCode.NOT_AUTHORIZED: Reason.NOT_AUTHORIZED,
}

SILENT: Final = frozenset({"client", "client_with_will", "connection_lost", "slow_reader"})
"""Ends that a client is not told of: it said so itself, is gone, or does not read."""


def code_of(word: str) -> int:
    """The code of a DISCONNECT. A word that is not known here comes from who decides over devices: not authorised."""
    return _CODES.get(word, Reason.NOT_AUTHORIZED)


def connect_code_of(word: str, code: int) -> int:
    """The code of a CONNACK that refuses, by the word or else by the return code of 3.1.1."""
    found = _CODES.get(word)
    return found if found is not None else _CONNECT_CODES.get(ConnectCode(code), Reason.UNSPECIFIED)
