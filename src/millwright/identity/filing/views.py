"""Filings, nodes and reports as people see and change them; no I/O. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.identity.filing.model import (
    FiledState,
    FilingDesk,
    FilingEvent,
    Policy,
    ReceivedState,
    Report,
    SentState,
)
from millwright.identity.prefixes.model import PrefixStep
from millwright.identity.prefixes.systems import PrefixSystem

Named: TypeAlias = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
PrefixText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class FilingProblem(Struct, frozen=True, kw_only=True):
    """Why something cannot be delivered: code and words, in English and Chinese, and since when."""

    code: str
    message: str
    hint: str = ""
    why_zh: str = ""
    since_ms: int = 0


class NewUpperNode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node above. ``token`` left out of a change: the one that is kept. ``ca``: authorities in PEM that its
    certificate is checked by, empty: those of this machine. ``public_key`` left out: that which it shows first.

    ``systems`` and ``prefixes``: only prefixes of these code systems, at or below these; empty: all.
    """

    name: Named
    url: Annotated[str, Meta(min_length=8, max_length=300, examples=["https://secondary.example.cn"])]
    token: Annotated[str, Meta(max_length=200, pattern=r"^[\x21-\x7e]*$")] = ""
    ca: Annotated[str, Meta(max_length=64 * 1024)] = ""
    public_key: Annotated[str, Meta(max_length=400)] = ""
    systems: Annotated[list[PrefixSystem], Meta(max_length=10)] = []
    prefixes: Annotated[list[PrefixText], Meta(max_length=100)] = []
    enabled: bool = True
    report_every_h: Annotated[int, Meta(ge=0, le=24 * 31, description="Hours between two reports; 0: none.")] = 24


class UpperNode(Struct, frozen=True, kw_only=True):
    """A node above, without its token. ``encrypted``: whether it is spoken to over TLS. ``next_ms``: when it is tried
    again, while ``problem`` says why the last attempt failed. Counts are of filings."""

    id: str
    name: str
    url: str
    ca: str
    public_key: str | None
    systems: list[PrefixSystem]
    prefixes: list[str]
    enabled: bool
    encrypted: bool
    report_every_h: int
    answered_ms: int | None
    attempts: int
    next_ms: int | None
    problem: FilingProblem | None
    waiting: int
    undecided: int
    reported_ms: int | None
    revision: int


class UpperCheck(Struct, frozen=True, kw_only=True):
    """What a test of the connection found. ``clock_ahead_ms``: this node's clock less that of the node above."""

    ok: bool
    milliseconds: int
    desk: FilingDesk | None
    clock_ahead_ms: int | None
    problem: FilingProblem | None


class SignedStep(Struct, frozen=True, kw_only=True):
    """A signed document in the chain of a filing: what it is, by which node, and whether its signature holds.

    ``trusted``: the key is this node's, its node above's, or vouched for by that one. ``key_id`` are its four bytes.
    """

    kind: Literal["filing", "receipt"]
    node: str
    key_id: str
    at_ms: int
    state: str
    number: str
    reason: str
    signature: Literal["valid", "wrong"]
    trusted: bool


class SentFiling(Struct, frozen=True, kw_only=True):
    """A filing with a node above. ``next_ms``: when something is done next; ``pending``: more receipts may come."""

    id: str
    organisation_id: str
    upper_id: str
    upper_name: str
    prefix_id: str
    system: PrefixSystem
    prefix: str
    event: FilingEvent
    prefix_state: str
    state: SentState
    number: str
    reason: str
    passed_on: bool
    attempts: int
    next_ms: int | None
    pending: bool
    prepared_ms: int
    sent_ms: int | None
    answered_ms: int | None
    problem: FilingProblem | None
    chain: list[SignedStep]


class SentPage(Struct, frozen=True):
    """Filings, newest first, and the cursor of the next page."""

    items: list[SentFiling]
    next: str | None = None


class ReceivedFiling(Struct, frozen=True, kw_only=True):
    """A filing by a node below. ``current``: the newest accepted of its prefix, as the register has it."""

    id: str
    organisation_id: str
    filer_id: str
    filer_name: str
    filing_id: str
    system: PrefixSystem
    prefix: str
    holder: str
    event: FilingEvent
    prefix_state: FiledState
    state: ReceivedState
    current: bool
    number: str
    reason: str
    at_ms: int
    received_ms: int
    decided_ms: int | None
    allowed: list[str]


class ReceivedDetail(ReceivedFiling, frozen=True, kw_only=True):
    """A filing with what it says, everything that was signed for it, and its history."""

    filing: dict[str, Any]
    chain: list[SignedStep]
    onward: list[SentFiling]
    history: list[PrefixStep]


class ReceivedPage(Struct, frozen=True):
    """Filings, newest first, and the cursor of the next page."""

    items: list[ReceivedFiling]
    next: str | None = None


class FilingProof(Struct, frozen=True, kw_only=True):
    """A filing with all that was signed for it, to be verified anywhere: notes, in the order of the chain."""

    schema: str
    filing: str
    receipts: list[str]
    relays: list[str]


class NewFiler(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node below that may file. ``holder_id``: the organisation whose prefixes it may file for."""

    name: Named
    holder_id: Id
    policy: Policy = "review"
    public_key: Annotated[str, Meta(max_length=400)] = ""


class FilerChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a node below. ``public_key`` empty: the key that it files with next is taken."""

    name: Named
    policy: Policy
    suspended: bool = False
    public_key: Annotated[str, Meta(max_length=400)] | None = None


class Filer(Struct, frozen=True, kw_only=True):
    """A node below that may file. ``late_ms``: since when a report is missing; ``missing``: how many are."""

    id: str
    organisation_id: str
    holder_id: str
    holder_name: str
    person_id: str
    name: str
    node: str
    public_key: str | None
    policy: Policy
    suspended: bool
    seen_ms: int | None
    reported_ms: int | None
    report_every_ms: int | None
    late_ms: int | None
    missing: int
    created_ms: int
    revision: int


class MadeFiler(Struct, frozen=True, kw_only=True):
    """A node below just admitted, or its new token: ``token`` is shown this once."""

    filer: Filer
    token: str


class ReportView(Struct, frozen=True, kw_only=True):
    """A report in the series of a node below; ``missing`` stands for periods of which none came."""

    from_ms: int
    to_ms: int
    missing: int
    id: str | None = None
    received_ms: int | None = None
    late: bool = False
    strange: int = 0
    report: Report | None = None


class ReportSent(Struct, frozen=True, kw_only=True):
    """A report to a node above."""

    id: str
    from_ms: int
    to_ms: int
    state: Literal["waiting", "accepted", "failed"]
    reason: str
    made_ms: int
    answered_ms: int | None
    identifiers: int
    prefixes: int


class FilingReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    comment: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class FilingComment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say with a decision."""

    comment: Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""
