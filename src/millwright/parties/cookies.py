"""The cookies of signing in, and what a request tells about its origin.

Over HTTPS their names begin with ``__Host-`` (RFC 6265bis §4.1.3.2): a browser then takes them from this very host
alone, over TLS, so that neither another name of the same domain nor plain HTTP can plant one.
"""

from __future__ import annotations

from typing import Any, Literal

from litestar import Request, Response
from litestar.datastructures import Cookie

from millwright.parties.model import Session
from millwright.parties.origin import Origin
from millwright.parties.service import Opened

COOKIE = "millwright_session"
"""The console's session."""

BROWSER = "millwright_browser"
"""By this a browser is known to have been used by a person before; it opens nothing."""

PROVIDER = "millwright_provider"
"""What was begun with an identity provider; it must come back from there, so it is ``Lax``, and lives ten minutes."""

_BROWSER_S = 400 * 86_400
_PROVIDER_S = 600


def cookie_name(name: str, scheme: str) -> str:
    """The name under which a cookie is kept over ``http`` or ``https``."""
    return f"__Host-{name}" if scheme == "https" else name


def made_cookie(
    request: Request[Any, Any, Any],
    name: str,
    value: str,
    *,
    seconds: int | None = None,
    samesite: Literal["strict", "lax"] = "strict",
) -> Cookie:
    """A cookie that scripts cannot read and other sites do not send; ``seconds`` 0 removes it."""
    scheme = request.scope["scheme"]
    return Cookie(
        cookie_name(name, scheme),
        value=value,
        path="/",
        httponly=True,
        samesite=samesite,
        secure=scheme == "https",
        max_age=seconds,
    )


def cookie_of(request: Request[Any, Any, Any], name: str) -> str:
    """What a request's cookie says; empty without it."""
    return request.cookies.get(cookie_name(name, request.scope["scheme"]), "")


def origin_of(request: Request[Any, Any, Any]) -> Origin:
    """Where a request comes from."""
    return Origin(
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
        browser=cookie_of(request, BROWSER)[:128],
        url=str(request.scope.get("public_origin", "")),
    )


def cookies_of(request: Request[Any, Any, Any], opened: Opened) -> list[Cookie]:
    """The cookies that go with a session opened or renewed."""
    made = [made_cookie(request, COOKIE, opened.secret)]
    if opened.browser is not None:
        made.append(made_cookie(request, BROWSER, opened.browser, seconds=_BROWSER_S))
    return made


def signed_in_answer(request: Request[Any, Any, Any], opened: Opened, status: int) -> Response[Session]:
    """The answer that opens or renews a session."""
    headers = {"Cache-Control": "no-store"}
    return Response(opened.session, status_code=status, cookies=cookies_of(request, opened), headers=headers)


def provider_cookie(request: Request[Any, Any, Any], value: str) -> Cookie:
    """The cookie of a way to an identity provider and back; empty removes it."""
    return made_cookie(request, PROVIDER, value, seconds=_PROVIDER_S if value else 0, samesite="lax")
