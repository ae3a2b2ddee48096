"""From the spool into the stream: in order, one frame after the other, each once.

A frame is what waits at the beginning of the spool, under an id that ends with the number of its last record. So the
id of the newest frame in the stream says what of the spool is through. It is asked for after a start and before a
frame is sent again, however long the broker was away: what was stored, and not confirmed, is not stored twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from millwright.devices.connectors.spool import Spool
from millwright.devices.intake import FRAME_VERSION, Frame, Run, encode_frame
from millwright.devices.mqtt.ports import Intake
from millwright.kernel import Clock, Invalid, LimitExceeded, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

Newest = Callable[[], Awaitable[str]]
"""The id of the newest frame that the stream has of us, or an empty string."""

_GATHER_S: Final = 0.01
_FRAME_BYTES: Final = 256 * 1024
_RETRY_S: Final = (0.05, 1.0)
_SYNC_S: Final = 1.0
_MOST_UNKEPT_BYTES: Final = 8 << 20


class Outbox:
    """Keeps what it is given until the stream has it. ``on_pressure(True)``: give no more for now."""

    def __init__(
        self,
        intake: Intake,
        newest: Newest,
        listener_id: str,
        folder: Path,
        most_bytes: int,
        clock: Clock,
        on_pressure: Callable[[bool], None],
    ) -> None:
        self._intake, self._newest, self._listener_id = intake, newest, listener_id
        self._most_bytes, self._clock, self._on_pressure = most_bytes, clock, on_pressure
        self._folder = folder
        self._spool = Spool(folder)
        self._unkept: deque[tuple[Sequence[Run], int]] = deque()
        self._unkept_bytes = 0
        self._news, self._idle = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._problem: dict[str, Any] | None = None
        self._disk_problem: dict[str, Any] | None = None
        self._full_since_ms = 0
        self._blocked = False
        self._stored_to = self._held = self._held_to = 0
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()
        self.paused = False
        self.frames = 0
        self.retries = 0
        self.full = 0
        """How often there was no more room."""
        self.refused = 0
        """Runs that the stream can never take."""

    @property
    def waiting_bytes(self) -> int:
        """What the stream does not have yet."""
        return self._spool.bytes + self._unkept_bytes

    async def start(self) -> None:
        """Take over what a process before left, then send. Raises ``Unavailable``, or ``OSError`` of the folder."""
        await asyncio.to_thread(self._spool.open)
        if self._spool.bytes:
            left = self._spool.bytes
            self._stored_to = self._number_of(await self._newest())
            self._spool.drop_to(self._stored_to)
            if self._spool.bytes:
                logger.info("%d bytes that were left are sent now", self._spool.bytes)
            else:
                logger.info("the stream has the %d bytes that were left", left)
        self._look()
        self._tasks = [
            asyncio.create_task(self._send(), name="outbox"),
            asyncio.create_task(self._sync_often(), name="outbox sync"),
        ]

    async def stop(self, timeout_s: float) -> None:
        """Send what waits for at most so long; the rest stays for the next start."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            logger.warning("%d bytes of values stay in %s for the next start", self._spool.bytes, self._folder)
        await end(*self._tasks)
        self._tasks = []
        self._spool.close()

    def add(self, runs: Sequence[Run]) -> None:
        """Keep runs: a process that is killed from here on loses none of them, unless the disk refused them."""
        if self._unkept:
            self._hold(runs)
        else:
            try:
                self._spool.append(runs)
            except OSError as error:
                self._complain(error)
                self._hold(runs)
        self._look()

    async def settled(self) -> None:
        """Return when the stream has everything that was added so far."""
        if self.waiting_bytes:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._spool.last, self._held, done))
            await done

    def problems(self) -> list[dict[str, Any]]:
        """What keeps values from being stored now."""
        found = [each for each in (self._problem, self._disk_problem) if each is not None]
        if self._full_since_ms:
            found.append(
                {
                    "code": "connectors.buffer_full",
                    "message": f"{self.waiting_bytes // 1_000_000} MB of values wait for the broker, so connections "
                    "are not read: what machines do not keep themselves is lost meanwhile.",
                    "hint": "Bring the broker back; all resumes by itself. The limit is [connectors] buffer_mb.",
                    "since_ms": self._full_since_ms,
                }
            )
        return found

    # --- what waits --------------------------------------------------------------------------------------------------

    def _hold(self, runs: Sequence[Run]) -> None:
        """In memory, where the disk refused it; in order, so all that comes next too until these are through."""
        size = sum(sum(map(len, run.payloads)) for run in runs)
        self._unkept.append((runs, size))
        self._unkept_bytes += size
        self._held += 1

    def _look(self) -> None:
        """Begin or end the pressure, and wake who sends."""
        if self.waiting_bytes:
            self._idle.clear()
            self._news.set()
        else:
            self._idle.set()
        while self._waiting and self._waiting[0][0] <= self._stored_to and self._waiting[0][1] <= self._held_to:
            done = self._waiting.popleft()[2]
            if not done.done():
                done.set_result(None)
        share = 2 if self.paused else 1
        full = self.waiting_bytes > self._most_bytes // share or self._unkept_bytes > _MOST_UNKEPT_BYTES // share
        if full and not self._full_since_ms:
            self.full += 1
            self._full_since_ms = self._clock.now_ms()
            logger.warning("%d bytes wait for the broker; connections are not read", self.waiting_bytes)
        elif not full:
            self._full_since_ms = 0
        paused = full or self._blocked
        if paused != self.paused:
            self.paused = paused
            self._on_pressure(paused)

    async def _sync_often(self) -> None:
        """Force what waits to the disk each second, so that a power cut costs no more than that."""
        while True:
            await asyncio.sleep(_SYNC_S)
            if not self._spool.bytes:
                continue
            handle = self._spool.duplicate_handle()
            try:
                await asyncio.to_thread(os.fsync, handle)
            except OSError as error:
                self._complain(error)
            finally:
                os.close(handle)

    def _complain(self, error: OSError) -> None:
        if self._disk_problem is None:
            logger.warning("values that wait for the broker cannot be kept in %s: %s", self._folder, error)
            self._disk_problem = {
                "code": "connectors.buffer_unkept",
                "message": f"Values that wait for the broker are in memory alone, for the disk refuses them: {error}",
                "hint": "Free space, or mend the disk. They are stored by themselves, unless the process dies first.",
                "since_ms": self._clock.now_ms(),
            }

    # --- sending -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        while True:
            if not self.waiting_bytes:
                self._news.clear()
                await self._news.wait()
                await asyncio.sleep(_GATHER_S)
            try:
                await self._send_next()
            except Exception:  # giving up would keep everything behind it for ever
                logger.exception("what waits for the broker could not be read; it is tried again")
                await asyncio.sleep(_RETRY_S[1])
            self._look()

    async def _send_next(self) -> None:
        taken = self._spool.take(_FRAME_BYTES)
        if taken is not None:
            await self._store(taken.runs, f"{self._prefix}{taken.last}")
            self._spool.drop(taken)
            self._stored_to = taken.last
        elif self._unkept:
            runs, size = self._unkept[0]
            await self._store(runs, f"{self._prefix}memory-{self._held_to + 1}")
            self._unkept.popleft()
            self._unkept_bytes -= size
            self._held_to += 1
            if not self._unkept:
                self._disk_problem = None

    async def _store(self, runs: Sequence[Run], message_id: str) -> None:
        """Return when the stream has these runs."""
        frame = encode_frame(Frame(FRAME_VERSION, self._listener_id, list(runs)))
        delay_s, most_s = _RETRY_S
        again = False
        while True:
            try:
                if not again or await self._newest() != message_id:
                    await self._intake.commit(frame, message_id)
                break
            except Invalid as error:  # now and every other time
                self.refused += len(runs)
                logger.error("values were given up, for the broker can never take them: %s", error.message)
                break
            except MillwrightError as error:
                self._report(error)
            except Exception as error:
                logger.exception("values could not be stored; it is tried again")
                self._report(Unavailable(f"Storing failed: {error!r}", code="listener.intake_failed"))
            self.retries += 1
            again = True
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, most_s)
        self.frames += 1
        self._problem, self._blocked = None, False

    def _report(self, error: MillwrightError) -> None:
        full = isinstance(error, LimitExceeded)
        code = "listener.intake_full" if full else "listener.intake_unavailable"
        if self._problem is None or self._problem["code"] != code:
            logger.warning("values cannot be stored and wait: %s", error.message)
            self._problem = {
                "code": code,
                "message": f"Values of connections cannot be stored and wait in the data folder: {error.message}",
                "hint": error.hint,
                "since_ms": self._clock.now_ms(),
            }
        self._blocked = full
        self._look()

    @property
    def _prefix(self) -> str:
        return f"{self._listener_id}-{self._spool.epoch}-"

    def _number_of(self, message_id: str) -> int:
        """The number of the last record in a frame of this spool; 0 where the frame is another's."""
        number = message_id.removeprefix(self._prefix)
        return int(number) if number != message_id and number.isdecimal() else 0
