"""Requests for certificates (PKCS #10, RFC 2986): read, and refused with a reason."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from millwright.certificates.errors import refused_request, too_large
from millwright.certificates.keys import PublicKey, public_key_of

MOST_BYTES: Final = 16 * 1024

_DIGESTS: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def parse_request(data: bytes) -> x509.CertificateSigningRequest:
    """The request in ``data``: PEM, DER, or DER in base64 (RFC 7030, 4.2.1).

    Raises ``Invalid`` (``certificates.request_malformed``) and ``LimitExceeded`` (``certificates.request_too_large``).
    """
    if len(data) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    try:
        if b"-----BEGIN" in data:
            if data.count(b"-----BEGIN") > 1:
                raise ValueError("more than one PEM block")
            return x509.load_pem_x509_csr(data)
        if data[:1] == b"\x30" and not data[:64].isascii():
            return x509.load_der_x509_csr(data)
        return x509.load_der_x509_csr(base64.b64decode(b"".join(data.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise refused_request("request_malformed", "This is no certificate request in PEM or DER.") from error


def check_request(request: x509.CertificateSigningRequest, names: Collection[str], uris: Collection[str]) -> PublicKey:
    """The key of a request that may be granted to a subject with these common names and URIs.

    The request may name the subject or nobody; what else it asks for (a CA's rights, other names) is refused, so that
    nobody believes it was granted. Raises ``Invalid``: ``certificates.key_weak``, ``certificates.key_unsupported``,
    ``certificates.request_signature``, ``certificates.subject_foreign``, ``certificates.extension_forbidden``.
    """
    key = public_key_of(request)  # first: what follows costs time that depends on the key's size
    _check_signature(request)
    for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        if attribute.value not in names:
            raise refused_request(
                "subject_foreign",
                f"The request names {str(attribute.value)[:64]!r}, which is not this device.",
                "Leave the subject empty, or name the device's own id or name.",
            )
    try:
        extensions = request.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise refused_request("request_malformed", "The extensions of the request cannot be read.") from error
    for extension in extensions:
        _check_extension(extension.value, names, uris)
    return key


def _check_signature(request: x509.CertificateSigningRequest) -> None:
    try:
        digest = request.signature_hash_algorithm
        valid = request.is_signature_valid
    except (UnsupportedAlgorithm, ValueError):
        digest, valid = None, False
    if not valid:
        raise refused_request("request_signature", "The request is not signed by the key it names, or was changed.")
    if digest is not None and not isinstance(digest, _DIGESTS):
        raise refused_request(
            "request_signature", f"A signature with {digest.name} proves nothing.", "Sign it with SHA-256."
        )


def _check_extension(value: x509.ExtensionType, names: Collection[str], uris: Collection[str]) -> None:
    if isinstance(value, x509.BasicConstraints) and value.ca:
        raise refused_request("extension_forbidden", "A device cannot be an authority.")
    if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
        raise refused_request("extension_forbidden", "A device cannot sign certificates.")
    if isinstance(value, x509.SubjectAlternativeName):
        for name in value:
            own = (isinstance(name, x509.UniformResourceIdentifier) and name.value in uris) or (
                isinstance(name, x509.DNSName) and name.value in names
            )
            if not own:
                raise refused_request(
                    "subject_foreign", "The request asks for an alternative name that is not this device's."
                )


def pkcs7_certificates(pems: Sequence[str]) -> bytes:
    """Certificates as a certs-only PKCS #7 in base64, as RFC 7030 (4.1.3, 4.2.3) answers."""
    certificates = [each for pem in pems for each in x509.load_pem_x509_certificates(pem.encode())]
    return base64.encodebytes(pkcs7.serialize_certificates(certificates, serialization.Encoding.DER))
