"""What is to be filed, written in the transaction of the change: whoever dies afterwards, it is sent.

A filing is prepared for each node above that wants the prefix. It keeps what was true then; it is signed when it is
sent for the first time, and sent as it was signed from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.identity.filing.model import FiledState, Filing, FilingEvent
from millwright.identity.filing.tables import sent, uppers
from millwright.identity.prefixes.systems import parents_of, read_prefix
from millwright.identity.prefixes.tables import documents, prefixes
from millwright.kernel import Clock, MillwrightError, new_id

_IN_FORCE = ("active", "suspended", "expired")


class Outbox:
    """Prepares filings (:class:`.PrefixChanges`). Every method works in the transaction of a change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def changed(self, connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """A prefix that is or was in force became another."""
        event = event_of(before, after)
        if event is not None:
            self._prepare(connection, after, event, _wanting(connection, after["system"], after["key"]))

    def left(self, connection: sa.Connection, organisation_id: str) -> None:
        """An organisation is about to be removed: its prefixes end."""
        query = sa.select(prefixes).where(
            prefixes.c.organisation_id == organisation_id,
            prefixes.c.held_key.is_not(None),
            prefixes.c.granted_ms.is_not(None),
        )
        for row in connection.execute(query).all():
            after = {**row._mapping, "state": "withdrawn"}
            self._prepare(connection, after, "withdraw", _wanting(connection, row.system, row.key))

    def register(self, connection: sa.Connection, upper_id: str) -> int:
        """Prepare everything in force for one node above; returns how many."""
        upper = connection.execute(sa.select(uppers).where(uppers.c.id == upper_id)).one()
        query = sa.select(prefixes).where(prefixes.c.state.in_(_IN_FORCE), prefixes.c.granted_ms.is_not(None))
        count = 0
        for row in connection.execute(query.order_by(prefixes.c.id)).all():
            if upper.enabled and wants(upper, row.system, row.key):
                self._prepare(connection, {**row._mapping}, "register", [upper])
                count += 1
        return count

    def pass_on(self, connection: sa.Connection, row: Mapping[str, Any], filing: Filing, receipt: str) -> int:
        """Prepare a filing that was accepted here for the nodes above; returns for how many."""
        facts = msgspec.to_builtins(filing) | {"origin": row["document"], "origin_receipt": receipt}
        facts = {name: value for name, value in facts.items() if name not in _SIGNED}
        found = _wanting(connection, row["system"], row["key"])
        common = {"prefix_id": "", "received_id": row["id"], "organisation_id": row["organisation_id"]}
        common |= {name: row[name] for name in ("system", "prefix", "key")}
        for upper in found:
            self._insert(connection, upper, filing.event, facts, common)
        return len(found)

    def _prepare(
        self, connection: sa.Connection, row: Mapping[str, Any], event: FilingEvent, found: Sequence[sa.Row[Any]]
    ) -> None:
        if not found:
            return
        common = {"prefix_id": row["id"], "received_id": None, "organisation_id": row["organisation_id"]}
        common |= {name: row[name] for name in ("system", "prefix", "key")}
        facts = self._facts(connection, row, event)
        for upper in found:
            self._insert(connection, upper, event, facts, common)

    def _insert(
        self,
        connection: sa.Connection,
        upper: sa.Row[Any],
        event: FilingEvent,
        facts: dict[str, Any],
        common: dict[str, Any],
    ) -> None:
        now_ms = self._clock.now_ms()
        last = sa.select(sa.func.max(sent.c.sequence)).where(sent.c.key == common["key"])
        # Grows with the clock, so that it goes on where it was when the records were lost; and by itself.
        sequence = max(now_ms, int(connection.scalar(last) or 0) + 1)
        connection.execute(
            sa.insert(sent).values(
                **common, id=new_id("fil"), upper_id=upper.id, upper_name=upper.name, event=event, sequence=sequence,
                state="waiting", facts=facts, document=None, upper_key=None, answer=None, number="", reason="",
                attempts=0, polls=0, next_ms=now_ms, prepared_ms=now_ms, sent_ms=None, answered_ms=None,
            )
        )  # fmt: skip

    def _facts(self, connection: sa.Connection, row: Mapping[str, Any], event: FilingEvent) -> dict[str, Any]:
        form, certified = row["form"], row["certification"] or {}
        columns = sa.select(documents.c.name, documents.c.size, documents.c.digest)
        kept = connection.execute(columns.where(documents.c.prefix_id == row["id"]).order_by(documents.c.id))
        return {
            "system": row["system"],
            "prefix": row["prefix"],
            "event": event,
            "state": state_of(row["state"]),
            "at_ms": self._clock.now_ms(),
            "granted_ms": row["granted_ms"],
            "until_ms": row["until_ms"],
            "credit_code": form.get("credit_code", ""),
            "contact": form.get("contact", {}),
            "industry": form.get("industry", ""),
            "use": form.get("use", ""),
            "certified_by": certified.get("certified_by", ""),
            "certification_number": certified.get("number", ""),
            "certified_until_ms": certified.get("until_ms"),
            "site_digest": hashlib.sha256(row["site"]).hexdigest() if row["site"] else "",
            "documents": [dict(each._mapping) for each in kept],
        }


_SIGNED = ("filing_id", "node", "key", "to", "sequence", "signed_ms", "v")
"""What is said when a filing is signed."""


def state_of(state: str) -> FiledState:
    """The state of a prefix as it is filed."""
    return state if state in _IN_FORCE else "withdrawn"  # type: ignore[return-value]  # one of the three


def event_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> FilingEvent | None:
    """What is to be filed of a change; ``None``: nothing."""
    if after["granted_ms"] is None:
        return None
    if before["granted_ms"] is None:
        return "activate"
    was, now = state_of(before["state"]), state_of(after["state"])
    if was != now:
        renewed = was == "expired" and now == "active"
        return "renew" if renewed else _BECAME[now]
    if before["organisation_id"] != after["organisation_id"]:
        return "transfer"
    if before["until_ms"] != after["until_ms"]:
        return "renew"
    return "delegate" if before["site"] != after["site"] else None


_BECAME: dict[FiledState, FilingEvent] = {
    "active": "resume",
    "suspended": "suspend",
    "expired": "expire",
    "withdrawn": "withdraw",
}


def _wanting(connection: sa.Connection, system: str, key: str) -> list[sa.Row[Any]]:
    found = connection.execute(sa.select(uppers).where(uppers.c.enabled).order_by(uppers.c.id)).all()
    return [each for each in found if wants(each, system, key)]


def wants(upper: sa.Row[Any], system: str, key: str) -> bool:
    """Whether a prefix is to be filed with a node above."""
    if upper.systems and system not in upper.systems:
        return False
    return not upper.prefixes or bool({key, *parents_of(key)} & set(_keys(system, upper.prefixes)))


def _keys(system: str, texts: Sequence[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(read_prefix(system, text).key)  # type: ignore[arg-type]  # of a row
        except MillwrightError:  # of another system
            continue
    return found
