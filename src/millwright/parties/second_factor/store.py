"""Authenticator apps and recovery codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from millwright.engines.secrets import sealed
from millwright.engines.sql import Records, metadata

AUTHENTICATOR = "parties.authenticator"
"""The purpose for which an app's secret is sealed."""

_id = sa.String(40)


def _person(*, primary_key: bool = False) -> sa.Column[str]:
    key = sa.ForeignKey("parties_people.id", ondelete="CASCADE")
    return sa.Column("person_id", _id, key, nullable=False, primary_key=primary_key, index=not primary_key)


authenticators = sa.Table(
    "parties_authenticators",
    metadata,
    _person(primary_key=True),
    sa.Column("secret", sa.Text, nullable=False, info=sealed(AUTHENTICATOR)),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("last_used_ms", sa.BigInteger),
)

recovery_codes = sa.Table(
    "parties_recovery_codes",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    _person(),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("used_ms", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A person's app; ``secret`` is sealed, ``last_step`` the newest step whose code was used."""

    secret: str
    last_step: int
    created_ms: int
    last_used_ms: int | None


class SecondFactorStore:
    """Queries over second factors. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, person_id: str) -> Authenticator | None:
        """A person's authenticator."""
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(authenticators).where(authenticators.c.person_id == person_id)
            ).one_or_none()
        return Authenticator(row.secret, row.last_step, row.created_ms, row.last_used_ms) if row else None

    def replace(
        self, person_id: str, secret: str, step: int, codes: Sequence[tuple[bytes, bytes]], now_ms: int
    ) -> None:
        """Set the authenticator and the recovery codes, (salt, digest) each, in place of earlier ones."""
        row = {"person_id": person_id, "secret": secret, "last_step": step, "created_ms": now_ms}
        with self._records.begin() as connection:
            connection.execute(sa.delete(authenticators).where(authenticators.c.person_id == person_id))
            connection.execute(sa.insert(authenticators).values(**row))
            _replace_codes(connection, person_id, codes)

    def use_step(self, person_id: str, step: int, now_ms: int) -> bool:
        """Take a step; ``False`` when it, or a later one, was taken before."""
        with self._records.begin() as connection:
            done = connection.execute(
                sa.update(authenticators)
                .where(authenticators.c.person_id == person_id, authenticators.c.last_step < step)
                .values(last_step=step, last_used_ms=now_ms)
            )
        return done.rowcount == 1

    def salts(self, person_id: str) -> list[bytes]:
        """The salts of the recovery codes that are left."""
        with self._records.read() as connection:
            left = sa.and_(recovery_codes.c.person_id == person_id, recovery_codes.c.used_ms.is_(None))
            return list(connection.scalars(sa.select(recovery_codes.c.salt).where(left)))

    def use_code(self, person_id: str, digests: Sequence[bytes], now_ms: int) -> bool:
        """Take the recovery code that has one of these digests; ``False`` when none has, or it was taken before."""
        with self._records.begin() as connection:
            done = connection.execute(
                sa.update(recovery_codes)
                .where(
                    recovery_codes.c.person_id == person_id,
                    recovery_codes.c.digest.in_(list(digests)),
                    recovery_codes.c.used_ms.is_(None),
                )
                .values(used_ms=now_ms)
            )
        return done.rowcount == 1

    def replace_codes(self, person_id: str, codes: Sequence[tuple[bytes, bytes]]) -> None:
        """Set new recovery codes; older ones are gone."""
        with self._records.begin() as connection:
            _replace_codes(connection, person_id, codes)

    def delete(self, person_id: str) -> bool:
        """Remove the authenticator and the recovery codes; ``False`` when there was no authenticator."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
            done = connection.execute(sa.delete(authenticators).where(authenticators.c.person_id == person_id))
        return done.rowcount > 0


def _replace_codes(connection: sa.Connection, person_id: str, codes: Sequence[tuple[bytes, bytes]]) -> None:
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    rows = [{"digest": digest, "person_id": person_id, "salt": salt} for salt, digest in codes]
    connection.execute(sa.insert(recovery_codes), rows)
