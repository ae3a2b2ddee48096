"""The report of a drill while it runs: steps with their times, what was measured, and an entry of the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import structs

from millwright.app.registers import in_a_loop
from millwright.app.sections import broker_of
from millwright.app.settings import NodeSettings
from millwright.identity.drills import Aims, Drill, DrillBook, DrillKind, DrillStep, Measured
from millwright.identity.drills.model import DrillProblem
from millwright.kernel import Clock, MillwrightError, new_id
from millwright.ledger import Actor, Draft, Outcome, Recorder, Target, seal

Tell = Callable[[DrillStep], None]


class Recording:
    """Keeps the report up to date; ``tell`` hears of each step."""

    def __init__(self, drill: Drill, book: DrillBook, clock: Clock, tell: Tell) -> None:
        self.drill, self._book, self._clock, self._tell = drill, book, clock, tell
        self._began_s = time.perf_counter()
        book.write(drill)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """One step; what the block puts into the dictionary is said of it."""
        detail: dict[str, Any] = {}
        began_s = time.perf_counter()
        try:
            yield detail
        finally:
            self.note(name, began_s, time.perf_counter(), detail)

    def note(self, name: str, began_s: float, ended_s: float, detail: dict[str, Any]) -> None:
        """A step that was measured elsewhere, by ``time.perf_counter``."""
        step = DrillStep(
            name=name,
            at_ms=round((began_s - self._began_s) * 1000, 1),
            took_ms=round((ended_s - began_s) * 1000, 1),
            detail=detail,
        )
        self.drill = structs.replace(self.drill, steps=[*self.drill.steps, step])
        self._book.write(self.drill)
        self._tell(step)

    def measured(self, **values: Any) -> None:
        """Add to what was measured."""
        self.drill = structs.replace(self.drill, measured=structs.replace(self.drill.measured, **values))

    def end(self) -> Drill:
        """It went through: compare with the aims."""
        found, aims = self.drill.measured, self.drill.aims
        missed = []
        if found.rto_s is None or found.rto_s > aims.rto_s:
            missed.append("rto")
        if found.rpo_records is not None and found.rpo_records > aims.rpo_records:
            missed.append("rpo")
        if found.equal is False:
            missed.append("equal")
        if found.wrong:
            missed.append("wrong")
        return self._close("missed" if missed else "passed", missed=missed)

    def fail(self, error: MillwrightError) -> Drill:
        """It did not go through."""
        return self._close(
            "failed",
            problem=DrillProblem(
                code=error.code, message=error.message, hint=error.hint or "", family=error.family or "unavailable"
            ),
        )

    def _close(self, state: str, **more: Any) -> Drill:
        self.drill = structs.replace(self.drill, state=state, ended_ms=self._clock.now_ms(), **more)
        self._book.write(self.drill)
        return self.drill


def begin(
    settings: NodeSettings, kind: DrillKind, aims: Aims, clock: Clock, *, drill_id: str, who: str, live: bool = False
) -> Drill:
    """The report of a drill that begins."""
    return Drill(
        id=drill_id or new_id("drl"),
        kind=kind,
        live=live,
        state="running",
        node=settings.node.name,
        who=who,
        begun_ms=clock.now_ms(),
        aims=aims,
        measured=Measured(),
    )


def record(settings: NodeSettings, drill: Drill) -> None:
    """Put a drill that has ended into the ledger of the node. Raises ``Unavailable`` when it does not run."""
    outcome: Outcome = "failed" if drill.state == "failed" else "done"
    found = drill.measured
    draft = Draft(
        id=new_id("led"),
        at_ms=drill.ended_ms or drill.begun_ms,
        actor=Actor("person", drill.who) if drill.who else Actor("system", via="command line"),
        action=f"identifiers.drill.{drill.kind}",
        target=Target("identifier_drill", drill.id, f"{drill.state}, RTO {found.rto_s} s, RPO {found.rpo_records}"),
        outcome=outcome,
        error=drill.problem.code if drill.problem is not None else "",
    )
    with in_a_loop() as run:
        bus = broker_of(settings, "drill")
        run(bus.start())
        try:
            run(Recorder(bus).record([seal(draft)]))
        finally:
            run(bus.stop())
