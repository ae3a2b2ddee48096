"""Sessions: a key agreed once, a code (and encryption) for each message (RFC 3652, 2.2.4 and 3.6; Handle.Net)."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import DhPublicKey, decode_public_key, encode_public_key
from millwright.identity.handle.model import Reference
from millwright.identity.handle.wire.codes import effective
from millwright.identity.handle.wire.reader import write_int

AES = 3
"""The number of AES in Handle.Net; DES (1) and triple DES (2) are refused."""
_WINDOW = 200
_MIN_DH_BITS, _MAX_DH_BITS = 1024, 4096
_MIN_RSA_BITS = 1024
_DH_EXPONENT_BYTES = 40


class Session:
    """One session; ``identity`` is who answered a challenge within it, ``None`` while nobody has."""

    __slots__ = ("_highest", "_seen", "address", "counter", "expires_s", "id", "identity", "key", "timeout_s")

    def __init__(self, session_id: int, address: str, key: bytes, timeout_s: float) -> None:
        self.id = session_id
        self.address = address
        self.key = key
        self.timeout_s = timeout_s
        self.expires_s = 0.0
        self.identity: Reference | None = None
        self.counter = 0
        self._seen: set[int] = set()
        self._highest = 0

    def take_counter(self, counter: int) -> bool:
        """Whether a message's counter is new; counters may come out of order within a window."""
        if counter in self._seen or counter <= self._highest - _WINDOW:
            return False
        self._seen.add(counter)
        if counter > self._highest:
            self._highest = counter
            self._seen = {each for each in self._seen if each > counter - _WINDOW}
        return True

    def next_counter(self) -> int:
        """The counter of the next message that is sent."""
        self.counter += 1
        return self.counter

    def encrypt(self, data: bytes, version: tuple[int, int]) -> bytes:
        """Encrypt a message for a peer of a version. Raises ``MessageError`` before 2.4, which has no mode for AES."""
        if effective(version) < (2, 4):
            raise MessageError("encryption needs version 2.4")
        padder, iv = PKCS7(128).padder(), os.urandom(16)
        encryptor = Cipher(algorithms.AES(self.key[:16]), modes.CBC(iv)).encryptor()
        return iv + encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()

    def decrypt(self, data: bytes, version: tuple[int, int]) -> bytes:
        """Decrypt a message. Raises ``MessageError``."""
        if effective(version) < (2, 4) or len(data) < 32 or len(data) % 16:
            raise MessageError("an encrypted message has a wrong form")
        decryptor, unpadder = Cipher(algorithms.AES(self.key[:16]), modes.CBC(data[:16])).decryptor(), PKCS7(128)
        plain = decryptor.update(data[16:]) + decryptor.finalize()
        remover = unpadder.unpadder()
        try:
            return remover.update(plain) + remover.finalize()
        except ValueError as error:
            raise MessageError("an encrypted message was made with another key") from error


class Sessions:
    """The sessions of a server: bounded in number, for each address too; those not used for long end.

    Anybody may open one. Until somebody has answered a challenge in it a session lives ``unproven_s`` at most between
    two messages, and all of these take half of the places, so that strangers cannot have them all.
    """

    def __init__(self, most: int, most_per_address: int, longest_s: float, unproven_s: float) -> None:
        self._most = most
        self._most_unproven = (most + 1) // 2
        self._most_per_address = most_per_address
        self._longest_s = longest_s
        self._unproven_s = unproven_s
        self._by_id: dict[int, Session] = {}
        self._per_address: Counter[str] = Counter()
        self._unproven = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def open(self, address: str, key: bytes, timeout_s: float, now_s: float) -> Session | None:
        """A new session; ``None`` when there are too many."""
        if self._full(address):
            self.expire(now_s)
        if self._full(address):
            return None
        session = Session(new_id(self._by_id), address, key, min(max(timeout_s, 1.0), self._longest_s))
        self._by_id[session.id] = session
        self._per_address[address] += 1
        self._unproven += 1
        self.keep(session, now_s)
        return session

    def _full(self, address: str) -> bool:
        return (
            len(self._by_id) >= self._most
            or self._unproven >= self._most_unproven
            or self._per_address.get(address, 0) >= self._most_per_address
        )

    def find(self, session_id: int, now_s: float) -> Session | None:
        """A living session."""
        session = self._by_id.get(session_id)
        if session is None:
            return None
        if session.expires_s < now_s:
            self.close(session)
            return None
        return session

    def keep(self, session: Session, now_s: float) -> None:
        """A session lives on: a message came that was made with its key."""
        lives_s = session.timeout_s if session.identity is not None else min(session.timeout_s, self._unproven_s)
        session.expires_s = now_s + lives_s

    def prove(self, session: Session, identity: Reference, now_s: float) -> None:
        """Somebody has answered a challenge in a session, which may have ended in the meantime."""
        if session.identity is None and session.id in self._by_id:
            self._unproven -= 1
        session.identity = identity
        self.keep(session, now_s)

    def close(self, session: Session) -> None:
        """End a session."""
        if self._by_id.pop(session.id, None) is None:
            return
        if session.identity is None:
            self._unproven -= 1
        self._per_address[session.address] -= 1
        if not self._per_address[session.address]:
            del self._per_address[session.address]

    def expire(self, now_s: float) -> None:
        """End those that were not used for too long."""
        for session in [each for each in self._by_id.values() if each.expires_s < now_s]:
            self.close(session)


def new_id(taken: dict[int, Any]) -> int:
    """A session id that nobody can guess: 31 bits, for clients that know signed numbers only."""
    while True:
        found = int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF
        if found and found not in taken:
            return found


def agree_by_dh(client_key: bytes) -> tuple[bytes, bytes]:
    """The session's key and what the client needs to find it, by Diffie-Hellman. Raises ``MessageError``."""
    theirs = decode_public_key(client_key)
    if not isinstance(theirs, DhPublicKey):
        raise MessageError("the key is none of Diffie-Hellman")
    bits = theirs.p.bit_length()
    if not _MIN_DH_BITS <= bits <= _MAX_DH_BITS or not theirs.p & 1 or theirs.g < 2:
        raise MessageError("the group is not one of 1024 to 4096 bits")
    if not 1 < theirs.y < theirs.p - 1:
        raise MessageError("the key is not in its group")
    ours = int.from_bytes(os.urandom(_DH_EXPONENT_BYTES), "big")
    shared = pow(theirs.y, ours, theirs.p).to_bytes((bits + 7) // 8, "big")
    own = DhPublicKey(pow(theirs.g, ours, theirs.p), theirs.p, theirs.g)
    return trimmed(shared, 32), write_int(AES) + encode_public_key(own)


def trimmed(shared: bytes, size: int) -> bytes:
    """The start of a shared secret without leading zeros, as long as something follows (Handle.Net)."""
    start = 0
    while start + size < len(shared) and not shared[start]:
        start += 1
    return shared[start : start + size]


def agree_by_client_key(client_key: bytes) -> tuple[bytes, bytes]:
    """A new key, and it encrypted for the client's RSA key. Raises ``MessageError``."""
    theirs = decode_public_key(client_key)
    if not isinstance(theirs, rsa.RSAPublicKey):
        raise MessageError("the key is not one of RSA")
    if theirs.key_size < _MIN_RSA_BITS:
        raise MessageError(f"the key has fewer than {_MIN_RSA_BITS} bits")
    key = os.urandom(16)
    return key, theirs.encrypt(write_int(AES) + key, padding.PKCS1v15())


def decrypt_key(server_key: rsa.RSAPrivateKey, encrypted: bytes, version: tuple[int, int]) -> bytes:
    """The key that a client encrypted for the server. Raises ``MessageError``."""
    try:
        plain = server_key.decrypt(encrypted, padding.PKCS1v15())
    except ValueError as error:
        raise MessageError("the session's key cannot be decrypted") from error
    if effective(version) < (2, 2):
        raise MessageError("DES is refused")
    # Handle.Net sends the key without its algorithm here; with it when it was made by others.
    if len(plain) == 20 and plain[:4] == write_int(AES):
        plain = plain[4:]
    if len(plain) not in (16, 24, 32):
        raise MessageError("the session's key is none of AES")
    return plain
