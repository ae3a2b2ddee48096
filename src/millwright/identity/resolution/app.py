"""The application: which address is answered by whom, and the quick way to the answer that is asked for most."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from millwright.identity.did.api import Dids
from millwright.identity.digital_link.api import DESCRIPTION, DigitalLinks
from millwright.identity.handle.attempts import FailedAttempt, unheard
from millwright.identity.handle.elsewhere import SIGNATURE_REFUSED
from millwright.identity.handle.model import Reference
from millwright.identity.handle.records import HandleRecords
from millwright.identity.handle.rest.answers import etag_of
from millwright.identity.handle.rest.api import HANDLES, QUICK_HEADERS, SESSIONS, HandleRest
from millwright.identity.handle.service import rc_of
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import LIMITED, Interface
from millwright.identity.operation.outcomes import failure_of, outcome_of
from millwright.identity.operation.watch import TIMED, Watch
from millwright.identity.pages.api import PAGES, LabelsOf, NameOf, Pages, no_labels, nobody
from millwright.identity.resolution.http import Asked, Headers, problem
from millwright.identity.resolution.limits import Limits
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.identity.resolution.source import ManyFetched, Source
from millwright.kernel import Clock, MillwrightError, SystemClock

logger = logging.getLogger(__name__)

_HANDLE = f"{HANDLES}/"
_FROM = len(_HANDLE)
_PLAIN = (_HANDLE, SESSIONS, "/id/", "/1.0/identifiers/")
_EXACT = frozenset({HANDLES, f"{HANDLES}/", SESSIONS, PAGES, f"{PAGES}/", DESCRIPTION, "/1.0/methods"})
_NOT_COMMON = frozenset({b"authorization", b"if-none-match"})
"""Headers with which a question is not the common one."""


class Resolution:
    """An ASGI application. ``takes`` says which addresses are its own; all others it answers with 404."""

    def __init__(
        self,
        records: HandleRecords,
        settings: ResolutionSettings | None = None,
        clock: Clock | None = None,
        *,
        administrators: tuple[Reference, ...] = (),
        name_of_organisation: NameOf = nobody,
        labels_of: LabelsOf = no_labels,
        recursion: ManyFetched | None = None,
        failed: FailedAttempt = unheard,
        watch: Watch | None = None,
    ) -> None:
        settings = settings or ResolutionSettings()
        source = Source(records, recursion)
        clock = clock or SystemClock()
        self.limits = Limits(clock, settings.requests_per_s, settings.misses_per_min)
        self._trusted = frozenset(settings.trusted_proxies)
        self.not_common = _NOT_COMMON | ({b"x-forwarded-for"} if self._trusted else frozenset())
        """Headers with which a question is not the common one, in lower case."""
        self.handles = HandleRest(source, settings, clock, self.limits, administrators=administrators, failed=failed)
        self._links = DigitalLinks(source, settings, self.limits)
        self._dids = Dids(source, settings, self.limits)
        self._pages = Pages(source, settings, self.limits, name_of_organisation, labels_of)
        self.requests = self.quick = self.failures = 0
        self.watch = watch or Watch(clock=clock)
        self._lane = self.watch.lanes["rest"]

    def takes(self, path: str) -> bool:
        """Whether an address is answered here. Cheap for all addresses of the console and the node's own API."""
        return path.startswith(_PLAIN) or path in _EXACT or self._links.takes(path) or path.endswith("/did.json")

    def counters(self) -> dict[str, float]:
        """What was asked here."""
        return {
            "resolution_requests": self.requests,
            "resolution_quick": self.quick,
            "resolution_refused": self.limits.refused,
            "resolution_failed": self.failures,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            await _beside_http(scope, receive, send)
            return
        common = self._common(scope)
        if common is not None:
            body, more = common
            headers = [*QUICK_HEADERS, (b"etag", etag_of(body)), (b"content-length", b"%d" % len(body)), *more]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return
        started_s = time.perf_counter()
        self.requests += 1
        asked = Asked(scope, self._trusted)
        wait_s = self.limits.admit(asked.address)
        if wait_s:
            self.limits.refused += 1
            if (interface := _interface(asked.path)) is not None:
                self.watch.tick(interface, LIMITED)
            await _too_many(scope, send, wait_s)
            return
        try:
            await self._answer(asked, receive, send)
        except MillwrightError as error:
            asked.said(asked.outcome or failure_of(error) or outcome_of(rc_of(error) or Rc.ERROR))
            if error.code == SIGNATURE_REFUSED:
                await problem(asked.scope, send, 503, error.code, str(error.detail["why"]))
                return
            status = {"invalid": 400, "limit_exceeded": 413, "corrupt": 500, "unavailable": 503}.get(error.family, 500)
            if status >= 500:
                self.failures += 1
                logger.error("a resolution failed: %s", error.message)
            title = error.message if status < 500 else "The server failed; its log says why."
            await problem(scope, send, status, error.code, title)
        except Exception:
            asked.said("error")
            self.failures += 1
            logger.exception("a resolution failed")
            await problem(scope, send, 500, "resolution.failed", "The server failed; its log says why.")
        finally:
            self._watched(asked, time.perf_counter() - started_s)

    def _watched(self, asked: Asked, latency_s: float) -> None:
        if not asked.outcome or (interface := _interface(asked.path)) is None:
            return
        self.watch.count(interface, asked.outcome, asked.name, asked.address, latency_s)
        if asked.guessed:
            self.watch.guess(asked.guessed, asked.address)

    def _common(self, scope: Any) -> tuple[bytes, Headers] | None:
        """What answers the common question: all public values of a handle that is kept here, or at hand."""
        path: str = scope["path"]
        if not path.startswith(_HANDLE) or scope["method"] != "GET" or scope["query_string"]:
            return None
        if not path.isascii():
            return None
        for name, _ in scope["headers"]:
            if name in self.not_common:
                return None
        client = scope.get("client")
        return self.at_hand(path[_FROM:].encode(), client[0] if client else "")

    def at_hand(self, handle: bytes, address: str) -> tuple[bytes, Headers] | None:
        """The body for all public values of a handle that is kept here, or at hand for who asks from ``address``, and
        the headers that it has of its own; ``None`` leaves the question to the application. To be called in the event
        loop."""
        started_s = 0.0 if self.quick % TIMED else time.perf_counter()
        try:
            found = self.handles.find_public(handle, address)
        except MillwrightError:  # the long way says what it is
            return None
        if found is None or self.limits.admit(address):
            return None
        self.requests += 1
        self.quick += 1
        self._lane.hit(handle, address)
        if started_s:
            self._lane.time(time.perf_counter() - started_s)
        return found

    async def _answer(self, asked: Asked, receive: Any, send: Any) -> None:
        path = asked.path
        if path.startswith((HANDLES, SESSIONS)):
            await self.handles.answer(asked, receive, send)
        elif path.startswith("/id/") or path == PAGES:
            await self._pages.answer(asked, send)
        elif path == DESCRIPTION or self._links.takes(path):
            await self._links.answer(asked, send)
        elif self._dids.takes(path):
            await self._dids.answer(asked, send)
        else:
            await problem(asked.scope, send, 404, "resolution.no_such_address", "Nothing is resolved at this address.")


def resolution_app(
    records: HandleRecords,
    settings: ResolutionSettings | None = None,
    clock: Clock | None = None,
    *,
    administrators: tuple[Reference, ...] = (),
    name_of_organisation: NameOf = nobody,
    labels_of: LabelsOf = no_labels,
    recursion: ManyFetched | None = None,
    failed: FailedAttempt = unheard,
    watch: Watch | None = None,
) -> Resolution:
    """The application over ``records``: mounted in the web role, and served by itself in the resolver role."""
    return Resolution(
        records,
        settings,
        clock,
        administrators=administrators,
        name_of_organisation=name_of_organisation,
        labels_of=labels_of,
        recursion=recursion,
        failed=failed,
        watch=watch,
    )


def _interface(path: str) -> Interface | None:
    """By which interface an address is answered, as far as its form tells; ``None`` for what resolves nothing."""
    if path in _EXACT:
        return None
    if path.startswith(HANDLES):
        return "rest"
    if path.startswith("/id/"):
        return "page"
    if path.startswith("/1.0/identifiers/") or path.endswith("/did.json"):
        return "did"
    return None if path.startswith("/api/") else "link"


async def _too_many(scope: Any, send: Any, wait_s: float) -> None:
    await problem(
        scope,
        send,
        429,
        "resolution.too_many",
        "Too many questions of this address, or too many that found nothing.",
        headers=((b"retry-after", str(math.ceil(wait_s)).encode()),),
    )


async def _beside_http(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "no web sockets here"})
        return
    while True:  # lifespan: nothing is to be done
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
