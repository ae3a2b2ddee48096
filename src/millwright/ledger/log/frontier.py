"""The right edge of a growing tree: the tiles that are not full yet, and the bundle of entries that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from millwright.ledger.merkle import HASH_BYTES, TILE_WIDTH, Hasher, TileHashes, TileId, entries_path, hash_path
from millwright.ledger.merkle import root_hash as root_of
from millwright.ledger.merkle.tiles import split


class Frontier:
    """Takes entries in and gives tiles out; holds no more than one partial tile a level in memory."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._levels: list[bytearray] = []
        self._bundle: list[bytes] = []
        self.size = 0

    @classmethod
    def load(
        cls, hasher: Hasher, size: int, tile: Callable[[TileId], bytes], bundle: Callable[[int, int], list[bytes]]
    ) -> Frontier:
        """The frontier of a tree of ``size`` whose tiles exist."""
        found = cls(hasher)
        found.size = size
        rest, level = size, 0
        while rest:
            index, width = divmod(rest, TILE_WIDTH)
            found._levels.append(bytearray(tile(TileId(level, index, width)) if width else b""))
            rest, level = index, level + 1
        if size % TILE_WIDTH:
            found._bundle = list(bundle(size // TILE_WIDTH, size % TILE_WIDTH))
        return found

    def add(self, entry: bytes) -> Iterator[tuple[str, bytes]]:
        """Take an entry in; yields the path and the bytes of every file that became full by it."""
        self._bundle.append(entry)
        hash_, level, index = self._hasher.leaf(entry), 0, self.size
        self.size += 1
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
            tile = self._levels[level]
            tile += hash_
            if len(tile) < TILE_WIDTH * HASH_BYTES:
                return
            index //= TILE_WIDTH
            if level == 0:
                yield entries_path(index), self._bundle_bytes()
                self._bundle.clear()
            data = bytes(tile)
            yield hash_path(TileId(level, index)), data
            tile.clear()
            hash_, level = self._hasher.subtree(split(data)), level + 1

    def partial(self) -> Iterator[tuple[str, bytes]]:
        """The path and the bytes of every partial file at this size."""
        size = self.size
        if self._bundle:
            yield entries_path(size // TILE_WIDTH, len(self._bundle)), self._bundle_bytes()
        for level, tile in enumerate(self._levels):
            if tile:
                index = size >> (8 * (level + 1))
                yield hash_path(TileId(level, index, len(tile) // HASH_BYTES)), bytes(tile)

    def root(self) -> bytes:
        """The root at this size: every hash it needs is in a partial tile."""
        return root_of(
            self._hasher, self.size, TileHashes(self._hasher, self.size, lambda tile: bytes(self._levels[tile.level]))
        )

    def _bundle_bytes(self) -> bytes:
        return b"".join(len(entry).to_bytes(2, "big") + entry for entry in self._bundle)
