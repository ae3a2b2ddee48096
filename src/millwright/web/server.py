"""Serves the application in this process and on this event loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar import Litestar

from millwright.kernel import Invalid, Unavailable
from millwright.web.settings import WebSettings

logger = logging.getLogger(__name__)

_START_S = 10.0
_STOP_S = 5.0
_HEADERS_MS = 15_000
_BUFFER_BYTES = 128 * 1024
_TAKE_OVER_S = 0.5


class WebServer:
    """A part of the web role: ``start`` returns once connections are accepted, ``stop`` ends live streams first.

    Granian's HTTP runs in threads of its own (no interpreter lock held) and calls the application on this loop.
    """

    def __init__(self, app: Litestar, settings: WebSettings) -> None:
        self._app, self._settings = app, settings
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._former: set[asyncio.Task[None]] = set()
        self._life: asyncio.Task[None] | None = None
        self._over: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)
        scheme = "https" if self._settings.certificate else "http"
        return f"{scheme}://{host}:{self._settings.port}"

    def counters(self) -> dict[str, float]:
        """Requests answered, and how many of them with 5xx."""
        edge = self._app.state.edge
        return {"requests": edge.requests, "requests_failed": edge.failures}

    def gauges(self) -> dict[str, float]:
        """Requests being answered now, and live streams."""
        return {"requests_in_flight": self._app.state.edge.in_flight, **self._app.state.hub.gauges()}

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` (``web.port_taken``), ``Invalid`` (``web.certificate_missing``)."""
        settings = self._settings
        self._server = self._make()
        _check_port(settings.host, settings.port)
        self._over = asyncio.Event()
        begun = asyncio.Event()
        self._life = asyncio.create_task(self._live(begun, self._over), name="life of the application")
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait({self._life, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            waiting.cancel()
            self._life.result()
        self._task = asyncio.create_task(self._server.serve(), name="http")
        await self._until_listening(self._task)

    async def renew(self) -> None:
        """Serve new connections with the certificate that is in the files now.

        A second server opens the same port before the first one stops accepting; what that one is answering, live
        streams included, it answers to the end. A connection that only just waited for the first may break off before
        anything was sent on it, and is to be tried again. Raises ``Invalid`` (``web.certificate_unusable``), and serves
        on.
        """
        if self._server is None or self._task is None:
            return
        server = await asyncio.to_thread(self._make)
        before, old = self._server, self._task
        task = asyncio.create_task(server.serve(), name="http")
        await asyncio.sleep(_TAKE_OVER_S)
        if task.done():
            task.result()
        self._server, self._task = server, task
        self._former.add(old)
        old.add_done_callback(self._former.discard)
        before.stop()  # type: ignore[no-untyped-call]  # Granian's
        logger.info("https uses the changed certificate from now on")

    def _make(self) -> Server:
        settings = self._settings
        tls = _tls(settings)
        try:
            return Server(
                self._app,
                address=settings.host,
                port=settings.port,
                interface=Interfaces.ASGINL,
                websockets=False,
                backlog=1024,
                log_enabled=False,
                http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_MS, max_buffer_size=_BUFFER_BYTES),
                **tls,
            )
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise Invalid(
                f"The certificate {settings.certificate} with key {settings.key} cannot be used: {error}",
                code="web.certificate_unusable",
                hint="Set [web] certificate and key to readable PEM files that belong together.",
            ) from error

    async def stop(self) -> None:
        """Accept no more, end live streams, let the rest finish for five seconds."""
        self._app.state.hub.close()
        if self._server is not None and self._task is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # Granian's
            serving = {self._task, *self._former}
            _, late = await asyncio.wait(serving, timeout=_STOP_S)
            if late:
                logger.warning("some requests did not end within %g s", _STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            self._server = self._task = None
        if self._life is not None and self._over is not None:
            self._over.set()
            await asyncio.gather(self._life, return_exceptions=True)
            self._life = None

    async def _live(self, begun: asyncio.Event, over: asyncio.Event) -> None:
        async with self._app.lifespan():  # entered and left by one task, as its cancel scopes demand
            begun.set()
            await over.wait()

    async def _until_listening(self, task: asyncio.Task[None]) -> None:
        host = self.url.split("://", 1)[1].rsplit(":", 1)[0].strip("[]")
        for _ in range(int(_START_S / 0.01)):
            if task.done():
                task.result()
            try:
                _, writer = await asyncio.open_connection(host, self._settings.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return
        raise Unavailable("The web server did not start.", code="web.not_started", hint="Read the role's log.")


async def serve(app: Litestar, settings: WebSettings, stopped: Callable[[], Awaitable[Any]]) -> None:
    """Serve until ``stopped`` returns."""
    server = WebServer(app, settings)
    await server.start()
    try:
        await stopped()
    finally:
        await server.stop()


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"The address {host}:{port} cannot be used: {error.strerror}.",
                code="web.port_taken",
                hint="Stop what listens there, or set [web] host and port.",
            ) from error


def _tls(settings: WebSettings) -> dict[str, Any]:
    if not settings.certificate and not settings.key:
        return {}
    for file in (settings.certificate, settings.key):
        if not Path(file).is_file():
            raise Invalid(
                f"The TLS file {file!r} is missing.",
                code="web.certificate_missing",
                hint="Set both [web] certificate and [web] key to PEM files.",
            )
    return {
        "ssl_cert": Path(settings.certificate),
        "ssl_key": Path(settings.key),
        "ssl_protocol_min": SSLProtocols.tls12,
    }
