"""The parent's part on the link: gives orders and files to edges, and takes roll-outs from group to group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec

from millwright.devices.edge.upgrade.model import PIECE, UPGRADE, AskOrder, AskPiece, EdgeProgress, Piece, Rollout
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore, ended
from millwright.kernel import ROOT, Clock, Invalid, Repeat

logger = logging.getLogger(__name__)

T = TypeVar("T")

_EVERY_S: Final = 2.0


class Rollouts:
    """A :class:`millwright.kernel.Part`; :meth:`answers` is for the receiver of the edges' link."""

    def __init__(self, store: UpgradeStore, shelf: Shelf, clock: Clock) -> None:
        self._store, self._shelf, self._clock = store, shelf, clock
        self._repeat = Repeat(
            self.look,
            _EVERY_S,
            name="edge roll-outs",
            lost="how far roll-outs to edges are cannot be looked at",
            back="roll-outs to edges go on",
            log=logger,
        )

    async def start(self) -> None:
        """Begin to look how far edges are."""
        await self._repeat.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._repeat.stop()

    def answers(self) -> dict[str, Callable[[str, bytes], Awaitable[bytes]]]:
        """What an edge may ask: its order, and pieces of files."""
        return {UPGRADE: self._order, PIECE: self._piece}

    async def look(self) -> None:
        """Write down who has come to an end; the next group begins when all are well.

        An edge that failed ends it for its organisation, one of the node's own organisation for all.
        """
        for rollout in await asyncio.to_thread(self._store.rollouts, running=True):
            await asyncio.to_thread(self._step, rollout)

    def _step(self, rollout: Rollout) -> None:
        begun = [each for each in rollout.edges if each.group <= rollout.group]
        results: dict[str, Any] = {
            each.edge_id: {"progress": each.progress, "why": each.why} for each in begun if ended(each)
        }
        bad = [each for each in begun if ended(each) and each.progress != "done"]
        held = {each.organisation_id for each in bad}
        waited_for = [each for each in begun if not ended(each) and each.organisation_id not in held]
        further = [each for each in rollout.edges if each.group > rollout.group and each.organisation_id not in held]
        now_ms = self._clock.now_ms()
        if ROOT not in held and waited_for:
            self._store.step(rollout.id, results, now_ms)
        elif ROOT not in held and further:
            self._store.step(rollout.id, results, now_ms, group=rollout.group + 1)
        elif bad:
            why = "; ".join(f"{each.name}: {each.why or each.progress}" for each in bad)
            logger.error("the roll-out of %s stops: %s", rollout.version, why[:2000])
            self._store.step(rollout.id, results, now_ms, state="failed", why=why[:2000])
        else:
            logger.info("version %s is on all %d edges of the roll-out", rollout.version, len(begun))
            self._store.step(rollout.id, results, now_ms, state="done")

    async def _order(self, edge_id: str, data: bytes) -> bytes:
        _decoded(data, AskOrder)
        return msgspec.msgpack.encode(await asyncio.to_thread(self._store.order, edge_id))

    async def _piece(self, _edge_id: str, data: bytes) -> bytes:
        asked = _decoded(data, AskPiece)
        return msgspec.msgpack.encode(Piece(await asyncio.to_thread(self._shelf.piece, asked.sha256, asked.offset)))


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise Invalid(
            f"What the edge sent cannot be read: {error}",
            code="devices.edge_message_invalid",
            hint="Let the edge run the same version as its parent.",
        ) from None


__all__ = ["EdgeProgress", "Rollouts"]
