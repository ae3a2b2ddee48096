"""The bodies of requests (RFC 3652, 3): typed, decoded within bounds, encoded."""

from __future__ import annotations

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import HandleValue, encode_value, read_values
from millwright.identity.handle.naming import MAX_HANDLE_BYTES
from millwright.identity.handle.wire.codes import Op
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int

EXCHANGE_CLIENT_KEY, EXCHANGE_SERVER_KEY, EXCHANGE_HANDLE_KEY, EXCHANGE_DH = 1, 2, 3, 4
"""How a session's key is agreed (Handle.Net): the client's RSA key, the server's, a handle's, Diffie-Hellman."""


class Resolve(Struct, frozen=True):
    """Values of a handle, all or those of some indexes and types (3.2)."""

    handle: bytes
    indexes: tuple[int, ...] = ()
    types: tuple[bytes, ...] = ()


class OfHandle(Struct, frozen=True):
    """A request that has no more than a handle: delete, list, home, unhome, site information …"""

    handle: bytes


class WithValues(Struct, frozen=True):
    """Create a handle (3.5.1), add (3.5.3) or modify (3.5.5) values."""

    handle: bytes
    values: tuple[HandleValue, ...]


class RemoveValues(Struct, frozen=True):
    """Remove values by index (3.5.4)."""

    handle: bytes
    indexes: tuple[int, ...]


class Answer(Struct, frozen=True):
    """The answer to a challenge (3.5.2): ``kind`` is HS_SECKEY or HS_PUBKEY."""

    kind: bytes
    handle: bytes
    index: int
    response: bytes


class Verify(Struct, frozen=True):
    """Ask whether an answer was made with a secret key that only the asked server has (3.5.3)."""

    handle: bytes
    index: int
    nonce: bytes
    digest: bytes
    response: bytes


class SetupSession(Struct, frozen=True):
    """Begin a session (3.6.1): ``key`` for modes 1 and 4, ``key_handle`` and ``key_index`` for mode 3."""

    mode: int
    timeout_s: int
    identity: bytes
    identity_index: int
    key: bytes = b""
    key_handle: bytes = b""
    key_index: int = 0


class ExchangeKey(Struct, frozen=True):
    """The session's key, encrypted for the server (3.6.2)."""

    encrypted_key: bytes


class Login(Struct, frozen=True):
    """CAICT's ID-SDK: bind an identity to this connection."""

    handle: bytes
    index: int


Request = (
    Resolve | OfHandle | WithValues | RemoveValues | Answer | Verify | SetupSession | ExchangeKey | Login
)  # fmt: skip

_OF_HANDLE = {
    Op.GET_SITE_INFO,
    Op.DELETE_HANDLE,
    Op.LIST_HANDLES,
    Op.LIST_DERIVED_PREFIXES,
    Op.HOME_PREFIX,
    Op.UNHOME_PREFIX,
    Op.LIST_HOMED_PREFIXES,
    Op.SESSION_TERMINATE,
    Op.GET_NEXT_TXN_ID,
    Op.BACKUP_SERVER,
}
_WITH_VALUES = {Op.CREATE_HANDLE, Op.ADD_VALUE, Op.MODIFY_VALUE}


def _handle(reader: Reader) -> bytes:
    handle = reader.array()
    if len(handle) > MAX_HANDLE_BYTES:
        raise MessageError("a handle is too long")
    return handle


def decode_request(op: int, body: bytes) -> Request | None:
    """The body of a request; ``None`` for an operation that is not known. Raises ``MessageError``."""
    reader = Reader(body)
    request = _read_request(op, reader)
    if request is not None:
        reader.end()
    return request


def _read_request(op: int, reader: Reader) -> Request | None:
    if op == Op.RESOLUTION:
        handle = _handle(reader)
        indexes = tuple(reader.number() for _ in range(reader.count(4)))
        types = tuple(reader.array() for _ in range(reader.count(4)))
        if not reader.exhausted:
            # The national network's id-pointer-sdk adds a text for authorisation, mostly empty, which is nobody's here.
            reader.array()
        return Resolve(handle, indexes, types)
    if op in _OF_HANDLE:
        # Some clients end a session without a body.
        return OfHandle(b"" if op == Op.SESSION_TERMINATE and reader.exhausted else _handle(reader))
    if op in _WITH_VALUES:
        return WithValues(_handle(reader), read_values(reader))
    if op == Op.REMOVE_VALUE:
        return RemoveValues(_handle(reader), tuple(reader.number() for _ in range(reader.count(4))))
    if op == Op.CHALLENGE_RESPONSE:
        return Answer(reader.array(), _handle(reader), reader.number(), reader.array())
    if op == Op.VERIFY_CHALLENGE:
        return _read_verify(reader)
    if op == Op.SESSION_SETUP:
        return _read_setup(reader)
    if op == Op.SESSION_EXCHANGE_KEY:
        return ExchangeKey(reader.array())
    if op == Op.LOGIN_ID_SYSTEM:
        return Login(_handle(reader), reader.number())
    return None


def _read_verify(reader: Reader) -> Verify:
    handle, index, nonce = _handle(reader), reader.number(), reader.array()
    kind = reader.byte()
    if kind == 0:
        reader.position -= 1
        digest = reader.array()
    else:
        size = {1: 16, 2: 20, 3: 32}.get(kind)
        if size is None:
            raise MessageError("a digest is of an unknown kind")
        digest = reader.take(size)
    return Verify(handle, index, nonce, digest, reader.array())


def _read_setup(reader: Reader) -> SetupSession:
    mode, timeout_s, identity, index = reader.short(), reader.number(), _handle(reader), reader.number()
    key = key_handle = b""
    key_index = 0
    if mode in (EXCHANGE_CLIENT_KEY, EXCHANGE_DH):
        key = reader.array()
    elif mode == EXCHANGE_HANDLE_KEY:
        key_handle, key_index = _handle(reader), reader.number()
    # Handle.Net reserves four octets for the mode and writes two; the rest are zeros at the end.
    while not reader.exhausted and reader.remaining <= 2:
        reader.byte()
    return SetupSession(mode, timeout_s, identity, index, key, key_handle, key_index)


def encode_request(request: Request) -> bytes:
    """A request's body as bytes."""
    match request:
        case Resolve(handle, indexes, types):
            listed = [write_bytes(handle), write_int(len(indexes)), *(write_int(index) for index in indexes)]
            return b"".join([*listed, write_int(len(types)), *(write_bytes(kind) for kind in types)])
        case WithValues(handle, values):
            encoded = (encode_value(value) for value in values)
            return b"".join([write_bytes(handle), write_int(len(values)), *encoded])
        case RemoveValues(handle, indexes):
            numbers = (write_int(index) for index in indexes)
            return b"".join([write_bytes(handle), write_int(len(indexes)), *numbers])
        case Answer(kind, handle, index, response):
            return write_bytes(kind) + write_bytes(handle) + write_int(index) + write_bytes(response)
        case Verify(handle, index, nonce, digest, response):
            kinds = {16: b"\x01", 20: b"\x02", 32: b"\x03"}
            head = write_bytes(handle) + write_int(index) + write_bytes(nonce)
            return head + kinds[len(digest)] + digest + write_bytes(response)
        case SetupSession():
            return _encode_setup(request)
        case ExchangeKey(key):
            return write_bytes(key)
        case Login(handle, index):
            return write_bytes(handle) + write_int(index)
        case OfHandle(handle):
            return write_bytes(handle)


def _encode_setup(request: SetupSession) -> bytes:
    head = request.mode.to_bytes(2, "big") + write_int(request.timeout_s)
    head += write_bytes(request.identity) + write_int(request.identity_index)
    if request.mode in (EXCHANGE_CLIENT_KEY, EXCHANGE_DH):
        head += write_bytes(request.key)
    elif request.mode == EXCHANGE_HANDLE_KEY:
        head += write_bytes(request.key_handle) + write_int(request.key_index)
    return head
