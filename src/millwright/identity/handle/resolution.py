"""Resolution and referral (RFC 3652, 3.2 and 3.4): reads only."""

from __future__ import annotations

from collections.abc import Iterable

from millwright.identity.handle.measured import shown_to_all, suspension_of, why_suspended
from millwright.identity.handle.model import HandleValue, encode_value
from millwright.identity.handle.naming import (
    PREFIX_HANDLES,
    fold,
    named_prefix,
    parent_prefix,
    prefix_handle,
    prefix_of,
    with_slash,
)
from millwright.identity.handle.records import RecordsView, StoredRecord, readable
from millwright.identity.handle.special import HS_SERV, HS_SERV_PREFIX, HS_SITE, PREFIX_SITE_TYPES, SITE_TYPES
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.handle.wire.requests import Resolve
from millwright.identity.handle.wire.responses import encode_error, encode_resolved

MAX_PARENTS = 16
"""How far up a derived prefix is followed: who asks chooses how many dots it has, and each is a search."""

Finding = tuple[int, bytes]
"""A response code and the body that goes with it."""


class AuthenticationNeeded(Exception):
    """The request must be answered with a challenge."""


def refer(view: RecordsView, handle: bytes, flags: int) -> Finding | None:
    """Where a handle is, when its prefix is not registered here; ``None`` when it is.

    A service that holds the prefix handle gives its sites (RC 302); one that holds a prefix which this one is derived
    from gives the sites for derived prefixes (RC 303). Of what was suspended or has expired nothing is told.
    """
    handle = with_slash(handle)
    if view.measured and (measure := suspension_of(view, handle)) is not None:
        return Rc.SERVER_NOT_RESPONSIBLE, encode_error(why_suspended(measure))
    if view.responsible(handle):
        return None
    prefix = prefix_of(handle)
    owner = view.authority(handle)
    if owner is not None and owner.state != "active":
        text = "has expired" if owner.state == "expired" else "is suspended"
        return Rc.SERVER_NOT_RESPONSIBLE, encode_error(f"The prefix {owner.prefix} {text}.")
    if not flags & Flag.DO_NOT_REFER:
        found = _sites(view, prefix_handle(prefix), (*SITE_TYPES, HS_SERV))
        if found:
            return Rc.SERVICE_REFERRAL, _referral(*found)
        if owner is not None and owner.site:
            site = HandleValue(index=1, type=HS_SITE, data=owner.site)
            return Rc.SERVICE_REFERRAL, _referral(prefix_handle(owner.prefix.encode()), [site])
        asked = (named_prefix(handle) if fold(prefix) == PREFIX_HANDLES else None) or prefix
        outcome = _refer_to_parent(view, asked)
        if outcome is not None:
            return outcome
    return Rc.SERVER_NOT_RESPONSIBLE, encode_error(f"Handles of {prefix.decode(errors='replace')} are not kept here.")


def _refer_to_parent(view: RecordsView, prefix: bytes) -> Finding | None:
    parent = parent_prefix(prefix)
    for _ in range(MAX_PARENTS):
        if parent is None:
            break
        found = _sites(view, prefix_handle(parent), (*PREFIX_SITE_TYPES, HS_SERV_PREFIX))
        if found:
            return Rc.PREFIX_REFERRAL, _referral(*found)
        parent = parent_prefix(parent)
    return None


def _sites(view: RecordsView, handle: bytes, types: tuple[bytes, ...]) -> tuple[bytes, list[HandleValue]] | None:
    record = view.find(handle)
    found = readable(record.select((), types), False) if record is not None else []
    return (handle, found) if found else None


def _referral(handle: bytes, values: Iterable[HandleValue]) -> bytes:
    encoded = [encode_value(value) for value in values]
    return encode_resolved(handle, b"".join(encoded), len(encoded))


def resolve(view: RecordsView, request: Resolve, flags: int, administrator: bool) -> Finding:
    """Answer a resolution. Raises :class:`AuthenticationNeeded` when only an administrator may read all it asks for."""
    handle = with_slash(request.handle)
    elsewhere = refer(view, handle, flags)
    if elsewhere is not None:
        return elsewhere
    record = view.find(handle)
    if record is None:
        return _not_found(view, handle, flags)
    if not administrator:
        record = shown_to_all(view, handle, record)
    if not request.indexes and not request.types and (flags & Flag.PUBLIC_ONLY or not record.has_restricted):
        block = record.public_block
        if block[:4] == b"\x00\x00\x00\x00":
            return Rc.VALUE_NOT_FOUND, encode_error("It has no value that the public may read.")
        return Rc.SUCCESS, len(request.handle).to_bytes(4, "big") + request.handle + block
    return _selected(record, request, flags, administrator)


def _selected(record: StoredRecord, request: Resolve, flags: int, administrator: bool) -> Finding:
    chosen = record.select(request.indexes, request.types)
    shown = readable(chosen, administrator)
    if not flags & Flag.PUBLIC_ONLY and not administrator and len(readable(chosen, True)) > len(shown):
        raise AuthenticationNeeded
    if not shown:
        return Rc.VALUE_NOT_FOUND, encode_error("It has none of these values that you may read.")
    encoded = [encode_value(value) for value in shown]
    return Rc.SUCCESS, encode_resolved(request.handle, b"".join(encoded), len(encoded))


def _not_found(view: RecordsView, handle: bytes, flags: int) -> Finding:
    # A prefix handle that is not here may be kept by the service of the prefix it is derived from.
    prefix = named_prefix(handle)
    if prefix is not None and not flags & Flag.DO_NOT_REFER:
        outcome = _refer_to_parent(view, prefix)
        if outcome is not None:
            return outcome
    return Rc.HANDLE_NOT_FOUND, encode_error("")
