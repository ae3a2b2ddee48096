"""Reports upward: what is counted for one, and which period it is for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from millwright.engines.sql import Records as Sql
from millwright.identity.filing.documents import NodeSigner
from millwright.identity.filing.model import FiledState, Report, ReportedPrefix
from millwright.identity.filing.outbox import wants
from millwright.identity.filing.store import Row
from millwright.identity.handle.naming import PREFIX_HANDLES, fold
from millwright.identity.prefixes.systems import name_of
from millwright.identity.prefixes.tables import prefixes
from millwright.identity.records import Records
from millwright.identity.records.authority import ROOMS, candidates
from millwright.kernel import Clock, new_id
from millwright.metering import RESOLUTIONS, CountStore

MOST_PREFIXES: Final = 2000
_HOUR_MS: Final = 3_600_000
_AT_ONCE: Final = 5_000
_PAUSE_S: Final = 0.002
"""Between two portions, so that who asks for a page meanwhile does not wait."""


def period_of(now_ms: int, every_h: int) -> tuple[int, int]:
    """The last period of so many hours that is over: its beginning and its end, in whole ones since 1970."""
    every_ms = every_h * _HOUR_MS
    to_ms = now_ms // every_ms * every_ms
    return to_ms - every_ms, to_ms


def count_names(register: Records, names: Collection[bytes], *, at_once: int = _AT_ONCE) -> tuple[Counter[bytes], int]:
    """How many identifiers stand below each of these prefixes (folded names), the longest that one stands under; and
    how many there are at all. Reads the whole index, some at a time. Blocks."""
    counts: Counter[bytes] = Counter()
    heads: dict[bytes, bytes | None] = {}
    wanted, after, total = frozenset(names), b"", 0
    while True:
        with register.view() as view:
            keys = list(islice(view.iter_keys(after=after), at_once))
        for key in keys:
            head = key.partition(b"/")[0]
            if head == PREFIX_HANDLES:
                continue
            total += 1
            if head in ROOMS:
                under = _nearest(key, wanted)
            elif head in heads:
                under = heads[head]
            else:
                under = heads[head] = _nearest(key, wanted)
            if under is not None:
                counts[under] += 1
        if len(keys) < at_once:
            return counts, total
        after = keys[-1]
        time.sleep(_PAUSE_S)


def _nearest(key: bytes, wanted: frozenset[bytes]) -> bytes | None:
    return next((each for each in candidates(key) if each in wanted), None)


class Reporter:
    """Makes reports. ``records`` see everything."""

    def __init__(self, records: Sql, register: Records, node: NodeSigner, clock: Clock) -> None:
        self._records, self._register, self._node, self._clock = records, register, node, clock
        self._counts = CountStore(records)

    def make(self, upper: Row, key: str, from_ms: int, to_ms: int) -> Report:
        """A report for a node above, whose public key is ``key``. Blocks for as long as the index takes to be read."""
        rows = [row for row in self._rows() if wants(upper, row.system, row.key)]
        names = {fold(name_of(row.system, row.prefix).encode()): row for row in rows}
        counts, total = count_names(self._register, names)
        state = self._register.state()
        states: Counter[FiledState] = Counter(row.state for row in rows)
        shown = [
            ReportedPrefix(
                system=row.system, prefix=row.prefix, state=row.state, identifiers=counts[name],
                changed_ms=row.changed_ms,
            )
            for name, row in names.items()
        ]  # fmt: skip
        shown.sort(key=lambda each: (-each.identifiers, each.system, each.prefix))
        return Report(
            report_id=new_id("rep"),
            node=self._node.node,
            key=self._node.key,
            to=key,
            from_ms=from_ms,
            to_ms=to_ms,
            every_ms=to_ms - from_ms,
            signed_ms=self._clock.now_ms(),
            identifiers=total,
            resolutions=self._resolutions(from_ms, to_ms),
            position=state.position,
            digest=state.digest.hex(),
            states=dict(states),
            prefixes=shown[:MOST_PREFIXES],
            left_out=max(0, len(shown) - MOST_PREFIXES),
        )

    def _rows(self) -> list[sa.Row[Any]]:
        columns = [prefixes.c[name] for name in ("system", "prefix", "key", "state", "changed_ms")]
        in_force = prefixes.c.state.in_(("active", "suspended", "expired"))
        with self._records.read() as connection:
            return list(connection.execute(sa.select(*columns).where(in_force).order_by(prefixes.c.id)))

    def _resolutions(self, from_ms: int, to_ms: int) -> int | None:
        """Those of the period, when any were ever counted in it."""
        sums = self._counts.sums(from_ms // _HOUR_MS, to_ms // _HOUR_MS)
        found = [quantity for (_, meter), quantity in sums.items() if meter == RESOLUTIONS.name]
        return sum(found) if found else None
