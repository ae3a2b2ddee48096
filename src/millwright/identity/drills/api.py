"""HTTP routes of drills; mounted below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from millwright.identity.drills.model import Drill, DrillPage, NewDrill
from millwright.identity.drills.service import Drills
from millwright.identity.rights import DRILLS_READ, DRILLS_RUN
from millwright.ledger import note
from millwright.parties import Session, permit

Us = NamedDependency[Drills]
Who = NamedDependency[Session]


class DrillsController(Controller):
    """Drills of the register: whether it survives the loss of its primary, and can be restored."""

    path = "/identifiers/drills"
    tags = ("Drills",)

    @get("/", summary="Drills", operation_id="listIdentifierDrills", guards=[permit(DRILLS_READ)])
    async def page(
        self,
        drills: Us,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Drills on a page.")] = 50,
    ) -> DrillPage:
        """Newest first, with what each measured."""
        return await drills.list(limit)

    @get("/{drill_id:str}", summary="A drill", operation_id="getIdentifierDrill", guards=[permit(DRILLS_READ)])
    async def one(
        self, drill_id: Annotated[str, PathParameter(description="The drill's id.", max_length=64)], drills: Us
    ) -> Drill:
        """As far as it is."""
        return await drills.get(drill_id)

    @post("/", summary="Rehearse", operation_id="startIdentifierDrill", guards=[permit(DRILLS_RUN)])
    async def start(self, data: JSONBody[NewDrill], drills: Us, session: Who) -> Drill:
        """A rehearsal on copies of the register: the node goes on as it is. It takes disk space for two to four copies
        while it runs. Live drills are run on the command line."""
        begun = await drills.rehearse(data, session.person.id)
        note("identifier_drill", begun.id, before=None, after={"kind": begun.kind})
        return begun


ROUTES: list[type[Controller]] = [DrillsController]
