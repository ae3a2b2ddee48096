"""The states of a request: what may follow what, and who may do it."""

from __future__ import annotations

import pytest

from millwright.approvals.model import KIND, WORKFLOW
from millwright.cases import SYSTEM, Actor, Case
from millwright.kernel import Conflict, Denied, Invalid

DECIDER = Actor("per_bo", "Bo", frozenset({"approvals:decide"}))
REQUESTER = Actor("per_anna", "Anna", frozenset({"requester"}))


def step(state: str, name: str, actor: Actor, comment: str = "c") -> str:
    case = Case(
        id="apr_1", kind=KIND, subject="s", state=state, priority=3, opened_ms=0, created_ms=0, updated_ms=0, data={}
    )
    return WORKFLOW.step(case, name, actor, comment=comment, data={})


def test_the_way_of_an_approved_request() -> None:
    assert step("asked", "approve", DECIDER) == "approved"
    assert step("approved", "begin", SYSTEM) == "executing"
    assert step("executing", "finish", SYSTEM) == "done"


@pytest.mark.parametrize("state", sorted(WORKFLOW.states - {"approved"}))
def test_it_begins_once(state: str) -> None:
    with pytest.raises(Conflict):
        step(state, "begin", SYSTEM)


@pytest.mark.parametrize("state", sorted(WORKFLOW.states - {"asked"}))
@pytest.mark.parametrize("name", ["approve", "reject", "withdraw", "expire", "override"])
def test_it_is_decided_once(state: str, name: str) -> None:
    with pytest.raises(Conflict):
        step(state, name, SYSTEM)


@pytest.mark.parametrize("name", ["approve", "reject", "override"])
def test_the_requester_decides_nothing(name: str) -> None:
    with pytest.raises(Denied):
        step("asked", name, REQUESTER)


@pytest.mark.parametrize("name", ["begin", "finish", "fail", "expire"])
def test_the_rest_is_the_nodes(name: str) -> None:
    state = next(iter(next(each for each in WORKFLOW.transitions if each.name == name).moves))
    with pytest.raises(Denied):
        step(state, name, DECIDER)


def test_a_rejection_is_explained() -> None:
    with pytest.raises(Invalid):
        step("asked", "reject", DECIDER, comment="")


def test_what_is_closed_stays_closed() -> None:
    assert WORKFLOW.closed == {"done", "failed", "rejected", "withdrawn", "expired"}
    assert all(state not in each.moves for each in WORKFLOW.transitions for state in WORKFLOW.closed)
