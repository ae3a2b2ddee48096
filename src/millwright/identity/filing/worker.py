"""The filing agent: sends what is prepared, asks about what is not decided, reports; in the role ``web``."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from millwright.cases import SYSTEM
from millwright.engines.secrets import Secrets, purpose_of
from millwright.identity.filing import errors
from millwright.identity.filing.believing import check_answer, check_receipt
from millwright.identity.filing.client import ClockWrong, NotTaken, UpperClient
from millwright.identity.filing.documents import NodeSigner
from millwright.identity.filing.model import Filing, FilingAnswer, Receipt
from millwright.identity.filing.reports import Reporter, period_of
from millwright.identity.filing.settings import FilingSettings
from millwright.identity.filing.store import Row, SentStore
from millwright.identity.filing.tables import TOKENS
from millwright.identity.filing.views import FilingProblem
from millwright.identity.prefixes import Prefixes
from millwright.identity.prefixes.model import HELD
from millwright.kernel import Clock, MillwrightError, NotFound, end, new_id
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of
from millwright.parties import AuthorityStore

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 50
_ROUNDS: Final = 20
_MOST_WAIT: Final = 20
_KEEP_REPORTS_MS: Final = 400 * 86_400_000


class FilingAgent:
    """Looks every few seconds. A :class:`millwright.kernel.Part`; safe in several processes at once.

    A filing is sent until it is answered, always the same signed text under the same id, so that it is received once;
    of one prefix one after the other. What keeps a node above from answering is kept with that node, and all that is
    for it waits, longer after each failure.
    """

    def __init__(
        self,
        store: SentStore,
        prefixes: Prefixes,
        authorities: AuthorityStore,
        secrets: Secrets,
        node: NodeSigner,
        reporter: Reporter,
        recorder: Recorder,
        clock: Clock,
        settings: FilingSettings,
    ) -> None:
        self._store, self._prefixes, self._authorities, self._secrets = store, prefixes, authorities, secrets
        self._node, self._reporter, self._recorder = node, reporter, recorder
        self._clock, self._settings = clock, settings
        # Longer than one answer may take: whoever dies with it leaves it to the others then.
        self._lease_ms = round(settings.answer_s * 1500) + 1000
        self._task: asyncio.Task[None] | None = None
        self._told = asyncio.Event()
        self.delivered = self.reported = 0
        self.waiting = 0
        self.failing: dict[str, FilingProblem] = {}

    async def start(self) -> None:
        """Begin to look; the node's key is made where there is none, before anybody asks for it."""
        await asyncio.to_thread(lambda: self._node.key)
        self._task = asyncio.create_task(self._run(), name="filing")

    async def stop(self) -> None:
        """Stop; what is half done is done again at the next start."""
        task, self._task = self._task, None
        await end(task)

    def look_now(self) -> None:
        """Something is to be sent."""
        self._told.set()

    def counters(self) -> dict[str, float]:
        """What was delivered since the start."""
        return {"filings_delivered": self.delivered, "filing_reports_delivered": self.reported}

    def gauges(self) -> dict[str, float]:
        """What waits for a node above."""
        return {"filings_waiting": self.waiting, "filing_nodes_failing": len(self.failing)}

    def problems(self) -> list[dict[str, Any]]:
        """Nodes above that take nothing."""
        return [
            {"code": each.code, "message": f"{name}: {each.message}", "hint": each.hint, "since_ms": each.since_ms}
            for name, each in self.failing.items()
        ]

    async def _run(self) -> None:
        failing = False
        while True:
            try:
                await self.look()
                failing = False
            except (MillwrightError, SQLAlchemyError, OSError) as error:
                if not failing:
                    logger.warning("filings wait: %s", error)
                failing = True
            except Exception:
                if not failing:
                    logger.exception("filings wait")
                failing = True
            try:
                async with asyncio.timeout(self._settings.look_s):
                    await self._told.wait()
            except TimeoutError:
                continue
            self._told.clear()

    async def look(self) -> None:
        """One round over all nodes above, beside each other."""
        now_ms = self._clock.now_ms()
        found = [each for each in await asyncio.to_thread(self._store.uppers) if each.enabled]
        self.failing = {each.name: self.failing[each.name] for each in found if each.name in self.failing}
        await asyncio.gather(
            *(self._serve(each) for each in found if not now_ms < each.next_ms <= self._far_ms(now_ms))
        )
        self.waiting = await asyncio.to_thread(self._store.waiting) if found else 0

    def _far_ms(self, now_ms: int) -> int:
        """No attempt is ever put off until then: what is said to be later was put off by a clock that was ahead."""
        chosen = self._settings
        return now_ms + self._lease_ms + round(1250 * max(chosen.retry_most_s, chosen.poll_s * _MOST_WAIT))

    def client(self, upper: Row) -> UpperClient:
        """A client of a node above. Raises ``Corrupt`` when its token cannot be opened. Blocks."""
        token = self._secrets.open(purpose_of(TOKENS, upper.id), upper.token).decode()
        return UpperClient(upper.url, token, upper.ca, self._settings.answer_s)

    async def _serve(self, upper: Row) -> None:
        try:
            done = await self._work(upper)
        except MillwrightError as error:
            await self._failed(upper, error)
        except Exception as error:
            logger.exception("the filing with %s failed", upper.name)
            await self._failed(
                upper, errors.upper_strange(f"this node made a mistake: {type(error).__name__}", "内部错误")
            )
        else:
            if done:
                await self._answered(upper)

    async def _work(self, upper: Row) -> bool:
        """Everything that is due; whether the node above was asked anything."""
        now_ms = self._clock.now_ms()
        due = await asyncio.to_thread(self._store.due, upper.id, now_ms, self._far_ms(now_ms), _AT_ONCE)
        open_ = await asyncio.to_thread(self._store.undecided, upper.id, now_ms, self._far_ms(now_ms), _AT_ONCE)
        reports = await self._reports_wanted(upper, now_ms)
        if not due and not open_ and not reports:
            return False
        client = await asyncio.to_thread(self.client, upper)
        key = upper.public_key or await self.first_key(upper, client)
        for _ in range(_ROUNDS):
            for row in due:
                await self._send(row, client, key)
            if not due:
                break
            now_ms = self._clock.now_ms()
            due = await asyncio.to_thread(self._store.due, upper.id, now_ms, self._far_ms(now_ms), _AT_ONCE)
        if open_:
            await self._ask(open_, client, key)
        if reports:
            await self._report(upper, client, key, now_ms)
        return True

    async def first_key(self, upper: Row, client: UpperClient) -> str:
        """Take the key that the node above shows first. Raises ``Unavailable``, ``Conflict`` (``filing.own_key``)."""
        desk = await client.desk()
        if not desk.admitted:
            raise errors.upper_refuses(
                "filing.no_filer", "the token is not that of a node below", "令牌不属于已准入的下级节点"
            )
        if self._node.is_own(desk.key):
            raise errors.own_key()
        if await asyncio.to_thread(self._store.pin, upper.id, desk.key):
            logger.info("the node above %s has the key %s", upper.name, desk.key)
        return desk.key

    # --- filings -------------------------------------------------------------------------------------------------

    async def _send(self, row: Row, client: UpperClient, key: str) -> None:
        now_ms = self._clock.now_ms()
        document = row.document if row.document and row.upper_key == key else None
        if document is None:
            document = self._node.sign(await asyncio.to_thread(self._statement, row, key, now_ms))
        values = {"document": document, "upper_key": key, "attempts": row.attempts + 1, "sent_ms": now_ms}
        if not await asyncio.to_thread(self._store.claim, row, now_ms + self._lease_ms, **values):
            return
        try:
            answer = await client.file(document)
            receipt = check_answer(answer, document, row.id, key)
        except NotTaken as error:
            said = {"state": "failed", "reason": f"{error.message} ({error.code})"[:2000], "next_ms": None}
            await asyncio.to_thread(self._store.put, row.id, answered_ms=self._clock.now_ms(), **said)
            logger.warning("the filing %s of %s is not taken: %s", row.id, row.prefix, error.message)
            return
        except ClockWrong as error:
            # The signed time is in the document: it is signed again when it is sent again.
            await asyncio.to_thread(self._store.put, row.id, document=None, next_ms=now_ms)
            raise errors.upper_refuses("filing.clock_wrong", error.message, "时钟不一致，请校准") from error
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._store.put, row.id, next_ms=now_ms))
            raise
        self.delivered += 1
        await self._settle(row, answer, receipt)

    def _statement(self, row: Row, key: str, now_ms: int) -> Filing:
        facts: dict[str, Any] = dict(row.facts)
        if not facts.get("holder") and not row.received_id:
            holder = self._authorities.tree().nodes.get(row.organisation_id)
            facts["holder"] = "" if holder is None else holder.name
        said = {"filing_id": row.id, "node": self._node.node, "key": self._node.key, "to": key}
        return msgspec.convert(facts | said | {"sequence": row.sequence, "signed_ms": now_ms}, Filing)

    async def _ask(self, rows: Any, client: UpperClient, key: str) -> None:
        now_ms = self._clock.now_ms()
        mine = {row.id: row for row in rows if await asyncio.to_thread(self._store.claim, row, now_ms + self._lease_ms)}
        try:
            for answer in await client.answers(list(mine)):
                row = mine.get(answer.filing_id)
                if row is None:
                    continue
                receipt = check_answer(answer, row.document, row.id, row.upper_key or key)
                await self._settle(mine.pop(answer.filing_id), answer, receipt)
        finally:
            for row in mine.values():
                wait_ms = self._poll_ms(row.polls)
                await asyncio.shield(
                    asyncio.to_thread(self._store.put, row.id, next_ms=now_ms + wait_ms, polls=row.polls + 1)
                )

    def _poll_ms(self, polls: int) -> int:
        return round(self._settings.poll_s * 1000 * min(1.3 ** min(polls, 30), _MOST_WAIT))

    async def _settle(self, row: Row, answer: FilingAnswer, receipt: Receipt) -> None:
        """Keep what the node above answered, and tell the prefix and the ledger of a decision."""
        now_ms = self._clock.now_ms()
        more = receipt.state == "received" or answer.pending
        values = {
            "state": receipt.state,
            "number": receipt.number,
            "reason": receipt.reason,
            "answer": msgspec.to_builtins(answer),
            "answered_ms": now_ms,
            "next_ms": now_ms + self._poll_ms(row.polls) if more else None,
            "polls": row.polls + 1,
        }
        await asyncio.to_thread(self._store.put, row.id, **values)
        if receipt.state == row.state:
            return
        act = Act()
        with acting(act):
            if row.prefix_id:
                await asyncio.to_thread(self._tell_prefix, row, receipt, now_ms)
        draft = Draft(
            id=new_id("led"),
            at_ms=now_ms,
            actor=Actor("system", "filing", "Millwright"),
            action=f"filings.{receipt.state}",
            target=Target("filing", row.id, f"{row.prefix} · {row.upper_name}"),
            outcome="done",
            organisation=row.organisation_id,
        )
        await self._recorder.record(entries_of(act, draft))

    def _tell_prefix(self, row: Row, receipt: Receipt, now_ms: int) -> None:
        """Show it with the prefix: one line for each node above, and a step of its history for a decision."""
        same = hashlib.sha256(f"{row.prefix_id}\0{row.upper_id}".encode()).hexdigest()[:26]
        state = "sent" if receipt.state == "received" else receipt.state
        kept = {
            "id": f"pff_{same}", "prefix_id": row.prefix_id, "node": row.upper_name, "number": receipt.number,
            "state": state, "filed_ms": row.sent_ms or now_ms,
            "answered_ms": None if state == "sent" else receipt.at_ms, "answer": receipt.reason,
            "recorded_ms": now_ms, "recorded_by": "Millwright",
        }  # fmt: skip
        store = self._prefixes.desk.store
        try:
            with self._prefixes.desk.opened_by_node(row.prefix_id) as opened:
                if opened.row.state in HELD and state != "sent":
                    data = {"filing_id": kept["id"], "node": kept["node"], "number": kept["number"], "filing": state}
                    opened.fire("file", SYSTEM, comment=receipt.reason[:1000], data=data)
                else:
                    opened.touch()
                if not store.put_filing(opened.connection, kept, fresh=False):
                    store.put_filing(opened.connection, kept, fresh=True)
                opened.save()
        except NotFound:
            pass  # it is gone with its organisation

    # --- reports -------------------------------------------------------------------------------------------------

    async def _reports_wanted(self, upper: Row, now_ms: int) -> bool:
        if not upper.report_every_h:
            return False
        _, to_ms = period_of(now_ms, upper.report_every_h)
        newest = await asyncio.to_thread(self._store.newest_report, upper.id)
        return newest is None or newest < to_ms or bool(await asyncio.to_thread(self._store.reports_due, upper.id))

    async def _report(self, upper: Row, client: UpperClient, key: str, now_ms: int) -> None:
        from_ms, to_ms = period_of(now_ms, upper.report_every_h)
        newest = await asyncio.to_thread(self._store.newest_report, upper.id)
        if newest is None or newest < to_ms:
            report = await asyncio.to_thread(self._reporter.make, upper, key, from_ms, to_ms)
            new = {
                "id": report.report_id, "upper_id": upper.id, "from_ms": from_ms, "to_ms": to_ms, "state": "waiting",
                "document": self._node.sign(report), "upper_key": key, "receipt": None, "reason": "", "attempts": 0,
                "facts": {"identifiers": report.identifiers, "prefixes": sum(report.states.values())},
                "made_ms": now_ms, "answered_ms": None,
            }  # fmt: skip
            await asyncio.to_thread(self._store.add_report, new, now_ms - _KEEP_REPORTS_MS)
        for row in await asyncio.to_thread(self._store.reports_due, upper.id):
            await asyncio.to_thread(self._store.put_report, row.id, attempts=row.attempts + 1)
            done: dict[str, Any] = {"answered_ms": self._clock.now_ms()}
            try:
                answer = await client.report(row.document)
                check_receipt(answer.receipt, row.document, row.id, row.upper_key)
                done |= {"state": "accepted", "receipt": answer.receipt}
                self.reported += 1
            except NotTaken as error:
                done |= {"state": "failed", "reason": error.message[:2000]}
            except ClockWrong as error:
                # The signed time is in the document: another one is made when it is tried again.
                await asyncio.to_thread(self._store.drop_report, row.id)
                raise errors.upper_refuses("filing.clock_wrong", error.message, "时钟不一致，请校准") from error
            await asyncio.to_thread(self._store.put_report, row.id, **done)

    # --- how a node above stands ---------------------------------------------------------------------------------

    async def _failed(self, upper: Row, error: MillwrightError) -> None:
        now_ms = self._clock.now_ms()
        wait_s = min(self._settings.retry_first_s * 2 ** min(upper.attempts, 30), self._settings.retry_most_s)
        wait_s = max(wait_s * random.uniform(0.75, 1.25), 0.0)
        before: Mapping[str, Any] = upper.problem or {}
        problem = FilingProblem(
            code=error.code, message=error.message, hint=error.hint, why_zh=str(error.detail.get("why_zh", "")),
            since_ms=before.get("since_ms", now_ms),
        )  # fmt: skip
        self.failing[upper.name] = problem
        if before.get("code") != error.code:
            logger.warning("filings wait for %s: %s %s", upper.name, error.message, error.hint)
        await asyncio.to_thread(
            self._store.note_upper,
            upper.id,
            attempts=upper.attempts + 1,
            next_ms=now_ms + round(wait_s * 1000),
            problem=msgspec.to_builtins(problem),
        )

    async def _answered(self, upper: Row) -> None:
        self.failing.pop(upper.name, None)
        if upper.problem:
            logger.info("%s takes filings again", upper.name)
        values = {"attempts": 0, "next_ms": 0, "problem": None, "answered_ms": self._clock.now_ms()}
        await asyncio.to_thread(self._store.note_upper, upper.id, **values)
