"""Finding identifiers: by words in any language, by fields, by prefix, template and time, over all that one may see.

Vocabulary: the *search index* is a file beside the register, fed by the register's log; its *lag* is how far it is
behind. Of a record it holds the words of public values, for everybody, and those of granted values, for its holder.

Invariants: what one may not see is neither found nor counted; sealed values are in no index; the index holds nothing
that cannot be read from the register again; nobody waits for it to register.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.search.follower import SearchFollower
    from millwright.identity.search.index import SearchIndex
    from millwright.identity.search.service import Search

__getattr__ = exports(__name__)

__all__ = ["Search", "SearchFollower", "SearchIndex"]
