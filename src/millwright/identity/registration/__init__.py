"""Registering identifiers: one by a template, or very many from a file; changing, removing and restoring them.

Vocabulary: an *identifier* is registered under the *name* of its code; its *record* holds the *fields* of a template,
*links*, and whatever else its values say. Whose it is, is whose prefix it stands under. A *version* is what a record
was at some time; a removed identifier keeps its versions and its name is not given again. An *import* registers the
rows of a file, a *part* at a time.

Invariants: only members of the prefix's holder with the permission write, and only while the prefix is in force; what
one may not read is not shown, in versions and exports neither; a sealed value is shown only where it is asked for by
who may, and that is an entry of the ledger; an import that is interrupted goes on and makes nothing twice.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.registration.model import IdentifierRecord, NewIdentifier
    from millwright.identity.registration.sealing import ValueSeals
    from millwright.identity.registration.service import Registration

__getattr__ = exports(__name__)

__all__ = ["IdentifierRecord", "NewIdentifier", "Registration", "ValueSeals"]
