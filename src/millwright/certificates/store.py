"""Authorities, certificates and enrolment codes in the records.

The functions take part in the caller's transaction: a device's certificate and what it opens change together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.certificates.errors import authority_unknown, certificate_unknown
from millwright.certificates.model import Authority, Certificate, CertificatePage, State
from millwright.certificates.tables import authorities, codes, issued
from millwright.engines.sql import Records


class CertificateStore:
    """Reads and writes; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list_authorities(self) -> list[sa.RowMapping]:
        """Every authority, newest first."""
        with self._records.read() as connection:
            # Those of one moment: what signs day by day before its root.
            order = (authorities.c.created_ms.desc(), authorities.c.role, authorities.c.id.desc())
            return list(connection.execute(sa.select(authorities).order_by(*order)).mappings())

    def authorities(self) -> list[Authority]:
        """Every authority, newest first, with how many certificates it issued and revoked."""
        query = sa.select(
            issued.c.authority_id, sa.func.count().label("issued"), sa.func.count(issued.c.revoked_ms).label("revoked")
        ).group_by(issued.c.authority_id)
        with self._records.read() as connection:
            counts = {row.authority_id: (row.issued, row.revoked) for row in connection.execute(query)}
        return [_authority(row, *counts.get(row["id"], (0, 0))) for row in self.list_authorities()]

    def find_active(self, role: str = "issuing") -> sa.RowMapping | None:
        """The authority in use, or ``None`` when there is none yet."""
        with self._records.read() as connection:
            return connection.execute(sa.select(authorities).where(authorities.c.active == role)).mappings().first()

    def get_authority(self, authority_id: str) -> sa.RowMapping:
        """One authority. Raises ``NotFound`` (``certificates.authority_unknown``)."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(authorities).where(authorities.c.id == authority_id)).mappings().first()
        if row is None:
            raise authority_unknown(authority_id)
        return row

    def activate(self, rows: Sequence[dict[str, Any]], *, replaces: str | None) -> bool:
        """Add authorities and use those that say so; ``False`` when another process was quicker.

        ``replaces`` is the id of the issuing authority that was seen in use; it and its like step down.
        """
        roles = [row["active"] for row in rows if row["active"]]
        try:
            with self._records.begin() as connection:
                current = connection.scalar(sa.select(authorities.c.id).where(authorities.c.active == "issuing"))
                if current != replaces:
                    return False
                connection.execute(sa.update(authorities).where(authorities.c.active.in_(roles)).values(active=None))
                for row in rows:
                    connection.execute(sa.insert(authorities).values(**row))
        except IntegrityError:
            return False
        return True

    def page(
        self,
        *,
        kind: str | None,
        subject_id: str | None,
        state: State | None,
        cursor: str | None,
        limit: int,
        now_ms: int,
    ) -> CertificatePage:
        """Certificates, newest first."""
        query = sa.select(issued).order_by(issued.c.id.desc()).limit(limit + 1)
        for column, value in ((issued.c.kind, kind), (issued.c.subject_id, subject_id)):
            if value is not None:
                query = query.where(column == value)
        if cursor:
            query = query.where(issued.c.id < cursor)
        if state == "revoked":
            query = query.where(issued.c.revoked_ms.is_not(None))
        elif state is not None:
            ended = issued.c.not_after_ms <= now_ms
            query = query.where(issued.c.revoked_ms.is_(None), ended if state == "expired" else sa.not_(ended))
        with self._records.read() as connection:
            rows = connection.execute(query).mappings().all()
        items = [certificate_of(row, now_ms) for row in rows[:limit]]
        return CertificatePage(items, items[-1].id if len(rows) > limit else None)

    def get(self, certificate_id: str) -> sa.RowMapping:
        """One certificate's row. Raises ``NotFound`` (``certificates.certificate_unknown``)."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(issued).where(issued.c.id == certificate_id)).mappings().first()
        if row is None:
            raise certificate_unknown(certificate_id)
        return row

    def find_by_fingerprint(self, fingerprint: str) -> sa.RowMapping | None:
        """The row of a certificate by its SHA-256."""
        with self._records.read() as connection:
            return connection.execute(sa.select(issued).where(issued.c.fingerprint == fingerprint)).mappings().first()

    def find_by_key(self, key_digest: str, kind: str, subject_id: str) -> sa.RowMapping | None:
        """A subject's newest certificate of this key that was not revoked."""
        query = (
            sa.select(issued)
            .where(
                issued.c.key_digest == key_digest,
                issued.c.kind == kind,
                issued.c.subject_id == subject_id,
                issued.c.revoked_ms.is_(None),
            )
            .order_by(issued.c.id.desc())
        )
        with self._records.read() as connection:
            return connection.execute(query).mappings().first()

    def is_key_taken(self, key_digest: str, kind: str, subject_id: str) -> bool:
        """Whether the key is another subject's, or was revoked as compromised."""
        foreign = sa.or_(issued.c.kind != kind, issued.c.subject_id != subject_id)
        lost = issued.c.reason == "key_compromise"
        query = sa.select(issued.c.id).where(issued.c.key_digest == key_digest, sa.or_(foreign, lost)).limit(1)
        with self._records.read() as connection:
            return connection.scalar(query) is not None

    def revoked(self, authority_id: str) -> list[tuple[int, int, str | None]]:
        """Serial, UTC ms and reason of each revoked certificate of an authority."""
        query = (
            sa.select(issued.c.serial, issued.c.revoked_ms, issued.c.reason)
            .where(issued.c.authority_id == authority_id, issued.c.revoked_ms.is_not(None))
            .order_by(issued.c.revoked_ms, issued.c.id)
        )
        with self._records.read() as connection:
            return [(int(row.serial, 16), row.revoked_ms, row.reason) for row in connection.execute(query)]


def insert_issued(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Add a certificate in the caller's transaction."""
    connection.execute(sa.insert(issued).values(**row))


def revoke(
    connection: sa.Connection, certificate_id: str, kind: str, subject_id: str, now_ms: int, reason: str
) -> str | None:
    """Revoke a subject's certificate in the caller's transaction; its fingerprint, ``None`` when it was revoked before.

    Raises ``NotFound`` (``certificates.certificate_unknown``).
    """
    row = connection.execute(
        sa.select(issued.c.fingerprint, issued.c.revoked_ms).where(
            issued.c.id == certificate_id, issued.c.kind == kind, issued.c.subject_id == subject_id
        )
    ).first()
    if row is None:
        raise certificate_unknown(certificate_id)
    if row.revoked_ms is not None:
        return None
    connection.execute(sa.update(issued).where(issued.c.id == certificate_id).values(revoked_ms=now_ms, reason=reason))
    return str(row.fingerprint)


def revoke_subject(connection: sa.Connection, kind: str, subject_id: str, now_ms: int, reason: str) -> int:
    """Revoke every certificate of a subject that is gone, and end its codes; returns how many certificates."""
    of = sa.and_(issued.c.kind == kind, issued.c.subject_id == subject_id, issued.c.revoked_ms.is_(None))
    done = connection.execute(sa.update(issued).where(of).values(revoked_ms=now_ms, reason=reason))
    connection.execute(sa.delete(codes).where(codes.c.kind == kind, codes.c.subject_id == subject_id))
    return done.rowcount


def revoke_organisation(connection: sa.Connection, organisation_id: str, now_ms: int) -> None:
    """Revoke every certificate of an organisation that is about to go, in the caller's transaction."""
    valid = sa.and_(issued.c.organisation_id == organisation_id, issued.c.revoked_ms.is_(None))
    values = {"revoked_ms": now_ms, "reason": "cessation_of_operation"}
    connection.execute(sa.update(issued).where(valid).values(**values))


def insert_code(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Add a one-time code; the subject's unused ones before it end."""
    connection.execute(
        sa.delete(codes).where(
            codes.c.kind == row["kind"], codes.c.subject_id == row["subject_id"], codes.c.used_ms.is_(None)
        )
    )
    connection.execute(sa.insert(codes).values(**row))


def take_code(connection: sa.Connection, digest: bytes, kind: str, now_ms: int) -> str | None:
    """Use a code up; the subject it was made for, ``None`` when it is unknown, used or expired."""
    taken = connection.execute(
        sa.update(codes)
        .where(codes.c.digest == digest, codes.c.kind == kind, codes.c.used_ms.is_(None), codes.c.expires_ms > now_ms)
        .values(used_ms=now_ms)
        .returning(codes.c.subject_id)
    ).first()
    return None if taken is None else str(taken.subject_id)


def find_code(connection: sa.Connection, digest: bytes, kind: str, now_ms: int) -> str | None:
    """The subject of a code that can still be used."""
    return connection.scalar(
        sa.select(codes.c.subject_id).where(
            codes.c.digest == digest, codes.c.kind == kind, codes.c.used_ms.is_(None), codes.c.expires_ms > now_ms
        )
    )


def certificate_of(row: Any, now_ms: int) -> Certificate:
    """A row as others see it."""
    values = {key: row[key] for key in Certificate.__struct_fields__ if key != "state"}
    state: State = "valid" if row["not_after_ms"] > now_ms else "expired"
    return Certificate(**values, state="revoked" if row["revoked_ms"] is not None else state)


def _authority(row: sa.RowMapping, count: int, revoked: int) -> Authority:
    values = {key: row[key] for key in Authority.__struct_fields__ if key not in ("active", "issued", "revoked")}
    return Authority(**values, active=row["active"] is not None, issued=count, revoked=revoked)
