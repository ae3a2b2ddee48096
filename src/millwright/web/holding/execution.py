"""An approved request goes through the same routes again: as who asked, with what that one may do now."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from litestar import Litestar

from millwright.approvals import Carrying, Outcome
from millwright.kernel.scope import NOTHING, enter
from millwright.ledger import Actor, document
from millwright.parties import Parties
from millwright.web.audit import Audit

_MOST_ANSWER = 256 * 1024
_MOST_SHOWN = 4096
_SENT_ON = ("location", "etag")


class Execution:
    """Sends one approved request into the application, through the ledger's layer, around sign-in."""

    def __init__(self, app: Litestar, audit: Audit, parties: Parties) -> None:
        self._app, self._audit, self._parties = app, audit, parties

    async def __call__(self, carrying: Carrying) -> Outcome:
        """How it ended. Raises ``Denied`` (``parties.requester_gone``), ``Unavailable`` (``ledger.unavailable``)."""
        what, requester = carrying.what, carrying.requester
        session, authority = await self._parties.stand_in(requester.person_id, requester.session_id, requester.method)
        enter(NOTHING)  # until the guard of the route says more; this task is this request's alone
        body = base64.b64decode(what["body"])
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in what["headers"].items()]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": what["method"],
            "scheme": "http",
            "path": what["path"],
            "raw_path": what["path"].encode(),
            "query_string": what["query"].encode("latin-1"),
            "root_path": "",
            "headers": [*headers, (b"content-length", str(len(body)).encode())],
            "client": None,
            "server": None,
            "state": {},
            "app": self._app,
            "litestar_app": self._app,
            "auth": session,
            "user": session.person,
            "authority": authority,
            "proved": True,  # it was when this was asked
            "public_origin": "",
            "request_id": carrying.id,
            "approved_by": Actor("person", carrying.approver_id, carrying.approver_name, carrying.id),
        }
        answer = _Answer()
        sent = False

        async def receive() -> Any:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._audit(scope, receive, answer)
        return answer.outcome()


class _Answer:
    def __init__(self) -> None:
        self._status, self._headers, self._parts, self._size = 0, dict[str, str](), list[bytes](), 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in message["headers"]}
        elif message["type"] == "http.response.body":
            part = message.get("body", b"")
            self._size += len(part)
            if self._size <= _MOST_ANSWER:
                self._parts.append(part)

    def outcome(self) -> Outcome:
        body = b"".join(self._parts) if self._size <= _MOST_ANSWER else b""
        media = self._headers.get("content-type", "").split(";", 1)[0]
        try:
            plain = msgspec.json.decode(body) if "json" in media else None
        except msgspec.DecodeError:
            plain = None
        problem = plain if self._status >= 400 and isinstance(plain, dict) else {}
        return Outcome(
            self._status,
            body,
            media,
            code=str(problem.get("code", "")),
            message=str(problem.get("detail", "")),
            headers={name: value for name, value in self._headers.items() if name in _SENT_ON},
            shown=_short(plain),
        )


def _short(plain: Any) -> Any:
    """An answer as others than its requester may see it: without secrets, and not at all when it is long."""
    shown = document(plain) if plain is not None else None
    return shown if len(msgspec.json.encode(shown)) <= _MOST_SHOWN else None
