"""Use cases of vehicles: the ready model, terminals and platforms registered with what they log in with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from millwright.devices.credentials import NewCredential
from millwright.devices.models import Model
from millwright.devices.names import key_of
from millwright.devices.registry import Device, DeviceQuery, NewDevice, Status
from millwright.devices.service import DevicesService
from millwright.devices.vehicles.frames import VIN_BYTES
from millwright.devices.vehicles.links import ForwardTarget, Link, LinkClient
from millwright.devices.vehicles.parameters import QUERY_SERVICE
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.devices.vehicles.store import FleetStore
from millwright.devices.vehicles.thing_model import document, document_of, with_commands
from millwright.devices.vehicles.topics import DIALECT
from millwright.devices.vehicles.vin import find_fault
from millwright.devices.vehicles.writing import PASSWORD_BYTES, USERNAME_BYTES
from millwright.kernel import ROOT, LimitExceeded, MillwrightError, current_scope

TAG = "gbt32960"
"""Of platforms that were registered as such."""
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
    """Where vehicles connect; null: not there. ``commands``: the ready model knows the terminals' commands.

    ``running`` and what follows are of the role that has the connections: null while it does not run. Targets of
    forwarding and refused messages are the node's, and told to its own organisation alone.
    """

    port: int | None
    tls_port: int | None
    model_id: str | None
    commands: bool = False
    running: bool = False
    vehicles: int | None = None
    platforms: int | None = None
    refused: dict[str, int] = {}
    forwards: list[ForwardTarget] = []


class TerminalState(Struct, frozen=True, kw_only=True):
    """A vehicle, and its terminal's own connection where it has one now."""

    device: Device
    vin: str | None
    platform_id: Annotated[str | None, Meta(description="The platform that speaks for it.")] = None
    platform: str | None = None
    link: Link | None = None


class TerminalPage(Struct, frozen=True, kw_only=True):
    """Vehicles by name; ``next`` continues the list."""

    items: list[TerminalState]
    next: str | None


class PlatformState(Struct, frozen=True, kw_only=True):
    """A platform that forwards its vehicles to this node."""

    device: Device
    vehicles: int
    vehicles_online: int
    link: Link | None = None


class Vehicles:
    """Over the devices; one in each process that needs it."""

    def __init__(
        self, devices: DevicesService, settings: VehiclesSettings, links: LinkClient, fleet: FleetStore
    ) -> None:
        self._devices, self._settings, self._links, self._fleet = devices, settings, links, fleet

    async def access(self) -> VehicleAccess:
        """Where vehicles connect, the ready model if it is there, and how the role does that has the connections."""
        found = await self._find_model()
        chosen = self._settings
        listens = bool(chosen.port or chosen.tls_port)
        told = await self._links.find() if listens else None
        own = told is not None and current_scope().home in (None, ROOT)
        return VehicleAccess(
            port=chosen.port or None,
            tls_port=chosen.tls_port or None,
            model_id=found.id if found else None,
            commands=found is not None and any(each.name == QUERY_SERVICE for each in found.services),
            running=told is not None,
            vehicles=told.vehicles if told and own else None,
            platforms=told.platforms if told and own else None,
            refused=told.refused if told and own else {},
            forwards=told.forwards if told and own else [],
        )

    async def terminals(self, q: str | None, status: Status | None, cursor: str | None, limit: int) -> TerminalPage:
        """Vehicles of the ready model, with their terminals' connections; none while there is no model."""
        model = await self._find_model()
        if model is None:
            return TerminalPage(items=[], next=None)
        query = DeviceQuery(q=q, status=status, model_id=model.id)
        page = await self._devices.page(query, cursor=cursor, limit=limit)
        links = await self._links_of(page.items)
        parents = {each.parent_id for each in page.items if each.parent_id is not None}
        names = {each: (await self._devices.registry.get(each)).name for each in parents}
        return TerminalPage(
            items=[
                TerminalState(
                    device=each,
                    vin=_vin_of(each, links.get(each.id)),
                    platform_id=each.parent_id,
                    platform=names.get(each.parent_id or ""),
                    link=links.get(each.id),
                )
                for each in page.items
            ],
            next=page.next,
        )

    async def platforms(self) -> list[PlatformState]:
        """Gateways that are platforms: registered as one, connected as one, or with vehicles below them."""
        found, cursor = [], None
        while True:
            page = await self._devices.page(DeviceQuery(kind="gateway"), cursor=cursor, limit=MOST_TERMINALS)
            found += page.items
            if (cursor := page.next) is None:
                break
        links = await self._links_of(found)
        ids = [each.id for each in found]
        counts = await asyncio.to_thread(self._fleet.count, ids)
        return [
            PlatformState(
                device=each,
                vehicles=counts[each.id].total if each.id in counts else 0,
                vehicles_online=counts[each.id].online if each.id in counts else 0,
                link=links.get(each.id),
            )
            for each in found
            if TAG in each.tags or each.id in links or each.id in counts
        ]

    async def _links_of(self, devices: Sequence[Device]) -> dict[str, Link]:
        wanted = {each.id for each in devices}
        told = await self._links.find([*wanted]) if wanted else None
        return {each.device_id: each for each in told.links if each.device_id in wanted} if told else {}

    async def model(self) -> Model:
        """The ready model, made at the first call; its latest version where it was changed, with what it lacks to
        command terminals: vehicles are moved to that."""
        found = await self._find_model()
        if found is None:
            return await self._devices.models.create(document())
        whole = with_commands(document_of(found))
        return found if whole is None else await self._devices.models.add_version(found.id, whole, upgrade=True)

    async def _ready(self) -> Model:
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
        model = await self._ready()
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
        await self._ready()  # its vehicles take it
        device = NewDevice(name=new.name, kind="gateway", registers=new.registers, tags=(TAG,))
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


def _vin_of(device: Device, link: Link | None) -> str | None:
    """What its terminal logs in with, where that is known without asking for its credential."""
    if device.address is not None and device.address.dialect == DIALECT:
        return device.address.name
    if link is not None:
        return link.name
    return device.name if len(device.name) == VIN_BYTES and device.name.isascii() and device.name.isalnum() else None
