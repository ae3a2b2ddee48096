"""Chains of certificates for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from millwright.identity.handle import HandleValue
from millwright.identity.handle.jwk import jwk_of
from millwright.identity.handle.naming import fold
from millwright.identity.handle.trust.claims import TrustPermission, read_reference
from millwright.identity.handle.trust.roots import Roots
from millwright.identity.handle.trust.signing import Signer, certificate, certificate_value, signed_values

NOW_S = 1_800_000_000
ROOT = "300:0.0/0.0"


@dataclass(frozen=True)
class Certificate:
    subject: str
    value: HandleValue
    ends_s: int


def authority_of(
    subject: str, permission: str, issuer: str, key: Any, issuer_key: Any, *, now_s: int = NOW_S, days: int = 365
) -> Certificate:
    """A certificate of a subject's key by an issuer; ``permission`` as ``kind`` or ``kind:handle``."""
    kind, _, handle = permission.partition(":")
    data = certificate(
        read_reference(subject), key.public_key(), [TrustPermission(handle or None, kind)], read_reference(issuer),
        issuer_key, now_s=now_s, days=days,
    )  # fmt: skip
    return Certificate(subject, certificate_value(data, 400, now_s), now_s + days * 86_400)


@dataclass
class Authorities:
    """Certificates by handle, and who has asked for them."""

    roots: Roots
    records: dict[bytes, tuple[HandleValue, ...]]
    certificates: list[Certificate]
    keys: dict[str, Any] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)

    async def find(self, name: bytes) -> Sequence[HandleValue] | None:
        self.asked.append(name)
        return next((values for each, values in self.records.items() if fold(each) == fold(name)), None)

    def signer(self, subject: str = "") -> Signer:
        """Who signs: the one at the end of the chain."""
        named = subject or self.certificates[-1].subject
        return Signer(issuer=read_reference(named), key=self.keys[named])

    def signed(self, handle: bytes, values: Sequence[HandleValue], now_s: int = NOW_S) -> tuple[HandleValue, ...]:
        return signed_values(handle, values, (), self.signer(), now_s)

    def write_roots(self, folder: Path) -> str:
        """The root's public key as a file."""
        file = folder / "roots.json"
        file.write_text(json.dumps({"keys": [jwk_of(self.keys[ROOT].public_key())]}))
        return str(file)


def certified(
    root_key: Any, *subjects: tuple[str, str], keys: Callable[[], Any] | None = None, now_s: int = NOW_S
) -> Authorities:
    """A chain from the root down: each subject, with what it may, certified by the one before."""
    make = keys or (lambda: ec.generate_private_key(ec.SECP256R1()))
    made: dict[str, Any] = {ROOT: root_key}
    certificates: list[Certificate] = []
    issuer = ROOT
    for subject, permission in subjects:
        made[subject] = make()
        certificates.append(authority_of(subject, permission, issuer, made[subject], made[issuer], now_s=now_s))
        issuer = subject
    records = {read_reference(each.subject).handle: (each.value,) for each in certificates}
    return Authorities(Roots([root_key.public_key()]), records, certificates, made)
