"""Use cases of nodes below: admitting them, their tokens and keys, and the series of their reports."""

from __future__ import annotations

import asyncio
import builtins
from contextlib import suppress
from typing import Any, Final

import msgspec

from millwright.identity.filing import errors
from millwright.identity.filing.documents import NodeSigner, bare_digest, read
from millwright.identity.filing.model import Report
from millwright.identity.filing.register import Register, Row
from millwright.identity.filing.views import Filer, FilerChange, MadeFiler, NewFiler, ReportView
from millwright.identity.rights import FILINGS_READ, FILINGS_SUBMIT
from millwright.kernel import Clock, NotFound, current_scope, new_id
from millwright.ledger import note
from millwright.parties import Authority, Parties, Tree
from millwright.parties.grants.model import NewRole

_ROLE: Final = "Filing (备案报送)"
_MASK: Final = "engineer"
_GRACE: Final = 0.25
"""Of a period: so much later than its end a report may come before it is missing."""
_MOST_GAPS: Final = 50


class Filers:
    """Works on the nodes below of the organisations in the scope at hand."""

    def __init__(self, register: Register, parties: Parties, node: NodeSigner, clock: Clock) -> None:
        self._register, self._parties, self._node, self._clock = register, parties, node, clock

    async def list(self, authority: Authority, within: str | None = None) -> list[Filer]:
        """The nodes below that one may see, by name."""
        seen = authority.scope(FILINGS_READ.name, within).organisations
        rows = await asyncio.to_thread(self._register.filers, seen)
        return [self._view(row, authority.tree) for row in rows]

    async def add(self, authority: Authority, new: NewFiler) -> MadeFiler:
        """Admit a node below: it gets an account of its own that may do nothing else, with a token.

        Raises ``NotFound`` (``filing.organisation_unknown``), ``Conflict`` (``filing.key_taken``, ``filing.own_key``,
        ``parties.name_taken``), ``Denied`` (``parties.beyond_own``), ``Invalid`` (``ledger.key_invalid``).
        """
        organisation_id = current_scope().home or ""
        if new.holder_id not in authority.tree.subtree(organisation_id):
            raise errors.organisation_unknown(new.holder_id)
        key = self._key(new.public_key)
        role_id = await self._role(authority, organisation_id)
        account = await self._parties.people.add_confined_service(authority, new.name, role_id, organisation_id, _MASK)
        row: dict[str, Any] = {
            "id": new_id("flr"), "organisation_id": organisation_id, "holder_id": new.holder_id,
            "person_id": account.id, "name": account.name, "policy": new.policy, "suspended": False, "node": "",
            "report_every_ms": None, "reported_ms": None, "seen_ms": None, "created_ms": self._clock.now_ms(),
            "revision": 1, **key,
        }  # fmt: skip
        try:
            await asyncio.to_thread(self._register.insert_filer, row)
        except BaseException:
            await self._parties.people.remove(authority, account.id)
            raise
        note("filer", row["id"], row["name"], after={name: row[name] for name in _NOTED})
        made = await asyncio.to_thread(self._register.filer, row["id"], [organisation_id])
        return MadeFiler(filer=self._view(made, authority.tree), token=account.token)

    async def change(self, authority: Authority, filer_id: str, change: FilerChange) -> Filer:
        """Change a node below. Raises ``NotFound``, ``Conflict``, ``Invalid`` as :meth:`add`."""
        scope = current_scope().organisations
        row = await asyncio.to_thread(self._register.filer, filer_id, scope)
        values: dict[str, Any] = {"name": change.name, "policy": change.policy, "suspended": change.suspended}
        if change.public_key is not None:
            values |= self._key(change.public_key)
        await asyncio.to_thread(lambda: self._register.update_filer(filer_id, revision=row.revision + 1, **values))
        after = {name: getattr(row, name) for name in _NOTED} | values
        note("filer", filer_id, row.name, before={name: getattr(row, name) for name in _NOTED},
             after={name: after[name] for name in _NOTED}, organisation=row.organisation_id)  # fmt: skip
        return self._view(await asyncio.to_thread(self._register.filer, filer_id, scope), authority.tree)

    async def renew_token(self, authority: Authority, filer_id: str) -> MadeFiler:
        """A new token; the one before is worth nothing from now on. Raises ``NotFound``, ``Denied``."""
        row = await asyncio.to_thread(self._register.filer, filer_id, current_scope().organisations)
        token = await self._parties.people.renew_service_token(authority, row.person_id, _MASK)
        return MadeFiler(filer=self._view(row, authority.tree), token=token)

    async def remove(self, authority: Authority, filer_id: str) -> None:
        """Admit a node no more, and remove its account; what it filed stays in the register. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._register.filer, filer_id, current_scope().organisations)
        with suppress(NotFound):  # it was removed with the other accounts
            await self._parties.people.remove(authority, row.person_id)
        await asyncio.to_thread(self._register.delete_filer, filer_id)
        note("filer", filer_id, row.name, before={name: getattr(row, name) for name in _NOTED},
             organisation=row.organisation_id)  # fmt: skip

    async def reports(
        self, authority: Authority, filer_id: str, limit: int, within: str | None
    ) -> builtins.list[ReportView]:
        """The series of a node's reports, newest first, with a line where some are missing. Raises ``NotFound``."""
        seen = authority.scope(FILINGS_READ.name, within).organisations
        row = await asyncio.to_thread(self._register.filer, filer_id, seen)
        rows = await asyncio.to_thread(self._register.reports, filer_id, limit)
        return series(rows, row, self._clock.now_ms())

    def _key(self, text: str) -> dict[str, Any]:
        key = text.strip()
        if not key:
            return {"public_key": None, "key_digest": None}
        if self._node.is_own(key):
            raise errors.own_key()
        return {"public_key": key, "key_digest": bare_digest(key)}

    async def _role(self, authority: Authority, organisation_id: str) -> str:
        for each in await self._parties.grants.roles(authority):
            if each.organisation_id == organisation_id and each.permissions == [FILINGS_SUBMIT.name]:
                return each.id
        new = NewRole(organisation_id, _ROLE, [FILINGS_SUBMIT.name])
        return (await self._parties.grants.add_role(authority, new)).id

    def _view(self, row: Row, tree: Tree) -> Filer:
        holder = tree.nodes.get(row.holder_id)
        late_ms, missing = lateness(row, self._clock.now_ms())
        plain = {
            name: getattr(row, name)
            for name in Filer.__struct_fields__
            if name not in ("holder_name", "late_ms", "missing")
        }
        return Filer(**plain, holder_name="" if holder is None else holder.name, late_ms=late_ms, missing=missing)


_NOTED: Final = ("organisation_id", "holder_id", "person_id", "name", "public_key", "policy", "suspended")


def lateness(row: Row, now_ms: int) -> tuple[int | None, int]:
    """Since when a report of a node below is missing, and how many are; by the period of its last one."""
    if row.reported_ms is None or not row.report_every_ms or row.suspended:
        return None, 0
    due_ms = row.reported_ms + row.report_every_ms
    late_ms = due_ms + round(row.report_every_ms * _GRACE)
    if now_ms < late_ms:
        return None, 0
    return due_ms, (now_ms - row.reported_ms - round(row.report_every_ms * _GRACE)) // row.report_every_ms


def series(rows: Any, filer: Row, now_ms: int) -> list[ReportView]:
    """Reports, newest first, and between them the periods of which none came."""
    found: list[ReportView] = []
    late_ms, missing = lateness(filer, now_ms)
    if late_ms is not None and filer.reported_ms is not None:
        found.append(ReportView(from_ms=filer.reported_ms, to_ms=now_ms, missing=missing, late=True))
    for position, row in enumerate(rows):
        try:
            report = read(row.document, Report)
        except msgspec.MsgspecError:
            report = None
        every_ms = row.to_ms - row.from_ms
        late = row.received_ms - row.to_ms > every_ms * (1 + _GRACE)
        found.append(
            ReportView(
                from_ms=row.from_ms, to_ms=row.to_ms, missing=0, id=row.id, received_ms=row.received_ms, late=late,
                strange=row.strange, report=report,
            )
        )  # fmt: skip
        before = rows[position + 1] if position + 1 < len(rows) else None
        if before is not None and before.to_ms < row.from_ms:
            gap = min(max(1, (row.from_ms - before.to_ms) // every_ms), _MOST_GAPS * 1000)
            found.append(ReportView(from_ms=before.to_ms, to_ms=row.from_ms, missing=gap))
    return found
