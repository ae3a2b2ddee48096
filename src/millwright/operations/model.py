"""Rules and alarms as data; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Meta, Struct

from millwright.kernel import ROOT

Priority: TypeAlias = Literal["critical", "high", "medium", "low"]
"""How urgent the operator's answer is (ISA-18.2 §6.2: few critical, most low)."""

PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")

AlarmState: TypeAlias = Literal["unacknowledged", "acknowledged", "returned_unacknowledged", "normal"]
"""ISA-18.2 §5.2.3: UNACK, ACKED, RTN-UNACK, NORM."""

ACTIVE_STATES: tuple[AlarmState, ...] = ("unacknowledged", "acknowledged")
UNACKNOWLEDGED_STATES: tuple[AlarmState, ...] = ("unacknowledged", "returned_unacknowledged")
OPEN_STATES: tuple[AlarmState, ...] = ("unacknowledged", "acknowledged", "returned_unacknowledged")

Text: TypeAlias = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")]
"""Free text of at most 500 characters."""

Identifier: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""An id or a name, 1 to 200 characters."""


class Scope(Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule watches: one device, or every device of a model, also those added later. Exactly one is given."""

    device_id: Identifier | None = None
    model_id: Identifier | None = None


class Limit(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="limit"):
    """Active beyond ``high`` or below ``low`` (units of the property; booleans count as 0 and 1).

    ``deadband`` is the hysteresis: the value must come back by that much before the alarm returns. ``on_delay_s`` and
    ``off_delay_s``: how long the value must stay beyond, or back, before that counts.
    """

    high: float | None = None
    low: float | None = None
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0


class RateOfChange(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="rate_of_change"):
    """Active while the mean change over the last ``window_s`` is faster than ``per_s`` (units of the property / s).

    ``direction`` says which way counts. ``deadband`` is in units / s; the delays are those of :class:`Limit`.
    """

    per_s: float
    window_s: float
    direction: Literal["both", "rising", "falling"] = "both"
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0


class Stale(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="stale"):
    """Active when no usable reading was received for ``after_s`` seconds."""

    after_s: float


Condition: TypeAlias = Limit | RateOfChange | Stale


class RuleDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as somebody writes it.

    ``message`` and ``message_zh`` may hold ``{device} {property} {value} {limit} {unit}``; empty: a standard sentence.
    """

    name: Identifier
    scope: Scope
    property: Identifier
    condition: Condition
    priority: Priority = "medium"
    enabled: bool = True
    message: Text = ""
    message_zh: Text | None = None


class Rule(RuleDraft, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is kept; it watches devices of its organisation and of those below.

    ``revision`` grows with each change; times are UTC milliseconds.
    """

    id: str
    revision: int = 1
    created_ms: int = 0
    updated_ms: int = 0
    organisation_id: str = ROOT


@dataclass(frozen=True, slots=True)
class Subject:
    """A device as rules see it: its name to show, its model, the units of its properties, and whose it is.

    ``organisations``: its own and those above it, the topmost first.
    """

    id: str
    name: str
    model_id: str | None = None
    units: Mapping[str, str | None] = field(default_factory=dict)
    organisations: tuple[str, ...] = (ROOT,)


class Judges(Protocol):
    """What edges judge: the rules and devices that they have said to be in force there."""

    @property
    def token(self) -> str:
        """Another one whenever the answers may be; empty while nobody else judges anything."""
        ...

    def find(self, rule: Rule, subject: Subject) -> str | None:
        """The edge that watches the device by the rule."""
        ...


class Nobody:
    """Everything is judged here."""

    token = ""

    def find(self, _rule: Rule, _subject: Subject) -> None:
        """Nobody."""
        return


class Directory(Protocol):
    """Who the devices are; synchronous."""

    def revision(self) -> int:
        """A number that changes whenever any device or model does."""
        ...

    def subjects(self, model_ids: set[str], device_ids: set[str]) -> list[Subject]:
        """The enabled devices of these models, and those of these ids, each once."""
        ...

    def elsewhere(self) -> Judges:
        """Who judges instead of this node."""
        ...

    def owner(self, scope: Scope) -> str:
        """The organisation that a rule with this scope belongs to. Raises ``NotFound``."""
        ...

    def find_property(self, scope: Scope, name: str) -> PropertyFact:
        """What is declared about a property. Raises ``NotFound`` when the device or model does not exist."""
        ...


@dataclass(frozen=True, slots=True)
class PropertyFact:
    """What a model says of a property: its type (None: not declared) and which names it declares."""

    type: str | None
    declared: tuple[str, ...] = ()


class Alarm(Struct, frozen=True, kw_only=True):
    """One alarm: a cause (rule, device, property) from its first occurrence until it has returned and is acknowledged.

    ``raised_ms``, ``returned_ms`` and ``last_occurrence_ms`` are source times; ``acknowledged_ms`` is this node's.
    ``edge_id``: the edge that judged, if one did.
    """

    id: str
    rule_id: str
    rule_name: str
    device_id: str
    device_name: str
    property: str
    priority: Priority
    condition_kind: Literal["limit", "rate_of_change", "stale"]
    message: str
    message_zh: str
    state: AlarmState
    active: bool
    acknowledged: bool
    raised_ms: int
    returned_ms: int | None
    acknowledged_ms: int | None
    acknowledged_by: str | None
    trigger_value: float | None
    limit: float | None
    unit: str | None
    occurrences: int
    last_occurrence_ms: int
    revision: int
    organisation_id: str = ROOT
    edge_id: str | None = None


class WatchKey(NamedTuple):
    """The cause of an alarm; the kind of condition belongs to it, since a rule can be changed into another kind."""

    rule_id: str
    device_id: str
    property: str
    kind: str

    def cause(self) -> str:
        """The cause of the alarm's case."""
        return f"{self.rule_id} {self.kind} {self.device_id} {self.property}"


@dataclass(slots=True)
class Raised:
    """An alarm began at source time ``at_ms``.

    ``value`` and ``limit`` are in ``unit``; ``trigger_ms`` is the source time of the reading that began it;
    ``occurrences`` counts how many beginnings this stands for; ``edge_id`` is the edge that judged, if one did.
    ``settles``: somebody else judged before, and is told even if nothing changed here.
    """

    key: WatchKey
    at_ms: int
    rule: Rule
    subject: Subject
    value: float | None
    trigger_ms: int
    limit: float | None
    unit: str | None
    occurrences: int = 1
    edge_id: str | None = None
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """An alarm ended at source time ``at_ms``; ``comment`` says why, when it was not the value.

    ``edge_id`` is the edge that judged, if one did; ``handed_to``: it is not watched here, for that edge judges now.
    ``settles``: as of :class:`Raised`.
    """

    key: WatchKey
    at_ms: int
    comment: str = ""
    edge_id: str | None = None
    handed_to: str | None = None
    settles: bool = False


Change: TypeAlias = Raised | Returned


@dataclass(frozen=True, slots=True)
class WatchState:
    """What must outlive a crash of one watch; see :class:`millwright.operations.evaluation.Watch`."""

    key: WatchKey
    phase: int
    since_ms: int
    last_ms: int
    value: float | None = None
    trigger_ms: int = 0
    high_side: bool = True
