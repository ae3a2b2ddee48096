"""Whether two nodes say the same: each tells its digest at any position of the log."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from millwright.identity.records.service import Records
from millwright.kernel import Bus, MillwrightError, Unsubscribe

STATE: Final = "identity.state"
"""Asked with a position as decimal digits, or nothing; answered with a :class:`Standing` as JSON."""

_MOST_DIGITS: Final = 19


class Standing(Struct, frozen=True, kw_only=True):
    """How far a node's index is. ``at`` and ``digest`` are of the position asked for, the last one without; the digest
    is in hex and empty when it is not known there."""

    node: str
    position: int
    at: int
    digest: str
    handles: int
    prefixes: int


def standing_of(records: Records, node: str, at: int | None = None) -> Standing:
    """How far an index is, and its digest at a position. Raises what reading it does."""
    with records.view() as view:
        state = view.state
        at = state.position if at is None else at
        digest = view.digest_at(at)
    stats = records.stats()
    return Standing(
        node=node,
        position=state.position,
        at=at,
        digest=digest.hex() if digest is not None else "",
        handles=stats["handles"],
        prefixes=stats["prefixes"],
    )


class StandingTeller:
    """Answers for the primary. A :class:`millwright.kernel.Part`."""

    def __init__(self, records: Records, bus: Bus, node: str) -> None:
        self._records, self._bus, self._node = records, bus, node
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Answer from now on."""
        self._unsubscribe = await self._bus.serve(STATE, self._answer)

    async def stop(self) -> None:
        """Answer no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()

    async def _answer(self, payload: bytes) -> bytes:
        asked = int(payload) if payload.isdigit() and len(payload) <= _MOST_DIGITS else None
        return msgspec.json.encode(standing_of(self._records, self._node, asked))


async def ask_standing(bus: Bus, at: int | None = None) -> Standing:
    """What the primary on this bus says. Raises ``Unavailable``."""
    answer = await bus.request(STATE, b"" if at is None else str(at).encode(), timeout_s=5.0)
    try:
        return msgspec.json.decode(answer, type=Standing)
    except msgspec.MsgspecError as error:
        raise MillwrightError(
            f"The primary's answer cannot be read: {error}",
            code="records.standing_unreadable",
            hint="Run the same version on both nodes.",
        ) from error
