"""Serves resolution by itself on a port of its own, without what the web host does for the console."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from millwright.identity.resolution.app import Resolution
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.kernel import Invalid, Unavailable

logger = logging.getLogger(__name__)

_START_S, _STOP_S = 10.0, 5.0
_HEADERS_MS = 10_000
_BUFFER_BYTES = 64 * 1024
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class ResolutionServer:
    """A :class:`millwright.kernel.Part`: ``start`` returns once connections are accepted."""

    def __init__(self, app: Resolution, settings: ResolutionSettings) -> None:
        self._app, self._settings = app, settings
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` (``resolution.port_taken``, ``resolution.not_started``) and ``Invalid``
        (``resolution.certificate_unusable``)."""
        settings = self._settings
        _check_port(settings.host, settings.port)
        try:
            self._server = Server(
                self._app,
                address=settings.host,
                port=settings.port,
                interface=Interfaces.ASGINL,
                websockets=False,
                backlog=1024,
                log_enabled=False,
                http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_MS, max_buffer_size=_BUFFER_BYTES),
                **_tls(settings),
            )
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise Invalid(
                f"The certificate {settings.certificate} with key {settings.key} cannot be used: {error}",
                code="resolution.certificate_unusable",
                hint="Set [resolution] certificate and key to readable PEM files that belong together.",
            ) from error
        self._task = asyncio.create_task(self._server.serve(), name="resolution over http")
        host = _EVERY.get(settings.host, settings.host)
        for _ in range(int(_START_S / 0.01)):
            if self._task.done():
                self._task.result()
            try:
                _, writer = await asyncio.open_connection(host, settings.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return
        raise Unavailable(
            "Resolution over HTTP did not start.", code="resolution.not_started", hint="Read the role's log."
        )

    async def stop(self) -> None:
        """Accept no more; let what is being answered finish for five seconds."""
        if self._server is None or self._task is None:
            return
        self._server.stop()  # type: ignore[no-untyped-call]  # Granian's
        _, late = await asyncio.wait({self._task}, timeout=_STOP_S)
        if late:
            logger.warning("some resolutions did not end within %g s", _STOP_S)
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._server = self._task = None


def _tls(settings: ResolutionSettings) -> dict[str, Any]:
    if not settings.certificate and not settings.key:
        return {}
    return {
        "ssl_cert": Path(settings.certificate),
        "ssl_key": Path(settings.key),
        "ssl_protocol_min": SSLProtocols.tls12,
    }


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"The address {host}:{port} cannot be used: {error.strerror}.",
                code="resolution.port_taken",
                hint="Stop what listens there, or set [resolution] host and port.",
            ) from error
