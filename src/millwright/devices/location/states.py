"""What the tracker remembers of a tag and of a reader; kept in the records, so that a restart goes on from there."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from millwright.devices.location.clocks import ReaderClock

EventKind = Literal["enter", "dwell", "exit", "uncertain", "certain"]
Reason = Literal["", "moved", "absent", "removed", "reader_lost", "reader_back"]


class Spot(Struct, array_like=True):
    """How one antenna saw a tag last: when, and how strong (smoothed; ``None`` where the reader does not say)."""

    time_ms: int
    rssi_dbm: float | None = None


class Stay(Struct, array_like=True):
    """A tag in a zone, or (``inside`` is false) about to be.

    ``since_ms``: of somebody inside the time of entry. ``out_ms``: since when it was seen outside of the area.
    """

    since_ms: int
    last_ms: int
    reads: int = 1
    inside: bool = False
    dwelled: bool = False
    out_ms: int = 0
    watched: bool = False


class TagState(Struct, array_like=True):
    """A tag. ``seen_ms`` is the newest time of all readers; the position is smoothed."""

    organisation_id: str
    tag: str
    seen_ms: int = 0
    reader_id: str = ""
    antenna: int = 0
    rssi_dbm: float | None = None
    plan_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    position_ms: int = 0
    outliers: int = 0
    trail_ms: int = 0
    trail_x_m: float | None = None
    trail_y_m: float | None = None
    trail_reader_id: str = ""
    spots: dict[str, Spot] = {}
    stays: dict[str, Stay] = {}


class ReaderState(Struct):
    """A reader. ``heard_ms``: up to where its word goes, in true time; ``received_ms``: when its last message came;
    ``resumed_ms``: since when it is heard without a gap."""

    heard_ms: int = 0
    received_ms: int = 0
    resumed_ms: int = 0
    lost: bool = False
    antennas_down: list[int] = []
    sightings: int = 0
    late: int = 0
    clock: ReaderClock = field(default_factory=ReaderClock)


class Happening(Struct, frozen=True, kw_only=True):
    """Something to be told: a tag came, stayed, left; or a zone cannot be seen into (any more)."""

    kind: EventKind
    time_ms: int
    organisation_id: str
    zone_id: str
    zone: str
    tag: str | None = None
    entered_ms: int | None = None
    stay_ms: int | None = None
    reader_id: str | None = None
    certain: bool = True
    reason: Reason = ""


class TrailStep(Struct, frozen=True, kw_only=True):
    """Where a tag was at a time; in metres on a plan where that is known."""

    organisation_id: str
    tag: str
    time_ms: int
    reader_id: str
    antenna: int
    plan_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    late: bool = False
