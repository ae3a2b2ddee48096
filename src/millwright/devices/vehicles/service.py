"""Use cases of vehicles: the ready model, terminals and platforms registered with what they log in with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from millwright.devices.credentials import NewCredential
from millwright.devices.models import Model
from millwright.devices.names import key_of
from millwright.devices.registry import Device, NewDevice
from millwright.devices.service import DevicesService
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.devices.vehicles.thing_model import document
from millwright.devices.vehicles.vin import find_fault
from millwright.devices.vehicles.writing import PASSWORD_BYTES, USERNAME_BYTES
from millwright.kernel import LimitExceeded, MillwrightError

MOST_TERMINALS = 1000
"""Registered by one request."""


class Terminal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vehicle to be registered, by what its terminal logs in with."""

    vin: Annotated[str, Meta(min_length=1, max_length=17, description="VIN.", examples=["LSVAM4187C2184847"])]
    iccid: Annotated[
        str, Meta(min_length=1, max_length=20, description="Of its SIM card; `-` where the terminal sends none.")
    ]
    name: Annotated[str | None, Meta(description="Null: the VIN.")] = None
    title: str | None = None
    place_id: str | None = None
    tags: tuple[str, ...] = ()


class RefusedTerminal(Struct, frozen=True, kw_only=True):
    """A row that was not taken; ``row`` counts from 1."""

    row: int
    vin: str
    code: str
    reason: str


class TerminalReport(Struct, frozen=True, kw_only=True):
    """What became of a list; ``doubtful``: VINs whose check digit or signs are wrong, registered all the same."""

    registered: list[Device]
    refused: list[RefusedTerminal]
    doubtful: dict[str, str]


class NewPlatform(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A platform that forwards its vehicles to this node."""

    name: str
    username: Annotated[str, Meta(min_length=1, max_length=USERNAME_BYTES, pattern="^[!-~]+$")]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_BYTES, pattern="^[!-~]+$")]
    registers: Annotated[bool, Meta(description="Register its vehicles unasked.")] = True


class VehicleAccess(Struct, frozen=True, kw_only=True):
    """Where vehicles connect; null: not there."""

    port: int | None
    tls_port: int | None
    model_id: str | None


class Vehicles:
    """Over the devices; one in each process that needs it."""

    def __init__(self, devices: DevicesService, settings: VehiclesSettings) -> None:
        self._devices, self._settings = devices, settings

    async def access(self) -> VehicleAccess:
        """Where vehicles connect, and the ready model if it is there."""
        found = await self._find_model()
        chosen = self._settings
        return VehicleAccess(
            port=chosen.port or None, tls_port=chosen.tls_port or None, model_id=found.id if found else None
        )

    async def model(self) -> Model:
        """The ready model, made at the first call; its latest version where it was changed."""
        return await self._find_model() or await self._devices.models.create(document())

    async def register(self, terminals: Sequence[Terminal]) -> TerminalReport:
        """Register vehicles with their credentials. Raises ``LimitExceeded`` for too many at once."""
        if len(terminals) > MOST_TERMINALS:
            raise LimitExceeded(
                f"No more than {MOST_TERMINALS} vehicles in one request.",
                code="devices.limit",
                hint="Send the list in parts.",
                detail={"limit": MOST_TERMINALS},
            )
        model = await self.model()
        report = TerminalReport(registered=[], refused=[], doubtful={})
        for row, each in enumerate(terminals, 1):
            fault = find_fault(each.vin)
            if fault is not None:
                report.doubtful[each.vin] = fault
            new = NewDevice(
                name=each.name or each.vin,
                title=each.title,
                model_id=model.id,
                place_id=each.place_id,
                tags=each.tags,
            )
            try:
                report.registered.append(await self._add(new, each.vin, each.iccid))
            except MillwrightError as error:
                report.refused.append(RefusedTerminal(row=row, vin=each.vin, code=error.code, reason=error.message))
        return report

    async def register_platform(self, new: NewPlatform) -> Device:
        """Register a platform as a gateway. Raises ``Invalid`` or ``Conflict`` (name, credential)."""
        await self.model()  # its vehicles take it
        device = NewDevice(name=new.name, kind="gateway", registers=new.registers)
        return await self._add(device, new.username, new.password)

    async def _add(self, new: NewDevice, username: str, password: str) -> Device:
        device = await self._devices.registry.create(new)
        try:
            await self._devices.credentials.issue(device.id, NewCredential(username=username, password=password))
        except MillwrightError:  # without its credential it would stand in the way of the next try
            await self._devices.registry.delete(device.id)
            raise
        return device

    async def _find_model(self) -> Model | None:
        key = key_of(document().name)
        found = await asyncio.to_thread(self._devices.model_store.list)
        return next((each for each in found if key_of(each.name) == key), None)
