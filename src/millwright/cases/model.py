"""What a case and its workflow are; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from millwright.kernel import ROOT, Conflict, Denied, Invalid


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person with rights (names of permissions), or a part of the node itself."""

    id: str
    name: str
    rights: frozenset[str] = frozenset()
    is_system: bool = False


SYSTEM = Actor("system", "Millwright", is_system=True)
"""The node itself: may fire every transition."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A named step: ``moves`` maps each state it may leave to the state it enters.

    Who has one of ``rights`` may fire it (none: only the node itself); ``required`` are keys of the case's data, or
    ``comment``, that must be filled when it fires.
    """

    name: str
    moves: Mapping[str, str]
    rights: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """The states a kind of case passes through; checked when made (``ValueError``: a mistake in the program)."""

    kind: str
    initial: str
    closed: frozenset[str]
    transitions: tuple[Transition, ...]
    _by_name: dict[str, Transition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {transition.name: transition for transition in self.transitions}
        if len(by_name) != len(self.transitions):
            raise ValueError(f"workflow {self.kind}: two transitions have one name")
        for transition in self.transitions:
            if stuck := self.closed & transition.moves.keys():
                raise ValueError(f"workflow {self.kind}: {transition.name} leaves the closed state {min(stuck)}")
        reached, todo = set[str](), [self.initial]
        while todo:
            state = todo.pop()
            if state not in reached:
                reached.add(state)
                todo += [t.moves[state] for t in self.transitions if state in t.moves]
        if lost := self.states - reached:
            raise ValueError(f"workflow {self.kind}: no way leads to {', '.join(sorted(lost))}")
        object.__setattr__(self, "_by_name", by_name)

    @property
    def states(self) -> frozenset[str]:
        """Every state that is named anywhere."""
        moves = [move for transition in self.transitions for pair in transition.moves.items() for move in pair]
        return frozenset({self.initial, *self.closed, *moves})

    def allowed(self, state: str, actor: Actor) -> list[str]:
        """The transitions that ``actor`` may fire in ``state``."""
        return [t.name for t in self.transitions if state in t.moves and _may(actor, t)]

    def step(self, case: Case, name: str, actor: Actor, *, comment: str, data: Mapping[str, Any]) -> str:
        """The state that ``case`` enters by transition ``name``.

        Raises ``Invalid`` (``cases.unknown_transition``, ``cases.field_required``), ``Denied``
        (``cases.transition_denied``) or ``Conflict`` (``cases.wrong_state``).
        """
        transition = self._by_name.get(name)
        if transition is None:
            raise Invalid(
                f"A case of kind {self.kind} has no transition {name}.",
                code="cases.unknown_transition",
                hint=f"Transitions: {', '.join(self._by_name)}.",
            )
        if not _may(actor, transition):
            raise Denied(
                f"{actor.name} may not {name} this {self.kind}.",
                code="cases.transition_denied",
                hint=f"It takes one of {', '.join(sorted(transition.rights)) or '(the node itself)'}.",
            )
        target = transition.moves.get(case.state)
        if target is None:
            raise Conflict(
                f"{name} is not possible in state {case.state}.",
                code="cases.wrong_state",
                hint="Read the case again; somebody may have been faster.",
                detail={"id": case.id, "state": case.state, "allowed": self.allowed(case.state, actor)},
            )
        filled = {**case.data, **data, "comment": comment}
        if missing := [key for key in transition.required if filled.get(key) in (None, "")]:
            raise Invalid(
                f"{name} needs {', '.join(missing)}.",
                code="cases.field_required",
                hint="Fill it and send the request again.",
                detail={"fields": missing},
            )
        return target


def _may(actor: Actor, transition: Transition) -> bool:
    return actor.is_system or bool(actor.rights & transition.rights)


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One matter. Times are UTC milliseconds.

    ``subject`` is the id of what it is about; ``priority`` 1 is the most urgent; ``opened_ms`` is when the matter began
    as its domain tells (for an alarm the source time), ``created_ms`` when it was recorded; ``organisation_id``: whose
    matter it is. ``search`` is the lower-case text that a search looks through; ``cause`` is set while the case is
    open.
    """

    id: str
    kind: str
    subject: str
    state: str
    priority: int
    opened_ms: int
    created_ms: int
    updated_ms: int
    search: str = ""
    cause: str | None = None
    assignee: str | None = None
    deadline_ms: int | None = None
    data: dict[str, Any] = {}
    revision: int = 1
    organisation_id: str = ROOT


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of history; ``transition`` is None for a comment or a change that left the state as it was."""

    case_id: str
    at_ms: int
    actor_id: str
    actor_name: str
    from_state: str
    to_state: str
    transition: str | None = None
    comment: str = ""
    data: dict[str, Any] = {}


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases: every given condition must hold. ``text`` is looked for in ``search``; times bound ``opened_ms``."""

    kind: str
    states: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    assignee: str | None = None
    text: str = ""
    from_ms: int | None = None
    to_ms: int | None = None


class Page(msgspec.Struct, frozen=True):
    """Some cases, latest first, and the cursor of the next page (None: there is none)."""

    items: list[Case]
    next: str | None = None
