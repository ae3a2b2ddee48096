"""The connection to a reader: questions and their answers, signs of life, and what it says by itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Final

from millwright.kernel import Denied, Unavailable, end

from ..line import lost
from . import wire
from .wire import Malformed, Message

_CLOSE_S: Final = 1.0
_MOST_UNSENT: Final = 65_536


class Link:
    """One connection. What is no answer goes to ``heard``; :attr:`lost` fails when the connection is over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout_s: float) -> None:
        self._reader, self._writer, self._timeout_s = reader, writer, timeout_s
        self.version = 1
        self.silence_s: float | None = None
        """How long the reader may say nothing; none: for ever."""
        self.heard: Callable[[Message], None] = lambda _: None
        self.room = asyncio.Event()
        """Cleared by who takes what is heard, while there is too much of it: then nothing more is read."""
        self.room.set()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._waiting: dict[int, tuple[int, asyncio.Future[Message]]] = {}
        self._number = 0
        self._task = asyncio.create_task(self._read(), name="llrp link")

    async def ask(self, kind: int, body: bytes = b"") -> Message:
        """The answer to a message; its status is the caller's to look at. Raises ``Unavailable``, ``Denied``."""
        if self.lost.done():
            await self.lost
        self._number += 1
        number = self._number
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (wire.ANSWERS[kind], answer)
        try:
            self._send(Message(kind, number, body, self.version))
            async with asyncio.timeout(self._timeout_s):
                await asyncio.wait((answer, self.lost), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await self.lost
            return answer.result()
        except TimeoutError:
            raise Unavailable(
                f"The reader did not answer within {self._timeout_s:g} s.",
                code="llrp.no_answer",
                hint="It is asked again by a new connection; if that stays so, restart the reader.",
            ) from None
        finally:
            self._waiting.pop(number, None)

    async def order(self, kind: int, body: bytes = b"") -> Message:
        """As :meth:`ask`, for what must succeed. Raises ``Denied`` (``llrp.refused``) when the reader says no."""
        answer = await self.ask(kind, body)
        try:
            code, text = wire.status_of(answer.body)
        except Malformed as error:
            raise malformed(error) from error
        if code != 0:
            raise Denied(
                f"The reader refuses message {kind} with status {code}: {text or 'it does not say why'}.",
                code="llrp.refused",
                hint="Check the antennas and the version in the settings; the reader's manual lists what it takes.",
            )
        return answer

    async def close(self) -> None:
        """Say goodbye, and let go."""
        if not self.lost.done():
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSE_S):
                    await self.ask(wire.CLOSE_CONNECTION)
        await end(self._task)
        self._over(lost("it is closed"))
        self._writer.transport.abort()

    def _send(self, message: Message) -> None:
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT:
            raise lost("the reader takes nothing any more")
        self._writer.write(wire.encode(message))

    async def _read(self) -> None:
        try:
            while True:
                await self.room.wait()
                async with asyncio.timeout(self.silence_s):
                    head = await self._reader.readexactly(wire.HEADER)
                    data = head + await self._reader.readexactly(wire.length_of(head) - wire.HEADER)
                self._take(wire.decode(data))
        except Malformed as error:
            self._over(malformed(error))
        except Unavailable as error:
            self._over(error)
        except TimeoutError:
            self._over(lost(f"the reader gave no sign of life for {self.silence_s:g} s"))
        except asyncio.IncompleteReadError:
            self._over(lost("the reader closed it"))
        except OSError as error:
            self._over(lost(error.strerror or str(error)))

    def _take(self, message: Message) -> None:
        if message.type == wire.KEEPALIVE:
            self._send(Message(wire.KEEPALIVE_ACK, message.id, b"", self.version))
        waiting = self._waiting.get(message.id)
        if waiting is not None and message.type in (waiting[0], wire.ERROR_MESSAGE):
            if not waiting[1].done():
                waiting[1].set_result(message)
            return
        self.heard(message)

    def _over(self, why: Unavailable) -> None:
        if not self.lost.done():
            self.lost.set_exception(why)


def malformed(error: Malformed) -> Unavailable:
    """What is raised when the reader sent something else than LLRP."""
    return Unavailable(
        f"The reader sent what is no LLRP: {error}.",
        code="llrp.malformed",
        hint="Check that the port is the reader's LLRP port, and its firmware.",
    )


async def connect(host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None = None, name: str = "") -> Link:
    """A connection that the reader has agreed to (ConnectionAttemptEvent), with ``tls`` where it is given; ``name`` is
    that in the reader's certificate, where it is not the host. Raises ``Unavailable``, ``Denied``."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=(name or host) if tls else None
            )
    except ssl.SSLCertVerificationError as error:
        raise Denied(
            f"The certificate of {host} is not trusted: {error.verify_message}.",
            code="llrp.certificate_refused",
            hint="Give the authority that issued the reader's certificate, or the name that is in it.",
        ) from error
    except ssl.SSLError as error:
        raise Unavailable(
            f"{host}:{port} agrees on no TLS: {error.reason or error}.",
            code="llrp.tls_failed",
            hint="Readers speak TLS on port 5085, and plainly on 5084; some want a certificate of ours.",
        ) from error
    except (OSError, TimeoutError) as error:
        why = "nobody answered" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        raise Unavailable(
            f"{host}:{port} cannot be reached: {why}.",
            code="connectors.unreachable",
            hint="Check the address and port, that the reader is on, and that no firewall is between.",
        ) from error
    link = Link(reader, writer, timeout_s)
    greeted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def hear(message: Message) -> None:
        if message.type == wire.READER_EVENT_NOTIFICATION and not greeted.done():
            try:
                status = wire.event_of(message.body).connected
            except Malformed as error:
                greeted.set_exception(malformed(error))
                return
            if status is not None:
                greeted.set_result(status)

    link.heard = hear
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.wait((greeted, link.lost), return_when=asyncio.FIRST_COMPLETED)
        if not greeted.done():
            await link.lost
        status = greeted.result()
    except TimeoutError:
        await link.close()
        raise Unavailable(
            "The other side does not greet as a reader does.",
            code="llrp.no_greeting",
            hint="Check that the port is the reader's LLRP port.",
        ) from None
    except BaseException:
        await link.close()
        raise
    if status != 0:
        await link.close()
        raise Unavailable(
            "The reader is taken: it serves one client at a time."
            if status in (1, 2)
            else f"The reader refuses the connection with status {status}.",
            code="llrp.taken",
            hint="End the other client of the reader (a middleware, a test tool); it is tried again.",
        )
    return link
