"""Litestar guards: every route states the permission it takes, and the scope of the request follows from it.

They are coroutines, because Litestar runs a plain function in a thread. The web host puts the :class:`Session` of a
request (or ``None``) into ``scope["auth"]`` and its :class:`Authority` into ``scope["authority"]`` before routing.
A route without a guard is refused by the tests unless they name it public.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from millwright.kernel import Denied
from millwright.kernel.scope import enter
from millwright.ledger import permitted_by
from millwright.parties.authority import NOBODY, Authority
from millwright.parties.errors import NotSignedIn
from millwright.parties.model import Session
from millwright.parties.permissions import Permission

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

ORGANISATION_HEADER = "x-organisation"
"""Names the organisation that a request is about: it sees that one and those below it, and makes things there."""


def session_of(connection: Connection) -> Session:
    """The signed-in session of a request. Raises :class:`NotSignedIn` (``parties.sign_in_required``)."""
    session = connection.scope.get("auth")
    if not isinstance(session, Session):
        raise NotSignedIn(
            "This needs a signed-in person or an API token.",
            code="parties.sign_in_required",
            hint="Sign in with POST /api/v1/session, or send `Authorization: Bearer mwt_…`.",
        )
    return session


def authority_of(connection: Connection) -> Authority:
    """What the session of a request may do."""
    found = connection.scope.get("authority", NOBODY)
    assert isinstance(found, Authority)
    return found


def chosen_organisation(connection: Connection) -> str | None:
    """The organisation a request names, by the header or (where a browser cannot send one) ``organisation_id``."""
    return connection.headers.get(ORGANISATION_HEADER) or connection.query_params.get("organisation_id") or None


async def signed_in(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard of what is everybody's own: their session, their tokens, their account. Its scope is empty."""
    session_of(connection)


def permit(permission: Permission) -> Guard:
    """Guard: someone who holds ``permission`` somewhere; the request then works in exactly that scope."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        session_of(connection)
        scope = authority_of(connection).scope(permission.name, chosen_organisation(connection))
        if not scope:
            raise Denied(
                f"This takes the permission {permission.name}.",
                code="parties.permission_required",
                hint="Ask an administrator for a role that has it, or use a token that has it.",
                detail={"permission": permission.name},
            )
        enter(scope)
        permitted_by(authority_of(connection).granting(permission.name))

    guard.permission = permission  # type: ignore[attr-defined]  # read by the tests and the reference
    return guard
