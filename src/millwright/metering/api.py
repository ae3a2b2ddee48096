"""HTTP routes of metering; mounted below ``/api/v1``."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from millwright.kernel import current_scope
from millwright.metering.export import CSV, PDF, csv_of, file_name
from millwright.metering.meters import MeterKind, meters
from millwright.metering.model import (
    Limits,
    NewPlan,
    NewSubscription,
    OrganisationId,
    Plan,
    PlanDocument,
    Statement,
    StatementInfo,
    Subscription,
    Verification,
)
from millwright.metering.rights import METERING_MANAGE, METERING_READ, PLANS_MANAGE, PLANS_READ
from millwright.metering.service import Metering
from millwright.metering.usage import Usage
from millwright.parties import Authority, Session, permit

Us = NamedDependency[Metering]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Organisation = Annotated[str, PathParameter(description="The organisation.", max_length=64)]
Chosen = Annotated[
    str | None,
    QueryParameter(name="organisation_on", description="The organisation; left out: the one worked in.", max_length=64),
]
Month = Annotated[str | None, QueryParameter(description="Such as 2026-11; left out: the running one.", max_length=7)]
StatementId = Annotated[str, PathParameter(description="The statement's id.", max_length=64)]
PlanId = Annotated[str, PathParameter(description="The plan's id.", max_length=64)]
_READ, _MANAGE = [permit(METERING_READ)], [permit(METERING_MANAGE)]


class MeterView(Struct, frozen=True):
    """A meter. ``unit`` is a UCUM code; ``kind``: a sum, or a snapshot of each day."""

    name: str
    unit: str
    text: str
    text_zh: str
    kind: MeterKind


class NewStatement(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose statement to issue, of which month."""

    organisation_id: OrganisationId
    month: Annotated[str, Meta(max_length=7, examples=["2026-10"])]


class MeteringController(Controller):
    """What is used, what it costs, and what it is limited to."""

    path = "/metering"
    tags = ("Metering",)

    @get("/meters", summary="Meters", guards=_READ)
    async def meters(self) -> list[MeterView]:
        """Everything that can be counted on this node; what has no domain yet stays at nothing."""
        return [MeterView(each.name, each.unit, each.text, each.text_zh, each.kind) for each in meters().values()]

    @get("/usage", summary="Usage of a month", guards=_READ)
    async def usage(self, metering: Us, authority: Me, organisation_id: Chosen = None, month: Month = None) -> Usage:
        """What an organisation used with all below it: by meter and day, and by organisation."""
        return await metering.usage(authority, organisation_id or _home(), month)

    # --- plans ---------------------------------------------------------------------------------------------------

    @get("/plans", summary="Price plans", guards=[permit(PLANS_READ)])
    async def plans(self, metering: Us) -> list[Plan]:
        """The newest version of each plan that is kept here."""
        return await metering.plans()

    @post("/plans", summary="Add a price plan", guards=[permit(PLANS_MANAGE)])
    async def add_plan(self, metering: Us, authority: Me, session: Who, data: JSONBody[NewPlan]) -> Plan:
        """Add a plan to be offered to organisations below."""
        return await metering.add_plan(authority, data, session.person.name)

    @get("/plans/{plan_id:str}", summary="A price plan", guards=[permit(PLANS_READ)])
    async def plan(
        self,
        metering: Us,
        plan_id: PlanId,
        version: Annotated[int | None, QueryParameter(ge=1, le=1_000_000, description="Left out: the newest.")] = None,
    ) -> Plan:
        """A version of a plan."""
        return await metering.plan(plan_id, version)

    @put("/plans/{plan_id:str}", summary="Change a price plan", guards=[permit(PLANS_MANAGE)])
    async def change_plan(self, metering: Us, session: Who, plan_id: PlanId, data: JSONBody[PlanDocument]) -> Plan:
        """Add a version. Who pays by an older one goes on with that until another subscription begins."""
        return await metering.change_plan(plan_id, data, session.person.name)

    # --- organisations -------------------------------------------------------------------------------------------

    @get("/organisations/{organisation_id:str}/subscriptions", summary="Subscriptions", guards=_READ)
    async def subscriptions(self, metering: Us, authority: Me, organisation_id: Organisation) -> list[Subscription]:
        """By which plans an organisation pays, and from when on."""
        return await metering.subscriptions(authority, organisation_id)

    @put("/organisations/{organisation_id:str}/subscription", summary="Let an organisation pay", guards=_MANAGE)
    async def subscribe(
        self, metering: Us, authority: Me, organisation_id: Organisation, data: JSONBody[NewSubscription]
    ) -> Subscription:
        """Let an organisation pay by a plan from a day on, for itself and those below it that have no plan."""
        return await metering.subscribe(authority, organisation_id, data)

    @get("/organisations/{organisation_id:str}/limits", summary="Limits", guards=_READ)
    async def limits(self, metering: Us, authority: Me, organisation_id: Organisation) -> Limits:
        """Quotas and rates of an organisation with all below it."""
        return await metering.limits(authority, organisation_id)

    @put("/organisations/{organisation_id:str}/limits", summary="Set limits", guards=_MANAGE)
    async def set_limits(
        self, metering: Us, authority: Me, organisation_id: Organisation, data: JSONBody[Limits]
    ) -> Limits:
        """Replace quotas and rates; they hold within seconds."""
        return await metering.set_limits(authority, organisation_id, data)

    # --- statements ----------------------------------------------------------------------------------------------

    @get("/statements", summary="Statements", guards=_READ)
    async def statements(self, metering: Us, month: Month = None) -> list[StatementInfo]:
        """Issued statements, newest first."""
        return await metering.statements(month)

    @post("/statements", summary="Issue a statement", guards=_MANAGE)
    async def issue(self, metering: Us, authority: Me, session: Who, data: JSONBody[NewStatement]) -> Statement:
        """Freeze the statement of a month that is over, and number it."""
        return await metering.issue(authority, data.organisation_id, data.month, session.person.name)

    @get("/draft", summary="Draft of a statement", guards=_READ)
    async def draft(
        self, metering: Us, authority: Me, organisation_id: Chosen = None, month: Month = None
    ) -> Statement:
        """What the statement of a month would say now, also of one that is not over."""
        return await metering.draft(authority, organisation_id or _home(), month)

    @get("/statements/{statement_id:str}", summary="A statement", guards=_READ)
    async def statement(self, metering: Us, statement_id: StatementId) -> Statement:
        """An issued statement with its lines and the raw counts they rest on."""
        return await metering.statement(statement_id)

    @get("/statements/{statement_id:str}/csv", summary="A statement as CSV", media_type=CSV, guards=_READ)
    async def as_csv(self, metering: Us, statement_id: StatementId) -> Response[bytes]:
        """Lines and raw counts; a cell never begins a formula."""
        found = await metering.statement(statement_id)
        return _file(csv_of(found), CSV, file_name(found, "csv"))

    @get("/statements/{statement_id:str}/pdf", summary="A statement as PDF", media_type=PDF, guards=_READ)
    async def as_pdf(self, metering: Us, statement_id: StatementId) -> Response[bytes]:
        """On A4, in Chinese and English."""
        from millwright.metering.printing import pdf_of  # a tenth of a second of imports that few requests need

        found = await metering.statement(statement_id)
        return _file(await asyncio.to_thread(pdf_of, found), PDF, file_name(found, "pdf"))

    @get("/statements/{statement_id:str}/verification", summary="Verify a statement", guards=_READ)
    async def verify(self, metering: Us, statement_id: StatementId) -> Verification:
        """Recount: the digest, the lines from the raw counts, and the raw counts from what is counted."""
        return await metering.verify(statement_id)


def _home() -> str:
    return current_scope().home or ""


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


ROUTES: list[type[Controller]] = [MeteringController]
