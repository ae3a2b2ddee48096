"""What waits for a second person, and the workflow it goes through; no I/O. Times are UTC milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.approvals.rights import APPROVALS_DECIDE, APPROVALS_OVERRIDE
from millwright.cases import Transition, Workflow

KIND: Final = "approval"

State: TypeAlias = Literal["asked", "approved", "executing", "done", "failed", "rejected", "withdrawn", "expired"]
"""``approved``: about to be carried out; ``failed``: approved, and it could not be done, or nobody knows."""

OPEN: Final = ("asked", "approved", "executing")

WORKFLOW = Workflow(
    kind=KIND,
    initial="asked",
    closed=frozenset({"done", "failed", "rejected", "withdrawn", "expired"}),
    transitions=(
        Transition("approve", {"asked": "approved"}, rights=frozenset({APPROVALS_DECIDE.name})),
        Transition("reject", {"asked": "rejected"}, rights=frozenset({APPROVALS_DECIDE.name}), required=("comment",)),
        Transition(
            "override", {"asked": "approved"}, rights=frozenset({APPROVALS_OVERRIDE.name}), required=("comment",)
        ),
        Transition("withdraw", {"asked": "withdrawn"}, rights=frozenset({"requester"})),
        Transition("expire", {"asked": "expired"}),
        Transition("begin", {"approved": "executing"}),
        Transition("finish", {"executing": "done"}),
        Transition("fail", {"approved": "failed", "executing": "failed"}),
    ),
)
"""``executing`` is entered once and left by ``finish`` or ``fail`` alone: what began is never begun again."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks: the person or service, and the session or token it came with."""

    person_id: str
    name: str
    session_id: str
    method: Literal["cookie", "token"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that shall be done when a second person agrees.

    ``kind`` names who carries it out (:meth:`.Approvals.carry_out_by`): ``http`` for a request to the HTTP API, whose
    ``what`` holds method, path, query, headers and body. ``shown`` is what people may see of it, without secrets.
    """

    action: str
    organisation_id: str
    requester: Requester
    kind: str
    what: dict[str, Any]
    shown: dict[str, Any]
    object_kind: str = ""
    object_id: str = ""
    object_name: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Carrying:
    """An approved request on its way to who carries it out."""

    id: str
    action: str
    organisation_id: str
    requester: Requester
    approver_id: str
    approver_name: str
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, as a status of HTTP; ``body`` is the answer, for the requester alone."""

    status: int
    body: bytes = b""
    media_type: str = ""
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    shown: Any = None

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 400


class ApprovalResult(Struct, frozen=True):
    """How an approved request ended. ``status`` 0: nobody knows, for the node stopped meanwhile."""

    status: int
    code: str = ""
    message: str = ""


class Approval(Struct, frozen=True, kw_only=True):
    """A request that takes a second person.

    ``may_decide``: the reader may; ``mine``: the reader asked; ``answer_waiting``: the answer can be taken, once, by
    who asked.
    """

    id: str
    state: State
    action: str
    organisation_id: str
    organisation_name: str
    object_kind: str
    object_id: str
    object_name: str
    method: str
    path: str
    reason: str
    requester_id: str
    requester_name: str
    asked_ms: int
    expires_ms: int
    decided_ms: int | None = None
    decider_id: str | None = None
    decider_name: str | None = None
    comment: str = ""
    emergency: bool = False
    result: ApprovalResult | None = None
    answer_waiting: bool = False
    mine: bool = False
    may_decide: bool = False


class ApprovalStep(Struct, frozen=True):
    """One line of a request's history."""

    at_ms: int
    actor_id: str
    actor_name: str
    transition: str | None
    to_state: str
    comment: str


class ApprovalDetail(Approval, frozen=True, kw_only=True):
    """A request with what it would do (``body``, without secrets), and its history.

    ``digest`` is a SHA-256 of all that was asked and of a salt that is sealed with it and erased once it is closed.
    """

    query: str
    media_type: str
    body: Any
    body_bytes: int
    digest: str
    answer: Any
    history: list[ApprovalStep]


class ApprovalPage(Struct, frozen=True):
    """Requests, newest first, and the cursor of the next page (null: there is none)."""

    items: list[Approval]
    next: str | None = None


class HeldRequest(Struct, frozen=True):
    """The answer to a request that waits for a second person (202)."""

    approval: Approval


class ApprovalSummary(Struct, frozen=True):
    """How many requests wait for the reader, and how many of the reader's own are open."""

    waiting: int
    mine: int


class ApprovalAnswer(Struct, frozen=True):
    """What an approved request was answered with; given once."""

    status: int
    media_type: str
    body: Any


class DecisionComment(Struct, frozen=True, forbid_unknown_fields=True):
    """What to say with a decision."""

    comment: Annotated[str, Meta(max_length=1000)] = ""


class DecisionReason(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision that must be explained."""

    comment: Annotated[str, Meta(min_length=1, max_length=1000)]


class NameableAction(Struct, frozen=True):
    """An operation that a policy can name, and the routes that are it."""

    name: str
    summary: str
    routes: list[str]


class ApprovalPolicyChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy shall name."""

    actions: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=500, examples=[["devices.remove"]])]


class ApprovalPolicy(Struct, frozen=True):
    """What takes a second person on an organisation and below it.

    ``actions`` are its own, ``inherited`` those of the organisations above: they hold too, and cannot be taken away
    here. ``deciders`` counts the people who may decide here.
    """

    organisation_id: str
    actions: list[str]
    inherited: list[str]
    deciders: int
    changed_ms: int | None = None
    changed_by: str | None = None
