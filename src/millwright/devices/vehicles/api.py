"""Routes of vehicles."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from millwright.devices.models import Model
from millwright.devices.registry import Device
from millwright.devices.rights import DEVICES_CREDENTIAL, DEVICES_READ, MODELS_WRITE
from millwright.devices.vehicles.service import NewPlatform, Terminal, TerminalReport, VehicleAccess, Vehicles
from millwright.parties import permit


class VehiclesController(Controller):
    """Vehicles that speak GB/T 32960."""

    path = "/vehicles"
    tags = ["Vehicles"]  # noqa: RUF012

    @get("/", summary="Where vehicles connect", operation_id="getVehicleAccess", guards=[permit(DEVICES_READ)])
    async def access(self, vehicles: NamedDependency[Vehicles]) -> VehicleAccess:
        """The ports, and the ready thing model if it was made."""
        return await vehicles.access()

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
        """The ready thing model, made at the first call."""
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
