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


class WebServer:
    """A part of the web role: ``start`` returns once connections are accepted, ``stop`` ends live streams first.

    Granian's HTTP runs in threads of its own (no interpreter lock held) and calls the application on this loop.
    """

    def __init__(self, app: Litestar, settings: WebSettings) -> None:
        self._app, self._settings = app, settings
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

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
        tls = _tls(settings)
        _check_port(settings.host, settings.port)
        self._server = Server(
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
        self._task = asyncio.create_task(self._run(self._server), name="http")
        await self._until_listening(self._task)

    async def stop(self) -> None:
        """Accept no more, end live streams, let the rest finish for five seconds."""
        self._app.state.hub.close()
        if self._server is not None and self._task is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # Granian's
            done, _ = await asyncio.wait({self._task}, timeout=_STOP_S)
            if not done:
                logger.warning("some requests did not end within %g s", _STOP_S)
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._server = self._task = None

    async def _run(self, server: Server) -> None:
        async with self._app.lifespan():  # entered and left by one task, as its cancel scopes demand
            await server.serve()

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
    certificate, key = Path(settings.certificate), Path(settings.key)
    for path in (certificate, key):
        if not path.is_file():
            raise Invalid(
                f"The TLS file {path} is missing.",
                code="web.certificate_missing",
                hint="Set both [web] certificate and [web] key to PEM files.",
            )
    return {"ssl_cert": certificate, "ssl_key": key, "ssl_protocol_min": SSLProtocols.tls12}
