"""Names of single things: which is asked for far more than others of its kind, and numbers that are tried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from xxhash import xxh3_64_intdigest

from millwright.identity.operation.model import ItemFigures, KindFigures
from millwright.identity.operation.sketches import Distinct

_ITEMS: Final = 4_000
_KINDS: Final = 500
_TOLD_ITEMS: Final = 100
_TOLD_KINDS: Final = 100
_SAMPLES: Final = 8
_SERIAL: Final = b"/21/"


class _Item:
    __slots__ = ("asked", "networks")

    def __init__(self) -> None:
        self.asked = 0
        self.networks = Distinct(64)


class _Kind:
    """Things of one product or batch."""

    __slots__ = ("asked", "found", "guessers", "is_there", "missing", "samples")

    def __init__(self) -> None:
        self.asked = 0
        self.found, self.missing, self.guessers = Distinct(256), Distinct(256), Distinct(64)
        self.is_there: bool | None = None
        self.samples: list[str] = []


class Kinds:
    """Things that were asked for on a day. ``exists`` says whether a name is registered here."""

    def __init__(self, prefixes: Sequence[str], exists: Callable[[bytes], bool]) -> None:
        self._prefixes = tuple(each.upper().encode() for each in prefixes)
        self._exists = exists
        self._items: dict[bytes, _Item] = {}
        self._kinds: dict[bytes, _Kind] = {}
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._items) + len(self._kinds)

    def clear(self) -> None:
        """A new day begins."""
        self._items.clear()
        self._kinds.clear()

    def stem_of(self, key: bytes) -> bytes | None:
        """The product or batch of a thing; ``None`` for what is no single thing."""
        if key[:4] == b"GS1/":
            at = key.find(_SERIAL)
            return key[:at] if at > 0 else None
        for each in self._prefixes:
            if key.startswith(each):
                return each
        return None

    def add(self, network: str, key: bytes, hashed: int, weight: int, missed: bool) -> None:
        """A thing was asked for by a network, ``weight`` times."""
        stem = self.stem_of(key)
        if stem is None:
            return
        kind = self._kinds.get(stem)
        if kind is None:
            if len(self._kinds) >= _KINDS:
                self._forget_kinds()
            kind = self._kinds[stem] = _Kind()
        asker = xxh3_64_intdigest(network.encode())
        if missed:
            # What is asked for below nothing is no guess: a whole product may not be kept here.
            if kind.is_there is None:
                kind.is_there = stem in self._prefixes or self._exists(stem)
            if kind.is_there or kind.asked:
                kind.missing.add(hashed)
                kind.guessers.add(asker)
                if len(kind.samples) < _SAMPLES:
                    text = _text(key)
                    if text not in kind.samples:
                        kind.samples.append(text)
            return
        kind.asked += weight
        kind.found.add(hashed)
        item = self._items.get(key)
        if item is None:
            if len(self._items) >= _ITEMS:
                self._forget_items()
            item = self._items[key] = _Item()
        item.asked += weight
        item.networks.add(asker)

    def _forget_items(self) -> None:
        kept = sorted(self._items.items(), key=lambda each: each[1].asked, reverse=True)[: _ITEMS // 2]
        self.forgotten += len(self._items) - len(kept)
        self._items = dict(kept)

    def _forget_kinds(self) -> None:
        kept = sorted(self._kinds.items(), key=lambda each: each[1].asked, reverse=True)[: _KINDS // 2]
        self.forgotten += len(self._kinds) - len(kept)
        self._kinds = dict(kept)

    def told(self, networks: int, missing: int) -> tuple[tuple[ItemFigures, ...], tuple[KindFigures, ...]]:
        """Things that so many networks asked for, most often first; their kinds, and those of which so many were asked
        for that do not exist."""
        items = [
            (key, each)
            for key, each in self._items.items()
            if each.asked >= networks and each.networks.count() >= networks
        ]
        items.sort(key=lambda each: each[1].asked, reverse=True)
        del items[_TOLD_ITEMS:]
        stems = {self.stem_of(key) for key, _ in items}
        lacking = {stem: each.missing.count() for stem, each in self._kinds.items()}
        kinds = [stem for stem, count in lacking.items() if count >= missing or stem in stems]
        kinds.sort(key=lacking.__getitem__, reverse=True)
        return (
            tuple(ItemFigures(_text(key), each.asked, bytes(each.networks.registers)) for key, each in items),
            tuple(self._figures(stem) for stem in kinds[:_TOLD_KINDS]),
        )

    def _figures(self, stem: bytes) -> KindFigures:
        kind = self._kinds[stem]
        found, missing, guessers = (bytes(each.registers) for each in (kind.found, kind.missing, kind.guessers))
        return KindFigures(_text(stem), kind.asked, found, missing, guessers, tuple(kind.samples))


def _text(name: bytes) -> str:
    return name[:300].decode(errors="replace")
