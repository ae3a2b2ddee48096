"""At the edge: takes the parent's commands, once each, and tells what became of them until the parent has heard it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.devices.commands.model import WAITING, Command
from millwright.devices.commands.service import announce
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.subjects import EVENTS, WAKE
from millwright.devices.commands.tables import commands
from millwright.devices.commands.withdrawing import Withdrawn
from millwright.devices.edge.down.wire import (
    COMMANDS,
    TAKE,
    WITHDRAW,
    CommandsReport,
    TakeCommand,
    Told,
    WithdrawCommand,
)
from millwright.devices.edge.wire import encode
from millwright.devices.errors import not_found
from millwright.devices.store import devices
from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Invalid, MillwrightError, NotFound, Repeat, Unsubscribe

logger = logging.getLogger(__name__)

_EVERY_S: Final = 2.0
_TELL_S: Final = 4.0
_AT_ONCE: Final = 100

T = TypeVar("T")


class CommandInbox:
    """The parent's commands in the edge's records; every method is one transaction, and blocks."""

    def __init__(self, records: Records, most: int) -> None:
        self._records, self._store, self._most = records, CommandStore(records), most

    def take(self, taken: TakeCommand, now_ms: int) -> bool:
        """Keep a command; ``False`` when it was taken before. Raises ``NotFound`` (device), ``Conflict``
        (``commands.expired``), ``LimitExceeded`` (``commands.queue_full``)."""
        if self._store.find(taken.id) is not None:
            return False
        with self._records.read() as connection:
            if connection.scalar(sa.select(devices.c.id).where(devices.c.id == taken.device_id)) is None:
                raise not_found("device", taken.device_id)
        if taken.left_s <= 0:
            raise Conflict(
                "The command's time was over before the edge had it; nothing was sent.",
                code="commands.expired",
                hint="Ask again, with a longer time to wait if the edge is cut off often.",
            )
        try:
            self._store.insert(_row(taken, now_ms), key=None, most=self._most, supersede=False)
        except IntegrityError:
            if self._store.find(taken.id) is None:
                raise
            return False
        return True

    def withdraw(self, asked: WithdrawCommand, now_ms: int) -> tuple[Withdrawn, Command | None]:
        """Let it end if it waits, and keep it as ended if it was never taken: it may still be under way to here.

        How it stands, and the command if this ended it. Raises ``NotFound`` (device).
        """
        command_id = asked.command.id
        if self._store.find(command_id) is None:
            with self._records.read() as connection:
                if connection.scalar(sa.select(devices.c.id).where(devices.c.id == asked.command.device_id)) is None:
                    raise not_found("device", asked.command.device_id)
            try:
                ended = self._store.insert_ended(_row(asked.command, now_ms), asked.state, now_ms, asked.outcome)
            except IntegrityError:
                if self._store.find(command_id) is None:
                    raise
            else:
                return Withdrawn(ended.state), ended
        moved = self._store.move(command_id, WAITING, asked.state, now_ms, asked.outcome)
        if moved is not None:
            return Withdrawn(moved.state), moved
        now = self._store.find(command_id)
        if now is None:
            raise not_found("device", asked.command.device_id)
        said = now.outcome.text if now.outcome is not None else ""
        return Withdrawn(now.state, f"Too late: at the edge it is {now.state}. {said}".strip()), None

    def untold(self) -> list[Told]:
        """States that the parent has not heard of, oldest command first."""
        mine = sa.and_(
            commands.c.asked_above, sa.or_(commands.c.told_above.is_(None), commands.c.told_above != commands.c.state)
        )
        names = [key for key in Told.__struct_fields__ if key != "at_ms"]
        query = sa.select(
            *[commands.c[key] for key in names], commands.c.ended_ms, commands.c.sent_ms, commands.c.asked_ms
        )
        with self._records.read() as connection:
            rows = connection.execute(query.where(mine).order_by(commands.c.number).limit(_AT_ONCE)).all()
        return [
            msgspec.convert(
                {
                    **{key: getattr(row, key) for key in names},
                    "at_ms": row.ended_ms or row.sent_ms or row.asked_ms,
                },
                Told,
            )
            for row in rows
        ]

    def heard(self, told: list[Told]) -> None:
        """The parent knows these states."""
        with self._records.begin() as connection:
            for each in told:
                connection.execute(sa.update(commands).where(commands.c.id == each.id).values(told_above=each.state))


def _row(taken: TakeCommand, now_ms: int) -> dict[str, Any]:
    row = {key: value for key, value in msgspec.structs.asdict(taken).items() if key != "left_s"}
    return row | {"asked_ms": now_ms, "expires_ms": now_ms + round(taken.left_s * 1000), "asked_above": True}


class CommandDesk:
    """Answers on ``down.take`` and ``down.withdraw`` when that is in the records; tells on ``up.commands``.

    A :class:`Part`.
    """

    def __init__(
        self, nats: NatsConnection, inbox: CommandInbox, clock: Clock, catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        self._nats, self._inbox, self._clock, self._catch_up = nats, inbox, clock, catch_up
        self._take = msgspec.msgpack.Decoder(TakeCommand)
        self._withdraw = msgspec.msgpack.Decoder(WithdrawCommand)
        self._served: list[Unsubscribe] = []
        self._telling = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()
        self._repeat = Repeat(
            self.tell,
            _EVERY_S,
            name="edge commands",
            lost="the parent is not told what became of its commands",
            back="the parent is told again what became of its commands",
            log=logger,
        )

    async def start(self) -> None:
        """Begin to take and to tell."""
        self._served = [
            await self._nats.serve(f"down.{TAKE}", self._answer),
            await self._nats.serve(f"down.{WITHDRAW}", self._give_back),
            await self._nats.subscribe(EVENTS, self._on_event),
        ]
        await self._repeat.start()

    async def stop(self) -> None:
        """Take no more; what was not told is told at the next start."""
        await self._repeat.stop()
        while self._served:
            await self._served.pop()()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tell(self) -> None:
        """Tell everything that the parent does not know. Raises ``Unavailable`` while the link is cut."""
        async with self._telling:
            while told := await asyncio.to_thread(self._inbox.untold):
                await self._nats.request(f"up.{COMMANDS}", encode(CommandsReport(told)), timeout_s=_TELL_S)
                await asyncio.to_thread(self._inbox.heard, told)

    async def _answer(self, payload: bytes) -> bytes:
        taken = _decoded(self._take, payload)
        try:
            new = await asyncio.to_thread(self._inbox.take, taken, self._clock.now_ms())
        except NotFound:  # a device that was put here a moment ago
            await self._catch_up()
            new = await asyncio.to_thread(self._inbox.take, taken, self._clock.now_ms())
        if new:
            await self._wake()
        return b""

    async def _give_back(self, payload: bytes) -> bytes:
        asked = _decoded(self._withdraw, payload)
        answer, ended = await asyncio.to_thread(self._inbox.withdraw, asked, self._clock.now_ms())
        if ended is not None:
            await announce(self._nats, [ended])
            await self._wake()
        return encode(answer)

    async def _wake(self) -> None:
        try:
            await self._nats.publish(WAKE, b"")
        except MillwrightError as error:
            logger.debug("what changed is found by the next look: %s", error.message)

    async def _on_event(self, _subject: str, payload: bytes) -> None:
        try:
            msgspec.json.decode(payload, type=Command)
        except msgspec.MsgspecError:
            return
        task: asyncio.Task[object] = asyncio.create_task(self._repeat.once())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _decoded(decoder: msgspec.msgpack.Decoder[T], payload: bytes) -> T:
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        raise Invalid(
            f"The command cannot be read: {error}",
            code="commands.unreadable",
            hint="Let the edge run the same version as its parent.",
        ) from error
