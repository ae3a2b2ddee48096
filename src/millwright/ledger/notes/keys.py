"""Keys of signed notes: Ed25519 (RFC 8032), with a name and a four-byte id that stand beside each signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from millwright.kernel import Invalid

LOG, COSIGNATURE = 1, 4
"""What a key signs: checkpoints of its own log (0x01), or those of others as a witness (0x04, cosignature/v1)."""

_NAME = re.compile(r"[^\s+]{1,255}\Z")
_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key: ``name+hash+base64`` (a *vkey*)."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key of a name made a signature."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:4]

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made ``signature`` over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a vkey. Raises ``Invalid`` (``ledger.key_invalid``)."""
        name, said, data = _parts(text.strip())
        if len(data) != 33 or data[0] not in (LOG, COSIGNATURE):
            raise _key_invalid("It is no Ed25519 key of a log or a witness.")
        found = cls(name, data[0], data[1:])
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
        return cls(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        public = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
        return Verifier(self.name, self.kind, public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes over ``message``."""
        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(message)

    def secret(self) -> str:
        """The key as it is kept in a file."""
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{_encode(bytes([self.kind]) + self._seed)}"

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read a kept key. Raises ``Invalid`` (``ledger.key_invalid``); the message never holds the key."""
        name, said, data = _parts(text.strip().removeprefix(_PRIVATE))
        if not text.startswith(_PRIVATE) or len(data) != 33 or data[0] not in (LOG, COSIGNATURE):
            raise _key_invalid("It is no signer key.")
        found = cls(name, data[0], data[1:])
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


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _key_invalid(why: str) -> Invalid:
    return Invalid(
        f"The key cannot be used: {why}", code="ledger.key_invalid", hint="Copy the whole line, name+hash+base64."
    )
