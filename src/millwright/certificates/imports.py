"""An authority brought along: its certificate, those above it, its key."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from millwright.certificates.errors import authority_invalid
from millwright.certificates.keys import PrivateKey, public_key_of, read_key, spki
from millwright.certificates.model import AuthorityImport


def read_authority(given: AuthorityImport, now: datetime) -> tuple[PrivateKey, list[x509.Certificate]]:
    """The key, and the certificate followed by those above it, when it may sign for devices.

    Raises ``Invalid`` (``certificates.authority_invalid``, ``certificates.key_weak``).
    """
    try:
        own, *above = x509.load_pem_x509_certificates(given.certificate.encode())
    except ValueError as error:
        raise authority_invalid("The certificate is none in PEM.") from error
    key = read_key(given.key.encode(), given.password.encode() if given.password else None)
    if spki(public_key_of(own)) != spki(key.public_key()):
        raise authority_invalid("Certificate and key do not belong together.", "Send the key of this very certificate.")
    for certificate in (own, *above):
        _check_authority(certificate, now)
    for below, issuer in zip((own, *above), above, strict=False):
        try:
            below.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise authority_invalid(
                f"{issuer.subject.rfc4514_string()[:100]} did not issue {below.subject.rfc4514_string()[:100]}.",
                "Put each certificate's issuer behind it, the root last.",
            ) from error
    return key, [own, *above]


def _check_authority(certificate: x509.Certificate, now: datetime) -> None:
    subject = certificate.subject.rfc4514_string()[:100]
    try:
        extensions = certificate.extensions
        authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        authority = False
    if not authority:
        raise authority_invalid(f"{subject} is no CA certificate.")
    try:
        signs = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not signs:
        raise authority_invalid(f"{subject} may not sign certificates (keyCertSign).")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise authority_invalid(f"{subject} is not valid now.", "Send one that is; check the clock of this machine.")
    public_key_of(certificate)
