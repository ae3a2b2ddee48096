"""A client of the Handle System: resolves through referrals, and administers (RFC 3652, 3)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from millwright.identity.handle.authentication import answer_by_key, answer_by_secret
from millwright.identity.handle.errors import (
    MessageError,
    denied,
    handle_exists,
    handle_unknown,
    invalid_handle,
    invalid_value,
    no_answer,
    not_responsible,
    unsupported,
    value_exists,
    values_unknown,
)
from millwright.identity.handle.keys import decode_public_key
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import fold, with_slash
from millwright.identity.handle.site import Server, Service, Site, Transport, decode_site
from millwright.identity.handle.special import (
    HS_SERV,
    HS_SERV_PREFIX,
    PREFIX_SITE_TYPES,
    SITE_TYPES,
    decode_handle_data,
)
from millwright.identity.handle.transport import Address, Exchange, NoAnswer, ask
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.credential import decode_credential, signature_holds
from millwright.identity.handle.wire.message import Message, digest, digest_kind, encode_signed_part
from millwright.identity.handle.wire.requests import (
    Answer,
    OfHandle,
    RemoveValues,
    Request,
    Resolve,
    WithValues,
    encode_request,
)
from millwright.identity.handle.wire.responses import (
    decode_challenge,
    decode_error,
    decode_handles,
    decode_resolved,
)
from millwright.kernel import MillwrightError

MAX_REFERRALS = 10
_FLAGS = Flag.REQUEST_DIGEST | Flag.CACHE_CERTIFIED | Flag.RECURSIVE
_LIFE_S = 43_200


class Credentials(Protocol):
    """How somebody proves who they are."""

    @property
    def who(self) -> Reference:
        """The value that holds the key."""

    def answer(self, nonce: bytes, request_digest: bytes, version: tuple[int, int]) -> Answer:
        """The answer to a challenge."""


class SecretCredentials(Struct, frozen=True):
    """By the secret of an HS_SECKEY."""

    who: Reference
    secret: bytes

    def answer(self, nonce: bytes, request_digest: bytes, version: tuple[int, int]) -> Answer:
        """The answer to a challenge."""
        return answer_by_secret(self.who, self.secret, nonce, request_digest, version)


class KeyCredentials(Struct, frozen=True):
    """By the private key (RSA, DSA, elliptic curve) of an HS_PUBKEY."""

    who: Reference
    key: Any

    def answer(self, nonce: bytes, request_digest: bytes, version: tuple[int, int]) -> Answer:
        """The answer to a challenge."""
        return answer_by_key(self.who, self.key, nonce, request_digest, version)


class HandleClient:
    """Asks servers, from ``root`` on.

    ``certified`` asks for signed answers and refuses others, where a site names its servers' keys. Raises the families
    of the node: ``NotFound``, ``Denied``, ``Invalid``, ``Conflict``, ``Unsupported``; ``Unavailable`` when no server
    gave an answer.
    """

    def __init__(
        self, root: Sequence[Site], credentials: Credentials | None = None, *, certified: bool = False
    ) -> None:
        self._root = tuple(root)
        self._credentials = credentials
        self._certified = certified

    async def resolve(
        self,
        handle: bytes,
        indexes: Sequence[int] = (),
        types: Sequence[bytes] = (),
        *,
        restricted: bool = False,
        authoritative: bool = False,
    ) -> tuple[HandleValue, ...]:
        """The values of a handle; ``restricted`` asks for those of administrators too, with the credentials."""
        request = Resolve(handle, tuple(indexes), tuple(types))
        flags = (0 if restricted else Flag.PUBLIC_ONLY) | (Flag.AUTHORITATIVE if authoritative else 0)
        found = (await self._run(Op.RESOLUTION, request, flags))[0]
        resolved = decode_resolved(found.body)
        if fold(with_slash(resolved.handle)) != fold(with_slash(handle)):
            raise no_answer(handle, "the answer is about another handle")
        return resolved.values

    async def site_info(self) -> Site:
        """What the first server of the root says about its site."""
        found = await self._run(Op.GET_SITE_INFO, OfHandle(b"/"), 0)
        return decode_site(found[0].body)

    async def create(self, handle: bytes, values: Sequence[HandleValue], *, overwrite: bool = False) -> None:
        """Register a handle."""
        flags = Flag.OVERWRITE if overwrite else 0
        await self._run(Op.CREATE_HANDLE, WithValues(handle, tuple(values)), flags)

    async def delete(self, handle: bytes) -> None:
        """Remove a handle."""
        await self._run(Op.DELETE_HANDLE, OfHandle(handle), 0)

    async def add(self, handle: bytes, values: Sequence[HandleValue], *, overwrite: bool = False) -> None:
        """Add values."""
        await self._run(Op.ADD_VALUE, WithValues(handle, tuple(values)), Flag.OVERWRITE if overwrite else 0)

    async def modify(self, handle: bytes, values: Sequence[HandleValue]) -> None:
        """Replace values of the same indexes."""
        await self._run(Op.MODIFY_VALUE, WithValues(handle, tuple(values)), 0)

    async def remove(self, handle: bytes, indexes: Sequence[int]) -> None:
        """Remove values."""
        await self._run(Op.REMOVE_VALUE, RemoveValues(handle, tuple(indexes)), 0)

    async def list_handles(self, prefix_handle: bytes) -> list[bytes]:
        """The handles of a prefix, asked over TCP."""
        found = await self._run(Op.LIST_HANDLES, OfHandle(prefix_handle), 0, tcp_only=True)
        return [handle for each in found for handle in decode_handles(each.body)]

    # --- the way there -----------------------------------------------------------------------------------------------

    async def _run(self, op: int, request: Request, flags: int, *, tcp_only: bool = False) -> list[Exchange]:
        handle = getattr(request, "handle", b"/")
        sites, asked = self._root, set[tuple[Any, ...]]()
        for _ in range(MAX_REFERRALS):
            key = tuple(
                sorted(str(server.address) + str(server.interfaces) for site in sites for server in site.servers)
            )
            if key in asked:
                raise not_responsible(handle, "services refer to one another")
            asked.add(key)
            found = await self._ask_sites(sites, handle, op, request, flags, tcp_only)
            # A message that is continued may end in an error.
            code = found[-1].message.response_code
            if code not in (Rc.SERVICE_REFERRAL, Rc.PREFIX_REFERRAL):
                if code != Rc.SUCCESS:
                    raise _error(handle, code, _text(found[-1]))
                return found
            sites = await self._referred(handle, found[0], prefix=code == Rc.PREFIX_REFERRAL)
        raise not_responsible(handle, f"{MAX_REFERRALS} services refer further")

    async def _referred(self, handle: bytes, found: Exchange, *, prefix: bool) -> tuple[Site, ...]:
        try:
            referral = decode_resolved(found.body)
            values = referral.values
            if not values:
                # Only a service handle was named: what it says counts, asked from the root on.
                values = await self._root_values(handle, referral.handle)
            site_types, service_type = (PREFIX_SITE_TYPES, HS_SERV_PREFIX) if prefix else (SITE_TYPES, HS_SERV)
            sites = [decode_site(each.data) for each in values if each.is_type(*site_types)]
            for each in values:
                if each.is_type(service_type) and not sites:
                    named = await self._root_values(handle, decode_handle_data(each.data))
                    sites = [decode_site(value.data) for value in named if value.is_type(*SITE_TYPES)]
        except MessageError as error:
            raise no_answer(handle, f"a referral cannot be read: {error.message}") from error
        if not sites:
            raise not_responsible(handle, "a referral names no site")
        return tuple(sites)

    async def _root_values(self, handle: bytes, service: bytes) -> tuple[HandleValue, ...]:
        if fold(service) == fold(handle):
            raise not_responsible(handle, "a service is to be found through itself")
        found = await self._ask_sites(
            self._root, service, Op.RESOLUTION, Resolve(service, (), (*SITE_TYPES, HS_SERV)), Flag.PUBLIC_ONLY, False
        )
        if found[0].message.response_code != Rc.SUCCESS:
            raise not_responsible(handle, "the service that it is referred to is not known")
        return decode_resolved(found[0].body).values

    async def _ask_sites(
        self, sites: tuple[Site, ...], handle: bytes, op: int, request: Request, flags: int, tcp_only: bool
    ) -> list[Exchange]:
        administers = op not in (Op.RESOLUTION, Op.GET_SITE_INFO)
        problems = []
        for site in sorted(sites, key=lambda each: not each.primary):
            if administers and not site.primary:
                continue
            server = site.server_of(handle)
            try:
                found = await self._ask_server(site, server, op, request, flags, administers, tcp_only)
            except (NoAnswer, MessageError) as error:
                problems.append(str(error))
                continue
            if found[0].message.response_code in (Rc.SERVER_BUSY, Rc.SERVER_BACKUP):
                problems.append(f"{server.address} is busy")
                continue
            return found
        raise no_answer(handle, "; ".join(problems) or "it has no primary site")

    async def _ask_server(
        self, site: Site, server: Server, op: int, request: Request, flags: int, administers: bool, tcp_only: bool
    ) -> list[Exchange]:
        service = Service.ADMINISTRATION if administers else Service.RESOLUTION
        address = Address(
            str(server.address), server.find_port(Transport.UDP, service), server.find_port(Transport.TCP, service)
        )
        version = min(site.protocol_version, (2, 11))
        asked = _FLAGS | flags | (Flag.CERTIFIED if self._certified and server.public_key else 0)
        message = Message(op=op, flags=asked, expires_s=int(time.time()) + _LIFE_S, body=encode_request(request))
        found = await ask(address, message, version=version, tcp_only=tcp_only)
        self._verify(server, found, version, asked)
        if found[0].message.response_code != Rc.AUTHENTICATION_NEEDED:
            return found
        if self._credentials is None:
            raise denied("it asks for authentication and there are no credentials", Rc.AUTHENTICATION_NEEDED)
        # What is signed is the digest made here, of the kind the server can compare and no weaker than its version's:
        # a server cannot have something else signed.
        challenge = found[0]
        kind = max(challenge.digest_kind, digest_kind(version))
        own = digest(kind, encode_signed_part(message, version))
        spoken = max(challenge.envelope.version, version)
        answer = self._credentials.answer(decode_challenge(challenge.body), own, spoken)
        reply = Message(op=Op.CHALLENGE_RESPONSE, flags=asked, expires_s=message.expires_s, body=encode_request(answer))
        found = await ask(address, reply, session_id=found[0].envelope.session_id, version=version, tcp_only=tcp_only)
        self._verify(server, found, version, asked)
        return found

    def _verify(self, server: Server, found: list[Exchange], version: tuple[int, int], asked: int) -> None:
        if not asked & Flag.CERTIFIED:
            return
        key = decode_public_key(server.public_key)
        for each in found:
            if not each.message.credential:
                raise NoAnswer(f"{server.address} did not sign its answer")
            credential = decode_credential(each.message.credential)
            if not signature_holds(key, credential, each.envelope, encode_signed_part(each.message, version)):
                raise NoAnswer(f"the answer is not signed by the key of {server.address}")


def _text(found: Exchange) -> str:
    try:
        return decode_error(found.body)
    except MessageError:
        return ""


def _error(handle: bytes, code: int, text: str) -> MillwrightError:
    name = Rc(code).name.lower().replace("_", " ") if code in Rc.__members__.values() else f"code {code}"
    why = f"{name}: {text}" if text else name
    match code:
        case Rc.HANDLE_NOT_FOUND:
            return handle_unknown(handle)
        case Rc.VALUE_NOT_FOUND:
            return values_unknown(handle)
        case Rc.HANDLE_ALREADY_EXISTS:
            return handle_exists(handle)
        case Rc.VALUE_ALREADY_EXISTS:
            return value_exists(0)
        case Rc.INVALID_HANDLE:
            return invalid_handle(handle, why)
        case Rc.VALUE_INVALID:
            return invalid_value(why)
        case Rc.SERVER_NOT_RESPONSIBLE:
            return not_responsible(handle, why)
        case Rc.OPERATION_DENIED:
            return unsupported(f"What was asked ({why})")
    if Rc.INVALID_ADMIN <= code <= Rc.AUTHENTICATION_ERROR:
        return denied(why, code)
    return no_answer(handle, f"the server says {why}", response_code=code)


__all__ = ["Credentials", "HandleClient", "KeyCredentials", "SecretCredentials"]
