"""Our certificate, and whether a server's is believed (IEC 62541-6, 6.2; IEC 62541-4, 6.1.3)."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from millwright.kernel import Denied, Invalid

YEARS = 20
"""A certificate that is replaced has to be trusted anew by hand on every server."""

_KEY_BITS = 2048
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_der(self) -> bytes:
        """The certificate as the protocol carries it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_der(self) -> bytes:
        """The key, PKCS #8."""
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def uri(self) -> str:
        """The application's URI that the certificate names; empty when it names none."""
        try:
            names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ""
        return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of it, in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex().upper()


def pair(certificate_pem: str, key_pem: str, what: str) -> Pair:
    """Read a certificate and its key. Raises ``Invalid`` (``connectors.opcua_certificate``)."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise _unusable(what, f"it cannot be read ({error})") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unusable(what, "its key is not RSA, and the policies of OPC UA that are spoken here need RSA")
    if key.public_key() != certificate.public_key():
        raise _unusable(what, "the key belongs to another certificate")
    return Pair(certificate, key)


def own(folder: Path) -> Pair:
    """The certificate that was made here, made now if there is none. Blocks for some tenths of a second."""
    file = folder / "application.pem"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f".{secrets.token_hex(8)}.pem"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(_make())
        try:
            os.link(fresh, file)  # the first one wins where two open at once
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    text = file.read_text()
    key, _, certificate = text.partition("-----BEGIN CERTIFICATE-----")
    return pair(f"-----BEGIN CERTIFICATE-----{certificate}", key, str(file))


def _make() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    host = socket.gethostname()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Millwright connector"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, host[:64]),
        ]
    )
    now = datetime.now(UTC)
    uri = f"urn:{re.sub('[^A-Za-z0-9.-]', '-', host)}:millwright:{secrets.token_hex(4)}"
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + YEARS * 365 * _DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=True,  # it signs itself, and some servers look for that
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName(host)]), critical=False
        )
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (pem + certificate.public_bytes(serialization.Encoding.PEM)).decode()


class Trust:
    """The certificates that the settings believe.

    Raises ``Invalid`` (``connectors.opcua_trusted``) for an entry that is neither a certificate nor a fingerprint.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._fingerprints: set[str] = set()
        self._certificates: list[x509.Certificate] = []
        for entry in trusted:
            plain = re.sub(r"[\s:-]", "", entry).upper()
            if _FINGERPRINT.fullmatch(plain):
                self._fingerprints.add(plain)
                continue
            try:
                self._certificates.append(x509.load_pem_x509_certificate(entry.encode()))
            except ValueError as error:
                raise Invalid(
                    f"An entry of the trusted certificates is neither a certificate nor a fingerprint: {entry[:40]!r}.",
                    code="connectors.opcua_trusted",
                    hint="Give the certificate as PEM (-----BEGIN CERTIFICATE-----…), or its SHA-256 or SHA-1 "
                    "fingerprint.",
                ) from error

    def check(self, certificate: x509.Certificate, url: str) -> None:
        """Raises ``Denied`` (``connectors.opcua_untrusted``) with the fingerprint when it is not believed."""
        printed = fingerprint(certificate)
        if not self._knows(certificate):
            raise Denied(
                f"The certificate of {url} is not among the trusted ones. It names "
                f"{certificate.subject.rfc4514_string() or 'nobody'}; its SHA-256 fingerprint is {printed}.",
                code="connectors.opcua_untrusted",
                hint="Compare the fingerprint with the one that the server itself shows; if they are equal, add "
                "it to the "
                "setting `trusted`. If they are not, somebody stands between.",
                detail={
                    "fingerprint": printed,
                    "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
                },
            )
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Denied(
                f"The certificate of {url} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
                f"{certificate.not_valid_after_utc:%Y-%m-%d}, and today is {now:%Y-%m-%d}.",
                code="connectors.opcua_certificate_expired",
                hint="Give the server a new certificate, or set its clock or this machine's right.",
            )

    def _knows(self, certificate: x509.Certificate) -> bool:
        prints = {fingerprint(certificate), certificate.fingerprint(hashes.SHA1()).hex().upper()}  # noqa: S303 — only a name here, as servers' own tools print it
        if prints & self._fingerprints:
            return True
        return any(known == certificate or _issued(certificate, known) for known in self._certificates)


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return constraints.ca


def _unusable(what: str, why: str) -> Invalid:
    return Invalid(
        f"The {what} cannot be used: {why}.",
        code="connectors.opcua_certificate",
        hint="Give certificate and private key as PEM, RSA with 2048 to 4096 bits, the key without a password.",
    )
