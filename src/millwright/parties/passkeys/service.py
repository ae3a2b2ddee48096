"""Use cases of passkeys: register, sign in, rename, remove."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import TYPE_CHECKING, Any

import webauthn
from webauthn.helpers import exceptions, structs

from millwright.engines.sql import Records
from millwright.kernel import Clock, Conflict, Denied, Invalid, NotFound, new_id
from millwright.ledger import note
from millwright.parties.ceremonies import new_challenge
from millwright.parties.errors import NotSignedIn
from millwright.parties.model import Session
from millwright.parties.names import clean_name
from millwright.parties.origin import Origin
from millwright.parties.passkeys.model import Challenge, Passkey
from millwright.parties.passkeys.store import PasskeyStore

if TYPE_CHECKING:
    from millwright.parties.service import Opened, Parties

logger = logging.getLogger(__name__)

NODE = "Millwright"
_MOST = 20
_MINUTES = 5.0
_REFUSED = (exceptions.WebAuthnException, ValueError, KeyError, TypeError, AttributeError)


class Passkeys:
    """Registers passkeys, and opens sessions by them."""

    def __init__(self, parties: Parties, records: Records, clock: Clock) -> None:
        self._parties, self._clock = parties, clock
        self._store = PasskeyStore(records)

    async def list_of(self, person_id: str) -> list[Passkey]:
        """A person's passkeys, oldest first."""
        return await asyncio.to_thread(self._store.list, person_id)

    async def begin(self, session: Session, origin: Origin) -> Challenge:
        """What the browser needs to make a passkey for the signed-in person.

        Raises ``Unsupported`` (``parties.passkeys_need_a_name``), ``Conflict`` (``parties.passkeys_enough``),
        ``Denied`` (``parties.second_factor_required``): see :meth:`.Parties.need_shown`.
        """
        await self._parties.need_shown(session)
        known = await asyncio.to_thread(self._store.credential_ids, session.person.id)
        if len(known) >= _MOST:
            raise Conflict(
                f"A person has at most {_MOST} passkeys.", code="parties.passkeys_enough", hint="Remove one first."
            )
        challenge = new_challenge()
        options = webauthn.generate_registration_options(
            rp_id=origin.relying_party,
            rp_name=NODE,
            user_id=session.person.id.encode(),
            user_name=session.person.name,
            challenge=challenge,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        data = {"person": session.person.id, "challenge": base64.b64encode(challenge).decode(), "url": origin.url}
        ceremony = await self._parties.ceremonies.begin("passkey registration", data, minutes=_MINUTES)
        return Challenge(ceremony, json.loads(webauthn.options_to_json(options)))

    async def finish(
        self, session: Session, ceremony: str, credential: dict[str, Any], name: str, origin: Origin
    ) -> tuple[Opened, Passkey]:
        """Keep the passkey that the browser made; the session goes on, proved by it, under a new secret.

        Raises ``Denied`` (``parties.ceremony_over``, ``parties.second_factor_required``), ``Conflict``
        (``parties.ceremony_spent``, ``parties.passkey_known``), ``Invalid`` (``parties.passkey_refused``).
        """
        await self._parties.need_shown(session)
        data = await self._parties.ceremonies.read("passkey registration", ceremony)
        try:
            if data["person"] != session.person.id:
                raise ValueError("begun by somebody else")
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=base64.b64decode(data["challenge"]),
                expected_rp_id=origin.relying_party,
                expected_origin=data["url"],
                require_user_verification=True,
            )
        except _REFUSED as error:
            logger.info("a passkey was not registered: %s", error)
            raise Invalid(
                "The browser's answer does not fit.", code="parties.passkey_refused", hint="Begin again."
            ) from error
        await self._parties.ceremonies.spend(ceremony)
        kept = Passkey(new_id("psk"), clean_name(name), made.credential_backed_up, self._clock.now_ms(), None, None)
        row = {
            "id": kept.id,
            "person_id": session.person.id,
            "credential_id": made.credential_id,
            "public_key": made.credential_public_key,
            "sign_count": made.sign_count,
            "name": kept.name,
            "backed_up": kept.backed_up,
            "created_ms": kept.created_ms,
        }
        await asyncio.to_thread(self._store.add, row)
        shown = {"person_id": session.person.id, "backed_up": kept.backed_up}
        note("passkey", kept.id, after=shown)  # without its name, which is about the person
        return await self._parties.renew(session, ["passkey"]), kept

    async def challenge(self, origin: Origin) -> Challenge:
        """What a browser needs to show one of its passkeys, whoever it belongs to.

        Raises ``Unsupported`` (``parties.passkeys_need_a_name``).
        """
        challenge = new_challenge()
        options = webauthn.generate_authentication_options(
            rp_id=origin.relying_party,
            challenge=challenge,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )
        data = {"challenge": base64.b64encode(challenge).decode(), "url": origin.url}
        ceremony = await self._parties.ceremonies.begin("passkey", data, minutes=_MINUTES)
        return Challenge(ceremony, json.loads(webauthn.options_to_json(options)))

    async def sign_in(self, ceremony: str, credential: dict[str, Any], origin: Origin) -> Opened:
        """Open a session for the person whose passkey signed. Raises as :meth:`verify`."""
        person_id = await self.verify(ceremony, credential, origin)
        return await self._parties.open_session(person_id, origin, ["passkey"])

    async def verify(self, ceremony: str, credential: dict[str, Any], origin: Origin) -> str:
        """The id of the person whose passkey signed.

        Raises ``Denied`` (``parties.ceremony_over``), ``Conflict`` (``parties.ceremony_spent``), ``NotSignedIn``
        (``parties.passkey_wrong``, ``parties.passkey_copied`` when its counter went back).
        """
        data = await self._parties.ceremonies.read("passkey", ceremony)
        try:
            response = webauthn.helpers.parse_authentication_credential_json(credential)
            key = await asyncio.to_thread(self._store.find, response.raw_id)
            handle = response.response.user_handle
            if key is None or (handle is not None and handle != key.person_id.encode()):
                raise ValueError("nobody's passkey")
            shown = webauthn.verify_authentication_response(
                credential=response,
                expected_challenge=base64.b64decode(data["challenge"]),
                expected_rp_id=origin.relying_party,
                expected_origin=data["url"],
                credential_public_key=key.public_key,
                credential_current_sign_count=0,  # the store compares it, and remembers one that went back
                require_user_verification=True,
            )
        except _REFUSED as error:
            logger.info("a passkey was refused: %s", error)
            raise NotSignedIn(
                "This passkey opens nothing here.",
                code="parties.passkey_wrong",
                hint="It may have been removed; sign in another way.",
            ) from error
        await self._parties.ceremonies.spend(ceremony)
        if not await asyncio.to_thread(self._store.use, key, shown.new_sign_count, self._clock.now_ms()):
            note("passkey", key.id, organisation=await self._parties.home_of(key.person_id))
            logger.warning("the counter of passkey %s went back: there may be a copy of it", key.id)
            raise NotSignedIn(
                "The counter of this passkey went back, as it would if somebody had a copy.",
                code="parties.passkey_copied",
                hint="Sign in another way and remove this passkey.",
            )
        return key.person_id

    async def rename(self, session: Session, passkey_id: str, name: str) -> None:
        """Name one of one's passkeys. Raises ``NotFound`` (``parties.passkey_unknown``), ``Invalid``."""
        if not await asyncio.to_thread(self._store.rename, passkey_id, session.person.id, clean_name(name)):
            raise _unknown()
        note("passkey", passkey_id, after={"person_id": session.person.id, "renamed": True})

    async def remove(self, session: Session, passkey_id: str) -> None:
        """Remove one of one's passkeys.

        Raises ``NotFound`` (``parties.passkey_unknown``), ``Conflict`` (``parties.last_way_in``), ``Denied``
        (``parties.second_factor_required``).
        """
        await self._parties.need_shown(session)
        person = session.person
        kept = [each for each in await self.list_of(person.id) if each.id != passkey_id]
        if not kept:
            await self._parties.check_way_in(person.id, without="passkey")
            if self._parties.needs_second_factor(person) and not await self._parties.second_factors.enrolled(person.id):
                raise Denied(
                    "Your role takes a second factor.",
                    code="parties.second_factor_required",
                    hint="Set up an authenticator app first, or add another passkey.",
                )
        if not await asyncio.to_thread(self._store.delete, person.id, passkey_id):
            raise _unknown()
        note("passkey", passkey_id, before={"person_id": person.id})

    async def remove_all(self, person_id: str) -> None:
        """Remove every passkey of a person."""
        await asyncio.to_thread(self._store.delete, person_id)


def _unknown() -> NotFound:
    return NotFound("You have no such passkey.", code="parties.passkey_unknown", hint="It may have been removed.")
