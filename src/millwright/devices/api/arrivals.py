"""Routes of arrivals."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.arrivals import Adoption, Arrival, ArrivalService
from millwright.devices.registry import Device
from millwright.parties import require_role, require_session

Id = Annotated[str, Parameter(description="The arrival.", max_length=64)]


class ArrivalsController(Controller):
    """Devices that made contact and are not registered."""

    path = "/arrivals"
    tags = ["Arrivals"]  # noqa: RUF012
    guards = [require_session]  # noqa: RUF012

    @get("/", summary="Arrivals", operation_id="listArrivals")
    async def list_arrivals(self, arrivals: NamedDependency[ArrivalService]) -> list[Arrival]:
        """Every arrival, the latest heard first. Empty when `[devices] arrivals` is `off`."""
        return await arrivals.list()

    @post("/{arrival_id:str}/adopt", summary="Adopt", operation_id="adoptArrival", guards=[require_role("engineer")])
    async def adopt(
        self, arrival_id: Id, data: JSONBody[Adoption], arrivals: NamedDependency[ArrivalService]
    ) -> Device:
        """Register it: it is let in with the credential it already presents, nothing is changed on the device."""
        return await arrivals.adopt(arrival_id, data)

    @delete("/{arrival_id:str}", summary="Dismiss", operation_id="dismissArrival", guards=[require_role("engineer")])
    async def dismiss(self, arrival_id: Id, arrivals: NamedDependency[ArrivalService]) -> None:
        """Forget it; it comes back at its next contact."""
        await arrivals.dismiss(arrival_id)
