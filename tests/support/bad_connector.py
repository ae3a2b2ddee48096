"""A connector that somebody else wrote badly: it takes more and more memory.

:func:`install` makes it a package of its own in a folder, to be put on the path of a node's processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from millwright.devices.connectors.contract import (
    Connector,
    ConnectorKind,
    Deliver,
    Point,
    Sample,
    Session,
    ValueType,
    Word,
)

_W = Word(en="Bad", zh="坏")


class BadSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it does wrong."""

    leak_mb_s: Annotated[int, Meta(description="Memory it takes each second.")] = 0


class BadSession(Session):
    def __init__(self, settings: BadSettings) -> None:
        self._settings = settings
        self._kept: list[bytes] = []

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        while True:
            await deliver([Sample(point.id, 1.0) for point in points])
            await asyncio.sleep(1.0)
            self._kept.append(b"\x01" * (self._settings.leak_mb_s << 20))

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        return [Sample(address, 1.0) for address in addresses]

    async def close(self) -> None:
        self._kept.clear()


class BadConnector(Connector[BadSettings]):
    kind: ClassVar[ConnectorKind] = ConnectorKind(
        key="bad", title=_W, summary=_W, capabilities=frozenset(), address_hint=_W, does_not=_W
    )
    settings = BadSettings

    async def open(self, settings: BadSettings) -> BadSession:
        return BadSession(settings)

    def check_address(self, address: str) -> ValueType | None:
        return "number"


def install(folder: Path) -> Path:
    """The package's metadata; the code is this module, which the path of the tests has."""
    info = folder / "bad_connector-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[millwright.connectors]\nbad = support.bad_connector:BadConnector\n")
    return folder
