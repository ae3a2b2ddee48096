"""The two hashes of a tree: of a leaf and of a node, kept apart by their first byte (RFC 6962, section 2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

from millwright.kernel import Unsupported

Algorithm: TypeAlias = Literal["sha256", "sm3"]
"""What a log hashes with: SHA-256 (FIPS 180-4), or SM3 (GB/T 32905-2016) where national algorithms are asked for."""

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
HASH_BYTES = 32
"""Length of a hash; the same for both algorithms."""


class Hasher:
    """Hashes for the tree of one log.

    Raises ``Unsupported`` (``ledger.algorithm_missing``) when this Python's OpenSSL lacks the algorithm.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm: Algorithm = algorithm
        self._new: Callable[[bytes], hashlib._Hash]
        if algorithm == "sha256":
            self._new = hashlib.sha256
        else:
            try:
                hashlib.new("sm3")
            except ValueError as error:
                raise Unsupported(
                    "The OpenSSL of this Python has no SM3.",
                    code="ledger.algorithm_missing",
                    hint="Use a Python built with OpenSSL 1.1.1 or newer, or set [ledger] algorithm to sha256.",
                ) from error
            self._new = lambda data: hashlib.new("sm3", data)

    def plain(self, data: bytes) -> bytes:
        """The hash of ``data`` alone."""
        return self._new(data).digest()

    def leaf(self, entry: bytes) -> bytes:
        """The hash of an entry as a leaf."""
        return self._new(b"\x00" + entry).digest()

    def node(self, left: bytes, right: bytes) -> bytes:
        """The hash of a node with two children."""
        return self._new(b"\x01" + left + right).digest()

    def subtree(self, hashes: Sequence[bytes]) -> bytes:
        """The hash over ``hashes``, which are those of complete subtrees of one size; there are 2**k of them."""
        row = list(hashes)
        new = self._new
        while len(row) > 1:
            pairs = iter(row)
            row = [new(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        return row[0]
