"""Inclusion and consistency proofs (RFC 9162, sections 2.1.3 and 2.1.4): made from hashes, and verified.

A tree of n leaves is cut into complete subtrees as the binary digits of n say; a hash is asked for by (level, index):
that of the complete subtree over the leaves ``index << level`` up to ``(index + 1) << level``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from millwright.kernel import Invalid
from millwright.ledger.merkle.hashing import Hasher

HashReader: TypeAlias = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree at (level, index)."""


def root_hash(hasher: Hasher, size: int, read: HashReader) -> bytes:
    """The root of the tree with ``size`` leaves; the hash of nothing when there are none."""
    return hasher.plain(b"") if size == 0 else _range(hasher, 0, size, read)


def inclusion_proof(hasher: Hasher, index: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root at ``size``. Raises ``Invalid`` (``ledger.bad_range``)."""
    if not 0 <= index < size:
        raise _bad_range(f"There is no entry {index} in a log of {size}.")
    proof: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            proof.append(_range(hasher, middle, end, read))
            end = middle
        else:
            proof.append(_range(hasher, first, middle, read))
            first = middle
    return proof[::-1]


def consistency_proof(hasher: Hasher, old: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes that show the tree at ``size`` to begin with the one at ``old``.

    Empty when ``old`` is 0 or ``size``. Raises ``Invalid`` (``ledger.bad_range``).
    """
    if not 0 <= old <= size:
        raise _bad_range(f"A log of {size} was never longer, {old}.")
    if old in (0, size):
        return []
    proof: list[bytes] = []
    first, end, whole = 0, size, True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(_range(hasher, middle, end, read))
            end = middle
        else:
            proof.append(_range(hasher, first, middle, read))
            first, whole = middle, False
    if not whole:
        proof.append(_range(hasher, first, end, read))
    return proof[::-1]


def included(hasher: Hasher, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows that the leaf hash ``leaf`` is at ``index`` below ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for each in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = hasher.node(each, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = hasher.node(found, each)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def consistent(hasher: Hasher, old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree of ``size`` begins with the one of ``old`` (RFC 9162, 2.1.4.2)."""
    if old == size:
        return not proof and old_root == root
    if not 0 < old < size:
        return old == 0 and not proof
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    before = after = path[0]
    for each in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            before, after = hasher.node(each, before), hasher.node(each, after)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            after = hasher.node(after, each)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and before == old_root and after == root


def _range(hasher: Hasher, first: int, end: int, read: HashReader) -> bytes:
    """The hash over the leaves ``first`` to ``end``, where ``first`` begins a complete subtree as long as the range."""
    peaks = []
    while first < end:
        level = (end - first).bit_length() - 1
        peaks.append(read(level, first >> level))
        first += 1 << level
    found = peaks.pop()
    while peaks:
        found = hasher.node(peaks.pop(), found)
    return found


def _split(length: int) -> int:
    """The largest power of two below ``length``."""
    return 1 << ((length - 1).bit_length() - 1)


def _bad_range(message: str) -> Invalid:
    return Invalid(message, code="ledger.bad_range", hint="Use sizes and positions within the checkpoint.")
