"""What a mirror answers, counted at its primary: there it is known whose the names are, and there it is paid for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from millwright.kernel import Bus, Clock, Invalid, MillwrightError, Unsubscribe, end, new_id
from millwright.kernel.files import write_whole
from millwright.metering import RESOLUTIONS, Batch, CountStore, Meter
from millwright.metering.periods import HOUR_MS

logger = logging.getLogger(__name__)

MIRROR_USAGE: Final = "identity.mirrors.usage"
"""On the bus of a primary: its mirrors tell there what they answered."""

_EVERY_S: Final = 5.0
_ANSWER_S: Final = 5.0
_AT_ONCE: Final = 5_000
"""Organisations in one message: some 200 KB."""

_Organisation = Annotated[str, Meta(min_length=1, max_length=64)]
_Count = Annotated[int, Meta(ge=1, le=10**12)]


class UsageTold(Struct, frozen=True):
    """Resolutions by organisation since the number before. ``source`` and ``number`` make them count once."""

    source: Annotated[str, Meta(min_length=1, max_length=64)]
    number: Annotated[int, Meta(ge=1, lt=2**53)]
    counts: Annotated[dict[_Organisation, _Count], Meta(max_length=_AT_ONCE)]


class _Kept(Struct):
    """``trying``: what was told under ``number`` and is not known to be taken; it does not change until it is."""

    source: str
    number: int = 0
    trying: dict[str, int] = {}
    more: dict[str, int] = {}


class MirrorUsage:
    """At a mirror: keeps what it answered, in the file ``path``, until ``primary`` has taken it.

    A :class:`millwright.kernel.Part`, and a :class:`.charging.Counts`. Nothing is counted twice, whoever is killed; of
    a mirror that is killed the last five seconds are lost.
    """

    def __init__(self, path: Path, primary: Bus, *, every_s: float = _EVERY_S) -> None:
        self._path, self._primary, self._every_s = path, primary, every_s
        self._kept = _Kept("")
        self._task: asyncio.Task[None] | None = None
        self._telling = asyncio.Lock()

    def count(self, meter: Meter, organisation_id: str, quantity: int = 1) -> None:
        """Add to what was answered for an organisation. Does no I/O. Of other meters nothing is told."""
        if meter is RESOLUTIONS:
            self._kept.more[organisation_id] = self._kept.more.get(organisation_id, 0) + quantity

    async def start(self) -> None:
        """Take up what is left, and tell from now on."""
        self._kept = await asyncio.to_thread(self._read)
        self._task = asyncio.create_task(self._run(), name="tell the primary what was answered")

    async def stop(self) -> None:
        """Tell what is left, or keep it."""
        task, self._task = self._task, None
        await end(task)
        await self._tell_or_keep()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self._tell_or_keep()

    async def _tell_or_keep(self) -> None:
        try:
            await self.tell()
        except (MillwrightError, OSError) as error:
            logger.debug("the primary is told later what was answered here: %s", error)
        except Exception:
            logger.exception("the primary is told later what was answered here")

    async def tell(self) -> None:
        """Tell everything. Raises ``Unavailable``, and ``OSError`` when it cannot be kept; then it is told later."""
        async with self._telling:
            kept = self._kept
            while kept.trying or kept.more:
                if not kept.trying:
                    chosen = sorted(kept.more)[:_AT_ONCE]
                    kept.trying = {each: kept.more.pop(each) for each in chosen}
                    kept.number += 1
                await asyncio.to_thread(self._write, msgspec.json.encode(kept))
                told = msgspec.msgpack.encode(UsageTold(kept.source, kept.number, kept.trying))
                await self._primary.request(MIRROR_USAGE, told, timeout_s=_ANSWER_S)
                kept.trying = {}
                if not kept.more:
                    await asyncio.to_thread(self._write, msgspec.json.encode(kept))

    def _write(self, data: bytes) -> None:
        write_whole(self._path, data, private=True, durable=True)

    def _read(self) -> _Kept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("what was answered and not told yet cannot be read from %s: %s", self._path, error)
        return _Kept(new_id("mirror"))


class MirrorUsageDesk:
    """At a primary: counts what its mirrors tell, in the hour in which it arrives. A :class:`millwright.kernel.Part`.

    Of organisations that are not there nothing is counted.
    """

    def __init__(self, store: CountStore, bus: Bus, clock: Clock) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._decoder = msgspec.msgpack.Decoder(UsageTold)
        self._served: Unsubscribe | None = None

    async def start(self) -> None:
        """Listen."""
        self._served = await self._bus.serve(MIRROR_USAGE, self._hear)

    async def stop(self) -> None:
        """Listen no more."""
        if self._served is not None:
            await self._served()
            self._served = None

    async def _hear(self, payload: bytes) -> bytes:
        try:
            told = self._decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise Invalid(
                f"What a mirror tells of its answers cannot be read: {error}",
                code="operation.unreadable",
                hint="Let the mirror run the same version as its primary.",
            ) from error
        await asyncio.to_thread(self._count, f"mirror/{told.source}", told.number, told.counts)
        return b""

    def _count(self, source: str, number: int, told: Mapping[str, int]) -> None:
        now_ms = self._clock.now_ms()
        known = self._store.known(told)
        counts = {(each, RESOLUTIONS.name, now_ms // HOUR_MS): told[each] for each in known}
        if len(counts) < len(told):
            logger.warning("%s answered for %s organisations that are not known here", source, len(told) - len(counts))
        self._store.record(source, [Batch(number, counts)], now_ms)
