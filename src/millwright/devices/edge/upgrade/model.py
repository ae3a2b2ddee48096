"""Releases and roll-outs, as the API shows them. Times are UTC ms."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

RolloutState = Literal["running", "done", "failed", "stopped"]
Progress = Literal["waiting", "ordered", "fetching", "installing", "staged", "trying", "done", "failed", "rolled_back"]

PRODUCT: Final = "millwright"
"""The wheel that a release is about; the others are what it needs."""


class ReleaseFile(Struct, frozen=True, kw_only=True):
    """A wheel of a release, by its SHA-256."""

    name: str
    bytes: int
    sha256: str


class Release(Struct, frozen=True, kw_only=True):
    """The wheels of one version. ``signed_by``: the names of the keys."""

    id: str
    version: str
    files: list[ReleaseFile]
    bytes: int
    signed_by: list[str]
    created_ms: int


class NewRelease(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wheels that were sent before, to be one release."""

    files: Annotated[
        list[str],
        Meta(description="Names of files sent before; one is millwright's wheel.", min_length=1, max_length=200),
    ]


class NewRollout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A release for edges, group after group."""

    release_id: Annotated[str, Meta(max_length=64)]
    groups: Annotated[
        list[Annotated[list[str], Meta(min_length=1, max_length=1000)]],
        Meta(description="Edges by group; the first is tried first (canary).", min_length=1, max_length=50),
    ]
    trial_s: Annotated[
        float,
        Meta(description="Within so many seconds a new version must be ready and reach this node.", ge=5, le=7200),
    ] = 300
    settle_s: Annotated[
        float, Meta(description="For so many seconds it must stay so, before it is kept.", ge=1, le=86_400)
    ] = 180


class EdgeProgress(Struct, frozen=True, kw_only=True):
    """How far an edge of a roll-out is; ``why`` it failed."""

    edge_id: str
    name: str
    group: int
    progress: Progress
    why: str = ""
    organisation_id: str = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """A roll-out. ``group``: the one that is under way, from 0. ``failed``: by itself, for ``why``: nowhere further, or
    nowhere further in the organisations whose edge failed."""

    id: str
    release_id: str
    version: str
    state: RolloutState
    group: int
    why: str
    trial_s: float
    settle_s: float
    created_ms: int
    ended_ms: int | None
    edges: list[EdgeProgress]


class Sent(Struct, frozen=True, kw_only=True):
    """How much of a file is here."""

    name: str
    bytes: int


class UpgradeStatus(Struct, frozen=True, kw_only=True):
    """What an edge says of its last order. ``fetched``: bytes of ``bytes``."""

    order: str = ""
    version: str = ""
    progress: str = ""
    why: str = ""
    fetched: int = 0
    bytes: int = 0


# --- on the link ---------------------------------------------------------------------------------------------------

UPGRADE, PIECE = "upgrade", "piece"
"""What an edge asks: which version is ordered, and a piece of a file."""

PIECE_BYTES: Final = 512 * 1024


class AskOrder(Struct, frozen=True):
    """Is there another version for this edge? ``version`` runs there."""

    version: str


class Order(Struct, frozen=True):
    """The signed list of a release and the permission to roll it out; empty ``order``: nothing is ordered."""

    order: str = ""
    note: str = ""
    trial_s: float = 0
    settle_s: float = 0
    permission: str = ""


class AskPiece(Struct, frozen=True):
    """Bytes of a file of a release, from ``offset`` on."""

    sha256: str
    offset: int


class Piece(Struct, frozen=True):
    """The bytes; fewer than asked for at the end."""

    data: bytes
