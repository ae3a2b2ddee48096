"""Changes of several records: planned one by one, written together, each refused by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.records import Change
from millwright.identity.records import Prefix, Records
from millwright.identity.records.writing import Pending
from millwright.identity.registration.model import IdentifierChange, NewIdentifier
from millwright.identity.templates import Template
from millwright.kernel import LimitExceeded, MillwrightError

MOST_TOGETHER: Final = 500
"""So many are written in one batch at most: others wait for the register meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of one identifier; ``what`` is ``None`` for its removal."""

    text: str
    what: NewIdentifier | IdentifierChange | None
    template: Template | None = None


@dataclass(slots=True)
class Plan:
    """A change of one record that is to be made; when it was made, whose the record is and what it said."""

    name: bytes
    change: Callable[..., Any]
    owner: Prefix | None = None
    before: Sequence[HandleValue] | None = None
    after: tuple[HandleValue, ...] | None = None


def write_plans(
    register: Records,
    plans: Sequence[Plan | MillwrightError],
    made: Callable[[Plan], None],
    *,
    who: str,
    reason: str = "",
) -> list[MillwrightError | None]:
    """Make the changes in the order given, each seeing those before; returns for each why it was refused.

    ``made`` is called for each that is durable. What could not be planned is passed through. Raises as
    :meth:`.Records.batch` when nothing was written; afterwards that is the refusal of all that are left.
    """
    found: list[MillwrightError | None] = [each if isinstance(each, MillwrightError) else None for each in plans]
    waiting = [(place, each) for place, each in enumerate(plans) if isinstance(each, Plan)]
    parts = [waiting[first : first + MOST_TOGETHER] for first in range(0, len(waiting), MOST_TOGETHER)]
    written = False
    while parts:
        part = parts.pop(0)
        try:
            refused = _write(register, [each for _, each in part], who, reason)
        except LimitExceeded as error:
            if error.code == "records.batch_too_large" and len(part) > 1:
                half = len(part) // 2
                parts[:0] = [part[:half], part[half:]]
                continue
            if error.code != "records.batch_too_large" and not written:
                raise
            refused = dict.fromkeys(range(len(part)), cast(MillwrightError, error))
        except MillwrightError as error:
            if not written:
                raise
            refused = dict.fromkeys(range(len(part)), error)
        for at, (place, plan) in enumerate(part):
            found[place] = refused.get(at)
            if at not in refused:
                written = True
                made(plan)
    return found


def _write(register: Records, plans: Sequence[Plan], who: str, reason: str) -> dict[int, MillwrightError]:
    """One batch; returns what was refused, by its place."""
    refused: dict[int, MillwrightError] = {}

    def work(pending: Pending) -> None:
        refused.clear()
        for place, plan in enumerate(plans):
            try:
                pending.change(plan.name, cast(Change, plan.change))
            except LimitExceeded:
                raise
            except MillwrightError as error:
                refused[place] = error

    register.batch(work, who=who, reason=reason)
    return refused
