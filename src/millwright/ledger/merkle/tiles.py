"""Tiles: the tree in files of 256 hashes, by the layout of C2SP tlog-tiles.

A tile of level L holds hashes of complete subtrees of 256**L entries. Every hash of the tree lies in a tile or is made
from one tile alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from millwright.kernel import Corrupt
from millwright.ledger.merkle.hashing import HASH_BYTES, Hasher

TILE_WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class TileId:
    """A tile: its level, its index within the level, and how many hashes it holds (256: full)."""

    level: int
    index: int
    width: int = TILE_WIDTH


def tile_number(index: int) -> str:
    """The path elements of a tile's index: 1234067 → ``x001/x234/067``."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def _suffix(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"


def hash_path(tile: TileId) -> str:
    """The path of a tile of hashes below the log's folder or address."""
    return f"tile/{tile.level}/{tile_number(tile.index)}{_suffix(tile.width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """The path of a bundle of entries."""
    return f"tile/entries/{tile_number(index)}{_suffix(width)}"


def tiles_of(size: int) -> Iterator[TileId]:
    """Every tile of a tree with ``size`` leaves, partial ones as they are at that size."""
    level = 0
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        yield from (TileId(level, index) for index in range(full))
        if rest:
            yield TileId(level, full, rest)
        size, level = full, level + 1


def parse_bundle(data: bytes, width: int | None = None) -> list[bytes]:
    """The entries in a bundle: each after its length in two bytes, big-endian.

    Raises ``Corrupt`` (``ledger.bundle_broken``) when it ends in mid-entry or holds another number than ``width``.
    """
    found = []
    position, end = 0, len(data)
    while position < end:
        length = int.from_bytes(data[position : position + 2], "big")
        position += 2
        if position > end or position + length > end:
            raise Corrupt("A bundle ends within an entry.", code="ledger.bundle_broken", hint="Restore the file.")
        found.append(data[position : position + length])
        position += length
    if width is not None and len(found) != width:
        raise Corrupt(
            f"A bundle holds {len(found)} entries instead of {width}.",
            code="ledger.bundle_broken",
            hint="Restore the file.",
        )
    return found


class TileHashes:
    """Any hash of a tree of ``size`` leaves, read from its tiles.

    ``read`` returns a tile's bytes. A hash at (level, index) is that of the complete subtree over the leaves
    ``index << level`` to ``(index + 1) << level``.
    """

    def __init__(self, hasher: Hasher, size: int, read: Callable[[TileId], bytes]) -> None:
        self._hasher, self._size, self._read = hasher, size, read

    def __call__(self, level: int, index: int) -> bytes:
        """The hash. Raises what ``read`` raises, ``Corrupt`` (``ledger.tile_broken``)."""
        tile_level, height = divmod(level, _HEIGHT)
        first = index << height
        tile_index, offset = divmod(first, TILE_WIDTH)
        held = self._size >> (_HEIGHT * tile_level)
        width = min(held - tile_index * TILE_WIDTH, TILE_WIDTH)
        data = self._read(TileId(tile_level, tile_index, width))
        if len(data) != width * HASH_BYTES:
            raise Corrupt(
                f"The tile {hash_path(TileId(tile_level, tile_index, width))} has {len(data)} bytes.",
                code="ledger.tile_broken",
                hint="Restore the file from a copy of the log; `millwright ledger verify` finds what else is wrong.",
            )
        return self._hasher.subtree(split(data[offset * HASH_BYTES : (offset + (1 << height)) * HASH_BYTES]))


def split(data: bytes) -> Sequence[bytes]:
    """The hashes in a tile's bytes."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
