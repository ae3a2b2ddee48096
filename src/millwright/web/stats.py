"""What the roles say of themselves each second, kept for ten minutes: states, rates, and the Prometheus text."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from millwright.kernel import Bus, Clock, Unsubscribe

logger = logging.getLogger(__name__)

HISTORY_S = 600
"""How far back rates reach."""

_SILENT_S = 5.0
_FORGET_S = 60.0
_RATE_S = 5
# The supervisor's gauge ``state.<role>`` is an index into these (millwright.app.supervisor).
_SUPERVISED = ("lost", "starting", "running", "restarting", "restarting")

State = Literal["running", "starting", "restarting", "lost"]


class RoleProblem(Struct, frozen=True):
    """Something a person has to mend."""

    code: str
    message: str
    hint: str = ""
    since_ms: int = 0


class RoleStats(Struct, frozen=True):
    """One second of one process: counters grow, gauges go both ways. Times are UTC milliseconds, memory bytes."""

    role: str
    instance: str
    pid: int = 0
    at_ms: int = 0
    started_ms: int = 0
    rss_bytes: int = 0
    cpu_s: float = 0.0
    counters: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    problems: list[RoleProblem] = field(default_factory=list)


class RoleView(RoleStats, frozen=True):
    """A process as the system page shows it; ``rates`` are the counters' growth per second."""

    state: State = "running"
    cpu_percent: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)


class RateHistory(Struct, frozen=True):
    """Rates over the last ten minutes, in columns of equal length."""

    time_ms: list[int]
    messages_per_s: list[float]
    points_per_s: list[float]


class Rates(Struct, frozen=True):
    """How much comes in and is stored: now (mean of five seconds), and over ten minutes."""

    messages_per_s: float
    points_per_s: float
    history: RateHistory


_decoder = msgspec.json.Decoder(RoleStats, strict=False)


class StatsBoard:
    """Hears ``stats.>``. A counter that shrinks began again at nothing, as its process did."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._latest: dict[tuple[str, str], RoleStats] = {}
        self._recent: dict[tuple[str, str], deque[RoleStats]] = {}
        self._heard_s: dict[tuple[str, str], float] = {}
        self._growth: dict[int, list[float]] = {}
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Listen from now on."""
        self._unsubscribe = await self._bus.subscribe("stats.>", self.hear)

    async def stop(self) -> None:
        """Listen no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None

    async def hear(self, _subject: str, payload: bytes) -> None:
        """Take in one second of one process."""
        try:
            stats = _decoder.decode(payload)
        except msgspec.MsgspecError as error:
            logger.debug("stats that cannot be read: %s", error)
            return
        key = (stats.role, stats.instance)
        before = self._latest.get(key)
        self._latest[key] = stats
        self._heard_s[key] = self._clock.monotonic_s()  # silence is no matter of the wall clock, which may be set
        recent = self._recent.setdefault(key, deque(maxlen=_RATE_S + 1))
        if before is not None and before.pid != stats.pid:
            recent.clear()
        recent.append(stats)
        if before is not None:
            second = self._clock.now_ms() // 1000
            while next(reversed(self._growth), second) > second:  # the clock was set back
                self._growth.popitem()
            growth = self._growth.setdefault(second, [0.0, 0.0])
            growth[0] += _grown(before, stats, "messages_in") if stats.role == "listener" else 0.0
            growth[1] += _grown(before, stats, "points_stored")
        self._forget()

    def _forget(self) -> None:
        oldest = self._clock.now_ms() // 1000 - HISTORY_S
        while self._growth and (first := next(iter(self._growth))) < oldest:
            del self._growth[first]
        for key in [key for key in self._latest if self._silent_s(key) > _FORGET_S and key[0] != "supervisor"]:
            del self._latest[key], self._recent[key], self._heard_s[key]

    def _silent_s(self, key: tuple[str, str]) -> float:
        return self._clock.monotonic_s() - self._heard_s[key]

    def heard(self, role: str) -> bool:
        """Whether a process of ``role`` spoke within five seconds."""
        return any(key[0] == role and self._silent_s(key) <= _SILENT_S for key in self._latest)

    def gauge(self, name: str, role: str) -> float | None:
        """The largest value of a gauge among the processes of ``role``."""
        values = [s.gauges[name] for s in self._latest.values() if s.role == role and name in s.gauges]
        return max(values, default=None)

    def counter(self, name: str) -> float:
        """The sum of a counter over all processes."""
        return sum(stats.counters.get(name, 0.0) for stats in self._latest.values())

    def roles(self) -> list[RoleView]:
        """Every process, supervised or heard, with its state."""
        supervised = self._supervised()
        found, views = [], set()
        for key, stats in sorted(self._latest.items()):
            name = _supervised_name(key, supervised)
            views.add(name)
            found.append(self._view(stats, supervised.get(name)))
        found += [
            RoleView(role, "", state=state, started_ms=since)
            for role, (state, since) in sorted(supervised.items())
            if role not in views
        ]
        return found

    def problems(self) -> list[RoleProblem]:
        """What the processes report, and who is silent."""
        found = [problem for _, stats in sorted(self._latest.items()) for problem in stats.problems]
        found += [
            RoleProblem(
                "web.role_lost",
                f"The {view.role} process of {view.instance or 'this node'} has not been heard for five seconds.",
                "The supervisor starts it again by itself; its log says why it stopped.",
                view.at_ms,
            )
            for view in self.roles()
            if view.state == "lost"
        ]
        return found

    def rates(self) -> Rates:
        """Messages and points per second."""
        last = self._clock.now_ms() // 1000 - 1
        seconds = range(last - HISTORY_S + 2, last + 1)
        recent = [self._growth.get(second, (0.0, 0.0)) for second in range(last - _RATE_S + 1, last + 1)]
        width = _RATE_S
        first = next(iter(self._growth), None)
        starts = [] if first is None else [s for s in seconds if s % width == 0 and first < s <= last - width + 1]
        history = RateHistory([], [], [])
        for start in starts:
            span = [self._growth.get(second, (0.0, 0.0)) for second in range(start, start + width)]
            history.time_ms.append(start * 1000)
            history.messages_per_s.append(round(sum(s[0] for s in span) / width, 2))
            history.points_per_s.append(round(sum(s[1] for s in span) / width, 2))
        return Rates(
            round(sum(s[0] for s in recent) / _RATE_S, 2), round(sum(s[1] for s in recent) / _RATE_S, 2), history
        )

    def _supervised(self) -> dict[str, tuple[State, int]]:
        found: dict[str, tuple[State, int]] = {}
        for (role, _), stats in self._latest.items():
            if role != "supervisor":
                continue
            for name, value in stats.gauges.items():
                if name.startswith("state."):
                    child = name.removeprefix("state.")
                    state = _SUPERVISED[int(value)] if 0 <= value < len(_SUPERVISED) else "lost"
                    found[child] = (state, int(stats.gauges.get(f"since_ms.{child}", 0)))  # type: ignore[assignment]  # a State
        return found

    def _view(self, stats: RoleStats, supervised: tuple[State, int] | None) -> RoleView:
        state: State = supervised[0] if supervised is not None else "running"
        if state == "running" and self._silent_s((stats.role, stats.instance)) > _SILENT_S:
            state = "lost"
        recent = self._recent[(stats.role, stats.instance)]
        span_s = (stats.at_ms - recent[0].at_ms) / 1000
        rates: dict[str, float] = {}
        cpu = 0.0
        if span_s > 0:
            rates = {name: round(_grown(recent[0], stats, name) / span_s, 2) for name in stats.counters}
            cpu = round(max(stats.cpu_s - recent[0].cpu_s, 0) / span_s * 100, 1)
        return RoleView(**msgspec.structs.asdict(stats), state=state, cpu_percent=cpu, rates=rates)

    def prometheus(self) -> str:
        """Every figure of every process in Prometheus' text format 0.0.4."""
        return "".join(_exposition(list(self._latest.values())))


def _supervised_name(key: tuple[str, str], supervised: Mapping[str, object]) -> str:
    """What the supervisor calls a process: its role, with the number that a further one has in its instance too."""
    role, (_, _, number) = key[0], key[1].rpartition("-")
    return further if (further := f"{role}-{number}") in supervised else role


def _grown(before: RoleStats, after: RoleStats, name: str) -> float:
    now, then = after.counters.get(name, 0.0), before.counters.get(name, 0.0)
    return now - then if now >= then and before.pid == after.pid else now


_PROCESS = (
    ("millwright_resident_bytes", "gauge", "Resident memory of the process.", "rss_bytes", 1.0),
    ("millwright_cpu_seconds_total", "counter", "Processor time the process has used.", "cpu_s", 1.0),
    ("millwright_start_time_seconds", "gauge", "When the process started, since the epoch.", "started_ms", 0.001),
)


def _exposition(processes: list[RoleStats]) -> Iterator[str]:
    for name, kind, text, attribute, factor in _PROCESS:
        yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        for stats in processes:
            yield f"{name}{_labels(stats)} {_number(getattr(stats, attribute) * factor)}\n"
    labelled: dict[str, list[tuple[RoleStats, str, float]]] = {}
    for kind, suffix in (("counters", "_total"), ("gauges", "")):
        groups: dict[str, list[tuple[RoleStats, str, Any]]] = {}
        for stats in processes:
            for figure, value in getattr(stats, kind).items():
                base, brace, _ = figure.partition("{")
                if brace:
                    labelled.setdefault(base, []).append((stats, figure[len(base) :], value))
                    continue
                base, _, of = figure.partition(".")
                groups.setdefault(f"millwright_{_metric(base)}{suffix}", []).append((stats, of, value))
        for name, samples in sorted(groups.items()):
            yield f"# TYPE {name} {kind[:-1]}\n"
            for stats, of, value in samples:
                yield f"{name}{_labels(stats, of)} {_number(value)}\n"
    yield from _labelled(labelled)


def _labelled(figures: dict[str, list[tuple[RoleStats, str, float]]]) -> Iterator[str]:
    """Counters whose name has labels of its own, as Prometheus writes them; those of a histogram together."""
    told = set()
    for base, samples in sorted(figures.items(), key=lambda each: _histogram_of(each[0]) or each[0]):
        histogram = _histogram_of(base)
        name = f"millwright_{_metric(base)}{'' if histogram else '_total'}"
        if histogram not in told:
            kind = f"millwright_{histogram} histogram" if histogram else f"{name} counter"
            yield f"# TYPE {kind}\n"
        if histogram:
            told.add(histogram)
        for stats, labels, value in samples:
            yield f"{name}{_labels(stats)[:-1]},{labels[1:]} {_number(value)}\n"


def _histogram_of(base: str) -> str | None:
    for part in ("_bucket", "_count", "_sum"):
        if base.endswith(part):
            return _metric(base.removesuffix(part))
    return None


def _metric(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _labels(stats: RoleStats, of: str = "") -> str:
    labels = {"role": stats.role, "instance_name": stats.instance} | ({"of": of} if of else {})
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{text}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
