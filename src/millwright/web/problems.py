"""Errors as problem details (RFC 9457): the one place that knows HTTP statuses.

Every error family has its status. A body names the stable ``code``, says what to do (``hint``) and, for wrong input,
points at each wrong value (``errors``: JSON pointers, RFC 6901). Nothing internal is ever shown: an error that nobody
expected is logged with the request's id and answered with that id.
"""

from __future__ import annotations

import logging
import math
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, InternalServerException, SerializationException, ValidationException
from litestar.routes import HTTPRoute
from msgspec import Struct

from millwright.kernel import LimitExceeded, MillwrightError, Outdated, Unavailable
from millwright.parties import NotSignedIn

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: dict[str, int] = {
    "invalid": 400,
    "denied": 403,
    "not_found": 404,
    "conflict": 409,
    "corrupt": 422,
    "unsupported": 422,
    "limit_exceeded": 429,
    "unavailable": 503,
}
"""The HTTP status of each error family; who is not signed in gets 401, a body that is too large 413, and a change under
``If-Match`` that comes too late 412."""

_BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("web.malformed", "Correct the request; /openapi.json describes every route."),
    401: ("parties.sign_in_required", "Sign in with POST /api/v1/session, or send `Authorization: Bearer mwt_…`."),
    403: ("web.forbidden", "Ask an administrator."),
    404: ("web.no_such_path", "Check the address; /openapi.json lists every route."),
    405: ("web.method_not_allowed", "The header Allow lists the methods this path has."),
    406: ("web.not_acceptable", "Ask for application/json."),
    408: ("web.body_too_slow", "Send the body without a pause."),
    413: ("web.body_too_large", "Send less at once; the limit is [web] max_body_bytes."),
    414: ("web.address_too_long", "Put long values into a body."),
    415: ("web.media_type_unsupported", "Send application/json."),
    421: ("web.host_unknown", "Name it in [web] hosts or public_url, or use the node's number."),
    429: ("web.too_many_requests", "Send fewer requests."),
    431: ("web.headers_too_large", "Send fewer and shorter headers."),
    500: ("web.internal", "It was logged under the request's id; report it with that id."),
    503: ("web.unavailable", "Try again."),
}


class InputError(Struct, frozen=True):
    """One wrong value: where it is, and what is wrong. ``pointer`` is a JSON pointer into the body or the query,
    ``field`` the same with dots."""

    pointer: str
    field: str
    source: str
    message: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """Why a request failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    request_id: str = ""
    errors: list[InputError] = []
    data: dict[str, Any] = {}
    retry_after_s: float | None = None


def of_status(
    status: int, detail: str = "", *, code: str = "", hint: str = "", errors: list[InputError] | None = None
) -> Problem:
    """A problem the host itself finds."""
    known_code, known_hint = _BY_STATUS.get(status, ("web.failed", ""))
    title = HTTPStatus(status).phrase
    code = code or known_code
    return Problem(f"/problems/{code}", title, status, detail or title, code, hint or known_hint, errors=errors or [])


def of_error(error: MillwrightError) -> Problem:
    """A problem that a domain raised."""
    status = 401 if isinstance(error, NotSignedIn) else STATUS.get(error.family, 500)
    if isinstance(error, LimitExceeded) and error.code.endswith("too_large"):
        status = 413
    if isinstance(error, Outdated):
        status = 412
    retry = error.retry_after_s if isinstance(error, LimitExceeded | Unavailable) else None
    return Problem(
        f"/problems/{error.code}",
        HTTPStatus(status).phrase,
        status,
        error.message,
        error.code,
        error.hint,
        errors=_pointed(error),
        data=error.detail,
        retry_after_s=retry,
    )


def of_exception(error: Exception, request_id: str = "") -> Problem:
    """Any exception as a problem; one that nobody expected is logged and shown by its request id alone."""
    if isinstance(error, MillwrightError):
        return of_error(error)
    if isinstance(error, ValidationException):
        return of_status(400, "The request has wrong values.", code="web.invalid", errors=_input_errors(error))
    if isinstance(error, InternalServerException) and isinstance(error.__cause__, msgspec.ValidationError):
        # Litestar takes a field of the body for a dependency when it has the name of one.
        said, _, place = str(error.__cause__).partition(" - at `$.")
        if place.startswith("data"):
            parts = _parts(place.rstrip("`"))
            return of_status(400, "The request has wrong values.", code="web.invalid", errors=[_at(parts, said)])
    if isinstance(error, RecursionError | SerializationException):
        return of_status(400, "The body is no JSON this node can read.")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return of_status(error.status_code, "" if error.status_code == 404 else error.detail)
    logger.error("request %s failed", request_id, exc_info=error)
    return of_status(500, "Something failed inside the node.")


def headers_of(problem: Problem) -> dict[str, str]:
    """The headers that go with a problem."""
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="millwright"'
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after_s)))
    return headers


def encode(problem: Problem, request_id: str) -> bytes:
    """The body."""
    return msgspec.json.encode(msgspec.structs.replace(problem, request_id=request_id), enc_hook=str)


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything."""
    request_id = str(request.scope.get("request_id", ""))
    problem = of_exception(error, request_id)
    request.scope["problem"] = problem.code  # type: ignore[typeddict-unknown-key]  # read by the audit
    headers = headers_of(problem)
    if problem.status == 405:
        headers["Allow"] = ", ".join(methods_of(request.app, request.scope["path"]))
    return Response(encode(problem, request_id), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def methods_of(app: Litestar, path: str) -> list[str]:
    """The methods that a path has; none when there is no such path."""
    found: dict[str, set[str]] = {}
    for route in app.routes:
        pattern = re.sub(r"\\\{[^/]+\\\}", "[^/]+", re.escape(route.path_format))
        if isinstance(route, HTTPRoute) and re.fullmatch(pattern, path.rstrip("/") or "/"):
            found.setdefault(route.path_format, set()).update(route.methods)
    # `/alarms/summary` is not the alarm of that id: of two that fit, the router takes the one with fewer parameters.
    return sorted(min(found.items(), key=lambda each: each[0].count("{"))[1]) if found else []


def _pointed(error: MillwrightError) -> list[InputError]:
    """The wrong value a domain points at in ``detail["pointer"]``."""
    pointer = error.detail.get("pointer")
    if not isinstance(pointer, str):
        return []
    dotted = ".".join(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return [InputError(pointer, dotted, "body", error.message)]


def _input_errors(error: ValidationException) -> list[InputError]:
    extra = error.extra if isinstance(error.extra, list) else []
    return [
        _at(parts, str(item["message"]), str(getattr(item.get("source"), "value", item.get("source")) or "body"))
        for item in extra
        if isinstance(item, dict) and "message" in item
        for parts in [_parts(str(item.get("key", "")))]
    ]


def _at(parts: list[str], message: str, source: str = "body") -> InputError:
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return InputError(pointer, ".".join(parts), source, message)


def _parts(key: str) -> list[str]:
    """``data.roles[0].name`` → roles, 0, name."""
    parts = [part for part in re.split(r"[.\[\]]+", key) if part]
    return parts[1:] if parts and parts[0] in ("data", "$") else parts
