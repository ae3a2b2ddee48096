"""Litestar guards: a route that has none is public, and the tests name every public route.

They are coroutines, because Litestar runs a plain function in a thread. The web host puts the :class:`Session` of a
request (or ``None``) into ``scope["auth"]`` before routing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from millwright.kernel import Denied
from millwright.parties.errors import NotSignedIn
from millwright.parties.model import Role, Session

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


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


async def require_session(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard: whoever is signed in, in any role."""
    session_of(connection)


def require_role(*roles: Role) -> Guard:
    """Guard: someone with one of ``roles``; an administrator always may."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        session = session_of(connection)
        if not session.person.allows(*roles):
            raise Denied(
                f"This takes the role {' or '.join(roles)}.",
                code="parties.role_required",
                hint="Ask an administrator for the role, or use a token that has it.",
                detail={"roles": list(roles), "yours": list(session.person.roles)},
            )

    guard.required_roles = roles  # type: ignore[attr-defined]  # read by the authentication matrix test
    return guard
