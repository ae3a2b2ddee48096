"""What the organisation does that decides on a prefix. No HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from millwright.cases import Actor
from millwright.identity.digital_link.links import safe_href
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.desk import Opened
from millwright.identity.prefixes.model import (
    PrefixContact,
    PrefixDetail,
)
from millwright.identity.prefixes.office import Office, actor_of, formed
from millwright.identity.prefixes.systems import name_of as name_in_index
from millwright.identity.prefixes.view import certification_of, form_of, is_certified, name_of
from millwright.identity.records.model import Former
from millwright.identity.resolution.referring import same_server
from millwright.identity.rights import PREFIXES_ADMINISTER, PREFIXES_REVIEW
from millwright.kernel import current_scope
from millwright.parties import Authority, Session


class Registrar(Office):
    """Deciding and administering; works on what the organisations of the scope at hand decide on."""

    async def decide(
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        step: str,
        comment: str = "",
        revision: int | None = None,
        former: Former = "",
    ) -> PrefixDetail:
        """``review``, ``return``, ``approve`` or ``reject`` an application. ``former``: on approval, what becomes of
        names that another holder has left below it.

        Raises ``Conflict`` (``cases.wrong_state``; on approval ``prefixes.taken``, ``prefixes.parent_inactive``,
        ``prefixes.registrar_changed``, ``prefixes.names_left``), ``Invalid`` (``cases.field_required``), ``NotFound``,
        ``Outdated``.
        """
        scope, actor = current_scope().organisations, actor_of(session, PREFIXES_REVIEW)

        def work() -> None:
            with self.desk.opened(prefix_id, "registrar", scope, revision, lock=True) as opened:
                opened.fire(step, actor, comment=comment)
                held: dict[str, Any] = {}
                if step == "approve":
                    around = self.free(opened)
                    if around.parent is not None and around.parent.organisation_id != opened.row.registrar_id:
                        raise errors.registrar_changed()
                    self._need_disposal(opened, former)
                    held = {"held_key": opened.row.key, "former": former or None}
                elif step == "reject":
                    held = {"held_key": None}
                opened.save(**held)

        try:
            await asyncio.to_thread(work)
        except IntegrityError as error:  # two who decide at once, where no lock orders them
            raise errors.taken(prefix_id) from error
        return await self.seen(authority, prefix_id, "registrar")

    def _need_disposal(self, opened: Opened, former: Former) -> None:
        """Nobody gets silently what another has registered. Raises ``Conflict`` (``prefixes.names_left``)."""
        index, row = self.teller.index, opened.row
        left = (
            0
            if index is None or former
            else index.names_left(name_in_index(row.system, row.prefix), row.organisation_id)
        )
        if left:
            raise errors.names_left(row.prefix, left)

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
        """``activate``, ``suspend``, ``resume``, ``renew`` or ``revoke`` a prefix; in force until ``until_ms``.

        Raises ``Conflict`` (``prefixes.certification_missing``, ``prefixes.has_derived``, ``cases.wrong_state``),
        ``Invalid`` (``prefixes.until_invalid``, ``cases.field_required``), ``NotFound``, ``Outdated``.
        """
        scope, actor = current_scope().organisations, actor_of(session, PREFIXES_ADMINISTER)
        timed = step in ("activate", "renew")
        self.need_ahead(until_ms)

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision, lock=step == "revoke") as opened:
                row = opened.row
                opened.fire(step, actor, comment=comment, data={"until_ms": until_ms} if timed else {})
                changes: dict[str, Any] = {}
                if step == "revoke":
                    self.need_nothing_below(opened)
                    changes = {"held_key": None}
                if timed:
                    if self.settings.require_certification and not is_certified(certification_of(row), opened.now_ms):
                        raise errors.certification_missing()
                    granted_ms = opened.now_ms if row.granted_ms is None else row.granted_ms
                    changes = {"until_ms": until_ms, "granted_ms": granted_ms, "renewal": None}
                    if row.granted_ms is None and row.former:
                        changes["since_ms"] = opened.now_ms
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
        scope, actor, tree = current_scope().organisations, actor_of(session, PREFIXES_ADMINISTER), authority.tree
        code = await self.registered_code(to_id) if to_id in tree.nodes else None

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision, lock=True) as opened:
                row = opened.row
                if to_id == row.organisation_id or to_id not in tree.subtree(row.registrar_id):
                    raise errors.organisation_unknown(to_id)
                opened.fire("transfer", actor, comment=comment, data={"from_id": row.organisation_id, "to_id": to_id})
                opened.case = opened.session.hand_over(opened.case, to_id)
                form = msgspec.structs.replace(form_of(row), credit_code=code or "", contact=PrefixContact())
                columns = formed(form, name_of(authority, to_id))
                self._pass_on(opened, to_id)
                opened.save(organisation_id=to_id, certification=None, renewal=None, former=None, **columns)
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
        self,
        authority: Authority,
        session: Session,
        prefix_id: str,
        site: bytes | None,
        resolver: str | None = None,
        revision: int | None = None,
        origins: Sequence[str] = (),
    ) -> PrefixDetail:
        """Say which service answers for a prefix: a HS_SITE value, or ``None`` for this node; and where it answers over
        HTTP, as GS1 Digital Links and pages are asked for. ``origins``: addresses of this node.

        Raises ``Invalid`` (``prefixes.form_invalid``), ``NotFound``, ``Outdated``.
        """
        address = _resolver(resolver, site, [self.public_url, *origins])
        scope = current_scope().organisations
        actor = Actor(session.person.id, session.person.name)

        def work() -> str:
            with self.desk.opened(prefix_id, "registrar", scope, revision) as opened:
                text = "The service that answers was named." if site else "This node answers itself."
                opened.say(actor, text)
                opened.save(site=site, resolver=address)
                return str(opened.row.key)

        await self.teller.tell(await asyncio.to_thread(work))
        return await self.seen(authority, prefix_id, "registrar")


def _resolver(text: str | None, site: bytes | None, origins: Sequence[str]) -> str | None:
    """The address of another node's resolver. Raises ``Invalid`` (``prefixes.form_invalid``)."""
    given = (text or "").strip().rstrip("/")
    if not given:
        return None
    if site is None:
        why = "A resolver is that of the service it is delegated to: name its site, too"
        raise errors.form_invalid("/resolver", why, "请同时填写受托服务的 HS_SITE")
    href = safe_href(given)
    if href is None or "?" in href or "#" in href or len(href) > 400:
        why = "It is no address of a resolver: http or https, a host, and perhaps a path"
        raise errors.form_invalid("/resolver", why, "应为解析服务的 http 或 https 地址，不含查询和片段")
    if any(each and same_server(each, href) for each in origins):
        why = "It is this node itself: whoever asks would be sent round in a circle"
        raise errors.form_invalid("/resolver", why, "这是本节点的地址，会造成循环跳转")
    return href
