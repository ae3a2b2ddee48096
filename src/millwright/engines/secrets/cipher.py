"""Authenticated encryption: AES-256-GCM (NIST SP 800-38D), or SM4-GCM (GB/T 32907-2016, RFC 8998).

A key is 32 random bytes whatever the cipher; HKDF (RFC 5869) makes the cipher's own key of it, so that one key never
serves two ciphers. Nonces are random: a data key seals far fewer than 2^32 values.
"""

from __future__ import annotations

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_NONCE, _TAG = 12, 16


def new_key() -> bytes:
    """A new key: 32 random bytes."""
    return os.urandom(KEY_BYTES)


def encrypt(cipher: str, key: bytes, plain: bytes, associated: bytes) -> bytes:
    """Nonce, ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    work = Cipher(_algorithm(cipher, key), modes.GCM(nonce)).encryptor()
    work.authenticate_additional_data(associated)
    body = work.update(plain) + work.finalize()
    return nonce + body + work.tag


def decrypt(cipher: str, key: bytes, data: bytes, associated: bytes) -> bytes | None:
    """The plain text, or ``None`` when key, data or associated data are not those of the encryption."""
    if len(data) < _NONCE + _TAG:
        return None
    nonce, body, tag = data[:_NONCE], data[_NONCE:-_TAG], data[-_TAG:]
    work = Cipher(_algorithm(cipher, key), modes.GCM(nonce, tag)).decryptor()
    work.authenticate_additional_data(associated)
    try:
        return work.update(body) + work.finalize()
    except InvalidTag:
        return None


def digest(key: bytes, plain: bytes, associated: bytes) -> bytes:
    """32 bytes that are the same for the same; without the key nobody can try what ``plain`` may be (HMAC-SHA-256)."""
    return hmac.digest(_derive(hashes.SHA256(), 32, b"digest/" + associated, key), plain, "sha256")


def _algorithm(cipher: str, key: bytes) -> algorithms.AES | algorithms.SM4:
    if cipher == "sm4-gcm":
        return algorithms.SM4(_derive(hashes.SM3(), 16, b"sm4-gcm", key))
    return algorithms.AES(_derive(hashes.SHA256(), 32, b"aes-256-gcm", key))


def _derive(digest: hashes.HashAlgorithm, length: int, info: bytes, key: bytes) -> bytes:
    return HKDF(algorithm=digest, length=length, salt=None, info=b"millwright/" + info).derive(key)
