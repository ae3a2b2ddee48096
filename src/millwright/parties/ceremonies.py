"""Ceremonies: what is begun by one request and finished by the next, once.

A challenge of a passkey, the second step of a sign-in, the way to an identity provider and back. What the second
request needs is sealed and given to the browser, so that beginning costs the node nothing that a flood could fill;
only a ceremony that was finished leaves a mark, and its second use finds that mark.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.secrets import purpose_of
from millwright.engines.sql import Records, metadata
from millwright.kernel import Clock, Conflict, Corrupt, Denied

if TYPE_CHECKING:
    from millwright.engines.secrets import Secrets

_PURPOSE = "parties.ceremony"

spent = sa.Table(
    "parties_spent",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
)


class Ceremonies:
    """Begins, reads and ends ceremonies; a ``kind`` never passes for another."""

    def __init__(self, records: Records, secrets: Secrets, clock: Clock) -> None:
        self._records, self._secrets, self._clock = records, secrets, clock

    async def begin(self, kind: str, data: dict[str, Any], *, minutes: float) -> str:
        """The sealed text that the browser brings back within ``minutes``."""
        document = {"data": data, "until": self._clock.now_ms() + round(minutes * 60_000)}
        return await asyncio.to_thread(self._secrets.seal, purpose_of(_PURPOSE, kind), msgspec.json.encode(document))

    async def read(self, kind: str, text: str) -> dict[str, Any]:
        """What was begun. Raises ``Denied`` (``parties.ceremony_over``) when it was not here, or too long ago."""
        try:
            document = msgspec.json.decode(
                await asyncio.to_thread(self._secrets.open, purpose_of(_PURPOSE, kind), text)
            )
        except (ValueError, Corrupt) as error:
            raise _over() from error
        if document["until"] <= self._clock.now_ms():
            raise _over()
        data: dict[str, Any] = document["data"]
        return data

    async def spend(self, text: str) -> None:
        """Mark it as finished. Raises ``Conflict`` (``parties.ceremony_spent``) when it was finished before."""
        await self.spend_once(hashlib.sha256(text.encode()).digest(), minutes=60)

    async def spend_once(self, digest: bytes, *, minutes: float) -> None:
        """Mark 32 bytes that may pass once within ``minutes``; raises as :meth:`spend`."""
        await asyncio.to_thread(self._spend, digest, minutes)

    def _spend(self, digest: bytes, minutes: float) -> None:
        now = self._clock.now_ms()
        try:
            with self._records.begin() as connection:
                connection.execute(sa.delete(spent).where(spent.c.expires_ms <= now))
                connection.execute(sa.insert(spent).values(digest=digest, expires_ms=now + round(minutes * 60_000)))
        except IntegrityError as error:
            raise Conflict(
                "This was used before.", code="parties.ceremony_spent", hint="Begin again; each may be used once."
            ) from error


def new_challenge() -> bytes:
    """32 random bytes, twice what WebAuthn §13.4.3 asks for."""
    return os.urandom(32)


def _over() -> Denied:
    return Denied("This took too long, or was begun elsewhere.", code="parties.ceremony_over", hint="Begin again.")
