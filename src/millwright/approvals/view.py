"""Requests as people see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from millwright.approvals.model import Approval, ApprovalDetail, ApprovalResult, ApprovalStep
from millwright.approvals.rights import APPROVALS_DECIDE
from millwright.cases import Case, Entry
from millwright.parties import Authority


def approval_of(case: Case, authority: Authority, *, answer_waiting: bool = False) -> Approval:
    """A case as its reader sees it."""
    data = case.data
    mine = data["requester_id"] == authority.person_id
    node = authority.tree.nodes.get(case.organisation_id)
    return Approval(
        id=case.id,
        state=case.state,  # type: ignore[arg-type]  # of the workflow
        action=data["action"],
        organisation_id=case.organisation_id,
        organisation_name=node.name if node else "",
        object_kind=data["object_kind"],
        object_id=data["object_id"],
        object_name=data["object_name"],
        method=data["method"],
        path=data["path"],
        reason=data["reason"],
        requester_id=data["requester_id"],
        requester_name=data["requester_name"],
        asked_ms=case.created_ms,
        expires_ms=case.deadline_ms or 0,
        decided_ms=data.get("decided_ms"),
        decider_id=data.get("decider_id"),
        decider_name=data.get("decider_name"),
        comment=data.get("comment", ""),
        emergency=bool(data.get("emergency")),
        result=ApprovalResult(**data["result"]) if data.get("result") else None,
        answer_waiting=answer_waiting and mine,
        mine=mine,
        may_decide=case.state == "asked" and not mine and authority.may(APPROVALS_DECIDE.name, case.organisation_id),
    )


def detail_of(
    case: Case, authority: Authority, kept: dict[str, Any], history: Sequence[Entry], *, answer_waiting: bool
) -> ApprovalDetail:
    """A case with what it would do, and its history."""
    shown = kept["shown"]
    return ApprovalDetail(
        **structs.asdict(approval_of(case, authority, answer_waiting=answer_waiting)),
        query=shown.get("query", ""),
        media_type=shown.get("media_type", ""),
        body=shown.get("body"),
        body_bytes=shown.get("body_bytes", 0),
        digest=case.data["digest"],
        answer=kept.get("answer"),
        history=[
            ApprovalStep(each.at_ms, each.actor_id, each.actor_name, each.transition, each.to_state, each.comment)
            for each in history
        ],
    )
