"""Use cases of signing in elsewhere: leave, come back, link, unlink, sign out with the provider."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Denied, MillwrightError, NotFound, new_id
from millwright.ledger import Actor, acted_by, current_act, note
from millwright.parties.errors import NotSignedIn
from millwright.parties.model import Factor, Session
from millwright.parties.oidc.client import ProviderClient
from millwright.parties.oidc.id_token import Expected, UnknownKey, refused, verify, verify_logout
from millwright.parties.oidc.model import Identity, Provider, Purpose
from millwright.parties.oidc.paths import local_path
from millwright.parties.oidc.store import IdentityStore
from millwright.parties.origin import Origin
from millwright.parties.people import person_row

if TYPE_CHECKING:
    from millwright.parties.service import Opened, Parties

logger = logging.getLogger(__name__)

_KIND = "provider"
_MINUTES = 10.0
_NAMES_TRIED = 20


@dataclass(frozen=True, slots=True)
class Return:
    """Where a browser that came back goes on, and the session it has now, when that changed."""

    path: str
    opened: Opened | None


class Oidc:
    """The providers of the settings, and whom they bring."""

    def __init__(self, parties: Parties, records: Records, clock: Clock) -> None:
        self._parties, self._clock = parties, clock
        self._store = IdentityStore(records)
        self._clients = {name: ProviderClient(name, each, clock) for name, each in parties.settings.providers.items()}

    def providers(self) -> list[Provider]:
        """The providers, in the order of the settings."""
        return [Provider(name, client.settings.title or name) for name, client in self._clients.items()]

    async def list_of(self, person_id: str) -> list[Identity]:
        """A person's identities, oldest first."""
        return await asyncio.to_thread(self._store.list, person_id)

    async def has_strong(self, person_id: str) -> bool:
        """Whether one of a person's identities signs in with a second factor of its own."""
        strong = {name for name, client in self._clients.items() if client.settings.second_factor}
        return bool(strong) and any(each.provider in strong for each in await self.list_of(person_id))

    # --- leaving -------------------------------------------------------------------------------------------------

    async def leave(
        self, provider: str, purpose: Purpose, origin: Origin, *, session: Session | None = None, path: str = "/"
    ) -> tuple[str, str]:
        """The provider's address for the browser, and the secret of the cookie it brings back.

        ``path`` is where it goes on here. Raises ``NotFound`` (``parties.provider_unknown``), ``Unavailable``, for
        linking ``Denied`` (``parties.second_factor_required``): see :meth:`.Parties.need_shown`.
        """
        if purpose == "link" and session is not None:
            await self._parties.need_shown(session)
        client = self._client(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        redirect = f"{origin.url}/api/v1/session/oidc/{provider}/callback"
        data = {
            "provider": provider,
            "purpose": purpose,
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "redirect": redirect,
            "session": session.id if session else None,
            "person": session.person.id if session else None,
            "path": local_path(path),
        }
        parameters = {
            "response_type": "code",
            "client_id": client.settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(dict.fromkeys(["openid", *client.settings.scopes])),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
            .rstrip(b"=")
            .decode(),
            "code_challenge_method": "S256",
        }
        if purpose == "prove":
            parameters |= {"prompt": "login", "max_age": "0"}
        url = await client.authorization_url(parameters)
        return url, await self._parties.ceremonies.begin(_KIND, data, minutes=_MINUTES)

    # --- coming back ---------------------------------------------------------------------------------------------

    async def come_back(self, provider: str, query: Mapping[str, str], cookie: str, origin: Origin) -> Return:
        """Finish what :meth:`leave` began.

        Raises ``Denied`` (``parties.ceremony_over``, ``parties.provider_denied``, ``parties.id_token_refused``, …),
        ``NotSignedIn`` (``parties.identity_unknown``), ``Conflict``, ``Unavailable``.
        """
        client = self._client(provider)
        data = await self._parties.ceremonies.read(_KIND, cookie)
        state = query.get("state", "")
        if data["provider"] != provider or not hmac.compare_digest(data["state"].encode(), state.encode()):
            raise refused("state")
        await self._parties.ceremonies.spend(cookie)
        if query.get("iss", client.settings.issuer) != client.settings.issuer:  # RFC 9207: mixed-up providers
            raise refused("iss")
        if "error" in query or not query.get("code"):
            logger.info("%s sent somebody back: %s", provider, query.get("error", "")[:100])
            raise Denied(
                "The provider did not sign you in.", code="parties.provider_denied", hint="Try again, or another way."
            )
        tokens = await client.exchange(query["code"], data["verifier"], data["redirect"])
        claims = await self._claims(client, tokens, data)
        if data["purpose"] == "sign_in":
            return Return(data["path"], await self._sign_in(client, claims, origin))
        session = await self._same_session(data)
        home = (await self._parties.authority(session)).home()
        acted_by(Actor("person", session.person.id, session.person.name, session.id), home)
        _is("account.identities.add" if data["purpose"] == "link" else "session.proof")
        if data["purpose"] == "link":
            await self._parties.need_shown(session)
            await self._link(client, claims, session.person.id)
            return Return(data["path"], None)
        found = await asyncio.to_thread(self._store.find, client.settings.issuer, claims["sub"])
        if found is None or found[1] != session.person.id or self._stale(claims):
            raise refused("sub")
        return Return(data["path"], await self._parties.prove(session, _factors(client)))

    async def _claims(self, client: ProviderClient, tokens: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        access = str(tokens.get("access_token", ""))
        for again in (False, True):
            try:
                claims: dict[str, Any] = verify(
                    tokens["id_token"],
                    await client.keys(again=again),
                    self._expected(client),
                    nonce=data["nonce"],
                    access_token=access,
                )
            except UnknownKey:
                continue
            return claims
        raise refused("kid")

    def _expected(self, client: ProviderClient) -> Expected:
        settings = client.settings
        return Expected(settings.issuer, settings.client_id, self._clock.now_ms() // 1000, settings.clock_skew_s)

    def _stale(self, claims: dict[str, Any]) -> bool:
        """Whether the person did not sign in there just now, though we asked for it."""
        at = claims.get("auth_time")
        return not isinstance(at, int | float) or at < self._clock.now_ms() / 1000 - _MINUTES * 60

    async def _same_session(self, data: dict[str, Any]) -> Session:
        """The session that left; the browser keeps its cookie to itself on the way back from another site."""
        session = await self._parties.find_by_id(data["session"] or "")
        if session is None or session.person.id != data["person"]:
            raise NotSignedIn(
                "The session that began this has ended.", code="parties.ceremony_over", hint="Sign in and begin again."
            )
        return session

    async def _sign_in(self, client: ProviderClient, claims: dict[str, Any], origin: Origin) -> Opened:
        found = await asyncio.to_thread(self._store.find, client.settings.issuer, claims["sub"])
        if found is None:
            if not client.settings.new_accounts:
                raise NotSignedIn(
                    "Nobody here has this identity.",
                    code="parties.identity_unknown",
                    hint="Sign in another way and link it under My account, or ask an administrator.",
                )
            found = await self._new_account(client, claims)
        identity_id, person_id = found
        await asyncio.to_thread(self._store.touch, identity_id, _label(claims), self._clock.now_ms())
        return await self._parties.open_session(
            person_id,
            origin,
            _factors(client),
            identity_id=identity_id,
            provider_session=str(claims["sid"])[:255] if "sid" in claims else None,
        )

    async def _new_account(self, client: ProviderClient, claims: dict[str, Any]) -> tuple[str, str]:
        """A person with the roles that the settings give newcomers; never one who is here already."""
        wanted = _label(claims)
        for number in range(1, _NAMES_TRIED + 1):
            name = wanted[:60] if number == 1 else f"{wanted[:60]} {number}"
            try:
                person = person_row(name, client.settings.default_roles, None, self._clock.now_ms())
                await self._parties.people.refuse_lookalike(name)
                row = self._row(client, claims, person["id"])
                await asyncio.to_thread(self._store.add, row, person)
            except Conflict as error:
                if error.code == "parties.identity_taken":
                    raise
                continue
            except MillwrightError:  # a name that nobody may have here
                wanted = f"{client.name} user"
                continue
            made = {"roles": person["roles"], "provider": client.name}
            note("person", person["id"], person["name"], after=made, named=True)
            _note_link(row)
            return row["id"], person["id"]
        raise Conflict("No name is free.", code="parties.name_taken", hint="Ask an administrator for an account.")

    # --- linking -------------------------------------------------------------------------------------------------

    async def _link(self, client: ProviderClient, claims: dict[str, Any], person_id: str) -> None:
        found = await asyncio.to_thread(self._store.find, client.settings.issuer, claims["sub"])
        if found is None or found[1] != person_id:
            row = self._row(client, claims, person_id)
            await asyncio.to_thread(self._store.add, row)
            _note_link(row)

    async def unlink(self, session: Session, identity_id: str) -> None:
        """Unlink one of one's identities. Raises ``NotFound`` (``parties.identity_gone``), ``Conflict``
        (``parties.last_way_in``), ``Denied`` (``parties.second_factor_required``)."""
        await self._parties.need_shown(session)
        if all(each.id == identity_id for each in await self.list_of(session.person.id)):
            await self._parties.check_way_in(session.person.id, without="identity")
        if not await asyncio.to_thread(self._store.delete, identity_id, session.person.id):
            raise NotFound("You have no such identity.", code="parties.identity_gone", hint="It may be unlinked.")
        note("identity", identity_id, before={"person_id": session.person.id})

    def _row(self, client: ProviderClient, claims: dict[str, Any], person_id: str) -> dict[str, Any]:
        return {
            "id": new_id("idy"),
            "person_id": person_id,
            "provider": client.name,
            "issuer": client.settings.issuer,
            "subject": claims["sub"],
            "label": _label(claims),
            "created_ms": self._clock.now_ms(),
        }

    # --- signed out there ----------------------------------------------------------------------------------------

    async def signed_out(self, provider: str, token: str) -> None:
        """Back-channel logout: end what the provider's session opened here.

        Raises ``Denied`` (``parties.id_token_refused``), ``Conflict`` (``parties.ceremony_spent``).
        """
        client = self._client(provider)
        for again in (False, True):
            try:
                claims = verify_logout(token, await client.keys(again=again), self._expected(client))
            except UnknownKey:
                continue
            await self._parties.ceremonies.spend_once(
                hashlib.sha256(f"{provider}\0{claims['jti']}".encode()).digest(), minutes=60
            )
            found = await asyncio.to_thread(self._store.find, client.settings.issuer, claims["sub"])
            if found is not None:
                at = claims.get("sid")
                ended = await self._parties.end_sessions_of(found[0], str(at) if at is not None else None)
                home = await self._parties.home_of(found[1])
                note("identity", found[0], after={"sessions_ended": ended}, organisation=home)
            return
        raise refused("kid")

    def _client(self, provider: str) -> ProviderClient:
        client = self._clients.get(provider)
        if client is None:
            raise NotFound(
                "There is no such provider.",
                code="parties.provider_unknown",
                hint="GET /api/v1/session/ways lists all.",
            )
        return client


def _note_link(row: Mapping[str, Any]) -> None:
    made = {name: row[name] for name in ("person_id", "provider", "issuer")}
    note("identity", row["id"], after=made)  # without what they are called there, which is about the person


def _is(action: str) -> None:
    """Say what the way back turned out to be, which its address does not tell."""
    act = current_act()
    if act is not None:
        act.action = action


def _factors(client: ProviderClient) -> list[Factor]:
    return ["oidc", "oidc_second"] if client.settings.second_factor else ["oidc"]


def _label(claims: dict[str, Any]) -> str:
    """What the provider calls somebody, for people to read."""
    for name in ("preferred_username", "name", "email", "sub"):
        value = claims.get(name)
        if isinstance(value, str) and value.strip():
            return "".join(each for each in value.strip() if each.isprintable())[:64]
    return ""
