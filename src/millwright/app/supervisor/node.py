"""The supervisor of one node: nats-server, then every role; migrations in between; states on the bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from millwright.app import ROLES, WHEN_NEEDED
from millwright.app.folder import DataFolder, FolderLock
from millwright.app.sections import ProcessSettings
from millwright.app.supervisor.child import Child, ChildState
from millwright.app.supervisor.report import ProcessReport
from millwright.engines.nats import LeafRemote, NatsServer, tls_context
from millwright.kernel import MillwrightError, SystemClock, Unavailable, end
from millwright.kernel.errors import from_dict

logger = logging.getLogger(__name__)

_KEPT_OUTPUT_BYTES = 10_000_000
_LOOK_S = 0.25


class Supervisor:
    """Runs one node on ``folder``.

    ``overrides`` are environment variables for every process on top of this one's; ``announce`` gets a line for people
    at every step of the start and the stop. ``roles`` are those to run, further processes of one with a number
    (``listener-2``); ``remote`` is where the broker joins as a leaf.
    """

    def __init__(
        self,
        settings: ProcessSettings,
        folder: DataFolder,
        *,
        config: Path | None = None,
        overrides: Mapping[str, str] | None = None,
        announce: Callable[[str], None] = lambda _: None,
        roles: Sequence[str] = ROLES,
        remote: LeafRemote | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._config = config
        self._announce = announce
        self._clock = SystemClock()
        self._lock = FolderLock(folder)
        self._environ = os.environ | {"MILLWRIGHT_NODE_DATA": str(folder.root)} | dict(overrides or {})
        self._server = None if settings.nats.url else NatsServer(settings.nats, folder.nats, remote)
        self._broker: Child | None = None
        self._names = tuple(roles)
        self._roles = [self._role(name) for name in self._names]
        self._extra = [self._role(name) for name in WHEN_NEEDED]
        self._looking: asyncio.Task[None] | None = None
        self.setup_code: str | None = None
        self._report: ProcessReport | None = None
        self._reporting: asyncio.Task[None] | None = None

    @property
    def children(self) -> list[Child]:
        """Every supervised process, in the order they start."""
        extra = [child for child in self._extra if child.state is not ChildState.STOPPED]
        return [*([self._broker] if self._broker else []), *self._roles, *extra]

    async def start(self) -> None:
        """Return when every process serves.

        Raises ``Conflict`` (``app.already_running``, ``engines.schema_newer``), ``Denied`` (``app.folder_denied``),
        ``Unavailable`` when a process cannot start; nothing is left running then.
        """
        began_s = time.monotonic()
        self._folder.make()
        self._lock.acquire()
        try:
            for name in ("nats-server", *self._names, *WHEN_NEEDED):
                _rotate(self._output(name))
            # First of all: it settles the broker's port and token, which the roles read while they are composed.
            broker = await asyncio.to_thread(self._server.command) if self._server else []
            for role in self._roles:
                role.start()
            await asyncio.gather(self._start_broker(broker), self._migrate())
            for role in self._roles:
                role.go()
            await asyncio.gather(*(self._wait_first(role) for role in self._roles))
        except BaseException:
            await self.stop()
            raise
        self._folder.write_addresses(self.addresses())
        self._reporting = asyncio.create_task(self._publish(), name="process report")
        self._looking = asyncio.create_task(self._look(), name="roles when needed")
        self._announce(f"ready in {time.monotonic() - began_s:.1f} s")
        if self.setup_code and "web" in self._names:
            http = self.addresses()["http"]
            self._announce(f"make the first administrator: {http}/setup?code={self.setup_code}")

    async def stop(self) -> None:
        """Stop the roles in reverse, then the broker, so that each can still flush into the ones before it."""
        await end(self._reporting, self._looking)
        if self._report is not None:
            with contextlib.suppress(MillwrightError):
                await self._report.stop()
        deadline = self._settings.node.stop_timeout_s + 2
        for child in reversed(self.children):
            if child.state is not ChildState.STOPPED:
                await child.stop(deadline)
                self._announce(f"{child.name} stopped")
        with contextlib.suppress(FileNotFoundError):
            self._folder.addresses.unlink()
        self._lock.release()

    def addresses(self) -> dict[str, Any]:
        """Where this node is reached from this machine."""
        by_role = {role.name: role.address for role in self._roles}
        return {
            "pid": os.getpid(),
            "http": by_role.get("web"),
            "mqtt": by_role.get("listener"),
            "handle": by_role.get("resolver"),
        }

    # --- starting ------------------------------------------------------------------------------------------------

    async def _start_broker(self, command: list[str]) -> None:
        server = self._server
        if server is None:
            return
        self._broker = Child(
            "nats-server",
            command,
            clock=self._clock,
            log=self._output("nats-server"),
            environ={name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")},
            notifies=False,
            probe=lambda: server.wait_ready(30.0),
        )
        self._broker.start()
        await self._wait_first(self._broker, 15.0)

    async def _migrate(self) -> None:
        """In a process of its own: the supervisor stays small, and the roles import meanwhile."""
        process = await asyncio.create_subprocess_exec(
            *self._command("migrate", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environ,
        )
        try:
            out, errors = await process.communicate()
        except asyncio.CancelledError:
            # Not killed: a migration is one transaction, and it ends by itself.
            await process.wait()
            raise
        if process.returncode:
            try:
                raise from_dict(msgspec.json.decode(out, type=dict[str, Any])["error"])
            except (msgspec.DecodeError, KeyError) as error:
                raise Unavailable(
                    f"The records could not be migrated: {errors.decode(errors='replace')[-400:].strip()}",
                    code="app.migration_failed",
                    hint="Nothing was changed. Run `millwright migrate` to see the whole message.",
                ) from error
        done = msgspec.json.decode(out, type=dict[str, Any])
        self.setup_code = done["setup_code"]
        if done["backup"]:
            self._announce(f"records migrated; the old ones are kept in {done['backup']}")

    async def _wait_first(self, child: Child, timeout_s: float = 60.0) -> None:
        """Wait for the first start; a role that dies at it with a reason ends the start of the node."""
        ready = asyncio.create_task(child.wait_ready(timeout_s))
        try:
            while not ready.done():
                await asyncio.wait((ready,), timeout=0.05)
                if child.error is not None and child.restarts and not ready.done():
                    raise child.error
                if child.restarts >= 3 and not ready.done():
                    raise Unavailable(
                        f"{child.name} does not start.",
                        code="app.role_failed",
                        hint=f"Read {self._output(child.name)} and {self._folder.logs / (child.name + '.log')}.",
                    )
            ready.result()
        finally:
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
        where = f"   {child.address}" if child.address else ""
        self._announce(f"{child.name:<12} ready after {child.ready_after_s:.1f} s{where}")

    # --- watching ------------------------------------------------------------------------------------------------

    async def _publish(self) -> None:
        servers = self._server.url if self._server else self._settings.nats.url
        tls = tls_context(self._settings.nats)
        self._report = ProcessReport(self._settings.node.name, servers, lambda: self.children, self._clock, tls=tls)
        while True:
            try:
                await self._report.start()
                return
            except MillwrightError as error:
                logger.warning("the states of the processes cannot be published yet: %s", error)
                await asyncio.sleep(1)

    async def _look(self) -> None:
        """Run the roles that a marker in the data folder asks for, and no others."""
        while True:
            for child in self._extra:
                wanted = self._folder.wanted(child.name).exists()
                if wanted and child.state is ChildState.STOPPED:
                    logger.info("%s is needed", child.name)
                    child.go()
                    child.start()
                elif not wanted and child.state is not ChildState.STOPPED:
                    logger.info("%s is not needed any more", child.name)
                    await child.stop(self._settings.node.stop_timeout_s + 2)
            await asyncio.sleep(_LOOK_S)

    # --- command lines -------------------------------------------------------------------------------------------

    def _role(self, name: str) -> Child:
        role, _, number = name.partition("-")
        further = ("--process", number) if number else ()
        return Child(
            name, self._command("run", role, *further), clock=self._clock, log=self._output(name), environ=self._environ
        )

    def _command(self, *arguments: str) -> list[str]:
        config = ["--config", str(self._config)] if self._config else []
        return [sys.executable, "-X", "faulthandler", "-m", "millwright", *config, *arguments]

    def _output(self, name: str) -> Path:
        return self._folder.logs / f"{name}.out"


def _rotate(path: Path) -> None:
    """Keep one old copy of a raw output file that has grown large."""
    if path.exists() and path.stat().st_size > _KEPT_OUTPUT_BYTES:
        path.replace(path.with_suffix(".out.1"))
