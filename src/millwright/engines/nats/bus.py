"""A connection to NATS and the bus over it.

Backed by nats-py (see ``docs/decisions``): messages here are frames of many readings, so a few thousand messages a
second carry millions of readings and a client with TLS and a long record beats a faster young one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext

from millwright.kernel import (
    Handler,
    LimitExceeded,
    MillwrightError,
    Responder,
    Unavailable,
    Unsubscribe,
    end,
)
from millwright.kernel.errors import from_dict

logger = logging.getLogger(__name__)

_ERROR_HEADER = "Millwright-Error"
_PENDING_BYTES = 64 * 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0
_PING_S, _PINGS = 10, 6
"""A broker is given up after a minute without a word. Its answers queue behind what it delivers, so a process that has
much to read and is short of processor time hears them late: that must not look like a broker that is gone."""
_SETTLE_S = 2


class BusConnection:
    """A connection that reconnects for ever; implements :class:`millwright.kernel.Bus`.

    ``servers`` are addresses of one server or of several of one cluster, comma separated.
    """

    def __init__(self, servers: str, name: str, tls: ssl.SSLContext | None = None) -> None:
        self._servers = [server.strip() for server in servers.split(",") if server.strip()]
        self._name = name
        self._tls: dict[str, ssl.SSLContext] = {"tls": tls} if tls else {}
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether the broker is there now."""
        return self._client is not None and self._client.is_connected

    @property
    def max_payload(self) -> int:
        """Bytes of the largest message that the broker takes."""
        client, _ = self._need()
        return client.max_payload

    async def start(self) -> None:
        """Connect; waits up to ten seconds for a broker that is still starting."""
        connecting = asyncio.create_task(self._connect(), name="connecting to NATS")
        try:
            # A time-out around it would not do: before Python 3.12 the client can lose the cancellation, and goes on.
            await asyncio.wait((connecting,), timeout=_CONNECT_TIMEOUT_S)
            self._client = connecting.result() if connecting.done() else None
        except (OSError, nats.errors.Error) as error:  # a timeout is an OSError
            raise self._nobody_answers() from error
        finally:
            if not connecting.done():
                await end(connecting)
        if self._client is None:
            raise self._nobody_answers()
        self._jetstream = self._client.jetstream(timeout=10)

    @property
    def clustered(self) -> bool:
        """Whether the server that this is connected to says that it belongs to a cluster; one that is a leaf of another
        server says so too.
        """
        client, _ = self._need()
        return bool(client._server_info.get("cluster"))

    async def _connect(self) -> Client:
        client = Client()
        secured: dict[str, Any] = {**_login(self._servers), **self._tls}
        try:
            await client.connect(
                servers=self._servers,
                name=self._name,
                max_reconnect_attempts=-1,  # also while connecting for the first time
                reconnect_time_wait=0.1,  # type: ignore[arg-type]  # whose type says whole seconds
                connect_timeout=2,
                ping_interval=_PING_S,
                max_outstanding_pings=_PINGS,
                pending_size=_PENDING_BYTES,
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                **secured,
            )
        except BaseException:
            await client.close()  # given up in the middle of a greeting, it would leave its socket open
            raise
        return client

    def _nobody_answers(self) -> Unavailable:
        return Unavailable(
            f"No NATS server answers at {_shown(self._servers)}.",
            code="engines.nats_unavailable",
            hint="Start it, or correct [nats] url; `millwright doctor` looks closer.",
        )

    async def stop(self) -> None:
        """Flush what is pending and close."""
        for task in self._tasks:
            task.cancel()
        client, self._client, self._jetstream = self._client, None, None
        if client is None:
            return
        try:
            if client.is_connected:
                await asyncio.wait_for(client.flush(), 2)
        except (nats.errors.Error, OSError):
            logger.warning("closing the connection to NATS without a flush")
        try:
            await client.close()
        except OSError as error:  # the broker went at this moment
            logger.debug("closing the connection to NATS: %r", error)

    async def _on_error(self, error: Exception) -> None:
        logger.debug("nats: %r", error)

    async def _on_disconnected(self) -> None:
        if self._client is not None:
            logger.warning("lost the connection to NATS; trying again until it is back")
        self._lost()

    def _lost(self) -> None:
        """The connection is gone; the client is about to try again."""

    async def _on_reconnected(self) -> None:
        logger.info("the connection to NATS is back")

    def _need(self) -> tuple[Client, JetStreamContext]:
        if self._client is None or self._jetstream is None:
            raise Unavailable("The connection to NATS is not open.", code="engines.nats_unavailable", hint="Start it.")
        return self._client, self._jetstream

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send to whoever listens now; at most once."""
        client, _ = self._need()
        try:
            await client.publish(subject, payload)
        except nats.errors.Error as error:
            raise unavailable(f"Publishing to {subject} failed", error) from error

    async def subscribe(self, subject: str, handler: Handler) -> Unsubscribe:
        """Call ``handler`` for every message that is published from the return on, in order."""
        client, _ = self._need()

        async def on_message(message: Msg) -> None:
            try:
                await handler(message.subject, message.data)
            except Exception:
                logger.exception("the handler of %s failed", message.subject)

        subscription = await client.subscribe(subject, cb=on_message)
        await _settled(client)
        return _unsubscriber(subscription)

    async def request(self, subject: str, payload: bytes, *, timeout_s: float = 10.0) -> bytes:
        """Ask; raises what the responder raised, or ``Unavailable`` when nobody answers in time."""
        client, _ = self._need()
        try:
            reply = await client.request(subject, payload, timeout=timeout_s)
        except nats.errors.NoRespondersError as error:
            raise unavailable(f"Nobody serves {subject} now", error) from error
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"No answer on {subject} within {timeout_s:g} s", error) from error
        if reply.headers and _ERROR_HEADER in reply.headers:
            raise from_dict(msgspec.json.decode(reply.data))
        return reply.data

    async def serve(self, subject: str, responder: Responder, *, queue: str = "") -> Unsubscribe:
        """Answer requests from the return on; each runs in a task of its own."""
        client, _ = self._need()

        async def answer(message: Msg) -> None:
            headers: dict[str, str] | None = None
            try:
                data = await responder(message.data)
            except MillwrightError as error:
                data, headers = msgspec.json.encode(error.to_dict()), {_ERROR_HEADER: error.code}
            except Exception:
                logger.exception("answering %s failed", message.subject)
                failure = Unavailable("The request failed inside the node.", code="engines.responder_failed")
                data, headers = msgspec.json.encode(failure.to_dict()), {_ERROR_HEADER: failure.code}
            if message.reply:
                await self._reply(message, data, headers)

        async def on_message(message: Msg) -> None:
            task = asyncio.create_task(answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        subscription = await client.subscribe(subject, queue=queue, cb=on_message)
        await _settled(client)
        return _unsubscriber(subscription)

    async def _reply(self, message: Msg, data: bytes, headers: dict[str, str] | None) -> None:
        client, _ = self._need()
        try:
            await client.publish(message.reply, data, headers=headers)
        except nats.errors.MaxPayloadError:
            failure = LimitExceeded(
                f"The answer has {len(data)} bytes, more than the broker takes.",
                code="engines.reply_too_large",
                hint="Ask for less at once, or raise max_payload of the NATS server.",
            )
            await self._reply(message, msgspec.json.encode(failure.to_dict()), {_ERROR_HEADER: failure.code})
        except nats.errors.Error as error:
            logger.warning("an answer on %s could not be sent: %r", message.subject, error)


def unavailable(what: str, error: BaseException) -> Unavailable:
    """What failed, with the words of ``error``."""
    return Unavailable(
        f"{what}: {str(error) or type(error).__name__}", code="engines.nats_unavailable", hint="Try again."
    )


async def _settled(client: Client) -> None:
    """Return when the server has read what was sent to it: a subscription would miss what others publish before.

    A client that is away subscribes anew by itself when it is back.
    """
    if client.is_connected:
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            for _ in range(2):  # nats-py's ping overtakes what it has not written yet, and has it written
                await client.flush(_SETTLE_S)


def _unsubscriber(subscription: Subscription) -> Callable[[], Any]:
    async def unsubscribe() -> None:
        try:
            await subscription.unsubscribe()
        except nats.errors.Error:
            return

    return unsubscribe


def _login(servers: list[str]) -> dict[str, str]:
    """The first credentials in these addresses: for servers of the cluster that are heard of later, without any."""
    for server in servers:
        found = urlsplit(server)
        if found.username and found.password:
            return {"user": unquote(found.username), "password": unquote(found.password)}
        if found.username:
            return {"token": unquote(found.username)}
    return {}


def _shown(servers: list[str]) -> str:
    """Addresses without the credentials in them."""
    return ", ".join(re.sub(r"//[^@/]*@", "//", server) for server in servers)
