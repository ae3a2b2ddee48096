"""What is registered: prefixes, the records of identifiers, their versions, and the signed log that all of it is from.

Vocabulary: the *log* is a stream of *batches*, each signed by the node that wrote it and holding the hash of the one
before. The *index* is what the log says, in LMDB. A *position* is a sequence of the log; the *digest* of an index is
equal to that of every other one that says the same. The *primary* writes; a *mirror* follows.

Invariants: the index never shows what the log does not have; what was acknowledged is in the log; one node writes, any
process of it, one at a time; a batch that does not verify changes nothing.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.records.archive import Archive
    from millwright.identity.records.follower import Follower
    from millwright.identity.records.index import RecordIndex
    from millwright.identity.records.keys import SigningKeys
    from millwright.identity.records.log import ChangeLog, StreamLog
    from millwright.identity.records.model import Batch, Prefix, RecordChange, Version, Written
    from millwright.identity.records.service import Records

__getattr__ = exports(__name__)

__all__ = [
    "Archive",
    "Batch",
    "ChangeLog",
    "Follower",
    "Prefix",
    "RecordChange",
    "RecordIndex",
    "Records",
    "SigningKeys",
    "StreamLog",
    "Version",
    "Written",
]
