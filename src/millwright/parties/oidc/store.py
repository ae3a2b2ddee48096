"""Identities of other providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records, metadata
from millwright.kernel import Conflict
from millwright.parties.oidc.model import Identity
from millwright.parties.store.people import insert_person

identities = sa.Table(
    "parties_identities",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column(
        "person_id", sa.String(40), sa.ForeignKey("parties_people.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("provider", sa.String(64), nullable=False),
    sa.Column("issuer", sa.String(512), nullable=False),
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("label", sa.String(128), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("last_used_ms", sa.BigInteger),
    sa.UniqueConstraint("issuer", "subject"),
)


class IdentityStore:
    """Queries over identities. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, issuer: str, subject: str) -> tuple[str, str] | None:
        """The id of an identity and of the person it belongs to."""
        mine = sa.and_(identities.c.issuer == issuer, identities.c.subject == subject)
        with self._records.read() as connection:
            row = connection.execute(sa.select(identities.c.id, identities.c.person_id).where(mine)).one_or_none()
        return (row.id, row.person_id) if row else None

    def touch(self, identity_id: str, label: str, now_ms: int) -> None:
        """Note a use, and what the provider calls them today."""
        with self._records.begin() as connection:
            connection.execute(
                sa.update(identities).where(identities.c.id == identity_id).values(label=label, last_used_ms=now_ms)
            )

    def add(self, row: Mapping[str, Any], person: Mapping[str, Any] | None = None) -> None:
        """Link an identity, to a ``person`` made in the same transaction when that is given, whose roles are
        granted on the root.

        Raises ``Conflict`` (``parties.identity_taken``, ``parties.name_taken``).
        """
        with self._records.begin() as connection:
            if person is not None:
                try:
                    insert_person(connection, person)
                except IntegrityError as error:
                    raise Conflict(
                        "Somebody has this name already.", code="parties.name_taken", hint="Choose another name."
                    ) from error
            try:
                connection.execute(sa.insert(identities).values(**row))
            except IntegrityError as error:
                raise Conflict(
                    "This identity belongs to somebody here.",
                    code="parties.identity_taken",
                    hint="Sign in with it, or unlink it there first.",
                ) from error

    def list(self, person_id: str) -> list[Identity]:
        """A person's identities, oldest first."""
        query = sa.select(identities).where(identities.c.person_id == person_id).order_by(identities.c.id)
        with self._records.read() as connection:
            return [
                Identity(r.id, r.provider, r.label, r.created_ms, r.last_used_ms) for r in connection.execute(query)
            ]

    def delete(self, identity_id: str, person_id: str) -> bool:
        """Unlink one of a person's identities; ``False`` when there is none."""
        mine = sa.and_(identities.c.id == identity_id, identities.c.person_id == person_id)
        with self._records.begin() as connection:
            return connection.execute(sa.delete(identities).where(mine)).rowcount > 0
