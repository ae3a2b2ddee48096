"""Who may change a handle: HS_ADMIN values and the groups that they refer to (RFC 3651, 3.2.1 and 3.2.7)."""

from __future__ import annotations

from collections.abc import Iterable

from millwright.identity.handle.errors import MessageError, denied
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import fold
from millwright.identity.handle.records import RecordsView
from millwright.identity.handle.special import (
    HS_ADMIN,
    HS_VLIST,
    Admin,
    AdminPermission,
    decode_admin,
    decode_references,
)
from millwright.identity.handle.wire.codes import Rc

MAX_GROUP_DEPTH = 10
MAX_GROUP_MEMBERS = 1_000


def check_permitted(
    view: RecordsView,
    who: Reference,
    values: Iterable[HandleValue],
    needed: AdminPermission,
    administrators: tuple[Reference, ...] = (),
) -> None:
    """Raise ``Denied`` unless somebody may do all of ``needed`` by the HS_ADMIN among ``values``.

    ``administrators`` may do everything: those of the server itself.
    """
    if any(is_member(view, each, who) for each in administrators):
        return
    known = False
    for admin in _admins(values):
        if not is_member(view, admin.administrator, who):
            continue
        known = True
        if admin.permissions & needed == needed:
            return
    if known:
        raise denied("its HS_ADMIN does not permit this", Rc.INSUFFICIENT_PERMISSIONS)
    raise denied(f"{who} is none", Rc.INVALID_ADMIN)


def _admins(values: Iterable[HandleValue]) -> Iterable[Admin]:
    for value in values:
        if value.is_type(HS_ADMIN):
            try:
                yield decode_admin(value.data)
            except MessageError:
                continue


def is_member(view: RecordsView, group: Reference, who: Reference) -> bool:
    """Whether a reference means somebody: directly, or through HS_VLIST values that are registered here."""
    seen: set[tuple[bytes, int]] = set()
    level = [group]
    for _ in range(MAX_GROUP_DEPTH):
        if any(each.matches(who) for each in level):
            return True
        below: list[Reference] = []
        for each in level:
            key = (fold(each.handle), each.index)
            if key in seen or len(seen) >= MAX_GROUP_MEMBERS:
                continue
            seen.add(key)
            below += _listed(view, each)
        if not below:
            return False
        level = below
    return False


def _listed(view: RecordsView, reference: Reference) -> list[Reference]:
    record = view.find(reference.handle)
    listed: list[Reference] = []
    for value in record.values if record is not None else ():
        if value.is_type(HS_VLIST) and reference.index in (0, value.index):
            try:
                listed += decode_references(value.data)
            except MessageError:
                continue
    return listed
