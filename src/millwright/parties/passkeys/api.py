"""Routes: signing in by passkey, one's own passkeys. All below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.parties.cookies import cookies_of, origin_of, signed_in_answer
from millwright.parties.guards import signed_in
from millwright.parties.model import Session
from millwright.parties.passkeys.model import Challenge, Passkey
from millwright.parties.proof import require_browser, require_proof
from millwright.parties.service import Parties

Id = Annotated[str, Parameter(description="The passkey.", max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=64, examples=["Anna's telephone"])]
Ceremony = Annotated[str, Meta(max_length=4096, description="As it was given with the challenge.")]
Credential = Annotated[dict[str, Any], Meta(description="What the browser's authenticator answered, as its toJSON().")]


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey's signature over the challenge."""

    ceremony: Ceremony
    credential: Credential


class NewPasskey(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey that the browser made."""

    ceremony: Ceremony
    credential: Credential
    name: Name


class PasskeyName(Struct, frozen=True, forbid_unknown_fields=True):
    """What a passkey shall be called."""

    name: Name


class PasskeySignInController(Controller):
    """Signing in without a name."""

    path = "/session/passkey"
    tags = ["Sign-in"]  # noqa: RUF012 - Litestar's own declaration
    security = [{}]  # noqa: RUF012

    @post(
        "/challenge", summary="A challenge for passkeys", operation_id="challengePasskey", status_code=200, reads=True
    )
    async def challenge(
        self, parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[Challenge]:
        """What `navigator.credentials.get` takes; the browser offers the passkeys it has for this node."""
        return Response(await parties.passkeys.challenge(origin_of(request)), headers={"Cache-Control": "no-store"})

    @post("/", summary="Sign in by passkey", operation_id="signInByPasskey", status_code=201)
    async def sign_in(
        self, data: JSONBody[Shown], parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[Session]:
        """Open a session for the person whose passkey signed the challenge. A challenge works once."""
        opened = await parties.passkeys.sign_in(data.ceremony, data.credential, origin_of(request))
        return signed_in_answer(request, opened, 201)


class PasskeysController(Controller):
    """One's own passkeys."""

    path = "/account/passkeys"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in, require_browser]  # noqa: RUF012

    @get("/", summary="My passkeys", operation_id="listPasskeys")
    async def list_passkeys(
        self, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> list[Passkey]:
        """The signed-in person's passkeys, oldest first."""
        return await parties.passkeys.list_of(session.person.id)

    @post(
        "/challenge",
        summary="Begin with a passkey",
        operation_id="beginPasskey",
        status_code=200,
        guards=[require_proof],
        reads=True,
    )
    async def begin(
        self,
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Challenge]:
        """What `navigator.credentials.create` takes."""
        challenge = await parties.passkeys.begin(session, origin_of(request))
        return Response(challenge, headers={"Cache-Control": "no-store"})

    @post("/", summary="Add a passkey", operation_id="addPasskey", guards=[require_proof])
    async def add(
        self,
        data: JSONBody[NewPasskey],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Passkey]:
        """Keep the passkey that the browser made."""
        opened, passkey = await parties.passkeys.finish(
            session, data.ceremony, data.credential, data.name, origin_of(request)
        )
        return Response(passkey, cookies=cookies_of(request, opened), headers={"Cache-Control": "no-store"})

    @patch("/{passkey_id:str}", summary="Name a passkey", operation_id="renamePasskey", status_code=204)
    async def rename(
        self,
        passkey_id: Id,
        data: JSONBody[PasskeyName],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
    ) -> None:
        """Name one of one's passkeys."""
        await parties.passkeys.rename(session, passkey_id, data.name)

    @delete("/{passkey_id:str}", summary="Remove a passkey", operation_id="removePasskey", guards=[require_proof])
    async def remove(
        self, passkey_id: Id, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> None:
        """Remove one of one's passkeys; the last way to sign in stays."""
        await parties.passkeys.remove(session, passkey_id)


ROUTES = [PasskeySignInController, PasskeysController]
"""What the web host mounts."""
