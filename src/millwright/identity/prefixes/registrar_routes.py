"""HTTP routes of who decides on a prefix: ``review_id`` is looked for among those an organisation decides on."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from litestar import Controller, Response, delete, post, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from millwright.identity.prefixes.errors import form_invalid
from millwright.identity.prefixes.model import (
    NewCertification,
    NewFiling,
    PrefixDetail,
    PrefixDocument,
    PrefixTransfer,
    StepApproval,
    StepComment,
    StepReason,
    StepUntil,
)
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
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_REVIEW
from millwright.parties import TakesBytes, permit

_REVIEW, _ADMINISTER = [permit(PREFIXES_REVIEW)], [permit(PREFIXES_ADMINISTER)]


class PrefixSite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service that answers for a prefix: the data of a HS_SITE value in base 64; null: this node.

    ``resolver``: where that service answers over HTTP; GS1 Digital Links, DIDs and pages are sent on there.
    """

    site: Annotated[str, Meta(max_length=64 * 1024)] | None = None
    resolver: Annotated[str, Meta(max_length=400, examples=["https://id.example.com"])] | None = None


class RegistrarController(Controller):
    """What the organisation does that decides on a prefix."""

    path = "/prefixes"
    tags = ("Prefixes",)
    dependencies = STEP

    @post("/{review_id:str}/review", summary="Take an application into review", operation_id="reviewPrefix",
          status_code=200, guards=_REVIEW)  # fmt: skip
    async def review(self, review_id: Id, data: JSONBody[StepComment], step: TakenStep) -> Response[PrefixDetail]:
        """Say that somebody looks at it."""
        return await step.decided(review_id, "review", data.comment)

    @post("/{review_id:str}/return", summary="Return an application", operation_id="returnPrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def send_back(self, review_id: Id, data: JSONBody[StepReason], step: TakenStep) -> Response[PrefixDetail]:
        """Give it back for correction, and say what to correct."""
        return await step.decided(review_id, "return", data.comment)

    @post("/{review_id:str}/approve", summary="Approve an application", operation_id="approvePrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def approve(self, review_id: Id, data: JSONBody[StepApproval], step: TakenStep) -> Response[PrefixDetail]:
        """Nobody else gets the prefix from now on; it is in force when it is activated."""
        return await step.decided(review_id, "approve", data.comment, data.former)

    @post("/{review_id:str}/reject", summary="Reject an application", operation_id="rejectPrefix", status_code=200,
          guards=_REVIEW)  # fmt: skip
    async def reject(self, review_id: Id, data: JSONBody[StepReason], step: TakenStep) -> Response[PrefixDetail]:
        """Refuse it for good, and say why."""
        return await step.decided(review_id, "reject", data.comment)

    @post("/{review_id:str}/remarks", summary="Remark on an application", operation_id="remarkPrefix", guards=_REVIEW)
    async def remark(
        self, review_id: Id, data: JSONBody[PrefixComment], prefixes: Us, authority: Me, session: Who
    ) -> Response[PrefixDetail]:
        """Say something to the holder."""
        return tagged(await prefixes.comment(authority, session, review_id, data.text, "registrar"), 201)

    @post("/{review_id:str}/evidence", summary="Add a document as who decides", operation_id="addPrefixEvidence",
          guards=_REVIEW, operation_class=TakesBytes)  # fmt: skip
    async def add_evidence(
        self, review_id: Id, name: FileName, request: Asking, prefixes: Us, session: Who
    ) -> PrefixDocument:
        """Such as what the certification rests on; the body is the file, as `application/octet-stream`."""
        return await added(request, prefixes, session, review_id, name, "registrar")

    @put("/{review_id:str}/certification", summary="Record a certification", operation_id="certifyPrefix",
         guards=_REVIEW)  # fmt: skip
    async def certify(self, review_id: Id, data: JSONBody[NewCertification], step: TakenStep) -> Response[PrefixDetail]:
        """Who certified the applicant, until when, and what shows it."""
        await step.prefixes.dossier.certify(step.session, review_id, data, step.revision)
        return await step.seen(review_id)

    @delete("/{review_id:str}/certification", summary="Take a certification back",
            operation_id="revokePrefixCertification", status_code=200, guards=_REVIEW)  # fmt: skip
    async def revoke(self, review_id: Id, step: TakenStep) -> Response[PrefixDetail]:
        """What is active stays so; suspend it where that is meant."""
        await step.prefixes.dossier.revoke(step.session, review_id, "", step.revision)
        return await step.seen(review_id)

    @post("/{review_id:str}/activate", summary="Activate a prefix", operation_id="activatePrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def activate(self, review_id: Id, data: JSONBody[StepUntil], step: TakenStep) -> Response[PrefixDetail]:
        """Put it into force until a time. Takes a certification in force."""
        return await step.administered(review_id, "activate", data.comment, data.until_ms)

    @post("/{review_id:str}/suspend", summary="Suspend a prefix", operation_id="suspendPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def suspend(self, review_id: Id, data: JSONBody[StepReason], step: TakenStep) -> Response[PrefixDetail]:
        """Nothing below it resolves publicly until it is resumed; what is registered is kept."""
        return await step.administered(review_id, "suspend", data.comment)

    @post("/{review_id:str}/resume", summary="Resume a prefix", operation_id="resumePrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def resume(self, review_id: Id, data: JSONBody[StepComment], step: TakenStep) -> Response[PrefixDetail]:
        """End the suspension."""
        return await step.administered(review_id, "resume", data.comment)

    @post("/{review_id:str}/renew", summary="Renew a prefix", operation_id="renewPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def renew(self, review_id: Id, data: JSONBody[StepUntil], step: TakenStep) -> Response[PrefixDetail]:
        """Let it hold until another time; one that has expired is in force again."""
        return await step.administered(review_id, "renew", data.comment, data.until_ms)

    @post("/{review_id:str}/revoke", summary="Revoke a prefix", operation_id="revokePrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def revoke_prefix(self, review_id: Id, data: JSONBody[StepReason], step: TakenStep) -> Response[PrefixDetail]:
        """Take back what is suspended or has expired, for good: others can apply for it then."""
        return await step.administered(review_id, "revoke", data.comment)

    @post("/{review_id:str}/transfer", summary="Transfer a prefix", operation_id="transferPrefix", status_code=200,
          guards=_ADMINISTER)  # fmt: skip
    async def transfer(self, review_id: Id, data: JSONBody[PrefixTransfer], step: TakenStep) -> Response[PrefixDetail]:
        """Give it to another organisation, with all that is registered below it."""
        found = await step.prefixes.transfer(
            step.authority, step.session, review_id, data.to_id, data.comment, step.revision
        )
        return tagged(found)

    @put("/{review_id:str}/site", summary="Delegate a prefix", operation_id="delegatePrefix", guards=_ADMINISTER)
    async def delegate(
        self, review_id: Id, data: JSONBody[PrefixSite], request: Asking, step: TakenStep
    ) -> Response[PrefixDetail]:
        """Say which service answers for it."""
        found = await step.prefixes.delegate(
            step.authority, step.session, review_id, _site(data.site), data.resolver, step.revision,
            [str(request.base_url)],
        )  # fmt: skip
        return tagged(found)

    @post("/{review_id:str}/filings", summary="Record a filing", operation_id="addPrefixFiling", guards=_ADMINISTER)
    async def file(self, review_id: Id, data: JSONBody[NewFiling], step: TakenStep) -> Response[PrefixDetail]:
        """With which node above, under which number, when, and how it stands."""
        await step.prefixes.dossier.file(step.session, review_id, data, revision=step.revision)
        return await step.seen(review_id, 201)

    @put("/{review_id:str}/filings/{filing_id:str}", summary="Change a filing", operation_id="updatePrefixFiling",
         guards=_ADMINISTER)  # fmt: skip
    async def refile(
        self, review_id: Id, filing_id: Part, data: JSONBody[NewFiling], step: TakenStep
    ) -> Response[PrefixDetail]:
        """How it stands now, as the node above answered."""
        await step.prefixes.dossier.file(step.session, review_id, data, filing_id, step.revision)
        return await step.seen(review_id)


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


ROUTES: list[type[Controller]] = [RegistrarController]
