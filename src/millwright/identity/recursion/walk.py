"""The way down the tree: from the deepest server that is known, by referrals, to the one that is responsible.

A referral counts only when it leads down: it names a prefix that the name stands under and that is longer than the one
whose server has sent it. So no server can speak for names outside of its own prefix, and a way has an end.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import TTL_ABSOLUTE, HandleValue
from millwright.identity.handle.naming import PREFIX_HANDLES, fold, named_prefix, prefix_handle, prefix_of, with_slash
from millwright.identity.handle.resolution import Finding
from millwright.identity.handle.site import decode_site
from millwright.identity.handle.special import (
    HS_SERV,
    HS_SERV_PREFIX,
    PREFIX_SITE_TYPES,
    SITE_TYPES,
    decode_handle_data,
)
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.handle.wire.responses import Resolved, decode_error, decode_resolved
from millwright.identity.records.authority import candidates
from millwright.identity.recursion.authorities import Asked, Authorities, Budget, Target
from millwright.identity.recursion.errors import NotResolved

MAX_HOPS: Final = 10
"""Referrals that are followed for one name."""
MAX_QUESTIONS: Final = 24
"""Servers that are asked for one name, with all that is needed on the way."""
_MOST_DELEGATIONS: Final = 10_000
_MOST_SITES: Final = 16
_MOST_NESTED: Final = 3
_MIN_REFERRAL_S: Final = 5


class Zone(Struct, frozen=True):
    """Who is asked for names below a prefix (folded; empty for all).

    ``below``: of names of prefixes derived from it, or of names of other systems below it; otherwise of its own.
    """

    prefix: bytes
    targets: tuple[Target, ...]
    below: bool = True
    expires_s: float = float("inf")


class Said(Struct, frozen=True):
    """What the responsible server said: values that the public may read, of a name that is there, or why not."""

    code: int
    values: tuple[HandleValue, ...] = ()
    handle: bytes = b""
    text: str = ""


class Delegations:
    """Prefixes whose servers are known, for the time that was said."""

    def __init__(self, max_ttl_s: float, now_s: Callable[[], float]) -> None:
        self._max_ttl_s, self._now_s = max_ttl_s, now_s
        self._zones: OrderedDict[tuple[bytes, bool], Zone] = OrderedDict()

    def nearest(self, name: bytes) -> Zone | None:
        """The longest prefix of a folded name whose servers are known."""
        now_s = self._now_s()
        own, about = prefix_of(name), named_prefix(name)
        for prefix in candidates(name):
            if prefix == about:
                # What is known of a prefix is asked of whoever has given it.
                continue
            key = prefix, prefix != own
            zone = self._zones.get(key)
            if zone is not None:
                if zone.expires_s > now_s:
                    self._zones.move_to_end(key)
                    return zone
                del self._zones[key]
        return None

    def put(self, zone: Zone) -> None:
        """Remember one."""
        self._zones[zone.prefix, zone.below] = zone
        while len(self._zones) > _MOST_DELEGATIONS:
            self._zones.popitem(last=False)

    def drop(self, zone: Zone) -> None:
        """Forget one: its servers do not answer, or it is not theirs."""
        self._zones.pop((zone.prefix, zone.below), None)

    def until(self, values: Sequence[HandleValue]) -> float:
        """Until when a referral may be remembered."""
        now_s = self._now_s()
        ttl_s = min((time_to_live(each, now_s) for each in values), default=0.0)
        return now_s + max(_MIN_REFERRAL_S, min(ttl_s, self._max_ttl_s))

    def clear(self) -> None:
        """Forget all."""
        self._zones.clear()

    def __len__(self) -> int:
        return len(self._zones)


def time_to_live(value: HandleValue, now_s: float) -> float:
    """How many seconds a value may be kept."""
    return max(0.0, value.ttl - now_s) if value.ttl_type == TTL_ABSOLUTE else float(value.ttl)


class Walker:
    """Resolves names by asking. ``roots`` are asked for what nobody else is known to answer for."""

    def __init__(
        self, roots: Sequence[Target], authorities: Authorities, delegations: Delegations, timeout_s: float
    ) -> None:
        self._root = Zone(b"", tuple(roots))
        self._authorities, self._delegations = authorities, delegations
        self._timeout_s = timeout_s
        self.failures: Counter[str] = Counter()
        """Of whole names, by cause."""

    async def resolve(self, name: bytes, referral: Finding | None = None) -> Said:
        """What the responsible server says of a name; ``referral`` is what this node itself would have said.

        Raises :class:`NotResolved`.
        """
        budget = Budget(MAX_QUESTIONS)
        try:
            async with asyncio.timeout(self._timeout_s):
                start = None
                if referral is not None:
                    code, body = referral
                    start = await self._referred(name, fold(name), self._root, code, body, budget, ())
                return await self._resolve(name, start, budget, ())
        except TimeoutError:
            failure = NotResolved("timeout", f"no answer within {self._timeout_s:g} s")
        except NotResolved as error:
            failure = error
        self.failures[failure.cause] += 1
        if failure.cause == "lame":
            # Also of a prefix that was suspended or has expired: it must end to resolve.
            return Said(Rc.SERVER_NOT_RESPONSIBLE, text=failure.why)
        raise failure

    async def _resolve(
        self,
        name: bytes,
        start: Zone | None,
        budget: Budget,
        on_the_way: tuple[bytes, ...],
        types: tuple[bytes, ...] = (),
    ) -> Said:
        folded = fold(with_slash(name))
        if folded in on_the_way or len(on_the_way) >= _MOST_NESTED:
            raise NotResolved("loop", "services are to be found through one another")
        way = (*on_the_way, folded)
        known = start or self._delegations.nearest(folded)
        zone = known or self._root
        if known is not None:
            try:
                return await self._down(name, folded, zone, budget, way, types)
            except NotResolved as failure:
                if start is not None or failure.cause not in ("unreachable", "lame", "busy", "no_server"):
                    raise
                # The prefix may have moved since.
                self._delegations.drop(known)
        return await self._down(name, folded, self._root, budget, way, types)

    async def _down(
        self, name: bytes, folded: bytes, zone: Zone, budget: Budget, way: tuple[bytes, ...], types: tuple[bytes, ...]
    ) -> Said:
        for _ in range(MAX_HOPS):
            asked = await self._authorities.ask(zone.targets, name, types, budget)
            if asked.code in (Rc.SERVICE_REFERRAL, Rc.PREFIX_REFERRAL):
                zone = await self._referred(name, folded, zone, asked.code, asked.exchange.body, budget, way)
                continue
            if asked.code != Rc.SERVER_NOT_RESPONSIBLE:
                return _said(folded, asked)
            if zone.prefix:
                # It was referred to and does not know of it.
                raise NotResolved("lame", _text(asked) or f"{asked.target.address.host} does not keep names like this.")
            found = await self._by_prefix_handle(folded, zone, budget, way)
            if found is None:
                return Said(Rc.SERVER_NOT_RESPONSIBLE, text=_text(asked))
            zone = found
        raise NotResolved("hops", f"{MAX_HOPS} servers refer further")

    async def _referred(
        self, name: bytes, folded: bytes, zone: Zone, code: int, body: bytes, budget: Budget, way: tuple[bytes, ...]
    ) -> Zone:
        try:
            referral = decode_resolved(body)
        except MessageError as error:
            raise NotResolved("malformed", f"a referral cannot be read: {error.message}") from error
        derived = code == Rc.PREFIX_REFERRAL
        if not referral.values:
            # Only a service was named. Nothing can be longer than the name's own prefix, so this is the last step.
            own = next(iter(candidates(folded)), prefix_of(folded))
            self._check_lower(zone, own, folded)
            return Zone(own, await self._service(name, referral.handle, budget, way), below=False)
        prefix = named_prefix(fold(with_slash(referral.handle)))
        if prefix is None:
            raise NotResolved("upward", "a referral names no prefix")
        self._check_lower(zone, prefix, folded)
        found = await self._zone_of(name, prefix, referral, derived=derived, budget=budget, way=way)
        if found is None:
            raise NotResolved("no_server", "a referral names no site")
        return found

    def _check_lower(self, zone: Zone, prefix: bytes, folded: bytes) -> None:
        """Raise unless a prefix lies on the way from a zone down to a name."""
        if len(prefix) <= len(zone.prefix) or prefix not in candidates(folded) or prefix == PREFIX_HANDLES:
            raise NotResolved("upward", "a referral does not lead down")

    async def _zone_of(
        self, name: bytes, prefix: bytes, said: Resolved, *, derived: bool, budget: Budget, way: tuple[bytes, ...]
    ) -> Zone | None:
        """Who answers below a prefix, by the values of its prefix handle."""
        site_types, service_type = (PREFIX_SITE_TYPES, HS_SERV_PREFIX) if derived else (SITE_TYPES, HS_SERV)
        named = [each for each in said.values if each.public and each.is_type(*site_types)][:_MOST_SITES]
        targets = self._targets(name, named)
        if not targets:
            for each in said.values:
                if each.is_type(service_type):
                    try:
                        service = decode_handle_data(each.data)
                    except MessageError as error:
                        raise NotResolved("malformed", "a service cannot be read") from error
                    targets = await self._service(name, service, budget, way)
                    named = [each]
                    break
        if not targets:
            return None
        own = fold(prefix_of(with_slash(name)))
        zone = Zone(prefix, targets, prefix != own, self._delegations.until(named))
        self._delegations.put(zone)
        return zone

    def _targets(self, name: bytes, values: Sequence[HandleValue]) -> tuple[Target, ...]:
        try:
            sites = [decode_site(each.data) for each in values]
        except MessageError as error:
            raise NotResolved("malformed", f"a site cannot be read: {error.message}") from error
        return self._authorities.targets_of(sites, name)

    async def _service(self, name: bytes, service: bytes, budget: Budget, way: tuple[bytes, ...]) -> tuple[Target, ...]:
        """The servers of a service handle, which is resolved like any other name, from the root on."""
        found = await self._resolve(service, None, budget, way, (*SITE_TYPES, HS_SERV))
        targets = self._targets(name, [each for each in found.values if each.is_type(*SITE_TYPES)][:_MOST_SITES])
        if not targets:
            raise NotResolved("no_server", "the service that it is referred to has no site")
        return targets

    async def _by_prefix_handle(self, folded: bytes, zone: Zone, budget: Budget, way: tuple[bytes, ...]) -> Zone | None:
        """What a root says of the name's prefix, when it does not refer by itself (RFC 3651, 4)."""
        own = prefix_of(folded)
        if own == PREFIX_HANDLES:
            return None
        try:
            asked = await self._authorities.ask(zone.targets, prefix_handle(own), (*SITE_TYPES, HS_SERV), budget)
            if asked.code != Rc.SUCCESS:
                return None
            said = decode_resolved(asked.exchange.body)
        except MessageError as error:
            raise NotResolved("malformed", f"a prefix handle cannot be read: {error.message}") from error
        if fold(with_slash(said.handle)) != fold(prefix_handle(own)):
            raise NotResolved("mismatch", "an answer is about another name")
        return await self._zone_of(folded, own, said, derived=False, budget=budget, way=way)


def _said(folded: bytes, asked: Asked) -> Said:
    """An answer of who is responsible. Raises :class:`NotResolved` when it is about another name."""
    if asked.code != Rc.SUCCESS:
        return Said(asked.code, text=_text(asked))
    try:
        found = decode_resolved(asked.exchange.body)
    except MessageError as error:
        raise NotResolved("malformed", f"an answer cannot be read: {error.message}") from error
    if fold(with_slash(found.handle)) != folded:
        raise NotResolved("mismatch", "an answer is about another name")
    indexes = [each.index for each in found.values]
    if len(set(indexes)) != len(indexes):
        raise NotResolved("malformed", "an answer has two values of one index")
    return Said(Rc.SUCCESS, tuple(each for each in found.values if each.public), found.handle)


def _text(asked: Asked) -> str:
    try:
        return decode_error(asked.exchange.body)
    except MessageError:
        return ""
