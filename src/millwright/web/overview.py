"""The first page: how many devices, alarms, messages; how full the disk is."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from litestar import Request, get
from litestar.di import NamedDependency
from msgspec import Struct

from millwright.devices.rights import DEVICES_READ
from millwright.kernel import ROOT, MillwrightError, Scope
from millwright.kernel.scope import within
from millwright.operations import Priority
from millwright.parties import Authority, permit
from millwright.parties.guards import chosen_organisation
from millwright.web.services import Services
from millwright.web.stats import Rates, StatsBoard

_FRESH_S = 1.0
_STORAGE_FRESH_S = 10.0
_PATIENCE_S = 2.0
_MOST_VIEWS = 256

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
    """What one sees at a glance. ``rates`` and ``storage`` are the whole node's: null for who may not see that."""

    devices: DeviceFigures
    alarms: AlarmFigures
    rates: Rates | None
    dead_letters: Count
    arrivals: Count
    storage: StorageFigures | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class View:
    """In which scopes somebody looks."""

    devices: Scope
    alarms: Scope
    arrivals: Scope
    dead_letters: Scope
    node: bool

    @classmethod
    def of(cls, authority: Authority, organisation_id: str | None) -> View:
        """The view of an authority, perhaps narrowed to one organisation."""
        return cls(
            authority.scope("devices:read", organisation_id),
            authority.scope("alarms:read", organisation_id),
            authority.scope("arrivals:read", organisation_id),
            authority.scope("dead_letters:read", organisation_id),
            authority.may("system:read", ROOT),
        )


class OverviewDesk:
    """Puts the overview together at most once a second for each view, however many ask; what cannot be had in time is
    null. Views do not wait for each other, and none ends because somebody who asked for it left."""

    def __init__(self, services: Services, board: StatsBoard) -> None:
        self._services, self._board = services, board
        self._stored_s = float("-inf")
        self._made: OrderedDict[View, tuple[float, asyncio.Task[Overview]]] = OrderedDict()
        self._stored: tuple[int | None, int | None] = (None, None)

    async def look(self, view: View) -> Overview:
        """The overview, begun a second ago at most or not finished yet."""
        now_s = self._services.clock.monotonic_s()
        known = self._made.get(view)
        if known is not None and (not known[1].done() or (now_s - known[0] < _FRESH_S and _succeeded(known[1]))):
            task = known[1]
        else:
            task = asyncio.create_task(self._make(view), name="overview")
            self._made[view] = (now_s, task)
            self._made.move_to_end(view)
            while len(self._made) > _MOST_VIEWS:
                self._made.popitem(last=False)
        return await asyncio.shield(task)

    async def _make(self, view: View) -> Overview:
        services = self._services
        devices, alarms, arrivals, dead, stored = await asyncio.gather(
            _in(view.devices, services.devices.registry.count),
            _in(view.alarms, services.alarms.summary),
            _in(view.arrivals, services.arrivals.count),
            _in(view.dead_letters, lambda: _maybe(services.dead_letters.count())),
            self._storage(),
        )
        disk = await asyncio.to_thread(shutil.disk_usage, services.data_folder)
        return Overview(
            DeviceFigures(devices.total, devices.online, devices.offline, devices.never),
            AlarmFigures(alarms.active, alarms.unacknowledged, alarms.by_priority),
            self._board.rates() if view.node else None,
            Count(dead),
            Count(arrivals),
            StorageFigures(*stored, disk.free, disk.total) if view.node else None,
            services.clock.now_ms(),
        )

    async def _storage(self) -> tuple[int | None, int | None]:
        now = self._services.clock.monotonic_s()
        if now - self._stored_s >= _STORAGE_FRESH_S:
            found: Any = await _maybe(self._services.historian.storage())
            if found is not None:
                self._stored, self._stored_s = (found.points, found.bytes), now
        return self._stored


def _succeeded(task: asyncio.Task[Overview]) -> bool:
    return not task.cancelled() and task.exception() is None


async def _in(scope: Scope, ask: Callable[[], Awaitable[T]]) -> T:
    with within(scope):
        return await ask()


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
    guards=[permit(DEVICES_READ)],
)
async def overview(
    desk: NamedDependency[OverviewDesk],
    authority: NamedDependency[Authority],
    request: Request[Any, Any, Any],
) -> Overview:
    """Devices, alarms, rates over ten minutes, storage, as far as they may be seen. A second old at most."""
    return await desk.look(View.of(authority, chosen_organisation(request)))


ROUTES = [overview]
"""What the web host mounts."""
