"""Operation codes, response codes and flags (RFC 3652, 2.2.2; Handle.Net 9)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

LATEST = (2, 11)
"""The newest protocol version that is spoken."""
OLDEST = (2, 0)


class Op(IntEnum):
    """Operation codes (RFC 3652, 2.2.2.1)."""

    RESOLUTION = 1
    GET_SITE_INFO = 2
    CREATE_HANDLE = 100
    DELETE_HANDLE = 101
    ADD_VALUE = 102
    REMOVE_VALUE = 103
    MODIFY_VALUE = 104
    LIST_HANDLES = 105
    LIST_DERIVED_PREFIXES = 106
    CHALLENGE_RESPONSE = 200
    VERIFY_CHALLENGE = 201
    HOME_PREFIX = 300
    UNHOME_PREFIX = 301
    LIST_HOMED_PREFIXES = 302
    SESSION_SETUP = 400
    SESSION_TERMINATE = 401
    SESSION_EXCHANGE_KEY = 402
    GET_NEXT_TXN_ID = 1000
    RETRIEVE_TXN_LOG = 1001
    DUMP_HANDLES = 1002
    BACKUP_SERVER = 1003
    LOGIN = 2000
    """CAICT's ID-SDK: by name and password."""
    LOGIN_ID_SYSTEM = 2001
    """CAICT's ID-SDK: binds the identity that answers its challenge to the connection."""


class Rc(IntEnum):
    """Response codes (RFC 3652, 2.2.2.2)."""

    RESERVED = 0
    SUCCESS = 1
    ERROR = 2
    SERVER_BUSY = 3
    PROTOCOL_ERROR = 4
    OPERATION_DENIED = 5
    RECURSION_LIMIT_EXCEEDED = 6
    SERVER_BACKUP = 7
    HANDLE_NOT_FOUND = 100
    HANDLE_ALREADY_EXISTS = 101
    INVALID_HANDLE = 102
    VALUE_NOT_FOUND = 200
    VALUE_ALREADY_EXISTS = 201
    VALUE_INVALID = 202
    OUT_OF_DATE_SITE_INFO = 300
    SERVER_NOT_RESPONSIBLE = 301
    SERVICE_REFERRAL = 302
    PREFIX_REFERRAL = 303
    INVALID_ADMIN = 400
    INSUFFICIENT_PERMISSIONS = 401
    AUTHENTICATION_NEEDED = 402
    AUTHENTICATION_FAILED = 403
    INVALID_CREDENTIAL = 404
    AUTHENTICATION_TIMEOUT = 405
    AUTHENTICATION_ERROR = 406
    SESSION_TIMEOUT = 500
    SESSION_FAILED = 501
    INVALID_SESSION_KEY = 502
    NEED_RSA_KEY_FOR_SESSION = 503
    INVALID_SESSION_SETUP = 504
    SESSION_MESSAGE_REJECTED = 505


class Flag(IntFlag):
    """Flags of the header (RFC 3652, 2.2.2.3; the last three as Handle.Net has them)."""

    AUTHORITATIVE = 0x80000000
    CERTIFIED = 0x40000000
    ENCRYPTED = 0x20000000
    RECURSIVE = 0x10000000
    CACHE_CERTIFIED = 0x08000000
    CONTINUOUS = 0x04000000
    KEEP_CONNECTION = 0x02000000
    PUBLIC_ONLY = 0x01000000
    REQUEST_DIGEST = 0x00800000
    OVERWRITE = 0x00400000
    MINT_SUFFIX = 0x00200000
    DO_NOT_REFER = 0x00100000


class EnvelopeFlag(IntFlag):
    """Flags of the envelope (RFC 3652, 2.2.1)."""

    COMPRESSED = 0x80
    ENCRYPTED = 0x40
    TRUNCATED = 0x20


def effective(version: tuple[int, int]) -> tuple[int, int]:
    """What a peer of this version speaks: 5.x is what some of the oldest clients said for 2.0."""
    if version[0] == 5:
        return OLDEST
    return min(version, LATEST)


def code_for(version: tuple[int, int], code: int) -> int:
    """A response code as a peer of this version knows it (before 2.5 two had other meanings)."""
    if effective(version) < (2, 5):
        if code == Rc.SERVER_BACKUP:
            return int(Rc.PREFIX_REFERRAL)
        if code == Rc.VALUE_INVALID:
            return int(Rc.VALUE_ALREADY_EXISTS)
    return int(code)
