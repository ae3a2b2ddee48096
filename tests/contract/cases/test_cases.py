"""The case engine over each database."""

from __future__ import annotations

import base64
import threading

import pytest
import sqlalchemy as sa

import millwright.cases
import millwright.operations.store
from millwright.cases import SYSTEM, Actor, Case, Cases, Filter, Transition, Workflow
from millwright.engines.sql import Records, metadata
from millwright.kernel import Conflict, Denied, Invalid, ManualClock, NotFound

MIGRATIONS = [millwright.cases.MIGRATIONS, millwright.operations.MIGRATIONS]

TASK = Workflow(
    kind="task",
    initial="open",
    closed=frozenset({"done"}),
    transitions=(
        Transition("start", {"open": "started"}, rights=frozenset({"operator"})),
        Transition(
            "finish", {"open": "done", "started": "done"}, rights=frozenset({"operator"}), required=("comment",)
        ),
    ),
)
LI = Actor("per_li", "Li", frozenset({"operator"}))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def cases(records: Records, clock: ManualClock) -> Cases:
    return Cases(records, clock, TASK)


def opened(cases: Cases, *causes: str | None, subject: str = "s", priority: int = 2, **more: object) -> list[Case]:
    with cases.begin() as session:
        return [
            session.open("task", id_prefix="tsk", subject=subject, actor=SYSTEM, priority=priority, cause=cause, **more)  # type: ignore[arg-type]
            for cause in causes
        ]


def test_a_case_is_opened_moved_and_remembered(cases: Cases, clock: ManualClock) -> None:
    (case,) = opened(cases, "pump", data={"n": 1}, deadline_ms=5)
    clock.advance(1)
    assert cases.fire(case.id, "start", LI, data={"m": 2.5}).state == "started"
    clock.advance(1)
    cases.comment(case.id, LI, "百工 ✓")
    clock.advance(1)
    done = cases.fire(case.id, "finish", LI, comment="mended")
    assert cases.get(case.id) == done
    assert (done.state, done.cause, done.revision, done.data) == ("done", None, 4, {"n": 1, "m": 2.5})
    assert done.updated_ms == done.created_ms + 3000
    assert [(e.transition, e.from_state, e.to_state, e.actor_name, e.comment) for e in cases.history(case.id)] == [
        ("open", "", "open", "Millwright", ""),
        ("start", "open", "started", "Li", ""),
        (None, "started", "started", "Li", "百工 ✓"),
        ("finish", "started", "done", "Li", "mended"),
    ]
    assert [e.transition for e in cases.history(case.id, limit=2)] == [None, "finish"]


def test_an_error_leaves_nothing(cases: Cases) -> None:
    (case,) = opened(cases, "pump")
    with pytest.raises(Invalid), cases.begin() as session:
        session.fire(session.get(case.id), "start", LI)
        session.fire(session.get(case.id), "finish", LI)
    assert cases.get(case.id) == case
    assert len(cases.history(case.id)) == 1
    with pytest.raises(Denied):
        cases.fire(case.id, "start", Actor("x", "X"))


def test_who_read_an_older_revision_is_told(cases: Cases) -> None:
    (case,) = opened(cases, "pump")
    cases.comment(case.id, LI, "first")
    with pytest.raises(Conflict) as caught:
        cases.fire(case.id, "start", LI, revision=case.revision)
    assert caught.value.code == "cases.changed"
    assert cases.fire(case.id, "start", LI, revision=case.revision + 1).state == "started"


def test_one_case_is_open_for_a_cause(cases: Cases) -> None:
    (case,) = opened(cases, "pump")
    with pytest.raises(sa.exc.IntegrityError):
        opened(cases, "pump")
    with cases.begin() as session:
        assert session.find_open("task", ["pump", "tank"]) == {"pump": case}
        session.fire(session.get(case.id), "finish", LI, comment="x")
        session.open("task", id_prefix="tsk", subject="s", actor=SYSTEM, priority=1, cause="pump")
    opened(cases, None, None)  # no cause, no limit


def test_two_who_move_one_case_at_once_move_it_once(cases: Cases) -> None:
    (case,) = opened(cases, "pump")
    results: list[str] = []

    def start() -> None:
        try:
            results.append(cases.fire(case.id, "start", LI).state)
        except Conflict as error:
            results.append(error.code)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["cases.wrong_state"] * 3 + ["started"]


def test_pages_visit_every_case_once_latest_first(cases: Cases) -> None:
    with cases.begin() as session:
        for number in range(25):
            session.open("task", id_prefix="tsk", subject="s", actor=SYSTEM, priority=1, opened_ms=1000 + number // 5)
    seen: list[Case] = []
    cursor: str | None = None
    while True:
        page = cases.page(Filter(kind="task"), cursor=cursor, limit=7)
        seen += page.items
        if (cursor := page.next) is None:
            break
    assert len({case.id for case in seen}) == 25
    keys = [(case.opened_ms, case.id) for case in seen]
    assert keys == sorted(keys, reverse=True)


OVERFLOW = base64.urlsafe_b64encode(b"9" * 30 + b" x").decode()


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "aGVsbG8", "4pyT", "MTAwMA", OVERFLOW])
def test_a_foreign_cursor_is_refused(cases: Cases, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        cases.page(Filter(kind="task"), cursor=cursor)
    assert caught.value.code == "cases.bad_cursor"


def test_filters_and_counts(cases: Cases) -> None:
    a, b = opened(cases, "a", "b", subject="pump", priority=1, search="Too HOT 100%", opened_ms=1000)
    (c,) = opened(cases, "c", subject="tank", priority=3, search="泵 过热", opened_ms=2000)
    cases.fire(a.id, "start", LI)

    def found(**wanted: object) -> set[str]:
        return {case.id for case in cases.page(Filter(kind="task", **wanted)).items}  # type: ignore[arg-type]

    assert found(states=("started",)) == {a.id}
    assert found(subjects=("pump",)) == {a.id, b.id}
    assert found(priorities=(3,)) == {c.id}
    assert found(text="hot 100%") == {a.id, b.id}
    assert found(text="h_t") == set()
    assert found(text="过热") == {c.id}
    assert found(from_ms=1000, to_ms=2000) == {a.id, b.id}
    assert found(from_ms=1001) == {c.id}
    assert cases.page(Filter(kind="other")).items == []
    assert cases.count(Filter(kind="task"), "state", "priority") == {
        ("open", 1): 1,
        ("started", 1): 1,
        ("open", 3): 1,
    }
    assert cases.count(Filter(kind="task", states=("open",)), "subject") == {("pump",): 1, ("tank",): 1}


def test_evidence_is_set_and_completed(cases: Cases) -> None:
    (case,) = opened(cases, "pump")
    assert cases.find_evidence(case.id) is None
    for complete in (False, True):
        with cases.begin() as session:
            session.keep_evidence(case.id, {"value": [1, None]}, complete=complete)
        assert cases.find_evidence(case.id) == ({"value": [1, None]}, complete)
        assert len(cases.incomplete_evidence(10)) == (not complete)


def test_an_unknown_case(cases: Cases) -> None:
    with pytest.raises(NotFound):
        cases.get("tsk_none")
    with pytest.raises(NotFound):
        cases.comment("tsk_none", LI, "x")


def test_the_schema_is_the_one_the_code_declares(records: Records) -> None:
    inspector = sa.inspect(records.engine)
    ours = [table for table in metadata.sorted_tables if table.name.startswith(("cases_", "operations_"))]
    assert len(ours) == 8
    for table in ours:
        there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert there == {column.name: bool(column.nullable) for column in table.columns}
        assert {index["name"] for index in inspector.get_indexes(table.name) if not index.get("unique")} == {
            index.name for index in table.indexes
        }
