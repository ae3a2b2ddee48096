"""HTTP routes of nodes below that file, and the series of their reports."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from millwright.identity.filing.filers import Filers
from millwright.identity.filing.people_routes import Asking, Me
from millwright.identity.filing.views import Filer, FilerChange, MadeFiler, NewFiler, ReportView
from millwright.identity.rights import FILINGS_MANAGE, FILINGS_READ
from millwright.parties import chosen_organisation, permit

Us = NamedDependency[Filers]
Id = Annotated[str, PathParameter(description="The node below.", max_length=64)]
_READ, _MANAGE = [permit(FILINGS_READ)], [permit(FILINGS_MANAGE)]
_SECRET = {"Cache-Control": "no-store"}


class FilersController(Controller):
    """Nodes below."""

    path = "/filers"
    tags = ("Filing",)

    @get("/", summary="Nodes below that file", operation_id="listFilers", guards=_READ)
    async def page(self, request: Asking, filers: Us, authority: Me) -> list[Filer]:
        """Each with whose prefixes it may file, its key, and whether its reports are late."""
        return await filers.list(authority, chosen_organisation(request))

    @post("/", summary="Admit a node below", operation_id="addFiler", guards=_MANAGE)
    async def add(self, data: JSONBody[NewFiler], filers: Us, authority: Me) -> Response[MadeFiler]:
        """It gets an account that may do nothing but file; its token is shown this once."""
        return Response(await filers.add(authority, data), status_code=201, headers=_SECRET)

    @put("/{filer_id:str}", summary="Change a node below", operation_id="updateFiler", guards=_MANAGE)
    async def change(self, filer_id: Id, data: JSONBody[FilerChange], filers: Us, authority: Me) -> Filer:
        """Its name, whether its filings are reviewed, whether it may file, and its key."""
        return await filers.change(authority, filer_id, data)

    @post("/{filer_id:str}/token", summary="Give a node below a new token", operation_id="renewFilerToken",
          guards=_MANAGE)  # fmt: skip
    async def token(self, filer_id: Id, filers: Us, authority: Me) -> Response[MadeFiler]:
        """The token before is worth nothing from now on."""
        return Response(await filers.renew_token(authority, filer_id), status_code=201, headers=_SECRET)

    @delete("/{filer_id:str}", summary="Remove a node below", operation_id="deleteFiler", guards=_MANAGE)
    async def remove(self, filer_id: Id, filers: Us, authority: Me) -> None:
        """Its account goes; what it filed stays in the register."""
        await filers.remove(authority, filer_id)

    @get("/{filer_id:str}/reports", summary="Reports of a node below", operation_id="listFilerReports", guards=_READ)
    async def reports(
        self,
        filer_id: Id,
        request: Asking,
        filers: Us,
        authority: Me,
        limit: Annotated[int, QueryParameter(ge=1, le=400, description="Most reports.")] = 31,
    ) -> list[ReportView]:
        """Newest first, with a line where some are missing."""
        return await filers.reports(authority, filer_id, limit, chosen_organisation(request))


ROUTES: list[type[Controller]] = [FilersController]
