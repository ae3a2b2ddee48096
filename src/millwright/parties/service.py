"""Use cases of signing in: who is behind a request, sessions, and the first set-up."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from dataclasses import dataclass

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Denied, Invalid, LimitExceeded, NotFound, new_id, new_secret
from millwright.ledger import Actor, acted_by, note
from millwright.parties.authority import Authority, Tree, masked
from millwright.parties.errors import NotSignedIn
from millwright.parties.grants.service import Grants
from millwright.parties.lockout import Lockout
from millwright.parties.model import Language, Person, Session, SessionInfo, SetupState
from millwright.parties.names import name_key
from millwright.parties.organisations.service import Organisations
from millwright.parties.passwords import Passwords, check
from millwright.parties.people import People, person_row
from millwright.parties.permissions import bundles
from millwright.parties.store import (
    AuthorityStore,
    GrantStore,
    OrganisationStore,
    PeopleStore,
    SessionStore,
    SetupStore,
    TokenStore,
)
from millwright.parties.tokens import COOKIE_PREFIX, TOKEN_PREFIX, code_digest, digest, new_code

_REMEMBER_S = 1.0
_REMEMBER_MOST = 4096
_TOUCH_MS = 60_000
_LONGEST_DAYS = 30
_WAITING_MOST = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened, and the secret of its cookie."""

    session: Session
    secret: str


class Parties:
    """The domain's service: signing in here, everything about people and tokens in :attr:`people`.

    A session ends ``session_hours`` after it was last used, and thirty days after it was opened at the latest. Sessions
    and tokens are remembered for a second: one ended in another process works that long.
    """

    def __init__(self, records: Records, clock: Clock, *, session_hours: float = 12.0) -> None:
        self._clock = clock
        self._session_ms = round(session_hours * 3_600_000)
        self._store = PeopleStore(records)
        self._sessions = SessionStore(records)
        self._tokens = TokenStore(records)
        self._setup = SetupStore(records)
        self._passwords = Passwords()
        self._lockout = Lockout(clock)
        self._waiting = 0
        self._set_up = False
        self._known: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()
        self._authorities = AuthorityStore(records)
        self._allowed: OrderedDict[tuple[str, str], tuple[float, Authority]] = OrderedDict()
        self._tree: tuple[float, Tree] | None = None
        self.organisations = Organisations(OrganisationStore(records), clock, self.forget)
        self.grants = Grants(GrantStore(records), self._authorities, clock, self.forget)
        self.people = People(self._store, self._tokens, self._passwords, clock, self.forget, self.grants)

    # --- who is behind a request ---------------------------------------------------------------------------------

    async def find_session(self, secret: str) -> Session | None:
        """The living session that a cookie or a bearer token opens."""
        key = digest(secret)
        now_s = self._clock.monotonic_s()
        known = self._known.get(key)
        if known is not None and now_s - known[0] < _REMEMBER_S and known[1].expires_ms > self._clock.now_ms():
            return known[1]
        if secret.startswith(f"{TOKEN_PREFIX}_"):
            session = await asyncio.to_thread(self._find_by_token, key)
        elif secret.startswith(f"{COOKIE_PREFIX}_"):
            session = await asyncio.to_thread(self._find_by_cookie, key)
        else:
            return None
        if session is None:
            self._known.pop(key, None)
            return None
        self._known[key] = (now_s, session)
        while len(self._known) > _REMEMBER_MOST:
            self._known.popitem(last=False)
        return session

    def forget(self) -> None:
        """Look up every session again: something about people, sessions, tokens or what they may do changed."""
        self._known.clear()
        self._allowed.clear()
        self._tree = None

    async def authority(self, session: Session) -> Authority:
        """What a session may do, and where; remembered for a second like the session itself."""
        key = (session.id, session.person.id)
        now_s = self._clock.monotonic_s()
        known = self._allowed.get(key)
        if known is not None and now_s - known[0] < _REMEMBER_S:
            return known[1]
        found = await asyncio.to_thread(self._authority, session, now_s)
        self._allowed[key] = (now_s, found)
        while len(self._allowed) > _REMEMBER_MOST:
            self._allowed.popitem(last=False)
        return found

    def _authority(self, session: Session, now_s: float) -> Authority:
        tree = self._tree
        if tree is None or now_s - tree[0] >= _REMEMBER_S:
            tree = self._tree = (now_s, self._authorities.tree())
        held = self._authorities.held(session.person.id)
        mask = masked(session.person.roles, bundles()) if session.method == "token" else None
        return Authority(session.person.id, held, tree[1], self._clock.now_ms(), mask)

    def _find_by_cookie(self, key: bytes) -> Session | None:
        now = self._clock.now_ms()
        found = self._sessions.find(key, now)
        if found is None:
            return None
        session, created_ms, seen_ms = found
        if now - seen_ms < _TOUCH_MS:
            return session
        expires_ms = min(now + self._session_ms, created_ms + _LONGEST_DAYS * 86_400_000)
        self._sessions.touch(session.id, now, expires_ms)
        return Session(session.id, session.person, expires_ms)

    def _find_by_token(self, key: bytes) -> Session | None:
        now = self._clock.now_ms()
        found = self._tokens.find(key, now)
        if found is None:
            return None
        session, last_used_ms = found
        if now - last_used_ms >= _TOUCH_MS:
            self._tokens.touch(session.id, now)
        return session

    async def accept(
        self,
        secret: str,
        session: Session | None,
        *,
        name: str | None = None,
        password: str | None = None,
        language: Language | None = None,
        address: str = "",
        agent: str = "",
    ) -> Opened | None:
        """Join by an invitation: as who is signed in (``None`` is returned), or as a new person who then is.

        Raises ``NotFound`` (``parties.invitation_unknown``), ``Invalid``, ``Conflict`` (``parties.name_taken``),
        ``LimitExceeded`` (``parties.sign_in_slowed``).
        """
        self._lockout.charge("\0invitation", address)
        await self.grants.read_invitation(secret)
        self._lockout.refund("\0invitation", address)
        if session is not None:
            if session.method != "cookie":
                raise Denied("A token accepts no invitation.", code="parties.cookie_required", hint="Sign in.")
            await self.grants.accept(secret, session.person.id, None)
            return None
        if name is None or password is None:
            raise Invalid(
                "Somebody new needs a name and a password.",
                code="parties.name_invalid",
                hint="Send both, or sign in first.",
            )
        row = person_row(name, ["viewer"], language, self._clock.now_ms())
        check(password, name)
        row["password"] = await self._passwords.hash(password)
        await self.grants.accept(secret, row["id"], row)
        return await self._open(row["id"], address, agent)

    # --- sessions ------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, *, address: str = "", agent: str = "") -> Opened:
        """Open a session.

        Raises ``NotSignedIn`` (``parties.wrong_password``, whatever was wrong) and ``LimitExceeded``
        (``parties.sign_in_slowed``, ``parties.sign_in_busy``).
        """
        key = name_key(name)
        self._lockout.charge(key, address)
        if self._waiting >= _WAITING_MOST:
            raise LimitExceeded(
                "Too many people sign in at once.", code="parties.sign_in_busy", hint="Try again.", retry_after_s=1.0
            )
        self._waiting += 1
        try:
            found = await asyncio.to_thread(self._store.find_credentials, name_key=key)
            right = await self._passwords.verify(found.password if found else None, password)
        finally:
            self._waiting -= 1
        if found is None or not right or found.disabled:
            if found is not None:
                note("person", found.person_id)
            raise NotSignedIn(
                "The name or the password is wrong.",
                code="parties.wrong_password",
                hint="Check both; an administrator can set a new password.",
            )
        self._lockout.refund(key, address)
        if found.password and self._passwords.outdated(found.password):
            renewed = await self._passwords.hash(password)
            await asyncio.to_thread(self._store.set_password_hash, found.person_id, renewed)
        return await self._open(found.person_id, address, agent)

    async def _open(self, person_id: str, address: str, agent: str) -> Opened:
        now = self._clock.now_ms()
        secret = new_secret(COOKIE_PREFIX)
        row = {
            "id": new_id("ses"),
            "digest": digest(secret),
            "person_id": person_id,
            "created_ms": now,
            "seen_ms": now,
            "expires_ms": now + self._session_ms,
            "address": address[:64],
            "agent": agent[:200],
        }
        await asyncio.to_thread(self._sessions.add, row, now)
        session = await self.find_session(secret)
        if session is None:
            raise NotSignedIn("The person was disabled.", code="parties.wrong_password", hint="Ask an administrator.")
        acted_by(Actor("person", session.person.id, session.person.name, session.id))
        note("session", session.id)
        return Opened(session, secret)

    async def end_session(self, session: Session, session_id: str) -> None:
        """End one of the signed-in person's sessions. Raises ``NotFound`` (``parties.session_unknown``)."""
        done = await asyncio.to_thread(self._sessions.delete, session_id, session.person.id)
        self.forget()
        note("session", session_id)
        if not done:
            raise NotFound("You have no such session.", code="parties.session_unknown", hint="It may have ended.")

    async def end_other_sessions(self, session: Session) -> int:
        """End every session of the signed-in person but this one; how many there were. Tokens are left alone."""
        ended = await asyncio.to_thread(self._sessions.delete_others, session.person.id, session.id)
        self.forget()
        return ended

    async def list_sessions(self, session: Session) -> list[SessionInfo]:
        """The signed-in person's living sessions, latest first."""
        found = await asyncio.to_thread(self._sessions.list, session.person.id, self._clock.now_ms())
        return [
            SessionInfo(s.id, s.created_ms, s.seen_ms, s.expires_ms, s.address, s.agent, s.id == session.id)
            for s in found
        ]

    async def change_password(self, session: Session, old: str, new: str, *, address: str = "") -> None:
        """Change the signed-in person's password and end their other sessions.

        Raises ``Denied`` (``parties.wrong_old_password``), ``Invalid`` (``parties.password_weak``), ``LimitExceeded``.
        """
        if session.method != "cookie":
            raise Denied(
                "A token cannot change a password.", code="parties.cookie_required", hint="Sign in with the password."
            )
        key = name_key(session.person.name)
        self._lockout.charge(key, address)
        found = await asyncio.to_thread(self._store.find_credentials, person_id=session.person.id)
        if found is None or not await self._passwords.verify(found.password, old):
            raise Denied("The old password is wrong.", code="parties.wrong_old_password", hint="Type it again.")
        self._lockout.refund(key, address)
        check(new, session.person.name)
        values = {"password": await self._passwords.hash(new)}
        await asyncio.to_thread(self._store.update, session.person.id, values, end_sessions=True, keep=session.id)
        note("person", session.person.id, session.person.name, after={"password_set": True}, named=True)
        self.forget()

    async def set_language(self, session: Session, language: Language | None) -> Session:
        """Remember the signed-in person's language."""
        person = session.person
        await asyncio.to_thread(self._store.update, person.id, {"language": language}, end_sessions=False)
        was, now = {"language": person.language}, {"language": language}
        note("person", person.id, person.name, before=was, after=now, named=True)
        self.forget()
        changed = Person(person.id, person.name, person.roles, language)
        return Session(session.id, changed, session.expires_ms, session.method)

    # --- the first set-up ----------------------------------------------------------------------------------------

    async def setup_state(self) -> SetupState:
        """Whether the first administrator must still be made; once made, it stays so."""
        if not self._set_up:
            self._set_up = (await asyncio.to_thread(self._setup.get)).done
        return SetupState(needed=not self._set_up, code_required=not self._set_up)

    async def new_setup_code(self) -> str | None:
        """A new set-up code (an older one stops working), or ``None`` when the set-up is done."""
        code = new_code()
        made = await asyncio.to_thread(self._setup.replace_code, code_digest(code), self._clock.now_ms())
        return code if made else None

    async def set_up(
        self,
        name: str,
        password: str,
        code: str,
        *,
        language: Language | None = None,
        address: str = "",
        agent: str = "",
    ) -> Opened:
        """Make the first administrator, once, and sign them in.

        Raises ``Conflict`` (``parties.set_up_already``), ``Denied`` (``parties.setup_code_wrong``), ``Invalid``.
        """
        state = await asyncio.to_thread(self._setup.get)
        if state.done:
            raise _set_up_already()
        self._lockout.charge("\0setup", address)
        given = code_digest(code)
        if state.code_digest is None or not hmac.compare_digest(given, state.code_digest):
            raise Denied(
                "The set-up code is wrong." if code else "Setting up takes the set-up code.",
                code="parties.setup_code_wrong",
                hint="`millwright up` prints it when it starts; each start prints a new one.",
            )
        self._lockout.refund("\0setup", address)
        row = person_row(name, ["administrator"], language, self._clock.now_ms())
        check(password, name)
        row["password"] = await self._passwords.hash(password)
        if not await asyncio.to_thread(self._store.add_first, row, given):
            raise _set_up_already()
        self._set_up = True
        note("person", row["id"], row["name"], after={"roles": row["roles"]}, named=True)
        return await self._open(row["id"], address, agent)


def _set_up_already() -> Conflict:
    return Conflict(
        "This node has its first administrator.", code="parties.set_up_already", hint="Sign in, or ask that person."
    )
