"""Who acts: people, what they may do, and how they are known."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from msgspec import Struct

Role: TypeAlias = Literal["administrator", "engineer", "operator", "viewer", "auditor"]
"""The built-in bundles of permissions (:mod:`millwright.parties.permissions`); ``administrator`` holds all of them."""

Language: TypeAlias = Literal["zh", "en"]
"""The console's languages."""

Method: TypeAlias = Literal["cookie", "token"]
"""How a request showed who it comes from: the console's cookie, or a bearer token."""

Factor: TypeAlias = Literal["password", "totp", "recovery", "passkey", "oidc", "oidc_second"]
"""What a session was proved by; ``oidc_second``: by a provider that asks for two factors itself."""

ROLES: tuple[Role, ...] = get_args(Role)


class Person(Struct, frozen=True):
    """Someone who signs in, as others may see them."""

    id: str
    name: str
    roles: list[Role]
    language: Language | None = None

    def allows(self, *roles: Role) -> bool:
        """Whether this person has one of ``roles``; an administrator has all, and everybody is a viewer."""
        return (
            "administrator" in self.roles
            or (bool(self.roles) and "viewer" in roles)
            or any(role in self.roles for role in roles)
        )


class Session(Struct, frozen=True):
    """A signed-in person: by the console's cookie or by an API token. ``expires_ms`` is UTC milliseconds.

    With a token the person's roles are narrowed to those of the token. ``proof_ends_ms``: until then changes to
    passwords, factors, tokens and people pass without proving again who one is. ``restricted``: a second factor must
    be set up, or shown, before anything else.
    """

    id: str
    person: Person
    expires_ms: int
    method: Method = "cookie"
    factors: list[Factor] = []
    proof_ends_ms: int = 0
    restricted: bool = False


class Account(Struct, frozen=True):
    """A person as an administrator sees them. Times are UTC milliseconds.

    ``roles`` are the built-in ones granted where the reader may see people. A ``service`` has no password and works by
    tokens alone, as does the one ``program``: the command line of the node's own machine.
    """

    id: str
    name: str
    roles: list[Role]
    language: Language | None
    disabled: bool
    created_ms: int
    signed_in_ms: int | None
    kind: Literal["person", "program", "service"] = "person"


class SessionInfo(Struct, frozen=True):
    """One of a person's sessions, without the secret that opens it. Times are UTC milliseconds."""

    id: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    address: str
    agent: str
    current: bool = False


class TokenInfo(Struct, frozen=True):
    """An API token, without the secret. Times are UTC milliseconds; ``expires_ms`` null: it does not expire."""

    id: str
    name: str
    person_id: str
    roles: list[Role]
    hint: str
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None
    last_used_address: str | None = None


class NewToken(TokenInfo, frozen=True):
    """A token just made; ``token`` is the secret, shown this once."""

    token: str = ""


class NewService(Account, frozen=True):
    """A service account just made; ``token`` is its secret, shown this once."""

    token: str = ""


class Rights(Struct, frozen=True):
    """What the session may do: the permissions held anywhere, and the organisations it sees, parents first."""

    permissions: list[str]
    organisations: list[OrganisationName]


class OrganisationName(Struct, frozen=True):
    """An organisation by name; ``depth`` counts those above it that are seen too."""

    id: str
    name: str
    kind: str
    depth: int


class SetupState(Struct, frozen=True):
    """Whether the first administrator must still be made, and whether that takes the set-up code."""

    needed: bool
    code_required: bool
