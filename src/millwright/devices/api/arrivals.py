"""Routes of arrivals."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.arrivals import Adoption, Arrival, ArrivalService
from millwright.devices.registry import Device
from millwright.devices.rights import ARRIVALS_ADOPT, ARRIVALS_READ
from millwright.parties import permit

Id = Annotated[str, Parameter(description="The arrival.", max_length=64)]


class ArrivalsController(Controller):
    """Devices that made contact and are not registered."""

    path = "/arrivals"
    tags = ["Arrivals"]  # noqa: RUF012

    @get("/", summary="Arrivals", operation_id="listArrivals", guards=[permit(ARRIVALS_READ)])
    async def list_arrivals(self, arrivals: NamedDependency[ArrivalService]) -> list[Arrival]:
        """Every arrival, the latest heard first. Empty when `[devices] arrivals` is `off`."""
        return await arrivals.list()

    @post("/{arrival_id:str}/adopt", summary="Adopt", operation_id="adoptArrival", guards=[permit(ARRIVALS_ADOPT)])
    async def adopt(
        self, arrival_id: Id, data: JSONBody[Adoption], arrivals: NamedDependency[ArrivalService]
    ) -> Device:
        """Register it: it is let in with the credential it already presents, nothing is changed on the device."""
        return await arrivals.adopt(arrival_id, data)

    @delete("/{arrival_id:str}", summary="Dismiss", operation_id="dismissArrival", guards=[permit(ARRIVALS_ADOPT)])
    async def dismiss(self, arrival_id: Id, arrivals: NamedDependency[ArrivalService]) -> None:
        """Forget it; it comes back at its next contact."""
        await arrivals.dismiss(arrival_id)
