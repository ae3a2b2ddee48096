"""Private keys: made, read, and judged."""

from __future__ import annotations

from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import Certificate as X509Certificate

from millwright.certificates.errors import authority_invalid, refused_request

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

RSA_BITS: Final = (2048, 8192)
"""Smallest RSA key that is not weak (NIST SP 800-57), largest that costs us no more than some milliseconds."""

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def make_key(algorithm: str) -> PrivateKey:
    """A new key of ``ec-p256``, ``ec-p384``, ``rsa-3072`` or ``ed25519``."""
    if algorithm == "rsa-3072":
        return rsa.generate_private_key(65537, 3072)
    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if algorithm == "ec-p384" else ec.SECP256R1())


def key_bytes(key: PrivateKey) -> bytes:
    """The key in PKCS #8 PEM, not encrypted: to be sealed, or written where only its owner reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_key(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """The key in ``pem``. Raises ``Invalid`` (``certificates.authority_invalid``)."""
    try:
        key = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise authority_invalid("The private key cannot be read, or its password is wrong.") from error
    if not isinstance(key, PrivateKey):
        raise authority_invalid("The private key is of a kind that this node does not sign with.")
    check_strength(key.public_key())
    return key


def public_key_of(holder: object) -> PublicKey:
    """The public key of a request or certificate, judged. Raises ``Invalid`` (``certificates.key_…``)."""
    try:
        key = holder.public_key()  # type: ignore[attr-defined]  # a request or a certificate
    except (UnsupportedAlgorithm, ValueError) as error:
        raise refused_request(
            "key_unsupported",
            "The key is of a kind that TLS on this node cannot use (SM2 among them).",
            "Use EC P-256 or P-384, RSA of at least 2048 bits, or Ed25519.",
        ) from error
    return check_strength(key)


def check_strength(key: object) -> PublicKey:
    """``key`` when it is good enough. Raises ``Invalid`` (``certificates.key_weak``, ``…key_unsupported``)."""
    hint = "Use EC P-256 or P-384, RSA of at least 2048 bits, or Ed25519."
    if isinstance(key, rsa.RSAPublicKey):
        if not RSA_BITS[0] <= key.key_size <= RSA_BITS[1] or key.public_numbers().e < 65537:
            raise refused_request("key_weak", f"An RSA key of {key.key_size} bits is too weak, or far too large.", hint)
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise refused_request("key_weak", f"Keys on the curve {key.curve.name} are not accepted.", hint)
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise refused_request("key_unsupported", "Keys of this kind are not accepted.", hint)


def spki(key: PublicKey) -> bytes:
    """The key as SubjectPublicKeyInfo in DER: what two certificates of one key have in common."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def algorithm_of(key: PublicKey) -> str:
    """A short name of the key's kind, for people."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "ec-p256", "secp384r1": "ec-p384", "secp521r1": "ec-p521"}[key.curve.name]
    return "ed25519"


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    """What a signature by ``key`` is made over; Ed25519 has its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    large = isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256
    return hashes.SHA384() if large else hashes.SHA256()


def verify(certificate: X509Certificate, signature: bytes, data: bytes) -> None:
    """Check a signature (SHA-256 with RSA PKCS #1 or ECDSA, or Ed25519) by a certificate's key.

    Raises ``cryptography.exceptions.InvalidSignature``.
    """
    key = public_key_of(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(signature, data)
