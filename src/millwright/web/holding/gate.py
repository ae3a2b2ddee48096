"""The gate before every handler: a request that takes a second person is kept, and answered 202."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Litestar, Request, Response

from millwright.approvals import (
    APPROVALS_OVERRIDE,
    POLICY_ACTION,
    Approvals,
    Asked,
    HeldRequest,
    Outcome,
    Requester,
    body_too_large,
    common,
    emergency_refused,
    organisation_unclear,
)
from millwright.engines.sql import Records
from millwright.kernel import ROOT
from millwright.kernel.scope import current_scope
from millwright.ledger import current_act, document
from millwright.parties import Authority, authority_of, session_of
from millwright.web.audit import describe
from millwright.web.holding.owners import TABLES, Owners
from millwright.web.holding.routes import Nameable, fill

KEPT_HEADERS = ("accept", "if-match", "x-organisation", "content-type", "idempotency-key")
"""Headers that an approved request is sent with; none of them says who asks."""

_LOCAL = "per_local"
_FROM_ABOVE = frozenset({"organisations.invitations.add", "organisations.invitations.remove", "grants.add"})
"""What may be done by who manages the organisation from above, too: the first administrator is appointed so."""

_GIVING = frozenset({"location.rules.add", "location.rules.set"})
"""Rules that will give commands by themselves: where such a command takes a second person, so does its rule."""
_GIVEN = {"write": "devices.commands.write", "call": "devices.commands.call"}

_STATED = ("organisation_id", "parent_id", "to_id")


@dataclass(frozen=True, slots=True)
class _Touched:
    """The organisations a request is about, and the thing its address names."""

    organisation_ids: frozenset[str]
    name: str = ""


class Gate:
    """Litestar's ``before_request`` of the whole application: no route has one of its own, a test sees to that."""

    def __init__(self, approvals: Approvals, records: Records) -> None:
        self._approvals, self._owners = approvals, Owners(records)
        self._routes: dict[tuple[str, str], Nameable] = {}

    def learn(self, app: Litestar) -> None:
        """Read the nameable operations from the application's routes."""
        self._routes = fill(self._approvals.catalogue, app)

    async def __call__(self, request: Request[Any, Any, Any]) -> Response[Any] | None:
        """``None`` lets the request through; anything else is its answer."""
        route = self._routes.get((request.method, request.scope.get("path_template", "")))
        if route is None or "approved_by" in request.scope:
            return None
        authority = authority_of(request)
        scope = current_scope()
        everywhere = scope.organisations | {ROOT} if route.permission.node else scope.organisations
        seen = everywhere
        if route.action in _FROM_ABOVE:
            seen |= authority.scope("organisations:manage").organisations
            if authority.person_id == _LOCAL:
                seen |= frozenset(authority.tree.nodes)
        if not await self._demanded(authority, route, seen, None):  # usually: nothing is read of the body
            return None
        body = await request.body()
        asked = _json(body)
        touched = await asyncio.to_thread(self._touched, request, route, asked, everywhere, seen)
        if touched is None:
            # What the address names is not there for this person, and the handler says so. Should it accept another
            # permission than the route states, it shall not find one: nothing passes here unheld that way.
            mask = frozenset({route.permission.name}) & (authority.mask or frozenset({route.permission.name}))
            request.scope["authority"] = replace(authority, mask=mask, _scopes={})  # type: ignore[typeddict-unknown-key]
            return None
        demanding = await self._demanded(authority, route, touched.organisation_ids, asked)
        if not demanding:
            return None
        await self._check(request, route)
        if route.action == POLICY_ACTION:
            self._approvals.catalogue.check(_names(asked))
        return await self._hold(request, route, body, asked, touched, demanding, seen)

    async def _demanded(
        self, authority: Authority, route: Nameable, organisation_ids: frozenset[str], asked: Any
    ) -> set[str]:
        wanted = _names(asked) if route.action == POLICY_ACTION else []
        found = await self._approvals.demanded(authority, route.action, organisation_ids, wanted=wanted)
        if route.action in _GIVING:
            kind = asked.get("kind", "write") if isinstance(asked, dict) else None
            named = _GIVEN.get(kind) if isinstance(kind, str) else None
            for action in [named] if named else _GIVEN.values():
                found |= await self._approvals.demanded(authority, action, organisation_ids)
        return found

    def _touched(
        self,
        request: Request[Any, Any, Any],
        route: Nameable,
        asked: Any,
        everywhere: frozenset[str],
        seen: frozenset[str],
    ) -> _Touched | None:
        """Fail-safe: what cannot be told counts for all that the permission reaches."""
        whole = not request.path_params
        found: set[str] = set()
        name = ""
        parameters = dict(request.path_params)
        if "organisation_id" in parameters:  # then it is about that one, whatever of it is named besides
            parameters = {"organisation_id": parameters["organisation_id"]}
        for parameter, value in parameters.items():
            if parameter not in TABLES:
                whole = True
                continue
            thing = self._owners.find(parameter, [str(value)], seen).get(str(value))
            if thing is None:
                return None
            found |= thing.organisation_ids
            name = thing.name
        found |= self._owners.named_in(asked, seen) if isinstance(asked, dict | list) else set()
        if whole and isinstance(asked, dict):
            stated = [asked.get(each) for each in _STATED if each in route.fields]
            whole = not any(isinstance(each, str) and each in seen for each in stated)
        if whole and not request.path_params and route.handler.status_code == 201:
            # It adds one thing: to where what it names is, or else to the home of the scope.
            homes = (current_scope().home, authority_of(request).scope(route.permission.name).home)
            found |= {each for each in homes if each is not None}
        elif whole:
            found |= everywhere
        return _Touched(frozenset(found), name)

    async def _check(self, request: Request[Any, Any, Any], route: Nameable) -> None:
        """A request whose values are wrong fails at once, not when somebody has approved it."""
        if not route.parameters.has_kwargs:
            return
        values = await route.parameters.to_kwargs(connection=request)
        if route.parameters.dependency_batches:
            await route.parameters.resolve_dependencies(request, values)
        route.handler.signature_model.parse_values_from_connection_kwargs(connection=request, kwargs=values)

    async def _hold(
        self,
        request: Request[Any, Any, Any],
        route: Nameable,
        body: bytes,
        asked: Any,
        touched: _Touched,
        demanding: set[str],
        seen: frozenset[str],
    ) -> Response[Any]:
        approvals, authority, session = self._approvals, authority_of(request), session_of(request)
        reason, emergency = _words(request, "x-reason"), _words(request, "x-emergency-reason")
        if emergency:
            self._check_emergency(request, authority)
        if len(body) > approvals.settings.max_body_kb * 1024:
            raise body_too_large(approvals.settings.max_body_kb)
        _, target = describe(request.method, request.scope["path"], route.path)
        query = request.scope["query_string"].decode("latin-1")
        headers = {name: value for name in KEPT_HEADERS if (value := request.headers.get(name)) is not None}
        approval = await approvals.ask(
            authority,
            Asked(
                action=route.action,
                organisation_id=_decided_on(authority, route, demanding, seen),
                requester=Requester(session.person.id, session.person.name, session.id, session.method),
                kind="http",
                what={
                    "method": request.method,
                    "path": request.scope["path"],
                    "query": query,
                    "headers": headers,
                    "body": base64.b64encode(body).decode(),
                },
                shown={
                    "method": request.method,
                    "path": request.scope["path"],
                    "query": query,
                    "media_type": headers.get("content-type", ""),
                    "body": document(asked) if asked is not None else None,
                    "body_bytes": len(body),
                },
                object_kind=target.kind,
                object_id=target.id,
                object_name=touched.name,
                reason=emergency or reason,
            ),
        )
        act = current_act()
        if act is not None:
            act.action = "approvals.override" if emergency else "approvals.ask"
        if emergency:
            return _answer(await approvals.override(session, approval, emergency))
        location = f"/api/v1/approvals/{approval.id}"
        return Response(HeldRequest(approval), status_code=202, headers={"Location": location})

    def _check_emergency(self, request: Request[Any, Any, Any], authority: Authority) -> None:
        if not self._approvals.settings.emergency:
            raise emergency_refused("This node lets nobody act alone in an emergency.")
        if not authority.may(APPROVALS_OVERRIDE.name, ROOT):
            raise emergency_refused("Only an administrator of the root acts alone in an emergency.")
        if session_of(request).method == "cookie" and not request.scope.get("proved"):
            raise emergency_refused("Prove once more who you are.")


def _decided_on(authority: Authority, route: Nameable, demanding: set[str], seen: frozenset[str]) -> str:
    """Whose people decide: those of the lowest organisation that has all demanding ones at or below it."""
    tree = authority.tree
    found = common(tree, demanding)
    if found is None:
        raise organisation_unclear()
    if route.permission.across:  # about an organisation as such, which is decided above it, and may be suspended
        node = tree.nodes[found]
        if node.parent_id is not None and authority.may(route.permission.name, node.parent_id):
            return node.parent_id
    if route.action in _FROM_ABOVE and found not in current_scope():  # whoever acts from above is seconded there
        above = [each for each in tree.path(found) if each in current_scope()]
        found = above[-1] if above else found
    if found not in seen:
        raise organisation_unclear()
    return found


def _json(body: bytes) -> Any:
    """The body as JSON, whatever it calls itself: a handler may read it so, too."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _names(asked: Any) -> list[str]:
    """The operations that a policy to be stated names."""
    given = asked.get("actions") if isinstance(asked, dict) else None
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _words(request: Request[Any, Any, Any], header: str) -> str:
    """Words for people in a header, percent-encoded UTF-8 where they are not ASCII."""
    return unquote(request.headers.get(header, "")).replace("\0", "").strip()[:1000]


def _answer(outcome: Outcome) -> Response[Any]:
    """What an emergency was answered with, as if nothing had been between."""
    headers = {**outcome.headers, "Cache-Control": "no-store"}
    status = outcome.status or 503
    return Response(outcome.body or b"", status_code=status, media_type=outcome.media_type or None, headers=headers)


__all__ = ["KEPT_HEADERS", "Gate"]
