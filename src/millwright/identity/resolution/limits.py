"""How much one address may ask, so that nobody finds out what is registered by trying.

Two buckets for each address (for IPv6 its network of 64 bits): one of requests, one of questions that found nothing.
When the second is empty, the address is told nothing at all for a while: if only misses were refused, the refusal
itself would say that there is nothing.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from millwright.kernel import Clock

_ADDRESSES = 50_000
_BURST_S = 10.0


class _Bucket:
    __slots__ = ("at_s", "misses", "requests")

    def __init__(self, requests: float, misses: float, at_s: float) -> None:
        self.requests, self.misses, self.at_s = requests, misses, at_s


class Limits:
    """The buckets of one process. A rate of 0 does not limit."""

    def __init__(self, clock: Clock, requests_per_s: float, misses_per_min: float) -> None:
        self._now = clock.monotonic_s
        self._rate, self._most = requests_per_s, requests_per_s * _BURST_S
        self._miss_rate, self._most_misses = misses_per_min / 60, max(misses_per_min, 1.0)
        self._off = not requests_per_s and not misses_per_min
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self.refused = 0
        """Of how many who were not admitted the refusal was said; counted by who says it."""

    def admit(self, address: str) -> float:
        """0: go on; else in how many seconds to ask again."""
        if self._off:
            return 0.0
        bucket = self._bucket(address)
        if self._miss_rate and bucket.misses <= 0:
            return (1 - bucket.misses) / self._miss_rate
        if self._rate:
            if bucket.requests < 1:
                return (1 - bucket.requests) / self._rate
            bucket.requests -= 1
        return 0.0

    def miss(self, address: str, count: float = 1.0) -> None:
        """A question found nothing."""
        if not self._off:
            self._bucket(address).misses -= count

    def _bucket(self, address: str) -> _Bucket:
        if ":" in address:
            address = _network(address)
        now_s = self._now()
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = _Bucket(self._most, self._most_misses, now_s)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(address)
        passed = now_s - bucket.at_s
        bucket.at_s = now_s
        bucket.requests = min(self._most, bucket.requests + passed * self._rate)
        bucket.misses = min(self._most_misses, bucket.misses + passed * self._miss_rate)
        return bucket


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(found.packed[:8])
    return address
