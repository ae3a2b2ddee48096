"""API calls: whose they are, counting them, and holding them to quotas and rates.

A call is a request below ``/api/v1/`` by somebody signed in, by cookie or token; one that is refused here is none. It
belongs to the organisation it names (``X-Organisation``) if a grant of the caller's lives at or above that, and else to
the topmost organisation on which one does. Who holds none, or is not signed in, counts for nobody.

Refusals are 429 with ``Retry-After``; whoever has a rate is told where they stand by ``RateLimit`` and
``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-10). Rates are kept in this process: with several web
processes each lets the rate through.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from millwright.kernel import Clock, LimitExceeded, SystemClock
from millwright.metering import API_CALLS, NO_CEILINGS, Buckets, Ceilings, Tally
from millwright.parties import Authority, Session

Headers = list[tuple[bytes, bytes]]

_OPEN: Final = ("/api/v1/session", "/api/v1/account", "/api/v1/setup", "/api/v1/metering", "/api/v1/organisations")
"""Stays open when a quota is used up: signing in and out, and seeing why."""
_METERS: Final = (API_CALLS.name,)


@dataclass(frozen=True, slots=True)
class _Rate:
    name: str
    key: str
    per_s: float
    text: str


class Calls:
    """Counts into ``tally`` and asks ``ceilings``; without them nothing is counted or limited."""

    def __init__(
        self,
        tally: Tally | None = None,
        ceilings: Callable[[], Ceilings] = lambda: NO_CEILINGS,
        clock: Clock | None = None,
    ) -> None:
        self._tally, self._ceilings, self._clock = tally, ceilings, clock or SystemClock()
        self._buckets = Buckets(self._clock)
        self.refused = 0

    def admit(self, path: str, session: Session, authority: Authority, chosen: str | None) -> Headers:
        """Count a call; returns the headers its answer carries.

        Raises ``LimitExceeded`` (``metering.quota_exceeded``, ``metering.rate_exceeded``).
        """
        if not path.startswith("/api/v1/"):
            return []
        organisation_id = caller_organisation(authority, chosen)
        if organisation_id is None:
            return []
        ceilings = self._ceilings()
        over = ceilings.find_exceeded(organisation_id, _METERS)
        if over is not None and not path.startswith(_OPEN):
            self.refused += 1
            raise over.error(self._clock.now_ms())
        headers = self._pace(ceilings, organisation_id, session)
        if self._tally is not None:
            self._tally.count(API_CALLS, organisation_id)
        return headers

    def _pace(self, ceilings: Ceilings, organisation_id: str, session: Session) -> Headers:
        rates = ceilings.rates(organisation_id)
        if not rates:
            return []
        wanted: list[_Rate] = []
        for holder, each in rates:
            if each.api_calls is not None:
                wanted.append(_Rate("organisation", f"o/{holder}", each.api_calls, "of the organisation"))
            if each.caller_api_calls is not None:
                key = f"c/{holder}/{session.person.id}"
                wanted.append(_Rate("caller", key, each.caller_api_calls, "of each caller"))
        if not wanted:
            return []
        found = [(rate, self._buckets.get(rate.key, rate.per_s)) for rate in wanted]
        rate, bucket = min(found, key=lambda each: (each[1].left / each[0].per_s, each[0].per_s))
        if any(bucket.left < 1 for _, bucket in found):
            rate, bucket = max(found, key=lambda each: each[1].wait_s())
            wait_s = bucket.wait_s()
            self.refused += 1
            raise LimitExceeded(
                f"More than {rate.per_s:g} API calls a second {rate.text}.",
                code="metering.rate_exceeded",
                hint="Wait as long as Retry-After says, and send fewer requests.",
                detail={"rate": rate.name, "per_s": rate.per_s},
                retry_after_s=wait_s,
            )
        for _, drawn in found:
            drawn.left -= 1
        return rate_headers(rate.name, rate.per_s, bucket.left)

    def headers_of(self, error: LimitExceeded) -> Headers:
        """What an answer that refuses for its rate carries besides Retry-After."""
        if error.code != "metering.rate_exceeded":
            return []
        return rate_headers(str(error.detail["rate"]), float(error.detail["per_s"]), 0, error.retry_after_s or 1)


def rate_headers(name: str, per_s: float, left: float, wait_s: float = 1.0) -> Headers:
    """``RateLimit-Policy``: quota ``q`` in ``w`` seconds; ``RateLimit``: ``r`` left, more in ``t`` seconds."""
    window_s = 1 if per_s >= 1 else math.ceil(1 / per_s)
    policy = f'"{name}";q={max(1, math.floor(per_s * window_s))};w={window_s}'
    state = f'"{name}";r={max(0, math.floor(left))};t={max(1, math.ceil(wait_s))}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


def caller_organisation(authority: Authority, chosen: str | None) -> str | None:
    """The organisation a call counts for; ``None``: no grant of the caller's lives."""
    if chosen is not None and not authority.places().isdisjoint(authority.tree.path(chosen)):
        return chosen
    return authority.find_home()
