"""Routes of approvals and of the policy, below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter

from millwright.approvals.model import (
    Approval,
    ApprovalAnswer,
    ApprovalDetail,
    ApprovalPage,
    ApprovalPolicy,
    ApprovalPolicyChange,
    ApprovalSummary,
    DecisionComment,
    DecisionReason,
    NameableAction,
)
from millwright.approvals.rights import APPROVALS_DECIDE, APPROVALS_POLICY, APPROVALS_READ
from millwright.approvals.service import Approvals
from millwright.parties import Authority, Session, permit, require_proof, signed_in

Id = Annotated[str, Parameter(description="The request for approval.", max_length=64)]
Us = NamedDependency[Approvals]
Me = NamedDependency[Authority]
Who = NamedDependency[Session]


class ApprovalsController(Controller):
    """Requests that wait for a second person."""

    path = "/approvals"
    tags = ["Approvals"]  # noqa: RUF012

    @get("/", summary="Requests for approval", operation_id="listApprovals", guards=[signed_in])
    async def list_approvals(
        self,
        approvals: Us,
        authority: Me,
        view: FromQuery[Literal["waiting", "mine", "decided", "all"]] = "all",
        cursor: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=64)] = None,
        limit: Annotated[int, Parameter(ge=1, le=200)] = 100,
    ) -> ApprovalPage:
        """One's own, and those one may decide: `waiting` for oneself, `mine`, `decided`, or all; newest first."""
        return await approvals.list(authority, view, cursor=cursor, limit=limit)

    @get("/summary", summary="How many requests wait", operation_id="getApprovalSummary", guards=[signed_in])
    async def summary(self, approvals: Us, authority: Me) -> ApprovalSummary:
        """How many wait for oneself, and how many of one's own are open."""
        return await approvals.summary(authority)

    @get(
        "/actions",
        summary="What can take approval",
        operation_id="listApprovalActions",
        guards=[permit(APPROVALS_READ)],
    )
    async def actions(self, approvals: Us) -> list[NameableAction]:
        """The operations a policy can name, as the ledger names them."""
        return approvals.catalogue.list()

    @get("/{approval_id:str}", summary="A request for approval", operation_id="getApproval", guards=[signed_in])
    async def one(self, approval_id: Id, approvals: Us, authority: Me) -> ApprovalDetail:
        """What would be done, without secrets, and what happened so far."""
        return await approvals.get(authority, approval_id)

    @post(
        "/{approval_id:str}/approve",
        summary="Approve",
        operation_id="approve",
        status_code=200,
        guards=[permit(APPROVALS_DECIDE), require_proof],
    )
    async def approve(
        self, approval_id: Id, data: JSONBody[DecisionComment], approvals: Us, authority: Me, session: Who
    ) -> Approval:
        """Agree to what somebody else asks; it is done at once, once, as that person. `result` tells how it ended."""
        return await approvals.approve(authority, session, approval_id, data.comment)

    @post(
        "/{approval_id:str}/reject",
        summary="Reject",
        operation_id="reject",
        status_code=200,
        guards=[permit(APPROVALS_DECIDE), require_proof],
    )
    async def reject(
        self, approval_id: Id, data: JSONBody[DecisionReason], approvals: Us, authority: Me, session: Who
    ) -> Approval:
        """Refuse, and say why."""
        return await approvals.reject(authority, session, approval_id, data.comment)

    @post(
        "/{approval_id:str}/withdraw",
        summary="Withdraw",
        operation_id="withdrawApproval",
        status_code=200,
        guards=[signed_in],
    )
    async def withdraw(
        self, approval_id: Id, data: JSONBody[DecisionComment], approvals: Us, authority: Me, session: Who
    ) -> Approval:
        """Take back one's own request while nobody decided."""
        return await approvals.withdraw(authority, session, approval_id, data.comment)

    @post(
        "/{approval_id:str}/comments",
        summary="Comment a request for approval",
        operation_id="commentApproval",
        guards=[signed_in],
    )
    async def comment(
        self, approval_id: Id, data: JSONBody[DecisionReason], approvals: Us, authority: Me, session: Who
    ) -> ApprovalDetail:
        """Say why it is asked, or ask back; all who see the request read it."""
        return await approvals.comment(authority, session, approval_id, data.comment)

    @post(
        "/{approval_id:str}/answer",
        summary="Take the answer",
        operation_id="takeApprovalAnswer",
        status_code=200,
        guards=[signed_in],
    )
    async def answer(self, approval_id: Id, approvals: Us, authority: Me) -> Response[ApprovalAnswer]:
        """What the request was answered with, secrets included: for who asked, once; then it is erased."""
        found = await approvals.take_answer(authority, approval_id)
        return Response(found, headers={"Cache-Control": "no-store"})


class ApprovalPolicyController(Controller):
    """What takes a second person."""

    path = "/organisations/{organisation_id:str}/approval-policy"
    tags = ["Approvals"]  # noqa: RUF012

    @get("/", summary="What takes approval", operation_id="getApprovalPolicy", guards=[permit(APPROVALS_READ)])
    async def policy(
        self,
        organisation_id: Annotated[str, Parameter(description="The organisation.", max_length=64)],
        approvals: Us,
        authority: Me,
    ) -> ApprovalPolicy:
        """What the organisation states, and what those above it demand."""
        return await approvals.policies.get(authority, organisation_id)

    @put(
        "/",
        summary="State what takes approval",
        operation_id="setApprovalPolicy",
        guards=[permit(APPROVALS_POLICY), require_proof],
    )
    async def state(
        self,
        organisation_id: Annotated[str, Parameter(description="The organisation.", max_length=64)],
        data: JSONBody[ApprovalPolicyChange],
        approvals: Us,
        authority: Me,
        session: Who,
    ) -> ApprovalPolicy:
        """Name the operations. Naming fewer than before takes approval itself."""
        return await approvals.policies.put(authority, session, organisation_id, data.actions)


ROUTES = [ApprovalsController, ApprovalPolicyController]
"""What the web host mounts."""
