"""How resolution stands, as a reader may know it: the node as a whole, and what is of the reader's own prefixes.

Names may be private, so a name, and what is found out about one, is told only to who holds the permission on the
organisation that owns its prefix. Who holds it on the root of the tree is told of every network that asks abnormally,
and of the names that are nobody's, but of no name of an enterprise below.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from millwright.identity.handle.records import RecordsView
from millwright.identity.operation import errors
from millwright.identity.operation.board import Board
from millwright.identity.operation.buckets import HOUR_MS, MINUTE_MS, Bucket, failed, hit_ratio, merged
from millwright.identity.operation.mirrors import Mirrors
from millwright.identity.operation.model import (
    ANSWERED,
    FETCHED,
    FOUND,
    INTERFACES,
    NETWORK_KINDS,
    CauseView,
    Finding,
    FindingState,
    HotName,
    HotNames,
    InterfaceView,
    NodeFigures,
    OperationSummary,
    SeriesView,
    UnfiledPrefix,
)
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.store import OperationStore, Row
from millwright.identity.records import Records
from millwright.kernel import ROOT, Clock, Scope, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Session

_DAY_MS = 24 * HOUR_MS
_SPANS: dict[str, tuple[int, int]] = {
    "hour": (60 * MINUTE_MS, MINUTE_MS),
    "day": (_DAY_MS, 10 * MINUTE_MS),
    "month": (30 * _DAY_MS, HOUR_MS),
}
"""How far each reaches back, and in which steps."""


class Operation:
    """What the routes ask."""

    def __init__(
        self,
        store: OperationStore,
        board: Board,
        mirrors: Mirrors,
        register: Records,
        clock: Clock,
        settings: MonitoringSettings,
    ) -> None:
        self._store, self._board, self._mirrors = store, board, mirrors
        self._register, self._clock, self._settings = register, clock, settings

    # --- figures -------------------------------------------------------------------------------------------------

    async def summary(self, authority: Authority) -> OperationSummary:
        """What waits for somebody. Raises ``Unavailable``."""
        scope = current_scope()
        before_ms = self._clock.now_ms() - self._settings.unfiled_days * _DAY_MS
        rows = await asyncio.to_thread(self._store.unfiled, before_ms)
        mine = [row for row in rows if row.organisation_id in scope or row.registrar_id in scope]
        return OperationSummary(
            open_findings=len(await self.findings("open")),
            unfiled=[_unfiled(row, authority) for row in mine],
            unfiled_days=self._settings.unfiled_days,
        )

    async def node(self) -> NodeFigures:
        """The node as a whole, for who watches that."""
        return await asyncio.to_thread(self._node)

    def _node(self) -> NodeFigures:
        hour = self._board.last_hour()
        outcomes, elsewhere = hour.outcomes(), hour.outcomes("recursion")
        return NodeFigures(
            position=self._register.position,
            is_mirror=self._register.mirror,
            rate_per_s=self._board.rate_per_s(),
            asked=outcomes.total(),
            hit_ratio=hit_ratio(outcomes),
            cache_hit_ratio=_share(elsewhere.total() - hour.outcomes(FETCHED).total(), elsewhere.total()),
            failed=failed(outcomes),
            p50_us=hour.quantile(0.5),
            p99_us=hour.quantile(0.99),
            interfaces=[_interface(hour, each) for each in INTERFACES if each in hour.counts],
            causes=[
                CauseView(outcome=outcome, failure=outcome not in ANSWERED, count=count)
                for outcome, count in outcomes.most_common()
                if outcome != FOUND
            ],
            mirrors=self._mirrors.listed(),
            processes=self._board.processes(),
        )

    async def series(self, span: Literal["hour", "day", "month"]) -> SeriesView:
        """Questions over time, of the node as a whole. Raises ``Unavailable``."""
        reach_ms, step_ms = _SPANS[span]
        now_ms = self._clock.now_ms()
        from_ms = (now_ms - reach_ms) // step_ms * step_ms + step_ms
        if span == "hour":
            kept = self._board.minutes()
        else:
            kept = await self._board.kept("minute" if span == "day" else "hour", from_ms)
        return await asyncio.to_thread(_series, span, kept, from_ms, step_ms, now_ms)

    async def hot(self, span: Literal["hour", "day"], limit: int) -> HotNames:
        """The most frequent identifiers that the reader may know of. Raises ``Unavailable``."""
        if span == "hour":
            lists = [self._board.last_hour()]
        else:
            lists = list((await self._board.kept("hour", self._clock.now_ms() - _DAY_MS)).values())
        names = merged(each for bucket in lists for each in bucket.names.values())
        items = await asyncio.to_thread(self._shown, names, current_scope(), limit)
        return HotNames(span=span, items=items)

    def _shown(self, names: Mapping[str, tuple[int, int]], scope: Scope, limit: int) -> list[HotName]:
        found: list[HotName] = []
        with self._register.view() as view:
            for name, (count, error) in names.items():
                owner, prefix = _owner(view, name)
                if owner not in scope:
                    continue
                found.append(
                    HotName(
                        name=_spelled(view, name),
                        count=count,
                        error=error,
                        registered=view.find(name.encode()) is not None,
                        prefix=prefix,
                        organisation_id=owner,
                    )
                )
                if len(found) >= limit:
                    break
        return found

    # --- findings ------------------------------------------------------------------------------------------------

    async def findings(self, state: FindingState | None = None) -> list[Finding]:
        """Those that the reader may know of, those that occurred last first. Raises ``Unavailable``."""
        scope = current_scope()

        def work() -> list[Finding]:
            rows = self._store.findings(state)
            with self._register.view() as view:
                return [each for row in rows if (each := _finding(row, view, scope)) is not None]

        return await asyncio.to_thread(work)

    async def acknowledge(self, session: Session, finding_id: str, comment: str) -> Finding:
        """Say what was found out or done. Raises ``NotFound``, ``Conflict`` (``operation.finding_acknowledged``)."""
        scope = current_scope()

        def work() -> Finding:
            row = self._store.find_finding(finding_id)
            with self._register.view() as view:
                if row is None or _finding(row, view, scope) is None:
                    raise errors.unknown_finding(finding_id)
                if not self._store.acknowledge(finding_id, self._clock.now_ms(), session.person.name, comment.strip()):
                    raise errors.acknowledged_already()
                row = self._store.find_finding(finding_id)
                found = None if row is None else _finding(row, view, scope)
            if found is None:
                raise errors.unknown_finding(finding_id)
            return found

        found = await asyncio.to_thread(work)
        note("finding", finding_id, found.kind, after={"state": found.state, "comment": found.comment})
        return found


def _share(part: int, total: int) -> float | None:
    return round(max(part, 0) / total, 4) if total else None


def _owner(view: RecordsView, name: str) -> tuple[str, str]:
    """The organisation of a name, the topmost where nobody owns it, and its prefix."""
    owner = view.authority(name.encode())
    return (ROOT, "") if owner is None else (owner.organisation_id, owner.prefix)


def _spelled(view: RecordsView, name: str) -> str:
    """A name as it was registered: it was counted as it is compared."""
    record = view.find(name.encode())
    return name if record is None else record.handle.decode(errors="replace")


def _finding(row: Row, view: RecordsView, scope: Scope) -> Finding | None:
    """A finding as somebody may see it; ``None`` when none of its names is theirs."""
    owners = {name: _owner(view, name) for name in row.names}
    shown = [name for name, (owner, _) in owners.items() if owner in scope]
    of_network = row.kind in NETWORK_KINDS
    if not shown and not (of_network and ROOT in scope):
        return None
    evidence: dict[str, Any] = dict(row.evidence)
    for key in ("from", "to"):
        if key in evidence:
            evidence[key] = _spelled(view, evidence[key])
    hidden = len(owners) - len(shown)
    if hidden:
        # The ends of a run are names, too.
        for key in ("from", "to"):
            if row.evidence.get(key) not in shown:
                evidence.pop(key, None)
    return Finding(
        id=row.id,
        kind=row.kind,
        state=row.state,
        subject=row.subject if of_network else _spelled(view, row.subject),
        first_ms=row.first_ms,
        last_ms=row.last_ms,
        times=row.times,
        evidence=evidence,
        names=[_spelled(view, name) for name in shown],
        hidden=hidden,
        prefixes=sorted({prefix for owner, prefix in owners.values() if prefix and owner in scope}),
        acknowledged_ms=row.acknowledged_ms,
        acknowledged_by=row.acknowledged_by,
        comment=row.comment,
    )


def _unfiled(row: Row, authority: Authority) -> UnfiledPrefix:
    node = authority.tree.nodes.get(row.organisation_id)
    return UnfiledPrefix(
        id=row.id,
        prefix=row.prefix,
        organisation_id=row.organisation_id,
        organisation_name=node.name if node is not None else "",
        granted_ms=row.granted_ms,
        last_filing=row.last_filing or "",
    )


def _interface(hour: Bucket, interface: Any) -> InterfaceView:
    outcomes = hour.outcomes(interface)
    return InterfaceView(
        interface=interface,
        asked=outcomes.total(),
        found=outcomes[FOUND],
        failed=failed(outcomes),
        p50_us=hour.quantile(0.5, interface),
        p99_us=hour.quantile(0.99, interface),
    )


def _series(
    span: Literal["hour", "day", "month"], kept: Mapping[int, Bucket], from_ms: int, step_ms: int, now_ms: int
) -> SeriesView:
    times = list(range(from_ms, now_ms + 1, step_ms))
    steps = [Bucket() for _ in times]
    for start, each in kept.items():
        at = (start - from_ms) // step_ms
        if 0 <= at < len(steps):
            steps[at].merge(each)
    # The running step is not over yet.
    widths = [min(step_ms, max(now_ms - start, 1000)) / 1000 for start in times]
    outcomes = [each.outcomes() for each in steps]
    causes = sorted({name for each in outcomes for name in each if name not in ANSWERED})
    return SeriesView(
        span=span,
        step_ms=step_ms,
        time_ms=times,
        rate_per_s={
            name: [round(each.outcomes(name).total() / width, 3) for each, width in zip(steps, widths, strict=True)]
            for name in _present(steps)
        },
        hit_ratio=[hit_ratio(each) for each in outcomes],
        failed={cause: [each[cause] for each in outcomes] for cause in causes},
        p50_us=[each.quantile(0.5) for each in steps],
        p99_us=[each.quantile(0.99) for each in steps],
    )


def _present(steps: Iterable[Bucket]) -> list[str]:
    found = {name for each in steps for name in each.counts}
    return [name for name in INTERFACES if name in found]
