"""HTTP routes of filing between nodes; mounted below ``/api/v1``. What people see is in :mod:`.people_routes`."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from millwright.identity.filing import filer_routes, people_routes, upper_routes
from millwright.identity.filing.model import Delivery, FilingAnswer, FilingDesk, ReportAnswer
from millwright.identity.filing.service import Filings
from millwright.identity.rights import FILINGS_SUBMIT
from millwright.parties import Session, permit

_SUBMIT = [permit(FILINGS_SUBMIT)]


class FilingDeskController(Controller):
    """What a node below does, with the token of its account."""

    path = "/filings"
    tags = ("Filing between nodes",)

    @get("/desk", summary="This node's filing desk", operation_id="getFilingDesk", guards=_SUBMIT)
    async def desk(self, filings: NamedDependency[Filings], session: NamedDependency[Session]) -> FilingDesk:
        """Its name, public key and clock, and what the account may file."""
        return await filings.receiving.desk(session)

    @post("/", summary="File a prefix", operation_id="file", guards=_SUBMIT, status_code=200)
    async def file(
        self, data: JSONBody[Delivery], filings: NamedDependency[Filings], session: NamedDependency[Session]
    ) -> FilingAnswer:
        """A signed filing; answered by a signed receipt. The same document sent again is answered again."""
        return await filings.receiving.file(session, data.document)

    @get("/answers", summary="How filings stand", operation_id="getFilingAnswers", guards=_SUBMIT)
    async def answers(
        self,
        filings: NamedDependency[Filings],
        session: NamedDependency[Session],
        ids: Annotated[
            list[str] | None, QueryParameter(name="id", max_items=50, description="Ids of filings; repeat it.")
        ] = None,
    ) -> list[FilingAnswer]:
        """Those of one's own, with every receipt, also of nodes further above."""
        return await filings.receiving.answers(session, ids or [])

    @post("/reports", summary="Report", operation_id="reportFilings", guards=_SUBMIT, status_code=200)
    async def report(
        self, data: JSONBody[Delivery], filings: NamedDependency[Filings], session: NamedDependency[Session]
    ) -> ReportAnswer:
        """A signed report of a period; answered by a signed receipt."""
        return await filings.receiving.report(session, data.document)


ROUTES: list[type[Controller]] = [
    FilingDeskController,
    *people_routes.ROUTES,
    *filer_routes.ROUTES,
    *upper_routes.ROUTES,
]
