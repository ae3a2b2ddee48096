"""Queries over the records: people, sessions, tokens, the first set-up."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.store.authority import AuthorityStore
    from millwright.parties.store.browsers import BrowserStore
    from millwright.parties.store.grants import GrantStore
    from millwright.parties.store.organisations import OrganisationStore
    from millwright.parties.store.people import PeopleStore
    from millwright.parties.store.sessions import SessionStore
    from millwright.parties.store.setup import SetupStore
    from millwright.parties.store.tokens import TokenStore

__getattr__ = exports(__name__)

__all__ = [
    "AuthorityStore",
    "BrowserStore",
    "GrantStore",
    "OrganisationStore",
    "PeopleStore",
    "SessionStore",
    "SetupStore",
    "TokenStore",
]
