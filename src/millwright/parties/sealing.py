"""Sealed secrets: what must be read again is kept under a key that is not in the database.

AES-256-GCM (NIST SP 800-38D) with a random nonce; the purpose is authenticated, so that one kind of sealed text never
opens as another.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from millwright.kernel import Corrupt, Denied

_KEY, _NONCE = 32, 12


class Sealer:
    """Seals and opens under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def new(cls) -> Sealer:
        """One with a random key, which ends with the process."""
        return cls(os.urandom(_KEY))

    @classmethod
    def from_file(cls, path: Path) -> Sealer:
        """One with the key at ``path`` (base 64), made there (mode 0600) when there is none.

        Raises ``Denied`` (``parties.key_file_denied``) and ``Corrupt`` (``parties.key_file_broken``).
        """
        try:
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return cls(_key(path))
            try:
                key = os.urandom(_KEY)
                os.write(file, base64.b64encode(key) + b"\n")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise Denied(
                f"The key file {path} cannot be used: {error.strerror}.",
                code="parties.key_file_denied",
                hint="Give this user the right to read it, and to write it where it is not there yet.",
            ) from error
        return cls(key)

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Sealed bytes, 28 longer than ``plain``."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed for this purpose. Raises ``Corrupt`` (``parties.seal_broken``)."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise Corrupt(
                "A sealed secret does not open with this node's key.",
                code="parties.seal_broken",
                hint="Put back the key file that belongs to this database ([sign_in] key_file).",
            ) from error


def _key(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY:
        raise Corrupt(
            f"The key file {path} holds no key.",
            code="parties.key_file_broken",
            hint="It must be 32 bytes in base 64. Restore it; a new key makes every second factor unreadable.",
        )
    return key
