"""A small plant for rules to watch, and history held in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from millwright.historian import GOOD, RawQuery, Reading, ReadingBatch, Value, series_id
from millwright.kernel import NotFound
from millwright.operations import Condition, Limit, PropertyFact, Rule, Scope, Subject

NOW_MS = 1_750_000_000_000
"""Where a ``ManualClock`` starts."""

UNITS = {"temperature": "Cel", "pressure": "kPa", "name": None}
TYPES = {"temperature": "number", "pressure": "number", "name": "string"}


def rule(condition: Condition | None = None, **changes: Any) -> Rule:
    """A rule on the temperature of device ``d1``: above 80, back at 75."""
    given: dict[str, Any] = {
        "id": "r1",
        "name": "Too hot",
        "scope": Scope(device_id="d1"),
        "property": "temperature",
        "condition": condition or Limit(high=80, deadband=5),
        "priority": "high",
    }
    return Rule(**given | changes)


def subject(device_id: str = "d1", model_id: str | None = "pump") -> Subject:
    """A device of the model ``pump``."""
    return Subject(device_id, device_id.upper(), model_id, UNITS)


def readings(
    *values: tuple[float, Value],
    device_id: str = "d1",
    name: str = "temperature",
    quality: int = GOOD,
    delay_s: float = 0.0,
    start_ms: int = NOW_MS,
) -> ReadingBatch:
    """Readings at seconds after ``start_ms``, each received ``delay_s`` later."""
    series = series_id(device_id, name)
    return ReadingBatch.of(
        Reading(series, start_ms + round(s * 1000), value, quality, start_ms + round((s + delay_s) * 1000))
        for s, value in values
    )


class Plant:
    """A directory of devices that a test changes."""

    def __init__(self, *subjects: Subject) -> None:
        self.devices = {each.id: each for each in subjects or (subject(),)}
        self.changes = 1
        self.at_edges: frozenset[str] = frozenset()
        self.with_rules: frozenset[str] | None = None

    def add(self, *subjects: Subject) -> None:
        self.devices |= {each.id: each for each in subjects}
        self.changes += 1

    def remove(self, device_id: str) -> None:
        del self.devices[device_id]
        self.changes += 1

    def revision(self) -> int:
        return self.changes

    def let_judge(self, *device_ids: str, by: set[str] | None = None) -> None:
        """An edge judges these devices, and no others, by these rules or by all."""
        self.at_edges = frozenset(device_ids)
        self.with_rules = None if by is None else frozenset(by)
        self.changes += 1

    def elsewhere(self) -> Plant:
        return self

    @property
    def token(self) -> str:
        return f"{sorted(self.at_edges)} {self.with_rules}" if self.at_edges else ""

    def find(self, rule: Rule, subject: Subject) -> str | None:
        here = subject.id in self.at_edges and (self.with_rules is None or rule.id in self.with_rules)
        return "edge_1" if here else None

    def subjects(self, model_ids: set[str], device_ids: set[str]) -> list[Subject]:
        return [each for each in self.devices.values() if each.model_id in model_ids or each.id in device_ids]

    def find_property(self, scope: Scope, name: str) -> PropertyFact:
        if scope.device_id is not None and scope.device_id not in self.devices:
            raise NotFound("no such device", code="devices.device_unknown")
        return PropertyFact(TYPES.get(name), tuple(TYPES))


class History:
    """Answers raw queries from batches, as the historian's client does."""

    def __init__(self, *batches: ReadingBatch) -> None:
        self.batch = ReadingBatch.concatenate(batches)
        self.asked = 0

    def add(self, batch: ReadingBatch) -> None:
        self.batch = ReadingBatch.concatenate([self.batch, batch])

    async def raw(self, query: RawQuery) -> tuple[pa.Table, int | None]:
        self.asked += 1
        query.check()
        batch = self.batch
        wanted = (batch.series == query.series) & (batch.time_ms >= query.range.from_ms)
        rows = np.flatnonzero(wanted & (batch.time_ms < query.range.to_ms))
        rows = rows[np.argsort(batch.time_ms[rows], kind="stable")]
        if query.descending:
            rows = rows[::-1]
        rows = rows[: query.limit]
        found = batch.take(rows)
        table = pa.table(
            {
                "time_ms": found.time_ms,
                "number": found.number,
                "received_ms": found.received_ms,
                "kind": found.kind,
                "quality": found.quality,
                "text": [found.text.get(row, "") for row in range(len(found))],
            }
        )
        if len(rows) < query.limit:
            return table, None
        last = int(found.time_ms[-1])
        return table, last if query.descending else last + 1
