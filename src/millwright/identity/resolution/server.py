"""Serves resolution by itself on a port of its own, without what the web host does for the console."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate

import uvicorn

from millwright.identity.resolution.app import Resolution
from millwright.identity.resolution.door import Door, Pulse
from millwright.identity.resolution.settings import ResolutionSettings
from millwright.kernel import Invalid, Unavailable, end

logger = logging.getLogger(__name__)

_STOP_S = 5
_BACKLOG = 1024
_TICKS = 10
"""Of the general server, in a second."""


class ResolutionServer:
    """A :class:`millwright.kernel.Part`: ``start`` returns once connections are accepted."""

    def __init__(self, app: Resolution, settings: ResolutionSettings) -> None:
        self._app, self._settings = app, settings
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` (``resolution.port_taken``) and ``Invalid``
        (``resolution.certificate_unusable``)."""
        settings = self._settings
        pulse = Pulse(self._app)
        config = uvicorn.Config(
            self._app,
            http=functools.partial(Door, pulse=pulse),  # type: ignore[arg-type]  # a class is expected, called it is
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            # It would write a line for each packet that is no HTTP.
            log_level=logging.CRITICAL,
            proxy_headers=False,
            server_header=False,
            # How long a connection may be idle is the door's.
            timeout_keep_alive=86_400,
            timeout_graceful_shutdown=_STOP_S,
            backlog=_BACKLOG,
            ssl_certfile=settings.certificate or None,
            ssl_keyfile=settings.key or None,
        )
        try:
            config.load()
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise Invalid(
                f"The certificate {settings.certificate} with key {settings.key} cannot be used: {error}",
                code="resolution.certificate_unusable",
                hint="Set [resolution] certificate and key to readable PEM files that belong together.",
            ) from error
        listening = _listen(settings.host, settings.port)
        self._server = _Server(config, pulse)
        self._task = asyncio.create_task(self._server.serve([listening]), name="resolution over http")
        begun = asyncio.create_task(self._server.begun.wait())
        await asyncio.wait({begun, self._task}, return_when=asyncio.FIRST_COMPLETED)
        await end(begun)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        """Accept no more; let what is being answered finish for five seconds."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)
        self._server.leave_all()
        self._server = self._task = None


class _Server(uvicorn.Server):
    """The general server, in a process whose signals are another's."""

    def __init__(self, config: uvicorn.Config, pulse: Pulse) -> None:
        super().__init__(config)
        self._pulse = pulse
        self.begun = asyncio.Event()
        self._beat()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: the role ends by its own."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self.begun.set()
        if counter % _TICKS == 0:
            self._beat()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Door):
                    connection.tick()
        return await super().on_tick(counter)

    def _beat(self) -> None:
        self._pulse.beat(int(time.monotonic()), formatdate(time.time(), usegmt=True).encode())

    def leave_all(self) -> None:
        """Leave who is still connected."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Door):
                connection.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"The address {host}:{port} cannot be used: {error.strerror}.",
            code="resolution.port_taken",
            hint="Stop what listens there, or set [resolution] host and port.",
        ) from error
    return listening
