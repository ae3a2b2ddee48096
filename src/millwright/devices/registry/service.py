"""Use cases of the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from typing import Any

from msgspec import UNSET

from millwright.devices.changes import EVERY, Changes
from millwright.devices.errors import invalid, too_many
from millwright.devices.models.store import ModelStore
from millwright.devices.names import clean_title
from millwright.devices.registry.bulk import BulkStore, ImportReport, read_csv, write_csv
from millwright.devices.registry.model import (
    Device,
    DeviceChange,
    DeviceCounts,
    DevicePage,
    DeviceQuery,
    NewDevice,
    check,
    check_address,
    check_name,
    clean_tags,
)
from millwright.devices.registry.store import DeviceStore
from millwright.devices.settings import DevicesSettings
from millwright.kernel import Clock, new_id
from millwright.ledger import note

NOT_THE_DEVICE = ("id", "revision", "created_ms", "presence", "alarms_active", "place_path")
"""Fields of a device that nobody sets."""


class Registry:
    """Registers, finds, changes and removes devices."""

    def __init__(
        self,
        store: DeviceStore,
        bulk: BulkStore,
        models: ModelStore,
        changes: Changes,
        clock: Clock,
        settings: DevicesSettings,
    ) -> None:
        self._store = store
        self._bulk = bulk
        self._models = models
        self._changes = changes
        self._clock = clock
        self._settings = settings

    async def list(self, query: DeviceQuery, *, cursor: str | None = None, limit: int = 100) -> DevicePage:
        """A page of devices by name. Raises ``Invalid`` for a foreign cursor."""
        return await asyncio.to_thread(self._store.list, query, cursor, limit)

    async def count(self) -> DeviceCounts:
        """How many devices there are, by presence."""
        return await asyncio.to_thread(self._store.count)

    async def names(self, device_ids: Sequence[str]) -> dict[str, str]:
        """The names of those of the devices that exist."""
        return await asyncio.to_thread(self._store.names, device_ids)

    async def known(self, device_ids: Collection[str]) -> dict[str, str]:
        """The organisations of those of the devices that are, or were, registered."""
        return await asyncio.to_thread(self._store.known, device_ids)

    async def get(self, device_id: str) -> Device:
        """One device. Raises ``NotFound`` (``devices.device_unknown``)."""
        return await asyncio.to_thread(self._store.get, device_id)

    async def find_by_name(self, name: str) -> Device | None:
        """The device with this name (compared without case), or ``None``."""
        return await asyncio.to_thread(self._store.find_by_name, name)

    async def create(self, new: NewDevice) -> Device:
        """Register a device. Raises ``Invalid``, ``NotFound`` (model, place, edge) or ``Conflict`` (name, address)."""
        device = await asyncio.to_thread(self._store.insert, new_id("dev"), check(new), self._clock.now_ms())
        note("device", device.id, device.name, after=device, ignore=NOT_THE_DEVICE)
        await self._changes.announce(device.id)
        return device

    async def change(self, device_id: str, change: DeviceChange, *, expected: int | None = None) -> Device:
        """Change a device; ``expected`` is the revision the caller has read, if the change rests on it.

        Raises ``NotFound``, ``Invalid``, ``Conflict`` (``devices.revision_stale``, name, address).
        """
        before = await self.get(device_id)
        device = await asyncio.to_thread(self._store.update, device_id, _clean(change), expected)
        note("device", device_id, device.name, before=before, after=device, ignore=NOT_THE_DEVICE)
        await self._changes.announce(EVERY if change.sparkplug is not UNSET else device_id)
        return device

    async def delete(self, device_id: str, *, expected: int | None = None) -> None:
        """Remove a device and its credentials; its history stays. Raises ``NotFound`` or ``Conflict``."""
        before = await self.get(device_id)
        await asyncio.to_thread(self._store.delete, device_id, expected, self._clock.now_ms())
        note("device", device_id, before.name, before=before, ignore=NOT_THE_DEVICE)
        await self._changes.announce(device_id)

    async def import_json(self, rows: Sequence[Any], *, issue: bool = False, dry_run: bool = False) -> ImportReport:
        """Register the rows that can be; the report tells the others' reasons. Raises ``LimitExceeded``."""
        if len(rows) > self._settings.import_rows:
            raise too_many("rows in one import", self._settings.import_rows, "import_rows")
        now_ms = self._clock.now_ms()
        report = await asyncio.to_thread(self._bulk.insert, [*rows], now_ms, issue=issue, dry_run=dry_run)
        if report.created and not dry_run:
            await self._changes.announce(EVERY)
        return report

    async def import_csv(self, data: bytes, *, issue: bool = False, dry_run: bool = False) -> ImportReport:
        """The same for a CSV file in UTF-8 or GB 18030. Raises ``Invalid`` when it is none."""
        rows = await asyncio.to_thread(lambda: read_csv(_decode(data)))
        return await self.import_json(rows, issue=issue, dry_run=dry_run)

    async def export_csv(self, query: DeviceQuery) -> AsyncIterator[str]:
        """The devices as CSV that can be imported again, some rows at a time."""
        models = await asyncio.to_thread(self._models.list)
        names = {model.id: model.name for model in models}
        parts: Iterator[str] = write_csv(self._store.iter(query), names)
        while True:
            part = await asyncio.to_thread(next, parts, None)
            if part is None:
                return
            yield part


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise invalid("The file is neither UTF-8 nor GB 18030.", "", code="devices.import_unreadable")


def _clean(change: DeviceChange) -> dict[str, Any]:
    values: dict[str, Any] = {
        key: value for key in DeviceChange.__struct_fields__ if (value := getattr(change, key)) is not UNSET
    }
    if "name" in values:
        values["name"] = check_name(values["name"], "/name")
    if "title" in values:
        values["title"] = clean_title(values["title"])
    if "tags" in values:
        values["tags"] = clean_tags(values["tags"], "/tags")
    if values.get("sparkplug") is not None:
        check_address(values["sparkplug"], "/sparkplug")
    return values
