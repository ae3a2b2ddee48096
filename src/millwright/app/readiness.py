"""How a role tells its supervisor that it is ready, or why it could not start.

The supervisor hands the role the writing end of a pipe (``--notify-fd``). Lines: ``ADDRESS=url``, ``READY=1``,
``ERROR={json}``. The role's standard input is a pipe that the supervisor holds open: one line on it is the word to go
(a role imports and composes while the schema is still being migrated), its end means that the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys

import msgspec

from millwright.kernel import MillwrightError, Unavailable

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to send SIGTERM to this process when its parent dies, even by ``kill -9``. Linux only.

    Called between ``fork`` and ``exec`` in the child.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Notifier:
    """The role's end of the pipe; does nothing when the role was started by hand."""

    def __init__(self, file: int | None) -> None:
        self._file = file

    def ready(self, address: str | None = None) -> None:
        """Say that the role serves now, and where."""
        self._send(f"ADDRESS={address}\nREADY=1\n".encode() if address else b"READY=1\n")

    def failed(self, error: BaseException) -> None:
        """Say why the role could not start."""
        if not isinstance(error, MillwrightError):
            error = Unavailable(f"{type(error).__name__}: {error}", code="app.role_failed", hint="Read the role's log.")
        self._send(b"ERROR=" + msgspec.json.encode(error.to_dict()) + b"\n")

    def _send(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, line)
        except OSError:
            self._file = None


def wait_for_go(supervised: bool) -> None:
    """Block until the supervisor says go. Exits the process when the supervisor is gone."""
    if supervised and not sys.stdin.buffer.readline():
        raise SystemExit(0)


async def until_told_to_stop(supervised: bool) -> str:
    """Return the reason, once SIGTERM or SIGINT arrives or the supervisor's pipe ends."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(reason: str) -> None:
        if not told.done():
            told.set_result(reason)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, signal.Signals(number).name)

    def on_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            tell("the supervisor is gone")

    if supervised:
        loop.add_reader(sys.stdin.fileno(), on_input)
    try:
        return await told
    finally:
        if supervised:
            loop.remove_reader(sys.stdin.fileno())
