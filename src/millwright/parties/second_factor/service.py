"""Use cases of second factors: set up, verify, remove."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import secrets as random
from typing import TYPE_CHECKING

from millwright.engines.secrets import purpose_of
from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Denied, Invalid, NotFound
from millwright.ledger import note
from millwright.parties.authority import Authority
from millwright.parties.errors import NotSignedIn
from millwright.parties.model import Factor, Session
from millwright.parties.origin import Origin
from millwright.parties.second_factor import totp
from millwright.parties.second_factor.model import Enrolment, RecoveryCodes, SecondFactorState
from millwright.parties.second_factor.store import AUTHENTICATOR, SecondFactorStore

if TYPE_CHECKING:
    from millwright.engines.secrets import Secrets
    from millwright.parties.service import Opened, Parties

logger = logging.getLogger(__name__)

NODE = "Millwright"
"""What an authenticator app calls the entry."""

_CODES = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")


class SecondFactors:
    """Authenticator apps and recovery codes."""

    def __init__(self, parties: Parties, records: Records, secrets: Secrets, clock: Clock) -> None:
        self._parties, self._secrets, self._clock = parties, secrets, clock
        self._store = SecondFactorStore(records)

    async def enrolled(self, person_id: str) -> bool:
        """Whether this person's password is followed by a code."""
        return await asyncio.to_thread(self._store.find, person_id) is not None

    async def state(self, session: Session) -> SecondFactorState:
        """What the signed-in person has."""
        found = await asyncio.to_thread(self._store.find, session.person.id)
        return SecondFactorState(
            authenticator=found is not None,
            created_ms=found.created_ms if found else None,
            last_used_ms=found.last_used_ms if found else None,
            recovery_codes_left=len(await asyncio.to_thread(self._store.salts, session.person.id)),
            required=self._parties.needs_second_factor(session.person),
        )

    async def begin(self, session: Session) -> Enrolment:
        """A new secret for the signed-in person's app; nothing is kept before a first code confirms it.

        Raises ``Denied`` (``parties.second_factor_required``): see :meth:`.Parties.need_shown`.
        """
        await self._parties.need_shown(session)
        secret = totp.new_secret()
        data = {"person": session.person.id, "secret": base64.b64encode(secret).decode()}
        ceremony = await self._parties.ceremonies.begin("authenticator", data, minutes=15)
        return Enrolment(ceremony, totp.to_text(secret), totp.to_uri(secret, session.person.name, NODE))

    async def confirm(self, session: Session, ceremony: str, code: str) -> tuple[Opened, RecoveryCodes]:
        """Keep the app that showed ``code``; the session goes on, with the second factor, under a new secret.

        Raises ``Denied`` (``parties.ceremony_over``, ``parties.second_factor_required``), ``Invalid``
        (``parties.code_wrong``).
        """
        await self._parties.need_shown(session)
        data = await self._parties.ceremonies.read("authenticator", ceremony)
        secret = base64.b64decode(data["secret"])
        now = self._clock.now_ms()
        step = totp.find_step(secret, _bare(code), now)
        if data["person"] != session.person.id or step is None:
            raise Invalid(
                "This is not the app's present code.",
                code="parties.code_wrong",
                hint="Type the newest code; check that the telephone's clock is set by the network.",
            )
        await self._parties.ceremonies.spend(ceremony)
        codes = [_new_code() for _ in range(_CODES)]
        purpose = purpose_of(AUTHENTICATOR, session.person.id)
        sealed = await asyncio.to_thread(self._secrets.seal, purpose, secret)
        kept = [_salted(code) for code in codes]
        await asyncio.to_thread(self._store.replace, session.person.id, sealed, step, kept, now)
        set_up = {"authenticator_set": True, "recovery_codes": len(codes)}
        note("person", session.person.id, session.person.name, after=set_up, named=True)
        return await self._parties.renew(session, ["totp"]), RecoveryCodes(codes)

    async def new_codes(self, session: Session) -> RecoveryCodes:
        """Ten new recovery codes.

        Raises ``Conflict`` (``parties.no_second_factor``) when there is no app, ``Denied``
        (``parties.second_factor_required``).
        """
        await self._parties.need_shown(session)
        if not await self.enrolled(session.person.id):
            raise Conflict(
                "Recovery codes stand in for an authenticator app, and there is none.",
                code="parties.no_second_factor",
                hint="Set one up first.",
            )
        codes = [_new_code() for _ in range(_CODES)]
        await asyncio.to_thread(self._store.replace_codes, session.person.id, [_salted(code) for code in codes])
        made = {"recovery_codes": len(codes)}
        note("person", session.person.id, session.person.name, after=made, named=True)
        return RecoveryCodes(codes)

    async def remove(self, session: Session) -> None:
        """Ask for no code any more.

        Raises ``NotFound`` (``parties.no_second_factor``), ``Denied`` (``parties.second_factor_required``) when the
        policy asks for one and the person has no passkey instead, or did not show the one there is.
        """
        await self._parties.need_shown(session)
        if self._parties.needs_second_factor(session.person) and not await self._parties.passkeys.list_of(
            session.person.id
        ):
            raise Denied(
                "Your role takes a second factor.",
                code="parties.second_factor_required",
                hint="Add a passkey first, or set up the new app over the old one.",
            )
        if not await asyncio.to_thread(self._store.delete, session.person.id):
            raise NotFound("There is no authenticator app.", code="parties.no_second_factor", hint="Nothing to remove.")
        was = {"authenticator": True}
        note("person", session.person.id, session.person.name, before=was, after={"authenticator": False}, named=True)

    async def reset(self, authority: Authority, person_id: str) -> None:
        """Forget the app, recovery codes and passkeys of somebody who lost them all.

        It concerns the whole person, so it takes people:manage wherever they belong. Raises ``NotFound``
        (``parties.person_unknown``), ``Denied`` (``parties.person_of_others``).
        """
        account = await self._parties.people.need_manageable(authority, person_id)
        whose = await self._parties.people.whose(authority, person_id)
        await asyncio.to_thread(self._store.delete, person_id)
        await self._parties.passkeys.remove_all(person_id)
        done = {"second_factors_reset": True}
        note("person", person_id, account.name, after=done, named=True, organisation=whose)
        await self._parties.end_all_sessions(person_id)

    async def sign_in(self, ceremony: str, code: str, origin: Origin) -> Opened:
        """The second step: open the session that the right password began.

        Raises ``NotSignedIn`` (``parties.code_wrong``), ``Denied`` (``parties.ceremony_over``), ``LimitExceeded``.
        """
        person_id: str = (await self._parties.ceremonies.read("second step", ceremony))["person"]
        factor = await self.verify(person_id, code, origin)
        await self._parties.ceremonies.spend(ceremony)
        return await self._parties.open_session(person_id, origin, ["password", factor])

    async def verify(self, person_id: str, code: str, origin: Origin) -> Factor:
        """Take a code of the app, or a recovery code. Raises ``NotSignedIn`` (``parties.code_wrong``; a code that was
        used before is wrong too), ``LimitExceeded`` (``parties.sign_in_slowed``)."""
        name = f"\0code {person_id}"
        browser = await self._parties.guesses.charge(name, origin, person_id)
        factor = await asyncio.to_thread(self._take, person_id, _bare(code))
        if factor is None:
            note("person", person_id, organisation=await self._parties.home_of(person_id))
            logger.warning("a code was refused for %s from %s", person_id, origin.address)
            raise NotSignedIn(
                "The code is wrong, or was used before.",
                code="parties.code_wrong",
                hint="Wait for the next code of the app, or use a recovery code.",
            )
        self._parties.guesses.refund(name, origin, browser)
        return factor

    def _take(self, person_id: str, code: str) -> Factor | None:
        now = self._clock.now_ms()
        if len(code) == totp.DIGITS:
            found = self._store.find(person_id)
            if found is None:
                return None
            step = totp.find_step(self._secrets.open(purpose_of(AUTHENTICATOR, person_id), found.secret), code, now)
            return "totp" if step is not None and self._store.use_step(person_id, step, now) else None
        digests = [_digest(salt, code) for salt in self._store.salts(person_id)]
        return "recovery" if self._store.use_code(person_id, digests, now) else None


def _bare(code: str) -> str:
    """A code as it is compared: grouped however, in any case, O for 0 and I for 1 (Crockford's base 32)."""
    return "".join(each for each in code.upper() if each.isalnum()).translate(_READ_AS)[:64]


def _new_code() -> str:
    """Sixteen characters in four groups: 80 random bits."""
    text = "".join(random.choice(_ALPHABET) for _ in range(16))
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def _salted(code: str) -> tuple[bytes, bytes]:
    salt = os.urandom(16)
    return salt, _digest(salt, _bare(code))


def _digest(salt: bytes, code: str) -> bytes:
    """SHA-256 is enough for what 80 random bits hide; the salt keeps one try from meeting every code."""
    return hashlib.sha256(salt + code.encode("utf-8", "replace")).digest()
