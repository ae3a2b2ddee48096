"""The mirrors of this node's register: each tells itself, and is compared with what is here."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from millwright.identity.operation.model import MirrorState, MirrorTold, MirrorView
from millwright.identity.operation.store import OperationStore
from millwright.identity.operation.telling import MIRRORS
from millwright.identity.records import Records
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe

logger = logging.getLogger(__name__)

_SILENT_MS: Final = 30_000
_KEPT_EVERY_MS: Final = 60_000
_MOST: Final = 1_000


class Mirrors:
    """Hears mirrors, and remembers them over a restart. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: OperationStore, records: Records, bus: Bus, clock: Clock) -> None:
        self._store, self._records, self._bus, self._clock = store, records, bus, clock
        self._heard: dict[str, tuple[MirrorTold, int]] = {}
        self._kept: dict[str, int] = {}
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Take up who was known, and listen."""
        for row in await asyncio.to_thread(self._store.mirrors):
            try:
                self._heard[row.node] = msgspec.convert(row.told, MirrorTold), row.seen_ms
            except msgspec.ValidationError as error:
                logger.warning("what the mirror %s told cannot be read: %s", row.node, error)
        self._unsubscribe = await self._bus.subscribe(MIRRORS, self._hear)

    async def stop(self) -> None:
        """Listen no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None

    async def _hear(self, _subject: str, payload: bytes) -> None:
        try:
            told = msgspec.json.decode(payload, type=MirrorTold)
        except msgspec.MsgspecError as error:
            logger.warning("what a mirror tells cannot be read: %s", error)
            return
        now_ms, node = self._clock.now_ms(), told.node[:128]
        if node not in self._heard and len(self._heard) >= _MOST:
            return
        self._heard[node] = told, now_ms
        if now_ms - self._kept.get(node, 0) >= _KEPT_EVERY_MS:
            try:
                await asyncio.to_thread(self._store.put_mirror, node, msgspec.to_builtins(told), now_ms)
                self._kept[node] = now_ms
            except MillwrightError as error:
                logger.warning("the mirror %s is remembered later: %s", node, error.message)

    def listed(self) -> list[MirrorView]:
        """Every mirror as it stands, by name. Blocks for some reads of the index."""
        now_ms = self._clock.now_ms()
        oldest_ms = now_ms - 31 * 86_400_000
        found = []
        for node, (told, seen_ms) in sorted(self._heard.items()):
            if seen_ms < oldest_ms:
                continue
            with self._records.view() as view:
                position = view.state.position
                digest = view.digest_at(told.position) if told.position <= position else None
            behind = max(0, position - told.position)
            found.append(
                MirrorView(
                    node=node,
                    state=_state(told, digest, behind, silent=now_ms - seen_ms > _SILENT_MS),
                    position=told.position,
                    behind=behind,
                    lag_ms=told.lag_ms,
                    handles=told.handles,
                    digest=told.digest,
                    problem=told.problem,
                    seen_ms=seen_ms,
                )
            )
        return found


def _state(told: MirrorTold, digest: bytes | None, behind: int, *, silent: bool) -> MirrorState:
    if silent:
        return "silent"
    if digest is None:
        return "unknown"
    if digest.hex() != told.digest:
        return "differs"
    return "behind" if behind else "equal"
