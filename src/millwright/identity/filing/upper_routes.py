"""HTTP routes of nodes above."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from millwright.identity.filing.uppers import Uppers
from millwright.identity.filing.views import NewUpperNode, ReportSent, UpperCheck, UpperNode
from millwright.identity.rights import FILINGS_CONNECT
from millwright.parties import permit

Us = NamedDependency[Uppers]
Id = Annotated[str, PathParameter(description="The node above.", max_length=64)]
_CONNECT = [permit(FILINGS_CONNECT)]


class UppersController(Controller):
    """Nodes above."""

    path = "/upper-nodes"
    tags = ("Filing",)

    @get("/", summary="Nodes above", operation_id="listUpperNodes", guards=_CONNECT)
    async def page(self, uppers: Us) -> list[UpperNode]:
        """How each is reached and stands; no token is ever shown."""
        return await uppers.list()

    @post("/", summary="Connect a node above", operation_id="addUpperNode", guards=_CONNECT)
    async def add(self, data: JSONBody[NewUpperNode], uppers: Us) -> UpperNode:
        """Prefixes in force are filed with it from now on."""
        return await uppers.add(data)

    @put("/{upper_id:str}", summary="Change a node above", operation_id="updateUpperNode", guards=_CONNECT)
    async def change(self, upper_id: Id, data: JSONBody[NewUpperNode], uppers: Us) -> UpperNode:
        """Without a token, the one that is kept is used on; a new address takes the token anew."""
        return await uppers.change(upper_id, data)

    @delete("/{upper_id:str}", summary="Disconnect a node above", operation_id="deleteUpperNode", guards=_CONNECT)
    async def remove(self, upper_id: Id, uppers: Us) -> None:
        """What was filed is kept; what waits is not sent."""
        await uppers.remove(upper_id)

    @post("/{upper_id:str}/check", summary="Test the connection to a node above", operation_id="checkUpperNode",
          status_code=200, guards=_CONNECT)  # fmt: skip
    async def check(self, upper_id: Id, uppers: Us) -> UpperCheck:
        """Whether it answers, takes the token, has the key that is known and the time; takes its key at first."""
        return await uppers.check(upper_id)

    @post("/{upper_id:str}/filings", summary="File everything anew", operation_id="fileAllWithUpperNode",
          status_code=200, guards=_CONNECT)  # fmt: skip
    async def file_all(self, upper_id: Id, uppers: Us) -> UpperNode:
        """Every prefix in force, as it is now."""
        return await uppers.file_all(upper_id)

    @get("/{upper_id:str}/reports", summary="Reports to a node above", operation_id="listUpperNodeReports",
         guards=_CONNECT)  # fmt: skip
    async def reports(self, upper_id: Id, uppers: Us) -> list[ReportSent]:
        """Newest first."""
        return await uppers.reports(upper_id)


ROUTES: list[type[Controller]] = [UppersController]
