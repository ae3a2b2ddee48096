"""Routes: the first set-up, sessions, tokens, people. All below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import UNSET, Meta, Struct, UnsetType

from millwright.kernel import ROOT
from millwright.parties.authority import Authority
from millwright.parties.cookies import COOKIE, made_cookie, origin_of, signed_in_answer
from millwright.parties.grants.api import AccessController, InvitationController
from millwright.parties.guards import permit, signed_in
from millwright.parties.model import (
    Account,
    Language,
    NewService,
    NewToken,
    OrganisationName,
    Rights,
    Role,
    Session,
    SessionInfo,
    SetupState,
    TokenInfo,
)
from millwright.parties.oidc import api as oidc_api
from millwright.parties.organisations.api import OrganisationsController
from millwright.parties.passkeys import api as passkeys_api
from millwright.parties.permissions import PEOPLE_MANAGE, PEOPLE_READ
from millwright.parties.proof import require_proof
from millwright.parties.second_factor import api as second_factor_api
from millwright.parties.service import Parties

Name = Annotated[str, Meta(min_length=1, max_length=64, description="Compared without case.", examples=["Anna"])]
Password = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        description="Twelve characters or more, none of the commonest, none that leaked elsewhere.",
        examples=["copper kettles whistle"],
    ),
]
Roles = Annotated[list[Role], Meta(min_length=1, max_length=5, examples=[["operator"]])]
Organisation = Annotated[
    Annotated[str, Meta(max_length=64)] | None, Meta(description="Where the roles hold; null: the topmost one may.")
]
Id = Annotated[str, Parameter(description="The identifier.", max_length=64)]


class SetUp(Struct, frozen=True, forbid_unknown_fields=True):
    """The first administrator, and the code that `millwright up` printed."""

    name: Name
    password: Password
    code: Annotated[str, Meta(max_length=64, examples=["K7QM-2XWD-9RTB"])] = ""
    language: Language | None = None


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A name and a password."""

    name: Annotated[str, Meta(max_length=256, examples=["Anna"])]
    password: Annotated[str, Meta(max_length=1024, examples=["copper kettles whistle"])]


class Preferences(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person prefers."""

    language: Language | None


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The password that is, and the one that shall be."""

    old: Annotated[str, Meta(max_length=1024)]
    new: Password


class TokenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make. ``expires_ms`` null: it does not expire by itself."""

    name: Annotated[str, Meta(min_length=1, max_length=64, examples=["report exporter"])]
    roles: Roles
    expires_ms: Annotated[int, Meta(ge=0, le=253_402_300_799_000)] | None = None


class Ended(Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


class NewPerson(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who shall sign in."""

    name: Name
    password: Password
    roles: Roles
    language: Language | None = None
    organisation_id: Organisation = None


class NewServiceAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """A program that shall work with tokens."""

    name: Name
    roles: Roles
    organisation_id: Organisation = None


class PersonChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What shall change; what is left out stays."""

    name: Name | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    organisation_id: Organisation = None


class SetupController(Controller):
    """The first administrator, once."""

    path = "/setup"
    tags = ["Sign-in"]  # noqa: RUF012 - Litestar's own declaration
    security = [{}]  # noqa: RUF012

    @get("/", summary="Whether the node must be set up", operation_id="getSetup")
    async def state(self, parties: NamedDependency[Parties]) -> SetupState:
        """Whether the first administrator must still be made, and whether that takes the set-up code."""
        return await parties.setup_state()

    @post("/", summary="Make the first administrator", operation_id="setUp")
    async def set_up(
        self, data: JSONBody[SetUp], parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[Session]:
        """Make the first administrator and sign them in. Works once; takes the code that `millwright up` prints."""
        at = origin_of(request)
        opened = await parties.set_up(
            data.name,
            data.password,
            data.code,
            language=data.language,
            address=at.address,
            agent=at.agent,
            browser=at.browser,
        )
        return signed_in_answer(request, opened, 201)


class SignInController(Controller):
    """Opening a session."""

    path = "/session"
    tags = ["Sign-in"]  # noqa: RUF012
    security = [{}]  # noqa: RUF012

    @post("/", summary="Sign in", operation_id="signIn", status_code=201)
    async def sign_in(
        self, data: JSONBody[SignIn], parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[Session]:
        """Open a session; its cookie is `millwright_session` (`__Host-millwright_session` over HTTPS). Whoever guesses
        is slowed. With an authenticator app the answer is 401 `parties.second_factor_needed`, whose `data.ceremony`
        goes to `POST /session/second`."""
        at = origin_of(request)
        opened = await parties.sign_in(data.name, data.password, address=at.address, agent=at.agent, browser=at.browser)
        return signed_in_answer(request, opened, 201)


class SessionController(Controller):
    """The signed-in person's own session."""

    path = "/session"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in]  # noqa: RUF012

    @get("/", summary="Who is signed in", operation_id="getSession")
    async def current(self, session: NamedDependency[Session]) -> Session:
        """The session of this request."""
        return session

    @get("/rights", summary="What I may do", operation_id="getRights")
    async def rights(self, authority: NamedDependency[Authority]) -> Rights:
        """The permissions held anywhere, and the organisations that are seen, parents before those below."""
        seen = authority.scope("organisations:read").organisations
        tree = authority.tree
        found = []
        for each in tree.subtree(ROOT):
            if each in seen:
                node = tree.nodes[each]
                depth = sum(1 for above in tree.path(each)[:-1] if above in seen)
                found.append(OrganisationName(node.id, node.name, node.kind, depth))
        return Rights(sorted(authority.permissions()), found)

    @patch("/", summary="Change my preferences", operation_id="updateSession")
    async def prefer(
        self, data: JSONBody[Preferences], session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> Session:
        """Remember the language of the console for this person."""
        return await parties.set_language(session, data.language)

    @delete("/", summary="Sign out", operation_id="signOut")
    async def sign_out(
        self,
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[None]:
        """End the session of this request. A token is ended by `DELETE /tokens/{id}` instead."""
        if session.method == "cookie":
            await parties.end_session(session, session.id)
        response: Response[None] = Response(None, status_code=204)
        response.set_cookie(made_cookie(request, COOKIE, "", seconds=0))
        return response

    @post("/password", summary="Change my password", operation_id="changePassword", status_code=200)
    async def change_password(
        self,
        data: JSONBody[PasswordChange],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Session]:
        """Change the password; every other session of this person ends, and this one goes on under a new secret."""
        at = origin_of(request)
        opened = await parties.change_password(session, data.old, data.new, address=at.address, browser=at.browser)
        return signed_in_answer(request, opened, 200)


class SessionsController(Controller):
    """All sessions of the signed-in person."""

    path = "/sessions"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in]  # noqa: RUF012

    @get("/", summary="My sessions", operation_id="listSessions")
    async def list_sessions(
        self, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> list[SessionInfo]:
        """Where this person is signed in, latest first."""
        return await parties.list_sessions(session)

    @delete("/", summary="End my other sessions", operation_id="endOtherSessions", status_code=200)
    async def end_others(self, session: NamedDependency[Session], parties: NamedDependency[Parties]) -> Ended:
        """End every session of this person but the one of this request. Tokens go on working."""
        return Ended(await parties.end_other_sessions(session))

    @delete("/{session_id:str}", summary="End one of my sessions", operation_id="endSession")
    async def end(self, session_id: Id, session: NamedDependency[Session], parties: NamedDependency[Parties]) -> None:
        """End a session, here or elsewhere."""
        await parties.end_session(session, session_id)


class TokensController(Controller):
    """API tokens."""

    path = "/tokens"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in]  # noqa: RUF012

    @get("/", summary="Tokens", operation_id="listTokens")
    async def list_tokens(
        self,
        session: NamedDependency[Session],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> list[TokenInfo]:
        """One's own tokens; who manages people sees those of the people who are wholly theirs to manage."""
        return await parties.people.list_tokens(session, authority)

    @post("/", summary="Make a token", operation_id="addToken", guards=[require_proof])
    async def add(
        self,
        data: JSONBody[TokenRequest],
        session: NamedDependency[Session],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> NewToken:
        """Make a token `mwt_…` that acts for this person, with no more than their roles. It is shown this once."""
        return await parties.people.add_token(session, authority, data.name, data.roles, data.expires_ms)

    @delete("/{token_id:str}", summary="End a token", operation_id="endToken")
    async def end(
        self,
        token_id: Id,
        session: NamedDependency[Session],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> None:
        """End one of the tokens that `GET /tokens` shows."""
        await parties.people.end_token(session, authority, token_id)


class PeopleController(Controller):
    """Everybody who may sign in."""

    path = "/people"
    tags = ["People"]  # noqa: RUF012

    @get("/", summary="People", operation_id="listPeople", guards=[permit(PEOPLE_READ)])
    async def list_people(
        self, authority: NamedDependency[Authority], parties: NamedDependency[Parties]
    ) -> list[Account]:
        """The members of the organisations whose people may be seen, by name."""
        return await parties.people.list_people(authority)

    @post("/", summary="Add a person", operation_id="addPerson", guards=[permit(PEOPLE_MANAGE), require_proof])
    async def add(
        self, data: JSONBody[NewPerson], authority: NamedDependency[Authority], parties: NamedDependency[Parties]
    ) -> Account:
        """Add somebody, with a first password to be changed by them. An invitation needs no password."""
        return await parties.people.add(
            authority, data.name, data.password, data.roles, data.language, data.organisation_id
        )

    @post(
        "/services",
        summary="Add a service account",
        operation_id="addService",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def add_service(
        self,
        data: JSONBody[NewServiceAccount],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> NewService:
        """Add an account for a program, with a token `mwt_…` that is shown this once."""
        return await parties.people.add_service(authority, data.name, data.roles, data.organisation_id)

    @get("/{person_id:str}", summary="A person", operation_id="getPerson", guards=[permit(PEOPLE_READ)])
    async def person(
        self, person_id: Id, authority: NamedDependency[Authority], parties: NamedDependency[Parties]
    ) -> Account:
        """One person."""
        return await parties.people.get(authority, person_id)

    @patch(
        "/{person_id:str}",
        summary="Change a person",
        operation_id="updatePerson",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def update(
        self,
        person_id: Id,
        data: JSONBody[PersonChange],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> Account:
        """Change name, roles, password, or disable. Disabling and a new password end that person's sessions."""
        return await parties.people.update(
            authority,
            person_id,
            name=None if data.name is UNSET else data.name,
            roles=None if data.roles is UNSET else data.roles,
            disabled=None if data.disabled is UNSET else data.disabled,
            password=None if data.password is UNSET else data.password,
            organisation_id=data.organisation_id,
        )

    @delete(
        "/{person_id:str}",
        summary="Remove a person",
        operation_id="removePerson",
        guards=[permit(PEOPLE_MANAGE), require_proof],
    )
    async def remove(
        self, person_id: Id, authority: NamedDependency[Authority], parties: NamedDependency[Parties]
    ) -> None:
        """Remove somebody who belongs nowhere else, with their memberships, grants, sessions, tokens and ways to sign
        in, for good. What they made stays, and the ledger keeps its entries; `DELETE /ledger/personal/{subject}`
        takes their name out of those."""
        await parties.people.remove(authority, person_id)


ROUTES = [
    SetupController,
    SignInController,
    SessionController,
    SessionsController,
    TokensController,
    PeopleController,
    *second_factor_api.ROUTES,
    *passkeys_api.ROUTES,
    *oidc_api.ROUTES,
    OrganisationsController,
    InvitationController,
    AccessController,
]
"""What the web host mounts."""

__all__ = ["COOKIE", "ROUTES"]
