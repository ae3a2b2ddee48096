"""Use cases of prefixes: applying, deciding, and what follows. No HTTP."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from millwright.cases import Actor
from millwright.engines.sql import Records
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.desk import Desk, Opened, search_text
from millwright.identity.prefixes.dossier import Dossier, filing_document
from millwright.identity.prefixes.index import IndexTeller, PrefixIndex
from millwright.identity.prefixes.model import (
    EDITABLE,
    HELD,
    KIND,
    FilingDocument,
    NewPrefix,
    PrefixAnswer,
    PrefixContact,
    PrefixDetail,
    PrefixForm,
    PrefixPage,
    PrefixWarning,
)
from millwright.identity.prefixes.settings import PrefixesSettings
from millwright.identity.prefixes.store import Overlap, Reader, Row, Side, Wanted
from millwright.identity.prefixes.systems import PrefixSystem, read_prefix
from millwright.identity.prefixes.view import certification_of, detail_of, form_of, info_of, is_certified, name_of
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_APPLY, PREFIXES_READ, PREFIXES_REVIEW
from millwright.kernel import ROOT, Clock, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Parties, Permission, Session, Tree, clean_code

_MOST_PAGE = 200


class Prefixes:
    """The room's service.

    ``records`` see everything, for whoever decides on a prefix is mostly another organisation than its holder. A method
    that changes something works on what the scope at hand contains: as ``holder``, prefixes of its organisations; as
    ``registrar``, those that its organisations decide on.
    """

    def __init__(
        self,
        records: Records,
        parties: Parties,
        clock: Clock,
        settings: PrefixesSettings,
        index: PrefixIndex | None = None,
    ) -> None:
        self.settings = settings
        self.desk = Desk(records, clock)
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

    # --- the applicant -------------------------------------------------------------------------------------------

    async def apply(self, authority: Authority, session: Session, new: NewPrefix) -> PrefixDetail:
        """Begin an application.

        Raises ``Invalid`` (``prefixes.prefix_invalid``, ``parties.credit_code``), ``NotFound``.
        """
        scope = current_scope()
        organisation_id = new.organisation_id or scope.home or ROOT
        if organisation_id not in scope:
            raise errors.organisation_unknown(organisation_id)
        plain = {name: getattr(new, name) for name in PrefixForm.__struct_fields__}
        form = await self._checked(PrefixForm(**plain), organisation_id)
        actor = _actor(session, PREFIXES_APPLY)
        prefix_id = await asyncio.to_thread(
            self._open, form, organisation_id, name_of(authority, organisation_id), actor
        )
        return await self._own(authority, prefix_id)

    def _open(self, form: PrefixForm, organisation_id: str, organisation: str, actor: Actor) -> str:
        read = read_prefix(form.system, form.prefix)
        with self.desk.cases.begin() as session:
            case = session.open(
                KIND,
                id_prefix="pfx",
                subject=read.key,
                actor=actor,
                priority=3,
                search=search_text(form, organisation),
                organisation_id=organisation_id,
            )
            session.flush()
            row: dict[str, Any] = {
                "id": case.id,
                "organisation_id": organisation_id,
                "created_ms": session.now_ms,
                "changed_ms": session.now_ms,
                "revision": case.revision,
                "state": case.state,
                "filed": False,
                **_formed(form, organisation),
            }
            self._store.insert(session.connection, row)
        note("prefix", case.id, form.prefix, after={"organisation_id": organisation_id, "state": case.state})
        return case.id

    async def change(
        self, authority: Authority, prefix_id: str, form: PrefixForm, revision: int | None = None
    ) -> PrefixDetail:
        """Fill in the form anew; of a held prefix only contact, industry, use and a missing credit code change.

        Raises ``NotFound``, ``Conflict`` (``prefixes.not_editable``), ``Invalid``, ``Outdated``.
        """
        scope = current_scope().organisations
        row = await asyncio.to_thread(self._store.find, prefix_id, Reader(scope, ()))
        if row is None:
            raise errors.unknown(prefix_id)
        clean = await self._checked(form, row.organisation_id)
        await asyncio.to_thread(
            self._change, prefix_id, clean, scope, revision, name_of(authority, row.organisation_id)
        )
        return await self._own(authority, prefix_id)

    def _change(
        self, prefix_id: str, form: PrefixForm, scope: Collection[str], revision: int | None, organisation: str
    ) -> None:
        with self.desk.opened(prefix_id, "holder", scope, revision) as opened:
            if opened.row.state not in EDITABLE:
                before = form_of(opened.row)
                fixed = {name: getattr(before, name) for name in ("system", "prefix", "until_ms")}
                code = before.credit_code or form.credit_code
                if opened.row.state not in HELD or form != msgspec.structs.replace(form, credit_code=code, **fixed):
                    raise errors.not_editable(opened.row.state)
            opened.touch()
            opened.save(**_formed(form, organisation))

    async def submit(
        self, authority: Authority, session: Session, prefix_id: str, comment: str, revision: int | None = None
    ) -> PrefixDetail:
        """Send it to who decides: the holder of the prefix above it, or the organisation above the applicant.

        Raises ``Invalid`` (``prefixes.form_incomplete``), ``Conflict`` (``prefixes.taken``,
        ``prefixes.already_applied``, ``prefixes.parent_inactive``, ``cases.wrong_state``), ``NotFound``, ``Outdated``.
        """
        scope, actor, tree = current_scope().organisations, _actor(session, PREFIXES_APPLY), authority.tree

        def work() -> None:
            with self.desk.opened(prefix_id, "holder", scope, revision, lock=True) as opened:
                opened.fire("submit", actor, comment=comment)
                _need_complete(form_of(opened.row))
                around = self._free(opened)
                self._store.set_registrar(opened.connection, prefix_id, _registrar(around, opened.row, tree))
                opened.save()

        await asyncio.to_thread(work)
        return await self._own(authority, prefix_id)

    async def withdraw(
        self, authority: Authority, session: Session, prefix_id: str, comment: str, revision: int | None = None
    ) -> PrefixDetail:
        """Take the application back, or give the prefix back for good.

        Raises ``Conflict`` (``prefixes.has_derived``, ``cases.wrong_state``), ``NotFound``, ``Outdated``.
        """
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_APPLY)

        def work() -> str:
            with self.desk.opened(prefix_id, "holder", scope, revision, lock=True) as opened:
                row = opened.row
                if row.held_key is not None:
                    below = self._store.overlap(opened.connection, row.key).below
                    others = [each for each in below if each.organisation_id != row.organisation_id]
                    if others:
                        raise errors.has_derived(row.prefix, len(others))
                opened.fire("withdraw", actor, comment=comment)
                opened.save(held_key=None)
                return str(row.key)

        await self.teller.tell(await asyncio.to_thread(work))
        return await self._own(authority, prefix_id)

    async def ask_renewal(
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        until_ms: int | None,
        comment: str,
        revision: int | None = None,
    ) -> PrefixDetail:
        """Ask for more time. Raises ``Invalid`` (``prefixes.until_invalid``), ``Conflict``, ``NotFound``."""
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_APPLY)
        self._need_ahead(until_ms)

        def work() -> None:
            with self.desk.opened(prefix_id, "holder", scope, revision) as opened:
                opened.fire("request_renewal", actor, comment=comment, data={"until_ms": until_ms})
                opened.save(renewal={"until_ms": until_ms, "comment": comment, "asked_ms": opened.now_ms})

        await asyncio.to_thread(work)
        return await self._own(authority, prefix_id)

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

    # --- who decides ---------------------------------------------------------------------------------------------

    async def decide(
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        step: str,
        comment: str = "",
        revision: int | None = None,
    ) -> PrefixDetail:
        """``review``, ``return``, ``approve`` or ``reject`` an application.

        Raises ``Conflict`` (``cases.wrong_state``; on approval ``prefixes.taken``, ``prefixes.parent_inactive``,
        ``prefixes.registrar_changed``), ``Invalid`` (``cases.field_required``), ``NotFound``, ``Outdated``.
        """
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_REVIEW)

        def work() -> None:
            with self.desk.opened(prefix_id, "registrar", scope, revision, lock=True) as opened:
                opened.fire(step, actor, comment=comment)
                held: dict[str, Any] = {}
                if step == "approve":
                    around = self._free(opened)
                    if around.parent is not None and around.parent.organisation_id != opened.row.registrar_id:
                        raise errors.registrar_changed()
                    held = {"held_key": opened.row.key}
                opened.save(**held)

        try:
            await asyncio.to_thread(work)
        except IntegrityError as error:  # two who decide at once, where no lock orders them
            raise errors.taken(prefix_id) from error
        return await self.seen(authority, prefix_id, "registrar")

    async def administer(
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        step: str,
        comment: str = "",
        *,
        until_ms: int | None = None,
        revision: int | None = None,
    ) -> PrefixDetail:
        """``activate``, ``suspend``, ``resume`` or ``renew`` a prefix; the first and last until ``until_ms``.

        Raises ``Conflict`` (``prefixes.certification_missing``, ``cases.wrong_state``), ``Invalid``
        (``prefixes.until_invalid``, ``cases.field_required``), ``NotFound``, ``Outdated``.
        """
        scope, actor = current_scope().organisations, _actor(session, PREFIXES_ADMINISTER)
        timed = step in ("activate", "renew")
        self._need_ahead(until_ms)

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision) as opened:
                row = opened.row
                opened.fire(step, actor, comment=comment, data={"until_ms": until_ms} if timed else {})
                changes: dict[str, Any] = {}
                if timed:
                    if self.settings.require_certification and not is_certified(certification_of(row), opened.now_ms):
                        raise errors.certification_missing()
                    granted_ms = opened.now_ms if row.granted_ms is None else row.granted_ms
                    changes = {"until_ms": until_ms, "granted_ms": granted_ms, "renewal": None}
                opened.save(**changes)
                return str(row.key)

        await self.teller.tell(await asyncio.to_thread(work))
        return await self.seen(authority, prefix_id, "registrar")

    async def transfer(
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        to_id: str,
        comment: str,
        revision: int | None = None,
    ) -> PrefixDetail:
        """Give a prefix to another organisation at or below the one that decides, with what is registered below it.

        The new holder has to be certified anew. Applications below the prefix go to the new holder.
        Raises ``NotFound`` (``prefixes.organisation_unknown``, ``prefixes.unknown``), ``Conflict``, ``Outdated``.
        """
        scope, actor, tree = current_scope().organisations, _actor(session, PREFIXES_ADMINISTER), authority.tree
        code = await self._registered_code(to_id) if to_id in tree.nodes else None

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision, lock=True) as opened:
                row = opened.row
                if to_id == row.organisation_id or to_id not in tree.subtree(row.registrar_id):
                    raise errors.organisation_unknown(to_id)
                opened.fire("transfer", actor, comment=comment, data={"from_id": row.organisation_id, "to_id": to_id})
                opened.case = opened.session.hand_over(opened.case, to_id)
                form = msgspec.structs.replace(form_of(row), credit_code=code or "", contact=PrefixContact())
                formed = _formed(form, name_of(authority, to_id))
                self._pass_on(opened, to_id)
                opened.save(organisation_id=to_id, certification=None, renewal=None, **formed)
                return str(row.key)

        await self.teller.tell(await asyncio.to_thread(work))
        return await self.seen(authority, prefix_id, "registrar")

    def _pass_on(self, opened: Opened, to_id: str) -> None:
        """What the former holder decided on below the prefix is the new holder's to decide."""
        connection, row = opened.connection, opened.row
        for each in self._store.derived_rows(connection, row.key, row.organisation_id):
            parent = self._store.overlap(connection, each.key).parent
            if parent is not None and parent.id == row.id:
                self._store.set_registrar(connection, each.id, to_id)

    async def delegate(
        self, authority: Authority, session: Session, prefix_id: str, site: bytes | None, revision: int | None = None
    ) -> PrefixDetail:
        """Say which service answers for a prefix: a HS_SITE value, or ``None`` for this node."""
        scope = current_scope().organisations
        actor = Actor(session.person.id, session.person.name)

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision) as opened:
                text = "The service that answers was named." if site else "This node answers itself."
                opened.say(actor, text)
                opened.save(site=site)
                return str(opened.row.key)

        await self.teller.tell(await asyncio.to_thread(work))
        return await self.seen(authority, prefix_id, "registrar")

    # --- rules ---------------------------------------------------------------------------------------------------

    def _free(self, opened: Opened) -> Overlap:
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

    async def _checked(self, form: PrefixForm, organisation_id: str) -> PrefixForm:
        """The form in clean terms. Raises ``Invalid``."""
        read = read_prefix(form.system, form.prefix)
        registered = await self._registered_code(organisation_id)
        code = clean_code(form.credit_code) if form.credit_code.strip() else (registered or "")
        if registered and code != registered:
            raise errors.form_invalid(
                "/credit_code",
                "The organisation is registered with another unified social credit code.",
                "与本节点登记的统一社会信用代码不一致",
            )
        return msgspec.structs.replace(form, prefix=read.prefix, credit_code=code)

    async def _registered_code(self, organisation_id: str) -> str | None:
        rows = await asyncio.to_thread(self._parties.organisations.store.list, [organisation_id])
        return rows[0].code if rows else None

    def _need_ahead(self, until_ms: int | None) -> None:
        if until_ms is not None and until_ms <= self._clock.now_ms():
            raise errors.until_invalid()

    async def _own(self, authority: Authority, prefix_id: str) -> PrefixDetail:
        return await self.seen(authority, prefix_id, "holder")

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


def _registrar(around: Overlap, row: Row, tree: Tree) -> str:
    if around.parent is not None:
        return str(around.parent.organisation_id)
    node = tree.nodes.get(row.organisation_id)
    return ROOT if node is None or node.parent_id is None else node.parent_id


def _formed(form: PrefixForm, organisation: str) -> dict[str, Any]:
    read = read_prefix(form.system, form.prefix)
    return {
        "system": form.system,
        "prefix": read.prefix,
        "key": read.key,
        "form": msgspec.to_builtins(form),
        "search": search_text(form, organisation),
    }


def _need_complete(form: PrefixForm) -> None:
    wanted = [
        ("/credit_code", "the unified social credit code", "统一社会信用代码", form.credit_code),
        ("/contact/name", "a contact's name", "联系人姓名", form.contact.name),
        ("/contact/telephone", "a telephone number or an address", "联系电话或邮箱",
         form.contact.telephone or form.contact.email),
        ("/industry", "the industry", "所属行业", form.industry),
        ("/use", "what it is for", "用途", form.use),
    ]  # fmt: skip
    missing = [(pointer, name, zh) for pointer, name, zh, value in wanted if not value.strip()]
    if missing:
        raise errors.form_incomplete(missing)


def _actor(session: Session, permission: Permission) -> Actor:
    return Actor(session.person.id, session.person.name, frozenset({permission.name}))
