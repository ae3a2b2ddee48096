"""Measures for tests, put into a register as its room would."""

from __future__ import annotations

from typing import Any

from millwright.identity.records import Records
from millwright.identity.records.model import Measure
from millwright.kernel import new_id


def take(records: Records, kind: str, scope: str, prefix: str, on: str, **more: Any) -> Measure:
    """Take one that holds from the beginning of time."""
    given: dict[str, Any] = {
        "id": new_id("mea"), "kind": kind, "scope": scope, "prefix": prefix, "on": on, "organisation_id": "org_test",
        "who": "per_test", "reason": "a test", "taken_ms": 1, "since_ms": 0,
    }  # fmt: skip
    measure = Measure(**given | more)
    records.put_measure(measure, who="per_test")
    return measure


def lift(records: Records, measure: Measure) -> None:
    """End it."""
    from msgspec.structs import replace

    records.put_measure(replace(measure, lifted_ms=2, lifted_by="per_test", lifted_why="over"), who="per_test")
