"""Use cases over people and their tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from millwright.kernel import Clock, Conflict, Denied, Invalid, NotFound, new_id, new_secret
from millwright.parties.model import ROLES, Account, Language, NewToken, Role, Session, TokenInfo
from millwright.parties.names import clean_name, clean_person_name, name_key, skeleton
from millwright.parties.passwords import Passwords
from millwright.parties.store import PeopleStore, TokenStore
from millwright.parties.store.people import PERSON, no_such_person
from millwright.parties.tokens import TOKEN_PREFIX, digest


class People:
    """Who there is, and the tokens they made. ``changed`` is called after anything that a session depends on."""

    def __init__(
        self,
        store: PeopleStore,
        tokens: TokenStore,
        passwords: Passwords,
        clock: Clock,
        changed: Callable[[], None],
        *,
        token_longest_days: int = 0,
    ) -> None:
        self._token_longest_ms = token_longest_days * 86_400_000
        self._store, self._tokens, self._passwords, self._clock = store, tokens, passwords, clock
        self._changed = changed

    async def list_people(self) -> list[Account]:
        """Everybody, by name."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, person_id: str) -> Account:
        """One person. Raises ``NotFound`` (``parties.person_unknown``)."""
        account = await asyncio.to_thread(self._store.find, person_id)
        if account is None:
            raise no_such_person(person_id)
        return account

    async def add(self, name: str, password: str, roles: Sequence[Role], language: Language | None = None) -> Account:
        """Add a person. Raises ``Conflict`` (``parties.name_taken``), ``Invalid``."""
        row = person_row(name, roles, language, self._clock.now_ms())
        self._passwords.check(password, name)
        await self.refuse_lookalike(name)
        row["password"] = await self._passwords.hash(password)
        await asyncio.to_thread(self._store.add, row)
        return await self.get(row["id"])

    async def refuse_lookalike(self, name: str, *, but: str | None = None) -> None:
        """Raise ``Conflict`` (``parties.name_lookalike``) when somebody else has a name that looks the same."""
        looks, key = skeleton(name), name_key(name)
        for other in await self.list_people():
            if other.id != but and name_key(other.name) != key and skeleton(other.name) == looks:
                raise Conflict(
                    "Somebody has a name that looks the same.", code="parties.name_lookalike", hint="Choose another."
                )

    async def update(
        self,
        person_id: str,
        *,
        name: str | None = None,
        roles: Sequence[Role] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> Account:
        """Change a person; ``None`` leaves as it is. Disabling and a new password end that person's sessions.

        Raises ``NotFound``, ``Conflict`` (``parties.name_taken``, ``parties.last_administrator``), ``Invalid``.
        """
        account = await self.get(person_id)
        values: dict[str, Any] = {}
        if name is not None:
            await self.refuse_lookalike(name, but=person_id)
            values |= {"name": clean_person_name(name), "name_key": name_key(name)}
        if roles is not None:
            values["roles"] = clean_roles(roles)
        if disabled is not None:
            values["disabled"] = disabled
        if password is not None:
            if account.kind != PERSON:
                raise Invalid("A program has no password.", code="parties.no_password", hint="Give it a token.")
            self._passwords.check(password, name or account.name)
            values["password"] = await self._passwords.hash(password)
        if values:
            ends = disabled is True or password is not None
            await asyncio.to_thread(self._store.update, person_id, values, end_sessions=ends)
            self._changed()
        return await self.get(person_id)

    async def list_tokens(self, session: Session) -> list[TokenInfo]:
        """The person's own tokens; an administrator sees everybody's."""
        return await asyncio.to_thread(self._tokens.list, _owner(session))

    async def add_token(
        self, session: Session, name: str, roles: Sequence[Role], expires_ms: int | None = None
    ) -> NewToken:
        """Make a token that acts for the signed-in person. Raises ``Denied`` (``parties.role_required``,
        ``parties.cookie_required``), ``Invalid`` (``parties.expiry_past``, ``parties.expiry_far``)."""
        wanted = clean_roles(roles)
        if session.method == "token" and not session.person.allows("administrator"):
            raise Denied(
                "A token cannot make another one.", code="parties.cookie_required", hint="Sign in with a password."
            )
        lacking = [role for role in wanted if not session.person.allows(role)]
        if lacking:
            raise Denied(
                f"A token cannot have a role you lack: {', '.join(lacking)}.",
                code="parties.role_required",
                hint="Ask an administrator for the role, or leave it out.",
                detail={"roles": lacking},
            )
        now = self._clock.now_ms()
        if expires_ms is not None and expires_ms <= now:
            raise Invalid(
                "The token would have expired already.", code="parties.expiry_past", hint="Choose a later end."
            )
        if self._token_longest_ms:
            latest = now + self._token_longest_ms
            expires_ms = latest if expires_ms is None else expires_ms
            if expires_ms > latest:
                raise Invalid(
                    "A token may not live that long here.",
                    code="parties.expiry_far",
                    hint="Choose an earlier end; the limit is [sign_in] token_longest_days.",
                    detail={"latest_ms": latest},
                )
        secret = new_secret(TOKEN_PREFIX)
        row = token_row(secret, clean_name(name), session.person.id, wanted, now, expires_ms)
        await asyncio.to_thread(self._tokens.add, row)
        return NewToken(
            row["id"], row["name"], session.person.id, wanted, row["hint"], now, expires_ms, None, token=secret
        )

    async def end_token(self, session: Session, token_id: str) -> None:
        """End a token: one's own, or as an administrator anybody's. Raises ``NotFound`` (``parties.token_unknown``)."""
        done = await asyncio.to_thread(self._tokens.delete, token_id, _owner(session))
        self._changed()
        if not done:
            raise NotFound("There is no such token.", code="parties.token_unknown", hint="It may have been ended.")


def _owner(session: Session) -> str | None:
    return None if session.person.allows("administrator") else session.person.id


def clean_roles(roles: Sequence[Role]) -> list[Role]:
    """Roles without repetition, highest first. Raises ``Invalid`` (``parties.roles_empty``)."""
    kept = [role for role in ROLES if role in roles]
    if not kept:
        raise Invalid("Somebody needs a role.", code="parties.roles_empty", hint=f"Choose among {', '.join(ROLES)}.")
    return kept


def person_row(name: str, roles: Sequence[Role], language: Language | None, now_ms: int) -> dict[str, Any]:
    """The record of a new person, without a password."""
    return {
        "id": new_id("per"),
        "kind": PERSON,
        "name": clean_person_name(name),
        "name_key": name_key(name),
        "password": None,
        "roles": clean_roles(roles),
        "language": language,
        "disabled": False,
        "created_ms": now_ms,
    }


def token_row(
    secret: str, name: str, person_id: str, roles: Sequence[Role], now_ms: int, expires_ms: int | None
) -> dict[str, Any]:
    """The record of a new token."""
    return {
        "id": new_id("tok"),
        "digest": digest(secret),
        "person_id": person_id,
        "name": name,
        "roles": list(roles),
        "hint": f"{secret[:8]}…",
        "created_ms": now_ms,
        "expires_ms": expires_ms,
    }
