"""Authorities and certificates, as others see them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

Reason = Literal["unspecified", "key_compromise", "superseded", "cessation_of_operation", "affiliation_changed"]
"""Why a certificate was revoked (RFC 5280, 5.3.1)."""

Kind = Literal["device", "node"]
Origin = Literal["console", "token", "code", "renewal", "node"]
State = Literal["valid", "expired", "revoked"]

DEVICE_URN: Final = "urn:millwright:device:"


def device_uri(device_id: str) -> str:
    """The name of a device in its certificate (subjectAltName, URI)."""
    return DEVICE_URN + device_id


class Authority(Struct, frozen=True, kw_only=True):
    """An authority: ``root`` is trusted, ``issuing`` signs. One issuing authority is active; times in UTC ms."""

    id: str
    role: Literal["root", "issuing"]
    origin: Literal["built_in", "imported"]
    subject: str
    algorithm: str
    fingerprint: Annotated[str, Meta(description="SHA-256 of the certificate, in hexadecimal.")]
    not_before_ms: int
    not_after_ms: int
    created_ms: int
    active: bool
    issued: int = 0
    revoked: int = 0


class AuthorityImport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An authority to be used instead of the built-in one."""

    certificate: Annotated[
        str,
        Meta(description="The CA certificate and, behind it, those above it, in PEM.", max_length=65536),
    ]
    key: Annotated[str, Meta(description="Its private key in PEM.", max_length=32768)]
    password: Annotated[str, Meta(max_length=256)] | None = None
    """What the key is encrypted with."""


class Certificate(Struct, frozen=True, kw_only=True):
    """A certificate that was issued. ``serial`` and ``fingerprint`` (SHA-256) in hexadecimal; times in UTC ms."""

    id: str
    authority_id: str
    kind: Kind
    subject_id: str
    serial: str
    fingerprint: str
    not_before_ms: int
    not_after_ms: int
    created_ms: int
    origin: Origin
    state: State
    revoked_ms: int | None = None
    reason: Reason | None = None


class CertificatePage(Struct, frozen=True):
    """A part of a list, newest first; ``next`` asks for the following one."""

    items: list[Certificate]
    next: str | None = None
