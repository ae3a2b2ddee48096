"""Which entries were altered, removed, inserted or moved, told from the hashes that should be and those that are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from millwright.ledger.verification.model import Finding


def align(expected: Sequence[bytes], found: Sequence[bytes], first: int = 0) -> Iterator[Finding]:
    """The differences, in order; ``first`` is the position of the first hash of both.

    An entry is *altered* when its hash is unknown and that of its place is nowhere else; *reordered* when its hash
    belongs to another place.
    """
    should, has = set(expected), set(found)
    at, seen = 0, 0
    while at < len(expected) or seen < len(found):
        want = expected[at] if at < len(expected) else None
        have = found[seen] if seen < len(found) else None
        if want == have:
            at, seen = at + 1, seen + 1
            continue
        place = first + at
        gone = want is not None and want not in has
        strange = have is not None and have not in should
        if gone and strange:
            yield Finding("altered", f"Entry {place} is not the one that was signed.", place, place)
            at, seen = at + 1, seen + 1
        elif gone:
            yield Finding("removed", f"Entry {place} was removed.", place, place)
            at += 1
        elif strange or want is None:
            yield Finding("inserted", f"An entry was inserted before position {place}.", place, place)
            seen += 1
        elif have is None:
            yield Finding("reordered", f"Entry {place} stands elsewhere.", place, place)
            at += 1
        else:
            yield Finding("reordered", f"Entry {place} is not in its place: another one is there.", place, place)
            at, seen = at + 1, seen + 1
