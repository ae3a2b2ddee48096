"""The first page: how many devices, alarms, messages; how full the disk is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable
from typing import Any, TypeVar

from litestar import get
from litestar.di import NamedDependency
from msgspec import Struct

from millwright.kernel import MillwrightError
from millwright.operations import Priority
from millwright.parties import require_session
from millwright.web.services import Services
from millwright.web.stats import Rates, StatsBoard

_FRESH_S = 1.0
_STORAGE_FRESH_S = 10.0
_PATIENCE_S = 2.0

T = TypeVar("T")


class DeviceFigures(Struct, frozen=True):
    """Devices by presence."""

    total: int
    online: int
    offline: int
    never: int


class AlarmFigures(Struct, frozen=True):
    """Open alarms; ``by_priority`` counts the active ones."""

    active: int
    unacknowledged: int
    by_priority: dict[Priority, int]


class Count(Struct, frozen=True):
    """How many; null while nobody can tell."""

    count: int | None


class StorageFigures(Struct, frozen=True):
    """What history holds (null while the historian does not answer), and the disk, in bytes."""

    points: int | None
    bytes: int | None
    disk_free_bytes: int
    disk_total_bytes: int


class Overview(Struct, frozen=True):
    """The node at a glance."""

    devices: DeviceFigures
    alarms: AlarmFigures
    rates: Rates
    dead_letters: Count
    arrivals: Count
    storage: StorageFigures
    at_ms: int


class OverviewDesk:
    """Puts the overview together at most once a second, whoever asks; what cannot be had in time is null."""

    def __init__(self, services: Services, board: StatsBoard) -> None:
        self._services, self._board = services, board
        self._lock = asyncio.Lock()
        self._made_s = self._stored_s = float("-inf")
        self._made: Overview | None = None
        self._stored: tuple[int | None, int | None] = (None, None)

    async def look(self) -> Overview:
        """The overview, a second old at most."""
        clock = self._services.clock
        async with self._lock:
            if self._made is None or clock.monotonic_s() - self._made_s >= _FRESH_S:
                self._made = await self._make()
                self._made_s = clock.monotonic_s()
        return self._made

    async def _make(self) -> Overview:
        services = self._services
        devices, alarms, arrivals, dead, stored = await asyncio.gather(
            services.devices.registry.count(),
            services.alarms.summary(),
            services.arrivals.count(),
            _maybe(services.bus.state("DEAD_LETTERS")),
            self._storage(),
        )
        disk = await asyncio.to_thread(shutil.disk_usage, services.data_folder)
        return Overview(
            DeviceFigures(devices.total, devices.online, devices.offline, devices.never),
            AlarmFigures(alarms.active, alarms.unacknowledged, alarms.by_priority),
            self._board.rates(),
            Count(None if dead is None else dead.messages),
            Count(arrivals),
            StorageFigures(*stored, disk.free, disk.total),
            services.clock.now_ms(),
        )

    async def _storage(self) -> tuple[int | None, int | None]:
        now = self._services.clock.monotonic_s()
        if now - self._stored_s >= _STORAGE_FRESH_S:
            found: Any = await _maybe(self._services.historian.storage())
            if found is not None:
                self._stored, self._stored_s = (found.points, found.bytes), now
        return self._stored


async def _maybe(question: Awaitable[T]) -> T | None:
    try:
        return await asyncio.wait_for(question, _PATIENCE_S)
    except (MillwrightError, TimeoutError):
        return None


@get(
    "/overview",
    summary="The node at a glance",
    operation_id="getOverview",
    tags=["Operation"],
    guards=[require_session],
)
async def overview(desk: NamedDependency[OverviewDesk]) -> Overview:
    """Devices, alarms, rates over ten minutes, storage. A second old at most."""
    return await desk.look()


ROUTES = [overview]
"""What the web host mounts."""
