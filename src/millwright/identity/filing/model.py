"""What nodes tell each other, and the states of a filing; no I/O. Times are UTC milliseconds."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.cases import Transition, Workflow
from millwright.identity.prefixes.model import PrefixContact
from millwright.identity.prefixes.systems import PrefixSystem
from millwright.identity.rights import FILINGS_REVIEW

KIND: Final = "filing"

FilingEvent: TypeAlias = Literal[
    "activate", "suspend", "resume", "expire", "renew", "withdraw", "transfer", "delegate", "register"
]
"""What made it be filed; ``register``: nothing changed, the node above was connected or asked for it."""

FiledState: TypeAlias = Literal["active", "suspended", "expired", "withdrawn"]
SentState: TypeAlias = Literal["waiting", "received", "accepted", "refused", "failed"]
"""``waiting``: not delivered yet; ``received``: the node above has not decided; ``failed``: it cannot take it."""

ReceivedState: TypeAlias = Literal["received", "in_review", "accepted", "refused"]
Policy: TypeAlias = Literal["automatic", "review"]
Outcome: TypeAlias = Literal["received", "accepted", "refused"]

_review = frozenset({FILINGS_REVIEW.name})
WORKFLOW = Workflow(
    kind=KIND,
    initial="received",
    closed=frozenset({"accepted", "refused"}),
    transitions=(
        Transition("review", {"received": "in_review"}, rights=_review),
        Transition("accept", {"received": "accepted", "in_review": "accepted"}, rights=_review),
        Transition("refuse", {"received": "refused", "in_review": "refused"}, rights=_review, required=("comment",)),
    ),
)

_Text = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")]
_Long = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
_Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
_Key = Annotated[str, Meta(min_length=1, max_length=400, pattern=r"^\S*$")]
_Hex = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]*$")]
_Note = Annotated[str, Meta(max_length=512 * 1024)]
_Time = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
_Count = Annotated[int, Meta(ge=0, le=2**62)]
_Prefix = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


# --- what nodes sign --------------------------------------------------------------------------------------------------


class FiledDocument(Struct, frozen=True, kw_only=True):
    """A document of the dossier; ``digest`` is its SHA-256 in hex."""

    name: _Text
    size: _Count
    digest: _Hex


class Filing(Struct, frozen=True, kw_only=True):
    """A filing (备案) by ``node``, whose public key is ``key``, with the node whose key is ``to``.

    ``sequence`` grows with each filing of a prefix. ``at_ms`` is when it came about, ``signed_ms`` when it was signed.
    ``site_digest``: SHA-256 of the HS_SITE that the prefix is delegated to, empty for the holder's own registrar.
    ``origin`` is the filing of a node further below that is passed on, ``origin_receipt`` what it was answered.
    """

    v: Literal[1] = 1
    filing_id: _Id
    node: _Text
    key: _Key
    to: _Key
    system: PrefixSystem
    prefix: _Prefix
    event: FilingEvent
    state: FiledState
    sequence: _Count
    at_ms: _Time
    signed_ms: _Time
    granted_ms: _Time | None = None
    until_ms: _Time | None = None
    holder: _Text = ""
    credit_code: Annotated[str, Meta(max_length=40)] = ""
    contact: PrefixContact = PrefixContact()
    industry: _Text = ""
    use: _Long = ""
    certified_by: _Text = ""
    certification_number: _Text = ""
    certified_until_ms: _Time | None = None
    site_digest: _Hex = ""
    documents: Annotated[list[FiledDocument], Meta(max_length=200)] = []
    origin: _Note = ""
    origin_receipt: _Note = ""


class Receipt(Struct, frozen=True, kw_only=True):
    """What the node ``node`` (its public key is ``key``) answers to a filing or report: ``digest`` is of its text.

    ``number`` is the registration number, the same for every later filing of the prefix.
    """

    v: Literal[1] = 1
    filing_id: _Id
    digest: _Hex
    node: _Text
    key: _Key
    state: Outcome
    at_ms: _Time
    received_ms: _Time
    prefix: _Text = ""
    sequence: _Count = 0
    number: _Text = ""
    reason: _Long = ""


class Relay(Struct, frozen=True, kw_only=True):
    """A receipt from further above, handed down: ``node`` says that its node above is ``upper``, with ``upper_key``."""

    v: Literal[1] = 1
    filing_id: _Id
    node: _Text
    key: _Key
    upper: _Text
    upper_key: _Key
    at_ms: _Time
    filing: _Note
    receipt: _Note


class ReportedPrefix(Struct, frozen=True, kw_only=True):
    """One prefix in a report. ``identifiers`` registered at the node itself; ``changed_ms``: of the prefix."""

    system: PrefixSystem
    prefix: _Prefix
    state: FiledState
    identifiers: _Count
    changed_ms: _Time


class Report(Struct, frozen=True, kw_only=True):
    """What a node reports upward for a period; as of ``signed_ms``.

    ``resolutions`` of the period, null where nobody counts them. ``position`` and ``digest``: how far the log of
    identifiers is, and of what the index is then. ``left_out``: prefixes that were too many.
    """

    v: Literal[1] = 1
    report_id: _Id
    node: _Text
    key: _Key
    to: _Key
    from_ms: _Time
    to_ms: _Time
    every_ms: Annotated[int, Meta(ge=1000, le=366 * 86_400_000)]
    signed_ms: _Time
    identifiers: _Count
    resolutions: _Count | None
    position: _Count
    digest: _Hex
    states: dict[FiledState, _Count]
    prefixes: Annotated[list[ReportedPrefix], Meta(max_length=2000)]
    left_out: _Count = 0


# --- between nodes, over HTTP -----------------------------------------------------------------------------------------


class Delivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed filing or report, as the text of a note."""

    document: Annotated[str, Meta(min_length=1, max_length=512 * 1024)]


class FilingAnswer(Struct, frozen=True, kw_only=True):
    """How a filing stands.

    ``receipts``: everything that was signed for it, oldest first; ``relays``: what nodes further above answered.
    ``pending``: more may come.
    """

    filing_id: str
    state: Outcome
    receipts: Annotated[list[_Note], Meta(max_length=8)]
    relays: Annotated[list[_Note], Meta(max_length=64)] = []
    pending: bool = False


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """The receipt of a report."""

    report_id: str
    receipt: _Note


class FilingDesk(Struct, frozen=True, kw_only=True):
    """What a node above says of itself to one below: its name, key and clock, for whom that one may file what.

    ``admitted``: the account is that of a node below which may file.
    """

    node: str
    key: str
    now_ms: int
    admitted: bool
    holder: str = ""
    prefixes: Annotated[list[str], Meta(max_length=200)] = []
    policy: Policy | None = None
