"""A device's certificate and the credential it is, changed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from millwright.certificates import find_code, insert_code, insert_issued, revoke, take_code
from millwright.devices.credentials.model import CERTIFICATE, digest_of_certificate
from millwright.devices.errors import credential_wrong, not_found, too_many
from millwright.devices.store import bump, credentials, devices
from millwright.engines.sql import Records
from millwright.kernel import new_id
from millwright.parties import active

KIND: Final = "device"


@dataclass(frozen=True, slots=True)
class Holder:
    """A device that may have certificates; ``disabled`` is one of a suspended organisation too."""

    device_id: str
    name: str
    disabled: bool
    organisation_id: str


class DeviceCertificateStore:
    """Writes; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, device_id: str) -> Holder | None:
        """The device, where the records' scope contains it."""
        disabled = sa.or_(devices.c.disabled, sa.not_(active(devices.c.organisation_id))).label("disabled")
        query = sa.select(devices.c.id, devices.c.name, disabled, devices.c.organisation_id)
        with self._records.read() as connection:
            row = connection.execute(query.where(devices.c.id == device_id)).first()
        return Holder(*row) if row else None

    def insert(self, device_id: str, row: dict[str, Any], limit: int, code: bytes | None, now_ms: int) -> None:
        """Add a certificate and open the door to it; with ``code`` (its digest) that is used up.

        Raises ``NotFound`` (``devices.device_unknown``), ``LimitExceeded`` (``devices.limit``), ``Denied``
        (``devices.credential_wrong``) when the code was used meanwhile.
        """
        mine = sa.and_(credentials.c.device_id == device_id, credentials.c.origin == CERTIFICATE)
        with self._records.begin() as connection:
            if connection.scalar(sa.select(devices.c.id).where(devices.c.id == device_id)) is None:
                raise not_found("device", device_id)
            if code is not None and take_code(connection, code, KIND, now_ms) != device_id:
                raise credential_wrong()
            connection.execute(sa.delete(credentials).where(mine, credentials.c.expires_ms <= now_ms))
            held = connection.scalar(sa.select(sa.func.count()).select_from(credentials).where(mine))
            if (held or 0) >= limit:
                raise too_many("valid certificates for one device", limit, "per_device", section="certificates")
            insert_issued(connection, row)
            connection.execute(
                sa.insert(credentials).values(
                    id=new_id("crd"),
                    device_id=device_id,
                    digest=digest_of_certificate(bytes.fromhex(row["fingerprint"])),
                    label=None,
                    hint=row["fingerprint"][:16],
                    origin=CERTIFICATE,
                    created_ms=now_ms,
                    expires_ms=row["not_after_ms"],
                    last_used_ms=None,
                )
            )
            bump(connection)

    def revoke(self, device_id: str, certificate_id: str, now_ms: int, reason: str) -> bool:
        """Revoke, and close the door; ``False`` when it was revoked before.

        Raises ``NotFound`` (``certificates.certificate_unknown``).
        """
        with self._records.begin() as connection:
            fingerprint = revoke(connection, certificate_id, KIND, device_id, now_ms, reason)
            if fingerprint is not None:
                digest = digest_of_certificate(bytes.fromhex(fingerprint))
                connection.execute(sa.delete(credentials).where(credentials.c.digest == digest))
                bump(connection)
        return fingerprint is not None

    def add_code(self, holder: Holder, digest: bytes, now_ms: int, expires_ms: int) -> None:
        """Add a one-time code; one not used before it ends."""
        row = {
            "id": new_id("cod"),
            "kind": KIND,
            "subject_id": holder.device_id,
            "organisation_id": holder.organisation_id,
            "digest": digest,
            "created_ms": now_ms,
            "expires_ms": expires_ms,
            "used_ms": None,
        }
        with self._records.begin() as connection:
            insert_code(connection, row)

    def find_code(self, digest: bytes, now_ms: int) -> str | None:
        """The device that a code was made for, while it can be used."""
        with self._records.read() as connection:
            return find_code(connection, digest, KIND, now_ms)
