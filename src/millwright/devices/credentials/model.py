"""A credential and its digest.

Only the SHA-256 digest of a secret is kept. That is right for the tokens issued here: they hold 192 random bits, which
nobody can search through, so a slow password hash would add nothing but a cost at every connection (and a storm of
ten thousand devices would wait minutes). A secret that a device brought along and was adopted with may be weaker;
``origin`` says so, and issuing a token in its place is the remedy.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from millwright.kernel import ROOT

Origin = Literal["issued", "adopted", "x509"]

CERTIFICATE: Final = "x509"
"""The origin of a credential that is a certificate; ``devices.certificates`` lists and revokes those."""


class Credential(Struct, frozen=True, kw_only=True):
    """A credential without its secret. ``hint`` lets a person recognise it; times are UTC ms."""

    id: str
    device_id: str
    label: str | None
    hint: str
    origin: Origin
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None


class NewCredential(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credential to be issued."""

    label: Annotated[str | None, Meta(description="What it is for.", examples=["gateway"])] = None
    expires_ms: Annotated[int | None, Meta(description="UTC ms; null: never.")] = None
    username: (
        Annotated[
            str,
            Meta(
                description="A user name that the device brings along, with `password`, because it takes no token: of "
                "a vehicle its VIN, with the ICCID; of a platform its name.",
                min_length=1,
                max_length=128,
            ),
        ]
        | None
    ) = None
    password: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class Issued(Struct, frozen=True, kw_only=True):
    """A new token, shown this once.

    The device signs in with the token as MQTT user name and no password, or with ``username`` and the token as
    password. Of a pair that the device brought along the token is the password.
    """

    id: str
    device_id: str
    username: str
    token: str
    label: str | None
    created_ms: int
    expires_ms: int | None = None


class Grant(Struct, frozen=True, kw_only=True):
    """What a credential opens: the device and what is needed to decide about it."""

    credential_id: str
    device_id: str
    name: str
    kind: str
    group_id: str | None
    edge_node_id: str | None
    disabled: bool
    revision: int
    expires_ms: int | None
    organisation_id: str = ROOT
    dialect: str | None = None
    realm: str | None = None
    foreign_name: str | None = None


def digest_of_token(token: str) -> bytes:
    """The digest of a secret that stands alone."""
    return hashlib.sha256(b"token\0" + token.encode()).digest()


def digest_of_certificate(fingerprint: bytes) -> bytes:
    """The digest of a certificate by its SHA-256."""
    return hashlib.sha256(b"certificate\0" + fingerprint).digest()


def digest_of_code(code: str) -> bytes:
    """The digest of a one-time enrolment code."""
    return hashlib.sha256(b"code\0" + code.encode()).digest()


def digest_of_pair(username: str, password: str) -> bytes:
    """The digest of a user name and password that a device brought along."""
    return hashlib.sha256(b"pair\0" + username.encode() + b"\0" + password.encode()).digest()


def mask(secret: str) -> str:
    """Enough of a secret for its owner to recognise it: the first four characters of a long one."""
    return f"{secret[:4]}…" if len(secret) >= 16 else "…"
