"""Watching on the way of an answer: what a process that resolves counts, at a fixed cost in time and memory.

The commonest answer takes two additions and a countdown; one in so many (all of them up to some thousands a second) is
looked at more closely, for names and sources. What takes the long way, and so all that is not found, is always looked
at. Latencies of the quick ways are taken of one in sixteen and counted sixteen times.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from operator import add
from random import randrange
from typing import Final

from xxhash import xxh3_64_intdigest

from millwright.identity.operation.kinds import Kinds
from millwright.identity.operation.model import FETCHED, FOUND, INTERFACES, MISSES, Interface, Told
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.sketches import BOUNDS_US, BUCKETS, Frequent, bucket_of
from millwright.identity.operation.sources import Sources
from millwright.kernel import Clock, SystemClock, new_id

TIMED: Final = 16
"""Of the quick ways, one answer in so many is timed."""

_CLOSELY_PER_S: Final = 1_000
_NAMES: Final = 512
_TOLD_NAMES: Final = 100
_MOST_SERVED: Final = 50_000
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000


Served = tuple[bytes, int]
"""The prefix, or the name itself, that answers stood under (:func:`served_under`), and how many."""


def served_under(name: bytes) -> bytes:
    """What tells whose a name is: its prefix where that is of digits, the product where it is one of GS1's, else all
    of it."""
    if name[:1].isdigit() and name[:2] != b"0.":
        return name.partition(b"/")[0]
    if name[:4].upper() == b"GS1/":
        return b"/".join(name.split(b"/", 3)[:3])
    return name


class Lane:
    """One interface as its quick way counts it: whoever answers calls :meth:`hit`."""

    __slots__ = ("_served", "_watch", "found", "interface", "left", "stride")

    def __init__(self, watch: Watch, interface: Interface, served: dict[bytes, int]) -> None:
        self._watch, self.interface, self._served = watch, interface, served
        self.found = 0
        self.stride = self.left = 1

    def hit(self, name: bytes, address: str) -> None:
        """A name was found."""
        self.serve(name)
        self.left -= 1
        if self.left <= 0:
            self.look(name, address)

    def serve(self, name: bytes) -> None:
        """A name was found, for whoever has it."""
        self.found += 1
        served, key = self._served, served_under(name)
        if key in served:
            served[key] += 1
        elif len(served) < _MOST_SERVED:
            served[key] = 1
        else:
            self._watch.unattributed += 1

    def look(self, name: bytes, address: str) -> None:
        """Look at one answer more closely, for all that were passed over."""
        stride = self.stride
        # At random, for what comes in a rhythm would be met always or never.
        self.left = 1 if stride == 1 else randrange(1, 2 * stride)
        self._watch.notice(self.interface, name, address, stride)

    def time(self, latency_s: float, weight: int = TIMED) -> None:
        """An answer was found within this time."""
        self._watch.time(self.interface, FOUND, latency_s, weight)


class Watch:
    """What one process counts. It lives in one event loop."""

    def __init__(
        self,
        settings: MonitoringSettings | None = None,
        clock: Clock | None = None,
        role: str = "",
        exists: Callable[[bytes], bool] = lambda _name: False,
    ) -> None:
        self._settings = settings or MonitoringSettings()
        self._clock = clock or SystemClock()
        self._role, self._process = role, new_id("pro")
        self._served: dict[bytes, int] = {}
        self.unattributed = 0
        """Answers that nobody is charged for, because too many names came between two tellings."""
        self.lanes = {each: Lane(self, each, self._served) for each in INTERFACES}
        self._counts: dict[tuple[str, str], int] = {}
        self._latencies: dict[tuple[str, str], list[int]] = {}
        self._total: dict[tuple[str, str], int] = {}
        self._total_latencies: dict[tuple[str, str], list[int]] = {}
        self._names = Frequent[bytes](_NAMES)
        self._sources = Sources()
        self._kinds = Kinds(self._settings.serial_prefixes, exists)
        now_ms = self._clock.now_ms()
        self._since_ms = now_ms
        self._number = 0
        self._minute, self._window, self._day = self._periods(now_ms)

    # --- on the way of an answer -------------------------------------------------------------------------------------

    def count(
        self, interface: Interface, outcome: str, name: bytes, address: str, latency_s: float | None = None
    ) -> None:
        """A question that went the long way, and what became of it."""
        if outcome == FOUND:
            lane = self.lanes[interface]
            if interface != "recursion" and name:
                lane.serve(name)
            else:
                lane.found += 1
        else:
            self.tick(interface, outcome)
        if latency_s is not None:
            self.time(interface, outcome, latency_s)
        if interface != "recursion" and name:
            self.notice(interface, name, address, 1, missed=outcome in MISSES, found=outcome == FOUND)

    def tick(self, interface: str, outcome: str, count: int = 1) -> None:
        """Only count: what was refused before anybody looked what it asks for."""
        key = (interface, outcome)
        self._counts[key] = self._counts.get(key, 0) + count

    def time(self, interface: Interface, outcome: str, latency_s: float, weight: int = 1) -> None:
        """How long something took."""
        key = (interface, outcome)
        buckets = self._latencies.get(key)
        if buckets is None:
            buckets = self._latencies[key] = [0] * BUCKETS
        buckets[bucket_of(latency_s * 1e6)] += weight

    def notice(
        self, interface: Interface, name: bytes, address: str, weight: int, *, missed: bool = False, found: bool = True
    ) -> None:
        """Who asked for what."""
        key = name.upper()
        hashed = xxh3_64_intdigest(key)
        network = network_of(address)
        if found:
            self._names.add(key, weight)
        self._sources.add(network, interface, key, hashed, weight, missed)
        if found or missed:
            self._kinds.add(network, key, hashed, weight, missed)

    def guess(self, name: bytes, address: str) -> None:
        """A thing that is not registered was asked for, and its product or batch answered instead."""
        key = name.upper()
        self._kinds.add(network_of(address), key, xxh3_64_intdigest(key), 1, missed=True)

    # --- telling -----------------------------------------------------------------------------------------------------

    def _periods(self, now_ms: int) -> tuple[int, int, int]:
        return now_ms // _MINUTE_MS, now_ms // (self._settings.window_min * _MINUTE_MS), now_ms // _DAY_MS

    def take(self) -> Told:
        """What came together since the last time; counts begin again."""
        now_ms = self._clock.now_ms()
        self._take_lanes(max(now_ms - self._since_ms, 1))
        self._number += 1
        settings = self._settings
        items, kinds = self._kinds.told(max(settings.counterfeit_sources // 4, 2), settings.guessed_serials // 4)
        told = Told(
            process=self._process,
            role=self._role,
            number=self._number,
            from_ms=self._since_ms,
            to_ms=now_ms,
            counts=tuple((interface, outcome, count) for (interface, outcome), count in self._counts.items()),
            latencies=tuple((*key, tuple(buckets)) for key, buckets in self._latencies.items()),
            minute=self._minute,
            names=tuple((name.decode(errors="replace"), count) for name, count in self._names.top(_TOLD_NAMES)),
            names_error=self._names.error,
            window=self._window,
            # From a quarter on: there may be several processes.
            sources=self._sources.suspects(
                settings.scraping_names // 4, settings.scraping_misses // 4, settings.scraping_run // 4
            ),
            day=self._day,
            items=items,
            kinds=kinds,
            forgotten=self._sources.forgotten + self._kinds.forgotten,
            served=tuple(self._served.items()),
        )
        self._served.clear()
        self._begin_anew(now_ms)
        return told

    def _take_lanes(self, passed_ms: int) -> None:
        for lane in self.lanes.values():
            if lane.found:
                self.tick(lane.interface, FOUND, lane.found)
            lane.stride = max(1, lane.found * 1000 // (passed_ms * _CLOSELY_PER_S))
            lane.left = min(lane.left, lane.stride)
            lane.found = 0

    def _begin_anew(self, now_ms: int) -> None:
        for key, count in self._counts.items():
            self._total[key] = self._total.get(key, 0) + count
        for key, buckets in self._latencies.items():
            before = self._total_latencies.get(key)
            self._total_latencies[key] = buckets if before is None else list(map(add, before, buckets))
        self._counts, self._latencies, self._since_ms = {}, {}, now_ms
        minute, window, day = self._periods(now_ms)
        if minute != self._minute:
            self._names = Frequent(_NAMES)
        if window != self._window:
            self._sources.clear()
        if day != self._day:
            self._kinds.clear()
        self._minute, self._window, self._day = minute, window, day

    # --- for Prometheus ----------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, float]:
        """Questions by interface and outcome, and their latencies in coarse buckets, since the process began and up to
        when it told last."""
        found: dict[str, float] = {
            f'resolutions{{interface="{interface}",outcome="{outcome}"}}': count
            for (interface, outcome), count in self._total.items()
            if interface != FETCHED
        }
        for (interface, outcome), buckets in self._total_latencies.items():
            labels = f'interface="{interface}",outcome="{outcome}"'
            seen, summed = 0, 0.0
            for at, count in enumerate(buckets):
                seen += count
                bound_us = BOUNDS_US[min(at, len(BOUNDS_US) - 1)]
                summed += count * bound_us / 1e6
                if at % 4 == 2 and at < len(BOUNDS_US):
                    found[f'resolution_seconds_bucket{{{labels},le="{bound_us / 1e6:g}"}}'] = seen
            found[f'resolution_seconds_bucket{{{labels},le="+Inf"}}'] = seen
            found[f"resolution_seconds_count{{{labels}}}"] = seen
            found[f"resolution_seconds_sum{{{labels}}}"] = round(summed, 6)
        found["resolutions_unattributed"] = self.unattributed
        return found


@lru_cache(16_384)
def network_of(address: str) -> str:
    """The network that an address is kept as: its first 24 bits, of IPv6 64; ``?`` for what is no address."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ip_network((found, 24 if found.version == 4 else 64), strict=False))
