"""Litestar guards for changes that a stolen session must not be able to make.

The web host puts into ``scope["proved"]`` whether the person behind the session showed recently who they are. A token
passes :func:`require_proof`: it was made for programs, with the roles it has; it does not pass
:func:`require_browser`, which is for what belongs to a person's own sign-in.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from millwright.kernel import Denied
from millwright.parties.errors import proof_required
from millwright.parties.guards import session_of


async def require_proof(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: a session proved within ``[sign_in] proof_minutes``, or a token."""
    if session_of(connection).method == "cookie" and not connection.scope.get("proved"):
        raise proof_required()


async def require_browser(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: the console's session; no token. Raises ``Denied`` (``parties.cookie_required``)."""
    if session_of(connection).method != "cookie":
        raise Denied(
            "A token cannot do this.", code="parties.cookie_required", hint="Sign in to the console and do it there."
        )
