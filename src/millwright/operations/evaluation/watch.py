"""One rule watching one property of one device: the state machine, value by value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from millwright.operations.model import Condition, Limit, RateOfChange

INFINITY = math.inf


class Phase(IntEnum):
    """Where a watch stands. Pending: beyond, the on-delay runs. Returning: back, the off-delay runs."""

    NORMAL = 0
    PENDING = 1
    ACTIVE = 2
    RETURNING = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """A condition as numbers: beyond ``high`` or ``low`` it begins, within ``clear_low … clear_high`` it ends."""

    high: float
    low: float
    clear_high: float
    clear_low: float
    on_ms: int
    off_ms: int

    @classmethod
    def of(cls, condition: Condition) -> Bounds:
        """The bounds of a limit, or of a rate (whose value is the rate, with its sign by direction)."""
        match condition:
            case Limit():
                high = INFINITY if condition.high is None else condition.high
                low = -INFINITY if condition.low is None else condition.low
            case RateOfChange():
                high, low = condition.per_s, -INFINITY
            case _:
                return cls(INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0)
        return cls(
            high,
            low,
            high - condition.deadband,
            low + condition.deadband,
            round(condition.on_delay_s * 1000),
            round(condition.off_delay_s * 1000),
        )


@dataclass(slots=True)
class Turn:
    """An alarm began or ended, at source time ``at_ms``."""

    raised: bool
    at_ms: int
    value: float
    trigger_ms: int
    limit: float


class Watch:
    """The state machine. Times are source times in ms, except ``due_s``: the monotonic time when the delay is over.

    A delay is over by whichever comes first: a reading whose source time is late enough, or the timer. So the result
    is the same when a backlog is read quickly, and a value that stays where it is without new readings counts too.
    """

    __slots__ = ("bounds", "changed_ms", "due_s", "high_side", "last_ms", "phase", "since_ms", "trigger_ms", "value")

    def __init__(self, bounds: Bounds, last_ms: int) -> None:
        self.bounds = bounds
        self.phase = Phase.NORMAL
        self.since_ms = self.changed_ms = self.trigger_ms = 0
        self.last_ms = last_ms
        self.value = math.nan
        self.high_side = True
        self.due_s = INFINITY

    def feed(self, time_ms: int, value: float, now_s: float) -> list[Turn]:
        """Take the next reading; the caller has refused what is older than ``last_ms``."""
        turns = []
        if self.phase in (Phase.PENDING, Phase.RETURNING) and time_ms - self.since_ms >= self._delay_ms():
            turns.append(self.complete())
        self.last_ms = time_ms
        bounds = self.bounds
        over, under = value > bounds.high, value < bounds.low
        if self.phase is Phase.NORMAL and (over or under):
            self.trigger_ms = time_ms
            self._begin(Phase.PENDING, time_ms, now_s, bounds.on_ms)
        elif self.phase is Phase.PENDING and not (over or under):
            self._begin(Phase.NORMAL, time_ms, INFINITY, 0)
        elif self.phase in (Phase.ACTIVE, Phase.RETURNING):
            cleared = bounds.clear_low <= value <= bounds.clear_high
            if cleared and self.phase is Phase.ACTIVE:
                self._begin(Phase.RETURNING, time_ms, now_s, bounds.off_ms)
            elif not cleared and self.phase is Phase.RETURNING:
                self._begin(Phase.ACTIVE, time_ms, INFINITY, 0)
        self.value = value
        if over or under:
            self.high_side = over
        elif self.phase is Phase.ACTIVE:  # inside the deadband: the side it hangs on to
            self.high_side = value > bounds.clear_high
        if self.phase in (Phase.PENDING, Phase.RETURNING) and self._delay_ms() == 0:
            turns.append(self.complete())
        return turns

    @property
    def delay_ends_ms(self) -> int:
        """The source time when the delay that is running is over."""
        return self.since_ms + self._delay_ms()

    def rebind(self, bounds: Bounds, now_s: float) -> None:
        """Judge by ``bounds`` from now on; a delay that is running starts again on the timer."""
        self.bounds = bounds
        if self.phase in (Phase.PENDING, Phase.RETURNING):
            self.due_s = now_s + self._delay_ms() / 1000

    def complete(self) -> Turn:
        """The delay is over: raise what is pending, end what is returning."""
        at_ms = max(self.since_ms + self._delay_ms(), self.changed_ms)
        raised = self.phase is Phase.PENDING
        self._begin(Phase.ACTIVE if raised else Phase.NORMAL, at_ms, INFINITY, 0)
        self.changed_ms = at_ms
        return Turn(raised, at_ms, self.value, self.trigger_ms, self.bounds.high if self.high_side else self.bounds.low)

    def quiet(self) -> tuple[float, float]:
        """The closed interval of values that would change nothing now; an empty one is (inf, -inf)."""
        bounds = self.bounds
        if self.phase is Phase.NORMAL:
            return bounds.low, bounds.high
        if self.phase is Phase.ACTIVE:
            if self.high_side:
                return math.nextafter(bounds.clear_high, INFINITY), INFINITY
            return -INFINITY, math.nextafter(bounds.clear_low, -INFINITY)
        return INFINITY, -INFINITY

    def _begin(self, phase: Phase, since_ms: int, now_s: float, delay_ms: int) -> None:
        self.phase = phase
        self.since_ms = since_ms
        self.due_s = now_s + delay_ms / 1000

    def _delay_ms(self) -> int:
        return self.bounds.on_ms if self.phase is Phase.PENDING else self.bounds.off_ms
