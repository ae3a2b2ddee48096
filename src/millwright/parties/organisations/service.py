"""Use cases of organisations: the tree, members, consents."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import UNSET

from millwright.kernel import ROOT, Clock, Denied, Invalid, NotFound, new_id
from millwright.ledger import note
from millwright.parties.authority import ENTERPRISE, Authority
from millwright.parties.grants.model import Consent, NewConsent
from millwright.parties.names import clean_name, name_key
from millwright.parties.organisations.code import clean_code
from millwright.parties.organisations.model import Ancestor, Member, NewOrganisation, Organisation, OrganisationChange
from millwright.parties.permissions import find_permission
from millwright.parties.store.organisations import OrganisationStore, no_such_organisation

Changed = Callable[[], Awaitable[None]]
"""Called after the tree changed in a way that those who keep things in memory must know."""


class Organisations:
    """Keeps the tree. Every method acts for an :class:`Authority` and finds only what that one may see."""

    def __init__(self, store: OrganisationStore, clock: Clock, forget: Callable[[], None]) -> None:
        self.store = store
        self.changed: builtins.list[Changed] = []
        """Told when an organisation was suspended, resumed, moved or removed."""
        self._clock = clock
        self._forget = forget

    async def list(self, authority: Authority) -> builtins.list[Organisation]:
        """The organisations that may be seen, parents before those below them."""
        seen = authority.scope("organisations:read").organisations
        rows = {row.id: row for row in await asyncio.to_thread(self.store.list, seen)}
        order = [each for each in authority.tree.subtree(ROOT) if each in rows]
        return [_shown(rows[each], authority) for each in order]

    async def get(self, authority: Authority, organisation_id: str) -> Organisation:
        """One organisation. Raises ``NotFound`` (``parties.organisation_unknown``)."""
        _need(authority, "organisations:read", organisation_id)
        rows = await asyncio.to_thread(self.store.list, [organisation_id])
        if not rows:
            raise no_such_organisation(organisation_id)
        return _shown(rows[0], authority)

    async def create(self, authority: Authority, new: NewOrganisation) -> Organisation:
        """Make one below another. Raises ``NotFound``, ``Invalid`` (kind, code, name), ``Conflict``."""
        _need(authority, "organisations:manage", new.parent_id)
        organisation_id, name = new_id("org"), clean_name(new.name, 128)
        row = {
            "id": organisation_id,
            "parent_id": new.parent_id,
            "kind": new.kind,
            "name": name,
            "name_key": name_key(name),
            "short_name": new.short_name,
            "code": clean_code(new.code) if new.code else None,
            "suspended": False,
            "created_ms": self._clock.now_ms(),
            "revision": 1,
        }
        await asyncio.to_thread(self.store.insert, row)
        self._forget()
        rows = await asyncio.to_thread(self.store.list, [organisation_id])
        note("organisation", organisation_id, name, after=_kept(rows[0]), organisation=new.parent_id)
        return _shown(rows[0], authority, parent_id=new.parent_id)

    async def change(
        self, authority: Authority, organisation_id: str, change: OrganisationChange, *, expected: int | None = None
    ) -> Organisation:
        """Rename, move, suspend or resume.

        To suspend, resume or move takes a grant above the organisation. Raises ``NotFound``, ``Denied``
        (``parties.organisation_own``), ``Invalid``, ``Conflict``.
        """
        _need(authority, "organisations:manage", organisation_id)
        values: dict[str, Any] = {}
        if change.name is not UNSET:
            name = clean_name(change.name, 128)
            values |= {"name": name, "name_key": name_key(name)}
        if change.kind is not UNSET:
            values["kind"] = change.kind
        if change.short_name is not UNSET:
            values["short_name"] = change.short_name
        if change.code is not UNSET:
            values["code"] = clean_code(change.code) if change.code else None
        grave = False
        if change.suspended is not UNSET:
            values["suspended"], grave = change.suspended, True
        if change.parent_id is not UNSET and change.parent_id != authority.tree.nodes[organisation_id].parent_id:
            _need(authority, "organisations:manage", change.parent_id)
            values["parent_id"], grave = change.parent_id, True
        if grave or (change.kind is not UNSET and change.kind != authority.tree.nodes[organisation_id].kind):
            _need_above(authority, organisation_id, renames=not grave)
        before = _kept((await asyncio.to_thread(self.store.list, [organisation_id]))[0])
        await asyncio.to_thread(self.store.update, organisation_id, values, expected)
        self._forget()
        if grave:
            await self._tell()
        rows = await asyncio.to_thread(self.store.list, [organisation_id])
        deciding = (authority.tree.nodes[organisation_id].parent_id if grave else None) or organisation_id
        note("organisation", organisation_id, rows[0].name, before=before, after=_kept(rows[0]), organisation=deciding)
        return _shown(rows[0], authority)

    async def delete(self, authority: Authority, organisation_id: str) -> None:
        """Remove a suspended organisation with everything it owns. Raises ``NotFound``, ``Denied``, ``Conflict``."""
        _need(authority, "organisations:manage", organisation_id)
        _need_above(authority, organisation_id)
        rows = await asyncio.to_thread(self.store.list, [organisation_id])
        await asyncio.to_thread(self.store.delete, organisation_id)
        self._forget()
        node = authority.tree.nodes[organisation_id]
        before = _kept(rows[0]) if rows else None
        note("organisation", organisation_id, node.name, before=before, organisation=node.parent_id or ROOT)
        await self._tell()

    async def _tell(self) -> None:
        for changed in self.changed:
            await changed()

    # --- members -------------------------------------------------------------------------------------------------

    async def members(self, authority: Authority, organisation_id: str) -> builtins.list[Member]:
        """Who belongs to it. Raises ``NotFound``."""
        _need(authority, "people:read", organisation_id)
        return await asyncio.to_thread(self.store.members, organisation_id)

    async def leave(self, authority: Authority, organisation_id: str, person_id: str, to: str | None = None) -> None:
        """End a membership, with ``to`` by moving the person there: their grants, groups, sessions and tokens end.

        Raises ``NotFound``, ``Conflict`` (``parties.last_administrator``).
        """
        _need(authority, "people:manage", organisation_id)
        if to is not None:
            _need(authority, "people:manage", to)
        await asyncio.to_thread(self.store.leave, person_id, organisation_id, to, self._clock.now_ms())
        self._forget()
        was, now = {"member_of": organisation_id}, {"member_of": to}
        note("person", person_id, before=was, after=now, organisation=organisation_id)

    # --- consents ------------------------------------------------------------------------------------------------

    async def consents(self, authority: Authority, organisation_id: str) -> builtins.list[Consent]:
        """What an enterprise consented to. Raises ``NotFound``."""
        _need(authority, "consents:manage", organisation_id)
        rows = await asyncio.to_thread(self.store.consents, organisation_id)
        return [Consent(**{key: getattr(row, key) for key in Consent.__struct_fields__}) for row in rows]

    async def consent(self, authority: Authority, organisation_id: str, new: NewConsent) -> Consent:
        """Let grants made on an organisation above reach the data of this enterprise.

        Raises ``NotFound``, ``Invalid`` (``parties.consent_invalid``, ``parties.permission_unknown``).
        """
        _need(authority, "consents:manage", organisation_id)
        tree = authority.tree
        if tree.nodes[organisation_id].kind != ENTERPRISE or new.to_id not in tree.path(organisation_id)[:-1]:
            raise Invalid(
                "A consent is given by an enterprise to an organisation above it.",
                code="parties.consent_invalid",
                hint="`above` of the organisation lists those.",
                detail={"pointer": "/to_id"},
            )
        check_permissions(new.permissions)
        row = {
            "id": new_id("cst"),
            "organisation_id": organisation_id,
            "to_id": new.to_id,
            "permissions": sorted(set(new.permissions)),
            "until_ms": new.until_ms,
            "created_ms": self._clock.now_ms(),
            "created_by": authority.person_id,
        }
        await asyncio.to_thread(self.store.add_consent, row)
        self._forget()
        note("consent", str(row["id"]), after=row)
        return Consent(**row)  # type: ignore[arg-type]  # the row has exactly these fields

    async def withdraw(self, authority: Authority, organisation_id: str, consent_id: str) -> None:
        """Withdraw a consent. Raises ``NotFound`` (``parties.consent_unknown``)."""
        _need(authority, "consents:manage", organisation_id)
        done = await asyncio.to_thread(self.store.delete_consent, organisation_id, consent_id)
        self._forget()
        if not done:
            raise NotFound("There is no such consent.", code="parties.consent_unknown", hint="It may be withdrawn.")
        note("consent", consent_id, organisation=organisation_id)


def check_permissions(names: builtins.list[str]) -> None:
    """Raises ``Invalid`` (``parties.permission_unknown``) for a name that no domain declares."""
    unknown = [name for name in names if find_permission(name) is None]
    if unknown:
        raise Invalid(
            f"There is no permission {', '.join(unknown)}.",
            code="parties.permission_unknown",
            hint="GET /api/v1/permissions lists them.",
            detail={"pointer": "/permissions"},
        )


def _need(authority: Authority, permission: str, organisation_id: str) -> None:
    if not authority.may(permission, organisation_id):
        raise no_such_organisation(organisation_id)


def _need_above(authority: Authority, organisation_id: str, *, renames: bool = False) -> None:
    """What changes an organisation's standing is decided by those above it, and by no one inside it."""
    path = authority.tree.path(organisation_id)
    if len(path) == 1 and renames:
        return
    above = set(path[:-1])
    if not any(each.organisation_id in above for each in authority.reasons("organisations:manage", organisation_id)):
        raise Denied(
            "That is decided by an organisation above this one.",
            code="parties.organisation_own",
            hint="Ask an administrator of the organisation above.",
        )


def _kept(row: Any) -> dict[str, Any]:
    """What the ledger says of an organisation."""
    kept = {key: getattr(row, key) for key in ("parent_id", "kind", "name", "short_name", "suspended")}
    return kept | {"credit_code": row.code}


def _shown(row: Any, authority: Authority, parent_id: str | None = None) -> Organisation:
    tree = authority.tree
    path = tree.path(row.id)[:-1] or (tree.path(parent_id) if parent_id else [])
    above = [Ancestor(node.id, node.kind, node.name) for each in path for node in [tree.nodes[each]]]  # type: ignore[arg-type]  # one of the kinds
    return Organisation(
        id=row.id,
        parent_id=row.parent_id,
        kind=row.kind,
        name=row.name,
        short_name=row.short_name,
        code=row.code,
        suspended=row.suspended,
        above=above,
        members=row.members if authority.may("people:read", row.id) else None,
        created_ms=row.created_ms,
        revision=row.revision,
    )
