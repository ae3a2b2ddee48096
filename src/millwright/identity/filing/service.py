"""Filings as people look at them and decide on them: what was filed above, and the register of what was received."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from millwright.cases import Actor
from millwright.identity.filing.believing import chain_of
from millwright.identity.filing.documents import NodeSigner, read
from millwright.identity.filing.model import WORKFLOW, Filing
from millwright.identity.filing.receiving import Receiving, relays_of
from millwright.identity.filing.register import Row
from millwright.identity.filing.store import SentStore
from millwright.identity.filing.views import (
    FilingProblem,
    FilingProof,
    ReceivedDetail,
    ReceivedFiling,
    ReceivedPage,
    SentFiling,
    SentPage,
)
from millwright.identity.prefixes.view import step_of
from millwright.identity.rights import FILINGS_READ, FILINGS_REVIEW
from millwright.kernel import Clock, MillwrightError, current_scope, to_iso
from millwright.kernel.spreadsheet import safe_cell
from millwright.parties import Authority, Session

SCHEMA: Final = "millwright.filing-proof/1"
_MOST_PAGE: Final = 200
_HEAD: Final = (
    ("number", "备案编号"), ("prefix", "标识前缀"), ("system", "编码体系"), ("prefix_state", "前缀状态"),
    ("holder", "企业名称"), ("credit_code", "统一社会信用代码"), ("industry", "所属行业"), ("contact", "联系人"),
    ("telephone", "联系电话"), ("granted_at", "启用时间"), ("valid_until", "有效期至"), ("certified_by", "认证机构"),
    ("filed_by", "报送节点"), ("event", "备案事项"), ("state", "受理状态"), ("reason", "理由"),
    ("received_at", "收到时间"), ("decided_at", "受理时间"), ("current", "现行"), ("filing_id", "报送编号"),
    ("sha256", "SHA-256"),
)  # fmt: skip


class Filings:
    """``sent`` and ``receiving`` see everything; whose is looked for is said each time."""

    def __init__(self, sent: SentStore, receiving: Receiving, node: NodeSigner, clock: Clock) -> None:
        self._sent, self.receiving, self._node, self._clock = sent, receiving, node, clock
        self._register = receiving.register

    # --- filed above ---------------------------------------------------------------------------------------------

    async def sent(
        self,
        authority: Authority,
        *,
        within: str | None = None,
        prefix_id: str | None = None,
        state: str | None = None,
        upper_id: str | None = None,
        text: str = "",
        cursor: str | None = None,
        limit: int = 50,
    ) -> SentPage:
        """What was filed for organisations that one may see, newest first."""
        limit, seen = min(limit, _MOST_PAGE), self._seen(authority, within)

        def work() -> SentPage:
            rows = self._sent.page(
                seen, prefix_id=prefix_id, state=state, upper_id=upper_id, text=text, before=cursor, limit=limit + 1
            )
            uppers = {row.id: row for row in self._sent.uppers()} if rows else {}
            items = [self._sent_view(row, uppers.get(row.upper_id)) for row in rows[:limit]]
            return SentPage(items, rows[limit - 1].id if len(rows) > limit else None)

        return await asyncio.to_thread(work)

    async def sent_proof(self, authority: Authority, sent_id: str, within: str | None) -> FilingProof:
        """All that was signed for a filing. Raises ``NotFound`` (``filing.unknown``)."""
        row = await asyncio.to_thread(self._sent.sent, sent_id, self._seen(authority, within))
        answer: dict[str, Any] = row.answer or {}
        receipts, relays = list(answer.get("receipts", [])), list(answer.get("relays", []))
        return FilingProof(schema=SCHEMA, filing=row.document or "", receipts=receipts, relays=relays)

    async def retry(self, sent_id: str) -> SentFiling:
        """Do now what waits for its time. Raises ``NotFound``."""

        def work() -> SentFiling:
            row = self._sent.sent(sent_id, current_scope().organisations)
            if row.next_ms is not None:
                self._sent.put(sent_id, next_ms=self._clock.now_ms(), polls=0)
                self._sent.note_upper(row.upper_id, next_ms=0)
            uppers = {each.id: each for each in self._sent.uppers()}
            return self._sent_view(self._sent.sent(sent_id), uppers.get(row.upper_id))

        return await asyncio.to_thread(work)

    def _sent_view(self, row: Row, upper: Row | None) -> SentFiling:
        answer: dict[str, Any] = row.answer or {}
        trusted = [self._node.key, *([row.upper_key] if row.upper_key else [])]
        waits = row.next_ms is not None
        problem = (
            msgspec.convert(upper.problem, FilingProblem) if waits and upper is not None and upper.problem else None
        )
        next_ms = row.next_ms
        if waits and upper is not None:
            next_ms = max(next_ms, upper.next_ms) if upper.enabled else None
        plain = ("id", "organisation_id", "upper_id", "upper_name", "prefix_id", "system", "prefix", "event", "state")
        more = ("number", "reason", "attempts", "prepared_ms", "sent_ms", "answered_ms")
        return SentFiling(
            **{name: getattr(row, name) for name in (*plain, *more)},
            prefix_state=row.facts.get("state", ""),
            passed_on=row.received_id is not None,
            next_ms=next_ms,
            pending=waits and row.state != "waiting",
            problem=problem,
            chain=chain_of(row.document, answer.get("receipts", []), answer.get("relays", []), trusted)
            if row.sent_ms is not None
            else [],
        )

    # --- received from below -------------------------------------------------------------------------------------

    async def received(
        self,
        authority: Authority,
        *,
        within: str | None = None,
        text: str = "",
        state: str | None = None,
        filer_id: str | None = None,
        current: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ReceivedPage:
        """The register of filings, as far as one may see it, newest first."""
        limit, seen = min(limit, _MOST_PAGE), self._seen(authority, within)
        rows = await asyncio.to_thread(
            lambda: self._register.page(
                seen, text=text, state=state, filer_id=filer_id, current=current, before=cursor, limit=limit + 1
            )
        )
        items = [_received_view(row, authority) for row in rows[:limit]]
        return ReceivedPage(items, rows[limit - 1].id if len(rows) > limit else None)

    async def received_one(self, authority: Authority, received_id: str, within: str | None = None) -> ReceivedDetail:
        """One with what it says, its chain and its history. Raises ``NotFound`` (``filing.unknown``)."""
        seen = self._seen(authority, within)
        return await asyncio.to_thread(lambda: self._detail(self._register.received(received_id, seen), authority))

    async def received_proof(self, authority: Authority, received_id: str, within: str | None) -> FilingProof:
        """All that was signed for a filing. Raises ``NotFound`` (``filing.unknown``)."""

        def work() -> FilingProof:
            row = self._register.received(received_id, self._seen(authority, within))
            relays = relays_of(self._sent.onward(row.id), row.filing_id, self._node, self._clock.now_ms())
            return FilingProof(schema=SCHEMA, filing=row.document, receipts=list(row.receipts), relays=relays)

        return await asyncio.to_thread(work)

    async def decide(
        self, authority: Authority, session: Session, received_id: str, step: str, comment: str
    ) -> ReceivedDetail:
        """``review``, ``accept`` or ``refuse`` a filing. Raises ``NotFound``, ``Conflict`` (``cases.wrong_state``),
        ``Invalid`` (``cases.field_required``)."""
        scope = current_scope().organisations
        actor = Actor(session.person.id, session.person.name, frozenset({FILINGS_REVIEW.name}))

        def work() -> ReceivedDetail:
            self._register.received(received_id, scope)
            with self.receiving.cases.begin() as transaction:
                transaction.get(received_id)  # locks it: only now is the row what it will stay
                row = self._register.get(transaction.connection, received_id)
                self.receiving.decide(transaction, row, step, actor, comment.strip())
            return self._detail(self._register.received(received_id, scope), authority)

        return await asyncio.to_thread(work)

    def _detail(self, row: Row, authority: Authority) -> ReceivedDetail:
        onward = self._sent.onward(row.id)
        relays = relays_of(onward, row.filing_id, self._node, self._clock.now_ms())
        filer_key = self._filer_key(row)
        uppers = {each.id: each for each in self._sent.uppers()} if onward else {}
        try:
            filing = msgspec.to_builtins(read(row.document, Filing))
        except MillwrightError:  # of a later version
            filing = {}
        return ReceivedDetail(
            **msgspec.structs.asdict(_received_view(row, authority)),
            filing={name: value for name, value in filing.items() if name not in ("origin", "origin_receipt")},
            chain=chain_of(row.document, row.receipts, relays, [self._node.key, *filer_key]),
            onward=[self._sent_view(each, uppers.get(each.upper_id)) for each in onward],
            history=[step_of(each) for each in self.receiving.cases.history(row.id)],
        )

    def _filer_key(self, row: Row) -> list[str]:
        rows = self._register.filers([row.organisation_id])
        return [each.public_key for each in rows if each.id == row.filer_id and each.public_key]

    def export(self, authority: Authority, within: str | None, **wanted: Any) -> Iterator[bytes]:
        """The register as CSV, UTF-8 with a byte order mark, the heads in both languages. Blocks."""
        seen = self._seen(authority, within)
        yield b"\xef\xbb\xbf" + _line([f"{zh} {name}" for name, zh in _HEAD])
        for row in self._register.iter_all(seen, **wanted):
            yield _line(_cells(row))

    def _seen(self, authority: Authority, within: str | None) -> Collection[str]:
        return authority.scope(FILINGS_READ.name, within).organisations


def _received_view(row: Row, authority: Authority) -> ReceivedFiling:
    rights = {FILINGS_REVIEW.name} if authority.may(FILINGS_REVIEW.name, row.organisation_id) else set()
    plain = {name: getattr(row, name) for name in ReceivedFiling.__struct_fields__ if name != "allowed"}
    return ReceivedFiling(**plain, allowed=WORKFLOW.allowed(row.state, Actor("", "", frozenset(rights))))


def _cells(row: Row) -> list[str]:
    try:
        filing = read(row.document, Filing)
    except MillwrightError:  # of a later version
        filing = None
    origin = filing
    while origin is not None and origin.origin:
        origin = read(origin.origin, Filing)
    said = ["", "", "", "", "", "", ""]
    if origin is not None:
        contact = origin.contact
        said = [origin.credit_code, origin.industry, contact.name, contact.telephone, _time(origin.granted_ms)]
        said += [_time(origin.until_ms), origin.certified_by]
    return [
        row.number, row.prefix, row.system, row.prefix_state, row.holder, *said, row.filer_name, row.event, row.state,
        row.reason, _time(row.received_ms), _time(row.decided_ms), "1" if row.current else "0", row.filing_id,
        row.digest,
    ]  # fmt: skip


def _time(at_ms: int | None) -> str:
    return "" if at_ms is None else to_iso(at_ms)


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue().encode()
