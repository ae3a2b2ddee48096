"""What single networks ask for: how many distinct names, what does not exist, names that follow one another."""

from __future__ import annotations

from typing import Final

from millwright.identity.operation.model import SourceFigures
from millwright.identity.operation.sketches import Distinct

_MOST: Final = 4_000
_TOLD: Final = 100
_SAMPLES: Final = 8
_TRACKS: Final = 3
_REACH: Final = 20
"""Numbers of one sequence are at most so far apart: check digits, gaps, several connections at once."""
_STRAY: Final = 3
_DIGITS: Final = 15
_ZERO, _NINE = ord("0"), ord("9")


class _Track:
    """Numbers behind one beginning: where they began, how far they reach, how many of them extended that."""

    __slots__ = ("asked", "high", "low", "run", "stray", "width")

    def __init__(self, number: int, width: int) -> None:
        self._begin(number, width)

    def _begin(self, number: int, width: int) -> None:
        self.low = self.high = number
        self.width = width
        self.run = self.asked = 1
        self.stray = 0

    def add(self, number: int, width: int) -> None:
        self.asked += 1
        if self.high < number <= self.high + _REACH:
            self.high = number
            self.run += 1
            self.stray = 0
        elif self.low - _REACH <= number < self.low:
            self.low = number
            self.run += 1
            self.stray = 0
        elif not self.low <= number <= self.high:
            self.stray += 1
            if self.stray > _STRAY:
                self._begin(number, width)


class Source:
    """One network."""

    __slots__ = ("asked", "ends", "interfaces", "missed", "names", "run", "run_asked", "samples", "tracks")

    def __init__(self) -> None:
        self.asked = self.missed = 0
        self.names = Distinct(256)
        self.tracks: dict[bytes, _Track] = {}
        self.run = self.run_asked = 0
        self.ends = b"", 0, 0, 0
        self.samples: list[bytes] = []
        self.interfaces: set[str] = set()

    def follow(self, key: bytes) -> None:
        """Look whether a name's last digits follow those of another."""
        stem = key.rstrip(b"0123456789")
        width = len(key) - len(stem)
        if width > _DIGITS:
            width, stem = _DIGITS, key[:-_DIGITS]
        number = int(key[-width:])
        track = self.tracks.get(stem)
        if track is None:
            if len(self.tracks) >= _TRACKS:
                # The one that came to least makes room.
                del self.tracks[min(self.tracks, key=lambda each: self.tracks[each].run)]
            self.tracks[stem] = _Track(number, width)
            return
        track.add(number, width)
        # Not where the same few are asked for again and again, until a dense range is covered.
        if track.run > self.run and 2 * track.run > track.asked:
            self.run, self.run_asked = track.run, track.asked
            self.ends = stem, track.width, track.low, track.high

    def run_end(self, which: int) -> bytes:
        """The first (0) or last (1) name of the longest run; empty without any."""
        stem, width, *ends = self.ends
        return stem + b"%0*d" % (width, ends[which]) if self.run else b""


class Sources:
    """At most so many networks; when there are more, those that asked least are forgotten."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._sources)

    def clear(self) -> None:
        """A new window begins."""
        self._sources.clear()

    def add(self, network: str, interface: str, key: bytes, hashed: int, weight: int, missed: bool) -> None:
        """One question, for ``weight`` of its kind."""
        source = self._sources.get(network)
        if source is None:
            if len(self._sources) >= _MOST:
                self._forget()
            source = self._sources[network] = Source()
        source.asked += weight
        source.names.add(hashed)
        source.interfaces.add(interface)
        if missed:
            source.missed += weight
        if key and _ZERO <= key[-1] <= _NINE:
            source.follow(key)
        samples = source.samples
        if len(samples) < _SAMPLES:
            if key not in samples:
                samples.append(key)
        elif missed or not hashed & 63:
            samples[(hashed >> 8) % _SAMPLES] = key

    def _forget(self) -> None:
        kept = sorted(self._sources.items(), key=lambda each: each[1].asked, reverse=True)[: _MOST // 2]
        self.forgotten += len(self._sources) - len(kept)
        self._sources = dict(kept)

    def suspects(self, names: int, misses: int, run: int) -> tuple[SourceFigures, ...]:
        """Networks with so many distinct names, misses, or names in a row, the busiest first."""
        found = [
            (network, each)
            for network, each in self._sources.items()
            if each.missed >= misses or each.run >= run or (each.asked >= names and each.names.count() >= names)
        ]
        found.sort(key=lambda each: each[1].asked, reverse=True)
        return tuple(
            SourceFigures(
                network,
                each.asked,
                each.missed,
                bytes(each.names.registers),
                each.run,
                each.run_asked,
                _text(each.run_end(0)),
                _text(each.run_end(1)),
                tuple(map(_text, dict.fromkeys(each.samples))),
                tuple(sorted(each.interfaces)),
            )
            for network, each in found[:_TOLD]
        )


def _text(name: bytes) -> str:
    return name[:300].decode(errors="replace")
