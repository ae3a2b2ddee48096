"""A thing model, a device and its points from ticked tags, in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from millwright.devices.connectors.model import NewPoint, NewThing, Tag, Thing
from millwright.devices.connectors.naming import property_of
from millwright.devices.connectors.service import Connectors
from millwright.devices.errors import invalid
from millwright.devices.models import ModelDocument, PropertySpec
from millwright.devices.registry import NewDevice
from millwright.devices.service import DevicesService
from millwright.kernel import Invalid, MillwrightError, Scope, units
from millwright.kernel.scope import within


class Scopes(NamedTuple):
    """Where the person may make devices and models."""

    devices: Scope
    models: Scope


class Things:
    """Maps tags to devices. What it made before something failed is taken back."""

    def __init__(self, connectors: Connectors, devices: DevicesService) -> None:
        self._connectors, self._devices = connectors, devices

    async def make(self, connection_id: str, new: NewThing, scopes: Scopes) -> Thing:
        """Make what is asked for, a model and a device in the scopes given.

        Raises ``NotFound``, ``Invalid`` or ``Conflict``.
        """
        connection = await self._connectors.get(connection_id)
        if (new.device_id is None) == (new.device_name is None):
            raise invalid("Name a device that is there by device_id, or a new one by device_name.", "/device_id")
        if new.device_id is not None and (new.model_id or new.model_name):
            raise invalid("A device that is there keeps its model.", "/model_id")
        names = _names(new.tags)
        model_id, made_model = new.model_id, False
        if new.model_name:
            with within(scopes.models):
                model_id = (await self._devices.models.create(_document(new.model_name, new.tags, names))).id
            made_model = True
        made_device = False
        try:
            if new.device_id is not None:
                device = await self._devices.registry.get(new.device_id)
            else:
                place_id = new.place_id or connection.place_id
                with within(scopes.devices):
                    device = await self._devices.registry.create(
                        NewDevice(
                            name=new.device_name or "",
                            model_id=model_id,
                            place_id=place_id,
                            edge_id=connection.edge_id,
                        )
                    )
                made_device = True
            points = [
                NewPoint(
                    address=tag.address,
                    device_id=device.id,
                    property=name,
                    interval_ms=tag.interval_ms,
                    deadband=tag.deadband,
                    writable=tag.writable,
                )
                for tag, name in zip(new.tags, names, strict=True)
            ]
            count = await self._connectors.add_points(connection_id, points)
        except MillwrightError:
            if made_device:
                with within(scopes.devices):
                    await self._devices.registry.delete(device.id)
            if made_model and model_id:
                with within(scopes.models):
                    await self._devices.models.delete(model_id)
            raise
        return Thing(device_id=device.id, device_name=device.name, model_id=device.model_id, points=count)


def _names(tags: Sequence[Tag]) -> list[str]:
    taken = {tag.property for tag in tags if tag.property}
    names = []
    for tag in tags:
        name = tag.property or property_of(tag, taken)
        taken.add(name)
        names.append(name)
    return names


def _unit_of(tag: Tag) -> str | None:
    """The tag's unit, where it is one that models take: a source may write units in its own way."""
    if tag.unit is None or tag.type not in (None, "number", "integer"):
        return None
    try:
        units.check(tag.unit)
    except Invalid:
        return None
    return tag.unit


def _document(name: str, tags: Sequence[Tag], names: Sequence[str]) -> ModelDocument:
    return ModelDocument(
        name=name,
        properties=tuple(
            PropertySpec(
                name=each,
                type=tag.type or "number",
                title=(tag.name or None) if tag.name != each else None,
                description=tag.description or None,
                unit=_unit_of(tag),
                writable=tag.writable,
            )
            for tag, each in zip(tags, names, strict=True)
        ),
    )
