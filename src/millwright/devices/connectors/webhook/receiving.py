"""Requests to webhooks, in the web role: who may send, and whether it came before; then on to the host.

``POST /hooks/<connection>/<secret>``. The answer is 200 with ``{"readings": n, "repeated": false}`` when the values are
durable. An address that is not there and a wrong secret are answered alike, and leave no trace but a count.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, cast

import msgspec

from millwright.devices.connectors.catalogue import Catalogue
from millwright.devices.connectors.rpc import HostClient
from millwright.devices.connectors.store import Configured, ConnectionStore
from millwright.devices.connectors.vault import Vault
from millwright.devices.connectors.webhook import signing
from millwright.devices.connectors.webhook.deliveries import DeliveryStore
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Clock, Invalid, LimitExceeded, MillwrightError, NotFound, Unsupported

logger = logging.getLogger(__name__)

KIND: Final = "webhook"
_PATH: Final = re.compile(r"/hooks/([A-Za-z0-9_]{1,40})/([A-Za-z0-9_-]{1,200})\Z")
_FRESH_S: Final = 30.0
_TRIM_EVERY: Final = 100
_REFUSALS_PER_S: Final = 5.0
_LONGEST_DEBT_S: Final = 1.0

Pace = Callable[[str, int], float]
"""Draws messages from an organisation's rate; returns its debt in seconds."""


class Webhooks:
    """An ASGI application; errors are raised, and told by whoever it is mounted in."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        catalogue: Catalogue,
        host: HostClient,
        deliveries: DeliveryStore,
        clock: Clock,
        pace: Pace = lambda _organisation, _messages: 0.0,
    ) -> None:
        self._store, self._vault, self._catalogue, self._host = store, vault, catalogue, host
        self._deliveries, self._clock, self._pace = deliveries, clock, pace
        self._known: dict[str, tuple[WebhookSettings, str]] = {}
        self._revision, self._looked_s = -1, float("-inf")
        self._under_way: dict[tuple[str, str, str], _Turn] = {}
        self._refusals_left, self._refused_s = _REFUSALS_PER_S, clock.monotonic_s()
        self.requests = self.taken = self.repeated = self.refused = self.strangers = 0

    def takes(self, path: str) -> bool:
        """Whether an address is one of these."""
        return path.startswith("/hooks/")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request. Raises the errors of the kernel's families."""
        self.requests += 1
        found = _PATH.match(scope["path"])
        settings, organisation_id = await self._find(found[1], found[2]) if found else (None, "")
        if found is None or settings is None:
            self.strangers += 1
            raise NotFound(
                "There is no such webhook.",
                code="connectors.webhook_unknown",
                hint="Compare the address with the connection's; the connection must be enabled.",
            )
        if scope["method"] != "POST":
            await _answer(send, 405, b"", [(b"allow", b"POST")])
            return
        client = scope.get("client") or ("", 0)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        arrived = _Arrived(found[1], signing.delivery_id(settings, headers), str(client[0])[:64])
        try:
            readings = await self._take(arrived, settings, organisation_id, headers, receive)
        except MillwrightError as error:
            self.refused += 1
            await self._note(arrived, "refused", 0, error)
            raise
        repeated = readings is None
        body = msgspec.json.encode({"readings": readings or 0, "repeated": repeated})
        await _answer(send, 200, body, [(b"content-type", b"application/json")])

    async def _take(
        self,
        arrived: _Arrived,
        settings: WebhookSettings,
        organisation_id: str,
        headers: Mapping[str, str],
        receive: Any,
    ) -> int | None:
        """How many values were taken; ``None``: they were before."""
        if headers.get("content-encoding", "identity") != "identity":
            raise Unsupported(
                "A compressed body is not read.", code="devices.encoding_unsupported", hint="Send it plain."
            )
        body = await _read(receive, headers, settings.max_bytes)
        arrived.size = len(body)
        arrived.proof = signing.check(settings, headers, body, self._clock.now_ms() / 1000)
        arrived.good_s = settings.tolerance_s
        if self._pace(organisation_id, 0) > _LONGEST_DEBT_S:
            raise LimitExceeded(
                "The organisation sends more messages than its rate lets through.",
                code="devices.too_fast",
                hint="Wait as long as Retry-After says.",
                retry_after_s=5.0,
            )
        self._pace(organisation_id, 1)
        content_type = headers.get("content-type", "")
        if arrived.delivery_id is None and arrived.proof is None:
            readings = await self._host.receive(arrived.connection_id, body, content_type, settings.timeout_s)
            self.taken += 1
            await self._note(arrived, "taken", readings)
            return readings
        async with self._alone(arrived):
            known = arrived.connection_id, arrived.delivery_id, arrived.proof
            if await asyncio.to_thread(self._deliveries.was_taken, *known):
                self.repeated += 1
                await self._note(arrived, "repeated", 0)
                return None
            # The host knows it by its id too: whether it was stored may have been heard by nobody here. If it died
            # meanwhile, the same values received at the same moment are stored once.
            name = arrived.delivery_id or arrived.proof
            names = arrived.delivery_id, arrived.proof
            first_ms = await asyncio.to_thread(
                self._deliveries.begin, arrived.connection_id, *names, self._clock.now_ms()
            )
            readings = await self._host.receive(
                arrived.connection_id, body, content_type, settings.timeout_s, name, first_ms
            )
            self.taken += 1
            # Before the answer: who gets none sends it again, and is known by it then.
            await self._note(arrived, "taken", readings, sure=True)
            return readings

    @asynccontextmanager
    async def _alone(self, arrived: _Arrived) -> AsyncIterator[None]:
        """No other request with this id or signature is under way meanwhile."""
        names = (("id", arrived.delivery_id), ("proof", arrived.proof))
        keys = [(arrived.connection_id, kind, name) for kind, name in names if name is not None]
        async with AsyncExitStack() as stack:
            for key in keys:
                turn = self._under_way.setdefault(key, _Turn())
                turn.wanted += 1
                stack.callback(self._leave, key, turn)
                await stack.enter_async_context(turn.lock)
            yield

    def _leave(self, key: tuple[str, str, str], turn: _Turn) -> None:
        turn.wanted -= 1
        if not turn.wanted:
            del self._under_way[key]

    async def _find(self, connection_id: str, token: str) -> tuple[WebhookSettings | None, str]:
        """The settings behind an address, if its secret is right, and whose it is."""
        now_s = self._clock.monotonic_s()
        revision = await asyncio.to_thread(self._store.revision)
        if revision != self._revision or now_s - self._looked_s > _FRESH_S:
            self._known = await asyncio.to_thread(self._load)
            self._revision, self._looked_s = revision, now_s
        known = self._known.get(connection_id)
        return known if known is not None and signing.is_token(known[0], token) else (None, "")

    def _load(self) -> dict[str, tuple[WebhookSettings, str]]:
        out = {}
        for each in self._store.enabled():
            if each.kind == KIND:
                try:
                    out[each.id] = self._opened(each), self._store.get(each.id).organisation_id
                except MillwrightError as error:
                    logger.warning("the webhook %s cannot be used: %s", each.name, error.message)
        return out

    def _opened(self, each: Configured) -> WebhookSettings:
        settings = self._vault.open(each.id, each.settings, each.secrets)
        return cast(WebhookSettings, self._catalogue.convert(KIND, settings))

    async def _note(
        self,
        arrived: _Arrived,
        outcome: str,
        readings: int,
        error: MillwrightError | None = None,
        *,
        sure: bool = False,
    ) -> None:
        """Keep what became of a request. Refusals are kept at a bounded rate; only ``sure`` raises when it cannot."""
        if error is not None and not self._may_tell():
            return
        now_ms = self._clock.now_ms()
        try:
            await asyncio.to_thread(
                self._deliveries.add,
                arrived.connection_id,
                trim=self.requests % _TRIM_EVERY == 0,
                taken_since_ms=now_ms - round(2000 * arrived.good_s),  # a signed time may be so far ahead
                at_ms=now_ms,
                delivery_id=arrived.delivery_id,
                proof=arrived.proof,
                outcome=outcome,
                code=error.code[:64] if error is not None else None,
                reason=error.message[:500] if error is not None else None,
                size=arrived.size,
                readings=readings,
                peer=arrived.peer,
            )
        except MillwrightError:
            if sure:
                raise

    def _may_tell(self) -> bool:
        now_s = self._clock.monotonic_s()
        gained = (now_s - self._refused_s) * _REFUSALS_PER_S
        self._refusals_left, self._refused_s = min(_REFUSALS_PER_S * 4, self._refusals_left + gained), now_s
        if self._refusals_left < 1:
            return False
        self._refusals_left -= 1
        return True

    def figures(self) -> dict[str, int]:
        """Counters."""
        return {
            "webhook_requests": self.requests,
            "webhook_taken": self.taken,
            "webhook_repeated": self.repeated,
            "webhook_refused": self.refused,
            "webhook_strangers": self.strangers,
        }


class _Turn:
    """Who has it works on a delivery; ``wanted``: how many have or want it."""

    __slots__ = ("lock", "wanted")

    def __init__(self) -> None:
        self.lock, self.wanted = asyncio.Lock(), 0


class _Arrived:
    """A request on its way."""

    __slots__ = ("connection_id", "delivery_id", "good_s", "peer", "proof", "size")

    def __init__(self, connection_id: str, delivery_id: str | None, peer: str) -> None:
        self.connection_id, self.delivery_id, self.peer, self.size = connection_id, delivery_id, peer, 0
        self.proof: str | None = None
        self.good_s = 0.0


async def _read(receive: Any, headers: Mapping[str, str], most: int) -> bytes:
    length = headers.get("content-length", "")
    parts: list[bytes] = []
    size = int(length) if length.isdecimal() and len(length) < 12 else 0
    more = size <= most
    size = 0 if more else size
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Invalid("The request broke off.", code="connectors.webhook_document", hint="Send it again.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False) and size <= most
    if size > most:
        raise LimitExceeded(
            f"A document for this webhook has at most {most} bytes.",
            code="devices.body_too_large",
            hint="Send less at once, or raise the largest document in the connection's settings.",
            detail={"limit": most},
        )
    return b"".join(parts)


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
