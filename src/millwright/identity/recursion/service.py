"""Answering for names of elsewhere: from the cache, or by asking once for all who want to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from millwright.identity.handle.measured import suspension_of
from millwright.identity.handle.model import HandleValue
from millwright.identity.handle.naming import PREFIX_HANDLES, fold, with_slash
from millwright.identity.handle.records import HandleRecords, RecordsView, StoredRecord
from millwright.identity.handle.resolution import Finding, refer
from millwright.identity.handle.wire.codes import Rc
from millwright.identity.operation.model import FETCHED
from millwright.identity.operation.outcomes import failure_of, outcome_of
from millwright.identity.operation.watch import Watch
from millwright.identity.recursion.addresses import read_networks, read_root
from millwright.identity.recursion.authorities import Authorities
from millwright.identity.recursion.cache import FAILED, Cache, Entry, overlaid
from millwright.identity.recursion.errors import (
    SIGNATURE,
    NotResolved,
    busy,
    no_answer,
    not_believed,
)
from millwright.identity.recursion.settings import RecursionSettings
from millwright.identity.recursion.walk import Delegations, Said, Walker, time_to_live
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

if TYPE_CHECKING:
    from millwright.identity.recursion.vouching import Vouching

logger = logging.getLogger(__name__)

FORGET: Final = "identity.forget"
"""Told with a name, or nothing for all: every cache of the node forgets it."""

_PREFETCH_PART: Final = 0.1
"""Of its time, the last tenth is when a name that is asked for often is fetched anew."""
_STALE_RETRY_S: Final = 30.0
_MOST_ADDRESSES: Final = 20_000
_MOST_PREFIXES: Final = 20_000


class Recursor:
    """Who asks on behalf of others (:class:`.Recursion`). A :class:`millwright.kernel.Part`.

    ``records`` is what this node keeps: that is never asked for elsewhere. ``is_own`` tells the node's own address; on
    ``bus`` it may be told to forget; ``watch`` counts what is looked up. It lives in one event loop; each process has
    its own cache.
    """

    def __init__(
        self,
        records: HandleRecords,
        settings: RecursionSettings,
        clock: Clock,
        is_own: Callable[[str, int], bool] = lambda _host, _port: False,
        bus: Bus | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._records, self.settings, self._clock = records, settings, clock
        self._bus = bus
        self._watch = watch or Watch(clock=clock)
        self._lane = self._watch.lanes["recursion"]
        self._unsubscribe: Unsubscribe | None = None
        self._networks = read_networks("networks", settings.networks)
        self.roots = tuple(map(read_root, settings.roots))
        self._authorities = Authorities(
            read_networks("never_ask", settings.never_ask), is_own, settings.server_down_s, certified=settings.certified
        )
        self._delegations = Delegations(settings.max_ttl_s, self._now_s)
        self._walker = Walker(self.roots, self._authorities, self._delegations, settings.timeout_s)
        self._vouching = self._vouch()
        self._cache = Cache(settings.max_entries, int(settings.max_mb * 1_000_000))
        self._positive = self._cache.positive
        self._running: dict[bytes, asyncio.Task[Entry]] = {}
        self._per_address: Counter[str] = Counter()
        self._admitted: dict[str, bool] = {}
        self._elsewhere: set[bytes] = set()
        self._elsewhere_at = 0
        self._roots_lost_ms: int | None = None
        self.hits = self.negative_hits = self.stale = self.misses = self.shared = 0
        self.prefetched = self.refused = self.failed = 0

    async def start(self) -> None:
        """Listen for what is to be forgotten; nothing is asked before somebody wants to know."""
        if self._bus is not None:
            self._unsubscribe = await self._bus.subscribe(FORGET, self._hear)

    async def stop(self) -> None:
        """Ask no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
        for task in list(self._running.values()):
            await end(task)
        self._running.clear()
        for each in self._vouching.stop() if self._vouching is not None else ():
            await end(each)

    def _now_s(self) -> float:
        return self._clock.now_ms() / 1000

    def _vouch(self) -> Vouching | None:
        """Who looks at signatures. Raises ``Invalid`` (``recursion.no_trust_roots``, ``handle.trust_roots``)."""
        if self.settings.verify == "off":
            return None
        from millwright.identity.recursion.vouching import Vouching

        return Vouching(self.settings, self._ask, self._find_own, self._now_s)

    async def _ask(self, name: bytes) -> Said:
        return await self._walker.resolve(name, self._own_referral(name))

    def _find_own(self, name: bytes) -> Sequence[HandleValue] | None:
        with self._records.view() as view:
            if not _kept_or_closed(view, name):
                return None
            record = view.find(name)
            return () if record is None else record.values

    # --- who may ask, and what is elsewhere --------------------------------------------------------------------------

    def admits(self, address: str) -> bool:
        """Whether this address may have its questions answered from elsewhere."""
        known = self._admitted.get(address)
        if known is None:
            if len(self._admitted) >= _MOST_ADDRESSES:
                self._admitted.clear()
            known = self._admitted[address] = self._is_in(address)
        return known

    def _is_in(self, text: str) -> bool:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks if network.version == address.version)

    def _is_elsewhere(self, view: RecordsView, name: bytes, now_s: int) -> bool:
        """Whether a name is not kept here. Looked up once a second for each prefix of handles."""
        if self._elsewhere_at != now_s or len(self._elsewhere) >= _MOST_PREFIXES:
            self._elsewhere.clear()
            self._elsewhere_at = now_s
        prefix = name.partition(b"/")[0]
        # Names of other code systems stand under more than what is before their first slash.
        key = prefix if prefix[:1].isdigit() and prefix != PREFIX_HANDLES else name
        if key in self._elsewhere:
            return True
        if _kept_or_closed(view, name):
            return False
        self._elsewhere.add(key)
        return True

    # --- the quick way -----------------------------------------------------------------------------------------------

    def find_quickly(self, view: RecordsView, name: bytes, now_s: int) -> Entry | None:
        """A record that is in the cache and fresh, of a name that is not kept here."""
        key = name.upper()
        entry = self._positive.get(key)
        if entry is None or (now_s >= entry.refresh_s and not self._freshen(entry, now_s)):
            return None
        if not self._is_elsewhere(view, key, now_s):
            self._cache.drop(key)
            return None
        entry.hits += 1
        self._lane.found += 1
        self._positive.move_to_end(key)
        if entry.stale:
            self.stale += 1
        else:
            self.hits += 1
        return entry

    def _freshen(self, entry: Entry, now_s: float) -> bool:
        """Whether an entry may be given; begins to fetch it anew when its time is nearly over."""
        if now_s >= entry.expires_s:
            return False
        entry.refresh_s = entry.expires_s
        wanted = self.settings.prefetch_hits and entry.hits >= self.settings.prefetch_hits and not entry.stale
        if wanted and entry.key not in self._running and len(self._running) < self.settings.max_running:
            self.prefetched += 1
            self._begin(entry.key, entry.record.handle if entry.record is not None else entry.key, None)
        return True

    # --- every question ----------------------------------------------------------------------------------------------

    async def look_up(self, name: bytes, address: str) -> Entry | None:
        """What is known elsewhere about a name; ``None`` when that is not for us to say.

        Raises ``Unavailable`` (``recursion.no_answer``, ``recursion.busy``).
        """
        if not self.admits(address):
            return None
        name = with_slash(name)
        key = fold(name)
        with self._records.view() as view:
            if _kept_or_closed(view, key):
                return None
            referral = refer(view, name, 0)
        if referral is None or referral[0] == Rc.SERVER_NOT_RESPONSIBLE:
            referral = None
            if not self.roots:
                return None
        started_s = time.perf_counter()
        try:
            found = await self._answer(key, name, referral, address)
        except MillwrightError as error:
            said = failure_of(error) or "server_busy"
            self._watch.count("recursion", said, b"", address, time.perf_counter() - started_s)
            raise
        self._watch.count("recursion", outcome_of(found.code), b"", address, time.perf_counter() - started_s)
        return found

    async def view(self, address: str, *names: bytes) -> AbstractContextManager[RecordsView]:
        """A view of the register in which these names are found, wherever they are kept. Raises as :meth:`look_up`."""
        if not self.admits(address):
            return self._records.view()
        found = await asyncio.gather(*(self.look_up(name, address) for name in names))
        fetched = [each for each in found if each is not None]
        return overlaid(self._records.view(), fetched) if fetched else self._records.view()

    async def _answer(self, key: bytes, name: bytes, referral: Finding | None, address: str) -> Entry:
        now_s = self._now_s()
        kept = self._cache.find(key)
        if kept is not None and (now_s < kept.refresh_s or self._freshen(kept, now_s)):
            return self._hit(kept)
        negative = self._cache.find_negative(key, now_s)
        stale = kept if kept is not None and self._may_be_stale(kept, now_s) else None
        if negative is not None:
            if negative.code != FAILED:
                self.negative_hits += 1
                return negative
            if stale is None:
                self.negative_hits += 1
                raise _failure(name, negative)
        self.misses += 1
        self._watch.tick(FETCHED, "asked")
        task = self._running.get(key)
        if task is not None:
            self.shared += 1
        elif (
            len(self._running) >= self.settings.max_running
            or self._per_address[address] >= self.settings.max_running_per_address
        ):
            self.refused += 1
            if stale is not None:
                return self._stale(stale)
            raise busy()
        else:
            task = self._begin(key, name, referral, address)
        found = await self._wait(task, stale)
        if found is None:
            assert stale is not None
            return self._stale(stale)
        if found.code == FAILED:
            raise _failure(name, found)
        return found

    def _may_be_stale(self, entry: Entry, now_s: float) -> bool:
        """Whether an entry may be given when nobody answers: not beyond the time of its signatures."""
        verdict = entry.verdict
        signed = verdict is None or verdict.until_s is None or now_s <= verdict.until_s
        return signed and now_s < entry.expires_s + self.settings.stale_s

    async def _wait(self, task: asyncio.Task[Entry], stale: Entry | None) -> Entry | None:
        """What a task finds; ``None`` when the old answer is to be given instead."""
        if stale is None:
            return await asyncio.shield(task)
        done, _ = await asyncio.wait({task}, timeout=self.settings.stale_after_s)
        if not done:
            return None
        found = task.result()
        return None if found.code == FAILED else found

    def _hit(self, entry: Entry) -> Entry:
        entry.hits += 1
        if entry.stale:
            self.stale += 1
        else:
            self.hits += 1
        return entry

    def _stale(self, entry: Entry) -> Entry:
        """An old answer, good for half a minute more: nobody waits in vain for each question."""
        self.stale += 1
        entry.stale = True
        entry.expires_s = entry.refresh_s = self._now_s() + _STALE_RETRY_S
        return entry

    def _begin(
        self, key: bytes, name: bytes, referral: Finding | None, address: str | None = None
    ) -> asyncio.Task[Entry]:
        task = asyncio.get_running_loop().create_task(self._fetch(key, name, referral), name="recursion")
        self._running[key] = task
        if address is not None:
            self._per_address[address] += 1

        def done(_: asyncio.Task[Entry]) -> None:
            self._running.pop(key, None)
            if address is not None:
                self._per_address[address] -= 1
                if self._per_address[address] <= 0:
                    del self._per_address[address]

        task.add_done_callback(done)
        return task

    async def _fetch(self, key: bytes, name: bytes, referral: Finding | None) -> Entry:
        """Ask, and keep what was said. Raises nothing."""
        settings = self.settings
        try:
            if referral is None:
                # A prefetch does not know yet what this node itself says.
                referral = self._own_referral(name)
            said = await self._walker.resolve(name, referral)
            now_s = self._now_s()
            if said.code in (Rc.SUCCESS, Rc.VALUE_NOT_FOUND):
                entry = self._positive_entry(key, said.handle or name, said.values, now_s)
                if self._vouching is not None:
                    entry = await self._vouching.judged(name, entry)
                    self.failed += entry.code == FAILED
            else:
                entry = Entry(key, said.code, None, now_s, settings.negative_ttl_s, said.text)
        except NotResolved as failure:
            self.failed += 1
            entry = Entry(key, FAILED, None, self._now_s(), settings.failure_ttl_s, failure.why)
            entry.cause = failure.cause
        except MillwrightError as error:
            self.failed += 1
            entry = Entry(key, FAILED, None, self._now_s(), 0.0, error.message)
            entry.cause = "internal"
        except Exception:
            self.failed += 1
            logger.exception("asking for %s failed", name[:200].decode(errors="replace"))
            entry = Entry(key, FAILED, None, self._now_s(), settings.failure_ttl_s, "the node failed; its log says why")
            entry.cause = "internal"
        self._cache.put(entry)
        return entry

    def _own_referral(self, name: bytes) -> Finding | None:
        with self._records.view() as view:
            referral = refer(view, name, 0)
        return None if referral is None or referral[0] == Rc.SERVER_NOT_RESPONSIBLE else referral

    def _positive_entry(self, key: bytes, handle: bytes, values: Sequence[HandleValue], now_s: float) -> Entry:
        settings = self.settings
        ttl_s = min((time_to_live(each, now_s) for each in values), default=float(settings.negative_ttl_s))
        entry = Entry(key, Rc.SUCCESS, StoredRecord.build(handle, values), now_s, min(ttl_s, settings.max_ttl_s))
        if settings.prefetch_hits:
            entry.refresh_s = entry.expires_s - _PREFETCH_PART * (entry.expires_s - now_s)
        return entry

    # --- what can be seen and done -----------------------------------------------------------------------------------

    def forget(self, name: bytes | None = None) -> int:
        """Forget one name, or everything; returns how many answers that were."""
        if self._vouching is not None:
            self._vouching.forget(name)
        if name is None:
            self._delegations.clear()
            return self._cache.clear()
        before = len(self._cache)
        self._cache.drop(fold(with_slash(name)))
        return before - len(self._cache)

    async def _hear(self, _subject: str, payload: bytes) -> None:
        logger.info("%s answers of the cache are forgotten", self.forget(payload or None))

    def counters(self) -> dict[str, float]:
        """What was asked, and what became of it."""
        return {
            "recursion_hits": self.hits,
            "recursion_negative_hits": self.negative_hits,
            "recursion_stale": self.stale,
            "recursion_misses": self.misses,
            "recursion_shared": self.shared,
            "recursion_prefetched": self.prefetched,
            "recursion_refused": self.refused,
            "recursion_failed": self.failed,
            "recursion_questions": self._authorities.questions,
            "recursion_evicted": self._cache.evicted,
            **(
                {f"recursion_signatures.{state}": count for state, count in self._vouching.verdicts.items()}
                if self._vouching is not None
                else {}
            ),
            **{f"recursion_failures.{cause}": count for cause, count in self._walker.failures.items()},
            **{f"recursion_server_failures.{cause}": count for cause, count in self._authorities.failures.items()},
        }

    def gauges(self) -> dict[str, float]:
        """How much is kept, and how well that serves."""
        answered = self.hits + self.negative_hits + self.stale
        return {
            "recursion_entries": len(self._cache),
            "recursion_negatives": self._cache.negatives,
            "recursion_bytes": self._cache.bytes,
            "recursion_hit_ratio": round(answered / (answered + self.misses), 4) if answered + self.misses else 0.0,
            "recursion_delegations": len(self._delegations),
            "recursion_servers_down": self._authorities.down,
            "recursion_running": len(self._running),
        }

    def problems(self) -> list[dict[str, Any]]:
        """That no root answers."""
        if not self.roots or not all(map(self._authorities.is_down, self.roots)):
            self._roots_lost_ms = None
            return []
        if self._roots_lost_ms is None:
            self._roots_lost_ms = self._clock.now_ms()
        return [
            {
                "code": "recursion.roots_unreachable",
                "message": "No root server answers. Names that are not in the cache do not resolve.",
                "hint": "Look whether the servers of [recursion] roots are reachable over UDP and TCP.",
                "since_ms": self._roots_lost_ms,
            }
        ]


def _failure(name: bytes, entry: Entry) -> MillwrightError:
    """What an entry says that has no answer."""
    if entry.cause == SIGNATURE and entry.verdict is not None:
        return not_believed(name, entry.verdict)
    return no_answer(name, entry.text, entry.cause)


def _kept_or_closed(view: RecordsView, name: bytes) -> bool:
    """Whether this node itself says what is true of a name: it keeps it, or has closed it or its prefix."""
    if view.measured and suspension_of(view, name) is not None:
        return True
    if view.responsible(name):
        return True
    owner = view.authority(name)
    return owner is not None and owner.state != "active"
