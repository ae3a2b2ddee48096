"""HTTP routes of measures; mounted below ``/api/v1``. Each kind has a route of its own, so that a policy of four eyes
may name it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from millwright.identity.measures.model import (
    MeasureInfo,
    MeasureLift,
    MeasurePage,
    MeasureReach,
    MeasureState,
    MeasureTarget,
    NewAnnouncement,
    NewRedirection,
    NewSuspension,
)
from millwright.identity.measures.service import Eyes, Measures
from millwright.identity.records.model import MeasureKind
from millwright.identity.rights import IDENTIFIERS_EMERGENCY, IDENTIFIERS_READ
from millwright.parties import Authority, Session, authority_of, chosen_organisation, permit

Us = NamedDependency[Measures]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Id = Annotated[str, PathParameter(description="The measure's id.", max_length=64)]
States = Annotated[
    list[MeasureState] | None, QueryParameter(name="state", description="Only in these states; repeat it.")
]
Kinds = Annotated[list[MeasureKind] | None, QueryParameter(name="kind", description="Only of these kinds; repeat it.")]
_READ, _ACT = [permit(IDENTIFIERS_READ)], [permit(IDENTIFIERS_EMERGENCY)]


class MeasuresController(Controller):
    """Suspending, redirecting and announcing: on every interface, resolver and mirror, within moments."""

    path = "/identifiers/measures"
    tags = ("Identifiers",)

    @get("/", summary="List measures", operation_id="listMeasures", guards=_READ)
    async def list(
        self,
        request: Asking,
        measures: Us,
        states: States = None,
        kinds: Kinds = None,
        prefix: Annotated[
            str | None, QueryParameter(max_length=400, description="Only for names of this prefix.")
        ] = None,
        identifier: Annotated[
            str | None, QueryParameter(max_length=2048, description="Only those that hold for this identifier.")
        ] = None,
        cursor: Annotated[str | None, QueryParameter(max_length=64, description="`next` of the page before.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Most measures of a page.")] = 100,
    ) -> MeasurePage:
        """Those for prefixes that one's organisations hold or decide on, newest first; also what is over."""
        return await measures.list(
            _eyes(request), states=states or (), kinds=kinds or (), prefix=prefix, identifier=identifier,
            before=cursor, limit=limit,
        )  # fmt: skip

    @get("/{measure_id:str}", summary="A measure", operation_id="getMeasure", guards=_READ)
    async def get(self, measure_id: Id, request: Asking, measures: Us) -> MeasureInfo:
        """Who took it, when, why and for what; and how it ended."""
        return await measures.get(_eyes(request), measure_id)

    @post("/preview", summary="See what a measure would touch", operation_id="previewMeasure", guards=_ACT,
          opt={"reads": True}, status_code=200)  # fmt: skip
    async def preview(self, data: JSONBody[MeasureTarget], measures: Us) -> MeasureReach:
        """How many identifiers, and some of them. Changes nothing."""
        return await measures.preview(data)

    @post("/suspend", summary="Suspend identifiers", operation_id="suspendIdentifiers", guards=_ACT, status_code=200)
    async def suspend(self, data: JSONBody[NewSuspension], measures: Us, authority: Me, session: Who) -> MeasureInfo:
        """They resolve on no interface until that is lifted or over; their records are kept as they are."""
        return await measures.take(authority, session, "suspend", data)

    @post("/redirect", summary="Redirect identifiers", operation_id="redirectIdentifiers", guards=_ACT, status_code=200)
    async def redirect(
        self, data: JSONBody[NewRedirection], request: Asking, measures: Us, authority: Me, session: Who
    ) -> MeasureInfo:
        """Whoever follows one, or looks at its page, is sent to another address; the record stays as it is."""
        return await measures.take(authority, session, "redirect", data, [str(request.base_url)])

    @post("/announce", summary="Announce for identifiers", operation_id="announceForIdentifiers", guards=_ACT,
          status_code=200)  # fmt: skip
    async def announce(self, data: JSONBody[NewAnnouncement], measures: Us, authority: Me, session: Who) -> MeasureInfo:
        """A notice on their pages, a link in their linksets, and a value `MW_NOTICE` for programs."""
        return await measures.take(authority, session, "announce", data)

    @post("/{measure_id:str}/lift", summary="Lift a measure", operation_id="liftMeasure", guards=_ACT, status_code=200)
    async def lift(
        self, measure_id: Id, data: JSONBody[MeasureLift], measures: Us, authority: Me, session: Who
    ) -> MeasureInfo:
        """End it now; everything is answered as before."""
        return await measures.lift(authority, session, measure_id, data.reason)


def _eyes(request: Asking) -> Eyes:
    return Eyes.of(authority_of(request), chosen_organisation(request))


ROUTES: list[type[Controller]] = [MeasuresController]
