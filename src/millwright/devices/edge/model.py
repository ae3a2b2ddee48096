"""An edge, as the API shows it, and what passes when one joins. Times are UTC ms."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from millwright.devices.edge.down.model import SectionReport
from millwright.devices.edge.upgrade.model import UpgradeStatus

State = Literal["waiting", "connected", "cut", "revoked"]

FRESH_MS: Final = 10_000
"""An edge that has not been heard for so long is cut off; it speaks every two seconds."""

MOST_PROBLEMS: Final = 20


class EdgeProblem(Struct, frozen=True, kw_only=True):
    """Something wrong at an edge, as a process of it says."""

    code: Annotated[str, Meta(max_length=64)] = ""
    message: Annotated[str, Meta(max_length=2000)] = ""
    hint: Annotated[str, Meta(max_length=2000)] = ""
    since_ms: int | None = None


class EdgeStatus(Struct, frozen=True, kw_only=True):
    """What an edge says of itself.

    ``backlog_oldest_ms``: when the oldest frame that waits was received; ``given_up``: frames that left the backlog
    before they were here, since the edge's start, and when the first and the last were received;
    ``clock_offset_ms``: how far its clock is ahead of the parent's; ``rtt_ms``: of the link. ``applied``: the version
    of the desired state in force there, and ``sections``: how much of each part of it is. ``cloned``: another machine
    speaks with this one's key and is refused; said by the parent.
    """

    version: str = ""
    at_ms: int = 0
    started_ms: int = 0
    backlog_messages: int = 0
    backlog_bytes: int = 0
    backlog_oldest_ms: int | None = None
    given_up: int = 0
    given_up_from_ms: int | None = None
    given_up_to_ms: int | None = None
    clock_offset_ms: float | None = None
    rtt_ms: float | None = None
    disk_free_bytes: int = 0
    memory_bytes: int = 0
    addresses: list[str] = []
    applied: str = ""
    applied_ms: int | None = None
    apply_error: str = ""
    problems: Annotated[list[EdgeProblem], Meta(max_length=MOST_PROBLEMS)] = []
    live: bool = False
    cloned: bool = False
    upgrade: UpgradeStatus | None = None
    sections: list[SectionReport] = []


class Edge(Struct, frozen=True, kw_only=True):
    """An enrolled edge. ``state``: ``waiting`` for it to join, ``connected``, ``cut`` off, or ``revoked``."""

    id: str
    name: str
    place_id: str | None
    place_path: str | None
    state: State
    created_ms: int
    joined_ms: int | None
    revoked_ms: int | None
    code_expires_ms: int | None
    seen_ms: int | None
    connected_ms: int | None
    devices: int
    status: EdgeStatus | None
    lacks: list[str]
    organisation_id: str


class NewEdge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An edge to be enrolled."""

    name: Annotated[str, Meta(description="Unique; compared without case.", examples=["hall-3"])]
    place_id: Annotated[str | None, Meta(description="Where it stands.")] = None


class EdgeChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an edge; absent keys stay."""

    name: str | UnsetType = UNSET
    place_id: str | UnsetType | None = UNSET


class EdgeEnrolment(Struct, frozen=True, kw_only=True):
    """A code for joining, shown this once, and the command to type at the edge's machine."""

    code: str
    command: str
    expires_ms: int


class EdgeEnrolled(Struct, frozen=True, kw_only=True):
    """A new edge and its code."""

    edge: Edge
    enrolment: EdgeEnrolment


class JoinRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the edge's machine sends: the code, and the public keys whose secret halves stay there.

    ``public_key`` (NKEY) proves who it is; what is sealed for ``seal_key`` (X25519, base64) it alone can open.
    """

    code: Annotated[str, Meta(max_length=100)]
    public_key: Annotated[str, Meta(max_length=80)]
    seal_key: Annotated[str, Meta(max_length=64)] = ""


class Joined(Struct, frozen=True, kw_only=True):
    """What the edge's machine needs to know from then on.

    ``urls``: where its broker joins the parent's; ``ca``: PEM of the authorities that vouch for the parent there;
    ``signers``: the keys (vkeys) that sign what the edge is to run.
    """

    edge_id: str
    name: str
    organisation: str
    urls: list[str]
    ca: str = ""
    signers: list[str] = []


def code_of(text: str) -> str:
    """A code as it is compared: what people add when they copy is taken off."""
    return text.strip().strip("'\"`").strip()
