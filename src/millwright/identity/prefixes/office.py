"""What both sides of a prefix share: looking, commenting, and the rules of who may hold what. No HTTP."""

from __future__ import annotations

import asyncio
import builtins
from typing import Any

import msgspec

from millwright.cases import Actor
from millwright.engines.sql import Records
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.desk import Desk, Opened, PrefixChanges, search_text
from millwright.identity.prefixes.dossier import Dossier, filing_document
from millwright.identity.prefixes.index import IndexTeller, PrefixIndex
from millwright.identity.prefixes.model import (
    FilingDocument,
    PrefixAnswer,
    PrefixDetail,
    PrefixForm,
    PrefixPage,
    PrefixWarning,
)
from millwright.identity.prefixes.settings import PrefixesSettings
from millwright.identity.prefixes.store import Overlap, Reader, Row, Side, Wanted
from millwright.identity.prefixes.systems import PrefixSystem, read_prefix
from millwright.identity.prefixes.view import detail_of, info_of
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_READ, PREFIXES_REVIEW
from millwright.kernel import ROOT, Clock, current_scope
from millwright.parties import Authority, Parties, Permission, Session

_MOST_PAGE = 200


class Office:
    """Under :class:`.Prefixes`, the room's service.

    ``records`` see everything, for whoever decides on a prefix is mostly another organisation than its holder. A method
    that changes something works on what the scope at hand contains: as ``holder``, prefixes of its organisations; as
    ``registrar``, those that its organisations decide on. ``told`` knows of each change in its transaction.
    """

    def __init__(
        self,
        records: Records,
        parties: Parties,
        clock: Clock,
        settings: PrefixesSettings,
        index: PrefixIndex | None = None,
        public_url: str = "",
        told: PrefixChanges | None = None,
    ) -> None:
        self.public_url = public_url
        self.settings = settings
        self.desk = Desk(records, clock, told)
        self.teller = IndexTeller(self.desk.store, index)
        self.dossier = Dossier(self.desk, clock, settings)
        self._store, self._parties, self._clock = self.desk.store, parties, clock

    # --- looking -------------------------------------------------------------------------------------------------

    async def list(
        self,
        authority: Authority,
        wanted: Wanted,
        *,
        within: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> PrefixPage:
        """One's own prefixes, and those one decides on, newest first. ``within``: an organisation to narrow it to."""
        limit = min(limit, _MOST_PAGE)
        reader, now_ms = reader_of(authority, within), self._clock.now_ms()
        rows = await asyncio.to_thread(self._store.page, reader, wanted, before=cursor, limit=limit + 1)
        items = [info_of(row, authority, now_ms) for row in rows[:limit]]
        return PrefixPage(items, rows[limit - 1].id if len(rows) > limit else None)

    async def waiting(self, authority: Authority, within: str | None = None) -> int:
        """How many applications wait for a decision of the reader's."""
        return await asyncio.to_thread(self._store.count_waiting, reader_of(authority, within))

    async def get(self, authority: Authority, prefix_id: str, within: str | None = None) -> PrefixDetail:
        """One prefix with all that belongs to it. Raises ``NotFound`` (``prefixes.unknown``)."""
        reader = reader_of(authority, within)
        row = await asyncio.to_thread(self._store.find, prefix_id, reader)
        if row is None:
            raise errors.unknown(prefix_id)
        return await asyncio.to_thread(self._detail, row, authority, reader)

    async def filing_document(self, authority: Authority, prefix_id: str, within: str | None = None) -> FilingDocument:
        """What is filed with a node above. Raises ``NotFound`` (``prefixes.unknown``)."""
        return filing_document(await self.get(authority, prefix_id, within), self._clock.now_ms())

    def _detail(self, row: Row, authority: Authority, reader: Reader) -> PrefixDetail:
        decides = row.registrar_id in set(reader.reviewed_by)
        parent = self._store.around(row.key).parent
        return detail_of(
            row,
            authority,
            self._clock.now_ms(),
            documents=self._store.documents(row.id),
            filings=self._store.filings(row.id),
            history=self.desk.cases.history(row.id),
            parent=None if parent is None else parent.prefix,
            warnings=self._warnings(row, parent) if decides else [],
        )

    def _warnings(self, row: Row, parent: Row | None) -> builtins.list[PrefixWarning]:
        """What is unusual, for who decides."""
        found = []
        read = read_prefix(row.system, row.prefix)
        if read.certainty == "recalled":
            text = "A rule that this prefix was checked by is known from use only."
            found.append(PrefixWarning(text, "校验该前缀所依据的规则未经标准原文核对"))
        if parent is None:
            found.append(PrefixWarning("No prefix above it is held here.", "本节点没有它的上级前缀"))
        for other in self._store.others(row.key, row.id, row.organisation_id):
            if other.granted_ms is not None:
                text = "Another organisation held it before; what is registered below it passes to the new holder."
                found.append(PrefixWarning(text, "该前缀曾由其他组织持有，其下已注册的标识将归新持有者"))
            else:
                found.append(PrefixWarning("Another organisation asks for it too.", "另有组织也在申请该前缀"))
        return found

    async def check(self, system: PrefixSystem, text: str, organisation_id: str | None = None) -> PrefixAnswer:
        """What a prefix is, and whether it can be had. Raises ``Invalid`` (``prefixes.prefix_invalid``)."""
        read = read_prefix(system, text)
        around = await asyncio.to_thread(self._store.around, read.key)
        whose = organisation_id or current_scope().home or ROOT
        others = any(row.organisation_id != whose for row in around.below)
        return PrefixAnswer(
            system=system, prefix=read.prefix, key=read.key, parts=list(read.parts), certainty=read.certainty,
            notes=list(read.notes), available=around.same is None and not others,
            parent=None if around.parent is None else around.parent.prefix,
        )  # fmt: skip

    async def comment(
        self, authority: Authority, session: Session, prefix_id: str, text: str, side: Side
    ) -> PrefixDetail:
        """Say something about an application; both sides read it. Raises ``NotFound``."""
        scope = current_scope().organisations

        def work() -> None:
            with self.desk.opened(prefix_id, side, scope) as opened:
                opened.say(Actor(session.person.id, session.person.name), text)
                opened.save()

        await asyncio.to_thread(work)
        return await self.seen(authority, prefix_id, side)

    # --- rules ---------------------------------------------------------------------------------------------------

    def free(self, opened: Opened) -> Overlap:
        """What is held around the prefix, when nothing of it is in the way."""
        row = opened.row
        around = self._store.overlap(opened.connection, row.key)
        own = self._store.own(opened.connection, row.key, row.organisation_id, row.id)
        if own is not None:
            raise errors.already_applied(row.prefix, own)
        if around.same is not None or any(each.organisation_id != row.organisation_id for each in around.below):
            raise errors.taken(row.prefix)
        if around.parent is not None and around.parent.state != "active":
            raise errors.parent_inactive(around.parent.prefix, around.parent.state)
        return around

    def need_nothing_below(self, opened: Opened) -> None:
        """What others hold below a prefix goes first."""
        row = opened.row
        if row.held_key is not None:
            below = self._store.overlap(opened.connection, row.key).below
            others = [each for each in below if each.organisation_id != row.organisation_id]
            if others:
                raise errors.has_derived(row.prefix, len(others))

    async def registered_code(self, organisation_id: str) -> str | None:
        """The unified social credit code that an organisation is registered with."""
        rows = await asyncio.to_thread(self._parties.organisations.store.list, [organisation_id])
        return rows[0].code if rows else None

    def need_ahead(self, until_ms: int | None) -> None:
        """Raises ``Invalid`` (``prefixes.until_invalid``) for a time that is over."""
        if until_ms is not None and until_ms <= self._clock.now_ms():
            raise errors.until_invalid()

    async def seen(self, authority: Authority, prefix_id: str, side: Side) -> PrefixDetail:
        """The prefix as whoever just changed it may see it. Raises ``NotFound`` (``prefixes.unknown``)."""
        scope = current_scope().organisations
        reader = Reader(scope, ()) if side == "holder" else Reader((), scope)
        row = await asyncio.to_thread(self._store.find, prefix_id, reader)
        if row is None:
            raise errors.unknown(prefix_id)
        return await asyncio.to_thread(self._detail, row, authority, reader)


def reader_of(authority: Authority, within: str | None = None) -> Reader:
    """Whose prefixes somebody may see."""
    held_by = authority.scope(PREFIXES_READ.name, within).organisations
    reviewed_by = authority.scope(PREFIXES_REVIEW.name, within).organisations
    administered = authority.scope(PREFIXES_ADMINISTER.name, within).organisations
    return Reader(held_by, reviewed_by | administered)


def formed(form: PrefixForm, organisation: str) -> dict[str, Any]:
    """The columns that follow from a form."""
    read = read_prefix(form.system, form.prefix)
    return {
        "system": form.system,
        "prefix": read.prefix,
        "key": read.key,
        "form": msgspec.to_builtins(form),
        "search": search_text(form, organisation),
    }


def actor_of(session: Session, permission: Permission) -> Actor:
    """Who acts, with the right that the route took."""
    return Actor(session.person.id, session.person.name, frozenset({permission.name}))
