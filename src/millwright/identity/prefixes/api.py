"""HTTP routes of prefixes; mounted below ``/api/v1``.

A path that names ``prefix_id`` is its holder's, one that names ``review_id`` is of the organisation that decides on it:
the same id, looked for among other rows.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from litestar import Controller, Response, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from millwright.identity.prefixes import handle_keys_routes, registrar_routes
from millwright.identity.prefixes.export import CSV, JSON, csv_of, json_of
from millwright.identity.prefixes.model import (
    FilingDocument,
    NewPrefix,
    PrefixAnswer,
    PrefixDetail,
    PrefixDocument,
    PrefixForm,
    PrefixPage,
    PrefixQuestion,
    PrefixState,
    StepComment,
    StepUntil,
)
from millwright.identity.prefixes.office import reader_of
from millwright.identity.prefixes.store import Wanted
from millwright.identity.prefixes.systems import PrefixSystem
from millwright.identity.prefixes.wire import (
    STEP,
    Asking,
    FileName,
    Id,
    Me,
    Part,
    PrefixComment,
    TakenStep,
    Us,
    Who,
    added,
    tagged,
)
from millwright.identity.rights import PREFIXES_APPLY, PREFIXES_READ
from millwright.kernel import revision_of
from millwright.parties import IfMatch, TakesBytes, chosen_organisation, permit

States = Annotated[
    list[PrefixState] | None, QueryParameter(name="state", description="Only in these states; repeat it.")
]
Systems = Annotated[
    list[PrefixSystem] | None, QueryParameter(name="system", description="Only of these code systems; repeat it.")
]
_READ, _APPLY = [permit(PREFIXES_READ)], [permit(PREFIXES_APPLY)]


class PrefixSummary(Struct, frozen=True):
    """How many applications wait for a decision of the reader's."""

    waiting: int


class PrefixesController(Controller):
    """Prefixes and applications for them, as everybody who may see them does."""

    path = "/prefixes"
    tags = ("Prefixes",)

    @get("/", summary="Prefixes", operation_id="listPrefixes", guards=_READ)
    async def page(
        self,
        request: Asking,
        prefixes: Us,
        authority: Me,
        states: States = None,
        systems: Systems = None,
        side: Annotated[
            Literal["holder", "registrar"] | None,
            QueryParameter(description="`holder`: one's own; `registrar`: those one decides on."),
        ] = None,
        text: Annotated[
            str, QueryParameter(name="q", max_length=200, description="Text in prefix, holder, code, industry or use.")
        ] = "",
        filed: Annotated[bool | None, QueryParameter(description="Whether a filing was accepted.")] = None,
        cursor: Annotated[str | None, QueryParameter(description="`next` of the page before.", max_length=64)] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Prefixes on a page.")] = 100,
    ) -> PrefixPage:
        """One's own, and those that one's organisations decide on; newest application first."""
        wanted = Wanted(states or (), systems or (), side, text, filed)
        within = chosen_organisation(request)
        return await prefixes.list(authority, wanted, within=within, cursor=cursor, limit=limit)

    @get("/summary", summary="How many applications wait", operation_id="getPrefixSummary", guards=_READ)
    async def summary(self, request: Asking, prefixes: Us, authority: Me) -> PrefixSummary:
        """How many wait for a decision of the reader's."""
        return PrefixSummary(await prefixes.waiting(authority, chosen_organisation(request)))

    @post("/check", summary="Look at a prefix", operation_id="checkPrefix", guards=_READ, opt={"reads": True},
          status_code=200)  # fmt: skip
    async def check(self, data: JSONBody[PrefixQuestion], prefixes: Us) -> PrefixAnswer:
        """What it is by the rules of its code system, and whether it can be had. Keeps nothing."""
        return await prefixes.check(data.system, data.prefix)

    @get("/{prefix_id:str}", summary="A prefix", operation_id="getPrefix", guards=_READ)
    async def one(self, prefix_id: Id, request: Asking, prefixes: Us, authority: Me) -> Response[PrefixDetail]:
        """With its form, documents, certification, filings and history; the header `ETag` carries its revision."""
        return tagged(await prefixes.get(authority, prefix_id, chosen_organisation(request)))

    @get("/{prefix_id:str}/documents/{document_id:str}", summary="A document of a prefix",
         operation_id="getPrefixDocument", media_type="application/octet-stream", guards=_READ)  # fmt: skip
    async def document(
        self, prefix_id: Id, document_id: Part, request: Asking, prefixes: Us, authority: Me
    ) -> Response[bytes]:
        """The file as it was sent, to be saved."""
        reader = reader_of(authority, chosen_organisation(request))
        found, content = await prefixes.dossier.document(reader, prefix_id, document_id)
        return _file(content, found.media_type, found.name)

    @get("/{prefix_id:str}/filing-document", summary="The filing document",
         operation_id="getPrefixFilingDocument", guards=_READ)  # fmt: skip
    async def filing(self, prefix_id: Id, request: Asking, prefixes: Us, authority: Me) -> FilingDocument:
        """What is filed with a node above, for a program."""
        return await prefixes.filing_document(authority, prefix_id, chosen_organisation(request))

    @get("/{prefix_id:str}/filing-document/file", summary="The filing document as a file",
         operation_id="downloadPrefixFilingDocument", media_type=CSV, guards=_READ)  # fmt: skip
    async def filing_file(
        self,
        prefix_id: Id,
        request: Asking,
        prefixes: Us,
        authority: Me,
        form: Annotated[Literal["json", "csv"], QueryParameter(name="format", description="The kind of file.")] = "csv",
    ) -> Response[bytes]:
        """The same to be printed, sent or kept: JSON, or CSV with English and Chinese names."""
        document = await prefixes.filing_document(authority, prefix_id, chosen_organisation(request))
        name = f"filing-{document.prefix}.{form}"
        return _file(json_of(document) if form == "json" else csv_of(document), JSON if form == "json" else CSV, name)


class ApplicantController(Controller):
    """What the holder does."""

    path = "/prefixes"
    tags = ("Prefixes",)
    dependencies = STEP

    @post("/", summary="Apply for a prefix", operation_id="addPrefix", guards=_APPLY)
    async def apply(
        self, data: JSONBody[NewPrefix], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Begin an application. It is a draft until it is submitted."""
        return tagged(await prefixes.apply(authority, session, data), 201)

    @put("/{prefix_id:str}", summary="Change an application", operation_id="updatePrefix", guards=_APPLY)
    async def change(
        self, prefix_id: Id, data: JSONBody[PrefixForm], prefixes: Us, authority: Me, if_match: IfMatch = None
    ) -> Response[PrefixDetail]:
        """Fill in the form anew while it is a draft or returned; later only contact, industry and use change."""
        return tagged(await prefixes.change(authority, prefix_id, data, revision_of(if_match)))

    @post("/{prefix_id:str}/submit", summary="Submit an application", operation_id="submitPrefix", status_code=200,
          guards=_APPLY)  # fmt: skip
    async def submit(self, prefix_id: Id, data: JSONBody[StepComment], step: TakenStep) -> Response[PrefixDetail]:
        """Send it to the holder of the prefix above it, or to the organisation above the applicant."""
        found = await step.prefixes.submit(step.authority, step.session, prefix_id, data.comment, step.revision)
        return tagged(found)

    @post("/{prefix_id:str}/withdraw", summary="Withdraw a prefix", operation_id="withdrawPrefix", status_code=200,
          guards=_APPLY)  # fmt: skip
    async def withdraw(self, prefix_id: Id, data: JSONBody[StepComment], step: TakenStep) -> Response[PrefixDetail]:
        """Take the application back, or give the prefix back for good: nothing below it resolves any more."""
        found = await step.prefixes.withdraw(step.authority, step.session, prefix_id, data.comment, step.revision)
        return tagged(found)

    @post("/{prefix_id:str}/renewal-request", summary="Ask for a renewal", operation_id="askPrefixRenewal",
          status_code=200, guards=_APPLY)  # fmt: skip
    async def ask_renewal(self, prefix_id: Id, data: JSONBody[StepUntil], step: TakenStep) -> Response[PrefixDetail]:
        """Ask who decides for more time."""
        found = await step.prefixes.ask_renewal(
            step.authority, step.session, prefix_id, data.until_ms, data.comment, step.revision
        )
        return tagged(found)

    @post("/{prefix_id:str}/comments", summary="Comment an application", operation_id="commentPrefix", guards=_APPLY)
    async def comment(
        self, prefix_id: Id, data: JSONBody[PrefixComment], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Say something to who decides."""
        return tagged(await prefixes.comment(authority, session, prefix_id, data.text, "holder"), 201)

    @post("/{prefix_id:str}/documents", summary="Add a document", operation_id="addPrefixDocument", guards=_APPLY,
          operation_class=TakesBytes)  # fmt: skip
    async def add_document(
        self, prefix_id: Id, name: FileName, request: Asking, prefixes: Us, session: Who
    ) -> PrefixDocument:
        """The file is the body, as `application/octet-stream`; possible while it is a draft or returned."""
        return await added(request, prefixes, session, prefix_id, name, "holder")

    @delete("/{prefix_id:str}/documents/{document_id:str}", summary="Remove a document",
            operation_id="deletePrefixDocument", guards=_APPLY)  # fmt: skip
    async def remove_document(self, prefix_id: Id, document_id: Part, prefixes: Us) -> None:
        """Possible while it is a draft or returned."""
        await prefixes.dossier.remove_document(prefix_id, document_id)


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=media_type, headers=headers)


ROUTES: list[type[Controller]] = [
    PrefixesController,
    ApplicantController,
    *handle_keys_routes.ROUTES,
    *registrar_routes.ROUTES,
]
