"""What is told of resolution, and how it is shown: frozen data. Times are UTC milliseconds, latencies microseconds."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.identity.handle.wire.codes import Rc

Interface: TypeAlias = Literal["udp", "tcp", "rest", "link", "did", "page", "recursion"]
INTERFACES: Final[tuple[Interface, ...]] = ("udp", "tcp", "rest", "link", "did", "page", "recursion")

FETCHED: Final = "fetched"
"""Counted as an interface of its own: questions for names of elsewhere that were not answered from the cache."""
BEHIND: Final = frozenset({"recursion", FETCHED})
"""What stands behind the question of another interface, and is not one of its own."""

OUTCOME: Final = {int(code): code.name.lower() for code in Rc}
"""Response codes by name."""

FOUND: Final = "success"
NOT_FOUND: Final = "handle_not_found"
SUSPENDED: Final = "prefix_suspended"
EXPIRED: Final = "prefix_expired"
LIMITED: Final = "limited"
"""Refused, before it was looked at, because its address asks too much."""
MALFORMED: Final = "malformed"
"""No message of the protocol; it gets no answer."""
LATE: Final = "no_answer"
"""No server that is responsible for the name answered this one."""

MISSES: Final = frozenset({NOT_FOUND, "invalid_handle"})
"""Outcomes that say: there is no such name."""
ANSWERED: Final = frozenset({FOUND, NOT_FOUND, "value_not_found", "service_referral", "prefix_referral"})
"""Outcomes that are answers; every other is a failure to whoever asked."""


class SourceFigures(Struct, frozen=True, array_like=True):
    """What one network asked for since its window began; ``names`` and ``missing`` are registers of sketches.

    ``run``: how many names followed one another in a row, ``run_asked`` of so many asked for there; ``run_from`` and
    ``run_to`` are its ends.
    """

    network: str
    asked: int
    missed: int
    names: bytes
    run: int
    run_asked: int
    run_from: str
    run_to: str
    samples: tuple[str, ...]
    interfaces: tuple[str, ...]


class ItemFigures(Struct, frozen=True, array_like=True):
    """How often one thing was asked for on a day, and by how many networks (registers of a sketch)."""

    name: str
    asked: int
    networks: bytes


class KindFigures(Struct, frozen=True, array_like=True):
    """Things of one product or batch on a day: questions that found one, distinct things found and not found, networks
    that asked for such as do not exist (registers of sketches)."""

    stem: str
    asked: int
    found: bytes
    missing: bytes
    guessers: bytes
    samples: tuple[str, ...]


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one process tells: counts since it told last, and figures of the running minute, window and day.

    ``process`` and ``number`` make it count once, however often it comes. ``names``: the most frequent of ``minute``
    with their counts, each too small by ``names_error`` at most. ``served``: answers by what tells whose they are.
    """

    process: str
    role: str
    number: int
    from_ms: int
    to_ms: int
    counts: tuple[tuple[str, str, int], ...] = ()
    latencies: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    minute: int = 0
    names: tuple[tuple[str, int], ...] = ()
    names_error: int = 0
    window: int = 0
    sources: tuple[SourceFigures, ...] = ()
    day: int = 0
    items: tuple[ItemFigures, ...] = ()
    kinds: tuple[KindFigures, ...] = ()
    forgotten: int = 0
    served: tuple[tuple[bytes, int], ...] = ()


class MirrorTold(Struct, frozen=True, kw_only=True):
    """How far a mirror is, as it says itself. ``lag_ms``: since when it lacks what it knows there is."""

    node: str
    position: int
    digest: str
    handles: int
    lag_batches: int
    lag_ms: int
    problem: str = ""


# --- what is shown ----------------------------------------------------------------------------------------------------


class InterfaceView(Struct, frozen=True, kw_only=True):
    """One way to ask over the last hour: questions, those that were answered well, the latency that half and 99 of 100
    do not exceed (null: nobody asked)."""

    interface: Interface
    asked: int
    found: int
    failed: int
    p50_us: float | None
    p99_us: float | None


class CauseView(Struct, frozen=True, kw_only=True):
    """How often an outcome occurred in the last hour."""

    outcome: str
    failure: bool
    count: int


class HotName(Struct, frozen=True, kw_only=True):
    """An identifier that is asked for often; ``count`` is too small by ``error`` at most."""

    name: str
    count: int
    error: int
    registered: bool
    prefix: str
    organisation_id: str


MirrorState: TypeAlias = Literal["equal", "behind", "differs", "unknown", "silent"]


class MirrorView(Struct, frozen=True, kw_only=True):
    """A mirror as the primary knows it. ``state``: ``equal``, ``behind``, ``differs`` (its digest is another),
    ``unknown`` (the digest at its position is kept no more), ``silent`` (not heard for half a minute).

    ``behind`` batches are lacking there now; ``lag_ms`` is since when, as it says.
    """

    node: str
    state: MirrorState
    position: int
    behind: int
    lag_ms: int
    handles: int
    digest: str
    problem: str
    seen_ms: int


class UnfiledPrefix(Struct, frozen=True, kw_only=True):
    """A prefix in force of which no filing was accepted. ``last_filing``: how the last one stands, empty without."""

    id: str
    prefix: str
    organisation_id: str
    organisation_name: str
    granted_ms: int
    last_filing: str


class NodeFigures(Struct, frozen=True, kw_only=True):
    """The node as a whole. ``rate_per_s``: now, over ten seconds; the others over the last hour. ``hit_ratio``: of
    questions about names, those that were found. ``cache_hit_ratio``: of questions for names of elsewhere, those that
    were answered without asking there (null: there were none)."""

    position: int
    is_mirror: bool
    rate_per_s: float
    asked: int
    hit_ratio: float | None
    cache_hit_ratio: float | None
    failed: int
    p50_us: float | None
    p99_us: float | None
    interfaces: list[InterfaceView]
    causes: list[CauseView]
    mirrors: list[MirrorView]
    processes: list[ProcessView]


class ProcessView(Struct, frozen=True, kw_only=True):
    """A process that resolves: when it told last, and how many sources and things it had no room to remember."""

    role: str
    seen_ms: int
    forgotten: int


class OperationSummary(Struct, frozen=True, kw_only=True):
    """What waits for somebody, of the reader's own prefixes: findings, and prefixes without an accepted filing."""

    open_findings: int
    unfiled: list[UnfiledPrefix]
    unfiled_days: int


class SeriesView(Struct, frozen=True, kw_only=True):
    """Questions over time, in columns of equal length; ``step_ms`` wide each. ``rate_per_s`` by interface; ``failed``
    by outcome, for those that occurred; a latency is null where nobody asked."""

    span: Literal["hour", "day", "month"]
    step_ms: int
    time_ms: list[int]
    rate_per_s: dict[str, list[float]]
    hit_ratio: list[float | None]
    failed: dict[str, list[int]]
    p50_us: list[float | None]
    p99_us: list[float | None]


class HotNames(Struct, frozen=True, kw_only=True):
    """The most frequent identifiers that the reader may know of, most often first."""

    span: Literal["hour", "day"]
    items: list[HotName]


FindingKind: TypeAlias = Literal["scraping", "enumeration", "misses", "counterfeit", "guessing"]
NETWORK_KINDS: Final = ("scraping", "enumeration", "misses")
"""Findings about a network that asks; the others are about what is asked for."""

FindingState: TypeAlias = Literal["open", "acknowledged"]


class Candidate(Struct, frozen=True, kw_only=True):
    """Something abnormal that was seen in one period; ``names`` are examples of what was asked for."""

    kind: FindingKind
    subject: str
    period: int
    at_ms: int
    evidence: dict[str, Any]
    names: tuple[str, ...]


class Finding(Struct, frozen=True, kw_only=True):
    """Something abnormal. ``subject``: the network that asked, or the name or beginning of names that was asked for;
    empty when it was removed after the time that the settings say. ``times``: in how many periods it was seen.

    ``evidence`` holds what was counted and beside it the threshold; ``names`` are examples, those that the reader may
    know of, and ``hidden`` so many more.
    """

    id: str
    kind: FindingKind
    state: FindingState
    subject: str
    first_ms: int
    last_ms: int
    times: int
    evidence: dict[str, Any]
    names: list[str]
    hidden: int
    prefixes: list[str]
    acknowledged_ms: int | None
    acknowledged_by: str
    comment: str


class FindingPage(Struct, frozen=True, kw_only=True):
    """Findings, those that occurred last first."""

    items: list[Finding]


class FindingAcknowledgement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found out, or done about it."""

    comment: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]
