"""The way to another process of the listener: a link while it is there, the inbox while it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from typing import Final, TypeAlias

from millwright.devices.mqtt.shards.inbox import Inbox
from millwright.devices.mqtt.shards.slots import SlotFolder
from millwright.devices.mqtt.shards.wire import Forward, Hello, Knock, Message, Prelude, Wire
from millwright.kernel import end

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.05
Greeting: TypeAlias = tuple[list[Prelude], Hello]


class Way(Enum):
    """Where messages for the process go."""

    WAIT = "it is not known whether it is there: they wait"
    LINK = "over the link"
    INBOX = "it is certainly not there: into its inbox"


class Peer:
    """Sends to one process. What it has not answered when it dies goes into its inbox, as far as it must be kept."""

    def __init__(
        self, number: int, folder: SlotFolder, inbox: Inbox, knock: Knock, hello: Callable[[], Greeting]
    ) -> None:
        self.number = number
        self._folder, self._inbox, self._knock, self._hello = folder, inbox, knock, hello
        self._wire: Wire | None = None
        self._lost = asyncio.Event()
        self._last = 0
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._waiting: dict[int, tuple[Message, asyncio.Future[None]]] = {}
        self._appends: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.way = Way.WAIT
        self.heard_s = 0.0
        """When it last answered, while a link is open; 0 without one, and while it starts."""

    def start(self) -> None:
        """Look for it from now on."""
        self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"link to process {self.number}")

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task, *self._appends)
        self._task = None
        self._close()

    def tell(self, message: Message) -> asyncio.Future[None] | None:
        """Send; the future is done when it was answered, or when nobody needs it any more. ``None``: it is dropped."""
        keep = isinstance(message, Forward) and message.qos > 0
        if self.way is Way.INBOX:
            return self._put(message) if keep else None
        if self.way is Way.WAIT and isinstance(message, Forward) and not keep:
            return None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last += 1
        self._waiting[self._last] = message, done
        if self.way is Way.LINK and self._wire is not None:
            self._wire.send(self._last, message)
        return done

    def ping(self, message: Message) -> None:
        """Send what is asked only to hear an answer, or to be known; lost with the link."""
        if self._wire is not None:
            self._wire.send(0, message)

    def _put(self, message: Message, done: asyncio.Future[None] | None = None) -> asyncio.Future[None]:
        assert isinstance(message, Forward)
        waiter = done or asyncio.get_running_loop().create_future()

        def put(_: object) -> None:
            if not waiter.done():
                waiter.set_result(None)

        append = asyncio.get_running_loop().create_task(self._inbox.put(self.number, message))
        self._appends.add(append)
        append.add_done_callback(self._appends.discard)
        append.add_done_callback(put)
        return waiter

    async def _keep(self) -> None:
        while True:
            try:
                if await self._open():
                    await self._lost.wait()
                    self.way = Way.WAIT
            except Exception:
                logger.exception("the link to process %d of the listener failed", self.number)
            self._close()
            if self._folder.holder(self.number) is None:
                self._give_up()
            await asyncio.sleep(_LOOK_S)

    async def _open(self) -> bool:
        """Connect, wait until it takes messages, and say hello. Messages wait only for the last of these.

        Its silence counts from its first answer on: until then it starts, however much it has to restore.
        """
        loop = asyncio.get_running_loop()
        self._lost.clear()
        try:
            _, self._wire = await loop.create_unix_connection(
                lambda: Wire(self._on_answer, self._on_lost), self._folder.link(self.number)
            )
        except OSError:
            return False
        if not await self._ask(self._knock):
            return False
        self.heard_s = loop.time()
        self.way = Way.WAIT
        while self._appends:  # what it reads from its inbox after the hello is all there is
            await asyncio.wait(self._appends)
        wire = self._wire
        assert wire is not None
        preludes, hello = self._hello()
        for each in preludes:
            wire.send(0, each)
        if not await self._ask(hello):
            return False
        self.way = Way.LINK
        for number, (message, _) in self._waiting.items():
            wire.send(number, message)
        return True

    async def _ask(self, message: Message) -> bool:
        assert self._wire is not None
        self._last += 1
        answer = self._asked[self._last] = asyncio.get_running_loop().create_future()
        self._wire.send(self._last, message)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((answer, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            self._asked.clear()
        return answer.done() and not self._lost.is_set()

    def _on_answer(self, _wire: Wire, number: int, _message: Message) -> None:
        if self.heard_s:
            self.heard_s = asyncio.get_running_loop().time()
        asked = self._asked.pop(number, None)
        if asked is not None and not asked.done():
            asked.set_result(None)
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(None)

    def _on_lost(self, _wire: Wire) -> None:
        self._lost.set()

    def _close(self) -> None:
        wire, self._wire = self._wire, None
        self.heard_s = 0.0
        if wire is not None:
            wire.close()

    def _give_up(self) -> None:
        """It is not there: keep what must be, and let go of the rest."""
        if self.way is Way.INBOX:
            return
        self.way = Way.INBOX
        waiting, self._waiting = self._waiting, {}
        for message, done in waiting.values():
            if isinstance(message, Forward) and message.qos:
                self._put(message, done)
            elif not done.done():
                done.set_result(None)
