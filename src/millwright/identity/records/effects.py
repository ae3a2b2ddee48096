"""What the measures in force say of a name: looked up by dictionaries, for it is asked with each resolution.

There are none mostly, and then nothing here is called. They are read into memory once for each change of them; what
begins and ends by the clock needs no change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from millwright.identity.handle.naming import PREFIX_HANDLES, fold
from millwright.identity.records.authority import candidates
from millwright.identity.records.model import Measure
from millwright.kernel import Clock

_GS1 = b"GS1/"
_PREFIX_HANDLE = PREFIX_HANDLES + b"/"


class Effect(Struct, frozen=True):
    """What holds of one name: of several measures of a kind that which is nearest to it, else the newest.

    ``announced`` are all announcements, the nearest first.
    """

    suspended: Measure | None = None
    redirected: Measure | None = None
    announced: tuple[Measure, ...] = ()


class _Prefix:
    """The measures for names of one prefix."""

    __slots__ = ("all", "beginnings", "exact", "lengths")

    def __init__(self) -> None:
        self.exact: dict[bytes, list[Measure]] = {}
        self.beginnings: dict[bytes, list[Measure]] = {}
        self.lengths: tuple[int, ...] = ()
        self.all: list[Measure] = []

    def add(self, measure: Measure) -> None:
        on = fold(measure.on.encode())
        if measure.scope == "prefix":
            self.all.append(measure)
        elif measure.scope == "beginning":
            self.beginnings.setdefault(on, []).append(measure)
            self.lengths = tuple(sorted({*self.lengths, len(on)}, reverse=True))
        else:
            self.exact.setdefault(on, []).append(measure)

    def iter_of(self, name: bytes) -> Iterator[Measure]:
        """Measures for a name, the nearest first."""
        yield from self.exact.get(name, ())
        if name.startswith(_GS1) and self.exact:
            # What is an instance of a thing: its lots and serial numbers.
            at = name.rfind(b"/")
            while at > len(_GS1):
                yield from self.exact.get(name[:at], ())
                at = name.rfind(b"/", 0, at)
        for length in self.lengths:
            if length <= len(name):
                yield from self.beginnings.get(name[:length], ())
        yield from self.all


class Effects:
    """All measures that are not over yet."""

    def __init__(self, measures: Iterable[Measure], clock: Clock) -> None:
        self._clock = clock
        self._prefixes: dict[bytes, _Prefix] = {}
        ends: list[int | None] = []
        for measure in sorted(measures, key=lambda each: (each.taken_ms, each.id), reverse=True):
            self._prefixes.setdefault(fold(measure.prefix.encode()), _Prefix()).add(measure)
            ends.append(measure.until_ms)
        self._ends_ms = None if None in ends else max((each for each in ends if each is not None), default=0)

    @classmethod
    def build(cls, measures: Iterable[Measure], clock: Clock) -> Effects | None:
        """Those of some measures that are not over; ``None`` when all are."""
        now_ms = clock.now_ms()
        kept = [each for each in measures if not each.over(now_ms)]
        return cls(kept, clock) if kept else None

    @property
    def over(self) -> bool:
        """Whether the last of them has ended."""
        return self._ends_ms is not None and self._clock.now_ms() >= self._ends_ms

    def may_touch(self, name: bytes) -> bool:
        """Whether there are measures for a prefix that a folded name may stand under."""
        return any(key in self._prefixes for key in candidates(name))

    def of(self, name: bytes, prefix: str) -> Effect | None:
        """What holds of a folded name that stands under the entry of ``prefix``."""
        found = self._prefixes.get(fold(prefix.encode()))
        if found is None:
            return None
        now_ms = self._clock.now_ms()
        suspended: Measure | None = None
        redirected: Measure | None = None
        announced: list[Measure] = []
        for measure in found.iter_of(name):
            if not measure.in_force(now_ms):
                continue
            if measure.kind == "suspend":
                suspended = suspended or measure
            elif name.startswith(_PREFIX_HANDLE):
                # Where a prefix is kept is nothing that somebody could be sent away from.
                continue
            elif measure.kind == "redirect":
                redirected = redirected or measure
            else:
                announced.append(measure)
        if suspended is None and redirected is None and not announced:
            return None
        return Effect(suspended, redirected, tuple(announced))
