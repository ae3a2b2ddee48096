"""Data keys in the records: each wrapped by a master key that is elsewhere."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from millwright.engines.sql import Records, metadata

data_keys = sa.Table(
    "secrets_keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("cipher", sa.String(20), nullable=False),
    sa.Column("wrapped", sa.Text, nullable=False),
    sa.Column("wrapped_by", sa.String(64), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("retired_ms", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key as it is stored. ``wrapped_by`` is the master key's id; times in UTC ms."""

    id: str
    cipher: str
    wrapped: str
    wrapped_by: str
    created_ms: int
    retired_ms: int | None


class DataKeyStore:
    """Reads and writes data keys; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> list[DataKey]:
        """Every data key, newest first."""
        with self._records.read() as connection:
            rows = connection.execute(
                sa.select(data_keys).order_by(data_keys.c.created_ms.desc(), data_keys.c.id.desc())
            )
            return [DataKey(*row) for row in rows]

    def insert(self, key: DataKey, *, retire: bool) -> None:
        """Add a key; ``retire``: the others are for reading only from now on."""
        with self._records.begin() as connection:
            if retire:
                connection.execute(
                    sa.update(data_keys).where(data_keys.c.retired_ms.is_(None)).values(retired_ms=key.created_ms)
                )
            connection.execute(
                sa.insert(data_keys).values(
                    id=key.id,
                    cipher=key.cipher,
                    wrapped=key.wrapped,
                    wrapped_by=key.wrapped_by,
                    created_ms=key.created_ms,
                    retired_ms=key.retired_ms,
                )
            )

    def rewrap(self, before: DataKey, wrapped: str, wrapped_by: str) -> None:
        """Store the same key under another master key, unless somebody else did so meanwhile."""
        with self._records.begin() as connection:
            connection.execute(
                sa.update(data_keys)
                .where(data_keys.c.id == before.id, data_keys.c.wrapped == before.wrapped)
                .values(wrapped=wrapped, wrapped_by=wrapped_by)
            )

    def delete(self, key_ids: Sequence[str]) -> None:
        """Remove keys that nothing is sealed under."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(data_keys).where(data_keys.c.id.in_(builtins.list(key_ids))))
