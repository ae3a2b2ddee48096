"""Use cases of approvals: asking, deciding, carrying out once. No HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from millwright.approvals import errors
from millwright.approvals.catalogue import Catalogue
from millwright.approvals.demand import POLICY_ACTION, demanding, loosens
from millwright.approvals.model import (
    KIND,
    WORKFLOW,
    Approval,
    ApprovalAnswer,
    ApprovalDetail,
    ApprovalPage,
    ApprovalResult,
    ApprovalSummary,
    Asked,
    Carrying,
    Outcome,
    Requester,
)
from millwright.approvals.policies import Policies
from millwright.approvals.rights import APPROVALS_DECIDE, APPROVALS_OVERRIDE
from millwright.approvals.settings import ApprovalsSettings
from millwright.approvals.store import PolicyStore, RequestStore
from millwright.approvals.tables import ANSWER, CAUSE, REQUEST
from millwright.approvals.view import approval_of, detail_of
from millwright.cases import SYSTEM, Actor, Case, Cases, CaseSession
from millwright.engines.secrets import Secrets, purpose_of
from millwright.engines.sql import Records
from millwright.kernel import Clock, Corrupt, MillwrightError, NotFound
from millwright.ledger import note
from millwright.parties import Authority, Parties, Session

logger = logging.getLogger(__name__)

CarryOut = Callable[[Carrying], Awaitable[Outcome]]
"""Does what was approved, as the requester, with what the requester may do at that time."""

_MOST_PAGE = 200


class Approvals:
    """The domain's service.

    ``records`` see everything: a requester sees a request whatever they may do meanwhile, and each method takes the
    :class:`Authority` it acts for. Other features call :meth:`demanded` and :meth:`ask`, and say with
    :meth:`carry_out_by` how their kind of request is done.
    """

    def __init__(
        self, records: Records, secrets: Secrets, parties: Parties, clock: Clock, settings: ApprovalsSettings
    ) -> None:
        self.settings = settings
        self.catalogue = Catalogue()
        self.store = RequestStore(records)
        self.cases = Cases(records, clock, WORKFLOW)
        self._stated = PolicyStore(records)
        self.policies = Policies(self._stated, self.catalogue, parties, clock)
        self._secrets, self._parties, self._clock = secrets, parties, clock
        self._carry_out: dict[str, CarryOut] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def carry_out_by(self, kind: str, carry_out: CarryOut) -> None:
        """Say how requests of this kind are done."""
        self._carry_out[kind] = carry_out

    # --- asking --------------------------------------------------------------------------------------------------

    async def demanded(
        self, authority: Authority, action: str, organisation_ids: Collection[str], *, wanted: Collection[str] = ()
    ) -> set[str]:
        """Those of the organisations on which an operation takes a second person; usually none.

        ``wanted``: where the operation states a policy, the names it would state.
        """
        stated = await asyncio.to_thread(self._stated.all)
        if not stated:
            return set()
        found = demanding(stated, authority.tree, action, organisation_ids)
        if action == POLICY_ACTION:
            found |= {each for each in organisation_ids if loosens(stated, each, wanted)}
        return found

    async def ask(self, authority: Authority, asked: Asked) -> Approval:
        """Keep a request until somebody decides.

        The same one by the same requester, while open, is kept once; after a rotation of keys it counts as another.
        Raises ``LimitExceeded`` (``approvals.body_too_large``).
        """
        try:
            case = await asyncio.to_thread(self._open, asked)
        except IntegrityError:  # the same request came twice at once
            case = await asyncio.to_thread(self._open, asked)
        return approval_of(case, authority)

    def _open(self, asked: Asked) -> Case:
        requester, salt = asked.requester, os.urandom(16).hex()
        digest = _digest(salt, asked.kind, asked.what)
        plain = msgspec.json.encode({"kind": asked.kind, "what": asked.what, "shown": asked.shown, "salt": salt})
        if len(plain) > self.settings.max_body_kb * 1024 * 2:  # base 64 and what is shown besides
            raise errors.body_too_large(self.settings.max_body_kb)
        same = [requester.person_id, requester.session_id, asked.kind, asked.what]
        cause = self._secrets.digest(CAUSE, msgspec.json.encode(same, order="deterministic"))
        with self.cases.begin() as session:
            known = session.find_open(KIND, [cause]).get(cause)
            if known is not None and (known.deadline_ms or 0) > session.now_ms:
                note("approval", known.id, asked.action, organisation=known.organisation_id)
                return known
            if known is not None:
                self._fire(session, known, "expire", SYSTEM)
                session.flush()
            expires_ms = session.now_ms + round(self.settings.expires_hours * 3_600_000)
            data: dict[str, Any] = {
                "action": asked.action,
                "object_kind": asked.object_kind,
                "object_id": asked.object_id,
                "object_name": asked.object_name,
                "method": asked.shown.get("method", ""),
                "path": asked.shown.get("path", ""),
                "reason": asked.reason[:1000],
                "requester_id": requester.person_id,
                "requester_name": requester.name,
                "session_id": requester.session_id,
                "session_method": requester.method,
                "digest": digest,
            }
            case = session.open(
                KIND,
                id_prefix="apr",
                subject=asked.object_id or asked.action,
                actor=Actor(requester.person_id, requester.name),
                priority=3,
                cause=cause,
                deadline_ms=expires_ms,
                search=f"{asked.action} {asked.object_name} {requester.name}",
                data=data,
                comment=asked.reason[:1000],
                organisation_id=asked.organisation_id,
            )
            row = {
                "id": case.id,
                "organisation_id": asked.organisation_id,
                "requester_id": requester.person_id,
                "state": case.state,
                "changed_ms": session.now_ms,
                "expires_ms": expires_ms,
                "digest": digest,
                "request": self._secrets.seal(purpose_of(REQUEST, case.id), plain),
            }
            self.store.insert(session.connection, row)
        _noted(case, None)
        return case

    # --- looking -------------------------------------------------------------------------------------------------

    async def list(
        self, authority: Authority, view: str, *, cursor: str | None = None, limit: int = 100
    ) -> ApprovalPage:
        """Requests that the person may see; see :meth:`.RequestStore.list`."""
        limit = min(limit, _MOST_PAGE)
        mine, here = authority.person_id, _decides(authority)
        rows = await asyncio.to_thread(self.store.list, view, mine, here, before=cursor, limit=limit + 1)
        cases = await asyncio.to_thread(self.cases.find, [row.id for row in rows[:limit]])
        items = [
            approval_of(cases[row.id], authority, answer_waiting=row.answer is not None)
            for row in rows[:limit]
            if row.id in cases
        ]
        return ApprovalPage(items, rows[limit - 1].id if len(rows) > limit else None)

    async def summary(self, authority: Authority) -> ApprovalSummary:
        """What waits for the person, and what the person waits for."""
        mine, here, now = authority.person_id, _decides(authority), self._clock.now_ms()
        waiting = await asyncio.to_thread(self.store.count, "waiting", mine, here, now)
        return ApprovalSummary(waiting, await asyncio.to_thread(self.store.count, "mine", mine, here, now))

    async def get(self, authority: Authority, approval_id: str) -> ApprovalDetail:
        """One request with what it would do, and its history. Raises ``NotFound`` (``approvals.unknown``)."""
        row = await self._row(authority, approval_id)
        case = (await asyncio.to_thread(self.cases.find, [approval_id]))[approval_id]
        kept = await asyncio.to_thread(self._opened, row)
        history = await asyncio.to_thread(self.cases.history, approval_id)
        return detail_of(case, authority, kept, history, answer_waiting=row.answer is not None)

    async def take_answer(self, authority: Authority, approval_id: str) -> ApprovalAnswer:
        """The answer to a request, once, for who asked. Raises ``NotFound`` (``approvals.answer_gone``)."""
        row = await self._row(authority, approval_id)
        sealed = await asyncio.to_thread(self.store.take_answer, approval_id, authority.person_id)
        if sealed is None:
            raise errors.answer_gone()
        plain = await asyncio.to_thread(self._secrets.open, purpose_of(ANSWER, approval_id), sealed)
        note("approval", approval_id, organisation=row.organisation_id)
        return msgspec.json.decode(plain, type=ApprovalAnswer)

    # --- deciding ------------------------------------------------------------------------------------------------

    async def approve(self, authority: Authority, session: Session, approval_id: str, comment: str) -> Approval:
        """Agree, and carry it out.

        Raises ``NotFound`` (``approvals.unknown``), ``Denied`` (``approvals.own_request``, ``approvals.not_a_person``),
        ``Conflict`` (``approvals.expired``, ``cases.wrong_state``: somebody was faster).
        """
        await self._decide(authority, session, approval_id, "approve", comment)
        return await self._carried(authority, approval_id)

    async def reject(self, authority: Authority, session: Session, approval_id: str, comment: str) -> Approval:
        """Refuse, with a reason. Raises what :meth:`approve` raises."""
        case = await self._decide(authority, session, approval_id, "reject", comment)
        return approval_of(case, authority)

    async def withdraw(self, authority: Authority, session: Session, approval_id: str, comment: str) -> Approval:
        """Take back one's own request. Raises ``NotFound`` (``approvals.unknown``), ``Conflict``."""
        row = await self._row(authority, approval_id)
        if row.requester_id != authority.person_id:
            raise errors.unknown(approval_id)
        actor = Actor(session.person.id, session.person.name, frozenset({"requester"}))
        case = await asyncio.to_thread(self._moved, approval_id, "withdraw", actor, comment)
        return approval_of(case, authority)

    async def comment(self, authority: Authority, session: Session, approval_id: str, text: str) -> ApprovalDetail:
        """Say something about a request: who asked, why; who decides, a question. Raises ``NotFound``."""
        row = await self._row(authority, approval_id)
        actor = Actor(session.person.id, session.person.name)
        await asyncio.to_thread(self.cases.comment, approval_id, actor, _plain(text))
        note("approval", approval_id, organisation=row.organisation_id)
        return await self.get(authority, approval_id)

    async def override(self, session: Session, approval: Approval, reason: str) -> Outcome:
        """Carry out one's own request at once in an emergency; whoever calls has seen that this is allowed."""
        actor = Actor(session.person.id, session.person.name, frozenset({APPROVALS_OVERRIDE.name}))
        await asyncio.to_thread(self._moved, approval.id, "override", actor, reason, {"emergency": True})
        logger.warning("%s did %s without a second person in an emergency", actor.id, approval.action)
        return await asyncio.shield(self._start(approval.id))

    async def _decide(
        self, authority: Authority, session: Session, approval_id: str, verdict: str, comment: str
    ) -> Case:
        row = await self._row(authority, approval_id)
        if row.requester_id == session.person.id:
            raise errors.own_request()
        if row.organisation_id not in _decides(authority):
            raise errors.unknown(approval_id)
        if await self._parties.kind_of(session.person.id) != "person":
            raise errors.not_a_person()
        if row.state == "asked" and row.expires_ms <= self._clock.now_ms():
            await asyncio.to_thread(self._moved, approval_id, "expire", SYSTEM, "")
            raise errors.expired()
        actor = Actor(session.person.id, session.person.name, frozenset({APPROVALS_DECIDE.name}))
        return await asyncio.to_thread(self._moved, approval_id, verdict, actor, comment)

    def _moved(
        self,
        approval_id: str,
        transition: str,
        actor: Actor,
        comment: str,
        data: dict[str, Any] | None = None,
    ) -> Case:
        comment = _plain(comment)
        with self.cases.begin() as session:
            before = session.get(approval_id)
            decided = transition in ("approve", "reject", "override")
            who = {"decider_id": actor.id, "decider_name": actor.name, "decided_ms": session.now_ms, "comment": comment}
            case = self._fire(session, before, transition, actor, comment, {**(who if decided else {}), **(data or {})})
        if transition != "begin":  # what comes of it has an entry of its own
            _noted(case, before)
        return case

    def _fire(
        self,
        session: CaseSession,
        case: Case,
        transition: str,
        actor: Actor,
        comment: str = "",
        data: dict[str, Any] | None = None,
        **kept: Any,
    ) -> Case:
        """Move the case, and its row with it. What is closed keeps only what people may see."""
        moved = session.fire(case, transition, actor, comment=comment, data=data)
        if moved.state in WORKFLOW.closed and "request" not in kept:
            kept["request"] = self._without_secrets(case.id, None)
        self.store.update(session.connection, case.id, state=moved.state, changed_ms=session.now_ms, **kept)
        return moved

    # --- carrying out --------------------------------------------------------------------------------------------

    async def _carried(self, authority: Authority, approval_id: str) -> Approval:
        """Carry out what was just approved, also when who approved has left; the request as it then is."""
        await asyncio.shield(self._start(approval_id))
        return approval_of(await asyncio.to_thread(self.cases.get, approval_id), authority)

    def _start(self, approval_id: str) -> asyncio.Task[Outcome]:
        task = asyncio.create_task(self.carry_out(approval_id), name=f"approved {approval_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def settle(self, most_s: float = 8.0) -> None:
        """Return when nothing is being carried out any more, or after ``most_s`` seconds."""
        if self._running:
            await asyncio.wait(self._running, timeout=most_s)

    async def carry_out(self, approval_id: str) -> Outcome:
        """Do what was approved, once: whoever enters ``executing`` does it, and nobody enters it twice.

        Raises ``Conflict`` (``cases.wrong_state``) when somebody else does or did.
        """
        case = await asyncio.to_thread(self._moved, approval_id, "begin", SYSTEM, "")
        row = await asyncio.to_thread(self.store.get, approval_id)
        try:
            carrying, carry_out = await asyncio.to_thread(self._unpacked, case, row)
            async with asyncio.timeout(self.settings.execute_timeout_s):
                outcome = await carry_out(carrying)
        except MillwrightError as error:
            outcome = Outcome(409, code=error.code, message=error.message)
        except TimeoutError:
            outcome = Outcome(0, code="approvals.unknown_end", message="It took too long; nobody knows how it ended.")
        except Exception:
            logger.exception("the approved request %s failed", approval_id)
            outcome = Outcome(500, code="web.internal", message="It failed; the log of the node says why.")
        await asyncio.to_thread(self._finish, approval_id, outcome)
        return outcome

    def _unpacked(self, case: Case, row: Any) -> tuple[Carrying, CarryOut]:
        kept = self._opened(row)
        digest = _digest(kept["salt"], kept["kind"], kept["what"])
        data = case.data
        if digest != data["digest"] or digest != row.digest:
            raise errors.broken(case.id)
        requester = Requester(data["requester_id"], data["requester_name"], data["session_id"], data["session_method"])
        carrying = Carrying(
            case.id,
            data["action"],
            case.organisation_id,
            requester,
            data["decider_id"],
            data["decider_name"],
            kept["what"],
        )
        return carrying, self._carry_out[kept["kind"]]

    def _finish(self, approval_id: str, outcome: Outcome) -> None:
        result = {"status": outcome.status, "code": outcome.code, "message": outcome.message[:300]}
        try:
            kept: dict[str, Any] = {"request": self._without_secrets(approval_id, outcome.shown)}
        except NotFound:  # its organisation was removed meanwhile, with all it owned
            return
        if outcome.body:
            answer = ApprovalAnswer(outcome.status, outcome.media_type, _document(outcome))
            kept["answer"] = self._secrets.seal(purpose_of(ANSWER, approval_id), msgspec.json.encode(answer))
        with self.cases.begin() as session:
            before = session.find([approval_id]).get(approval_id)
            if before is None:  # its organisation was removed meanwhile, with all it owned
                return
            name = "finish" if outcome.done else "fail"
            self._fire(session, before, name, SYSTEM, outcome.message[:300], {"result": result}, **kept)

    def interrupt(self, approval_id: str) -> None:
        """What began and never ended is failed, for nobody knows how far it came. It is not done again."""
        message = "The node stopped while this was carried out; look whether it was done."
        with self.cases.begin() as session:
            before = session.get(approval_id)
            result = {"status": 0, "code": "approvals.unknown_end", "message": message}
            case = self._fire(session, before, "fail", SYSTEM, message, {"result": result})
        _noted(case, before)

    def expire(self, approval_id: str) -> None:
        """Nobody decided in time."""
        self._moved(approval_id, "expire", SYSTEM, "")

    # --- what is kept --------------------------------------------------------------------------------------------

    def _opened(self, row: Any) -> dict[str, Any]:
        kept: dict[str, Any] = msgspec.json.decode(self._secrets.open(purpose_of(REQUEST, row.id), row.request))
        return kept

    def _without_secrets(self, approval_id: str, answer: Any) -> str:
        """What is still needed of a request that is closed: what people may see."""
        try:
            kept = self._opened(self.store.get(approval_id))
        except Corrupt:  # it was not done, and what it was cannot be told any more
            kept = {"shown": {}}
        plain = msgspec.json.encode({"shown": kept["shown"], "answer": answer})
        return self._secrets.seal(purpose_of(REQUEST, approval_id), plain)

    async def _row(self, authority: Authority, approval_id: str) -> Any:
        row = await asyncio.to_thread(self.store.find, approval_id, authority.person_id, _decides(authority))
        if row is None:
            raise errors.unknown(approval_id)
        return row


def _plain(text: str) -> str:
    """Without NUL, which PostgreSQL keeps in no text."""
    return text.replace("\0", "")


def _digest(salt: str, kind: str, what: dict[str, Any]) -> str:
    """Names what was asked without telling it: who does not have the sealed salt cannot try what it may have been."""
    return hashlib.sha256(msgspec.json.encode([salt, kind, what], order="deterministic")).hexdigest()


def _decides(authority: Authority) -> frozenset[str]:
    return authority.scope(APPROVALS_DECIDE.name).organisations


def _document(outcome: Outcome) -> Any:
    try:
        return msgspec.json.decode(outcome.body)
    except msgspec.DecodeError:
        return base64.b64encode(outcome.body).decode()


def _noted(case: Case, before: Case | None) -> None:
    keys = ("action", "object_kind", "object_id", "requester_id", "decider_id", "digest", "emergency")
    after = {"state": case.state, **{key: case.data[key] for key in keys if case.data.get(key)}}
    if case.data.get("result"):
        after["status"] = ApprovalResult(**case.data["result"]).status
    was = {"state": before.state} if before else None
    note("approval", case.id, case.data["action"], before=was, after=after, organisation=case.organisation_id)
