"""Routes: the second step of signing in, proving anew who one is, one's own authenticator app. Below ``/api/v1``."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.kernel import Denied, Invalid
from millwright.parties.authority import Authority
from millwright.parties.cookies import cookies_of, origin_of, signed_in_answer
from millwright.parties.errors import NotSignedIn
from millwright.parties.guards import permit, signed_in
from millwright.parties.model import Factor, Session
from millwright.parties.names import name_key
from millwright.parties.origin import Origin
from millwright.parties.permissions import PEOPLE_MANAGE
from millwright.parties.proof import require_browser, require_proof
from millwright.parties.second_factor.model import Enrolment, RecoveryCodes, SecondFactorState
from millwright.parties.service import Parties

Code = Annotated[
    str, Meta(min_length=1, max_length=64, description="Six digits, or a recovery code.", examples=["492 039"])
]
Ceremony = Annotated[str, Meta(max_length=4096, description="As it was given when this was begun.")]


class SecondStep(Struct, frozen=True, forbid_unknown_fields=True):
    """The code that follows the password; ``ceremony`` is in the problem `parties.second_factor_needed`."""

    ceremony: Ceremony
    code: Code


class IdentityProof(Struct, frozen=True, forbid_unknown_fields=True):
    """Who one is, shown anew: the password (and a code, for those who have an app), or a passkey, or a code alone to
    add it to a session without one."""

    password: Annotated[str, Meta(max_length=1024)] | None = None
    code: Code | None = None
    ceremony: Ceremony | None = None
    credential: dict[str, Any] | None = None


class SecondStepController(Controller):
    """The code after the password."""

    path = "/session/second"
    tags = ["Sign-in"]  # noqa: RUF012 - Litestar's own declaration
    security = [{}]  # noqa: RUF012

    @post("/", summary="Sign in: the second step", operation_id="signInSecond", status_code=201)
    async def second(
        self, data: JSONBody[SecondStep], parties: NamedDependency[Parties], request: Request[Any, Any, Any]
    ) -> Response[Session]:
        """Open the session with a code of the authenticator app, or a recovery code. Each code works once."""
        opened = await parties.second_factors.sign_in(data.ceremony, data.code, origin_of(request))
        return signed_in_answer(request, opened, 201)


class ProofController(Controller):
    """Changes that take a fresh proof."""

    path = "/session/proof"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in, require_browser]  # noqa: RUF012

    @post("/", summary="Prove who I am once more", operation_id="proveSession", status_code=200)
    async def prove(
        self,
        data: JSONBody[IdentityProof],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[Session]:
        """Show the password or a passkey again. The session goes on under a new secret; changes to passwords, factors,
        tokens and people pass for `[sign_in] proof_minutes`."""
        factors = await _shown(data, session, parties, origin_of(request))
        return signed_in_answer(request, await parties.prove(session, factors), 200)


async def _shown(data: IdentityProof, session: Session, parties: Parties, origin: Origin) -> list[Factor]:
    """What the proof proves. Raises ``Denied`` (``parties.proof_wrong``), ``Invalid`` (``parties.proof_empty``)."""
    person = session.person
    try:
        if data.ceremony is not None and data.credential is not None:
            if await parties.passkeys.verify(data.ceremony, data.credential, origin) != person.id:
                raise NotSignedIn("This is another person's passkey.", code="parties.passkey_wrong")
            return ["passkey"]
        factors: list[Factor] = []
        if data.password is not None:
            await parties.check_password(name_key(person.name), data.password, origin)
            factors.append("password")
        if data.code is not None and (factors or "totp" not in session.factors):
            factors.append(await parties.second_factors.verify(person.id, data.code, origin))
    except NotSignedIn as error:
        # Not a 401: the session goes on as it is.
        raise Denied(error.message, code="parties.proof_wrong", hint=error.hint) from error
    if factors == ["password"] and await parties.second_factors.enrolled(person.id):
        raise Invalid("The app's code is missing.", code="parties.code_needed", hint="Send password and code together.")
    if not factors:
        raise Invalid(
            "There is nothing that proves it.",
            code="parties.proof_empty",
            hint="Send the password, with a code if you have an app, or a passkey.",
        )
    return factors


class AuthenticatorController(Controller):
    """One's own authenticator app and recovery codes."""

    path = "/account/second-factor"
    tags = ["Sign-in"]  # noqa: RUF012
    guards = [signed_in, require_browser]  # noqa: RUF012

    @get("/", summary="My second factor", operation_id="getSecondFactor")
    async def state(self, session: NamedDependency[Session], parties: NamedDependency[Parties]) -> SecondFactorState:
        """Whether a code is asked for after the password, and how many recovery codes are left."""
        return await parties.second_factors.state(session)

    @post(
        "/",
        summary="Begin with an authenticator app",
        operation_id="beginSecondFactor",
        guards=[require_proof],
        reads=True,
    )
    async def begin(self, session: NamedDependency[Session], parties: NamedDependency[Parties]) -> Response[Enrolment]:
        """A new secret for an app, to be confirmed with its first code. Nothing changes until then."""
        return Response(await parties.second_factors.begin(session), headers={"Cache-Control": "no-store"})

    @post(
        "/confirmation",
        summary="Confirm the authenticator app",
        operation_id="confirmSecondFactor",
        guards=[require_proof],
    )
    async def confirm(
        self,
        data: JSONBody[SecondStep],
        session: NamedDependency[Session],
        parties: NamedDependency[Parties],
        request: Request[Any, Any, Any],
    ) -> Response[RecoveryCodes]:
        """Keep the app that shows this code; answers with recovery codes, shown this once."""
        opened, codes = await parties.second_factors.confirm(session, data.ceremony, data.code)
        return Response(codes, cookies=cookies_of(request, opened), headers={"Cache-Control": "no-store"})

    @post("/recovery-codes", summary="New recovery codes", operation_id="addRecoveryCodes", guards=[require_proof])
    async def codes(
        self, session: NamedDependency[Session], parties: NamedDependency[Parties]
    ) -> Response[RecoveryCodes]:
        """Ten new codes, shown this once; older ones stop working."""
        return Response(await parties.second_factors.new_codes(session), headers={"Cache-Control": "no-store"})

    @delete("/", summary="Remove the authenticator app", operation_id="removeSecondFactor", guards=[require_proof])
    async def remove(self, session: NamedDependency[Session], parties: NamedDependency[Parties]) -> None:
        """Ask for no code any more, where the policy allows it."""
        await parties.second_factors.remove(session)


class ResetController(Controller):
    """Somebody lost telephone and recovery codes."""

    path = "/people/{person_id:str}/second-factor"
    tags = ["People"]  # noqa: RUF012
    guards = [permit(PEOPLE_MANAGE), require_proof]  # noqa: RUF012

    @delete("/", summary="Reset a person's second factors", operation_id="resetSecondFactor")
    async def reset(
        self,
        person_id: Annotated[str, Parameter(description="The person.", max_length=64)],
        authority: NamedDependency[Authority],
        parties: NamedDependency[Parties],
    ) -> None:
        """Forget the person's authenticator app, recovery codes and passkeys, and end their sessions. Takes
        people:manage wherever the person belongs."""
        await parties.second_factors.reset(authority, person_id)


ROUTES = [SecondStepController, ProofController, AuthenticatorController, ResetController]
"""What the web host mounts."""
