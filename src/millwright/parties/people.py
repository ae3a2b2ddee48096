"""Use cases over people and their tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import structs

from millwright.kernel import Clock, Conflict, Denied, Invalid, NotFound, new_id, new_secret
from millwright.ledger import note
from millwright.parties.authority import Authority
from millwright.parties.grants.service import Grants
from millwright.parties.model import ROLES, Account, Language, NewService, NewToken, Role, Session, TokenInfo
from millwright.parties.names import clean_name, clean_person_name, name_key, skeleton
from millwright.parties.passwords import Passwords
from millwright.parties.store import PeopleStore, TokenStore
from millwright.parties.store.people import PERSON, SERVICE, no_such_person
from millwright.parties.tokens import TOKEN_PREFIX, digest

PERSONAL = ("/name",)
"""What of a person is personal data, by JSON pointer."""

NOT_THE_PERSON = ("id", "created_ms", "signed_in_ms")
"""What of an account nobody sets."""


class People:
    """Who there is, and the tokens they made. ``changed`` is called after anything that a session depends on."""

    def __init__(
        self,
        store: PeopleStore,
        tokens: TokenStore,
        passwords: Passwords,
        clock: Clock,
        changed: Callable[[], None],
        grants: Grants,
        *,
        token_longest_days: int = 0,
    ) -> None:
        self._token_longest_ms = token_longest_days * 86_400_000
        self._store, self._tokens, self._passwords, self._clock = store, tokens, passwords, clock
        self._changed = changed
        self._grants = grants

    async def list_people(self, authority: Authority) -> list[Account]:
        """The members of the organisations whose people may be seen, by name."""
        return await asyncio.to_thread(self._store.list, _ids(authority, "people:read"))

    async def get(self, authority: Authority, person_id: str) -> Account:
        """One person. Raises ``NotFound`` (``parties.person_unknown``)."""
        account = await asyncio.to_thread(self._store.find, person_id, _ids(authority, "people:read"))
        if account is None:
            raise no_such_person(person_id)
        return account

    async def add(
        self,
        authority: Authority,
        name: str,
        password: str,
        roles: Sequence[Role],
        language: Language | None = None,
        organisation_id: str | None = None,
    ) -> Account:
        """Add a person to an organisation (absent: the topmost one may).

        Raises ``Conflict`` (``parties.name_taken``, ``parties.name_lookalike``), ``Denied`` (``parties.beyond_own``),
        ``Invalid``, ``NotFound``.
        """
        where = await self._need_giving(authority, organisation_id, roles)
        row = person_row(name, roles, language, self._clock.now_ms()) | {"organisation_id": where}
        self._passwords.check(password, name)
        await self.refuse_lookalike(name)
        row["password"] = await self._passwords.hash(password)
        await asyncio.to_thread(self._store.add, row)
        self._changed()
        account = await self.get(authority, row["id"])
        note(
            "person",
            account.id,
            account.name,
            after=account,
            ignore=NOT_THE_PERSON,
            personal=PERSONAL,
            named=True,
            organisation=where,
        )
        return account

    async def add_service(
        self, authority: Authority, name: str, roles: Sequence[Role], organisation_id: str | None = None
    ) -> NewService:
        """Add a service account with a token, which lives as long as one may. Raises what :meth:`add` raises."""
        where = await self._need_giving(authority, organisation_id, roles)
        now = self._clock.now_ms()
        row = person_row(name, roles, None, now) | {"kind": SERVICE, "organisation_id": where}
        await self.refuse_lookalike(name)
        await asyncio.to_thread(self._store.add, row)
        secret = new_secret(TOKEN_PREFIX)
        ends_ms = now + self._token_longest_ms if self._token_longest_ms else None
        await asyncio.to_thread(self._tokens.add, token_row(secret, row["name"], row["id"], row["roles"], now, ends_ms))
        self._changed()
        account = await self.get(authority, row["id"])
        note("person", account.id, account.name, after=account, organisation=where)
        return NewService(**structs.asdict(account), token=secret)

    async def add_confined_service(
        self, authority: Authority, name: str, role_id: str, organisation_id: str, mask: Role
    ) -> NewService:
        """Add a service account with a token, which holds nothing but one role of an organisation's own.

        ``mask`` is a built-in role that has the role's permissions, for the token. Raises what :meth:`add` raises.
        """
        await self._grants.need_grantable(authority, organisation_id, role_id)
        row = person_row(name, [mask], None, self._clock.now_ms())
        row |= {"kind": SERVICE, "organisation_id": organisation_id, "roles": [role_id]}
        await self.refuse_lookalike(name)
        await asyncio.to_thread(self._store.add, row)
        secret = await self._only_token(row["id"], row["name"], mask)
        account = await self.get(authority, row["id"])
        note("person", account.id, account.name, after=account, organisation=organisation_id)
        return NewService(**structs.asdict(account), token=secret)

    async def renew_service_token(self, authority: Authority, person_id: str, mask: Role) -> str:
        """A new token in the place of all that a service account has. Raises ``NotFound``, ``Denied``
        (``parties.person_of_others``)."""
        account = await self.need_manageable(authority, person_id)
        secret = await self._only_token(person_id, account.name, mask)
        note("token", person_id, account.name, organisation=await self.whose(authority, person_id))
        return secret

    async def _only_token(self, person_id: str, name: str, mask: Role) -> str:
        now = self._clock.now_ms()
        secret = new_secret(TOKEN_PREFIX)
        ends_ms = now + self._token_longest_ms if self._token_longest_ms else None
        row = token_row(secret, name, person_id, [mask], now, ends_ms)
        await asyncio.to_thread(lambda: self._tokens.add(row, replace=True))
        self._changed()
        return secret

    async def _need_giving(self, authority: Authority, organisation_id: str | None, roles: Sequence[Role]) -> str:
        where = organisation_id or authority.scope("people:manage").home or ""
        for role in clean_roles(roles):
            await self._grants.need_grantable(authority, where, role)
        return where

    async def refuse_lookalike(self, name: str, *, but: str | None = None) -> None:
        """Raise ``Conflict`` (``parties.name_lookalike``) when somebody else on the node has a name that looks the
        same, whichever organisation they belong to: all sign in at the same door."""
        if await asyncio.to_thread(self._looks_like_another, name, but):
            raise Conflict(
                "Somebody has a name that looks the same.", code="parties.name_lookalike", hint="Choose another."
            )

    def _looks_like_another(self, name: str, but: str | None) -> bool:
        looks, key = skeleton(name), name_key(name)
        return any(
            person_id != but and name_key(other) != key and skeleton(other) == looks
            for person_id, other in self._store.names()
        )

    async def need_manageable(self, authority: Authority, person_id: str, *, whole: bool = True) -> Account:
        """A person whom one may manage; ``whole``: wherever they belong, for what concerns them everywhere.

        Raises ``NotFound`` (``parties.person_unknown``), ``Denied`` (``parties.person_of_others``).
        """
        account = await self.get(authority, person_id)
        mine = _ids(authority, "people:manage")
        if await asyncio.to_thread(self._store.find, person_id, mine) is None:
            raise no_such_person(person_id)
        if whole and await asyncio.to_thread(self._store.belongs_elsewhere, person_id, mine):
            raise Denied(
                "This person belongs to other organisations too.",
                code="parties.person_of_others",
                hint="End the membership here, or ask somebody who administers all of them.",
            )
        return account

    async def whose(self, authority: Authority, person_id: str) -> str:
        """The topmost organisation to which a person belongs of those where one may manage people: whose record says
        what is done to them; empty when there is none."""
        found = await asyncio.to_thread(self._store.memberships, person_id, _ids(authority, "people:manage"))
        return authority.tree.topmost(found) or ""

    async def update(
        self,
        authority: Authority,
        person_id: str,
        *,
        name: str | None = None,
        roles: Sequence[Role] | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        organisation_id: str | None = None,
    ) -> Account:
        """Change a person; ``None`` leaves as it is. Disabling and a new password end that person's sessions.

        ``roles`` are those on ``organisation_id`` (absent: the topmost one may). Name, password and disabling concern
        the whole person, so they take people:manage wherever the person belongs. Raises ``NotFound``, ``Denied``
        (``parties.person_of_others``, ``parties.beyond_own``), ``Conflict`` (``parties.name_taken``,
        ``parties.last_administrator``), ``Invalid``.
        """
        whole = (name, disabled, password) != (None, None, None)
        account = await self.need_manageable(authority, person_id, whole=whole)
        whose = await self.whose(authority, person_id)
        values: dict[str, Any] = {}
        if name is not None:
            await self.refuse_lookalike(name, but=person_id)
            values |= {"name": clean_person_name(name), "name_key": name_key(name)}
        if roles is not None:
            gained = [role for role in roles if role not in account.roles]
            where = organisation_id or authority.scope("people:manage").home or ""
            for role in gained:
                await self._grants.need_grantable(authority, where, role)
            values |= {"roles": clean_roles(roles), "organisation_id": where}
            whose = where if not whole else whose
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
        changed = await self.get(authority, person_id)
        secret = {"password_set": True} if password is not None else {}
        after = msgspec.to_builtins(changed) | secret
        note(
            "person",
            person_id,
            changed.name,
            before=account,
            after=after,
            ignore=NOT_THE_PERSON,
            personal=PERSONAL,
            named=True,
            organisation=whose,
        )
        return changed

    async def remove(self, authority: Authority, person_id: str) -> None:
        """Remove a person, or a service account, with everything by which they sign in.

        Raises ``NotFound`` (``parties.person_unknown``), ``Denied`` (``parties.person_of_others``), ``Conflict``
        (``parties.person_oneself``, ``parties.last_administrator``).
        """
        account = await self.need_manageable(authority, person_id)
        if person_id == authority.person_id:
            raise Conflict(
                "Nobody removes themselves.",
                code="parties.person_oneself",
                hint="Ask somebody else who keeps people here.",
            )
        whose = await self.whose(authority, person_id)
        await asyncio.to_thread(self._store.remove, person_id)
        self._changed()
        note(
            "person",
            person_id,
            account.name,
            before=account,
            ignore=NOT_THE_PERSON,
            personal=PERSONAL,
            named=True,
            organisation=whose,
        )

    async def list_tokens(self, session: Session, authority: Authority) -> list[TokenInfo]:
        """The person's own tokens, and those of people who belong wholly where one may manage people."""
        mine = _ids(authority, "people:manage")
        return await asyncio.to_thread(self._tokens.list, session.person.id, mine)

    async def add_token(
        self,
        session: Session,
        authority: Authority,
        name: str,
        roles: Sequence[Role],
        expires_ms: int | None = None,
    ) -> NewToken:
        """Make a token that acts for the signed-in person. Raises ``Denied`` (``parties.role_required``,
        ``parties.cookie_required``), ``Invalid`` (``parties.expiry_past``, ``parties.expiry_far``)."""
        wanted = clean_roles(roles)
        if session.method == "token" and not session.person.allows("administrator"):
            raise Denied(
                "A token cannot make another one.", code="parties.cookie_required", hint="Sign in with a password."
            )
        special = any(each.role not in ROLES for each in authority.held)  # a token only narrows, so any bundle will do
        lacking = [role for role in wanted if not special and not session.person.allows(role)]
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
        made = {"name": row["name"], "person_id": session.person.id, "roles": wanted, "expires_ms": expires_ms}
        note("token", row["id"], row["name"], after=made)
        return NewToken(
            row["id"], row["name"], session.person.id, wanted, row["hint"], now, expires_ms, None, token=secret
        )

    async def end_token(self, session: Session, authority: Authority, token_id: str) -> None:
        """End a token that :meth:`list_tokens` shows. Raises ``NotFound`` (``parties.token_unknown``)."""
        mine = _ids(authority, "people:manage")
        done = await asyncio.to_thread(self._tokens.delete, token_id, session.person.id, mine)
        self._changed()
        note("token", token_id)
        if not done:
            raise NotFound("There is no such token.", code="parties.token_unknown", hint="It may have been ended.")


def _ids(authority: Authority, permission: str) -> frozenset[str]:
    return authority.scope(permission).organisations


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
