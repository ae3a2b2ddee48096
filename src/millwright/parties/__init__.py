"""People, what they may do, and how they are known: passwords, sessions, API tokens, the first set-up.

Vocabulary: a *person* signs in with a name and a password and then has a *session* (a cookie); a program uses a *token*
(``mwt_…``) that acts for a person, with no more than that person's roles. Roles: ``administrator`` (everything),
``engineer`` (devices, models, rules), ``operator`` (acknowledges and comments alarms), ``viewer`` (looks).

Invariants: no secret is stored, only its digest; there is always an enabled administrator once one was made; a disabled
person has no session and no working token.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.errors import NotSignedIn
    from millwright.parties.guards import require_role, require_session, session_of
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
    from millwright.parties.proof import require_browser, require_proof
    from millwright.parties.sealing import Sealer
    from millwright.parties.service import Opened, Parties
    from millwright.parties.settings import OidcProvider, SignInSettings

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "MIGRATIONS",
    "Account",
    "Language",
    "NewToken",
    "NotSignedIn",
    "OidcProvider",
    "Opened",
    "Parties",
    "Person",
    "Role",
    "Sealer",
    "Session",
    "SessionInfo",
    "SetupState",
    "SignInSettings",
    "TokenInfo",
    "ensure_local_token",
    "require_browser",
    "require_proof",
    "require_role",
    "require_session",
    "session_of",
]
