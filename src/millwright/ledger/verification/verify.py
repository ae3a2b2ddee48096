"""The verification itself: from the signature down to every entry.

The signed root vouches for the tiles at the right edge, each hash in a tile of a level above the first vouches for a
full tile below it, and the hashes of the first level vouch for the entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from millwright.kernel import MillwrightError
from millwright.ledger.log import LogReader, read_info
from millwright.ledger.merkle import (
    HASH_BYTES,
    TILE_WIDTH,
    Hasher,
    TileId,
    entries_path,
    hash_path,
    parse_bundle,
    root_hash,
)
from millwright.ledger.merkle.tiles import TileHashes, split
from millwright.ledger.notes import Checkpoint, Note, Verifier, find_cosigned_s, signed_by
from millwright.ledger.verification.alignment import align
from millwright.ledger.verification.disclosures import check_disclosures
from millwright.ledger.verification.model import Finding, Report

MOST_FINDINGS = 1000
"""Findings told; a copy with more of them is not worth reading further."""


def verify(
    folder: Path,
    *,
    keys: Sequence[Verifier] = (),
    witness_keys: Sequence[Verifier] = (),
    earlier: Sequence[Note] = (),
) -> Report:
    """Check the copy of a log in ``folder``.

    ``keys`` are those the log is known by; without any, those in the copy are taken, which proves only that it is
    whole. ``witness_keys`` must each have co-signed a tree head in the copy. ``earlier`` are tree heads kept elsewhere:
    the copy must contain the history that they sign. Raises ``NotFound`` (``ledger.file_unknown``) when there is no
    checkpoint, ``Invalid`` when one cannot be read.
    """
    return _Verification(folder, keys, witness_keys, earlier).run()


class _Verification:
    def __init__(
        self, folder: Path, keys: Sequence[Verifier], witness_keys: Sequence[Verifier], earlier: Sequence[Note]
    ) -> None:
        info = read_info(folder)
        self.folder = folder
        self.hasher = Hasher(info.algorithm if info else "sha256")
        self.reader = LogReader.in_folder(self.hasher, folder)
        self.note = self.reader.note()
        self.head = Checkpoint.parse(self.note.text)
        self.trusted = bool(keys)
        self.keys = list(keys) or _kept_keys(folder)
        self.witness_keys, self.earlier = witness_keys, list(earlier)
        self.good: set[TileId] = set()
        self.mended: set[TileId] = set()

    def run(self) -> Report:
        findings = list(islice(self._findings(), MOST_FINDINGS))
        personal = check_disclosures(self.folder, self._entries())
        return Report(
            origin=self.head.origin,
            size=self.head.size,
            root=self.head.root.hex(),
            findings=[*findings, *personal.findings],
            entries=personal.entries,
            disclosed=personal.disclosed,
            erased=personal.erased,
            witnesses=[key.name for key in self.witness_keys],
            trusted_key=self.trusted,
        )

    def _findings(self) -> Iterator[Finding]:
        if not any(signed_by(self.note, key) for key in self.keys):
            yield Finding("checkpoint", "The tree head is not signed by a key of this log.")
        yield from self._check_tiles()
        yield from self._check_entries()
        yield from self._check_earlier()

    # --- tiles -------------------------------------------------------------------------------------------------------

    def _check_tiles(self) -> Iterator[Finding]:
        """Find the tiles that the signed root vouches for."""
        size = self.head.size
        edge = {level: self._find_tile(tile) or b"" for level, tile in self._edge().items()}
        if self._root(edge) == self.head.root:
            self.good.update(self._edge().values())
        else:
            yield from self._mend_edge(edge)
        for level in range(7, 0, -1):
            for index in range(size >> (8 * level)):
                above = TileId(level, index // TILE_WIDTH, min(TILE_WIDTH, (size >> (8 * level)) - index // 256 * 256))
                below = TileId(level - 1, index)
                data = self._find_tile(below)
                vouched = self._find_tile(above) if above in self.good else None
                if vouched is None:
                    continue
                want = vouched[index % 256 * HASH_BYTES :][:HASH_BYTES]
                if data is not None and self.hasher.subtree(split(data)) == want:
                    self.good.add(below)
                elif level > 1:
                    first = index << (8 * level)
                    last = first + (1 << (8 * level)) - 1
                    yield Finding("tile", f"{hash_path(below)} is not the file that was signed.", first, last)

    def _edge(self) -> dict[int, TileId]:
        """The partial tiles at the right edge, by level."""
        size = self.head.size
        widths = ((level, (size >> (8 * level)) & 255) for level in range(8))
        return {level: TileId(level, size >> (8 * (level + 1)), width) for level, width in widths if width}

    def _root(self, edge: dict[int, bytes]) -> bytes:
        size = self.head.size
        try:
            return root_hash(self.hasher, size, TileHashes(self.hasher, size, lambda tile: edge[tile.level]))
        except MillwrightError:
            return b""

    def _mend_edge(self, edge: dict[int, bytes]) -> Iterator[Finding]:
        """The root is another one: find out whether the entries at the end are right and only their tile is not."""
        size = self.head.size
        last = self._edge().get(0)
        if last is not None:
            found = [self.hasher.leaf(entry) for entry in self._bundle(last.index, last.width)]
            if self._root(edge | {0: b"".join(found)}) == self.head.root:
                self.good.update(tile for level, tile in self._edge().items() if level)
                self.mended.add(last)
                yield Finding("tile", f"{hash_path(last)} is not the file that was signed; its entries are.")
                return
        yield Finding("rewritten", "The hashes here are not those of the signed tree head.", 0, max(size - 1, 0))

    def _tile(self, tile: TileId) -> bytes:
        data = self.reader.tile(tile)
        return data if len(data) == tile.width * HASH_BYTES else b""

    def _find_tile(self, tile: TileId) -> bytes | None:
        try:
            return self._tile(tile) or None
        except MillwrightError:
            return None

    # --- entries -----------------------------------------------------------------------------------------------------

    def _check_entries(self) -> Iterator[Finding]:
        """Compare every bundle with its hashes; where they differ, say how."""
        wrong: list[tuple[int, list[bytes], list[bytes]]] = []
        for index in range((self.head.size + TILE_WIDTH - 1) // TILE_WIDTH):
            width = min(TILE_WIDTH, self.head.size - index * TILE_WIDTH)
            tile = TileId(0, index, width)
            stored = list(split(self._find_tile(tile) or b""))
            found = [self.hasher.leaf(entry) for entry in self._bundle(index, width)]
            if tile in self.mended:
                continue
            if tile in self.good:
                if found != stored:
                    wrong.append((index, stored, found))
            else:
                yield from self._check_unvouched(tile, stored, found)
        if wrong:
            # An entry taken out or put in moves those behind it: what differs is compared as one.
            expected = [each for _, stored, _ in wrong for each in stored]
            yield from align(expected, [each for _, _, found in wrong for each in found], wrong[0][0] * TILE_WIDTH)

    def _bundle(self, index: int, width: int) -> list[bytes]:
        for path in (entries_path(index, width), entries_path(index)):
            file = self.folder / path
            if file.is_file():
                try:
                    return parse_bundle(file.read_bytes())
                except MillwrightError:
                    return []
        return []

    def _check_unvouched(self, tile: TileId, stored: list[bytes], found: list[bytes]) -> Iterator[Finding]:
        """Entries whose tile is not the signed one: the level above may vouch for them directly."""
        size, first = self.head.size, tile.index * TILE_WIDTH
        above = TileId(1, tile.index // TILE_WIDTH, min(TILE_WIDTH, (size >> 8) - tile.index // 256 * 256))
        if tile.width == TILE_WIDTH and above in self.good and len(found) == TILE_WIDTH:
            want = (self._find_tile(above) or b"")[tile.index % 256 * HASH_BYTES :][:HASH_BYTES]
            if self.hasher.subtree(found) == want:
                yield Finding("tile", f"{hash_path(tile)} is not the file that was signed; its entries are.")
                return
        told = list(align(stored, found, first))
        yield from told
        if not told and above in self.good:
            last = first + tile.width - 1
            text = f"Some of the entries {first} to {last} are not those that were signed."
            yield Finding("altered", text, first, last)

    def _entries(self) -> Iterator[bytes]:
        for index in range((self.head.size + TILE_WIDTH - 1) // TILE_WIDTH):
            yield from self._bundle(index, min(TILE_WIDTH, self.head.size - index * TILE_WIDTH))

    # --- other tree heads --------------------------------------------------------------------------------------------

    def _check_earlier(self) -> Iterator[Finding]:
        heads = [(note, "given") for note in self.earlier]
        witnessed = self.folder / "witnessed"
        if witnessed.is_file():
            heads.append((Note.parse(witnessed.read_text(encoding="utf-8")), "witnessed"))
        for key in self.witness_keys:
            seen = [note for note, _ in [*heads, (self.note, "newest")] if find_cosigned_s(note, key) is not None]
            if not seen:
                yield Finding("unwitnessed", f"No tree head here was co-signed by {key.name}.")
        matching = 0
        for note, source in sorted(heads, key=lambda each: Checkpoint.parse(each[0].text).size):
            signed = any(signed_by(note, key) for key in self.keys)
            if not signed and all(find_cosigned_s(note, key) is None for key in self.witness_keys):
                if source == "given":  # what the copy itself brings and nobody known signed says nothing
                    yield Finding("checkpoint", "An earlier tree head is signed by no known key and by no witness.")
                continue
            finding = self._compare(Checkpoint.parse(note.text), matching)
            if finding is not None:
                yield finding
                return
            matching = Checkpoint.parse(note.text).size

    def _compare(self, old: Checkpoint, matching: int) -> Finding | None:
        size = self.head.size
        if old.origin != self.head.origin:
            return Finding("rewritten", f"An earlier tree head is of another log, {old.origin}.")
        if old.size > size:
            return Finding("removed", f"Entries {size} to {old.size - 1} were removed.", size, old.size - 1)
        try:
            root = self.reader.root(old.size)
        except MillwrightError:
            root = b""
        if root == old.root:
            return None
        return Finding(
            "rewritten",
            f"History was rewritten: the entries {matching} to {old.size - 1} are not those signed before.",
            matching,
            old.size - 1,
        )


def _kept_keys(folder: Path) -> list[Verifier]:
    path = folder / "log.vkey"
    return [Verifier.parse(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
