"""The console's cookie, and what a request tells of where it comes from."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from millwright.parties.model import Session
from millwright.parties.service import Opened

COOKIE = "millwright_session"
"""The console's cookie."""


def address_of(request: Request[Any, Any, Any]) -> str:
    """The client's address."""
    return request.client.host if request.client else ""


def agent_of(request: Request[Any, Any, Any]) -> str:
    """What the client calls itself."""
    return request.headers.get("user-agent", "")


def signed_in_answer(request: Request[Any, Any, Any], opened: Opened, status: int) -> Response[Session]:
    """The answer that opens a session in a browser."""
    cookie = Cookie(
        COOKIE,
        value=opened.secret,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return Response(opened.session, status_code=status, cookies=[cookie], headers={"Cache-Control": "no-store"})
