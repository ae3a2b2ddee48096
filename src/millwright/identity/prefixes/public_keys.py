"""Reading a public key as people have it: PEM (RFC 7468), one line of SSH (RFC 4253), or an SM2 key in hexadecimal."""

from __future__ import annotations

import warnings

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import MAX_KEY_BITS, PublicKey
from millwright.identity.handle.sm2 import Sm2PublicKey, find_public_key
from millwright.identity.prefixes.errors import key_invalid

_LEAST_BITS = 2048
_MOST_EXPONENT_BITS = 33


def read_public_key(
    text: str,
) -> rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | Sm2PublicKey:
    """A key that is taken for an administrator: RSA or DSA from 2048 bits on, P-256, or SM2 (PEM, or x and y in hex).

    Raises ``Invalid`` (``prefixes.key_invalid``), which never repeats the text: it may be a private key by mistake.
    """
    text = text.strip()
    if "PRIVATE KEY" in text:
        raise key_invalid(
            "this is a private key, which must stay with its holder",
            "这是私钥，私钥不得外传；请提供对应的公钥",
            "Make a new pair: this one has been sent. Then give the public half.",
        )
    try:
        national = find_public_key(text)
    except MessageError as error:
        raise key_invalid("it is no point of SM2's curve", "不是 SM2 曲线上的点") from error
    if national is not None:
        return national
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds that the library will give up
            key = load_pem_public_key(text.encode()) if text.startswith("-----") else load_ssh_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise key_invalid("it is no public key in PEM or SSH form", "不是 PEM 或 SSH 格式的公钥") from error
    match key:
        case rsa.RSAPublicKey():
            _check_bits(key.key_size)
            if key.public_numbers().e.bit_length() > _MOST_EXPONENT_BITS:
                raise key_invalid("its exponent is too long", "公钥指数过大")
            return key
        case dsa.DSAPublicKey():
            _check_bits(key.key_size)
            return key
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
            return key
    raise key_invalid("it is none of RSA, DSA, SM2 or the curve P-256", "仅支持 RSA、DSA、SM2 和 P-256 曲线的公钥")


def _check_bits(bits: int) -> None:
    if not _LEAST_BITS <= bits <= MAX_KEY_BITS:
        why = f"it has {bits} bits; {_LEAST_BITS} to {MAX_KEY_BITS} are taken"
        raise key_invalid(why, f"密钥长度为 {bits} 位，应为 {_LEAST_BITS}–{MAX_KEY_BITS} 位")


def key_kind(key: PublicKey) -> tuple[str, int]:
    """What kind of key it is, and how many bits it has."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"P-{key.key_size}", key.key_size
    if isinstance(key, Sm2PublicKey):
        return "SM2", 256
    return "Diffie-Hellman", key.p.bit_length()
