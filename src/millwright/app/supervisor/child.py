"""One supervised process: start, wait until it is ready, restart when it dies, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from millwright.app.readiness import die_with_parent
from millwright.app.supervisor.backoff import Backoff
from millwright.kernel import Clock, MillwrightError, Unavailable, end
from millwright.kernel.errors import from_dict

logger = logging.getLogger(__name__)

_BLAMELESS: Final = frozenset({"engines.nats_unavailable"})
"""Errors of a start that failed only because the broker was away; a start waits ten seconds for it before it fails."""
_LAST_WORDS_S: Final = 2.0


class ChildState(StrEnum):
    """Where a process is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    LOOPING = "crash_loop"


class Child:
    """A process that is kept running.

    ``command`` starts it. With ``notifies`` it is a role: it gets a pipe to say ``READY=1`` on (appended to the command
    as ``--notify-fd N``) and is held at its gate until :meth:`go`. Without, ``probe`` returns once it serves.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        clock: Clock,
        log: Path,
        environ: Mapping[str, str] | None = None,
        notifies: bool = True,
        probe: Callable[[], Awaitable[None]] | None = None,
        backoff: Backoff | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self.name = name
        self.state = ChildState.STOPPED
        self.restarts = 0
        self.error: MillwrightError | None = None
        self.address: str | None = None
        self.since_ms = clock.now_ms()
        self.ready_after_s: float | None = None
        self._command = list(command)
        self._clock = clock
        self._log = log
        self._environ = dict(os.environ if environ is None else environ)
        self._notifies = notifies
        self._probe = probe
        self._backoff = backoff or Backoff()
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._failure: MillwrightError | None = None
        self._ready = asyncio.Event()
        self._gate = asyncio.Event()
        self._stopping = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        """Start the process and keep it running from now on."""
        self._stopping.clear()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    def go(self) -> None:
        """Open the gate: from now on the process may begin its work."""
        self._gate.set()

    async def wait_ready(self, timeout_s: float) -> None:
        """Return when the process serves. Raises what kept it from starting, or ``Unavailable``."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        except TimeoutError:
            raise self.error or Unavailable(
                f"{self.name} is not ready after {timeout_s:g} s.",
                code="app.role_not_ready",
                hint=f"Read {self._log}.",
            ) from None

    async def stop(self, timeout_s: float) -> None:
        """Ask it to stop; kill it after ``timeout_s`` seconds."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), timeout_s)
            except TimeoutError:
                logger.warning("%s did not stop within %g s; killing it", self.name, timeout_s)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        if self._keeper is not None:
            await self._keeper
            self._keeper = None

    def kill(self, why: str) -> None:
        """End a process that hangs; it is started again like one that died."""
        if self._process is not None and self._process.returncode is None:
            logger.error("%s %s; restarting it", self.name, why)
            self._process.kill()

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            self._enter(ChildState.RESTARTING if self.restarts else ChildState.STARTING)
            code = await self._run_once()
            self._ready.clear()
            if self._stopping.is_set():
                break
            self.restarts += 1
            if self._failure is not None and self._failure.code in _BLAMELESS:
                wait_s = self._backoff.waited()
            else:
                wait_s = self._backoff.died(self._clock.monotonic_s())
            self._report(code, wait_s)
            self._enter(ChildState.LOOPING if self._backoff.looping else ChildState.RESTARTING)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)
        self._enter(ChildState.STOPPED)

    async def _run_once(self) -> int | None:
        """Run the process to its end; returns its exit code, ``None`` when it could not be started at all."""
        started_s = self._clock.monotonic_s()
        self._failure = None
        reading, writing = os.pipe()
        command = [*self._command, "--notify-fd", str(writing)] if self._notifies else self._command
        try:
            with self._log.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE if self._notifies else asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self._environ,
                    pass_fds=(writing,) if self._notifies else (),
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
        except OSError as error:
            os.close(reading)
            self.error = Unavailable(f"{self.name} cannot be started: {error}", code="app.role_failed")
            return None
        finally:
            os.close(writing)
        if self._stopping.is_set():  # told to stop while it was being started: `stop` did not see it
            self._process.kill()
        watch = asyncio.create_task(self._watch(reading, started_s), name=f"watch {self.name}")
        watchers = [watch]
        if self._notifies:
            watchers.append(asyncio.create_task(self._let_go(self._process), name=f"gate {self.name}"))
        try:
            code = await self._process.wait()
            if self._notifies:  # what it said last may not have been read yet
                await asyncio.wait((watch,), timeout=_LAST_WORDS_S)
            return code
        finally:
            await end(*watchers)

    async def _let_go(self, process: asyncio.subprocess.Process) -> None:
        await self._gate.wait()
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(b"go\n")
            await process.stdin.drain()

    async def _watch(self, reading: int, started_s: float) -> None:
        if self._probe is not None:
            os.close(reading)
            await self._probe()
            self._became_ready(started_s)
            return
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
        )
        try:
            while line := await stream.readline():
                key, _, value = line.rstrip(b"\n").partition(b"=")
                if key == b"READY":
                    self._became_ready(started_s)
                elif key == b"ADDRESS":
                    self.address = value.decode()
                elif key == b"ERROR":
                    self.error = self._failure = from_dict(msgspec.json.decode(value, type=dict[str, Any]))
        finally:
            transport.close()

    def _became_ready(self, started_s: float) -> None:
        self.ready_after_s = self._clock.monotonic_s() - started_s
        if self.restarts:
            logger.info("%s is back after %.1f s", self.name, self.ready_after_s)
        self.error = None
        self._enter(ChildState.RUNNING)
        self._ready.set()

    def _report(self, code: int | None, wait_s: float) -> None:
        if self._backoff.looping and self.state is ChildState.LOOPING:
            return  # said once
        how = "could not be started" if code is None else _how(code)
        why = f": {self.error.message}" if self.error else ""
        if self._backoff.looping:
            logger.error("%s %s%s; it never stays up, so it is tried every %g s", self.name, how, why, wait_s)
        else:
            logger.warning("%s %s%s; starting it again in %g s", self.name, how, why, wait_s)

    def _enter(self, state: ChildState) -> None:
        if state is ChildState.RESTARTING and self.state is ChildState.LOOPING and self._backoff.looping:
            return
        if state is not self.state:
            self.state, self.since_ms = state, self._clock.now_ms()


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
