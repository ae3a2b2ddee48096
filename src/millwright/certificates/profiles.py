"""What our certificates look like (RFC 5280): roots, issuing authorities, devices, nodes."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from millwright.certificates.keys import PrivateKey, PublicKey, digest_for

BACKDATED: Final = timedelta(hours=1)
"""A new certificate is valid from before its making, for devices whose clocks are late."""


def moment(at_ms: int) -> datetime:
    """UTC milliseconds as a whole second, as certificates have it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC)


def milliseconds(at: datetime) -> int:
    """A certificate's time in UTC milliseconds."""
    return int(at.timestamp() * 1000)


def name_of(common_name: str, organisation: str = "Millwright") -> x509.Name:
    """A subject of ours."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64]),
        ]
    )


def authority_certificate(
    subject: x509.Name,
    key: PublicKey,
    now: datetime,
    days: int,
    issuer: x509.Certificate | None,
    issuer_key: PrivateKey,
) -> x509.Certificate:
    """A root (no ``issuer``) or an issuing authority below one, which may sign no further authority."""
    end = now + timedelta(days=days)
    if issuer is not None:
        end = min(end, issuer.not_valid_after_utc)
    builder = _begin(subject, issuer.subject if issuer else subject, key, now - BACKDATED, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return _sign(builder, issuer, issuer_key)


def end_certificate(
    subject: x509.Name,
    key: PublicKey,
    now: datetime,
    days: int,
    issuer: x509.Certificate,
    issuer_key: PrivateKey,
    *,
    names: Sequence[x509.GeneralName],
    server: bool,
    crl_url: str = "",
) -> x509.Certificate:
    """A device's certificate (TLS client), or a node's (``server``: TLS server and client)."""
    end = min(now + timedelta(days=days), issuer.not_valid_after_utc)
    begin = max(now - BACKDATED, issuer.not_valid_before_utc)
    builder = _begin(subject, issuer.subject, key, begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    uses = [ExtendedKeyUsageOID.SERVER_AUTH] if server else []
    builder = builder.add_extension(x509.ExtendedKeyUsage([*uses, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if crl_url:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return _sign(builder, issuer, issuer_key)


def general_name(text: str) -> x509.GeneralName:
    """A host name or an address as subjectAltName has it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return x509.DNSName(text.encode("idna").decode() if not text.isascii() else text)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign(
    builder: x509.CertificateBuilder, issuer: x509.Certificate | None, issuer_key: PrivateKey
) -> x509.Certificate:
    if issuer is not None:
        builder = builder.add_extension(_authority_key(issuer), critical=False)
    return builder.sign(issuer_key, digest_for(issuer_key))


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]  # a signing key
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def revocation_list(
    issuer: x509.Certificate,
    key: PrivateKey,
    now: datetime,
    entries: Sequence[tuple[int, datetime, str | None]],
    number: int,
    days: int,
) -> x509.CertificateRevocationList:
    """A full CRL (RFC 5280, 5): ``entries`` are serial, when revoked, why."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    for serial, at, reason in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        if reason not in (None, "unspecified"):
            entry = entry.add_extension(x509.CRLReason(_REASONS[reason]), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, digest_for(key))


_REASONS: Final[dict[str | None, x509.ReasonFlags]] = {
    "key_compromise": x509.ReasonFlags.key_compromise,
    "superseded": x509.ReasonFlags.superseded,
    "cessation_of_operation": x509.ReasonFlags.cessation_of_operation,
    "affiliation_changed": x509.ReasonFlags.affiliation_changed,
}
