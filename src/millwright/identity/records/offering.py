"""Snapshots over the network: a primary offers those that it keeps, a mirror that the log does not reach takes one.

Asked on the bus like the standing, by who may read the log there: first for the newest, then for its parts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from millwright.identity.records.archive import Archive
from millwright.identity.records.errors import snapshot_unusable
from millwright.kernel import Bus, MillwrightError, NotFound, Unsubscribe

logger = logging.getLogger(__name__)

SNAPSHOT: Final = "identity.snapshot"
"""Asked with a :class:`Wanted` as JSON; answered with an :class:`Offer`, or with bytes of the file."""

PART_BYTES: Final = 1 << 20
_MOST_BYTES: Final = 1 << 40


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for: the offer, without a file; else the part of it from ``offset`` on."""

    file: str = ""
    offset: int = 0


class Offer(Struct, frozen=True, kw_only=True):
    """The newest snapshot of a node; without a file there is none."""

    file: str = ""
    position: int = 0
    bytes: int = 0


class SnapshotTeller:
    """Answers for the node that writes the log. A :class:`millwright.kernel.Part`."""

    def __init__(self, archive: Archive, bus: Bus) -> None:
        self._archive, self._bus = archive, bus
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Answer from now on."""
        self._unsubscribe = await self._bus.serve(SNAPSHOT, self._answer)

    async def stop(self) -> None:
        """Answer no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()

    async def _answer(self, payload: bytes) -> bytes:
        try:
            wanted = msgspec.json.decode(payload or b"{}", type=Wanted)
        except msgspec.MsgspecError:
            wanted = Wanted()
        return await asyncio.to_thread(self._part, wanted)

    def _part(self, wanted: Wanted) -> bytes:
        kept = self._archive.kept()
        if not wanted.file:
            newest = Offer(file=kept[0].file, position=kept[0].position, bytes=kept[0].bytes) if kept else Offer()
            return msgspec.json.encode(newest)
        # Only what is kept is read, whatever name is asked for.
        found = next((each for each in kept if each.file == wanted.file), None)
        if found is None:
            raise NotFound(
                "That snapshot is not kept any more.", code="records.snapshot_gone", hint="Ask for the newest again."
            )
        with self._archive.path_of(found).open("rb") as file:
            file.seek(max(0, wanted.offset))
            return file.read(PART_BYTES)


def take_offer(ask: Callable[[bytes], bytes], folder: Path, at_least: int) -> Path | None:
    """Fetch the newest snapshot through ``ask``, which asks :data:`SNAPSHOT` and waits; ``None`` when nothing of
    position ``at_least`` or later is offered. Raises ``Unavailable``, ``NotFound`` and ``Corrupt``; call it again."""
    try:
        offer = msgspec.json.decode(ask(msgspec.json.encode(Wanted())), type=Offer)
    except msgspec.MsgspecError as error:
        raise snapshot_unusable(f"the offer cannot be read: {error}") from error
    except MillwrightError as error:
        logger.info("no snapshot is offered: %s", error.message)
        return None
    if not offer.file or offer.position < at_least or not 0 < offer.bytes < _MOST_BYTES:
        return None
    file = folder / "fetched.snapshot"
    size = 0
    with file.open("wb") as out:
        while size < offer.bytes:
            part = ask(msgspec.json.encode(Wanted(file=offer.file, offset=size)))
            if not part:
                raise snapshot_unusable(f"it ends after {size:,} bytes of {offer.bytes:,}")
            out.write(part)
            size += len(part)
    return file
