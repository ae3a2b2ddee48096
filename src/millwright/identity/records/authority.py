"""Under which prefixes a name may stand, the longest first.

Names are taken as they are compared (folded). A handle stands under its prefix and what that is derived from
(``88.118.8``, ``88.118``, ``88``); a name of GS1 under the first digits of its company prefix, so many as an entry has;
an OID under its arcs; a DID under its method and what follows, by colons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from millwright.identity.handle.naming import PREFIX_HANDLES

_COMPANY_DIGITS = range(12, 3, -1)
"""A GS1 company prefix has 4 to 12 digits (General Specifications, 1.4.4)."""

_SKIPPED_DIGITS = frozenset({b"00", b"01", b"8003", b"8006"})
"""Keys whose first digit stands before the company prefix: an indicator, an extension digit or a filler."""

_DIGITS = re.compile(rb"[0-9]*")
_DOTS = re.compile(rb"\.")
_CUTS = {
    b"OID": _DOTS,
    b"DID": re.compile(rb"[:/?#]"),
    b"MA": re.compile(rb"[./]"),
    b"AHM": re.compile(rb"[./]"),
    b"ECODE": re.compile(rb"(?s)."),
}
_MOST_CUTS = 40
"""Of a name that was made to be long."""

ROOMS = frozenset({b"GS1", *_CUTS})
"""What the names of code systems without handles begin with; no prefix of handles is one of these."""


def candidates(name: bytes) -> Iterator[bytes]:
    """The keys of prefixes that a folded name may stand under."""
    prefix, slash, rest = name.partition(b"/")
    if not slash:
        prefix, rest = PREFIX_HANDLES, name
    if prefix == b"GS1":
        yield from _company_prefixes(rest)
    elif prefix in _CUTS:
        for part in _shorter(rest, _CUTS[prefix]):
            yield prefix + b":" + part
    else:
        if prefix == PREFIX_HANDLES:
            # What is known of a prefix belongs to whose prefix it is.
            yield from _shorter(rest, _DOTS)
        yield from _shorter(prefix, _DOTS)


def _shorter(whole: bytes, cut_at: re.Pattern[bytes]) -> Iterator[bytes]:
    """The whole and what is left of it when it is cut at each place, the longest first."""
    if whole:
        yield whole
    cuts = islice((found.start() for found in cut_at.finditer(whole, 1)), _MOST_CUTS)
    for cut in reversed(list(cuts)):
        yield whole[:cut]


def _company_prefixes(path: bytes) -> Iterator[bytes]:
    key, _, rest = path.partition(b"/")
    found = _DIGITS.match(rest, 1 if key in _SKIPPED_DIGITS else 0)
    digits = found[0] if found is not None else b""
    for length in _COMPANY_DIGITS:
        if length <= len(digits):
            yield b"GS1:" + digits[:length]
