"""The link: frames over TCP, windows and timers of IEC 60870-5-104, clause 5, of the controlling station."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from millwright.kernel import MillwrightError, Unavailable

from .apci import (
    MODULUS,
    Control,
    Frame,
    Information,
    Malformed,
    Supervisory,
    Unnumbered,
    behind,
    decode,
    encode,
    length,
)

logger = logging.getLogger(__name__)

UNSETTLED_LIMIT: Final = 4096
"""Frames taken and not delivered yet, above which we stop reading from a station that ignores our window."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Windows and timers, by their names in the standard; times in seconds."""

    k: int = 12
    w: int = 8
    t0: float = 30.0
    t1: float = 15.0
    t2: float = 10.0
    t3: float = 20.0


class Link:
    """An open connection with data transfer started.

    ``take`` gets each ASDU with its sequence number, in order; :meth:`settle` says what has been dealt with, and only
    that is acknowledged. :attr:`lost` ends with the error that ended the connection.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timing: Timing,
        take: Callable[[int, bytes], None],
    ) -> None:
        self._reader, self._writer, self._timing, self._take = reader, writer, timing, take
        self._sent = self._confirmed = 0  # V(S), and what the station acknowledged
        self._received = self._settled = self._acknowledged = 0  # V(R), what may be, and what is acknowledged
        self._sent_at: deque[float] = deque()
        self._unacknowledged_since: float | None = None
        self._last_heard = monotonic()
        self._asked: dict[Control, tuple[float, asyncio.Future[None]]] = {}
        self._window = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._sending = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost.add_done_callback(lambda lost: lost.cancelled() or lost.exception())

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        timing: Timing,
        take: Callable[[int, bytes], None],
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> Link:
        """Connect and start data transfer. Raises ``Unavailable`` (``iec104.unreachable``, ``iec104.link_…``)."""
        try:
            async with asyncio.timeout(timing.t0):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=tls, server_hostname=(server_name or host) if tls else None
                )
        except (OSError, TimeoutError) as error:
            raise Unavailable(
                f"{host}:{port} cannot be reached: {str(error) or 'no answer in time'}.",
                code="iec104.unreachable",
                hint="Check address and port, and whether the station admits this machine; with TLS, the certificates.",
            ) from error
        link = cls(reader, writer, timing, take)
        link._tasks = [asyncio.create_task(link._receive()), asyncio.create_task(link._watch())]
        try:
            await link._ask(Control.STARTDT_ACT)
        except BaseException:
            await link.close()
            raise
        return link

    async def send(self, asdu: bytes) -> None:
        """Send an ASDU once the window k allows. Raises ``Unavailable`` when the connection is lost first."""
        async with self._sending:
            while behind(self._confirmed, self._sent) >= self._timing.k and not self.lost.done():
                self._window.clear()
                await self._window.wait()
            self._check()
            number, self._sent = self._sent, (self._sent + 1) % MODULUS
            self._sent_at.append(monotonic())
            self._put(Information(number, self._acknowledge(), asdu))

    def settle(self, number: int) -> None:
        """Everything up to the ASDU with this sequence number was dealt with."""
        self._settled = (number + 1) % MODULUS
        self._room.set()
        if behind(self._acknowledged, self._settled) >= self._timing.w and not self.lost.done():
            self._put(Supervisory(self._acknowledge()))

    async def close(self) -> None:
        """Stop data transfer and disconnect; never raises."""
        if not self.lost.done():
            with contextlib.suppress(Exception):
                if behind(self._acknowledged, self._settled):
                    self._put(Supervisory(self._acknowledge()))
                self._put(Unnumbered(Control.STOPDT_ACT))
        self._end("the connection was closed", "iec104.link_closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    def _check(self) -> None:
        if self.lost.done():
            self.lost.result()

    def _put(self, frame: Frame) -> None:
        self._writer.write(encode(frame))

    def _acknowledge(self) -> int:
        self._acknowledged = self._settled
        self._unacknowledged_since = None if self._settled == self._received else monotonic()
        return self._settled

    async def _ask(self, control: Control) -> None:
        self._check()
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked[control] = (monotonic(), answer)
        self._put(Unnumbered(control))
        await asyncio.wait((answer, self.lost), return_when=asyncio.FIRST_COMPLETED)
        self._check()

    async def _receive(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(2)
                self._on(decode(await self._reader.readexactly(length(header))))
                if behind(self._settled, self._received) > UNSETTLED_LIMIT:
                    self._room.clear()
                    await self._room.wait()
        except Malformed as error:
            self._end(f"the station sent {error}", "iec104.link_malformed")
        except asyncio.IncompleteReadError:
            self._end("the station closed the connection", "iec104.link_closed")
        except OSError as error:
            self._end(f"the connection broke: {error}", "iec104.link_closed")
        except Exception:
            # Nothing that a station sends may leave the connection open and unread.
            logger.exception("a frame of an IEC 104 station could not be dealt with")
            self._end("a frame could not be dealt with", "iec104.link_malformed")

    def _on(self, frame: Frame) -> None:
        self._last_heard = monotonic()
        if isinstance(frame, Unnumbered):
            self._on_unnumbered(frame.control)
            return
        if behind(self._confirmed, frame.receive) > behind(self._confirmed, self._sent):
            raise Malformed(
                f"an acknowledgement of {frame.receive}, while {self._confirmed} to {self._sent} could be acknowledged"
            )
        for _ in range(behind(self._confirmed, frame.receive)):
            self._sent_at.popleft()
        self._confirmed = frame.receive
        self._window.set()
        if isinstance(frame, Supervisory):
            return
        if frame.send != self._received:
            raise Malformed(f"frame {frame.send} instead of {self._received}")
        self._received = (self._received + 1) % MODULUS
        if self._unacknowledged_since is None:
            self._unacknowledged_since = monotonic()
        self._take(frame.send, frame.asdu)

    def _on_unnumbered(self, control: Control) -> None:
        if control is Control.TESTFR_ACT:
            self._put(Unnumbered(Control.TESTFR_CON))
        elif control in (Control.STARTDT_CON, Control.TESTFR_CON, Control.STOPDT_CON):
            asked = {Control.STARTDT_CON: Control.STARTDT_ACT, Control.TESTFR_CON: Control.TESTFR_ACT}.get(control)
            if asked and asked in self._asked:
                _, answer = self._asked.pop(asked)
                if not answer.done():
                    answer.set_result(None)
        else:
            raise Malformed(f"{control.name}, which only a controlling station may send")

    async def _watch(self) -> None:
        timing = self._timing
        step = max(0.01, min(timing.t1, timing.t2, timing.t3, 1.0) / 5)
        while True:
            await asyncio.sleep(step)
            now = monotonic()
            if self._sent_at and now - self._sent_at[0] > timing.t1:
                self._end("the station did not acknowledge within t1", "iec104.link_silent")
                return
            for control, (since, _) in self._asked.items():
                if now - since > timing.t1:
                    self._end(f"the station did not confirm {control.name} within t1", "iec104.link_silent")
                    return
            waiting_since = self._unacknowledged_since
            overdue = waiting_since is not None and now - waiting_since > timing.t2 - step
            if overdue and behind(self._acknowledged, self._settled):
                self._put(Supervisory(self._acknowledge()))
            if now - self._last_heard > timing.t3 and Control.TESTFR_ACT not in self._asked:
                self._asked[Control.TESTFR_ACT] = (now, asyncio.get_running_loop().create_future())
                self._put(Unnumbered(Control.TESTFR_ACT))

    def _end(self, what: str, code: str) -> None:
        hint = {
            "iec104.link_malformed": "Check that a station of IEC 60870-5-104 answers there, and its octet settings.",
            "iec104.link_silent": "Check the network and whether the station serves another controlling station.",
        }.get(code, "It is opened again by itself.")
        self._fail(Unavailable(f"The link to the station ended: {what}.", code=code, hint=hint))

    def _fail(self, error: MillwrightError) -> None:
        if not self.lost.done():
            self.lost.set_exception(error)
        self._window.set()
        self._room.set()
        self._writer.close()
