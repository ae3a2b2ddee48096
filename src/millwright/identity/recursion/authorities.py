"""The servers that are asked: in which order, how long, and how they have done so far."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import decode_public_key
from millwright.identity.handle.site import Site, Transport
from millwright.identity.handle.transport import Address, Exchange, NoAnswer, ask
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.credential import decode_credential, signature_holds
from millwright.identity.handle.wire.message import Message, encode_signed_part
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.identity.recursion.errors import NotResolved

Network = IPv4Network | IPv6Network

UDP_WAITS_S: Final = (0.6, 1.2)
TCP_WAIT_S: Final = 3.0
_LIFE_S: Final = 43_200
_MOST_SERVERS: Final = 10_000
_NEAR_S: Final = 0.05
"""Servers whose times differ by less are as near as each other."""
_FLAGS: Final = int(Flag.REQUEST_DIGEST | Flag.PUBLIC_ONLY)
"""Not recursive: two nodes that ask on behalf of others can not send each other round."""
_ANSWERS: Final = frozenset(
    {
        Rc.SUCCESS,
        Rc.HANDLE_NOT_FOUND,
        Rc.VALUE_NOT_FOUND,
        Rc.SERVER_NOT_RESPONSIBLE,
        Rc.SERVICE_REFERRAL,
        Rc.PREFIX_REFERRAL,
    }
)


class Target(Struct, frozen=True):
    """A server that may be asked, in the protocol version of its site; ``public_key`` is what that says (HS_PUBKEY)."""

    address: Address
    primary: bool = True
    version: tuple[int, int] = (2, 11)
    public_key: bytes = b""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others."""
        return self.address.host, self.address.udp_port or self.address.tcp_port or 0


class Asked(Struct, frozen=True):
    """An answer, and whose it is."""

    exchange: Exchange
    target: Target

    @property
    def code(self) -> int:
        """The response code."""
        return self.exchange.message.response_code


class Budget:
    """How many questions one name is worth."""

    def __init__(self, questions: int) -> None:
        self.questions = questions

    def take(self) -> None:
        """Count a question. Raises :class:`NotResolved`."""
        if self.questions <= 0:
            raise NotResolved("hops", "it needs too many questions")
        self.questions -= 1


class _Health:
    __slots__ = ("down_until_s", "rtt_s")

    def __init__(self) -> None:
        self.down_until_s = self.rtt_s = 0.0


class Authorities:
    """Asks one server after the other until one answers, the nearest that is up first.

    ``is_own`` tells the node's own address: asking oneself would be a circle. ``certified``: a server whose key is
    known must sign its answers.
    """

    def __init__(
        self,
        never_ask: Sequence[Network],
        is_own: Callable[[str, int], bool],
        down_s: float,
        *,
        certified: bool = False,
    ) -> None:
        self._never_ask, self._is_own, self._down_s = tuple(never_ask), is_own, down_s
        self._certified = certified
        self._health: OrderedDict[tuple[str, int], _Health] = OrderedDict()
        self.questions = 0
        self.failures: Counter[str] = Counter()
        """Of single servers, by cause."""

    def targets_of(self, sites: Sequence[Site], name: bytes) -> tuple[Target, ...]:
        """The server of each site that has a name."""
        found = []
        for site in sites:
            try:
                server = site.server_of(name)
            except MessageError:
                continue
            address = Address(str(server.address), server.find_port(Transport.UDP), server.find_port(Transport.TCP))
            if address.udp_port or address.tcp_port:
                version = min(site.protocol_version, (2, 11))
                found.append(Target(address, site.primary, version, server.public_key))
        return tuple(found)

    async def ask(self, targets: Sequence[Target], name: bytes, types: tuple[bytes, ...], budget: Budget) -> Asked:
        """The first answer that can be used; *not responsible* is one only when nobody says anything else.

        Raises :class:`NotResolved`.
        """
        cause, problems = "no_server", []
        lame: Asked | None = None
        for target in self._in_order(targets):
            refusal = self._refusal(target)
            if refusal:
                cause = refusal
                problems.append(f"{target.address.host} may not be asked ({refusal.replace('_', ' ')})")
                self.failures[refusal] += 1
                continue
            budget.take()
            try:
                asked = await self._one(target, name, types)
            except NotResolved as failure:
                cause = failure.cause
                problems.append(failure.why)
                self.failures[failure.cause] += 1
                continue
            if asked.code == Rc.SERVER_NOT_RESPONSIBLE:
                lame = lame or asked
                continue
            return asked
        if lame is not None:
            return lame
        raise NotResolved(cause, "; ".join(problems) or "nobody could be asked")

    async def _one(self, target: Target, name: bytes, types: tuple[bytes, ...]) -> Asked:
        certified = self._certified and target.public_key != b""
        message = Message(
            op=Op.RESOLUTION,
            flags=_FLAGS | (int(Flag.CERTIFIED) if certified else 0),
            expires_s=int(time.time()) + _LIFE_S,
            body=encode_request(Resolve(name, (), types)),
        )
        self.questions += 1
        began_s = time.monotonic()
        try:
            found = await ask(
                target.address, message, version=target.version, udp_waits_s=UDP_WAITS_S, tcp_wait_s=TCP_WAIT_S
            )
        except NoAnswer as error:
            self._note(target, None)
            raise NotResolved("unreachable", str(error)) from error
        except MessageError as error:
            self._note(target, None)
            raise NotResolved("malformed", f"{target.address.host}: {error.message}") from error
        took_s = time.monotonic() - began_s
        asked = Asked(found[0], target)
        if len(found) > 1:
            raise NotResolved("malformed", f"{target.address.host} answers without an end")
        if asked.code in (Rc.SERVER_BUSY, Rc.SERVER_BACKUP):
            self._note(target, None)
            raise NotResolved("busy", f"{target.address.host} is busy")
        if certified:
            await self._check(asked)
        self._note(target, took_s)
        if asked.code not in _ANSWERS:
            raise NotResolved("refused", f"{target.address.host} answers with code {asked.code}")
        return asked

    async def _check(self, asked: Asked) -> None:
        """Raise :class:`NotResolved` unless the server has signed what it said, by the key that its site names."""
        host = asked.target.address.host
        try:
            genuine = await asyncio.to_thread(_is_signed, asked)
        except MessageError as error:
            raise NotResolved("malformed", f"{host}: {error.message}") from error
        if not genuine:
            # Not noted as down: whoever sends such answers in its place must not silence it.
            raise NotResolved("not_certified", f"the answer of {host} is not signed by its site's key")

    def _refusal(self, target: Target) -> str:
        host, port = target.key
        try:
            address = ip_address(host)
        except ValueError:
            # A root that was configured by its name.
            return ""
        if any(address in network for network in self._never_ask if network.version == address.version):
            return "address_refused"
        return "own_address" if self._is_own(host, port) else ""

    def _in_order(self, targets: Sequence[Target]) -> list[Target]:
        now_s = time.monotonic()

        def rank(target: Target) -> tuple[bool, int, bool]:
            health = self._health.get(target.key)
            if health is None:
                return False, 0, not target.primary
            return health.down_until_s > now_s, int(health.rtt_s / _NEAR_S), not target.primary

        return sorted(targets, key=rank)

    def _note(self, target: Target, took_s: float | None) -> None:
        health = self._health.setdefault(target.key, _Health())
        self._health.move_to_end(target.key)
        if took_s is None:
            health.down_until_s = time.monotonic() + self._down_s
        else:
            health.down_until_s = 0.0
            health.rtt_s = took_s if not health.rtt_s else health.rtt_s * 0.75 + took_s * 0.25
        while len(self._health) > _MOST_SERVERS:
            self._health.popitem(last=False)

    def is_down(self, target: Target) -> bool:
        """Whether it did not answer when it was asked last, a short while ago."""
        health = self._health.get(target.key)
        return health is not None and health.down_until_s > time.monotonic()

    @property
    def down(self) -> int:
        """How many servers did not answer a short while ago."""
        now_s = time.monotonic()
        return sum(each.down_until_s > now_s for each in self._health.values())


def _is_signed(asked: Asked) -> bool:
    found = asked.exchange
    if not found.message.credential:
        return False
    key, credential = decode_public_key(asked.target.public_key), decode_credential(found.message.credential)
    return signature_holds(key, credential, found.envelope, encode_signed_part(found.message, asked.target.version))
