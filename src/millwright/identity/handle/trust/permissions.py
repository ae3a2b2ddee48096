"""Over which handles a certificate lets its subject sign; the meaning is that of Handle.Net's ``HandleVerifier``.

``everything``: all of them. ``thisHandle``: that handle, and where it is a prefix handle those of the prefix as well.
``handlesUnderThisPrefix``: the handles of the prefix. ``derivedPrefixes``: prefix handles of prefixes derived from it,
and their handles. The last three name a handle, the prefix handle ``0.NA/88.118`` for a prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from millwright.identity.handle.naming import PREFIX_HANDLES, fold, named_prefix, prefix_handle, prefix_of
from millwright.identity.handle.trust.claims import TrustPermission

ALL_HANDLES: Final = "everything"
THIS_HANDLE: Final = "thisHandle"
DERIVED_PREFIXES: Final = "derivedPrefixes"
HANDLES_UNDER_THIS_PREFIX: Final = "handlesUnderThisPrefix"
KINDS: Final = (ALL_HANDLES, THIS_HANDLE, DERIVED_PREFIXES, HANDLES_UNDER_THIS_PREFIX)


def permits(permissions: Iterable[TrustPermission], handle: bytes) -> bool:
    """Whether one of the permissions is over this handle."""
    return any(_permits(each, fold(handle)) for each in permissions)


def _permits(given: TrustPermission, handle: bytes) -> bool:
    if given.perm == ALL_HANDLES:
        return True
    named = fold((given.handle or "").encode())
    if not named:
        return False
    if given.perm == THIS_HANDLE:
        return handle == named or _is_under(handle, named)
    if given.perm == DERIVED_PREFIXES:
        return _is_derived(handle, named) or _is_derived(prefix_handle(prefix_of(handle)), named)
    return given.perm == HANDLES_UNDER_THIS_PREFIX and _is_under(handle, named)


def _is_under(handle: bytes, named: bytes) -> bool:
    prefix = named_prefix(named)
    return prefix is not None and handle.startswith(prefix + b"/")


def _is_derived(handle: bytes, named: bytes) -> bool:
    """Whether a prefix handle is of a prefix derived from that of another."""
    return handle.startswith(PREFIX_HANDLES + b"/") and handle.startswith(named + b".")
