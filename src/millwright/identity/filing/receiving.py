"""The filing desk: what nodes below file is checked, kept, decided on, answered with signed receipts, and passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from millwright.cases import SYSTEM, Actor, Cases, CaseSession
from millwright.engines.sql import Records
from millwright.identity.filing import errors
from millwright.identity.filing.documents import NodeSigner, bare_digest, digest_of, read
from millwright.identity.filing.model import (
    KIND,
    WORKFLOW,
    Filing,
    FilingAnswer,
    FilingDesk,
    Outcome,
    Receipt,
    Relay,
    Report,
    ReportAnswer,
)
from millwright.identity.filing.outbox import Outbox
from millwright.identity.filing.register import Register, Row
from millwright.identity.filing.settings import FilingSettings
from millwright.identity.filing.store import SentStore
from millwright.identity.prefixes.systems import read_prefix
from millwright.kernel import Clock, Invalid, MillwrightError, new_id, to_iso
from millwright.ledger import note
from millwright.parties import AuthorityStore, Session, Tree

_MOST_LEVELS: Final = 8
_NOT_YOURS = "The prefix lies below none that its filer's organisation holds here, and that the receiver decides on."
_INACTIVE = "The prefix above it is not in force here."


class Receiving:
    """What a node below may do; works for the account of a session. ``records`` see everything."""

    def __init__(
        self,
        records: Records,
        authorities: AuthorityStore,
        node: NodeSigner,
        outbox: Outbox,
        clock: Clock,
        settings: FilingSettings,
    ) -> None:
        self.register, self.sent = Register(records), SentStore(records)
        self.cases = Cases(records, clock, WORKFLOW)
        self.node = node
        self._authorities, self._outbox, self._clock, self._settings = authorities, outbox, clock, settings

    async def desk(self, session: Session) -> FilingDesk:
        """What this node says of itself to one below."""

        def work() -> FilingDesk:
            filer = self.register.find_of_person(session.person.id)
            if filer is None or filer.suspended:
                now_ms = self._clock.now_ms()
                return FilingDesk(node=self.node.node, key=self.node.key, now_ms=now_ms, admitted=False)
            holder = self._authorities.tree().nodes.get(filer.holder_id)
            return FilingDesk(
                node=self.node.node, key=self.node.key, now_ms=self._clock.now_ms(), admitted=True,
                holder="" if holder is None else holder.name, prefixes=list(self.register.held(filer.holder_id)),
                policy=filer.policy,
            )  # fmt: skip

        return await asyncio.to_thread(work)

    async def file(self, session: Session, document: str) -> FilingAnswer:
        """Take a filing, or say how it stands when it is known.

        Raises ``NotFound`` (``filing.no_filer``), ``Denied`` (``filing.suspended``, ``filing.signature_wrong``,
        ``filing.key_changed``), ``Conflict`` (``filing.key_taken``, ``filing.own_key``, ``filing.id_taken``,
        ``filing.out_of_order``, ``filing.circle``), ``Invalid`` (``filing.document_invalid``,
        ``filing.not_for_this_node``, ``filing.clock_wrong``), ``LimitExceeded`` (``filing.too_large``).
        """
        return await asyncio.to_thread(self._file, session, document)

    async def answers(self, session: Session, filing_ids: Sequence[str]) -> list[FilingAnswer]:
        """How filings of this node below stand; those it did not file are left out."""

        def work() -> list[FilingAnswer]:
            filer = self.register.find_of_person(session.person.id)
            if filer is None:
                return []
            self.register.update_filer(filer.id, seen_ms=self._clock.now_ms())
            return [self._answer(row) for row in self.register.of_filer(filer.id, filing_ids)]

        return await asyncio.to_thread(work)

    async def report(self, session: Session, document: str) -> ReportAnswer:
        """Keep a report. One period has one report: another for it is answered by ``Conflict``
        (``filing.id_taken``). Raises as :meth:`file`."""
        return await asyncio.to_thread(self._report, session, document)

    # --- filings -------------------------------------------------------------------------------------------------

    def _file(self, session: Session, document: str) -> FilingAnswer:
        filer = self.register.of_person(session.person.id)
        filing = read(document, Filing)
        self._check(filer, filing.key, filing.to, filing.signed_ms)
        digest = digest_of(document)
        prefix = read_prefix(filing.system, filing.prefix)
        origin = _checked_origin(filing, self.node)
        tree = self._authorities.tree()
        with self.cases.begin() as transaction:
            connection = transaction.connection
            self.register.lock(connection)
            known = self.register.find(connection, filer.id, filing.filing_id)
            if known is None:
                newest = self.register.newest(connection, filer.id, prefix.key)
                if filing.sequence <= newest:
                    raise errors.out_of_order(filing.prefix, newest)
                refusal = self._refusal(connection, filer, prefix.key, filing, tree)
                known = self._keep(transaction, filer, filing, origin, document, prefix.key, refusal)
            elif known.digest != digest:
                raise errors.id_taken(filing.filing_id)
        self.register.update_filer(filer.id, seen_ms=self._clock.now_ms(), node=filing.node)
        return self._answer(known)

    def _check(self, filer: Row, key: str, to: str, signed_ms: int) -> None:
        """That a document is by this node below, for this one, and not of the future."""
        if self.node.is_own(key):
            raise errors.own_key()
        if filer.public_key is None:
            # Whoever has the token first says which key it goes with, until somebody says otherwise.
            self.register.update_filer(filer.id, public_key=key, key_digest=bare_digest(key))
            note("filer", filer.id, filer.name, after={"public_key": key}, organisation=filer.organisation_id)
        elif filer.key_digest != bare_digest(key):
            raise errors.key_changed(filer.name)
        if not self.node.is_own(_parsed(to)):
            raise errors.not_for_this_node()
        ahead_ms = signed_ms - self._clock.now_ms()
        if ahead_ms > self._settings.clock_ahead_s * 1000:
            raise errors.clock_wrong(ahead_ms, self._clock.now_ms())

    def _refusal(self, connection: sa.Connection, filer: Row, key: str, filing: Filing, tree: Tree) -> str:
        """Why a filing is refused at once; empty: it is not."""
        cover = self.register.cover(connection, key)
        if cover is None or cover.organisation_id != filer.holder_id:
            return _NOT_YOURS
        if cover.registrar_id is None or cover.registrar_id not in tree.subtree(filer.organisation_id):
            return _NOT_YOURS
        if cover.state not in ("active", "suspended") and filing.state == "active":
            return _INACTIVE
        return ""

    def _keep(
        self,
        transaction: CaseSession,
        filer: Row,
        filing: Filing,
        origin: Filing,
        document: str,
        key: str,
        refusal: str,
    ) -> Row:
        connection, now_ms = transaction.connection, transaction.now_ms
        actor = Actor(filer.person_id, filer.name)
        words = f"{filing.prefix} {origin.holder} {origin.credit_code} {filer.name} {filing.node}".lower()
        case = transaction.open(
            KIND, id_prefix="rcv", subject=key, actor=actor, priority=3, search=words,
            organisation_id=filer.organisation_id,
        )  # fmt: skip
        transaction.flush()
        first = self._receipt(filing.filing_id, document, "received", now_ms, filing)
        row = {
            "id": case.id, "organisation_id": filer.organisation_id, "filer_id": filer.id, "filer_name": filer.name,
            "filing_id": filing.filing_id, "digest": digest_of(document), "system": filing.system,
            "prefix": filing.prefix, "key": key, "holder": origin.holder, "event": filing.event,
            "prefix_state": filing.state, "sequence": filing.sequence, "at_ms": filing.at_ms, "state": "received",
            "current": False, "number": "", "serial": None, "reason": "", "document": document, "receipts": [first],
            "received_ms": now_ms, "decided_ms": None, "search": words,
        }  # fmt: skip
        self.register.insert(connection, row)
        note(
            "filing", case.id, filing.prefix, organisation=filer.organisation_id,
            after={"prefix": filing.prefix, "state": filing.state, "event": filing.event, "filer": filer.name},
        )  # fmt: skip
        if refusal:
            self.decide(transaction, self.register.get(connection, case.id), "refuse", SYSTEM, refusal)
        elif filer.policy == "automatic":
            self.decide(transaction, self.register.get(connection, case.id), "accept", SYSTEM, "")
        return self.register.get(connection, case.id)

    def decide(self, transaction: CaseSession, row: Row, step: str, actor: Actor, comment: str) -> None:
        """``review``, ``accept`` or ``refuse`` a filing, in the caller's transaction. Raises what a step of a case
        raises."""
        connection, now_ms = transaction.connection, transaction.now_ms
        if step == "accept":
            self.register.lock(connection)
        case = transaction.fire(transaction.get(row.id), step, actor, comment=comment)
        values: dict[str, Any] = {"state": case.state}
        if step in ("accept", "refuse"):
            filing = read(row.document, Filing)
            number = self.register.number_of(connection, row.organisation_id, row.key)
            if step == "accept" and not number:
                values["serial"] = self.register.next_serial(connection)
                number = f"{self.node.node}-{to_iso(now_ms)[:4]}-{values['serial']:06d}"
            outcome: Outcome = "accepted" if step == "accept" else "refused"
            receipt = self._receipt(
                row.filing_id, row.document, outcome, row.received_ms, filing, comment,
                number if step == "accept" else "",
            )  # fmt: skip
            values |= {"reason": comment, "decided_ms": now_ms, "receipts": [*row.receipts, receipt]}
            values |= {"number": number, "search": f"{row.search} {number.lower()}"} if step == "accept" else {}
            self.register.update(connection, row.id, **values)
            if step == "accept":
                self.register.make_current(connection, row)
                self._outbox.pass_on(connection, {**row._mapping}, filing, receipt)
        else:
            self.register.update(connection, row.id, **values)
        shown = {name: values[name] for name in ("state", "number", "reason") if name in values}
        note("filing", row.id, row.prefix, before={"state": row.state}, after=shown, organisation=row.organisation_id)

    def _receipt(
        self, filing_id: str, document: str, state: Outcome, received_ms: int, filing: Filing | None = None,
        reason: str = "", number: str = "",
    ) -> str:  # fmt: skip
        return self.node.sign(
            Receipt(
                filing_id=filing_id, digest=digest_of(document), node=self.node.node, key=self.node.key, state=state,
                at_ms=self._clock.now_ms(), received_ms=received_ms, number=number, reason=reason,
                prefix="" if filing is None else filing.prefix, sequence=0 if filing is None else filing.sequence,
            )
        )  # fmt: skip

    def _answer(self, row: Row) -> FilingAnswer:
        onward = self.sent.onward(row.id)
        state: Outcome = "received" if row.state == "in_review" else row.state
        return FilingAnswer(
            filing_id=row.filing_id, state=state, receipts=list(row.receipts),
            relays=relays_of(onward, row.filing_id, self.node, self._clock.now_ms()),
            pending=any(each.next_ms is not None for each in onward),
        )  # fmt: skip

    # --- reports -------------------------------------------------------------------------------------------------

    def _report(self, session: Session, document: str) -> ReportAnswer:
        filer = self.register.of_person(session.person.id)
        report = read(document, Report)
        self._check(filer, report.key, report.to, report.signed_ms)
        if report.to_ms - report.from_ms != report.every_ms:
            raise errors.document_invalid("its period is not as long as it says")
        now_ms, digest = self._clock.now_ms(), digest_of(document)
        receipt = self._receipt(report.report_id, document, "accepted", now_ms)
        row = {
            "id": new_id("rpt"), "organisation_id": filer.organisation_id, "filer_id": filer.id,
            "report_id": report.report_id, "digest": digest, "from_ms": report.from_ms, "to_ms": report.to_ms,
            "document": document, "receipt": receipt, "received_ms": now_ms, "strange": self._strange(filer, report),
        }  # fmt: skip
        newest = max(filer.reported_ms or 0, report.to_ms)
        values = {"reported_ms": newest, "report_every_ms": report.every_ms, "seen_ms": now_ms, "node": report.node}
        if not self.register.add_report(row, values):
            known = self.register.find_report(filer.id, report.to_ms)
            if known is None or known.digest != digest:
                raise errors.id_taken(report.report_id)
            receipt = known.receipt
        return ReportAnswer(report_id=report.report_id, receipt=receipt)

    def _strange(self, filer: Row, report: Report) -> int:
        """How many prefixes of a report are not its reporter's."""
        count = 0
        with self.register.records.read() as connection:
            for each in report.prefixes:
                try:
                    cover = self.register.cover(connection, read_prefix(each.system, each.prefix).key)
                except MillwrightError:
                    cover = None
                count += cover is None or cover.organisation_id != filer.holder_id
        return count


def relays_of(onward: Sequence[Row], filing_id: str, node: NodeSigner, now_ms: int) -> list[str]:
    """What nodes further above answered to what was passed on, signed by this node to hand down."""
    found = []
    for row in onward:
        answer: Mapping[str, Any] = row.answer or {}
        if not answer.get("receipts"):
            continue
        said = {"filing_id": filing_id, "node": node.node, "key": node.key, "at_ms": row.answered_ms or now_ms}
        own = {"upper": row.upper_name, "upper_key": row.upper_key, "filing": row.document}
        found.append(node.sign(msgspec.convert(said | own | {"receipt": answer["receipts"][-1]}, Relay)))
        for text in answer.get("relays", ()):
            inner = read(text, Relay)
            further = {name: getattr(inner, name) for name in ("upper", "upper_key", "filing", "receipt")}
            found.append(node.sign(msgspec.convert(said | further, Relay)))
    return found[:64]


def _checked_origin(filing: Filing, node: NodeSigner) -> Filing:
    """The filing that was made first, of one that is passed on: each signed, and answered by who passes it on.

    Raises ``Invalid`` (``filing.document_invalid``), ``Denied``, ``Conflict`` (``filing.circle``).
    """
    for _ in range(_MOST_LEVELS):
        if not filing.origin:
            return filing
        below = read(filing.origin, Filing)
        receipt = read(filing.origin_receipt, Receipt)
        same = (below.system, below.prefix, below.state) == (filing.system, filing.prefix, filing.state)
        if not same or receipt.key != filing.key or receipt.digest != digest_of(filing.origin):
            raise errors.document_invalid("it passes on a filing that it has not accepted")
        if receipt.state != "accepted" or below.to != filing.key:
            raise errors.document_invalid("it passes on a filing that it has not accepted")
        if node.is_own(below.key):
            raise errors.in_a_circle()
        filing = below
    raise errors.document_invalid(f"it has come through more than {_MOST_LEVELS} nodes")


def _parsed(key: str) -> str:
    try:
        bare_digest(key)
    except Invalid as error:
        raise errors.not_for_this_node() from error
    return key
