"""Signatures of records of elsewhere: whether one may be given, and where the certificates for that come from."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.naming import fold, with_slash
from millwright.identity.handle.special import HS_CERT
from millwright.identity.handle.trust.model import Verdict
from millwright.identity.handle.trust.roots import read_roots
from millwright.identity.handle.trust.verifying import MAX_CERTIFICATES, NotFetched, RecordVerifier
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.recursion.cache import FAILED, Entry
from millwright.identity.recursion.errors import SIGNATURE, NotResolved, roots_missing
from millwright.identity.recursion.settings import RecursionSettings
from millwright.identity.recursion.walk import Said, time_to_live

_MOST_HOLDERS: Final = 5_000
_LONGEST_S: Final = 3_600.0
"""A certificate that was replaced or withdrawn is noticed after this."""
_UNREAD_S: Final = 5.0

Ask = Callable[[bytes], Awaitable[Said]]
"""Asks who is responsible for a name. Raises :class:`.NotResolved`."""
FindOwn = Callable[[bytes], Sequence[HandleValue] | None]
"""The values of a name that is kept here."""


class _Held:
    __slots__ = ("until_s", "values")

    def __init__(self, values: Sequence[HandleValue] | None, until_s: float) -> None:
        self.values, self.until_s = values, until_s


class Vouching:
    """Judges fetched records by the settings.

    Certificates are asked for like any other name, but are believed only for what is signed in them: it does not matter
    who has said them.
    """

    def __init__(self, settings: RecursionSettings, ask: Ask, find_own: FindOwn, now_s: Callable[[], float]) -> None:
        if not settings.trust_roots:
            raise roots_missing(settings.verify)
        self._settings, self._ask, self._find_own, self._now_s = settings, ask, find_own, now_s
        self._verifier = RecordVerifier(read_roots(settings.trust_roots, settings.trust_root_handles))
        self._held: OrderedDict[bytes, _Held] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Held]] = {}
        self.verdicts: Counter[str] = Counter()

    @property
    def verified(self) -> int:
        """Signatures that were verified."""
        return self._verifier.verified

    async def verdict(self, handle: bytes, values: Sequence[HandleValue]) -> Verdict:
        """What a record is worth. Raises nothing; within the time that a name may take."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                found = await self._verifier.verdict(handle, values, self._find, int(self._now_s()))
        except TimeoutError:
            found = Verdict(state="untrusted", reason="timeout", text="Its certificates could not be read in time.")
        self.verdicts[found.state] += 1
        return found

    async def judged(self, name: bytes, entry: Entry) -> Entry:
        """An entry with what its record is worth; in its place a failure when that is not to be given."""
        if entry.record is None:
            return entry
        settings, verdict = self._settings, await self.verdict(name, entry.record.values)
        if self.refuses(verdict):
            refused = Entry(entry.key, FAILED, None, self._now_s(), settings.failure_ttl_s, verdict.text)
            refused.cause, refused.verdict = SIGNATURE, verdict
            return refused
        entry.verdict = verdict
        if verdict.until_s is not None:
            entry.expires_s = min(entry.expires_s, verdict.until_s + 1)
        if not verdict.lasting:
            entry.expires_s = min(entry.expires_s, self._now_s() + settings.failure_ttl_s)
        entry.refresh_s = min(entry.refresh_s, entry.expires_s)
        return entry

    def refuses(self, verdict: Verdict) -> bool:
        """Whether a record is not given."""
        return verdict.state == "broken" or (self._settings.verify == "required" and verdict.state != "valid")

    def forget(self, name: bytes | None) -> None:
        """Forget the certificates of a name, or all."""
        if name is None:
            self._held.clear()
        else:
            self._held.pop(fold(with_slash(name)), None)

    async def _find(self, name: bytes) -> Sequence[HandleValue] | None:
        name = with_slash(name)
        own = self._find_own(name)
        if own is not None:
            return own
        key = fold(name)
        held = self._held.get(key)
        if held is None or held.until_s <= self._now_s():
            task = self._asking.get(key)
            if task is None:
                task = asyncio.get_running_loop().create_task(self._fetch(key, name), name="certificates")
                self._asking[key] = task
                task.add_done_callback(lambda _: self._asking.pop(key, None))
            held = await asyncio.shield(task)
        if held.values is None:
            raise NotFetched
        return held.values

    async def _fetch(self, key: bytes, name: bytes) -> _Held:
        now_s = self._now_s()
        try:
            said = await self._ask(name)
        except NotResolved:
            held = _Held(None, now_s + _UNREAD_S)
        else:
            values = [each for each in said.values if each.is_type(HS_CERT)] if said.code == Rc.SUCCESS else []
            ttl_s = min((time_to_live(each, now_s) for each in values), default=float(self._settings.negative_ttl_s))
            held = _Held(values[:MAX_CERTIFICATES], now_s + min(ttl_s, _LONGEST_S, self._settings.max_ttl_s))
        self._held[key] = held
        self._held.move_to_end(key)
        while len(self._held) > _MOST_HOLDERS:
            self._held.popitem(last=False)
        return held

    def stop(self) -> list[asyncio.Task[_Held]]:
        """What still asks, for who ends it."""
        return list(self._asking.values())
