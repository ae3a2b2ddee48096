"""Errors of drills."""

from __future__ import annotations

from millwright.kernel import Conflict, LimitExceeded, NotFound, Unavailable


def drill_running() -> Conflict:
    """One runs at a time."""
    return Conflict(
        "A drill is under way on this node.", code="drills.running", hint="Wait until it has ended: it says so here."
    )


def drill_unknown(drill_id: str) -> NotFound:
    """There is no such drill."""
    return NotFound(f"There is no drill {drill_id}.", code="drills.unknown", hint="Look at the list.")


def aims_missed(missed: list[str]) -> Conflict:
    """It went through, and not within its aims."""
    return Conflict(
        f"The drill went through and missed its aims: {', '.join(missed)}.",
        code="drills.aims_missed",
        hint="Its steps say where the time went and what is missing.",
        detail={"missed": missed},
    )


def interrupted() -> Unavailable:
    """Its process is gone."""
    return Unavailable(
        "The drill was interrupted: its process is gone.", code="drills.interrupted", hint="Start it again."
    )


def not_started(why: str) -> Unavailable:
    """No process could be started."""
    return Unavailable(
        f"The drill could not be started: {why}",
        code="drills.not_started",
        hint="Run `millwright identifiers drill` on the machine of the node to see why.",
    )


def no_room(free_mb: float, wanted_mb: float) -> LimitExceeded:
    """Copies of the register do not fit."""
    return LimitExceeded(
        f"A drill needs {wanted_mb:,.0f} MB for copies of the register, and {free_mb:,.0f} MB are free.",
        code="drills.no_room",
        hint="Free disk space, or name a folder on another disk by --into.",
    )


def process_failed(what: str, why: str) -> Unavailable:
    """A process of the drill did not come up."""
    return Unavailable(
        f"The drill's {what} did not come up: {why}", code="drills.process_failed", hint="Read its log; try again."
    )


def not_in_time(what: str, seconds: float) -> Unavailable:
    """Something that was waited for did not happen."""
    return Unavailable(
        f"The drill waited {seconds:g} s for {what}.", code="drills.not_in_time", hint="Look at the step before."
    )


def not_live(why: str) -> Conflict:
    """The real thing is not possible here."""
    return Conflict(
        f"A live drill is not possible: {why}.",
        code="drills.not_live",
        hint="It is run on a mirror ([identity] mirror_of) whose primary answers. A rehearsal runs anywhere.",
    )
