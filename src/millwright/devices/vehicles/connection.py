"""One connection: of a terminal in a vehicle, or of a platform that speaks for many."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, cast

from millwright.devices.intake import Run
from millwright.devices.mqtt.ports import Principal, Refusal
from millwright.devices.vehicles import times
from millwright.devices.vehicles.frames import (
    CLOCK_BYTES,
    ENCRYPTIONS,
    PLAIN,
    Answer,
    Command,
    Edition,
    FrameReader,
    Message,
    answer_to,
    encode,
)
from millwright.devices.vehicles.topics import ANSWER, TOPICS
from millwright.devices.vehicles.writing import PASSWORD_BYTES, USERNAME_BYTES
from millwright.kernel import MillwrightError

if TYPE_CHECKING:
    from millwright.devices.vehicles.downward import Down
    from millwright.devices.vehicles.server import VehicleServer

logger = logging.getLogger(__name__)

NO_ICCID: Final = "-"
"""Stands for the ICCID of a terminal that states none."""
_GATEWAY_TOPIC: Final = "v1/gateway/telemetry"
_RUN_OVERHEAD: Final = 96
_MOST_UNSENT: Final = 256 * 1024
_KEPT: Final = frozenset({Command.REALTIME, Command.REISSUED, Command.LOGOUT})
_DOWNWARD: Final = frozenset({Command.QUERY, Command.SET, Command.CONTROL})
_MOST_ASKED: Final = 64
_LOGINS: Final = frozenset({Command.LOGIN, Command.PLATFORM_LOGIN})


class State(Enum):
    """How far a connection is."""

    NEW = auto()
    VEHICLE = auto()
    PLATFORM = auto()
    CLOSED = auto()


class VehicleConnection(asyncio.Protocol):
    """Reads messages, has them stored, and answers those that are. Implements the committer's ``Acknowledged``."""

    __slots__ = (
        "_answers",
        "_asked",
        "_asked_ms",
        "_held",
        "_messages",
        "_noise",
        "_partial_s",
        "_pauses",
        "_reader",
        "_server",
        "_signing_in",
        "_transport",
        "_tries",
        "edition",
        "entered_ms",
        "heard_ms",
        "heard_s",
        "messages",
        "opened_s",
        "peer",
        "principal",
        "secret",
        "state",
        "username",
    )

    def __init__(self, server: VehicleServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader(server.settings.max_noise_bytes)
        self._answers: deque[bytes] = deque()
        self._messages: deque[Message] = deque()
        self._asked: dict[tuple[int, bytes], int] = {}
        """Commands to the terminal that it has not answered: (command, time) → their numbers, oldest first."""
        self._asked_ms = 0
        self.edition: Edition = 2016
        self.entered_ms = self.messages = 0
        self._signing_in: asyncio.Task[None] | None = None
        self._held: asyncio.TimerHandle | None = None
        self._pauses = 0
        self._noise = self._tries = 0
        self._partial_s: float | None = None
        self.opened_s = self.heard_s = server.loop.time()
        self.heard_ms = 0
        self.peer = ""
        self.state = State.NEW
        self.principal: Principal | None = None
        self.username = ""
        """The VIN of the vehicle, or the name of the platform."""
        self.secret = ""

    # --- the socket ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_MOST_UNSENT)
        address = transport.get_extra_info("peername") or ("", 0)
        self.peer = f"{address[0]}:{address[1]}"
        if not self._server.admit(self):
            self.close("refused")
        elif self._server.committer.paused:
            self.pause()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The socket is closed."""
        self._end("connection_lost")
        self._transport = None

    def pause_writing(self) -> None:
        """The peer does not read its answers: they are few bytes each, so it never will."""
        self.close("slow_reader")

    def resume_writing(self) -> None:
        """Nothing to do: a connection that was slow is closed."""

    def data_received(self, data: bytes) -> None:
        """What one read brought."""
        if self.state is State.CLOSED:
            return
        server = self._server
        server.bytes_in += len(data)
        found = self._reader.feed(data)
        if found or self._partial_s is None:
            self._partial_s = server.loop.time() if self._reader.partial else None
        elif not self._reader.partial:
            self._partial_s = None
        if self._reader.skipped:
            self._count_noise()
        if found:
            self.heard_s, self.heard_ms = server.loop.time(), server.clock.now_ms()
            self._messages.extend(found)
            self.messages += len(found)
            self._work()

    # --- time ----------------------------------------------------------------------------------------------------

    def look(self, now_s: float) -> None:
        """Asked every second: whether the peer takes too long."""
        settings = self._server.settings
        if self.state is State.CLOSED or self._pauses:
            self.heard_s = max(self.heard_s, now_s - settings.idle_s / 2)
            return  # what nobody reads cannot be late
        if self._partial_s is not None and now_s - self._partial_s > settings.frame_s:
            self.close("message_too_slow")
        elif self.state is State.NEW and self._signing_in is None and now_s - self.opened_s > settings.login_s:
            self.close("no_login")
        elif now_s - self.heard_s > settings.idle_s:
            self.close("keep_alive")

    # --- messages ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Take what is whole, up to a login: that has to be looked up first."""
        runs: list[Run] = []
        last: tuple[str, str] | None = None
        size = taken = 0
        while self._messages and self._signing_in is None and self.state is not State.CLOSED:
            message = self._messages.popleft()
            if not self._may_be_taken(message):
                continue
            told = self.state is State.PLATFORM and message.command == Command.LOGIN  # of one of its vehicles
            if message.command in _LOGINS and not told:
                self._hand_over(runs, taken, size)
                runs, last, size, taken = [], None, 0, 0
                self._begin_login(message)
                break
            if message.command not in _KEPT and not told:
                self._serve(message)
                continue
            if self.principal is None:
                self._refuse(message, Answer.ERROR, "before_login")
                continue
            if self.state is State.VEHICLE and message.vin != self.username:
                self._refuse(message, Answer.ERROR, "foreign_vin")
                continue
            if len(message.clock) < CLOCK_BYTES:
                self._refuse(message, Answer.ERROR, "without_time")
                continue
            key = self.principal.device_id, TOPICS[message.edition]
            if key != last:
                runs.append(Run(*key, self.heard_ms, 0, []))
                last = key
            runs[-1].payloads.append(message.raw)
            self._answers.append(answer_to(message, Answer.SUCCESS))
            size, taken = size + len(message.raw), taken + 1
        self._hand_over(runs, taken, size)

    def _may_be_taken(self, message: Message) -> bool:
        """Whether a message is sound, wants an answer, and can be read."""
        server = self._server
        server.messages_in += 1
        if not message.sound:
            server.refused["check_byte"] += 1
            if message.answer == Answer.COMMAND:
                self._send(answer_to(message, Answer.ERROR))
            return False
        if message.answer != Answer.COMMAND:
            if message.command in _DOWNWARD:
                self._take_answer(message)
            else:
                server.refused["unasked_answer"] += 1
            return False
        if message.encryption != PLAIN:
            flag = Answer.ERROR if message.edition == 2016 else Answer.DECRYPTION
            self._refuse(message, flag, "encrypted")
            server.note_encrypted(self.peer, message.vin, ENCRYPTIONS.get(message.encryption, "?"))
            return False
        return True

    def _hand_over(self, runs: list[Run], taken: int, size: int) -> None:
        if not taken:
            return
        server = self._server
        server.committer.add(self, runs, [(0, [0] * taken)], size + _RUN_OVERHEAD * len(runs))
        if server.pacer is not None and self.principal is not None:
            wait_s = server.pacer.take(self.principal, taken)
            if wait_s > 0:
                self._hold(wait_s)

    def _serve(self, message: Message) -> None:
        """What is answered and not kept."""
        if message.command == Command.TIME:
            self._send(answer_to(message, Answer.SUCCESS, times.from_ms(self._server.clock.now_ms())))
        elif message.command == Command.HEARTBEAT:
            if self.principal is None:
                self._refuse(message, Answer.ERROR, "before_login")
            else:
                self._send(answer_to(message, Answer.SUCCESS))
        elif message.command == Command.PLATFORM_LOGOUT and self.state is State.PLATFORM:
            self._send(answer_to(message, Answer.SUCCESS))
            self._leave("client")
        else:
            self._refuse(message, Answer.ERROR, "command_unknown")

    def acknowledge(self, acknowledgements: list[tuple[int, list[int]]]) -> None:
        """The oldest messages are durable: answer them."""
        count = sum(len(each) for _, each in acknowledgements)
        told = b"".join([self._answers.popleft() for _ in range(min(count, len(self._answers)))])
        self._send(told)

    # --- commands to the terminal --------------------------------------------------------------------------------

    def send_down(self, down: Down) -> bool:
        """Send a command; whether the connection took it. No two go with the same second: that is its name."""
        if self.state is not State.VEHICLE or self._transport is None or self._transport.is_closing():
            return False
        now_ms = max(self._server.clock.now_ms(), self._asked_ms + 1000)
        self._asked_ms = now_ms
        clock = times.from_ms(now_ms)
        while len(self._asked) >= _MOST_ASKED:
            self._asked.pop(next(iter(self._asked)))
        self._asked[down.command, clock] = down.number
        self._send(encode(down.command, self.username, clock + down.rest, edition=self.edition))
        return True

    def _take_answer(self, message: Message) -> None:
        """The terminal answered a command: it is kept as it came, named by the command."""
        server = self._server
        alike = [key for key in self._asked if key[0] == message.command]
        key = (message.command, message.clock)
        if key not in self._asked and len(alike) == 1:
            key = alike[0]  # it states a time of its own; there is one command alone that it can mean
        number = self._asked.pop(key, None)
        if number is None or self.principal is None or message.vin != self.username:
            server.refused["unasked_answer"] += 1
            return
        if message.encryption != PLAIN:
            server.note_encrypted(self.peer, message.vin, ENCRYPTIONS.get(message.encryption, "?"))
        run = Run(self.principal.device_id, f"{ANSWER}{number}", self.heard_ms, 0, [message.raw])
        server.committer.add(self, [run], [], len(message.raw) + _RUN_OVERHEAD)

    # --- logging in ----------------------------------------------------------------------------------------------

    def _begin_login(self, message: Message) -> None:
        self.edition = message.edition
        self.pause()
        self._signing_in = self._server.run(self._login(message))

    async def _login(self, message: Message) -> None:
        try:
            if message.command == Command.LOGIN:
                await self._login_vehicle(message)
            else:
                await self._login_platform(message)
        except MillwrightError as error:  # the records are away: it may try again
            logger.debug("a login could not be looked up: %s", error.message)
            self._refuse(message, Answer.ERROR, "access_busy")
        finally:
            self._signing_in = None
            if self.state is not State.CLOSED:
                self.resume()
                self._work()

    async def _login_vehicle(self, message: Message) -> None:
        if len(message.data) < 28 or not message.vin:
            self._refuse(message, Answer.ERROR, "login_unreadable")
            return
        secret = _text(message.data[8:28]) or NO_ICCID
        principal = await self._ask(message, message.vin, secret)
        if principal is None:
            return
        if principal.may_publish(_GATEWAY_TOPIC):
            self._fail(message, "platform_as_vehicle", Answer.ERROR)
            return
        if not self._server.take_over(self, principal.device_id, secret):
            self._fail(message, "vin_twice", Answer.VIN_TWICE)
            return
        self._enter(State.VEHICLE, principal, message.vin, secret)
        run = Run(principal.device_id, TOPICS[message.edition], self.heard_ms, 0, [message.raw])
        self._answers.append(answer_to(message, Answer.SUCCESS))
        self._hand_over([run], 1, len(message.raw))

    async def _login_platform(self, message: Message) -> None:
        if len(message.data) < 8 + USERNAME_BYTES + PASSWORD_BYTES:
            self._refuse(message, Answer.ERROR, "login_unreadable")
            return
        name = _text(message.data[8 : 8 + USERNAME_BYTES])
        secret = _text(message.data[8 + USERNAME_BYTES : 8 + USERNAME_BYTES + PASSWORD_BYTES])
        if not name or not secret:
            self._fail(message, "no_credential", Answer.ERROR)
            return
        principal = await self._ask(message, name, secret)
        if principal is None:
            return
        if not principal.may_publish(_GATEWAY_TOPIC):
            logger.warning("%s logged in as a platform and is not registered as a gateway", name)
            self._fail(message, "no_gateway", Answer.ERROR)
            return
        self._server.take_over(self, principal.device_id, secret)
        self._enter(State.PLATFORM, principal, name, secret)
        self._send(answer_to(message, Answer.SUCCESS))

    async def _ask(self, message: Message, username: str, secret: str) -> Principal | None:
        """Who that is; ``None`` when it was refused, and told so."""
        found = await self._server.door.authenticate(username, secret.encode(), username, self.peer)
        if self.state is State.CLOSED:
            return None
        if isinstance(found, Refusal):
            flag = Answer.ERROR
            if message.edition == 2025 and message.command == Command.LOGIN and found.device_id is None:
                flag = Answer.VIN_UNKNOWN
            self._fail(message, found.reason, flag)
            return None
        return found

    def _enter(self, state: State, principal: Principal, username: str, secret: str) -> None:
        first = self.principal is None
        self._server.leave(self)
        self.state, self.principal, self.username, self.secret = state, principal, username, secret
        self._tries = 0
        self.entered_ms = self._server.clock.now_ms()
        self._server.enter(self, first=first)

    def _fail(self, message: Message, reason: str, flag: int) -> None:
        """A login was refused."""
        self._refuse(message, flag, reason)
        self._tries += 1
        if self._tries >= self._server.settings.login_tries:
            self._leave("not_authorized")

    async def reauthenticate(self) -> None:
        """Ask again about the device; what may no longer be in is closed."""
        if self.principal is None or self.state is State.CLOSED:
            return
        try:
            found = await self._server.door.authenticate(self.username, self.secret.encode(), self.username, self.peer)
        except MillwrightError:
            return
        if isinstance(found, Refusal):
            self.close(found.reason)
        elif found.device_id != self.principal.device_id:
            self.close("credential_moved")
        else:
            self.principal = found

    # --- reading and writing -------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Read no more until :meth:`resume` was called as often."""
        self._pauses += 1
        if self._pauses == 1 and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Undo one :meth:`pause`."""
        self._pauses -= 1
        if not self._pauses and self._transport is not None and not self._transport.is_closing():
            self._partial_s = self._server.loop.time() if self._reader.partial else None
            self._transport.resume_reading()

    def _hold(self, wait_s: float) -> None:
        """Over its rate: read no more for so long. What was read is stored and answered."""
        if self._held is None:
            self._server.rate_holds += 1
            self.pause()
            self._held = self._server.loop.call_later(wait_s, self._release)

    def _release(self) -> None:
        self._held = None
        self.resume()

    def _refuse(self, message: Message, flag: int, reason: str) -> None:
        self._server.refused[reason] += 1
        self._send(answer_to(message, flag))

    def _send(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _count_noise(self) -> None:
        skipped, self._reader.skipped = self._reader.skipped, 0
        self._noise += skipped
        self._server.noise_bytes += skipped
        if self._noise > self._server.settings.max_noise_bytes:
            self.close("noise")

    # --- the end -------------------------------------------------------------------------------------------------

    def _leave(self, reason: str) -> None:
        """Close when everything that was written is sent."""
        self._end(reason)
        if self._transport is not None:
            self._transport.close()

    def close(self, reason: str) -> None:
        """End the connection at once."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        if self.state is State.CLOSED:
            return
        self._server.leave(self, reason)
        self.state = State.CLOSED
        self._server.forget(self, reason)
        self._messages.clear()
        if self._held is not None:
            self._held.cancel()
            self._held = None

    def __repr__(self) -> str:
        return f"<{self.state.name} {self.username} {self.peer}>"


def _text(field: bytes) -> str:
    return field.decode("ascii", "replace").strip("\0 ")


__all__ = ["NO_ICCID", "State", "VehicleConnection"]
