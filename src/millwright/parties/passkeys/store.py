"""Passkeys: public keys and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records, metadata
from millwright.kernel import Conflict
from millwright.parties.passkeys.model import Passkey

passkeys = sa.Table(
    "parties_passkeys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column(
        "person_id", sa.String(40), sa.ForeignKey("parties_people.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("credential_id", sa.LargeBinary(1023), nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary(2048), nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("backed_up", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("last_used_ms", sa.BigInteger),
    sa.Column("regressed_ms", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What a signature is checked against."""

    id: str
    person_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int


class PasskeyStore:
    """Queries over passkeys. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep one. Raises ``Conflict`` (``parties.passkey_known``) when it was registered before."""
        try:
            with self._records.begin() as connection:
                connection.execute(sa.insert(passkeys).values(**row))
        except IntegrityError as error:
            raise Conflict(
                "This passkey is registered already.", code="parties.passkey_known", hint="Use another device."
            ) from error

    def find(self, credential_id: bytes) -> StoredKey | None:
        """The passkey with this credential id."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(passkeys).where(passkeys.c.credential_id == credential_id)).one_or_none()
        return StoredKey(row.id, row.person_id, row.credential_id, row.public_key, row.sign_count) if row else None

    def credential_ids(self, person_id: str) -> list[bytes]:
        """The credential ids of a person's passkeys."""
        with self._records.read() as connection:
            return list(
                connection.scalars(sa.select(passkeys.c.credential_id).where(passkeys.c.person_id == person_id))
            )

    def list(self, person_id: str) -> list[Passkey]:
        """A person's passkeys, oldest first."""
        query = sa.select(passkeys).where(passkeys.c.person_id == person_id).order_by(passkeys.c.id)
        with self._records.read() as connection:
            return [
                Passkey(r.id, r.name, r.backed_up, r.created_ms, r.last_used_ms, r.regressed_ms)
                for r in connection.execute(query)
            ]

    def use(self, key: StoredKey, sign_count: int, now_ms: int) -> bool:
        """Note a use; ``False`` when the counter did not move on since, so that somebody else used it too."""
        moved = passkeys.c.sign_count < sign_count if sign_count else passkeys.c.sign_count == 0
        with self._records.begin() as connection:
            done = connection.execute(
                sa.update(passkeys)
                .where(passkeys.c.id == key.id, moved)
                .values(sign_count=sign_count, last_used_ms=now_ms)
            )
            if not done.rowcount:
                connection.execute(sa.update(passkeys).where(passkeys.c.id == key.id).values(regressed_ms=now_ms))
        return done.rowcount == 1

    def rename(self, passkey_id: str, person_id: str, name: str) -> bool:
        """Name one of a person's passkeys; ``False`` when there is none."""
        mine = sa.and_(passkeys.c.id == passkey_id, passkeys.c.person_id == person_id)
        with self._records.begin() as connection:
            return connection.execute(sa.update(passkeys).where(mine).values(name=name)).rowcount > 0

    def delete(self, person_id: str, passkey_id: str | None = None) -> bool:
        """Remove one of a person's passkeys, or (``None``) all; ``False`` when there was none."""
        query = sa.delete(passkeys).where(passkeys.c.person_id == person_id)
        if passkey_id is not None:
            query = query.where(passkeys.c.id == passkey_id)
        with self._records.begin() as connection:
            return connection.execute(query).rowcount > 0
