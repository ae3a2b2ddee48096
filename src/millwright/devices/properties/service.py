"""Use cases of properties."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from millwright.devices.models.model import PropertySpec, PropertyType
from millwright.devices.models.store import ModelStore
from millwright.devices.properties.model import TYPES, DeviceProperty, LatestValue, SeenProperty
from millwright.devices.properties.store import PropertyStore
from millwright.devices.registry.store import DeviceStore
from millwright.historian import HistorianClient, SeriesInfo
from millwright.kernel import Clock, Invalid, Unavailable, units


class PropertyService:
    """Notes what devices send, and shows it beside what their models declare."""

    def __init__(self, store: PropertyStore, devices: DeviceStore, models: ModelStore, clock: Clock) -> None:
        self._store = store
        self._devices = devices
        self._models = models
        self._clock = clock

    async def note(self, series: Iterable[SeriesInfo]) -> None:
        """Keep series that a device sent for the first time (or whose kind or unit is news)."""
        now_ms = self._clock.now_ms()
        seen = [
            SeenProperty(
                device_id=info.device_id,
                property=info.property,
                type=TYPES[info.kind],
                unit=info.unit[:64] if info.unit else None,
                known=info.known,
                first_seen_ms=now_ms,
            )
            for info in series
        ]
        if seen:
            await asyncio.to_thread(self._store.note, seen)

    async def list(self, device_id: str, historian: HistorianClient | None = None) -> list[DeviceProperty]:
        """Declared properties in the model's order, then the others by name, each with its newest reading.

        Raises ``NotFound``. A historian that is away costs the readings, not the list.
        """
        declared, seen = await asyncio.to_thread(self._read, device_id)
        newest: dict[str, LatestValue] = {}
        if historian is not None:
            try:
                newest = {
                    reading.property: LatestValue(time_ms=reading.time_ms, value=reading.value, quality=reading.quality)
                    for reading in await historian.latest([device_id])
                }
            except Unavailable:
                newest = {}
        names = [spec.name for spec in declared]
        by_name = {spec.name: spec for spec in declared}
        sent = {found.property: found for found in seen}
        names += sorted((set(sent) | set(newest)) - set(names))
        return [_merge(name, by_name.get(name), sent.get(name), newest.get(name)) for name in names]

    def _read(self, device_id: str) -> tuple[tuple[PropertySpec, ...], Sequence[SeenProperty]]:
        device = self._devices.get(device_id)
        model = self._models.find(device.model_id, device.model_version) if device.model_id else None
        return (model.properties if model else ()), self._store.list(device_id)


def _merge(
    name: str, spec: PropertySpec | None, seen: SeenProperty | None, latest: LatestValue | None
) -> DeviceProperty:
    unit = spec.unit if spec else (seen.unit if seen else None)
    return DeviceProperty(
        name=name,
        title=spec.title if spec else None,
        title_zh=spec.title_zh if spec else None,
        unit=unit,
        symbol=_symbol(unit),
        type=spec.type if spec else (seen.type if seen else _type_of(latest)),
        known=spec is not None,
        minimum=spec.minimum if spec else None,
        maximum=spec.maximum if spec else None,
        writable=spec.writable if spec else False,
        first_seen_ms=seen.first_seen_ms if seen else None,
        latest=latest,
    )


def _type_of(latest: LatestValue | None) -> PropertyType:
    value = latest.value if latest else None
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _symbol(unit: str | None) -> str | None:
    """The unit in print; what a device itself states (Sparkplug's engUnit) may be no UCUM and is shown as it is."""
    if unit is None:
        return None
    try:
        return units.symbol(unit)
    except Invalid:
        return unit
