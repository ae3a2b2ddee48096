"""Connectors that misbehave, and a host with its catalogue, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from millwright.devices.connectors import Catalogue
from millwright.devices.connectors.contract import (
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Point,
    Sample,
    Session,
    Value,
    ValueType,
    Word,
)
from millwright.kernel import Invalid, Unavailable

_W = Word(en="x", zh="字")


class ScriptedSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a scripted peer."""

    peer: Annotated[str, Meta(description="Which peer.")] = "a"
    password: Annotated[str, Meta(description="Sealed.", extra={"secret": True})] = ""
    timeout_s: Annotated[float, Meta(description="Seconds.", gt=0)] = 0.2


class Peer:
    """What the other side does; shared by every session that is opened to it."""

    def __init__(self) -> None:
        self.alive = True
        self.hangs = False
        self.stubborn = False
        self.says_nothing = False
        self.fingerprint = "p1"
        self.opened = self.closed = 0
        self.samples: asyncio.Queue[list[Sample]] = asyncio.Queue()
        self.written: list[tuple[str, Value]] = []
        self.passwords: list[str] = []
        self.points: list[str] = []
        self.raises: Exception | None = None
        self.lost = asyncio.Event()


peers: dict[str, Peer] = {}


class ScriptedSession(Session):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        self._peer.points = [point.address for point in points]
        ids = {point.address: point.id for point in points}
        while True:
            if self._peer.hangs:
                await self._hang()
            getting = asyncio.ensure_future(self._peer.samples.get())
            losing = asyncio.ensure_future(self._peer.lost.wait())
            try:
                await asyncio.wait((getting, losing), return_when=asyncio.FIRST_COMPLETED)
            finally:
                losing.cancel()
                if not getting.done():
                    getting.cancel()
            if self._peer.lost.is_set():
                raise self._peer.raises or Unavailable("gone", code="test.gone", hint="Wait.")
            if self._peer.raises is not None:
                raise self._peer.raises
            await deliver(
                [
                    Sample(ids[each.point_id], each.value, each.time_ms, each.quality, each.note)
                    for each in getting.result()
                    if each.point_id in ids
                ]
            )

    async def _hang(self) -> None:
        while self._peer.hangs:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                if not self._peer.stubborn:
                    raise

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        if self._peer.hangs:
            await self._hang()
        return [] if self._peer.says_nothing else [Sample(address, 1.0) for address in addresses]

    async def identify(self) -> Identity:
        return Identity(product="peer", fingerprint=self._peer.fingerprint)

    async def write(self, address: str, value: Value) -> None:
        self._peer.written.append((address, value))

    async def call(self, address: str, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        return {"of": address, **inputs}

    async def close(self) -> None:
        self._peer.closed += 1


class ScriptedConnector(Connector[ScriptedSettings]):
    kind: ClassVar[ConnectorKind] = ConnectorKind(
        key="scripted",
        title=_W,
        summary=_W,
        capabilities=frozenset({"write", "call"}),
        address_hint=_W,
        does_not=_W,
    )
    settings = ScriptedSettings

    async def open(self, settings: ScriptedSettings) -> ScriptedSession:
        peer = peers[settings.peer]
        if not peer.alive:
            raise Unavailable("nobody there", code="test.nobody", hint="Switch it on.")
        peer.opened += 1
        peer.passwords.append(settings.password)
        return ScriptedSession(peer)

    def check_address(self, address: str) -> ValueType | None:
        if " " in address:
            raise Invalid("no address", code="test.address", hint="Write tag-1.")
        return "number"


def catalogue() -> Catalogue:
    """The scripted connector, the simulator, and a package that cannot be loaded."""

    def find() -> Sequence[EntryPoint]:
        return [
            EntryPoint("scripted", "support.connectors:ScriptedConnector", "millwright.connectors"),
            EntryPoint(
                "simulator",
                "millwright.devices.connectors.simulator.connector:SimulatorConnector",
                "millwright.connectors",
            ),
            EntryPoint("broken", "support.no_such_module:Connector", "millwright.connectors"),
        ]

    return Catalogue(find)
