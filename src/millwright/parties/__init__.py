"""Organisations and people, what they may do where, and how they are known: passwords, sessions, tokens, set-up.

Vocabulary: a *person* signs in with a name and a password and then has a *session* (a cookie); a program uses a *token*
(``mwt_…``) that acts for a person or a *service account*, with no more than that one's roles. *Organisations* form a
tree; people are *members* of some. A *permission* (``devices:read``) is bundled by *roles*; a *grant* gives a role to
somebody on an organisation and what is below it; an enterprise's *consent* lets grants from above reach its data. An
*authority* is all that a session may do, a *scope* where one permission of it holds.

Invariants: no secret is stored, only its digest; there is always an enabled administrator once one was made; a disabled
person has no session and no working token; what no grant reaches is denied; nobody gives what they do not have.

Standards: GB 32100-2015 (unified social credit code).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.authority import NOBODY, Authority, Node, Tree
    from millwright.parties.errors import NotSignedIn
    from millwright.parties.guards import authority_of, chosen_organisation, permit, session_of, signed_in
    from millwright.parties.local_token import ensure_local_token
    from millwright.parties.model import (
        Account,
        Language,
        NewToken,
        Person,
        Role,
        Session,
        SessionInfo,
        SetupState,
        TokenInfo,
    )
    from millwright.parties.organisations.code import clean_code
    from millwright.parties.organisations.service import Organisations
    from millwright.parties.permissions import READERS, Permission, bundles, permission
    from millwright.parties.proof import require_browser, require_proof
    from millwright.parties.routes import IfMatch, TakesBytes
    from millwright.parties.service import Opened, Parties
    from millwright.parties.settings import OidcProvider, SignInSettings
    from millwright.parties.standing import Standing
    from millwright.parties.store.authority import AuthorityStore
    from millwright.parties.store.organisations import active, gone, organisation_path

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "MIGRATIONS",
    "NOBODY",
    "READERS",
    "Account",
    "Authority",
    "AuthorityStore",
    "IfMatch",
    "Language",
    "NewToken",
    "Node",
    "NotSignedIn",
    "OidcProvider",
    "Opened",
    "Organisations",
    "Parties",
    "Permission",
    "Person",
    "Role",
    "Session",
    "SessionInfo",
    "SetupState",
    "SignInSettings",
    "Standing",
    "TakesBytes",
    "TokenInfo",
    "Tree",
    "active",
    "authority_of",
    "bundles",
    "chosen_organisation",
    "clean_code",
    "ensure_local_token",
    "gone",
    "organisation_path",
    "permission",
    "permit",
    "require_browser",
    "require_proof",
    "session_of",
    "signed_in",
]
