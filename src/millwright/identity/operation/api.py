"""HTTP routes of watching resolution; mounted below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from millwright.identity.operation.model import (
    Finding,
    FindingAcknowledgement,
    FindingPage,
    FindingState,
    HotNames,
    NodeFigures,
    OperationSummary,
    SeriesView,
)
from millwright.identity.operation.service import Operation
from millwright.identity.rights import IDENTIFIERS_OPERATE, RESOLUTION_READ
from millwright.parties import Authority, Session, permit

Us = NamedDependency[Operation]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Id = Annotated[str, PathParameter(description="Id of the finding.", max_length=64)]
_OPERATE, _WATCH = [permit(IDENTIFIERS_OPERATE)], [permit(RESOLUTION_READ)]


class OperationController(Controller):
    """How identifiers are resolved here."""

    path = "/identifiers/operation"
    tags = ("Identifiers",)

    @get("/", summary="What waits for somebody", operation_id="getOperation", guards=_OPERATE)
    async def summary(self, operation: Us, authority: Me) -> OperationSummary:
        """How many abnormal look-ups are open, and which prefixes have no accepted filing: of one's own."""
        return await operation.summary(authority)

    @get("/node", summary="How resolution stands", operation_id="getOperationNode", guards=_WATCH)
    async def node(self, operation: Us) -> NodeFigures:
        """Rates, latencies, failures by cause, and mirrors of the node as a whole."""
        return await operation.node()

    @get("/series", summary="Resolution over time", operation_id="getOperationSeries", guards=_WATCH)
    async def series(
        self,
        operation: Us,
        span: Annotated[
            Literal["hour", "day", "month"],
            QueryParameter(description="The last hour by minute, day by ten minutes, or thirty days by hour."),
        ] = "hour",
    ) -> SeriesView:
        """Of the node as a whole."""
        return await operation.series(span)

    @get("/hot", summary="Hot identifiers", operation_id="listHotIdentifiers", guards=_OPERATE)
    async def hot(
        self,
        operation: Us,
        span: Annotated[Literal["hour", "day"], QueryParameter(description="The last hour or day.")] = "hour",
        limit: Annotated[int, QueryParameter(ge=1, le=100, description="Most identifiers.")] = 20,
    ) -> HotNames:
        """Of one's own prefixes, those that are asked for most, as far as they are among the hundred of all."""
        return await operation.hot(span, limit)

    @get("/findings", summary="Abnormal look-ups", operation_id="listOperationFindings", guards=_OPERATE)
    async def findings(
        self,
        operation: Us,
        of_state: Annotated[
            FindingState | None, QueryParameter(name="state", description="Only in this state.")
        ] = None,
    ) -> FindingPage:
        """With what shows them: of one's own prefixes; on the topmost organisation every network that stands out."""
        return FindingPage(items=await operation.findings(of_state))

    @post("/findings/{finding_id:str}/acknowledge", summary="Acknowledge a finding",
          operation_id="acknowledgeOperationFinding", status_code=200, guards=_OPERATE)  # fmt: skip
    async def acknowledge(
        self, finding_id: Id, data: JSONBody[FindingAcknowledgement], operation: Us, session: Who
    ) -> Finding:
        """Say what was found out or done. What occurs again within a day is counted on; later it is a new finding."""
        return await operation.acknowledge(session, finding_id, data.comment)


ROUTES: list[type[Controller]] = [OperationController]
