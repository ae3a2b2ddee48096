"""Drills and what they measured: frozen data."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

DrillKind: TypeAlias = Literal["failover", "restore"]
DrillState: TypeAlias = Literal["running", "passed", "missed", "failed"]
"""``missed``: it went through, and not within its aims; ``failed``: it did not go through."""


class Aims(Struct, frozen=True, kw_only=True):
    """What is wanted: seconds until changes are taken (restore: answers are given) again, and records that may be
    missing: a mirror follows, so what was acknowledged in the last moment may not be there."""

    rto_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    rpo_records: Annotated[int, Meta(ge=0)] = 1000


class DrillStep(Struct, frozen=True, kw_only=True):
    """One step: when it began after the beginning of the drill, how long it took, and what is to be said of it."""

    name: str
    at_ms: float
    took_ms: float
    detail: dict[str, Any] = {}


class Measured(Struct, frozen=True, kw_only=True):
    """What came out; ``None``: was not measured.

    ``first_answer_s`` is the time to the first resolution after the loss, ``longest_gap_s`` the longest time without
    one. ``rpo_batches``, ``rpo_records`` and ``rpo_s`` are what was acknowledged and is missing. ``equal``: whether the
    digests agree afterwards. ``records_per_s``: of a restore. ``wrong``: answers that differ from those of the node.
    """

    rto_s: float | None = None
    first_answer_s: float | None = None
    longest_gap_s: float | None = None
    rpo_batches: int | None = None
    rpo_records: int | None = None
    rpo_s: float | None = None
    equal: bool | None = None
    position: int | None = None
    digest: str = ""
    handles: int | None = None
    records_per_s: float | None = None
    compared: int | None = None
    wrong: int | None = None


class DrillProblem(Struct, frozen=True, kw_only=True):
    """Why it did not go through."""

    code: str
    message: str
    hint: str = ""
    family: str = "unavailable"


class Drill(Struct, frozen=True, kw_only=True):
    """A drill, under way or done. ``missed`` names the aims not met: ``rto``, ``rpo``, ``equal``, ``wrong``."""

    id: str
    kind: DrillKind
    live: bool
    state: DrillState
    node: str
    who: str
    begun_ms: int
    ended_ms: int | None = None
    aims: Aims
    measured: Measured
    missed: list[str] = []
    steps: list[DrillStep] = []
    problem: DrillProblem | None = None


class DrillPage(Struct, frozen=True, kw_only=True):
    """Drills, newest first, and whether this node can rehearse: a mirror on its primary's broker has no log to copy."""

    items: list[Drill]
    running: bool


class NewDrill(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rehearsal to be started."""

    kind: DrillKind
    rto_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    rpo_records: Annotated[int, Meta(ge=0)] = 1000
