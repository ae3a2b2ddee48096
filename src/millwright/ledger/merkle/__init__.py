"""Merkle trees after RFC 6962, section 2.1 (RFC 9162, section 2.1): hashes, tiles, proofs. No I/O."""

from millwright.ledger.merkle.hashing import ALGORITHMS, HASH_BYTES, Algorithm, Hasher
from millwright.ledger.merkle.proofs import (
    HashReader,
    consistency_proof,
    consistent,
    included,
    inclusion_proof,
    root_hash,
)
from millwright.ledger.merkle.tiles import (
    TILE_WIDTH,
    TileHashes,
    TileId,
    entries_path,
    hash_path,
    parse_bundle,
    tiles_of,
)

__all__ = [
    "ALGORITHMS",
    "HASH_BYTES",
    "TILE_WIDTH",
    "Algorithm",
    "HashReader",
    "Hasher",
    "TileHashes",
    "TileId",
    "consistency_proof",
    "consistent",
    "entries_path",
    "hash_path",
    "included",
    "inclusion_proof",
    "parse_bundle",
    "root_hash",
    "tiles_of",
]
