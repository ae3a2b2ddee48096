"""Routes of organisations: the tree, members, consents, invitations."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.kernel import etag, revision_of
from millwright.parties.authority import Authority
from millwright.parties.grants.model import Consent, Invitation, MadeInvitation, NewConsent, NewInvitation
from millwright.parties.guards import permit
from millwright.parties.organisations.model import Member, NewOrganisation, Organisation, OrganisationChange
from millwright.parties.permissions import (
    CONSENTS_MANAGE,
    ORGANISATIONS_MANAGE,
    ORGANISATIONS_READ,
    PEOPLE_MANAGE,
    PEOPLE_READ,
)
from millwright.parties.proof import require_proof
from millwright.parties.routes import IfMatch
from millwright.parties.service import Parties

Id = Annotated[str, Parameter(description="The organisation.", max_length=64)]
Other = Annotated[str, Parameter(description="The identifier.", max_length=64)]
Me = NamedDependency[Authority]
Us = NamedDependency[Parties]


class Transfer(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a member goes."""

    to_id: Annotated[str, Meta(max_length=64)]


class OrganisationsController(Controller):
    """The tree of organisations."""

    path = "/organisations"
    tags = ["Organisations"]  # noqa: RUF012

    @get("/", summary="Organisations", operation_id="listOrganisations", guards=[permit(ORGANISATIONS_READ)])
    async def list_organisations(self, parties: Us, authority: Me) -> list[Organisation]:
        """Every organisation that may be seen, parents before those below them."""
        return await parties.organisations.list(authority)

    @post("/", summary="Add an organisation", operation_id="addOrganisation", guards=[permit(ORGANISATIONS_MANAGE)])
    async def add(self, data: JSONBody[NewOrganisation], parties: Us, authority: Me) -> Response[Organisation]:
        """Add one below another. Its data will be its own; invite its first administrator."""
        return _tagged(await parties.organisations.create(authority, data), 201)

    @get(
        "/{organisation_id:str}",
        summary="An organisation",
        operation_id="getOrganisation",
        guards=[permit(ORGANISATIONS_READ)],
    )
    async def one(self, organisation_id: Id, parties: Us, authority: Me) -> Response[Organisation]:
        """One organisation; the header `ETag` carries its revision."""
        return _tagged(await parties.organisations.get(authority, organisation_id))

    @patch(
        "/{organisation_id:str}",
        summary="Change an organisation",
        operation_id="updateOrganisation",
        guards=[permit(ORGANISATIONS_MANAGE)],
    )
    async def update(
        self,
        organisation_id: Id,
        data: JSONBody[OrganisationChange],
        parties: Us,
        authority: Me,
        if_match: IfMatch = None,
    ) -> Response[Organisation]:
        """Rename, move with all below it, suspend or resume. The last three are decided above the organisation."""
        expected = revision_of(if_match)
        return _tagged(await parties.organisations.change(authority, organisation_id, data, expected=expected))

    @delete(
        "/{organisation_id:str}",
        summary="Remove an organisation",
        operation_id="deleteOrganisation",
        guards=[permit(ORGANISATIONS_MANAGE)],
    )
    async def remove(self, organisation_id: Id, parties: Us, authority: Me) -> None:
        """Remove a suspended organisation with its devices, rules, alarms and all else it owns, for good."""
        await parties.organisations.delete(authority, organisation_id)

    @get(
        "/{organisation_id:str}/members",
        summary="Members",
        operation_id="listMembers",
        guards=[permit(PEOPLE_READ)],
    )
    async def members(self, organisation_id: Id, parties: Us, authority: Me) -> list[Member]:
        """Who belongs to it, by name."""
        return await parties.organisations.members(authority, organisation_id)

    @delete(
        "/{organisation_id:str}/members/{person_id:str}",
        summary="End a membership",
        operation_id="endMembership",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def leave(self, organisation_id: Id, person_id: Other, parties: Us, authority: Me) -> None:
        """The person leaves: grants and groups here and below end, with all sessions and tokens; their work stays."""
        await parties.organisations.leave(authority, organisation_id, person_id)

    @post(
        "/{organisation_id:str}/members/{person_id:str}/transfer",
        summary="Move a member",
        operation_id="transferMember",
        status_code=204,
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def transfer(
        self, organisation_id: Id, person_id: Other, data: JSONBody[Transfer], parties: Us, authority: Me
    ) -> None:
        """The person leaves and becomes a member of another organisation, without any grant there yet."""
        await parties.organisations.leave(authority, organisation_id, person_id, data.to_id)

    @get(
        "/{organisation_id:str}/consents",
        summary="Consents",
        operation_id="listConsents",
        guards=[permit(CONSENTS_MANAGE)],
    )
    async def consents(self, organisation_id: Id, parties: Us, authority: Me) -> list[Consent]:
        """Which organisations above may reach the data of this enterprise."""
        return await parties.organisations.consents(authority, organisation_id)

    @post(
        "/{organisation_id:str}/consents",
        summary="Give a consent",
        operation_id="addConsent",
        guards=[permit(CONSENTS_MANAGE), require_proof],
    )
    async def consent(self, organisation_id: Id, data: JSONBody[NewConsent], parties: Us, authority: Me) -> Consent:
        """Let grants made on an organisation above reach in, for these permissions, until a time or until withdrawn."""
        return await parties.organisations.consent(authority, organisation_id, data)

    @delete(
        "/{organisation_id:str}/consents/{consent_id:str}",
        summary="Withdraw a consent",
        operation_id="withdrawConsent",
        guards=[permit(CONSENTS_MANAGE), require_proof],
    )
    async def withdraw_consent(self, organisation_id: Id, consent_id: Other, parties: Us, authority: Me) -> None:
        """It ends at once."""
        await parties.organisations.withdraw(authority, organisation_id, consent_id)

    @get(
        "/{organisation_id:str}/invitations",
        summary="Invitations",
        operation_id="listInvitations",
        guards=[permit(PEOPLE_MANAGE)],
    )
    async def invitations(self, organisation_id: Id, parties: Us, authority: Me) -> list[Invitation]:
        """The invitations, newest first; from above, those one made oneself."""
        return await parties.grants.invitations(authority, organisation_id)

    @post(
        "/{organisation_id:str}/invitations",
        summary="Invite somebody",
        operation_id="addInvitation",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def invite(
        self, organisation_id: Id, data: JSONBody[NewInvitation], parties: Us, authority: Me
    ) -> MadeInvitation:
        """Make a link that works once. Takes people:manage there;

        from above, only the first administrator is invited.
        """
        return await parties.grants.invite(authority, organisation_id, data)

    @delete(
        "/{organisation_id:str}/invitations/{invitation_id:str}",
        summary="Withdraw an invitation",
        operation_id="withdrawInvitation",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def withdraw(self, organisation_id: Id, invitation_id: Other, parties: Us, authority: Me) -> None:
        """Its link works no more."""
        await parties.grants.withdraw(authority, organisation_id, invitation_id)


def _tagged(organisation: Organisation, status: int = 200) -> Response[Organisation]:
    return Response(organisation, status_code=status, headers=etag(organisation.revision))
