"""How long frames stay at the edge: until the parent has them and some hours more, within a limit of disk and age."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from millwright.devices.edge.settings import EdgeSettings
from millwright.devices.intake import INTAKE, decode_frame
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import Clock, Repeat, to_iso

logger = logging.getLogger(__name__)

KEPT: Final = StreamSpec(name="EDGE_KEPT", subjects=("edge_kept",), max_messages_per_subject=1, discard_old=True)
_EVERY_S: Final = 5.0
_MARK_MS: Final = 60_000


class Keeping:
    """Says in the stream ``EDGE_KEPT`` up to which sequence the intake may be trimmed. A :class:`Part`.

    The oldest goes first when there is too much: what the parent has, then what it has not (``given_up``). ``timed``
    says whether the clock can be believed: until then nothing goes because of its age.
    """

    def __init__(
        self, nats: NatsConnection, clock: Clock, settings: EdgeSettings, timed: Callable[[], bool] = lambda: True
    ) -> None:
        self._nats, self._clock, self._settings, self._timed = nats, clock, settings, timed
        self._marks: deque[tuple[int, int]] = deque()
        self._reached = 0
        self._said = 0
        self._had = 0
        """What the parent is known to have: of before our own start until it is asked again."""
        self._written = b""
        self.given_up = 0
        self.lost_from_ms: int | None = None
        self.lost_to_ms: int | None = None
        """When the first and the last of what was given up were received."""
        self._repeat = Repeat(
            self.look,
            _EVERY_S,
            name="edge keeping",
            lost="what may leave the backlog cannot be said",
            back="what may leave the backlog is said again",
            log=logger,
        )

    async def start(self) -> None:
        """Begin to look."""
        await self._nats.ensure_stream(KEPT)
        last = (await self._nats.state(INTAKE.name)).last_sequence  # a stream that was made anew has less than was said
        self._said, self._had = (min(each, last) for each in await _read(self._nats))
        await self._repeat.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._repeat.stop()

    def note(self, reached: int) -> None:
        """Everything up to ``reached`` is with the parent now; less than before after it was restored."""
        now_ms = self._clock.now_ms()
        if reached < self._reached:
            self._marks.clear()
        self._reached = self._had = reached
        if not self._marks or now_ms - self._marks[-1][0] >= _MARK_MS:
            self._marks.append((now_ms, reached))

    async def look(self) -> None:
        """Work out what may go, and say it."""
        may_go, oldest_ms = 0, self._clock.now_ms() - round(self._settings.kept_hours * 3_600_000)
        if self._settings.kept_hours == 0:
            may_go = self._reached
        while self._marks and self._marks[0][0] <= oldest_ms:
            may_go = self._marks.popleft()[1]
        may_go = max(may_go, await self._beyond())
        self._said = max(self._said, may_go)
        said = b"%d %d" % (self._said, self._had)
        if said != self._written:
            await self._nats.append("edge_kept", said)
            self._written = said

    async def _beyond(self) -> int:
        """Up to where frames must go because they are too many or too old, whether the parent has them or not."""
        state = await self._nats.state(INTAKE.name)
        if not state.messages:
            return 0
        most = self._settings.backlog_mb * 1_000_000
        may_go = 0
        if state.bytes > most:
            each = state.bytes / state.messages
            may_go = state.first_sequence + int((state.bytes - most) / each)
        if self._timed():
            limit_ms = self._clock.now_ms() - round(self._settings.backlog_days * 86_400_000)
            may_go = max(may_go, await self._older(state.first_sequence, state.last_sequence, limit_ms))
        known = max(self._had, self._said, state.first_sequence - 1)
        if may_go > known:
            self._said = may_go  # before anything is waited for: what is given up is counted once
            await self._give_up(known + 1, min(may_go, state.last_sequence))
        return may_go

    async def _give_up(self, first: int, last: int) -> None:
        """Say which frames the parent will never have, by their number and by when they were received."""
        self.given_up += last - first + 1
        times = [await self._received_ms(each) for each in (first, last)]
        known = [each for each in (*times, self.lost_from_ms, self.lost_to_ms) if each is not None]
        if known:
            self.lost_from_ms, self.lost_to_ms = min(known), max(known)
        logger.warning(
            "the frames %d to %d, received from %s to %s, leave the backlog before the parent has them: it is full, or "
            "they are old; local history has them",
            first, last, *(to_iso(each) if each is not None else "?" for each in times),
        )  # fmt: skip

    async def _received_ms(self, sequence: int) -> int | None:
        message = await self._nats.get(INTAKE.name, sequence)
        try:
            runs = decode_frame(message.data).runs if message is not None else []
        except ValueError:
            return None
        return runs[0].received_ms if runs else None

    async def _older(self, first: int, last: int, limit_ms: int) -> int:
        """The last sequence received before ``limit_ms``; 0: none."""
        if not await self._is_older(first, limit_ms):
            return 0
        while first < last:
            middle = (first + last + 1) // 2
            if await self._is_older(middle, limit_ms):
                first = middle
            else:
                last = middle - 1
        return first

    async def _is_older(self, sequence: int, limit_ms: int) -> bool:
        received_ms = await self._received_ms(sequence)
        return received_ms is not None and received_ms < limit_ms


async def read_kept(nats: NatsConnection) -> int:
    """Up to which sequence the intake may be trimmed, for who trims it. Raises ``Unavailable``."""
    await nats.ensure_stream(KEPT)
    return (await _read(nats))[0]


async def _read(nats: NatsConnection) -> tuple[int, int]:
    """Up to where the intake may be trimmed, and up to where the parent has it."""
    message = await nats.newest(KEPT.name, "edge_kept")
    may_go, _, had = (message.data if message is not None else b"0").partition(b" ")
    return int(may_go), int(had or b"0")
