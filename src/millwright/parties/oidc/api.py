"""Routes: the ways to sign in, to a provider and back, one's own identities. All below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.kernel import MillwrightError, Unsupported
from millwright.parties.cookies import PROVIDER, cookie_of, cookies_of, origin_of, provider_cookie
from millwright.parties.guards import signed_in
from millwright.parties.model import Session
from millwright.parties.oidc.model import Departure, Identity, Provider
from millwright.parties.oidc.paths import local_path
from millwright.parties.proof import require_browser, require_proof
from millwright.parties.service import Parties

Id = Annotated[str, Parameter(description="The identity.", max_length=64)]
Name = Annotated[str, Parameter(description="The provider's name in the settings.", max_length=64)]
NO_STORE = {"Cache-Control": "no-store"}


class Ways(Struct, frozen=True):
    """How one may sign in here: always by password; by passkey when this address has a name; by these providers."""

    passkeys: bool
    providers: list[Provider]


class Leave(Struct, frozen=True, forbid_unknown_fields=True):
    """To which provider, and where to go on here afterwards."""

    provider: Annotated[str, Meta(max_length=64)]
    path: Annotated[str, Meta(max_length=512, description="A path of the console.")] = "/"


class WaysController(Controller):
    """What the sign-in page offers, and the way to a provider and back."""

    path = "/session"
    tags = ["Sign-in"]  # noqa: RUF012 - Litestar's own declaration
    security = [{}]  # noqa: RUF012

    @get("/ways", summary="How to sign in", operation_id="listWays")
    async def ways(self, parties: NamedDependency[Parties], request: Request[Any, Any, Any]) -> Ways:
        """The ways to sign in to this node."""
        try:
            named = bool(origin_of(request).relying_party)
        except Unsupported:
            named = False
        return Ways(named, parties.oidc.providers())

    @get("/oidc/{provider:str}", summary="Sign in with a provider", operation_id="leaveToProvider", status_code=303)
    async def leave(
        self,
        provider: Name,
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
        path: Annotated[str, Parameter(description="Where to go on afterwards: a path of the console.")] = "/",
    ) -> Response[None]:
        """Sends the browser to the provider. A page, not a call: open it as a link."""
        try:
            url, cookie = await parties.oidc.leave(provider, "sign_in", origin_of(request), path=path)
        except MillwrightError as error:
            return _back(f"/sign-in?problem={error.code}")
        return _back(url, [provider_cookie(request, cookie)])

    @get(
        "/oidc/{provider:str}/callback",
        summary="Back from a provider",
        operation_id="returnFromProvider",
        status_code=303,
        reads=False,
    )
    async def come_back(
        self, provider: Name, parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[None]:
        """Where the provider sends the browser with a code. Ends on a page of the console, signed in or with a
        problem's code."""
        gone = provider_cookie(request, "")
        query = {key: value for key, value in request.query_params.multi_items() if len(value) <= 4096}
        try:
            back = await parties.oidc.come_back(provider, query, cookie_of(request, PROVIDER), origin_of(request))
        except MillwrightError as error:
            request.scope["problem"] = error.code  # type: ignore[typeddict-unknown-key]  # for the record of denials
            return _back(f"/sign-in?problem={error.code}", [gone])
        cookies = cookies_of(request, back.opened) if back.opened else []
        return _back(local_path(back.path), [gone, *cookies])

    @post(
        "/oidc/{provider:str}/logout",
        summary="A provider tells that somebody signed out",
        operation_id="signedOutAtProvider",
        status_code=200,
    )
    async def signed_out(
        self, provider: Name, parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[None]:
        """Back-channel logout (OpenID Connect): a form with a signed `logout_token`. Ends the sessions that this
        identity opened here."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=8)
        tokens = form.get("logout_token", [])
        if len(tokens) != 1:
            raise ClientException("A logout_token is missing.")
        await parties.oidc.signed_out(provider, tokens[0])
        return Response(None, status_code=200, headers=NO_STORE)


class IdentitiesController(Controller):
    """One's own identities at providers."""

    path = "/account/identities"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in, require_browser]  # noqa: RUF012

    @get("/", summary="My identities elsewhere", operation_id="listIdentities")
    async def list_identities(
        self, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> list[Identity]:
        """The identities that open this person's session."""
        return await parties.oidc.list_of(session.person.id)

    @post(
        "/",
        summary="Link an identity",
        operation_id="linkIdentity",
        status_code=200,
        guards=[require_proof],
        reads=True,
    )
    async def link(
        self,
        data: JSONBody[Leave],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Departure]:
        """Where to send the browser so that whoever signs in there is this person here from then on."""
        url, cookie = await parties.oidc.leave(
            data.provider, "link", origin_of(request), session=session, path=data.path
        )
        return Response(Departure(url), cookies=[provider_cookie(request, cookie)], headers=NO_STORE)

    @post(
        "/proof", summary="Prove who I am with a provider", operation_id="proveByProvider", status_code=200, reads=True
    )
    async def prove(
        self,
        data: JSONBody[Leave],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Departure]:
        """Where to send the browser to sign in there once more, for those who have no password and no passkey."""
        url, cookie = await parties.oidc.leave(
            data.provider, "prove", origin_of(request), session=session, path=data.path
        )
        return Response(Departure(url), cookies=[provider_cookie(request, cookie)], headers=NO_STORE)

    @delete("/{identity_id:str}", summary="Unlink an identity", operation_id="unlinkIdentity", guards=[require_proof])
    async def unlink(
        self, identity_id: Id, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> None:
        """Unlink one of one's identities; the last way to sign in stays."""
        await parties.oidc.unlink(session, identity_id)


def _back(address: str, cookies: list[Any] | None = None) -> Response[None]:
    return Response(None, status_code=303, headers={**NO_STORE, "Location": address}, cookies=cookies or [])


ROUTES = [WaysController, IdentitiesController]
"""What the web host mounts."""
