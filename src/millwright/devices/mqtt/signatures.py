"""Signatures by the key of a device's certificate, for the authentication method ``X509-SIGNATURE``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

_CONTEXT: Final = b"millwright/mqtt/x509-signature/1\0"
_LEAST_RSA_BITS: Final = 2048


def signed_text(challenge: bytes, client_id: str) -> bytes:
    """What the client signs: a fixed context, the challenge, and its client id; so it is good for nothing else."""
    return _CONTEXT + challenge + client_id.encode()


def verify(certificate: bytes, challenge: bytes, client_id: str, signature: bytes, now_ms: int) -> str:
    """Why the signature proves nothing, as a word for the log; empty when it does.

    RSA (PSS with SHA-256, salt of 32 bytes), ECDSA with SHA-256, and Ed25519.
    """
    try:
        found = x509.load_der_x509_certificate(certificate)
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "certificate_unreadable"
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return "certificate_expired"
    text = signed_text(challenge, client_id)
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
            key.verify(signature, text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, text)
        else:
            return "certificate_key_unsupported"
    except InvalidSignature:
        return "signature_wrong"
    return ""
