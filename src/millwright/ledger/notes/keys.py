"""Keys of signed notes, with a name and a four-byte id that stand beside each signature: Ed25519 (RFC 8032), and SM2
(GB/T 32918) where national algorithms are asked for, as a kind of our own (C2SP signed-note, type 0xff)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from millwright.kernel import Invalid
from millwright.ledger.notes import sm2

LOG, COSIGNATURE, LOG_SM2 = 1, 4, 255
"""What a key signs: checkpoints of its own log (0x01; 0xff by SM2), or those of others as a witness (0x04,
cosignature/v1)."""

_NAME = re.compile(r"[^\s+]{1,255}\Z")
_PRIVATE = "PRIVATE+KEY+"
_SECRET_BYTES = 32
_BEGINNINGS = {
    LOG: (bytes([LOG]), 32),
    COSIGNATURE: (bytes([COSIGNATURE]), 32),
    LOG_SM2: (bytes([LOG_SM2]) + b"millwright/sm2-sm3\n", sm2.SIZE),
}
"""Of each kind, what stands before the key's bytes, and how many bytes its public key has."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key: ``name+hash+base64`` (a *vkey*)."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key of a name made a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._data()).digest()[:4]

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made ``signature`` over ``message``."""
        if self.kind == LOG_SM2:
            return sm2.verify(self.public, message, signature)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(self._data())}"

    def _data(self) -> bytes:
        return _BEGINNINGS[self.kind][0] + self.public

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a vkey. Raises ``Invalid`` (``ledger.key_invalid``)."""
        name, said, data = _parts(text.strip())
        kind, public = _kind_of(data)
        if kind is None or len(public) != _BEGINNINGS[kind][1]:
            raise _key_invalid("It is no Ed25519 or SM2 key of a log or a witness.")
        found = cls(name, kind, public)
        if found.id.hex() != said:
            raise _key_invalid("Its name and its hash do not belong together.")
        return found


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key; ``repr`` does not show it."""

    name: str
    kind: int
    _seed: bytes

    @classmethod
    def generate(cls, name: str, kind: int = LOG) -> Signer:
        """A new key. Raises ``Invalid`` (``ledger.key_invalid``) for a name with spaces or ``+``."""
        if not _NAME.match(name):
            raise _key_invalid(f"{name!r} cannot name a key.")
        seed = sm2.generate() if kind == LOG_SM2 else Ed25519PrivateKey.generate().private_bytes_raw()
        return cls(name, kind, seed)

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        if self.kind == LOG_SM2:
            return Verifier(self.name, self.kind, sm2.public_of(self._seed))
        public = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
        return Verifier(self.name, self.kind, public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over ``message``."""
        if self.kind == LOG_SM2:
            return sm2.sign(self._seed, message)
        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(message)

    def secret(self) -> str:
        """The key as it is kept in a file."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{_encode(_BEGINNINGS[self.kind][0] + self._seed)}"

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read a kept key. Raises ``Invalid`` (``ledger.key_invalid``); the message never holds the key."""
        name, said, data = _parts(text.strip().removeprefix(_PRIVATE))
        kind, seed = _kind_of(data)
        if not text.startswith(_PRIVATE) or kind is None or len(seed) != _SECRET_BYTES:
            raise _key_invalid("It is no signer key.")
        found = cls(name, kind, seed)
        if found.verifier.id.hex() != said:
            raise _key_invalid("Its name and its hash do not belong together.")
        return found


def _parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    said, _, encoded = rest.partition("+")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not _NAME.match(name) or not data:
        raise _key_invalid("It has not the form name+hash+base64.")
    return name, said, data


def _kind_of(data: bytes) -> tuple[int | None, bytes]:
    for kind, (beginning, _) in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind, data[len(beginning) :]
    return None, b""


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_invalid(why: str) -> Invalid:
    return Invalid(
        f"The key cannot be used: {why}", code="ledger.key_invalid", hint="Copy the whole line, name+hash+base64."
    )
