"""Reading a log's public files: entries and proofs. Reads only; any number of readers work beside one writer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from millwright.kernel import Corrupt, NotFound
from millwright.ledger.merkle import (
    TILE_WIDTH,
    Hasher,
    TileHashes,
    TileId,
    consistency_proof,
    entries_path,
    hash_path,
    inclusion_proof,
    parse_bundle,
    root_hash,
)
from millwright.ledger.notes import Checkpoint, Note

_KEPT = 512


class LogReader:
    """Entries and proofs of the log whose public files ``read`` returns by their path (``tile/0/000``, ``checkpoint``).

    ``read`` raises ``FileNotFoundError`` for what is not there. Full tiles are kept in memory, the last 512 used.
    """

    def __init__(self, hasher: Hasher, read: Callable[[str], bytes]) -> None:
        self.hasher = hasher
        self._read_file = read
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    @classmethod
    def in_folder(cls, hasher: Hasher, public: Path) -> LogReader:
        """A reader of the files below ``public``."""
        return cls(hasher, lambda path: (public / path).read_bytes())

    def note(self) -> Note:
        """The newest signed tree head. Raises ``NotFound`` (``ledger.empty``) before the first entry."""
        return Note.parse(self.read("checkpoint").decode())

    def checkpoint(self) -> Checkpoint:
        """The newest tree head."""
        return Checkpoint.parse(self.note().text)

    def read(self, path: str) -> bytes:
        """A public file. Raises ``NotFound`` (``ledger.file_unknown``)."""
        try:
            return self._read_file(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(
                f"The ledger has no file {path}.",
                code="ledger.file_unknown",
                hint="Files come into being with the entries; begin with the checkpoint.",
            ) from error

    def tile(self, tile: TileId) -> bytes:
        """A tile's bytes; for a partial one that is gone, the beginning of the full one.

        Raises ``Corrupt`` (``ledger.tile_missing``).
        """
        return self._kept_file(hash_path(tile), hash_path(TileId(tile.level, tile.index)), tile.width * 32)

    def bundle(self, index: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle. Raises ``Corrupt``."""
        return parse_bundle(self._kept_file(entries_path(index, width), entries_path(index), None))[:width]

    def _kept_file(self, path: str, whole: str, length: int | None) -> bytes:
        kept = self._kept.get(whole)
        if kept is None:
            try:
                kept = self._read_file(path)
            except FileNotFoundError:
                try:
                    kept = self._read_file(whole)
                except FileNotFoundError as error:
                    raise Corrupt(
                        f"The ledger's file {path} is missing.",
                        code="ledger.tile_missing",
                        hint="Restore it from a copy of the log; `millwright ledger verify` finds what else is wrong.",
                    ) from error
            if path == whole:
                self._kept[whole] = kept
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(whole)
        return kept if length is None else kept[:length]

    def hashes(self, size: int, held: int | None = None) -> TileHashes:
        """Any hash of the tree of ``size`` leaves; partial tiles are as wide as a log of ``held`` entries needs them.

        ``held`` is that of the newest tree head unless it is given.
        """
        return TileHashes(self.hasher, max(size, self.checkpoint().size if held is None else held), self.tile)

    def root(self, size: int, held: int | None = None) -> bytes:
        """The root at ``size``."""
        return root_hash(self.hasher, size, self.hashes(size, held))

    def entry(self, index: int, size: int) -> bytes:
        """The entry at ``index`` of the log of ``size``. Raises ``NotFound`` (``ledger.entry_unknown``)."""
        if not 0 <= index < size:
            raise NotFound(
                f"There is no entry {index}; the log has {size}.",
                code="ledger.entry_unknown",
                hint="Entries are counted from 0.",
            )
        bundle, offset = divmod(index, TILE_WIDTH)
        return self.bundle(bundle, min(size - bundle * TILE_WIDTH, TILE_WIDTH))[offset]

    def inclusion(self, index: int, size: int) -> Sequence[bytes]:
        """The proof that entry ``index`` is in the log of ``size``. Raises ``Invalid`` (``ledger.bad_range``)."""
        return inclusion_proof(self.hasher, index, size, self.hashes(size))

    def consistency(self, old: int, size: int) -> Sequence[bytes]:
        """The proof that the log of ``size`` begins with that of ``old``. Raises ``Invalid`` (``ledger.bad_range``)."""
        return consistency_proof(self.hasher, old, size, self.hashes(size))
