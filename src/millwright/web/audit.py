"""Recording what every request changes and what was denied: around all routes, so that none can escape.

A request that may change something (POST, PUT, PATCH, DELETE) by somebody signed in first makes its *intent* durable;
when that cannot be done, nothing is begun. Its answer is held back until the entry of what came of it is durable too.
What the domains noted while it ran says which objects it changed; for one that noted nothing the address speaks.
Failed and denied attempts are gathered (:class:`millwright.ledger.Denials`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Send

from millwright.kernel import Clock, MillwrightError, current_scope, new_id
from millwright.ledger import (
    Act,
    Actor,
    Denials,
    Draft,
    Outcome,
    Recorder,
    Target,
    acting,
    entries_of,
    has_changed,
    seal,
)
from millwright.parties import NOBODY, Authority, Session
from millwright.web import problems
from millwright.web.problems import Problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFIX = "/api/v1/"
_WELL_KNOWN = "/.well-known/"
_AUDITED = (_PREFIX, _WELL_KNOWN)
_VERBS = {"POST": "add", "PUT": "set", "PATCH": "change", "DELETE": "remove"}
_NAMED = {
    ("POST", "session"): "session.sign_in",
    ("POST", "session/second"): "session.sign_in",
    ("POST", "session/passkey"): "session.sign_in",
    ("GET", "session/oidc/{}/callback"): "session.sign_in",
    ("POST", "session/oidc/{}/logout"): "session.sign_out",
    ("POST", "account/second-factor/confirmation"): "account.second_factor.add",
    ("DELETE", "session"): "session.sign_out",
    ("POST", "setup"): "node.set_up",
    ("POST", "commands/write"): "devices.commands.write",
    ("POST", "commands/call"): "devices.commands.call",
    ("DELETE", "ledger/personal/{}"): "ledger.erase",
    ("PATCH", "identifiers/record"): "identifiers.change",
    ("DELETE", "identifiers/record"): "identifiers.remove",
    ("POST", "identifiers/record/restore"): "identifiers.restore",
    ("POST", "identifiers/record/reveal"): "identifiers.reveal",
    ("POST", "snms/identity/token"): "session.sign_in",
    ("POST", "snms/template"): "identifier_templates.publish",
    ("PUT", "snms/template"): "identifier_templates.publish",
    ("DELETE", "snms/template"): "identifier_templates.retire",
    ("POST", "snms/identityv2/data"): "identifiers.add",
    ("PUT", "snms/identityv2/data"): "identifiers.change",
    ("DELETE", "snms/identityv2/data"): "identifiers.remove",
    ("POST", "snms/identityv2/data/batchCreate"): "identifiers.add",
    ("PUT", "snms/identityv2/data/batchUpdate"): "identifiers.change",
    ("DELETE", "snms/identityv2/data/batchDelete"): "identifiers.remove",
}
_SINGULAR = {
    "people": "person",
    "identities": "identity",
    "oidc": "provider",
    "account": "person",
    "prefixes": "prefix",
    "snms": "identifier",
}
_REPLAYED = (b"idempotency-replayed", b"true")


@dataclass(slots=True)
class _Request:
    """One request, as the ledger sees it."""

    draft: Draft
    intended: bool
    credential: bool
    act: Act = field(default_factory=Act)
    started: bool = False
    cut: bool = False


class Audit:
    """Plain ASGI around the routes and around what the edge refuses by itself."""

    def __init__(self, app: ASGIApp, recorder: Recorder, denials: Denials, clock: Clock) -> None:
        self._app, self._recorder, self._denials, self._clock = app, recorder, denials, clock

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not scope["path"].startswith(_AUDITED):
            await self._app(scope, receive, send)
            return
        changing = scope["method"] not in _SAFE
        request = self._begin(scope, changing=changing)
        if request.intended:
            await self._recorder.begin(seal(_interrupted(request.draft)))

        async def held(message: Any) -> None:
            if request.cut:
                return
            if message["type"] == "http.response.start" and not request.started:
                request.started = True
                try:
                    await self._settle(scope, request, message["status"], message["headers"])
                except MillwrightError as error:
                    request.cut = True
                    await _send_problem(send, problems.of_error(error), scope["request_id"])
                    return
            await send(message)

        with acting(request.act):
            try:
                await self._app(scope, receive, held)
            except (MillwrightError, HTTPException) as error:  # of a layer before the routes, which answer their own
                if not request.started:
                    problem = problems.of_exception(error, scope["request_id"])
                    scope["problem"] = problem.code
                    await self._settle(scope, request, problem.status, ())
                raise
            if request.intended and not request.started and "route_handler" not in scope:
                await self._recorder.settle(request.draft.id)  # the client left before anything was begun

    async def refused(self, scope: Any, problem: Problem) -> None:
        """Record what the edge refuses before it is routed."""
        if scope["path"].startswith(_AUDITED):
            request = self._begin(scope, changing=False)
            scope["problem"] = problem.code
            await self._settle(scope, request, problem.status, ())

    def _begin(self, scope: Any, *, changing: bool) -> _Request:
        session: Session | None = scope.get("auth")
        authority: Authority = scope.get("authority", NOBODY)
        headers = dict(scope["headers"])
        client = scope.get("client")
        action, target = describe(scope["method"], scope["path"])
        draft = Draft(
            id=new_id("led"),
            at_ms=self._clock.now_ms(),
            actor=actor_of(session),
            action=action,
            target=target,
            outcome="done",
            address=client[0][:64] if client else "",
            agent=headers.get(b"user-agent", b"").decode("latin-1")[:200],
            request_id=scope["request_id"],
            organisation="" if session is None else authority.home(),
            approved_by=scope.get("approved_by"),
        )
        return _Request(draft, changing and session is not None, b"authorization" in headers or b"cookie" in headers)

    async def _settle(self, scope: Any, request: _Request, status: int, headers: Any) -> None:
        """Make durable what came of the request. Raises ``Unavailable`` (``ledger.unavailable``)."""
        handler = scope.get("route_handler")
        safe = scope["method"] in _SAFE
        options = {} if handler is None else handler.opt
        reads = options.get("reads", safe) and not options.get("told", False)  # told: who took out personal data
        if 300 <= status < 400 and "problem" in scope:  # a browser sent on to a page that says why it was refused
            status = 401
        template = scope.get("path_template")
        if template:
            action, target = describe(scope["method"], scope["path"], template)
            request.draft = msgspec.structs.replace(request.draft, action=action, target=target)
        if home := current_scope().home:
            request.draft = msgspec.structs.replace(request.draft, organisation=home)
        if status < 400:
            if not reads and _REPLAYED not in headers:
                await self._recorder.record(entries_of(request.act, request.draft))
                return
        elif has_changed(request.act):
            draft = msgspec.structs.replace(
                request.draft, outcome="failed", error=scope.get("problem", f"http.{status}")
            )
            await self._recorder.record(entries_of(request.act, draft))
            return
        elif _is_told(status, request, reads=reads):
            draft = _refusal(request, status, scope.get("problem", f"http.{status}"))
            if not request.intended:
                self._denials.offer(draft)
            elif self._denials.admit(draft):
                await self._recorder.record([seal(draft)])
                return
        if request.intended:
            await self._recorder.settle(request.draft.id)


def describe(method: str, path: str, template: str = "") -> tuple[str, Target]:
    """The action and the object that a method and an address stand for.

    ``DELETE /api/v1/devices/d1/credentials/c1`` is ``devices.credentials.remove`` on the credential ``c1``. Without a
    ``template`` (nothing was routed) the first part alone is told, for the rest may be anything.
    """
    if not template:
        first = re.sub(r"[^a-z_]", "_", _below(path).partition("/")[0].lower())[:40]
        return f"{first}.{_VERBS.get(method, 'read')}", Target(first)
    pattern = _below(template).strip("/").split("/")
    given = _below(path).strip("/").split("/")
    nouns = [part.replace("-", "_") for part in pattern if not part.startswith("{")]
    key = (method, "/".join("{}" if part.startswith("{") else part for part in pattern))
    last_id = next(
        (value for part, value in zip(reversed(pattern), reversed(given), strict=False) if part.startswith("{")), ""
    )
    before_ids = [part for part, after in zip(pattern, [*pattern[1:], ""], strict=True) if after.startswith("{")]
    kinds = [part.replace("-", "_") for part in before_ids]
    kind = kinds[-1] if kinds else nouns[0]
    target = Target(_SINGULAR.get(kind, kind.removesuffix("s")), last_id[:255])
    if key in _NAMED:
        return _NAMED[key], target
    is_verb = method == "POST" and len(nouns) > 1 and not pattern[-1].startswith("{") and not nouns[-1].endswith("s")
    verb = [] if is_verb else [_VERBS.get(method, "read")]
    return ".".join([*nouns, *verb]), target


def _below(path: str) -> str:
    return path.removeprefix(_PREFIX).removeprefix(_WELL_KNOWN)


def actor_of(session: Session | None) -> Actor:
    """Who acts in a session; unknown without one."""
    if session is None:
        return Actor("unknown")
    return Actor("token" if session.method == "token" else "person", session.person.id, session.person.name, session.id)


def _is_told(status: int, request: _Request, *, reads: bool) -> bool:
    """A denial is, when it answers a credential or a password; a failure only of what somebody known would change."""
    if status == 401:
        return request.credential or request.draft.action == "session.sign_in"
    return status == 403 or (not reads and (request.intended or status == 429))


def _refusal(request: _Request, status: int, error: str) -> Draft:
    outcome: Outcome = "denied" if status in (401, 403, 429) else "failed"
    noted = next(iter(request.act.notes), None)
    target = Target(noted.kind, noted.id, None if noted.named else noted.name) if noted else request.draft.target
    whose = (noted.organisation if noted else "") or request.draft.organisation
    return msgspec.structs.replace(request.draft, outcome=outcome, error=error, target=target, organisation=whose)


def _interrupted(draft: Draft) -> Draft:
    return msgspec.structs.replace(draft, outcome="failed", error="ledger.interrupted")


async def _send_problem(send: Send, problem: Problem, request_id: str) -> None:
    body = problems.encode(problem, request_id)
    headers = {"Content-Type": problems.MEDIA_TYPE, "Content-Length": str(len(body)), **problems.headers_of(problem)}
    start: Any = {
        "type": "http.response.start",
        "status": problem.status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    rest: Any = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(rest)
