"""HTTP routes of prefixes; mounted below ``/api/v1``.

A path that names ``prefix_id`` is its holder's, one that names ``review_id`` is of the organisation that decides on it:
the same id, looked for among other rows.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal
from urllib.parse import quote

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from millwright.identity.prefixes.errors import form_invalid
from millwright.identity.prefixes.export import CSV, JSON, csv_of, json_of
from millwright.identity.prefixes.model import (
    FilingDocument,
    NewCertification,
    NewFiling,
    NewPrefix,
    PrefixAnswer,
    PrefixDetail,
    PrefixDocument,
    PrefixForm,
    PrefixPage,
    PrefixQuestion,
    PrefixState,
    PrefixTransfer,
    StepComment,
    StepReason,
    StepUntil,
)
from millwright.identity.prefixes.service import Prefixes, reader_of
from millwright.identity.prefixes.store import Side, Wanted
from millwright.identity.prefixes.systems import PrefixSystem
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_APPLY, PREFIXES_READ, PREFIXES_REVIEW
from millwright.kernel import Invalid
from millwright.parties import Authority, Session, chosen_organisation, permit

Us = NamedDependency[Prefixes]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]
Asking = Request[Any, Any, Any]
Id = Annotated[str, PathParameter(description="The prefix's id.", max_length=64)]
Part = Annotated[str, PathParameter(description="The id of what belongs to the prefix.", max_length=64)]
FileName = Annotated[str, QueryParameter(min_length=1, max_length=200, description="What the file is called.")]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", required=False, description="The ETag the change rests on.", max_length=100),
]
States = Annotated[
    list[PrefixState] | None, QueryParameter(name="state", description="Only in these states; repeat it.")
]
Systems = Annotated[
    list[PrefixSystem] | None, QueryParameter(name="system", description="Only of these code systems; repeat it.")
]
_READ, _APPLY = [permit(PREFIXES_READ)], [permit(PREFIXES_APPLY)]
_REVIEW, _ADMINISTER = [permit(PREFIXES_REVIEW)], [permit(PREFIXES_ADMINISTER)]


class PrefixSummary(Struct, frozen=True):
    """How many applications wait for a decision of the reader's."""

    waiting: int


class PrefixSite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service that answers for a prefix: the data of a HS_SITE value in base 64; null: this node."""

    site: Annotated[str, Meta(max_length=64 * 1024)] | None = None


class PrefixComment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody has to say."""

    text: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class TakesFile(Operation):
    """Documents a body that is a file as it is."""

    def __post_init__(self) -> None:
        """Put the kind of body into the document."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody({"application/octet-stream": OpenAPIMediaType(schema=schema)}, required=True)


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
        return _tagged(await prefixes.get(authority, prefix_id, chosen_organisation(request)))

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

    @post("/", summary="Apply for a prefix", operation_id="addPrefix", guards=_APPLY)
    async def apply(
        self, data: JSONBody[NewPrefix], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Begin an application. It is a draft until it is submitted."""
        return _tagged(await prefixes.apply(authority, session, data), 201)

    @put("/{prefix_id:str}", summary="Change an application", operation_id="updatePrefix", guards=_APPLY)
    async def change(
        self, prefix_id: Id, data: JSONBody[PrefixForm], prefixes: Us, authority: Me, if_match: IfMatch = None
    ) -> Response[PrefixDetail]:
        """Fill in the form anew while it is a draft or returned; later only contact, industry and use change."""
        return _tagged(await prefixes.change(authority, prefix_id, data, _revision(if_match)))

    @post("/{prefix_id:str}/submit", summary="Submit an application", operation_id="submitPrefix", status_code=200,
          guards=_APPLY)  # fmt: skip
    async def submit(
        self,
        prefix_id: Id,
        data: JSONBody[StepComment],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Send it to the holder of the prefix above it, or to the organisation above the applicant."""
        return _tagged(await prefixes.submit(authority, session, prefix_id, data.comment, _revision(if_match)))

    @post("/{prefix_id:str}/withdraw", summary="Withdraw a prefix", operation_id="withdrawPrefix", status_code=200,
          guards=_APPLY)  # fmt: skip
    async def withdraw(
        self,
        prefix_id: Id,
        data: JSONBody[StepComment],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Take the application back, or give the prefix back for good: nothing below it resolves any more."""
        return _tagged(await prefixes.withdraw(authority, session, prefix_id, data.comment, _revision(if_match)))

    @post("/{prefix_id:str}/renewal-request", summary="Ask for a renewal", operation_id="askPrefixRenewal",
          status_code=200, guards=_APPLY)  # fmt: skip
    async def ask_renewal(
        self,
        prefix_id: Id,
        data: JSONBody[StepUntil],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Ask who decides for more time."""
        revision = _revision(if_match)
        found = await prefixes.ask_renewal(authority, session, prefix_id, data.until_ms, data.comment, revision)
        return _tagged(found)

    @post("/{prefix_id:str}/comments", summary="Comment an application", operation_id="commentPrefix", guards=_APPLY)
    async def comment(
        self, prefix_id: Id, data: JSONBody[PrefixComment], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Say something to who decides."""
        return _tagged(await prefixes.comment(authority, session, prefix_id, data.text, "holder"), 201)

    @post("/{prefix_id:str}/documents", summary="Add a document", operation_id="addPrefixDocument", guards=_APPLY,
          operation_class=TakesFile)  # fmt: skip
    async def add_document(
        self, prefix_id: Id, name: FileName, request: Asking, prefixes: Us, session: Who
    ) -> PrefixDocument:
        """The file is the body, as `application/octet-stream`; possible while it is a draft or returned."""
        return await _added(request, prefixes, session, prefix_id, name, "holder")

    @delete("/{prefix_id:str}/documents/{document_id:str}", summary="Remove a document",
            operation_id="deletePrefixDocument", guards=_APPLY)  # fmt: skip
    async def remove_document(self, prefix_id: Id, document_id: Part, prefixes: Us) -> None:
        """Possible while it is a draft or returned."""
        await prefixes.dossier.remove_document(prefix_id, document_id)


class RegistrarController(Controller):
    """What the organisation does that decides on a prefix."""

    path = "/prefixes"
    tags = ("Prefixes",)

    @post("/{review_id:str}/review", summary="Take an application into review", operation_id="reviewPrefix",
          status_code=200, guards=_REVIEW)  # fmt: skip
    async def review(
        self,
        review_id: Id,
        data: JSONBody[StepComment],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Say that somebody looks at it."""
        revision = _revision(if_match)
        return _tagged(await prefixes.decide(authority, session, review_id, "review", data.comment, revision))

    @post("/{review_id:str}/return", summary="Return an application", operation_id="returnPrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def send_back(
        self,
        review_id: Id,
        data: JSONBody[StepReason],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Give it back for correction, and say what to correct."""
        revision = _revision(if_match)
        return _tagged(await prefixes.decide(authority, session, review_id, "return", data.comment, revision))

    @post("/{review_id:str}/approve", summary="Approve an application", operation_id="approvePrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def approve(
        self,
        review_id: Id,
        data: JSONBody[StepComment],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Nobody else gets the prefix from now on; it is in force when it is activated."""
        revision = _revision(if_match)
        return _tagged(await prefixes.decide(authority, session, review_id, "approve", data.comment, revision))

    @post("/{review_id:str}/reject", summary="Reject an application", operation_id="rejectPrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def reject(
        self,
        review_id: Id,
        data: JSONBody[StepReason],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Refuse it for good, and say why."""
        revision = _revision(if_match)
        return _tagged(await prefixes.decide(authority, session, review_id, "reject", data.comment, revision))

    @post("/{review_id:str}/remarks", summary="Remark on an application", operation_id="remarkPrefix", guards=_REVIEW)
    async def remark(
        self, review_id: Id, data: JSONBody[PrefixComment], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Say something to the holder."""
        return _tagged(await prefixes.comment(authority, session, review_id, data.text, "registrar"), 201)

    @post("/{review_id:str}/evidence", summary="Add a document as who decides", operation_id="addPrefixEvidence",
          guards=_REVIEW, operation_class=TakesFile)  # fmt: skip
    async def add_evidence(
        self, review_id: Id, name: FileName, request: Asking, prefixes: Us, session: Who
    ) -> PrefixDocument:
        """Such as what the certification rests on; the body is the file, as `application/octet-stream`."""
        return await _added(request, prefixes, session, review_id, name, "registrar")

    @put("/{review_id:str}/certification", summary="Record a certification", operation_id="certifyPrefix",
         guards=_REVIEW)  # fmt: skip
    async def certify(
        self,
        review_id: Id,
        data: JSONBody[NewCertification],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Who certified the applicant, until when, and what shows it."""
        await prefixes.dossier.certify(session, review_id, data, _revision(if_match))
        return _tagged(await prefixes.seen(authority, review_id, "registrar"))

    @delete("/{review_id:str}/certification", summary="Take a certification back",
            operation_id="revokePrefixCertification", status_code=200, guards=_REVIEW)  # fmt: skip
    async def revoke(
        self, review_id: Id, prefixes: Us, authority: Me, session: Who, if_match: IfMatch = None
    ) -> Response[PrefixDetail]:
        """What is active stays so; suspend it where that is meant."""
        await prefixes.dossier.revoke(session, review_id, "", _revision(if_match))
        return _tagged(await prefixes.seen(authority, review_id, "registrar"))

    @post("/{review_id:str}/activate", summary="Activate a prefix", operation_id="activatePrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def activate(
        self,
        review_id: Id,
        data: JSONBody[StepUntil],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Put it into force until a time. Takes a certification in force."""
        return _tagged(await _administered(prefixes, authority, session, review_id, "activate", data, if_match))

    @post("/{review_id:str}/suspend", summary="Suspend a prefix", operation_id="suspendPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def suspend(
        self,
        review_id: Id,
        data: JSONBody[StepReason],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Nothing below it resolves publicly until it is resumed; what is registered is kept."""
        return _tagged(await _administered(prefixes, authority, session, review_id, "suspend", data, if_match))

    @post("/{review_id:str}/resume", summary="Resume a prefix", operation_id="resumePrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def resume(
        self,
        review_id: Id,
        data: JSONBody[StepComment],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """End the suspension."""
        return _tagged(await _administered(prefixes, authority, session, review_id, "resume", data, if_match))

    @post("/{review_id:str}/renew", summary="Renew a prefix", operation_id="renewPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def renew(
        self,
        review_id: Id,
        data: JSONBody[StepUntil],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Let it hold until another time; one that has expired is in force again."""
        return _tagged(await _administered(prefixes, authority, session, review_id, "renew", data, if_match))

    @post("/{review_id:str}/transfer", summary="Transfer a prefix", operation_id="transferPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def transfer(
        self,
        review_id: Id,
        data: JSONBody[PrefixTransfer],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Give it to another organisation, with all that is registered below it."""
        revision = _revision(if_match)
        return _tagged(await prefixes.transfer(authority, session, review_id, data.to_id, data.comment, revision))

    @put("/{review_id:str}/site", summary="Delegate a prefix", operation_id="delegatePrefix", guards=_ADMINISTER)
    async def delegate(
        self,
        review_id: Id,
        data: JSONBody[PrefixSite],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """Say which service answers for it."""
        site = _site(data.site)
        return _tagged(await prefixes.delegate(authority, session, review_id, site, _revision(if_match)))

    @post("/{review_id:str}/filings", summary="Record a filing", operation_id="addPrefixFiling", guards=_ADMINISTER)
    async def file(
        self,
        review_id: Id,
        data: JSONBody[NewFiling],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """With which node above, under which number, when, and how it stands."""
        await prefixes.dossier.file(session, review_id, data, revision=_revision(if_match))
        return _tagged(await prefixes.seen(authority, review_id, "registrar"), 201)

    @put("/{review_id:str}/filings/{filing_id:str}", summary="Change a filing", operation_id="updatePrefixFiling",
         guards=_ADMINISTER)  # fmt: skip
    async def refile(
        self,
        review_id: Id,
        filing_id: Part,
        data: JSONBody[NewFiling],
        prefixes: Us,
        authority: Me,
        session: Who,
        if_match: IfMatch = None,
    ) -> Response[PrefixDetail]:
        """How it stands now, as the node above answered."""
        await prefixes.dossier.file(session, review_id, data, filing_id, _revision(if_match))
        return _tagged(await prefixes.seen(authority, review_id, "registrar"))


async def _administered(
    prefixes: Prefixes,
    authority: Authority,
    session: Session,
    prefix_id: str,
    step: str,
    data: StepComment | StepReason | StepUntil,
    if_match: str | None,
) -> PrefixDetail:
    until_ms = data.until_ms if isinstance(data, StepUntil) else None
    revision = _revision(if_match)
    return await prefixes.administer(
        authority, session, prefix_id, step, data.comment, until_ms=until_ms, revision=revision
    )


async def _added(
    request: Asking, prefixes: Prefixes, session: Session, prefix_id: str, name: str, side: Side
) -> PrefixDocument:
    return await prefixes.dossier.add_document(session, prefix_id, name, await request.body(), side)


def _site(text: str | None) -> bytes | None:
    """The value, if a Handle server can read it. Raises ``Invalid`` (``prefixes.form_invalid``)."""
    if text is None:
        return None
    from millwright.identity.handle.errors import MessageError
    from millwright.identity.handle.site import decode_site

    try:
        data = base64.b64decode(text, validate=True)
        decode_site(data)
    except (binascii.Error, ValueError, MessageError) as error:
        raise form_invalid("/site", f"It is no HS_SITE value: {error}", "不是有效的 HS_SITE 值") from error
    return data


def _tagged(detail: PrefixDetail, status: int = 200) -> Response[PrefixDetail]:
    return Response(detail, status_code=status, headers={"ETag": f'"{detail.revision}"'})


def _revision(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(
            "If-Match is no ETag of a prefix.", code="prefixes.etag_invalid", hint="Send the ETag as it came."
        )
    return int(text)


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(content, media_type=media_type, headers=headers)


ROUTES: list[type[Controller]] = [PrefixesController, ApplicantController, RegistrarController]
