"""Routes of places."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.places import NewPlace, Place, PlaceChange
from millwright.devices.rights import PLACES_READ, PLACES_WRITE
from millwright.devices.service import DevicesService
from millwright.parties import permit

Id = Annotated[str, Parameter(description="The place.", max_length=64)]


class PlacesController(Controller):
    """The tree of places."""

    path = "/places"
    tags = ["Places"]  # noqa: RUF012

    @get("/", summary="Places", operation_id="listPlaces", guards=[permit(PLACES_READ)])
    async def list_places(self, devices: NamedDependency[DevicesService]) -> list[Place]:
        """Every place as a flat list, parents before their children, siblings by name."""
        return await devices.places.list()

    @post("/", summary="Add a place", operation_id="addPlace", guards=[permit(PLACES_WRITE)])
    async def add(self, data: JSONBody[NewPlace], devices: NamedDependency[DevicesService]) -> Place:
        """Add a place below another, or a root. Levels may be skipped, never inverted."""
        return await devices.places.create(data)

    @get("/{place_id:str}", summary="A place", operation_id="getPlace", guards=[permit(PLACES_READ)])
    async def place(self, place_id: Id, devices: NamedDependency[DevicesService]) -> Place:
        """One place."""
        return await devices.places.get(place_id)

    @patch("/{place_id:str}", summary="Change a place", operation_id="updatePlace", guards=[permit(PLACES_WRITE)])
    async def update(
        self, place_id: Id, data: JSONBody[PlaceChange], devices: NamedDependency[DevicesService]
    ) -> Place:
        """Rename it, or move it with all below it."""
        return await devices.places.change(place_id, data)

    @delete("/{place_id:str}", summary="Remove a place", operation_id="deletePlace", guards=[permit(PLACES_WRITE)])
    async def remove(self, place_id: Id, devices: NamedDependency[DevicesService]) -> None:
        """Remove an empty place; refused while places or devices are in it."""
        await devices.places.delete(place_id)
