"""Use cases of roles, groups, grants and invitations. Nobody gives what they do not have."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable
from typing import Any

from msgspec import structs

from millwright.kernel import ROOT, Clock, Denied, Invalid, NotFound, new_id, new_secret
from millwright.ledger import note
from millwright.parties.authority import Authority, Held
from millwright.parties.grants.model import (
    Explanation,
    Grant,
    Group,
    GroupChange,
    Invitation,
    InvitationView,
    MadeInvitation,
    NewGrant,
    NewGroup,
    NewInvitation,
    NewRole,
    PermissionInfo,
    Reach,
    Reason,
    RoleChange,
    RoleInfo,
)
from millwright.parties.model import ROLES, Session
from millwright.parties.names import clean_name, name_key
from millwright.parties.organisations.service import check_permissions
from millwright.parties.permissions import bundles, find_permission, of_role, permissions
from millwright.parties.store import AuthorityStore, GrantStore
from millwright.parties.store.grants import unknown_group
from millwright.parties.store.organisations import no_such_organisation
from millwright.parties.tokens import INVITATION_PREFIX, digest

LOCAL_PERSON = "per_local"
"""The command line of the node's own machine: it may appoint anybody, for it can write the database itself."""

_WEEK_MS = 7 * 86_400_000
_NOTED = ("organisation_id", "person_id", "group_id", "role", "until_ms")
_LONGEST_MS = 90 * 86_400_000


class Grants:
    """Keeps who holds what. Every method acts for an :class:`Authority`."""

    def __init__(
        self, store: GrantStore, authorities: AuthorityStore, clock: Clock, forget: Callable[[], None]
    ) -> None:
        self._store, self._authorities, self._clock, self._forget = store, authorities, clock, forget

    # --- roles ---------------------------------------------------------------------------------------------------

    def permissions(self) -> list[PermissionInfo]:
        """Every permission there is."""
        return [PermissionInfo(each.name, each.text, each.text_zh) for each in permissions().values()]

    async def roles(self, authority: Authority) -> list[RoleInfo]:
        """The built-in roles, then the organisations' own that may be granted where one may grant."""
        built_in = [RoleInfo(name, name, sorted(names)) for name, names in bundles().items()]
        seen = authority.scope("people:read").organisations
        above = {each for organisation_id in seen for each in authority.tree.path(organisation_id)}
        return built_in + await asyncio.to_thread(self._store.roles, above)

    async def add_role(self, authority: Authority, new: NewRole) -> RoleInfo:
        """Make a role. Raises ``NotFound``, ``Denied`` (``parties.beyond_own``), ``Invalid``, ``Conflict``."""
        _need(authority, new.organisation_id)
        made = await self._put_role(authority, new_id("rol"), new.organisation_id, new.name, new.permissions)
        note("role", made.id, made.name, after=made)
        return made

    async def change_role(self, authority: Authority, role_id: str, change: RoleChange) -> RoleInfo:
        """Change a role, and with it what everybody may who holds it. Raises what :meth:`add_role` raises."""
        before = await self._role(authority, role_id)
        assert before.organisation_id is not None
        after = await self._put_role(authority, role_id, before.organisation_id, change.name, change.permissions)
        note("role", role_id, after.name, before=before, after=after)
        return after

    async def _put_role(
        self, authority: Authority, role_id: str, organisation_id: str, name: str, names: builtins.list[str]
    ) -> RoleInfo:
        check_permissions(names)
        wanted, shown = sorted(set(names)), clean_name(name)
        self._need_all(authority, organisation_id, wanted)
        row = {
            "id": role_id,
            "organisation_id": organisation_id,
            "name": shown,
            "name_key": name_key(shown),
            "permissions": wanted,
            "created_ms": self._clock.now_ms(),
        }
        await asyncio.to_thread(self._store.put_role, row)
        self._forget()
        return RoleInfo(role_id, shown, wanted, organisation_id)

    async def delete_role(self, authority: Authority, role_id: str) -> None:
        """Remove a role that is granted nowhere. Raises ``NotFound``, ``Conflict`` (``parties.role_in_use``)."""
        before = await self._role(authority, role_id)
        await asyncio.to_thread(self._store.delete_role, role_id)
        note("role", role_id, before.name, before=before)

    async def _role(self, authority: Authority, role_id: str) -> RoleInfo:
        role = await asyncio.to_thread(self._store.find_role, role_id)
        if role is None or not authority.may("people:manage", role.organisation_id or ""):
            raise _unknown_role(role_id)
        return role

    # --- groups --------------------------------------------------------------------------------------------------

    async def groups(self, authority: Authority) -> list[Group]:
        """The groups that may be seen."""
        return await asyncio.to_thread(self._store.groups, authority.scope("people:read").organisations)

    async def add_group(self, authority: Authority, new: NewGroup) -> Group:
        """Make a group. Raises ``NotFound``, ``Conflict`` (``parties.group_name_taken``)."""
        _need(authority, new.organisation_id)
        group = Group(new_id("grp"), new.organisation_id, new.name, new.person_ids, self._clock.now_ms())
        made = await self._put_group(authority, group)
        note("group", made.id, made.name, after=made)
        return made

    async def change_group(self, authority: Authority, group_id: str, change: GroupChange) -> Group:
        """Rename a group, set its members. Raises ``NotFound``, ``Denied`` (``parties.beyond_own``), ``Conflict``."""
        before = await self._group(authority, group_id)
        wanted = structs.replace(before, name=change.name, person_ids=change.person_ids)
        after = await self._put_group(authority, wanted)
        note("group", group_id, after.name, before=before, after=after)
        return after

    async def _put_group(self, authority: Authority, wanted: Group) -> Group:
        everywhere = authority.tree.nodes
        for grant in await asyncio.to_thread(self._store.grants, everywhere, group_id=wanted.id):
            # who joins a group gets what it holds
            self._need_all(authority, grant.organisation_id, await self._permissions(grant.role))
        group = structs.replace(wanted, name=clean_name(wanted.name), person_ids=sorted(set(wanted.person_ids)))
        row = {
            "id": group.id,
            "organisation_id": group.organisation_id,
            "name": group.name,
            "name_key": name_key(group.name),
            "created_ms": group.created_ms,
        }
        await asyncio.to_thread(self._store.put_group, row, group.person_ids)
        self._forget()
        return group

    async def delete_group(self, authority: Authority, group_id: str) -> None:
        """Remove a group; what was granted to it ends. Raises ``NotFound``."""
        before = await self._group(authority, group_id)
        await asyncio.to_thread(self._store.delete_group, group_id)
        self._forget()
        note("group", group_id, before.name, before=before)

    async def _group(self, authority: Authority, group_id: str) -> Group:
        mine = authority.scope("people:manage").organisations
        found = [each for each in await asyncio.to_thread(self._store.groups, mine) if each.id == group_id]
        if not found:
            raise unknown_group()
        return found[0]

    # --- grants --------------------------------------------------------------------------------------------------

    async def grants(self, authority: Authority, person_id: str | None = None) -> list[Grant]:
        """The grants on the organisations whose people may be seen."""
        seen = authority.scope("people:read").organisations
        return await asyncio.to_thread(self._store.grants, seen, person_id=person_id)

    async def add_grant(self, authority: Authority, new: NewGrant) -> Grant:
        """Give a role.

        Raises ``NotFound``, ``Denied`` (``parties.beyond_own``), ``Invalid`` (``parties.grant_invalid``).
        """
        if (new.person_id is None) == (new.group_id is None):
            raise Invalid(
                "A grant is given to a person or to a group.",
                code="parties.grant_invalid",
                hint="Send exactly one of person_id and group_id.",
            )
        now_ms = self._clock.now_ms()
        if new.until_ms is not None and new.until_ms <= now_ms:
            raise Invalid("The grant would have ended already.", code="parties.expiry_past", hint="Choose a later end.")
        await self.need_grantable(authority, new.organisation_id, new.role)
        row: dict[str, Any] = {
            "id": new_id("grt"),
            "organisation_id": new.organisation_id,
            "person_id": new.person_id,
            "group_id": new.group_id,
            "role": new.role,
            "until_ms": new.until_ms,
            "created_ms": now_ms,
            "created_by": authority.person_id,
        }
        await asyncio.to_thread(self._store.add_grant, row)
        self._forget()
        note("grant", row["id"], after=row)
        made = await asyncio.to_thread(self._store.grants, [new.organisation_id])
        return next(each for each in made if each.id == row["id"])

    async def end_grant(self, authority: Authority, grant_id: str) -> None:
        """End a grant. Raises ``NotFound``, ``Conflict`` (``parties.last_administrator``)."""
        mine = authority.scope("people:manage").organisations
        before = {each.id: each for each in await asyncio.to_thread(self._store.grants, mine)}.get(grant_id)
        await asyncio.to_thread(self._store.delete_grant, grant_id, mine)
        self._forget()
        if before is not None:
            note("grant", grant_id, before={key: getattr(before, key) for key in _NOTED})

    async def need_grantable(self, authority: Authority, organisation_id: str, role: str) -> None:
        """Raises ``NotFound`` or ``Denied`` (``parties.beyond_own``) unless this role may be given there.

        One may give what one holds there oneself. Whoever manages an organisation from above may appoint its first
        administrator; once there is one, only those inside decide.
        """
        wanted = await self._permissions(role, authority.tree.path(organisation_id))
        if authority.person_id == LOCAL_PERSON and organisation_id in authority.tree.nodes:
            return
        if (
            role == "administrator"
            and authority.may("organisations:manage", organisation_id)
            and not await asyncio.to_thread(self._store.has_administrator, organisation_id)
        ):
            return
        _need(authority, organisation_id)
        self._need_all(authority, organisation_id, wanted)

    async def _permissions(self, role: str, path: builtins.list[str] | None = None) -> builtins.list[str]:
        if role in ROLES:
            return sorted(of_role(role))
        found = await asyncio.to_thread(self._store.find_role, role)
        if found is None or (path is not None and found.organisation_id not in path):
            raise _unknown_role(role)
        return found.permissions

    def _need_all(self, authority: Authority, organisation_id: str, names: builtins.list[str]) -> None:
        if authority.person_id == LOCAL_PERSON:
            return
        lacking = [
            name for name in names if not authority.may(name, organisation_id) and _counts(name, organisation_id)
        ]
        if lacking:
            raise Denied(
                "Nobody can give what they do not have.",
                code="parties.beyond_own",
                hint="Ask somebody who holds these permissions there.",
                detail={"permissions": lacking},
            )

    # --- invitations ---------------------------------------------------------------------------------------------

    async def invitations(self, authority: Authority, organisation_id: str) -> list[Invitation]:
        """The invitations to an organisation; from above, those one made oneself. Raises ``NotFound``."""
        self._need_inviting(authority, organisation_id)
        found = await asyncio.to_thread(self._store.invitations, organisation_id)
        inside = authority.may("people:manage", organisation_id)
        return [each for each in found if inside or each.created_by == authority.person_id]

    async def invite(self, authority: Authority, organisation_id: str, new: NewInvitation) -> MadeInvitation:
        """Make a link by which somebody joins with a role. Raises what :meth:`add_grant` raises."""
        self._need_inviting(authority, organisation_id)
        await self.need_grantable(authority, organisation_id, new.role)
        now_ms = self._clock.now_ms()
        expires_ms = min(new.expires_ms or now_ms + _WEEK_MS, now_ms + _LONGEST_MS)
        if expires_ms <= now_ms:
            raise Invalid(
                "The invitation would be over already.", code="parties.expiry_past", hint="Choose a later end."
            )
        secret = new_secret(INVITATION_PREFIX)
        row: dict[str, Any] = {
            "id": new_id("inv"),
            "organisation_id": organisation_id,
            "digest": digest(secret),
            "role": new.role,
            "note": clean_name(new.note, 128) if new.note else None,
            "created_ms": now_ms,
            "expires_ms": expires_ms,
            "created_by": authority.person_id,
        }
        await asyncio.to_thread(self._store.add_invitation, row)
        made = {"role": new.role, "expires_ms": expires_ms, "organisation_id": organisation_id}
        note("invitation", row["id"], after=made)
        return MadeInvitation(
            row["id"],
            organisation_id,
            new.role,
            row["note"],
            now_ms,
            expires_ms,
            authority.person_id,
            None,
            None,
            token=secret,
        )

    async def withdraw(self, authority: Authority, organisation_id: str, invitation_id: str) -> None:
        """Make an invitation worthless. Raises ``NotFound`` (``parties.invitation_unknown``)."""
        self._need_inviting(authority, organisation_id)
        if not await asyncio.to_thread(self._store.delete_invitation, organisation_id, invitation_id):
            raise unknown_invitation()
        note("invitation", invitation_id, organisation=organisation_id)

    def _need_inviting(self, authority: Authority, organisation_id: str) -> None:
        if not authority.may("organisations:manage", organisation_id):
            _need(authority, organisation_id)

    async def read_invitation(self, secret: str) -> InvitationView:
        """What an invitation says. Raises ``NotFound`` (``parties.invitation_unknown``), whatever is wrong with it."""
        found = await asyncio.to_thread(self._store.find_invitation, digest(secret), self._clock.now_ms())
        if found is None:
            raise unknown_invitation()
        invitation, name = found
        role = await asyncio.to_thread(self._store.find_role, invitation.role)
        return InvitationView(name, role.name if role else invitation.role, invitation.expires_ms)

    async def accept(self, secret: str, person_id: str, person: dict[str, Any] | None) -> None:
        """Join by an invitation, once: as ``person``, a new one's record, or as somebody there is.

        Raises ``NotFound`` (``parties.invitation_unknown``), ``Conflict`` (``parties.name_taken``).
        """
        key, now_ms = digest(secret), self._clock.now_ms()
        found = await asyncio.to_thread(self._store.find_invitation, key, now_ms)
        if found is None:
            raise unknown_invitation()
        invitation, _ = found
        grant = {
            "id": new_id("grt"),
            "organisation_id": invitation.organisation_id,
            "person_id": person_id,
            "role": invitation.role,
            "created_ms": now_ms,
            "created_by": None,
        }
        row = None if person is None else {**person, "organisation_id": invitation.organisation_id, "roles": ()}
        if not await asyncio.to_thread(self._store.accept, key, grant, person=row, now_ms=now_ms):
            raise unknown_invitation()
        self._forget()
        taken = {"person_id": person_id, "role": invitation.role, "organisation_id": invitation.organisation_id}
        note("invitation", invitation.id, after=taken)

    # --- why and what --------------------------------------------------------------------------------------------

    async def why(
        self, authority: Authority, session: Session, person_id: str, permission: str, organisation_id: str
    ) -> Explanation:
        """The grants by which somebody may do something on an organisation; of oneself, or where people may be seen."""
        theirs = await self._authority_of(authority, session, person_id)
        if not authority.may("organisations:read", organisation_id):
            raise no_such_organisation(organisation_id)
        check_permissions([permission])
        names = {group.id: group.name for group in await self.groups(authority)}
        reasons = [await self._reason(authority, held, names) for held in theirs.reasons(permission, organisation_id)]
        return Explanation(bool(reasons), reasons)

    async def reach(self, authority: Authority, session: Session, person_id: str) -> list[Reach]:
        """Every permission of somebody and where it holds, as far as the asker sees those organisations."""
        theirs = await self._authority_of(authority, session, person_id)
        seen = authority.scope("organisations:read").organisations
        found = [Reach(name, sorted(theirs.scope(name).organisations & seen)) for name in permissions()]
        return [each for each in found if each.organisation_ids]

    async def _authority_of(self, authority: Authority, session: Session, person_id: str) -> Authority:
        if person_id == session.person.id:
            return authority
        seen = authority.scope("people:read").organisations
        held = await asyncio.to_thread(self._authorities.held, person_id)
        visible = [each for each in held if each.organisation_id in seen]
        return Authority(person_id, visible, authority.tree, authority.at_ms)

    async def _reason(self, authority: Authority, held: Held, groups: dict[str, str]) -> Reason:
        role = await asyncio.to_thread(self._store.find_role, held.role)
        node = authority.tree.nodes.get(held.organisation_id)
        return Reason(
            held.grant_id,
            held.organisation_id,
            node.name if node else "",
            role.name if role else held.role,
            groups.get(held.group_id, "") if held.group_id else None,
            held.until_ms,
        )


def unknown_invitation() -> NotFound:
    """The error for an invitation that never was, was used, is over or was withdrawn: all look alike."""
    return NotFound(
        "This invitation does not work.",
        code="parties.invitation_unknown",
        hint="It works once and for a limited time; ask for a new one.",
    )


def _counts(name: str, organisation_id: str) -> bool:
    """Whether a permission means anything on an organisation: those about the node do on the root alone."""
    declared = find_permission(name)
    return organisation_id == ROOT or declared is None or not declared.node


def _need(authority: Authority, organisation_id: str) -> None:
    if not authority.may("people:manage", organisation_id):
        raise no_such_organisation(organisation_id)


def _unknown_role(role: str) -> NotFound:
    return NotFound(f"There is no role {role[:64]}.", code="parties.role_unknown", hint="GET /api/v1/roles lists them.")
