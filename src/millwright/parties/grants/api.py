"""Routes of permissions, roles, groups, grants, accepting invitations, and why somebody may do something."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.parties.authority import Authority
from millwright.parties.cookies import origin_of, signed_in_answer
from millwright.parties.grants.model import (
    Explanation,
    Grant,
    Group,
    GroupChange,
    InvitationView,
    NewGrant,
    NewGroup,
    NewRole,
    PermissionInfo,
    Reach,
    RoleChange,
    RoleInfo,
)
from millwright.parties.guards import permit, signed_in
from millwright.parties.model import Language, Session
from millwright.parties.permissions import PEOPLE_MANAGE, PEOPLE_READ
from millwright.parties.proof import require_proof
from millwright.parties.service import Parties

Id = Annotated[str, Parameter(description="The identifier.", max_length=64)]
Me = NamedDependency[Authority]
Us = NamedDependency[Parties]


class InvitationSecret(Struct, frozen=True, forbid_unknown_fields=True):
    """The secret of an invitation's link."""

    token: Annotated[str, Meta(max_length=64)]


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """Joining: with a name and a password as somebody new; without, as who is signed in."""

    token: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=64)] | None = None
    password: Annotated[str, Meta(max_length=512)] | None = None
    language: Language | None = None


class InvitationController(Controller):
    """Joining by a link."""

    path = "/invitations"
    tags = ["Sign-in"]  # noqa: RUF012
    security = [{}]  # noqa: RUF012

    @post("/read", summary="Read an invitation", operation_id="readInvitation", status_code=200)
    async def read(self, data: JSONBody[InvitationSecret], parties: Us) -> InvitationView:
        """What the link offers. One that was used, is over or never was looks the same."""
        return await parties.grants.read_invitation(data.token)

    @post("/accept", summary="Accept an invitation", operation_id="acceptInvitation", status_code=201)
    async def accept(
        self,
        data: JSONBody[Acceptance],
        parties: Us,
        request: Request[Any, Any, Any],
    ) -> Response[Session]:
        """Join, once; somebody new is signed in by it."""
        session: Session | None = request.scope["auth"]
        at = origin_of(request)
        opened = await parties.accept(
            data.token,
            session,
            name=data.name,
            password=data.password,
            language=data.language,
            address=at.address,
            agent=at.agent,
            browser=at.browser,
        )
        if opened is None:
            assert session is not None
            return Response(session, status_code=201, headers={"Cache-Control": "no-store"})
        return signed_in_answer(request, opened, 201)


class AccessController(Controller):
    """Roles, groups and grants."""

    tags = ["Grants"]  # noqa: RUF012

    @get("/permissions", summary="Permissions", operation_id="listPermissions", guards=[signed_in])
    async def permissions(self, parties: Us) -> list[PermissionInfo]:
        """Every permission a role may bundle."""
        return parties.grants.permissions()

    @get("/roles", summary="Roles", operation_id="listRoles", guards=[permit(PEOPLE_READ)])
    async def roles(self, parties: Us, authority: Me) -> list[RoleInfo]:
        """The built-in roles, then the organisations' own."""
        return await parties.grants.roles(authority)

    @post("/roles", summary="Add a role", operation_id="addRole", guards=[permit(PEOPLE_MANAGE), require_proof])
    async def add_role(self, data: JSONBody[NewRole], parties: Us, authority: Me) -> RoleInfo:
        """Bundle permissions one holds there."""
        return await parties.grants.add_role(authority, data)

    @put(
        "/roles/{role_id:str}",
        summary="Change a role",
        operation_id="updateRole",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def change_role(self, role_id: Id, data: JSONBody[RoleChange], parties: Us, authority: Me) -> RoleInfo:
        """Rename it and set its permissions, for everybody who holds it."""
        return await parties.grants.change_role(authority, role_id, data)

    @delete(
        "/roles/{role_id:str}",
        summary="Remove a role",
        operation_id="deleteRole",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def remove_role(self, role_id: Id, parties: Us, authority: Me) -> None:
        """Remove a role that is granted nowhere."""
        await parties.grants.delete_role(authority, role_id)

    @get("/groups", summary="Groups", operation_id="listGroups", guards=[permit(PEOPLE_READ)])
    async def groups(self, parties: Us, authority: Me) -> list[Group]:
        """The groups of the organisations whose people may be seen."""
        return await parties.grants.groups(authority)

    @post("/groups", summary="Add a group", operation_id="addGroup", guards=[permit(PEOPLE_MANAGE), require_proof])
    async def add_group(self, data: JSONBody[NewGroup], parties: Us, authority: Me) -> Group:
        """Add a group of members of an organisation."""
        return await parties.grants.add_group(authority, data)

    @put(
        "/groups/{group_id:str}",
        summary="Change a group",
        operation_id="updateGroup",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def change_group(self, group_id: Id, data: JSONBody[GroupChange], parties: Us, authority: Me) -> Group:
        """Rename it and set its members."""
        return await parties.grants.change_group(authority, group_id, data)

    @delete(
        "/groups/{group_id:str}",
        summary="Remove a group",
        operation_id="deleteGroup",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def remove_group(self, group_id: Id, parties: Us, authority: Me) -> None:
        """Remove it; what was granted to it ends."""
        await parties.grants.delete_group(authority, group_id)

    @get("/grants", summary="Grants", operation_id="listGrants", guards=[permit(PEOPLE_READ)])
    async def grants(
        self,
        parties: Us,
        authority: Me,
        person_id: Annotated[str | None, Parameter(description="Only this person's own.", max_length=64)] = None,
    ) -> list[Grant]:
        """Who holds which role on the organisations whose people may be seen."""
        return await parties.grants.grants(authority, person_id)

    @post("/grants", summary="Give a role", operation_id="addGrant", guards=[permit(PEOPLE_MANAGE), require_proof])
    async def add_grant(self, data: JSONBody[NewGrant], parties: Us, authority: Me) -> Grant:
        """Give a role on an organisation and what is below it, perhaps until a time. One gives only what one has."""
        return await parties.grants.add_grant(authority, data)

    @delete(
        "/grants/{grant_id:str}",
        summary="End a grant",
        operation_id="endGrant",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def end_grant(self, grant_id: Id, parties: Us, authority: Me) -> None:
        """It ends at once, in open sessions too."""
        await parties.grants.end_grant(authority, grant_id)

    @get("/access/why", summary="Why somebody may do something", operation_id="explainAccess", guards=[signed_in])
    async def why(
        self,
        parties: Us,
        authority: Me,
        session: NamedDependency[Session],
        person_id: Annotated[str, Parameter(description="Oneself, or somebody one may see.", max_length=64)],
        permission: Annotated[str, Parameter(max_length=64)],
        organisation_on: Annotated[str, Parameter(description="The organisation.", max_length=64)],
    ) -> Explanation:
        """The grants that lead to a permission on an organisation."""
        return await parties.grants.why(authority, session, person_id, permission, organisation_on)

    @get("/access/reach", summary="What somebody can see", operation_id="getReach", guards=[signed_in])
    async def reach(
        self,
        parties: Us,
        authority: Me,
        session: NamedDependency[Session],
        person_id: Annotated[str, Parameter(description="Oneself, or somebody one may see.", max_length=64)],
    ) -> list[Reach]:
        """Every permission of somebody, and the organisations on which it holds."""
        return await parties.grants.reach(authority, session, person_id)
