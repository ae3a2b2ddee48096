"""What a prefix and its application are, and the workflow they go through; no I/O. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.cases import Transition, Workflow
from millwright.identity.codes import Part
from millwright.identity.prefixes.systems import MOST_CHARACTERS, PrefixSystem
from millwright.identity.records.model import Former
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_APPLY, PREFIXES_REVIEW

KIND: Final = "prefix"

PrefixState: TypeAlias = Literal[
    "draft", "submitted", "in_review", "returned", "approved", "rejected", "active", "suspended", "expired", "withdrawn"
]
"""``approved``: nobody else gets it, and it is not in force yet; ``withdrawn``: taken back or given
back, for good."""

HELD: Final = ("approved", "active", "suspended", "expired")
"""In these states nobody else gets the prefix."""

EDITABLE: Final = ("draft", "returned")
_IN_FORCE = ("active", "suspended", "expired")
_apply, _review, _administer = (
    frozenset({each.name}) for each in (PREFIXES_APPLY, PREFIXES_REVIEW, PREFIXES_ADMINISTER)
)


def _staying(*states: str) -> dict[str, str]:
    return {state: state for state in states}


WORKFLOW = Workflow(
    kind=KIND,
    initial="draft",
    closed=frozenset({"rejected", "withdrawn"}),
    transitions=(
        Transition("submit", {"draft": "submitted", "returned": "submitted"}, rights=_apply),
        Transition("review", {"submitted": "in_review"}, rights=_review),
        Transition("return", {"submitted": "returned", "in_review": "returned"}, rights=_review, required=("comment",)),
        Transition("approve", {"in_review": "approved"}, rights=_review),
        Transition("reject", {"in_review": "rejected", "approved": "rejected"}, rights=_review, required=("comment",)),
        Transition("activate", {"approved": "active"}, rights=_administer),
        Transition("suspend", {"active": "suspended"}, rights=_administer, required=("comment",)),
        Transition("resume", {"suspended": "active"}, rights=_administer),
        Transition("expire", {"active": "expired", "suspended": "expired"}),
        Transition("request_renewal", _staying(*_IN_FORCE), rights=_apply),
        Transition("renew", {"active": "active", "suspended": "suspended", "expired": "active"}, rights=_administer),
        Transition("transfer", _staying(*_IN_FORCE), rights=_administer, required=("comment",)),
        Transition(
            "withdraw",
            dict.fromkeys(("draft", "submitted", "in_review", "returned", *HELD), "withdrawn"),
            rights=_apply,
        ),
        Transition(
            "revoke", {"suspended": "withdrawn", "expired": "withdrawn"}, rights=_administer, required=("comment",)
        ),
        Transition("certify", _staying("submitted", "in_review", *HELD), rights=_review),
        Transition("revoke_certification", _staying("submitted", "in_review", *HELD), rights=_review),
        Transition("file", _staying(*HELD), rights=_administer),
    ),
)
"""Expiry is the node's own; everything else is somebody's."""

_Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
Comment: TypeAlias = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")]
Time: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
Id: TypeAlias = Annotated[str, Meta(max_length=64)]


class PrefixContact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for the application."""

    name: _Text = ""
    telephone: _Text = ""
    email: _Text = ""


class PrefixForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application. A draft may lack what a submitted one has: credit code, contact, industry and use.

    ``credit_code`` is the unified social credit code (统一社会信用代码); where the organisation is
    registered with one it may be left out. ``industry`` is a class of GB/T 4754 or plain words. ``until_ms``: how long
    it is wanted for.
    """

    system: PrefixSystem
    prefix: Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS, examples=["88.118.8"])]
    credit_code: Annotated[str, Meta(max_length=40, examples=["91350100M000100Y43"])] = ""
    contact: PrefixContact = PrefixContact()
    industry: _Text = ""
    use: _Long = ""
    until_ms: Time | None = None


class NewPrefix(PrefixForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application for a prefix; ``organisation_id``: whose it will be (left out: the organisation worked in)."""

    organisation_id: Id | None = None


class PrefixCertification(Struct, frozen=True, kw_only=True):
    """What is known of the applicant's certification (认证)."""

    certified_by: str
    number: str
    until_ms: int | None
    evidence: str
    document_id: str | None
    recorded_ms: int
    recorded_by: str


class NewCertification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who certified the applicant, until when, and what shows it: words, an address, or a document of the prefix."""

    certified_by: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
    number: _Text = ""
    until_ms: Time | None = None
    evidence: _Long = ""
    document_id: Id | None = None


FilingState: TypeAlias = Literal["prepared", "sent", "accepted", "refused"]


class PrefixFiling(Struct, frozen=True, kw_only=True):
    """A filing (备案) with a node above: its number there, and how it stands."""

    id: str
    node: str
    number: str
    state: FilingState
    filed_ms: int | None
    answered_ms: int | None
    answer: str
    recorded_ms: int
    recorded_by: str


class NewFiling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A filing as recorded by hand or from an answer. ``node``: with whom, such as ``88.118`` or a name."""

    node: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
    number: _Text = ""
    state: FilingState = "prepared"
    filed_ms: Time | None = None
    answered_ms: Time | None = None
    answer: _Long = ""


class PrefixDocument(Struct, frozen=True, kw_only=True):
    """A file that belongs to a prefix; ``digest`` is its SHA-256 in hex."""

    id: str
    name: str
    media_type: str
    size: int
    digest: str
    added_ms: int
    added_by: str


class RenewalRequest(Struct, frozen=True, kw_only=True):
    """What the holder asked for."""

    until_ms: int | None
    comment: str
    asked_ms: int


class PrefixInfo(Struct, frozen=True, kw_only=True):
    """A prefix in a list.

    ``registrar_id`` is the organisation that reviews and administers it: the holder of the prefix above it, else the
    organisation above the applicant; null before it was submitted. ``granted_ms``: when it first came into force.
    ``filed``: a filing was accepted. ``allowed`` are the steps the reader may take now. ``revision`` grows with every
    change and is the ETag.
    """

    id: str
    system: PrefixSystem
    prefix: str
    key: str
    state: PrefixState
    organisation_id: str
    organisation_name: str
    registrar_id: str | None
    registrar_name: str | None
    until_ms: int | None
    granted_ms: int | None
    certified: bool
    filed: bool
    renewal_asked: bool
    created_ms: int
    changed_ms: int
    revision: int
    allowed: list[str]


class PrefixStep(Struct, frozen=True, kw_only=True):
    """One line of a prefix's history; ``transition`` null: a comment."""

    at_ms: int
    actor_id: str
    actor_name: str
    transition: str | None
    from_state: str
    to_state: str
    comment: str
    data: dict[str, Any]


class PrefixDetail(PrefixInfo, frozen=True, kw_only=True):
    """A prefix with its form, documents, certification, filings and history.

    ``parent``: the held prefix that it is derived from. ``warnings`` say to a reviewer what is unusual, in English and
    Chinese each. ``site``: the service it is delegated to, a HS_SITE value in base 64; ``resolver``: where that answers
    over HTTP.
    """

    form: PrefixForm
    parts: list[Part]
    parent: str | None
    warnings: list[PrefixWarning]
    certification: PrefixCertification | None
    renewal: RenewalRequest | None
    documents: list[PrefixDocument]
    filings: list[PrefixFiling]
    history: list[PrefixStep]
    site: str | None
    resolver: str | None


class PrefixWarning(Struct, frozen=True):
    """Something unusual, in English and Chinese."""

    text: str
    text_zh: str


class PrefixPage(Struct, frozen=True):
    """Prefixes, newest application first, and the cursor of the next page (null: there is none)."""

    items: list[PrefixInfo]
    next: str | None = None


class PrefixQuestion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prefix to be looked at before it is applied for."""

    system: PrefixSystem
    prefix: Annotated[str, Meta(min_length=1, max_length=MOST_CHARACTERS, examples=["88.118.8"])]


class PrefixAnswer(Struct, frozen=True, kw_only=True):
    """What a prefix is, whether it can be had, and below which held prefix it lies."""

    system: PrefixSystem
    prefix: str
    key: str
    parts: list[Part]
    certainty: Literal["verified", "recalled"]
    notes: list[str]
    available: bool
    parent: str | None


class StepComment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say with a step."""

    comment: Comment = ""


class StepApproval(StepComment, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An approval. ``former``: what becomes of names that another organisation has left below the prefix, where there
    are any: they are removed (``discard``), or what is public of them is kept (``pass_on``)."""

    former: Former = ""


class StepReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step that must be explained."""

    comment: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class StepUntil(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when it holds; null: as long as nobody ends it."""

    until_ms: Time | None = None
    comment: Comment = ""


class PrefixTransfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom a prefix passes, and why."""

    to_id: Id
    comment: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class FilingDocument(Struct, frozen=True, kw_only=True):
    """What is filed with a node above: the prefix, its holder, certification and documents by digest."""

    schema: str
    at_ms: int
    prefix: str
    system: str
    key: str
    state: str
    granted_ms: int | None
    until_ms: int | None
    organisation_id: str
    organisation_name: str
    credit_code: str
    contact: PrefixContact
    industry: str
    use: str
    registrar_id: str | None
    registrar_name: str | None
    parent: str | None
    certification: PrefixCertification | None
    documents: list[PrefixDocument]
    filings: list[PrefixFiling]
