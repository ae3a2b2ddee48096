"""What passes over the link, as msgpack. The edge asks on ``up.<what>`` in its own account.

The account of the edge is what tells the parent whose message it is; nothing in a message says so.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from millwright.devices.edge.model import EdgeStatus

OFFER, FRAMES, STATUS, DESIRED, PRESENCE = "offer", "frames", "status", "desired", "presence"
"""What an edge asks: where its lanes stand, to take frames, how it is, what is desired of it, who is connected."""

ALL: Final = "all"
"""The lane in order; the others are called ``live-<first sequence>``."""


class Offer(Struct, frozen=True):
    """The edge has a stream made at ``epoch``: up to where is each lane stored? ``machine``: see :mod:`.machine`."""

    epoch: str
    machine: str = ""


class Standing(Struct, frozen=True):
    """The last sequence stored, by lane; a lane that is behind ``all`` is left out. ``now_ms``: the parent's clock."""

    lanes: dict[str, int]
    now_ms: int


class Delivery(Struct, frozen=True):
    """Frames of a lane, joined to one: all that it takes after ``previous`` up to and with ``last``."""

    epoch: str
    lane: str
    previous: int
    last: int
    frame: bytes
    machine: str = ""


class Taken(Struct, frozen=True):
    """Up to where the lane is stored now. Another number than was sent: begin again behind it."""

    position: int


class Report(Struct, frozen=True):
    """How the edge is."""

    status: EdgeStatus
    machine: str = ""


class Heard(Struct, frozen=True):
    """The parent's clock when it heard that."""

    now_ms: int


class Want(Struct, frozen=True):
    """The version of the desired state that the edge has."""

    have: str


class Wanted(Struct, frozen=True):
    """The desired state now; ``document`` is empty when it is the one that the edge has."""

    version: str
    document: bytes = b""


def encode(message: Any) -> bytes:
    """The message as msgpack."""
    return msgspec.msgpack.encode(message)


def live_lane(first: int) -> str:
    """The name of the live lane that begins at ``first``."""
    return f"live-{first}"


def first_of(lane: str) -> int:
    """Where a lane begins. Raises ``ValueError`` when there is none of that name."""
    if lane == ALL:
        return 1
    kind, _, first = lane.partition("-")
    if kind != "live" or not first.isdecimal():
        raise ValueError(f"there is no lane {lane[:40]!r}")
    return int(first)
