"""Routes of vehicles."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter

from millwright.devices.models import Model
from millwright.devices.registry import Device, Status
from millwright.devices.rights import DEVICES_CREDENTIAL, DEVICES_READ, MODELS_WRITE
from millwright.devices.vehicles.service import (
    NewPlatform,
    PlatformState,
    Terminal,
    TerminalPage,
    TerminalReport,
    VehicleAccess,
    Vehicles,
)
from millwright.parties import permit


class VehiclesController(Controller):
    """Vehicles that speak GB/T 32960."""

    path = "/vehicles"
    tags = ["Vehicles"]  # noqa: RUF012

    @get("/", summary="Where vehicles connect", operation_id="getVehicleAccess", guards=[permit(DEVICES_READ)])
    async def access(self, vehicles: NamedDependency[Vehicles]) -> VehicleAccess:
        """The ports, the ready thing model if it was made, how many are connected, and how forwarding does."""
        return await vehicles.access()

    @get("/terminals", summary="Vehicles", operation_id="listVehicles", guards=[permit(DEVICES_READ)])
    async def terminals(
        self,
        vehicles: NamedDependency[Vehicles],
        q: Annotated[str | None, Parameter(description="Words in name, title, tags or id.", max_length=255)] = None,
        status: FromQuery[Status | None] = None,
        cursor: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=1100)] = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 50,
    ) -> TerminalPage:
        """Vehicles of the ready model by name: whether they are there, since when and why not, and from where."""
        return await vehicles.terminals(q, status, cursor, limit)

    @get("/platforms", summary="Platforms", operation_id="listVehiclePlatforms", guards=[permit(DEVICES_READ)])
    async def platforms(self, vehicles: NamedDependency[Vehicles]) -> list[PlatformState]:
        """Platforms that forward their vehicles to this node, with how many are there."""
        return await vehicles.platforms()

    @post(
        "/",
        summary="Register vehicles",
        operation_id="addVehicles",
        guards=[permit(DEVICES_CREDENTIAL)],
        status_code=200,
    )
    async def register(self, data: JSONBody[list[Terminal]], vehicles: NamedDependency[Vehicles]) -> TerminalReport:
        """Register vehicles by VIN and ICCID; the rows that can be are, the others come back with their reason."""
        return await vehicles.register(data)

    @post("/model", summary="The model of vehicles", operation_id="ensureVehicleModel", guards=[permit(MODELS_WRITE)])
    async def model(self, vehicles: NamedDependency[Vehicles]) -> Model:
        """The ready thing model, made at the first call; one without the terminals' commands gets them."""
        return await vehicles.model()

    @post(
        "/platforms",
        summary="Register a platform",
        operation_id="addVehiclePlatform",
        guards=[permit(DEVICES_CREDENTIAL)],
    )
    async def platform(self, data: JSONBody[NewPlatform], vehicles: NamedDependency[Vehicles]) -> Device:
        """Register a platform that forwards its vehicles to this node."""
        return await vehicles.register_platform(data)
