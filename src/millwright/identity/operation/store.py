"""Queries of watching resolution; the records see everything."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.identity.operation.model import NETWORK_KINDS, Candidate
from millwright.identity.operation.tables import figures, findings, mirrors
from millwright.identity.prefixes.tables import filings, prefixes, registrars
from millwright.kernel import new_id

Span: TypeAlias = Literal["minute", "hour"]
Row: TypeAlias = sa.Row[Any]

_AGAIN_MS = 86_400_000
_MOST = 500


class OperationStore:
    """Reads and writes figures, findings and mirrors."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- figures -------------------------------------------------------------------------------------------------

    def figures(self, span: Span, from_ms: int) -> dict[int, bytes]:
        """What is kept since a time."""
        query = sa.select(figures.c.from_ms, figures.c.data).where(figures.c.span == span, figures.c.from_ms >= from_ms)
        with self._records.read() as connection:
            return {row.from_ms: row.data for row in connection.execute(query.order_by(figures.c.from_ms))}

    def put_figures(self, rows: Mapping[tuple[Span, int], bytes]) -> None:
        """Keep figures in the place of those that are there."""
        with self._records.begin() as connection:
            for (span, from_ms), data in rows.items():
                same = (figures.c.span == span, figures.c.from_ms == from_ms)
                if not connection.execute(sa.update(figures).where(*same).values(data=data)).rowcount:
                    connection.execute(sa.insert(figures).values(span=span, from_ms=from_ms, data=data))

    def prune(self, minutes_before_ms: int, hours_before_ms: int, findings_before_ms: int, blank_before_ms: int) -> int:
        """Remove what is old: figures, findings, networks in findings, mirrors; returns how many networks."""
        with self._records.begin() as connection:
            for span, before_ms in (("minute", minutes_before_ms), ("hour", hours_before_ms)):
                connection.execute(sa.delete(figures).where(figures.c.span == span, figures.c.from_ms < before_ms))
            connection.execute(sa.delete(findings).where(findings.c.last_ms < findings_before_ms))
            connection.execute(sa.delete(mirrors).where(mirrors.c.seen_ms < hours_before_ms))
            of_networks = findings.c.kind.in_(NETWORK_KINDS)
            blanked = connection.execute(
                sa.update(findings)
                .where(of_networks, findings.c.subject != "", findings.c.last_ms < blank_before_ms)
                .values(subject="")
            )
            return blanked.rowcount

    # --- findings ------------------------------------------------------------------------------------------------

    def note(self, candidate: Candidate) -> bool:
        """Keep what was seen: a new finding, or one more time of the one that there is; returns whether it is new.

        What occurs again within a day after it was acknowledged belongs to that; later it is a new finding.
        """
        found = candidate
        subject = found.subject[:400]
        seen = {"last_ms": found.at_ms, "evidence": found.evidence, "names": builtins.list(found.names)}
        recent = sa.or_(findings.c.state == "open", findings.c.last_ms >= found.at_ms - _AGAIN_MS)
        query = sa.select(findings).where(findings.c.kind == found.kind, findings.c.subject == subject, recent)
        with self._records.begin() as connection:
            row = connection.execute(query.order_by(findings.c.last_ms.desc()).limit(1)).one_or_none()
            if row is None:
                connection.execute(
                    sa.insert(findings).values(
                        id=new_id("fnd"), kind=found.kind, subject=subject, state="open", first_ms=found.at_ms,
                        period=found.period, times=1, acknowledged_by="", comment="", **seen,
                    )
                )  # fmt: skip
                return True
            if row.period != found.period:
                seen |= {"period": found.period, "times": row.times + 1}
            connection.execute(sa.update(findings).where(findings.c.id == row.id).values(**seen))
            return False

    def findings(self, state: str | None) -> builtins.list[Row]:
        """Findings, those that occurred last first."""
        query = sa.select(findings).order_by(findings.c.last_ms.desc(), findings.c.id).limit(_MOST)
        if state is not None:
            query = query.where(findings.c.state == state)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query))

    def find_finding(self, finding_id: str) -> Row | None:
        """One finding."""
        with self._records.read() as connection:
            return connection.execute(sa.select(findings).where(findings.c.id == finding_id)).one_or_none()

    def acknowledge(self, finding_id: str, at_ms: int, who: str, comment: str) -> bool:
        """Mark one as dealt with; false when it was already, or is none."""
        query = sa.update(findings).where(findings.c.id == finding_id, findings.c.state == "open")
        values = {"state": "acknowledged", "acknowledged_ms": at_ms, "acknowledged_by": who[:200], "comment": comment}
        with self._records.begin() as connection:
            return bool(connection.execute(query.values(**values)).rowcount)

    # --- mirrors and prefixes ------------------------------------------------------------------------------------

    def mirrors(self) -> builtins.list[Row]:
        """The mirrors that were ever heard and are not forgotten."""
        with self._records.read() as connection:
            return builtins.list(connection.execute(sa.select(mirrors).order_by(mirrors.c.node)))

    def put_mirror(self, node: str, told: dict[str, Any], seen_ms: int) -> None:
        """Remember what a mirror told."""
        with self._records.begin() as connection:
            values = {"told": told, "seen_ms": seen_ms}
            if not connection.execute(sa.update(mirrors).where(mirrors.c.node == node).values(**values)).rowcount:
                connection.execute(sa.insert(mirrors).values(node=node, **values))

    def unfiled(self, granted_before_ms: int) -> builtins.list[Row]:
        """Prefixes in force since before a time without an accepted filing, the oldest first, with ``registrar_id`` and
        the state of their last filing."""
        last = (
            sa.select(filings.c.state)
            .where(filings.c.prefix_id == prefixes.c.id)
            .order_by(filings.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = (
            sa.select(
                prefixes.c.id,
                prefixes.c.prefix,
                prefixes.c.organisation_id,
                prefixes.c.granted_ms,
                registrars.c.organisation_id.label("registrar_id"),
                last.label("last_filing"),
            )
            .outerjoin(registrars, registrars.c.id == prefixes.c.id)
            .where(prefixes.c.state == "active", prefixes.c.filed.is_(False), prefixes.c.granted_ms < granted_before_ms)
            .order_by(prefixes.c.granted_ms)
            .limit(_MOST)
        )
        with self._records.read() as connection:
            return builtins.list(connection.execute(query))
