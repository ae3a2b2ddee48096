"""The authority: makes itself at the first need, signs, lists what was revoked. Every method blocks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from millwright.certificates import imports
from millwright.certificates.errors import key_reused, no_authority
from millwright.certificates.keys import PublicKey, algorithm_of, key_bytes, make_key, read_key, spki
from millwright.certificates.model import AuthorityImport, CertificatePage, Kind, Origin, State
from millwright.certificates.profiles import (
    authority_certificate,
    end_certificate,
    milliseconds,
    moment,
    name_of,
    revocation_list,
)
from millwright.certificates.settings import CertificatesSettings
from millwright.certificates.store import CertificateStore
from millwright.certificates.tables import KEY_PURPOSE
from millwright.engines.secrets import Secrets, purpose_of
from millwright.engines.sql import Records
from millwright.kernel import Clock, new_id
from millwright.ledger import note

CRL_DAYS: Final = 7
_CRL_KEPT_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate just signed: its row for the records, itself and the chain below the root, in PEM."""

    row: dict[str, Any]
    certificate: str
    chain: str


class CertificateAuthority:
    """The authorities of one database. Construction does no I/O.

    ``records`` see every organisation: a key, a serial number and a list of what was revoked are the authority's
    business, whoever's the certificate is. What people are shown is read through ``confined``.
    """

    def __init__(
        self,
        records: Records,
        secrets: Secrets,
        clock: Clock,
        settings: CertificatesSettings,
        *,
        confined: Records | None = None,
    ) -> None:
        self.store = CertificateStore(records)
        self.shown = CertificateStore(confined or records)
        self.settings = settings
        self._secrets, self._clock = secrets, clock
        self._lists: dict[str, tuple[int, int, bytes]] = {}
        self._lock = threading.Lock()

    # --- authorities ---------------------------------------------------------------------------------------------

    def ensure(self) -> sa.RowMapping:
        """The issuing authority in use; made, with its root, where there is none or the last ends too soon."""
        while True:
            current = self.store.find_active()
            if current is not None and not self._ends_soon(current):
                return current
            self.make(replaces=current["id"] if current else None)

    def make(self, *, replaces: str | None) -> bool:
        """A new issuing authority below the root, and a new root where that is needed too.

        ``replaces`` is the issuing authority seen in use; ``False`` when another process was quicker.
        """
        now_ms = self._clock.now_ms()
        settings = self.settings
        root = self.store.find_active("root")
        rows: list[dict[str, Any]] = []
        if root is None or root["not_after_ms"] - now_ms < settings.authority_days * _DAY_MS:
            key = make_key(settings.algorithm)
            subject = name_of(f"Millwright root {new_id('r')[-6:]}")
            days = settings.authority_days * 2 + 1
            made = authority_certificate(subject, key.public_key(), moment(now_ms), days, None, key)
            rows.append(self._row("root", "built_in", made, [], key_bytes(key), now_ms))
            above, above_key = made, key
        else:
            above = x509.load_pem_x509_certificate(root["certificate"].encode())
            above_key = read_key(self._secrets.open(purpose_of(KEY_PURPOSE, root["id"]), root["key"]))
        key = make_key(settings.algorithm)
        subject = name_of(f"Millwright issuing {new_id('i')[-6:]}")
        made = authority_certificate(
            subject, key.public_key(), moment(now_ms), settings.authority_days, above, above_key
        )
        rows.append(self._row("issuing", "built_in", made, [above], key_bytes(key), now_ms))
        return self._activate(rows, replaces)

    def take(self, given: AuthorityImport) -> None:
        """Use another authority from now on; what the one before issued stays valid.

        Raises ``Invalid`` (``certificates.authority_invalid``, ``certificates.key_weak``).
        """
        now_ms = self._clock.now_ms()
        key, (own, *above) = imports.read_authority(given, moment(now_ms))
        row = self._row("issuing", "imported", own, above, key_bytes(key), now_ms)
        current = self.store.find_active()
        while not self._activate([row], current["id"] if current else None):
            current = self.store.find_active()

    def _activate(self, rows: Sequence[dict[str, Any]], replaces: str | None) -> bool:
        if not self.store.activate(rows, replaces=replaces):
            return False
        for row in rows:
            shown = ("role", "origin", "algorithm", "fingerprint", "not_after_ms")
            note("authority", row["id"], row["subject"], after={name: row[name] for name in shown})
        return True

    def trusted(self) -> list[str]:
        """Every authority that is still valid, in PEM: what a client certificate is checked by."""
        now_ms = self._clock.now_ms()
        found: dict[str, None] = {}
        for row in self.store.list_authorities():
            if row["not_after_ms"] > now_ms:
                for pem in (row["certificate"], row["chain"]):
                    found.update(dict.fromkeys(split(pem)))
        return list(found)

    def roots(self) -> str:
        """The root of the authority in use, in PEM. Raises ``NotFound`` (``certificates.no_authority``)."""
        current = self.store.find_active()
        if current is None:
            raise no_authority()
        return (split(current["chain"]) or [current["certificate"]])[-1]

    # --- certificates --------------------------------------------------------------------------------------------

    def sign(
        self,
        key: PublicKey,
        kind: Kind,
        subject_id: str,
        names: Sequence[x509.GeneralName],
        origin: Origin,
        organisation_id: str,
    ) -> Signed:
        """A certificate for a checked key; the caller puts its row into the records, with what it opens.

        Raises ``Conflict`` (``certificates.key_reused``).
        """
        key_digest = hashlib.sha256(spki(key)).hexdigest()
        if self.store.is_key_taken(key_digest, kind, subject_id):
            raise key_reused()
        authority = self.ensure()
        issuer = x509.load_pem_x509_certificate(authority["certificate"].encode())
        issuer_key = read_key(self._secrets.open(purpose_of(KEY_PURPOSE, authority["id"]), authority["key"]))
        now_ms = self._clock.now_ms()
        settings = self.settings
        made = end_certificate(
            name_of(subject_id),
            key,
            moment(now_ms),
            settings.device_days if kind == "device" else settings.node_days,
            issuer,
            issuer_key,
            names=names,
            server=kind == "node",
            crl_url=f"{settings.crl_url}/{authority['id']}" if settings.crl_url else "",
        )
        pem = to_pem(made)
        row = {
            "id": new_id("crt"),
            "authority_id": authority["id"],
            "kind": kind,
            "subject_id": subject_id,
            "serial": f"{made.serial_number:x}",
            "fingerprint": made.fingerprint(hashes.SHA256()).hex(),
            "key_digest": key_digest,
            "certificate": pem,
            "not_before_ms": milliseconds(made.not_valid_before_utc),
            "not_after_ms": milliseconds(made.not_valid_after_utc),
            "created_ms": now_ms,
            "origin": origin,
            "revoked_ms": None,
            "reason": None,
            "organisation_id": organisation_id,
        }
        return Signed(row, pem, self.chain_of(authority))

    def page(
        self, kind: Kind | None, subject_id: str | None, state: State | None, *, cursor: str | None, limit: int
    ) -> CertificatePage:
        """Certificates that the scope at hand contains, newest first."""
        now_ms = self._clock.now_ms()
        return self.shown.page(kind=kind, subject_id=subject_id, state=state, cursor=cursor, limit=limit, now_ms=now_ms)

    @staticmethod
    def chain_of(authority: sa.RowMapping) -> str:
        """What goes behind a certificate of this authority: the authorities up to the root, without it."""
        above = split(authority["chain"])
        return "".join([authority["certificate"], *above[:-1]] if above else [])

    # --- revocation ----------------------------------------------------------------------------------------------

    def revocations(self, authority_id: str) -> bytes:
        """The authority's CRL in DER, valid for a week, kept for an hour unless something is revoked.

        Raises ``NotFound`` (``certificates.authority_unknown``).
        """
        authority = self.store.get_authority(authority_id)
        revoked = self.store.revoked(authority_id)
        now_ms = self._clock.now_ms()
        with self._lock:
            count, at_ms, known = self._lists.get(authority_id, (-1, 0, b""))
            if count == len(revoked) and now_ms - at_ms < _CRL_KEPT_MS:
                return known
        issuer = x509.load_pem_x509_certificate(authority["certificate"].encode())
        key = read_key(self._secrets.open(purpose_of(KEY_PURPOSE, authority_id), authority["key"]))
        entries = [(serial, moment(revoked_ms), reason) for serial, revoked_ms, reason in revoked]
        made = revocation_list(issuer, key, moment(now_ms), entries, now_ms, CRL_DAYS)
        data = made.public_bytes(serialization.Encoding.DER)
        with self._lock:
            self._lists[authority_id] = len(revoked), now_ms, data
        return data

    def _ends_soon(self, authority: sa.RowMapping) -> bool:
        """Whether what is issued now would be cut short. An imported authority is its owner's to renew."""
        longest = max(self.settings.device_days, self.settings.node_days)
        wanted_ms = min(longest, self.settings.authority_days // 2) * _DAY_MS
        left_ms: int = authority["not_after_ms"] - self._clock.now_ms()
        return left_ms < (wanted_ms if authority["origin"] == "built_in" else 0)

    def _row(
        self,
        role: str,
        origin: str,
        made: x509.Certificate,
        above: Collection[x509.Certificate],
        key: bytes,
        now_ms: int,
    ) -> dict[str, Any]:
        authority_id = new_id("ca")
        return {
            "id": authority_id,
            "role": role,
            "origin": origin,
            "subject": made.subject.rfc4514_string()[:400],
            "algorithm": algorithm_of(made.public_key()),  # type: ignore[arg-type]  # a key that was judged
            "fingerprint": made.fingerprint(hashes.SHA256()).hex(),
            "certificate": to_pem(made),
            "chain": "".join(to_pem(each) for each in above),
            "key": self._secrets.seal(purpose_of(KEY_PURPOSE, authority_id), key),
            "not_before_ms": milliseconds(made.not_valid_before_utc),
            "not_after_ms": milliseconds(made.not_valid_after_utc),
            "created_ms": now_ms,
            "active": role,
        }


def to_pem(certificate: x509.Certificate) -> str:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def split(pem: str) -> list[str]:
    """The certificates in a PEM text, each by itself."""
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in pem.split(end) if part.strip()]
