"""From a record's signatures, up the chain of certificates, to a verdict.

The rules are those of Handle.Net's ``ChainBuilder`` and ``ChainVerifier``: the issuer's certificate is found where the
signature's ``chain`` says, otherwise in the issuer's own handle; the subject of each is the issuer of the one below;
each must be within its time and permit to sign for *this* handle. A chain ends at a root: there one of the trusted
keys must have signed, so a root's own certificate need not be found.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any, Final

from millwright.identity import base64url
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.jwk import fingerprint_of, key_of
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import fold
from millwright.identity.handle.special import HS_CERT, HS_SIGNATURE
from millwright.identity.handle.trust.claims import covered, read_reference
from millwright.identity.handle.trust.jws import SM2_NAMES, SignedClaims, decode_signature
from millwright.identity.handle.trust.model import State, Verdict
from millwright.identity.handle.trust.permissions import permits
from millwright.identity.handle.trust.roots import Roots

MAX_CHAIN: Final = 10
"""Signatures from the record up to the root; Handle.Net takes 50."""
MAX_SIGNATURES: Final = 8
"""Signatures of one record that are looked at."""
MAX_CERTIFICATES: Final = 16
"""Certificates of one handle that are looked at."""
MAX_CHECKS: Final = 40
"""Signatures verified for one record."""
_SM2_WEIGHT: Final = 4
"""One of SM2, which takes a hundred times as long, counts as so many."""
_SLOW_AT_ONCE: Final = 2
_REMEMBERED: Final = 2_000
_MOST_KEPT_BYTES: Final = 8_192

FindValues = Callable[[bytes], Awaitable[Sequence[HandleValue] | None]]
"""The public values of a handle; ``None`` when there is none. Raises :class:`NotFetched` when nobody could say."""


class NotFetched(Exception):
    """A handle with a certificate could not be read now."""


class _Failed(Exception):
    def __init__(self, state: State, reason: str, text: str) -> None:
        super().__init__(text)
        self.state, self.reason, self.text = state, reason, text


class _Checks:
    """How many more signatures may be verified."""

    def __init__(self) -> None:
        self.left = MAX_CHECKS

    def take(self, signed: SignedClaims) -> None:
        self.left -= _SM2_WEIGHT if signed.algorithm in SM2_NAMES else 1
        if self.left < 0:
            raise _Failed("untrusted", "too_long", "It needs too many signatures to be verified.")


class RecordVerifier:
    """Judges records. Certificates that were found good are remembered, so most records cost one verification."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        self._slowly = asyncio.Semaphore(_SLOW_AT_ONCE)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._read: OrderedDict[bytes, tuple[SignedClaims, Any]] = OrderedDict()
        self.verified = 0
        """Signatures that were verified."""

    async def verdict(self, handle: bytes, values: Sequence[HandleValue], find: FindValues, now_s: int) -> Verdict:
        """What the public values of a record are worth. Raises nothing."""
        public = [each for each in values if each.public]
        signatures = [each for each in public if each.is_type(HS_SIGNATURE)]
        if not signatures:
            return Verdict(state="unsigned", reason="no_signature", text="It has no signature.")
        wanted = [each for each in public if not each.is_type(HS_SIGNATURE)]
        trusted: set[int] = set()
        contradicted: set[int] = set()
        failures: list[_Failed] = []
        counted: tuple[str, tuple[str, ...], list[int]] = ("", (), [])
        checks = _Checks()
        for value in signatures[:MAX_SIGNATURES]:
            try:
                signed, good, bad = _read(handle, value, wanted)
                contradicted |= bad
                if not good and wanted:
                    raise _Failed("broken", "changed", "No value is as it was signed.")
                chain, ends = await self._climb(signed, handle, find, now_s, checks)
            except _Failed as failure:
                failures.append(failure)
                continue
            trusted |= good
            counted = (counted[0] or signed.claims.iss, counted[1] or chain, counted[2] + ends)
        open_indexes = sorted({each.index for each in wanted} - trusted)
        if not open_indexes and counted[0]:
            return Verdict(state="valid", signer=counted[0], chain=counted[1], until_s=min(counted[2], default=None))
        return self._bad(open_indexes, contradicted, failures, signer=counted[0])

    def _bad(self, open_indexes: list[int], contradicted: set[int], failures: list[_Failed], *, signer: str) -> Verdict:
        told = ", ".join(map(str, open_indexes[:10]))
        for failure in failures:
            if failure.state == "broken":
                return Verdict(state="broken", reason=failure.reason, text=failure.text)
        changed = sorted(contradicted & set(open_indexes))
        if changed:
            told = ", ".join(map(str, changed[:10]))
            return Verdict(state="broken", reason="changed", text=f"Not as it was signed: value {told}.")
        if signer:
            return Verdict(state="broken", reason="uncovered", text=f"Signed, but without value {told}.")
        failure = failures[0]
        return Verdict(state="untrusted", reason=failure.reason, text=failure.text)

    async def _climb(
        self, first: SignedClaims, handle: bytes, find: FindValues, now_s: int, checks: _Checks
    ) -> tuple[tuple[str, ...], list[int]]:
        """Who vouches for a signature up to the root, and when what expires. Raises :class:`_Failed`."""
        child, rest, way, ends = first, list[str](), list[str](), list[int]()
        seen: set[Reference] = set()
        for step in range(MAX_CHAIN):
            claims = child.claims
            _check_time(claims.exp, claims.nbf, now_s, "signature" if step == 0 else "certificate")
            if claims.exp is not None:
                ends.append(claims.exp)
            issuer = _reference(claims.iss)
            way.append(claims.iss)
            if fold(issuer.handle) in self.roots.handles:
                if not await self._by_root(child, checks, remember=step > 0):
                    raise _Failed("untrusted", "no_root", "Its chain ends at a root whose key is not trusted here.")
                return tuple(way), ends
            if claims.iss == claims.sub:
                raise _Failed("untrusted", "no_root", f"{claims.iss} vouches for itself and is no trusted root.")
            if not rest:
                rest = list(claims.chain[:MAX_CHAIN]) if claims.chain else [issuer.handle.decode()]
            link = _reference(rest.pop(0))
            place = Reference(fold(link.handle), link.index)
            if place in seen:
                raise _Failed("untrusted", "loop", "Its certificates vouch for one another.")
            seen.add(place)
            child = await self._parent(child, link, find, checks, first=step == 0)
            if not permits(child.claims.perms or (), handle):
                raise _Failed("untrusted", "not_permitted", f"{claims.iss} may not sign for this identifier.")
        raise _Failed("untrusted", "too_long", f"Its chain has more than {MAX_CHAIN} certificates.")

    async def _parent(
        self, child: SignedClaims, link: Reference, find: FindValues, checks: _Checks, *, first: bool
    ) -> SignedClaims:
        """The certificate of a signature's issuer, by whose key it is signed. Raises :class:`_Failed`."""
        named = link.handle.decode()
        try:
            values = await find(link.handle)
        except NotFetched as error:
            raise _Failed("untrusted", "unreachable", f"{named}, with a certificate, could not be read.") from error
        fitting = (
            each for each in values or () if each.public and each.is_type(HS_CERT) and link.index in (0, each.index)
        )
        read = (self._certificate(each.data) for each in islice(fitting, MAX_CERTIFICATES))
        about = [each for each in read if each is not None and _same(each[0].claims.sub, child.claims.iss)]
        if not about:
            raise _Failed("untrusted", "no_certificate", f"There is no certificate of {child.claims.iss} at {named}.")
        about.sort(key=lambda each: each[0].claims.iat or 0, reverse=True)
        for certificate, key in about:
            if await self._signed_by(child, key, checks, remember=not first):
                return certificate
        if first:
            raise _Failed("broken", "wrong_signature", f"Its signature is not by the key of {child.claims.iss}.")
        raise _Failed("broken", "forged_certificate", f"A certificate is not by the key of {child.claims.iss}.")

    def _certificate(self, data: bytes) -> tuple[SignedClaims, Any] | None:
        """A certificate and its key; ``None`` for what is none. It is not verified."""
        found = self._read.get(data)
        if found is None:
            try:
                signed = decode_signature(data)
                found = signed, key_of(signed.claims.public_key)
            except MessageError:
                return None
            if len(data) <= _MOST_KEPT_BYTES:
                self._read[data] = found
                if len(self._read) > _REMEMBERED:
                    self._read.popitem(last=False)
        return found

    async def _by_root(self, signed: SignedClaims, checks: _Checks, *, remember: bool) -> bool:
        return await self._checked(signed, b"root", self.roots.signed, checks, remember=remember)

    async def _signed_by(self, signed: SignedClaims, key: Any, checks: _Checks, *, remember: bool) -> bool:
        def by_key(given: SignedClaims) -> bool:
            return given.signed_by(key)

        return await self._checked(signed, fingerprint_of(key), by_key, checks, remember=remember)

    async def _checked(
        self,
        signed: SignedClaims,
        by: bytes,
        check: Callable[[SignedClaims], bool],
        checks: _Checks,
        *,
        remember: bool,
    ) -> bool:
        """Whether a signature holds; ``remember``: it is of a certificate, which is met again."""
        mark = b""
        if remember:
            whole = f"{signed.header}.{signed.payload}.{base64url.encode(signed.signature)}.".encode()
            mark = hashlib.sha256(whole + by).digest()
            if mark in self._known:
                self._known.move_to_end(mark)
                return True
        checks.take(signed)
        self.verified += 1
        if signed.algorithm in SM2_NAMES:
            # Tens of milliseconds in Python: few at one time, beside the event loop.
            async with self._slowly:
                good = await asyncio.to_thread(check, signed)
        else:
            good = check(signed)
        if good and remember:
            self._known[mark] = None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return good


def _read(handle: bytes, value: HandleValue, wanted: Sequence[HandleValue]) -> tuple[SignedClaims, set[int], set[int]]:
    """A signature, and the values that it matches and contradicts. Raises :class:`_Failed`."""
    try:
        signed = decode_signature(value.data)
        if fold(signed.claims.sub.encode()) != fold(handle):
            raise _Failed("broken", "other_handle", f"Value {value.index} signs {signed.claims.sub[:200]}, not this.")
        good, bad = covered(signed.claims, wanted)
    except MessageError as error:
        raise _Failed("broken", "malformed", f"Value {value.index} is no signature of a record.") from error
    return signed, good, bad


def _reference(text: str) -> Reference:
    try:
        return read_reference(text)
    except MessageError as error:
        raise _Failed("broken", "malformed", "A signature or certificate names no issuer.") from error


def _same(subject: str, issuer: str) -> bool:
    return fold(subject.encode()) == fold(issuer.encode())


def _check_time(exp: int | None, nbf: int | None, now_s: int, what: str) -> None:
    if exp is not None and now_s > exp:
        raise _Failed("untrusted", "expired", f"A {what} has expired.")
    if nbf is not None and now_s < nbf:
        raise _Failed("untrusted", "not_yet", f"A {what} does not hold yet.")
