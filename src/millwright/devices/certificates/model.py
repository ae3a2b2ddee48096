"""What is sent and answered when a device gets a certificate."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from millwright.certificates import Certificate, Reason

Pem = Annotated[str, Meta(description="PKCS #10 in PEM.", max_length=16_384)]


class CertificateRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a certificate. It may name the device (its id or name) or nobody."""

    request: Pem


class Renewal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device's request for its next certificate, proved by the one it has."""

    request: Pem
    certificate: Annotated[str, Meta(description="The device's valid certificate, in PEM.", max_length=16_384)]
    signature: Annotated[
        str,
        Meta(
            description="Signature of the bytes of `request` by the key of `certificate` (SHA-256; Ed25519 as it is), "
            "in base64: `openssl dgst -sha256 -sign device.key new.csr | base64`.",
            max_length=2048,
        ),
    ]


class IssuedCertificate(Struct, frozen=True, kw_only=True):
    """A new certificate. ``chain`` goes behind it: the authorities above, without the root."""

    issued: Certificate
    certificate: str
    chain: str


class NewCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A one-time code to be made."""

    hours: Annotated[float, Meta(gt=0, le=8760)] | None = None
    """How long it may be used; null: [certificates] code_hours."""


class EnrolmentCode(Struct, frozen=True, kw_only=True):
    """A one-time code with which a device gets its first certificate, shown this once."""

    device_id: str
    code: str
    expires_ms: int


class Revocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a certificate is revoked."""

    reason: Reason = "unspecified"
