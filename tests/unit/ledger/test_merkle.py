"""Trees and proofs against the definition of RFC 6962 and its published vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.kernel import Corrupt, Invalid
from millwright.ledger.log.frontier import Frontier
from millwright.ledger.merkle import (
    ALGORITHMS,
    Algorithm,
    Hasher,
    TileHashes,
    TileId,
    consistency_proof,
    consistent,
    entries_path,
    hash_path,
    included,
    inclusion_proof,
    parse_bundle,
    root_hash,
    tiles_of,
)

# The vectors of the Certificate Transparency reference implementation.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def definition(hasher: Hasher, leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hasher.plain(b"")
    if len(leaves) == 1:
        return hasher.leaf(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hasher.node(definition(hasher, leaves[:k]), definition(hasher, leaves[k:]))


class Tree:
    """A tree whose tiles are in memory."""

    def __init__(self, hasher: Hasher, entries: Sequence[bytes]) -> None:
        self.files: dict[str, bytes] = {}
        frontier = Frontier(hasher)
        for entry in entries:
            self.files.update(frontier.add(entry))
        self.files.update(frontier.partial())
        self.frontier = frontier
        self.hashes = TileHashes(hasher, len(entries), lambda tile: self.files[hash_path(tile)])


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_published(size: int) -> None:
    tree = Tree(Hasher("sha256"), LEAVES[:size])
    assert tree.frontier.root().hex() == ROOTS[size]
    assert root_hash(Hasher("sha256"), size, tree.hashes).hex() == ROOTS[size]


def test_sm3_is_the_national_standard() -> None:
    # GB/T 32905-2016, annex A.1.
    assert Hasher("sm3").plain(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 1400), data=st.data())
def test_proofs_hold_and_nothing_else_does(algorithm: Algorithm, size: int, data: st.DataObject) -> None:
    hasher = Hasher(algorithm)
    entries = [b"entry %d" % number for number in range(size)]
    tree = Tree(hasher, entries)
    root = definition(hasher, entries)
    assert tree.frontier.root() == root

    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(hasher, index, size, tree.hashes)
    assert included(hasher, hasher.leaf(entries[index]), index, size, path, root)
    assert not included(hasher, hasher.leaf(b"another"), index, size, path, root)
    assert not included(hasher, hasher.leaf(entries[index]), (index + 1) % size, size, path, root) or size == 1
    assert not included(hasher, hasher.leaf(entries[index]), index, size, [*path, root], root)

    old = data.draw(st.integers(1, size))
    before = definition(hasher, entries[:old])
    proof = consistency_proof(hasher, old, size, tree.hashes)
    assert consistent(hasher, old, before, size, root, proof)
    assert not consistent(hasher, old, hashlib.sha256(b"other").digest(), size, root, proof)
    assert not consistent(hasher, old, before, size, hashlib.sha256(b"other").digest(), proof)
    if proof:
        assert not consistent(hasher, old, before, size, root, proof[:-1])


def test_a_grown_tree_is_the_same_as_one_made_at_once() -> None:
    hasher = Hasher("sha256")
    entries = [b"%d" % number for number in range(70_000 // 50)]
    whole = Tree(hasher, entries)
    first = Tree(hasher, entries[:700])
    resumed = Frontier.load(
        hasher,
        700,
        lambda tile: first.files[hash_path(tile)],
        lambda index, width: parse_bundle(first.files[entries_path(index, width)], width),
    )
    files = dict(first.files)
    for entry in entries[700:]:
        files.update(resumed.add(entry))
    files.update(resumed.partial())
    assert resumed.root() == whole.frontier.root()
    assert {path: files[path] for path in whole.files} == whole.files


def test_paths_are_those_of_the_layout() -> None:
    assert hash_path(TileId(0, 1_234_067)) == "tile/0/x001/x234/067"
    assert hash_path(TileId(3, 7, 12)) == "tile/3/007.p/12"
    assert entries_path(273, 112) == "tile/entries/273.p/112"
    # The example of tlog-tiles: a tree of 70,000.
    tiles = list(tiles_of(70_000))
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.width != 256] == [TileId(0, 273, 112), TileId(1, 1, 17), TileId(2, 0, 1)]
    assert TileId(1, 0) in tiles
    assert list(tiles_of(256)) == [TileId(0, 0), TileId(1, 0, 1)]


def test_what_is_out_of_range_is_refused() -> None:
    tree = Tree(Hasher("sha256"), LEAVES)
    for call in (lambda: inclusion_proof(Hasher("sha256"), 8, 8, tree.hashes), lambda: consistency_proof(
        Hasher("sha256"), 9, 8, tree.hashes
    )):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            call()
        assert refused.value.code == "ledger.bad_range"
    for broken in (b"\x00", b"\x00\x05abc"):
        with pytest.raises(Corrupt):
            parse_bundle(broken)
    with pytest.raises(Corrupt):
        TileHashes(Hasher("sha256"), 8, lambda _: b"short")(0, 0)
