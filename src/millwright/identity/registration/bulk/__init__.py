"""Registering the rows of a file: in parts, each durable or not there at all, by a process of its own.

Vocabulary: an *import* has a file, *settings* (which column is which field) and *progress*. A *part* is so many rows as
are written together: one batch of the register's log, marked with the import and the part's number. A row that cannot
be registered is *refused* and told in the *report*.

Invariants: progress is recorded after the log has the part; a part that is found in the log is not made again, so an
import that was killed goes on and makes nothing twice; memory does not grow with the file.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.registration.bulk.keeper import ImportKeeper
    from millwright.identity.registration.bulk.service import Imports
    from millwright.identity.registration.bulk.worker import ImportWorker

__getattr__ = exports(__name__)

__all__ = ["ImportKeeper", "ImportWorker", "Imports"]
