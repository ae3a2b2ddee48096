"""A property of one device."""

from __future__ import annotations

from msgspec import Struct

from millwright.devices.models.model import PropertyType
from millwright.historian import Kind, Value

TYPES: dict[int, PropertyType] = {Kind.NUMBER: "number", Kind.BOOLEAN: "boolean", Kind.TEXT: "string"}
"""The type of a property that no model declares, by the kind of its readings."""


class SeenProperty(Struct, frozen=True, kw_only=True):
    """A property that a device has sent; ``known``: its model declares it."""

    device_id: str
    property: str
    type: PropertyType
    unit: str | None
    known: bool
    first_seen_ms: int


class LatestValue(Struct, frozen=True, kw_only=True):
    """The newest reading of a property."""

    time_ms: int
    value: Value
    quality: int


class DeviceProperty(Struct, frozen=True, kw_only=True):
    """A property as the device's page shows it.

    ``symbol`` is the unit in print; ``known`` false: the device sends it though no model declares it;
    ``first_seen_ms`` null: declared, never sent.
    """

    name: str
    title: str | None
    title_zh: str | None
    unit: str | None
    symbol: str | None
    type: PropertyType
    known: bool
    minimum: float | None
    maximum: float | None
    writable: bool
    first_seen_ms: int | None
    latest: LatestValue | None
