"""Prefixes: an enterprise applies for one, is certified, gets it, and registers identifiers below it.

Vocabulary: a *holder* is the organisation whose a prefix is; a *registrar* the one that reviews and administers it: the
holder of the nearest prefix above it that is held here, else the organisation above the applicant. A *certification*
(认证) says who vouches for the holder; a *filing* (备案) is its record with a node above. The *index* is where
resolution looks up whose a name is.

Invariants: nobody holds a prefix that is another's, or that has another's below it; one below another's comes into
being only by that one's decision; every step is in the history of its case and in the ledger; whatever the records
hold, the index learns, whoever dies in between.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.prefixes.index import PrefixIndex
    from millwright.identity.prefixes.keeper import PrefixKeeper
    from millwright.identity.prefixes.service import Prefixes
    from millwright.identity.prefixes.settings import PrefixesSettings
    from millwright.identity.prefixes.systems import PrefixSystem, ReadPrefix, parents_of, read_prefix

__getattr__ = exports(__name__)

__all__ = [
    "PrefixIndex",
    "PrefixKeeper",
    "PrefixSystem",
    "Prefixes",
    "PrefixesSettings",
    "ReadPrefix",
    "parents_of",
    "read_prefix",
]
