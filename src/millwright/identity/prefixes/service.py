"""Use cases of prefixes: what their holder does, on top of what all do and what the registrar does. No HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import msgspec

from millwright.cases import Actor
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.desk import search_text
from millwright.identity.prefixes.model import (
    EDITABLE,
    HELD,
    KIND,
    NewPrefix,
    PrefixDetail,
    PrefixForm,
)
from millwright.identity.prefixes.office import actor_of, formed
from millwright.identity.prefixes.registrar import Registrar
from millwright.identity.prefixes.store import Overlap, Reader, Row
from millwright.identity.prefixes.systems import read_prefix
from millwright.identity.prefixes.view import form_of, name_of
from millwright.identity.rights import PREFIXES_APPLY
from millwright.kernel import ROOT, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Session, Tree, clean_code


class Prefixes(Registrar):
    """The room's service: applying, and what follows for the holder; works on prefixes of the scope's organisations."""

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
        actor = actor_of(session, PREFIXES_APPLY)
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
                **formed(form, organisation),
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
            opened.save(**formed(form, organisation))

    async def submit(
        self, authority: Authority, session: Session, prefix_id: str, comment: str, revision: int | None = None
    ) -> PrefixDetail:
        """Send it to who decides: the holder of the prefix above it, or the organisation above the applicant.

        Raises ``Invalid`` (``prefixes.form_incomplete``), ``Conflict`` (``prefixes.taken``,
        ``prefixes.already_applied``, ``prefixes.parent_inactive``, ``cases.wrong_state``), ``NotFound``, ``Outdated``.
        """
        scope, actor, tree = current_scope().organisations, actor_of(session, PREFIXES_APPLY), authority.tree

        def work() -> None:
            with self.desk.opened(prefix_id, "holder", scope, revision, lock=True) as opened:
                opened.fire("submit", actor, comment=comment)
                _need_complete(form_of(opened.row))
                around = self.free(opened)
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
        scope, actor = current_scope().organisations, actor_of(session, PREFIXES_APPLY)

        def work() -> str:
            with self.desk.opened(prefix_id, "holder", scope, revision, lock=True) as opened:
                opened.fire("withdraw", actor, comment=comment)
                self.need_nothing_below(opened)
                opened.save(held_key=None)
                return str(opened.row.key)

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
        scope, actor = current_scope().organisations, actor_of(session, PREFIXES_APPLY)
        self.need_ahead(until_ms)

        def work() -> None:
            with self.desk.opened(prefix_id, "holder", scope, revision) as opened:
                opened.fire("request_renewal", actor, comment=comment, data={"until_ms": until_ms})
                opened.save(renewal={"until_ms": until_ms, "comment": comment, "asked_ms": opened.now_ms})

        await asyncio.to_thread(work)
        return await self._own(authority, prefix_id)

    async def _checked(self, form: PrefixForm, organisation_id: str) -> PrefixForm:
        """The form in clean terms. Raises ``Invalid``."""
        read = read_prefix(form.system, form.prefix)
        registered = await self.registered_code(organisation_id)
        code = clean_code(form.credit_code) if form.credit_code.strip() else (registered or "")
        if registered and code != registered:
            raise errors.form_invalid(
                "/credit_code",
                "The organisation is registered with another unified social credit code.",
                "与本节点登记的统一社会信用代码不一致",
            )
        return msgspec.structs.replace(form, prefix=read.prefix, credit_code=code)

    async def _own(self, authority: Authority, prefix_id: str) -> PrefixDetail:
        return await self.seen(authority, prefix_id, "holder")


def _registrar(around: Overlap, row: Row, tree: Tree) -> str:
    if around.parent is not None:
        return str(around.parent.organisation_id)
    node = tree.nodes.get(row.organisation_id)
    return ROOT if node is None or node.parent_id is None else node.parent_id


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
