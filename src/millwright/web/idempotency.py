"""``Idempotency-Key`` on POST: the same request sent again gets the first answer, and is not done twice.

Follows draft-ietf-httpapi-idempotency-key-header: an answer is kept for 24 hours by person and key; the key with
another request, or with the same one for another organisation, is refused (422), and while the first one still runs so
is the second (409). An answer that holds a secret shown once, or whose route says ``no-store``, is never stored:
sending that request again says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import sqlalchemy as sa
from litestar.types import ASGIApp, Receive, Send
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records, metadata
from millwright.kernel import Clock, Conflict, Invalid, MillwrightError, Unsupported
from millwright.parties.guards import ORGANISATION_HEADER

HEADER = b"idempotency-key"
KEPT_MS = 24 * 3_600_000
"""How long an answer is kept."""

_ORGANISATION = ORGANISATION_HEADER.encode()
_RUNS_MS = 120_000
_MOST_BYTES = 256 * 1024
_KEY = re.compile(rb"[\x21-\x7e]{1,128}\Z")
_SECRET = re.compile(rb':\s*"mw[a-z]_')
_KEPT_HEADERS = (b"content-type", b"location", b"etag")

answers = sa.Table(
    "web_answers",
    metadata,
    sa.Column("person_id", sa.String(40), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.JSON),
    sa.Column("body", sa.LargeBinary),
)


class AnswerStore:
    """The kept answers; blocks."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock

    def begin(self, person_id: str, key: str, digest: bytes) -> sa.Row[Any] | None:
        """Take the key for a request that begins now (``None``), or the row of the one that took it before."""
        now = self._clock.now_ms()
        mine = sa.and_(answers.c.person_id == person_id, answers.c.key == key)
        dead = sa.and_(answers.c.status.is_(None), answers.c.created_ms < now - _RUNS_MS)
        row = {"person_id": person_id, "key": key, "digest": digest, "created_ms": now}
        try:
            with self._records.begin() as connection:
                connection.execute(
                    sa.delete(answers).where(sa.or_(answers.c.created_ms < now - KEPT_MS, sa.and_(mine, dead)))
                )
                connection.execute(sa.insert(answers).values(**row))
        except IntegrityError:
            with self._records.read() as connection:
                return connection.execute(sa.select(answers).where(mine)).one_or_none()
        return None

    def finish(self, person_id: str, key: str, status: int, headers: list[list[str]], body: bytes | None) -> None:
        """Keep the answer."""
        with self._records.begin() as connection:
            connection.execute(
                sa.update(answers)
                .where(answers.c.person_id == person_id, answers.c.key == key)
                .values(status=status, headers=headers, body=body)
            )

    def forget(self, person_id: str, key: str) -> None:
        """Let the key be used again: the request failed and changed nothing."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(answers).where(answers.c.person_id == person_id, answers.c.key == key))


class Idempotency:
    """Plain ASGI around the routes; costs nothing to a request without the header."""

    def __init__(self, app: ASGIApp, store: AnswerStore) -> None:
        self._app, self._store = app, store

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request."""
        session = scope.get("auth")
        given = next((value for name, value in scope["headers"] if name == HEADER), None)
        if given is None or session is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not _KEY.match(given):
            raise Invalid(
                "An Idempotency-Key has 1 to 128 visible ASCII characters.",
                code="web.idempotency_key_invalid",
                hint="A random UUID is a good one.",
            )
        key, person_id = given.decode(), session.person.id
        body = await _read(receive)
        if body is None:
            return  # the client left half way; nothing was begun
        whose = b",".join(value for name, value in scope["headers"] if name == _ORGANISATION)
        said = [scope["path"].encode(), scope["query_string"], whose, body]
        digest = hashlib.sha256(b"\0".join(said)).digest()
        before = await asyncio.to_thread(self._store.begin, person_id, key, digest)
        if before is not None:
            await _replay(before, digest, send)
            return
        recorder = _Recorder(send)
        try:
            await self._app(scope, _given(body, receive), recorder)
        finally:
            await asyncio.shield(self._keep(person_id, key, recorder))

    async def _keep(self, person_id: str, key: str, recorder: _Recorder) -> None:
        if recorder.status == 0 or recorder.status >= 400:
            await asyncio.to_thread(self._store.forget, person_id, key)
            return
        whole = b"".join(recorder.parts)
        secret = recorder.private or _SECRET.search(whole)
        kept = None if not recorder.whole or recorder.size > _MOST_BYTES or secret else whole
        await asyncio.to_thread(self._store.finish, person_id, key, recorder.status, recorder.headers, kept)


class _Recorder:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.size = 0
        self.private = False
        self.whole = False
        self.headers: list[list[str]] = []
        self.parts: list[bytes] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.private = any(n == b"cache-control" and b"no-store" in v for n, v in message["headers"])
            self.headers = [[n.decode(), v.decode("latin-1")] for n, v in message["headers"] if n in _KEPT_HEADERS]
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
            if self.size <= _MOST_BYTES:
                self.parts.append(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        await self._send(message)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` when the client left before its end."""
    parts: list[bytes] = []
    while True:
        message: Any = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    taken = False

    async def again() -> Any:
        nonlocal taken
        if taken:
            return await receive()
        taken = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _replay(row: sa.Row[Any], digest: bytes, send: Send) -> None:
    if row.digest != digest:
        raise Unsupported(
            "This Idempotency-Key was used for another request.",
            code="web.idempotency_key_reused",
            hint="Use a new key for each request.",
        )
    if row.status is None:
        raise Conflict(
            "The first request with this Idempotency-Key still runs.",
            code="web.idempotency_in_progress",
            hint="Send it again in a moment.",
        )
    if row.body is None:
        raise _done_before(row.status)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in row.headers]
    headers += [(b"content-length", str(len(row.body)).encode()), (b"idempotency-replayed", b"true")]
    start: Any = {"type": "http.response.start", "status": row.status, "headers": headers}
    rest: Any = {"type": "http.response.body", "body": row.body, "more_body": False}
    await send(start)
    await send(rest)


def _done_before(status: int) -> MillwrightError:
    return Conflict(
        "This request was done before; its answer is not kept, for it held a secret, was too long or broke off.",
        code="web.idempotency_answer_gone",
        hint="List what it made; a secret that was lost is replaced by a new one.",
        detail={"status": status},
    )
