"""Cases: the one workflow engine under alarms, and later work orders, incidents, applications, assessments.

Vocabulary: a *case* is a matter of one *kind* about a *subject* that passes through the *states* of its kind's
*workflow* by named *transitions*; an *entry* is one line of its history (a transition, a change, or a comment).
A *cause* names why a case exists: at most one case of a kind is open for a cause, whoever writes, which the database
itself holds.

Invariants: the state and its history entry change in one transaction; a state is left only by a transition of the
workflow; a closed case never changes its state again; ``revision`` grows by one with each change.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.cases.model import SYSTEM, Actor, Case, Entry, Filter, Page, Transition, Workflow
    from millwright.cases.service import Cases, CaseSession

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "MIGRATIONS",
    "SYSTEM",
    "Actor",
    "Case",
    "CaseSession",
    "Cases",
    "Entry",
    "Filter",
    "Page",
    "Transition",
    "Workflow",
]
