"""Questions that people and commands ask of field devices, answered by the session at work or by one opened for it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from millwright.devices.connectors.catalogue import Catalogue
from millwright.devices.connectors.contract import Identity, Session
from millwright.devices.connectors.guard import Guard
from millwright.devices.connectors.model import PeerIdentity, ReadValue, Tested
from millwright.devices.connectors.rpc import Ask
from millwright.kernel import Clock, MillwrightError, Unavailable, Unsupported, end

_IDLE_S: Final = 45.0
_MOST: Final = 32
_MARGIN_S: Final = 5.0


@dataclass(slots=True)
class _Kept:
    session: Session
    timeout_s: float
    used_s: float
    busy: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Desk:
    """Opens sessions for questions and keeps each for a while, so that browsing a tree connects once."""

    def __init__(self, catalogue: Catalogue, clock: Clock, cancel_s: float) -> None:
        self._catalogue, self._clock = catalogue, clock
        self._guard = Guard("a question", cancel_s)
        self._kept: dict[str, _Kept] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def abandoned(self) -> int:
        """Calls that hang and cannot be ended."""
        return len(self._guard.abandoned)

    async def start(self) -> None:
        """Begin to close what is not used any more."""
        self._sweeper = asyncio.create_task(self._sweep(), name="sessions for questions")

    async def stop(self) -> None:
        """Close every session."""
        await end(self._sweeper)
        for key in list(self._kept):
            await self._drop(key)

    async def test(self, kind: str, settings: Mapping[str, Any]) -> Tested:
        """Connect anew and ask who is there."""
        connector, chosen = self._catalogue.get(kind), self._catalogue.convert(kind, settings)
        timeout_s = _timeout_of(chosen)
        began_s = self._clock.monotonic_s()
        session = await self._guard.call("connecting", connector.open(chosen), timeout_s * 2 + _MARGIN_S)
        opened_s = self._clock.monotonic_s()
        try:
            identity = await self._identify(session, timeout_s)
            return Tested(
                identity=PeerIdentity.of(identity),
                open_ms=round((opened_s - began_s) * 1000, 1),
                latency_ms=round((self._clock.monotonic_s() - opened_s) * 1000, 1),
            )
        finally:
            await self._close(session)

    async def discover(self, kind: str, timeout_s: float, at: str = "") -> Any:
        """Peers on the local network, or at the addresses ``at``."""
        connector = self._catalogue.get(kind)
        looking = connector.seek(at, timeout_s) if at else connector.discover(timeout_s)
        return await self._guard.call("looking around", looking, timeout_s + _MARGIN_S)

    async def ask(self, kind: str, settings: Mapping[str, Any], asked: Ask) -> Any:
        """The answer of a session kept for such settings."""
        chosen = self._catalogue.convert(kind, settings)
        key = _key_of(kind, chosen)
        async with self._opening.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None:
                if len(self._kept) >= _MOST:
                    await self._drop(min(self._kept, key=lambda each: self._kept[each].used_s))
                timeout_s = _timeout_of(chosen)
                session = await self._guard.call(
                    "connecting", self._catalogue.get(kind).open(chosen), timeout_s * 2 + _MARGIN_S
                )
                kept = self._kept[key] = _Kept(session, timeout_s, self._clock.monotonic_s())
        kept.busy += 1
        try:
            return await answer(self._guard, kept.session, asked, kept.timeout_s)
        except Unavailable:
            await self._drop(key)
            raise
        finally:
            kept.busy -= 1
            kept.used_s = self._clock.monotonic_s()

    async def release(self, kind: str, settings: Struct) -> None:
        """Close what is kept for such settings, for a machine that serves one client at a time."""
        await self._drop(_key_of(kind, settings))

    async def _identify(self, session: Session, timeout_s: float) -> Identity:
        try:
            return await self._guard.call("asking who it is", session.identify(), timeout_s + _MARGIN_S)
        except Unsupported:
            return Identity()

    async def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        self._opening.pop(key, None)
        if kept is not None:
            await self._close(kept.session)

    async def _close(self, session: Session) -> None:
        try:
            await self._guard.call("closing", session.close(), _MARGIN_S)
        except MillwrightError:
            return

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_MARGIN_S)
            now_s = self._clock.monotonic_s()
            for key in [key for key, kept in self._kept.items() if not kept.busy and now_s - kept.used_s > _IDLE_S]:
                await self._drop(key)


async def answer(guard: Guard, session: Session, asked: Ask, timeout_s: float) -> Any:
    """Put a question to a session. Raises what the connector raised, and ``Unavailable`` when it takes too long."""
    limit_s = (asked.timeout_s if asked.op in ("write", "call") else timeout_s) + _MARGIN_S
    if asked.op == "browse":
        return await guard.call("browsing", session.browse(asked.parent, asked.cursor), max(limit_s, 30.0))
    if asked.op == "read":
        samples = await guard.call("reading", session.read(asked.addresses), max(limit_s, 30.0))
        return [
            ReadValue(address=each.point_id, value=each.value, time_ms=each.time_ms, quality=each.quality,
                      note=each.note)
            for each in samples
        ]  # fmt: skip
    if asked.op == "write":
        return await guard.call("writing", session.write(asked.address, asked.value), asked.timeout_s)
    if asked.op == "call":
        return dict(await guard.call("calling", session.call(asked.address, asked.inputs), asked.timeout_s))
    if asked.op == "history":
        work = session.history(asked.address, asked.begin_ms, asked.end_ms, asked.limit)
        return [(each.time_ms, each.value, each.quality) for each in await guard.call("history", work, 60.0)]
    raise Unsupported(f"Nobody answers {asked.op}.", code="connectors.unsupported", hint="Ask something else.")


def _key_of(kind: str, settings: Struct) -> str:
    return hashlib.sha256(msgspec.json.encode([kind, settings], order="deterministic")).hexdigest()


def _timeout_of(settings: Any) -> float:
    return float(getattr(settings, "timeout_s", 10.0))
