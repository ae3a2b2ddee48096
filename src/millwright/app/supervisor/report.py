"""The states of a node's processes on ``stats.supervisor.<node>``, and the watchdog that hears who is silent."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from millwright.app.stats import Figures, Problem, StatsPublisher
from millwright.app.supervisor.child import Child, ChildState
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, Unsubscribe

logger = logging.getLogger(__name__)

STATES = tuple(ChildState)
"""Gauge ``state.<process>`` is the index into this: stopped, starting, running, restarting, crash_loop."""

_UNSTORED: Final = frozenset({"listener.intake_unavailable", "engines.nats_unavailable"})
"""What roles report when the broker is there and stores nothing."""
_FRESH_S: Final = 3.0
_SPARED_S: Final = 30.0
"""A broker that was restarted for this is not restarted for it again so soon: it may be none of its doing."""
_STALL_S: Final = 5.0
"""A pause of our own that is longer than this counts as nobody's silence."""


class _Complaint(msgspec.Struct):
    code: str


class _Complaints(msgspec.Struct):
    problems: list[_Complaint] = []


class ProcessReport:
    """Publishes each process's state, restarts and pid, and restarts a role that has been silent too long.

    Every role publishes its figures each second. One that is running and was not heard for ``silent_s`` while the
    broker delivers what others say has stopped working, whatever its process looks like.

    The broker inside this node is restarted when it delivers messages and roles say for ``stuck_s`` that it stores
    none: a JetStream stream that once met a full disk refuses every write until then, whatever room there is. It is
    restarted too when it has delivered nothing for ``mute_s``, not even our own reports to ourselves.
    """

    def __init__(
        self,
        name: str,
        servers: str,
        children: Callable[[], Sequence[Child]],
        clock: Clock,
        *,
        silent_s: float = 60.0,
        stuck_s: float = 8.0,
        mute_s: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._children, self._clock, self._silent_s, self._stuck_s = children, clock, silent_s, stuck_s
        self._mute_s, self._looked_s = mute_s, clock.monotonic_s()
        self._bus = NatsConnection(servers, name=f"{name}/supervisor", tls=tls)
        self._stats = StatsPublisher("supervisor", bus=self._bus, clock=clock, instance=name, sources=[self.figures])
        self._broker = StatsPublisher(
            "nats-server", bus=self._bus, clock=clock, instance=name, process=self._find_broker
        )
        self._heard_s: dict[str, float] = {}
        self._complaining_s: dict[str, float] = {}
        self._spared_until_s = float("-inf")
        self._decoder = msgspec.json.Decoder(_Complaints)
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Connect, then report each second."""
        await self._bus.start()
        self._unsubscribe = await self._bus.subscribe("stats.>", self._hear)
        await self._stats.start()
        await self._broker.start()

    async def stop(self) -> None:
        """Report no more."""
        await self._broker.stop()
        await self._stats.stop()
        await self._bus.stop()

    def figures(self) -> Figures:
        """The states now; looks for silent roles on the way."""
        figures = Figures(counters={}, gauges={})
        counters: dict[str, float] = {}
        gauges: dict[str, float] = {}
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s > _STALL_S:
            self._heard_s.clear()
            self._complaining_s.clear()
        self._looked_s = now_s
        for child in self._children():
            counters[f"restarts.{child.name}"] = child.restarts
            gauges[f"state.{child.name}"] = STATES.index(child.state)
            gauges[f"pid.{child.name}"] = child.pid or 0
            gauges[f"since_ms.{child.name}"] = child.since_ms
            problem = self._problem(child)
            if problem is not None:
                figures.problems.append(problem)
            self._watch(child)
        figures.counters, figures.gauges = counters, gauges
        return figures

    def _find_broker(self) -> int | None:
        """The process id of the broker inside this node; it does not speak for itself."""
        return next((child.pid for child in self._children() if child.name == "nats-server"), None)

    async def _hear(self, subject: str, payload: bytes) -> None:
        _, role, instance = subject.split(".", 2)
        number, now_s = instance.removeprefix(f"{self._name}-"), self._clock.monotonic_s()
        if number != instance and number.isdigit():
            role = f"{role}-{number}"  # a further process of a role
        self._heard_s[role] = now_s
        try:
            complaints = self._decoder.decode(payload).problems
        except msgspec.MsgspecError:
            return
        if any(each.code in _UNSTORED for each in complaints):
            self._complaining_s.setdefault(role, now_s)
        else:
            self._complaining_s.pop(role, None)

    def _watch(self, child: Child) -> None:
        now_s = self._clock.monotonic_s()
        if child.name == "nats-server":
            self._watch_broker(child, now_s)
        if child.state is not ChildState.RUNNING or not self._bus.connected or child.name == "nats-server":
            self._heard_s[child.name] = now_s
            return
        # The report hears itself: while even that is missing, the broker is at fault and not the role.
        if now_s - self._heard_s.setdefault("supervisor", now_s) > 5:
            return
        if now_s - self._heard_s.setdefault(child.name, now_s) > self._silent_s:
            child.kill(f"said nothing for {self._silent_s:g} s")

    def _watch_broker(self, child: Child, now_s: float) -> None:
        if child.state is not ChildState.RUNNING:
            self._complaining_s.clear()
            self._heard_s["supervisor"] = now_s
        elif now_s - self._heard_s.setdefault("supervisor", now_s) > self._mute_s:
            self._heard_s["supervisor"] = now_s
            child.kill(f"has delivered nothing for {self._mute_s:g} s")
        elif not self._bus.connected:
            self._complaining_s.clear()
        elif now_s > self._spared_until_s and any(
            now_s - since_s > self._stuck_s and now_s - self._heard_s[role] < _FRESH_S
            for role, since_s in self._complaining_s.items()
        ):
            self._complaining_s.clear()
            self._spared_until_s = now_s + _SPARED_S
            child.kill(f"has stored nothing for {self._stuck_s:g} s")

    def _problem(self, child: Child) -> Problem | None:
        if child.state is ChildState.LOOPING:
            why = f" {child.error.message}" if child.error else ""
            hint = child.error.hint if child.error else f"Read logs/{child.name}.log in the data folder."
            return Problem("app.crash_loop", f"{child.name} never stays up.{why}", hint, child.since_ms)
        if child.state is ChildState.RESTARTING:
            return Problem("app.restarting", f"{child.name} died and is being started again.", "Wait.", child.since_ms)
        return None
