"""What is used up and what is too fast: pure decisions over limits and figures, and token buckets.

A limit of an organisation holds for the sum of it and everything below it. So whether one may go on is asked of it and
of each organisation above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from millwright.kernel import Clock, LimitExceeded
from millwright.metering.model import Limits, Period, Quota, RateLimits
from millwright.parties import Tree

INTAKE_METERS = ("messages", "points", "stored_bytes")
"""Meters whose hard quota, once used up, shuts devices out."""
_CLEARED_S = 1.0


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A quota, and what was used of it by ``organisation_id`` with all below it; it begins anew at ``ends_ms``."""

    organisation_id: str
    quota: Quota
    used: int
    ends_ms: int

    @property
    def warned(self) -> bool:
        """Whether so much is used that it has to be said."""
        return self.used * 100 >= self.quota.limit * self.quota.warn_percent

    @property
    def exceeded(self) -> bool:
        """Whether it is used up."""
        return self.used >= self.quota.limit

    def error(self, now_ms: int) -> LimitExceeded:
        """The error that says so, with the time until it begins anew."""
        quota = self.quota
        return LimitExceeded(
            f"The quota of {quota.limit} {quota.meter} a {quota.period} is used up.",
            code="metering.quota_exceeded",
            hint="Wait for the next period, or ask the organisation above for more.",
            detail={"meter": quota.meter, "limit": quota.limit, "period": quota.period, "used": self.used},
            retry_after_s=max(1.0, (self.ends_ms - now_ms) / 1000),
        )


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Every limit of a node with what was used of it; looked up by organisation."""

    tree: Tree
    limits: Mapping[str, Limits] = field(default_factory=dict)
    states: Mapping[str, list[QuotaState]] = field(default_factory=dict)
    _over: dict[tuple[str, str], QuotaState | None] = field(default_factory=dict, repr=False, compare=False)
    _rates: dict[str, list[tuple[str, RateLimits]]] = field(default_factory=dict, repr=False, compare=False)

    def find_exceeded(self, organisation_id: str, meters: Iterable[str]) -> QuotaState | None:
        """A hard quota on one of these meters that is used up, of the organisation or one above it."""
        if not self.states:
            return None
        for meter in meters:
            key = (organisation_id, meter)
            if key not in self._over:
                self._over[key] = self._look(organisation_id, meter)
            found = self._over[key]
            if found is not None:
                return found
        return None

    def _look(self, organisation_id: str, meter: str) -> QuotaState | None:
        over = [
            state
            for each in self.tree.path(organisation_id)
            for state in self.states.get(each, ())
            if state.quota.meter == meter and state.quota.hard and state.exceeded
        ]
        return max(over, key=lambda state: state.ends_ms, default=None)

    def rates(self, organisation_id: str) -> list[tuple[str, RateLimits]]:
        """The rates that hold for an organisation: its own and those above, from the top."""
        if not self.limits:
            return []
        found = self._rates.get(organisation_id)
        if found is None:
            holders = [each for each in self.tree.path(organisation_id) if each in self.limits]
            found = self._rates[organisation_id] = [(each, self.limits[each].rates) for each in holders]
        return found


NO_CEILINGS = Ceilings(Tree(()))
"""Nothing is limited."""


def work_out(
    tree: Tree,
    limits: Mapping[str, Limits],
    used: Mapping[Period, Mapping[tuple[str, str], int]],
    ends_ms: Mapping[Period, int],
) -> Ceilings:
    """The ceilings, from what each organisation used itself in the running day and month, by meter."""
    states: dict[str, list[QuotaState]] = {}
    for organisation_id, each in limits.items():
        if not each.quotas:
            continue
        members = tree.subtree(organisation_id)
        states[organisation_id] = [
            QuotaState(
                organisation_id,
                quota,
                sum(used[quota.period].get((member, quota.meter), 0) for member in members),
                ends_ms[quota.period],
            )
            for quota in each.quotas
        ]
    return Ceilings(tree, limits, states)


class Bucket:
    """A token bucket of one second's worth that may be overdrawn: what was taken already is never given back.

    Whoever takes lowers :attr:`left`, and keeps to the rate by waiting for :meth:`debt_s` afterwards, or for
    :meth:`wait_s` before.
    """

    __slots__ = ("at_s", "left", "per_s")

    def __init__(self, per_s: float, now_s: float) -> None:
        self.per_s, self.left, self.at_s = per_s, max(per_s, 1.0), now_s

    def fill(self, per_s: float, now_s: float) -> None:
        """Let in what came together since the last time."""
        self.per_s = per_s
        self.left = min(max(per_s, 1.0), self.left + (now_s - self.at_s) * per_s)
        self.at_s = now_s

    def is_full(self, now_s: float) -> bool:
        """Whether it is by now as a new one would be."""
        return self.left + (now_s - self.at_s) * self.per_s >= max(self.per_s, 1.0)

    def wait_s(self) -> float:
        """Seconds until one more may go."""
        return max(0.0, (1 - self.left) / self.per_s)

    def debt_s(self) -> float:
        """Seconds until what was overdrawn is made good; 0 when nothing was."""
        return max(0.0, -self.left / self.per_s)


class Buckets:
    """Token buckets by name. Beyond ``most`` those are forgotten that are full again, and no debt is."""

    def __init__(self, clock: Clock, most: int = 50_000) -> None:
        self._clock, self._most = clock, most
        self._known: dict[str, Bucket] = {}
        self._cleared_s = float("-inf")

    def get(self, name: str, per_s: float) -> Bucket:
        """The bucket, filled to now."""
        now_s = self._clock.monotonic_s()
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= self._most and now_s - self._cleared_s >= _CLEARED_S:
                self._cleared_s = now_s
                self._known = {key: each for key, each in self._known.items() if not each.is_full(now_s)}
            found = self._known[name] = Bucket(per_s, now_s)
        else:
            found.fill(per_s, now_s)
        return found
