"""Use cases of signing in: who is behind a request, sessions, and the first set-up."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from msgspec import structs

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Denied, Invalid, LimitExceeded, NotFound, new_id, new_secret
from millwright.ledger import Actor, acted_by, note
from millwright.parties.authority import Authority
from millwright.parties.ceremonies import Ceremonies
from millwright.parties.errors import NotSignedIn
from millwright.parties.grants.service import Grants
from millwright.parties.guesses import Guesses
from millwright.parties.model import Factor, Language, Method, Person, Session, SessionInfo, SetupState
from millwright.parties.names import name_key
from millwright.parties.organisations.service import Organisations
from millwright.parties.origin import Origin
from millwright.parties.passwords import LeakedPasswords, Passwords
from millwright.parties.people import People, person_row
from millwright.parties.remembered import REMEMBER_MOST, REMEMBER_S, RememberedAuthorities
from millwright.parties.settings import SignInSettings
from millwright.parties.standing import Standing
from millwright.parties.store import (
    AuthorityStore,
    GrantStore,
    OrganisationStore,
    PeopleStore,
    SessionStore,
    SetupStore,
    TokenStore,
)
from millwright.parties.store.sessions import Found
from millwright.parties.tokens import COOKIE_PREFIX, TOKEN_PREFIX, code_digest, digest, new_code

if TYPE_CHECKING:
    from millwright.engines.secrets import Secrets
    from millwright.parties.oidc import Oidc
    from millwright.parties.passkeys import Passkeys
    from millwright.parties.second_factor import SecondFactors

logger = logging.getLogger(__name__)

_TOUCH_MS = 60_000
_STRONG: frozenset[Factor] = frozenset({"totp", "recovery", "passkey", "oidc_second"})
_WAITING_MOST = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened, and the secret of its cookie; ``browser``: the secret by which the browser, new to this
    person, is known from now on."""

    session: Session
    secret: str
    browser: str | None = None


class Parties:
    """The domain's service: signing in here, everything about people and tokens in :attr:`people`.

    A session ends ``session_hours`` after it was last used, and thirty days after it was opened at the latest. Sessions
    and tokens are remembered for a second: one ended in another process works that long. Without ``secrets`` nobody can
    sign in: that is for processes which only set up or look up.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        *,
        session_hours: float = 12.0,
        settings: SignInSettings | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._clock, self._records = clock, records
        self.settings = settings or SignInSettings()
        self._secrets = secrets
        self._session_ms = round(session_hours * 3_600_000)
        self._longest_ms = round(self.settings.session_longest_days * 86_400_000)
        self._proof_ms = round(self.settings.proof_minutes * 60_000)
        self._store = PeopleStore(records)
        self._sessions = SessionStore(records)
        self._tokens = TokenStore(records)
        self._setup = SetupStore(records)
        self._passwords = Passwords(LeakedPasswords(self.settings.leaked_passwords))
        self.guesses = Guesses(records, clock)
        self._waiting = 0
        self._set_up = False
        self._known: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()
        self._authorities = AuthorityStore(records)
        self.standing = Standing(records, clock)
        self._remembered = RememberedAuthorities(self._authorities, clock)
        self._epoch = 0
        self.organisations = Organisations(OrganisationStore(records), clock, self.forget)
        self.grants = Grants(GrantStore(records), self._authorities, clock, self.forget)
        self.people = People(
            self._store,
            self._tokens,
            self._passwords,
            clock,
            self.forget,
            self.grants,
            token_longest_days=self.settings.token_longest_days,
        )

    # Made when they are asked for: their libraries take a while to import, and a process that only sets up needs none.

    @property
    def secrets(self) -> Secrets:
        """What seals second factors and ceremonies."""
        if self._secrets is None:
            raise RuntimeError("Signing in needs Parties(…, secrets=…).")
        return self._secrets

    @cached_property
    def ceremonies(self) -> Ceremonies:
        """What one request begins and the next one ends."""
        return Ceremonies(self._records, self.secrets, self._clock)

    @cached_property
    def second_factors(self) -> SecondFactors:
        """Codes of an authenticator app, and recovery codes."""
        from millwright.parties.second_factor import SecondFactors

        return SecondFactors(self, self._records, self.secrets, self._clock)

    @cached_property
    def passkeys(self) -> Passkeys:
        """Passkeys (WebAuthn)."""
        from millwright.parties.passkeys import Passkeys

        return Passkeys(self, self._records, self._clock)

    @cached_property
    def oidc(self) -> Oidc:
        """Signing in through OpenID Connect providers."""
        from millwright.parties.oidc import Oidc

        return Oidc(self, self._records, self._clock)

    # --- who is behind a request ---------------------------------------------------------------------------------

    async def find_session(self, secret: str, address: str = "") -> Session | None:
        """The living session that a cookie or a bearer token opens; ``address`` is noted with a token."""
        key = digest(secret)
        now_s = self._clock.monotonic_s()
        known = self._known.get(key)
        if known is not None and now_s - known[0] < REMEMBER_S and known[1].expires_ms > self._clock.now_ms():
            return known[1]
        epoch = self._epoch
        if secret.startswith(f"{TOKEN_PREFIX}_"):
            session = await asyncio.to_thread(self._find_by_token, key, address)
        elif secret.startswith(f"{COOKIE_PREFIX}_"):
            session = await asyncio.to_thread(self._find_by_cookie, key)
        else:
            return None
        if session is None:
            self._known.pop(key, None)
            return None
        if epoch == self._epoch:
            self._known[key] = (now_s, session)
        while len(self._known) > REMEMBER_MOST:
            self._known.popitem(last=False)
        return session

    async def find_by_id(self, session_id: str) -> Session | None:
        """The living session with this id, for a request that comes back from another site without its cookie."""
        found = await asyncio.to_thread(self._sessions.find_by_id, session_id, self._clock.now_ms())
        return self._judged(found, found.session.expires_ms) if found else None

    def is_proved(self, session: Session) -> bool:
        """Whether the person behind a session showed recently who they are."""
        return session.proof_ends_ms > self._clock.now_ms()

    def forget(self) -> None:
        """Look up every session again: something about people, sessions, tokens or what they may do changed.

        What is being looked up meanwhile may be of before, and is not remembered.
        """
        self._epoch += 1
        self._known.clear()
        self._remembered.forget()

    async def authority(self, session: Session) -> Authority:
        """What a session may do, and where; remembered for a second like the session itself."""
        return await self._remembered.get(session)

    async def home_of(self, person_id: str) -> str:
        """Where somebody belongs who is not signed in: see :meth:`.Authority.home`."""
        held = await asyncio.to_thread(self._authorities.held, person_id)
        tree = await asyncio.to_thread(self._authorities.tree)
        return Authority(person_id, held, tree, self._clock.now_ms()).home()

    async def name_of_organisation(self, organisation_id: str) -> str | None:
        """How an organisation is called in public; ``None`` for one that is not known."""
        node = (await self._remembered.tree()).nodes.get(organisation_id)
        return None if node is None else node.name

    async def stand_in(self, person_id: str, session_id: str, method: Method) -> tuple[Session, Authority]:
        """Somebody who asked earlier, with all they may do now; nothing of it is remembered from before.

        Raises ``Denied`` (``parties.requester_gone``) when the person was disabled or the token ended.
        """
        return await asyncio.to_thread(self.standing.stand_in, person_id, session_id, method)

    async def kind_of(self, person_id: str) -> str | None:
        """Whether an account is a ``person``, a ``service`` or a ``program``."""
        return await asyncio.to_thread(self.standing.kind_of, person_id)

    async def holders(self, permission: str, organisation_id: str) -> set[str]:
        """The enabled people who hold a permission on an organisation now."""
        return await asyncio.to_thread(self.standing.holders, permission, organisation_id)

    def _find_by_cookie(self, key: bytes) -> Session | None:
        now = self._clock.now_ms()
        found = self._sessions.find(key, now)
        if found is None:
            return None
        expires_ms = found.session.expires_ms
        if now - found.seen_ms >= _TOUCH_MS:
            expires_ms = min(now + self._session_ms, found.created_ms + self._longest_ms)
            self._sessions.touch(found.session.id, now, expires_ms)
        return self._judged(found, expires_ms)

    def _judged(self, found: Found, expires_ms: int) -> Session:
        session, person = found.session, found.session.person
        strong = not _STRONG.isdisjoint(session.factors)
        return Session(
            session.id,
            person,
            expires_ms,
            factors=session.factors,
            proof_ends_ms=found.proved_ms + self._proof_ms,
            restricted=not strong and self.needs_second_factor(person),
        )

    def needs_second_factor(self, person: Person) -> bool:
        """Whether the policy asks a second factor of this person."""
        return any(role in self.settings.second_factor_for for role in person.roles)

    async def need_shown(self, session: Session) -> None:
        """Raise ``Denied`` (``parties.second_factor_required``) when a session lacks the second factor that the
        person's role takes though the person has one: a password alone must not set up another beside it.

        Somebody who has none yet may set up their first one.
        """
        if not session.restricted:
            return
        person_id = session.person.id
        if (
            await self.second_factors.enrolled(person_id)
            or await self.passkeys.list_of(person_id)
            or await self.oidc.has_strong(person_id)
        ):
            raise Denied(
                "You have a second factor and have not shown it.",
                code="parties.second_factor_required",
                hint="Show it first: POST /api/v1/session/proof, or the button on this page.",
            )

    def _find_by_token(self, key: bytes, address: str) -> Session | None:
        now = self._clock.now_ms()
        found = self._tokens.find(key, now)
        if found is None:
            return None
        session, last_used_ms = found
        if now - last_used_ms >= _TOUCH_MS:
            self._tokens.touch(session.id, now, address)
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
        browser: str = "",
    ) -> Opened | None:
        """Join by an invitation: as who is signed in (``None`` is returned), or as a new person who then is.

        Raises ``NotFound`` (``parties.invitation_unknown``), ``Invalid``, ``Conflict`` (``parties.name_taken``,
        ``parties.name_lookalike``), ``LimitExceeded`` (``parties.sign_in_slowed``).
        """
        origin = Origin(address, agent, browser)
        guessed = await self.guesses.charge("\0invitation", origin, None)
        await self.grants.read_invitation(secret)
        self.guesses.refund("\0invitation", origin, guessed)
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
        self._passwords.check(password, name)
        await self.people.refuse_lookalike(name)
        row["password"] = await self._passwords.hash(password)
        await self.grants.accept(secret, row["id"], row)
        return await self.open_session(row["id"], origin, ["password"])

    # --- sessions ------------------------------------------------------------------------------------------------

    async def sign_in(
        self, name: str, password: str, *, address: str = "", agent: str = "", browser: str = ""
    ) -> Opened:
        """Open a session.

        Raises ``NotSignedIn`` (``parties.wrong_password``, whatever was wrong; ``parties.second_factor_needed`` with
        the ``ceremony`` of the second step in its detail) and ``LimitExceeded`` (``parties.sign_in_slowed``,
        ``parties.sign_in_busy``).
        """
        origin = Origin(address, agent, browser)
        person_id = await self.check_password(name_key(name), password, origin)
        if await self.second_factors.enrolled(person_id):
            await self._refused_sign_in(person_id)
            ceremony = await self.ceremonies.begin("second step", {"person": person_id}, minutes=10)
            raise NotSignedIn(
                "The password is right; now a code is needed.",
                code="parties.second_factor_needed",
                hint="POST /api/v1/session/second with this ceremony and a code of the authenticator app.",
                detail={"ceremony": ceremony},
            )
        return await self.open_session(person_id, origin, ["password"])

    async def check_password(self, key: str, password: str, origin: Origin) -> str:
        """The id of the enabled person with this name and password; raises as :meth:`sign_in`."""
        if self._waiting >= _WAITING_MOST:
            raise LimitExceeded(
                "Too many people sign in at once.", code="parties.sign_in_busy", hint="Try again.", retry_after_s=1.0
            )
        self._waiting += 1
        try:
            found = await asyncio.to_thread(self._store.find_credentials, name_key=key)
            browser = await self.guesses.charge(key, origin, found.person_id if found else None)
            right = await self._passwords.verify(found.password if found else None, password)
        finally:
            self._waiting -= 1
        if found is None or not right or found.disabled:
            who = found.person_id if found else "nobody"  # never the name: people type passwords into its place
            logger.warning("a password was refused for %s from %s", who, origin.address)
            await self._refused_sign_in(found.person_id if found else "")
            raise NotSignedIn(
                "The name or the password is wrong.",
                code="parties.wrong_password",
                hint="Check both; an administrator can set a new password.",
            )
        self.guesses.refund(key, origin, browser)
        if found.password and self._passwords.outdated(found.password):
            renewed = await self._passwords.hash(password)
            await asyncio.to_thread(self._store.set_password_hash, found.person_id, renewed)
        return found.person_id

    async def _refused_sign_in(self, person_id: str) -> None:
        """Say whose sign-in was refused; asks the same of the database for nobody as for somebody."""
        home = await self.home_of(person_id)
        if person_id:
            note("person", person_id, organisation=home)

    async def open_session(
        self,
        person_id: str,
        origin: Origin,
        factors: list[Factor],
        *,
        identity_id: str | None = None,
        provider_session: str | None = None,
    ) -> Opened:
        """Open a session for somebody who has shown who they are by ``factors``; always under a new secret.

        Raises ``NotSignedIn`` when the person is disabled.
        """
        now = self._clock.now_ms()
        secret = new_secret(COOKIE_PREFIX)
        row = {
            "id": new_id("ses"),
            "digest": digest(secret),
            "person_id": person_id,
            "created_ms": now,
            "seen_ms": now,
            "expires_ms": now + min(self._session_ms, self._longest_ms),
            "address": origin.address[:64],
            "agent": origin.agent[:200],
            "factors": factors,
            "proved_ms": now,
            "rotated_ms": now,
            "identity_id": identity_id,
            "provider_session": provider_session,
        }
        await asyncio.to_thread(self._sessions.add, row, now)
        session = await self.find_session(secret)
        if session is None:
            raise NotSignedIn("The person was disabled.", code="parties.wrong_password", hint="Ask an administrator.")
        home = (await self.authority(session)).home()
        acted_by(Actor("person", session.person.id, session.person.name, session.id), home)
        note("session", session.id, after={"factors": factors})
        logger.info("%s signed in by %s from %s", person_id, "+".join(factors), origin.address)
        return Opened(session, secret, await self.guesses.remember(person_id, origin))

    async def prove(self, session: Session, factors: Iterable[Factor]) -> Opened:
        """The person behind a session has shown anew who they are; see :meth:`renew`."""
        renewed = await self.renew(session, factors)
        was, now = {"factors": session.factors}, {"factors": renewed.session.factors, "proved": True}
        note("session", session.id, before=was, after=now)
        return renewed

    async def renew(self, session: Session, factors: Iterable[Factor]) -> Opened:
        """Let a session go on under a new secret, proved by these factors too.

        Raises ``NotFound`` (``parties.session_unknown``) when it ended meanwhile.
        """
        secret = new_secret(COOKIE_PREFIX)
        merged = list(dict.fromkeys([*session.factors, *factors]))
        done = await asyncio.to_thread(self._sessions.prove, session.id, digest(secret), merged, self._clock.now_ms())
        self.forget()
        proved = await self.find_session(secret)
        if not done or proved is None:
            raise NotFound("You have no such session.", code="parties.session_unknown", hint="It may have ended.")
        return Opened(proved, secret)

    async def end_all_sessions(self, person_id: str) -> None:
        """End every session of a person."""
        await asyncio.to_thread(self._store.update, person_id, {"id": person_id}, end_sessions=True)
        self.forget()

    async def end_sessions_of(self, identity_id: str, provider_session: str | None) -> int:
        """End what an identity of another provider opened here, because it signed out there; how many sessions."""
        ended = await asyncio.to_thread(self._sessions.delete_by_identity, identity_id, provider_session)
        self.forget()
        return ended

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

    async def change_password(
        self, session: Session, old: str, new: str, *, address: str = "", browser: str = ""
    ) -> Opened:
        """Change the signed-in person's password, end their other sessions, and go on under a new secret.

        Raises ``Denied`` (``parties.wrong_old_password``), ``Invalid`` (``parties.password_weak``,
        ``parties.password_leaked``), ``LimitExceeded``.
        """
        if session.method != "cookie":
            raise Denied(
                "A token cannot change a password.", code="parties.cookie_required", hint="Sign in with the password."
            )
        try:
            await self.check_password(name_key(session.person.name), old, Origin(address, "", browser))
        except NotSignedIn as error:
            raise Denied(
                "The old password is wrong.", code="parties.wrong_old_password", hint="Type it again."
            ) from error
        self._passwords.check(new, session.person.name)
        values = {"password": await self._passwords.hash(new)}
        await asyncio.to_thread(self._store.update, session.person.id, values, end_sessions=True, keep=session.id)
        note("person", session.person.id, session.person.name, after={"password_set": True}, named=True)
        return await self.renew(session, ["password"])

    async def set_language(self, session: Session, language: Language | None) -> Session:
        """Remember the signed-in person's language."""
        person = session.person
        await asyncio.to_thread(self._store.update, person.id, {"language": language}, end_sessions=False)
        was, now = {"language": person.language}, {"language": language}
        note("person", person.id, person.name, before=was, after=now, named=True)
        self.forget()
        return structs.replace(session, person=structs.replace(person, language=language))

    async def check_way_in(self, person_id: str, *, without: Literal["passkey", "identity"]) -> None:
        """Raise ``Conflict`` (``parties.last_way_in``) when a person could not sign in any more without their last
        passkey, or their last identity elsewhere."""
        found = await asyncio.to_thread(self._store.find_credentials, person_id=person_id)
        if found is not None and found.password is not None:
            return
        others = await (self.oidc if without == "passkey" else self.passkeys).list_of(person_id)
        if not others:
            raise Conflict(
                "This is your last way to sign in.",
                code="parties.last_way_in",
                hint="Add a passkey, or ask an administrator for a password, first.",
            )

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
        browser: str = "",
    ) -> Opened:
        """Make the first administrator, once, and sign them in.

        Raises ``Conflict`` (``parties.set_up_already``), ``Denied`` (``parties.setup_code_wrong``), ``Invalid``.
        """
        state = await asyncio.to_thread(self._setup.get)
        if state.done:
            raise _set_up_already()
        origin = Origin(address, agent, browser)
        guessed = await self.guesses.charge("\0setup", origin, None)
        given = code_digest(code)
        if state.code_digest is None or not hmac.compare_digest(given, state.code_digest):
            raise Denied(
                "The set-up code is wrong." if code else "Setting up takes the set-up code.",
                code="parties.setup_code_wrong",
                hint="`millwright up` prints it when it starts; each start prints a new one.",
            )
        self.guesses.refund("\0setup", origin, guessed)
        row = person_row(name, ["administrator"], language, self._clock.now_ms())
        self._passwords.check(password, name)
        row["password"] = await self._passwords.hash(password)
        if not await asyncio.to_thread(self._store.add_first, row, given):
            raise _set_up_already()
        self._set_up = True
        note("person", row["id"], row["name"], after={"roles": row["roles"]}, named=True)
        return await self.open_session(row["id"], origin, ["password"])


def _set_up_already() -> Conflict:
    return Conflict(
        "This node has its first administrator.", code="parties.set_up_already", hint="Sign in, or ask that person."
    )
