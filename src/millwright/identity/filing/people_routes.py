"""HTTP routes of filings as people see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from millwright.identity.filing.model import ReceivedState, SentState
from millwright.identity.filing.service import Filings
from millwright.identity.filing.views import (
    FilingComment,
    FilingProof,
    FilingReason,
    ReceivedDetail,
    ReceivedPage,
    SentFiling,
    SentPage,
)
from millwright.identity.rights import FILINGS_MANAGE, FILINGS_READ, FILINGS_REVIEW
from millwright.parties import Authority, Session, chosen_organisation, permit

Us = NamedDependency[Filings]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Received = Annotated[str, PathParameter(description="The id of a received filing.", max_length=64)]
Sent = Annotated[str, PathParameter(description="The id of a filing.", max_length=64)]
Text = Annotated[
    str, QueryParameter(name="q", max_length=200, description="Text in prefix, holder, code, number or node.")
]
Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Filings on a page.")]
FilerId = Annotated[str | None, QueryParameter(description="Only of this node below.", max_length=64)]
Current = Annotated[bool | None, QueryParameter(description="Only the newest accepted of each prefix, or only others.")]
States = Annotated[ReceivedState | None, QueryParameter(name="state", description="Only in this state.")]
_READ, _REVIEW, _MANAGE = [permit(FILINGS_READ)], [permit(FILINGS_REVIEW)], [permit(FILINGS_MANAGE)]


class SentController(Controller):
    """What was filed with nodes above."""

    path = "/filings/sent"
    tags = ("Filing",)

    @get("/", summary="Filings with nodes above", operation_id="listSentFilings", guards=_READ)
    async def page(
        self,
        request: Asking,
        filings: Us,
        authority: Me,
        prefix_id: Annotated[str | None, QueryParameter(description="Only of this prefix.", max_length=64)] = None,
        only: Annotated[SentState | None, QueryParameter(name="state", description="Only in this state.")] = None,
        upper: Annotated[str | None, QueryParameter(description="Only with this node above.", max_length=64)] = None,
        text: Text = "",
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> SentPage:
        """How each stands, when it is tried next, and the signed chain from the filing to its receipts."""
        return await filings.sent(
            authority, within=chosen_organisation(request), prefix_id=prefix_id, state=only, upper_id=upper,
            text=text, cursor=cursor, limit=limit,
        )  # fmt: skip

    @get("/{sent_id:str}/proof", summary="The proof of a filing", operation_id="getSentFilingProof", guards=_READ)
    async def proof(self, sent_id: Sent, request: Asking, filings: Us, authority: Me) -> FilingProof:
        """Everything signed for it, for `millwright identifiers filing verify`."""
        return await filings.sent_proof(authority, sent_id, chosen_organisation(request))

    @post("/{sent_id:str}/retry", summary="Send a filing now", operation_id="retrySentFiling", status_code=200,
          guards=_MANAGE)  # fmt: skip
    async def retry(self, sent_id: Sent, filings: Us) -> SentFiling:
        """Do now what waits for its time."""
        return await filings.retry(sent_id)


class ReceivedController(Controller):
    """The register of filings: what nodes below filed."""

    path = "/filings/received"
    tags = ("Filing",)

    @get("/", summary="Filings received", operation_id="listReceivedFilings", guards=_READ)
    async def page(
        self,
        request: Asking,
        filings: Us,
        authority: Me,
        text: Text = "",
        only: States = None,
        filer: FilerId = None,
        current: Current = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ReceivedPage:
        """Newest first; with `current` the register as it is now."""
        return await filings.received(
            authority, within=chosen_organisation(request), text=text, state=only, filer_id=filer, current=current,
            cursor=cursor, limit=limit,
        )  # fmt: skip

    @get("/export", summary="The register of filings as a file", operation_id="exportReceivedFilings",
         media_type="text/csv; charset=utf-8", guards=_READ, opt={"told": True})  # fmt: skip
    async def export(
        self,
        request: Asking,
        filings: Us,
        authority: Me,
        text: Text = "",
        only: States = None,
        filer: FilerId = None,
        current: Current = None,
    ) -> Stream:
        """CSV with English and Chinese heads, for spreadsheets."""
        wanted = {"text": text, "state": only, "filer_id": filer, "current": current}
        lines = filings.export(authority, chosen_organisation(request), **wanted)

        async def portions() -> AsyncIterator[bytes]:
            while (portion := await sync_to_thread(_some, lines)) is not None:
                yield portion

        headers = {"Content-Disposition": 'attachment; filename="filings.csv"'}
        return Stream(portions(), media_type="text/csv; charset=utf-8", headers=headers)

    @get("/{received_id:str}", summary="A filing received", operation_id="getReceivedFiling", guards=_READ)
    async def one(self, received_id: Received, request: Asking, filings: Us, authority: Me) -> ReceivedDetail:
        """What it says, the signed chain, its history, and how it was passed on."""
        return await filings.received_one(authority, received_id, chosen_organisation(request))

    @get("/{received_id:str}/proof", summary="The proof of a filing received", operation_id="getReceivedFilingProof",
         guards=_READ)  # fmt: skip
    async def proof(self, received_id: Received, request: Asking, filings: Us, authority: Me) -> FilingProof:
        """Everything signed for it, for `millwright identifiers filing verify`."""
        return await filings.received_proof(authority, received_id, chosen_organisation(request))

    @post("/{received_id:str}/review", summary="Take a filing into review", operation_id="reviewFiling",
          status_code=200, guards=_REVIEW)  # fmt: skip
    async def review(
        self, received_id: Received, data: JSONBody[FilingComment], filings: Us, authority: Me, session: Who
    ) -> ReceivedDetail:
        """Say that somebody looks at it."""
        return await filings.decide(authority, session, received_id, "review", data.comment)

    @post("/{received_id:str}/accept", summary="Accept a filing", operation_id="acceptFiling", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def accept(
        self, received_id: Received, data: JSONBody[FilingComment], filings: Us, authority: Me, session: Who
    ) -> ReceivedDetail:
        """Give it its registration number and a signed receipt, and pass it on to the nodes above."""
        return await filings.decide(authority, session, received_id, "accept", data.comment)

    @post("/{received_id:str}/refuse", summary="Refuse a filing", operation_id="refuseFiling", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def refuse(
        self, received_id: Received, data: JSONBody[FilingReason], filings: Us, authority: Me, session: Who
    ) -> ReceivedDetail:
        """Refuse it for good, and say why; the node below may file the prefix anew."""
        return await filings.decide(authority, session, received_id, "refuse", data.comment)


def _some(lines: Any) -> bytes | None:
    """The next portion of a file."""
    parts = [line for _, line in zip(range(500), lines, strict=False)]
    return b"".join(parts) if parts else None


ROUTES: list[type[Controller]] = [SentController, ReceivedController]
