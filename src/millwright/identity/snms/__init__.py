"""The interface that China's secondary nodes offer to enterprise systems (SNMS, IDHub): they go on working here.

Vocabulary: an *envelope* is ``{status, message, data}``, the form of every answer; a *templateVersion* is the name of a
template; an *attribute* is a value with its index and type. What is known of the interface, and from where, is in
:mod:`.facts`.

Invariants: everything is done by registration, under the permissions, scopes, ledger and visibility that hold there;
nothing is shown or changed here that is not there.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.snms.door import Door
    from millwright.identity.snms.service import Snms

__getattr__ = exports(__name__)

__all__ = ["Door", "Snms"]
