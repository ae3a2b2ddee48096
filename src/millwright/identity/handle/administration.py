"""Changing handles (RFC 3652, 3.5): every rule is checked in the transaction that makes the change."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from uuid import uuid4

import msgspec

from millwright.identity.handle.authorisation import check_permitted, is_member
from millwright.identity.handle.errors import (
    MessageError,
    denied,
    handle_exists,
    handle_unknown,
    invalid_value,
    value_exists,
    values_unknown,
)
from millwright.identity.handle.model import MAX_INDEX, HandleValue, Reference, encode_value
from millwright.identity.handle.naming import check_handle, named_prefix, parent_prefix, prefix_handle, prefix_of
from millwright.identity.handle.records import HandleRecords, RecordsView, StoredRecord
from millwright.identity.handle.special import HS_ADMIN, HS_VLIST, AdminPermission, decode_admin, decode_references
from millwright.identity.handle.wire.codes import Flag, Rc
from millwright.identity.handle.wire.reader import MAX_ITEMS
from millwright.kernel import Clock

MAX_RECORD_BYTES = 240_000
"""A record, or a part of a list, must fit into one message (262,144 bytes) with all that stands around it."""

_P = AdminPermission


class Administration:
    """The use cases of administrators that have been authenticated. All of it blocks."""

    def __init__(self, records: HandleRecords, clock: Clock, administrators: tuple[Reference, ...]) -> None:
        self._records = records
        self._clock = clock
        self._administrators = administrators

    def create(self, handle: bytes, values: tuple[HandleValue, ...], flags: int, who: Reference) -> bytes:
        """Register a handle; returns its name, which with ``MINT_SUFFIX`` has a suffix of its own.

        ``OVERWRITE`` replaces all values of one that exists. Raises ``Conflict``, ``Denied`` and ``Invalid``.
        """
        if flags & Flag.MINT_SUFFIX:
            handle += uuid4().hex.upper().encode()
        check_handle(handle)
        made = self._stamped(check_values(values))

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            if before is None:
                self._check_may_create(view, handle, who)
                return made
            if not flags & Flag.OVERWRITE:
                raise handle_exists(handle)
            self._check(view, who, before.values, _P.DELETE_HANDLE)
            return made

        self._records.change(handle, change, who)
        return handle

    def _check_may_create(self, view: RecordsView, handle: bytes, who: Reference) -> None:
        # A handle is created by administrators of its prefix; a derived prefix by those of its parent.
        derived = named_prefix(handle)
        parent = parent_prefix(derived) if derived is not None else None
        owner = prefix_handle(parent if parent is not None else prefix_of(handle))
        record = view.find(owner)
        needed = _P.ADD_DERIVED_PREFIX if parent is not None else _P.ADD_HANDLE
        self._check(view, who, record.values if record is not None else (), needed)

    def delete(self, handle: bytes, who: Reference) -> None:
        """Remove a handle and all its values. Raises ``NotFound`` and ``Denied``."""

        def change(view: RecordsView, before: StoredRecord | None) -> None:
            values = _present(handle, before)
            needed = _P.DELETE_DERIVED_PREFIX if _derived(handle) else _P.DELETE_HANDLE
            self._check(view, who, values, needed)

        self._records.change(handle, change, who)

    def add(self, handle: bytes, values: tuple[HandleValue, ...], flags: int, who: Reference) -> None:
        """Add values. Raises ``NotFound``, ``Conflict``, ``Denied`` and ``Invalid``."""
        if not values:
            raise invalid_value("none is given")
        added = {value.index: value for value in self._stamped(check_values(values))}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            kept = {value.index: value for value in _present(handle, before)}
            needed = _P(0)
            for index, value in added.items():
                old = kept.get(index)
                if old is not None and not flags & Flag.OVERWRITE:
                    raise value_exists(index)
                needed |= _to_add(value) if old is None else _to_replace(old, value)
                _check_writable(old)
            self._check(view, who, tuple(kept.values()), needed)
            return check_size((kept | added).values())

        self._records.change(handle, change, who)

    def modify(self, handle: bytes, values: tuple[HandleValue, ...], who: Reference) -> None:
        """Replace values of the same indexes. Raises ``NotFound``, ``Denied`` and ``Invalid``."""
        if not values:
            raise invalid_value("none is given")
        changed = {value.index: value for value in self._stamped(check_values(values))}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            kept = {value.index: value for value in _present(handle, before)}
            needed = _P(0)
            for index, value in changed.items():
                old = kept.get(index)
                if old is None:
                    raise values_unknown(handle)
                _check_writable(old)
                needed |= _to_replace(old, value)
            self._check(view, who, tuple(kept.values()), needed)
            return check_size((kept | changed).values())

        self._records.change(handle, change, who)

    def remove(self, handle: bytes, indexes: tuple[int, ...], who: Reference) -> None:
        """Remove values by index. Raises ``NotFound``, ``Denied`` and ``Invalid``."""
        if not indexes:
            raise invalid_value("no index is given")

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            kept = {value.index: value for value in _present(handle, before)}
            needed = _P(0)
            for index in indexes:
                old = kept.get(index)
                if old is None:
                    raise values_unknown(handle)
                _check_writable(old)
                needed |= _P.REMOVE_ADMIN if old.is_type(HS_ADMIN) else _P.REMOVE_VALUE
            self._check(view, who, tuple(kept.values()), needed)
            return tuple(value for value in kept.values() if value.index not in indexes)

        self._records.change(handle, change, who)

    def check_may_read(self, handle: bytes, who: Reference) -> None:
        """Raise ``Denied`` unless somebody may read the restricted values of a handle."""
        with self._records.view() as view:
            record = view.find(handle)
            if record is not None:
                self._check(view, who, record.values, _P.READ_VALUE)

    def list_handles(self, prefix: bytes, who: Reference, after: bytes, most: int) -> list[bytes]:
        """Handles of a prefix behind one of them, as many as fit into one message. Raises ``Denied``."""
        with self._records.view() as view:
            record = view.find(prefix_handle(prefix))
            self._check(view, who, record.values if record is not None else (), _P.LIST_HANDLES)
            page: list[bytes] = []
            size = 0
            for handle in islice(view.iter_handles(prefix, after), most):
                size += 4 + len(handle)
                if size > MAX_RECORD_BYTES:
                    break
                page.append(handle)
            return page

    def page_of_handles(self, prefix: bytes, who: Reference, start: int, most: int) -> tuple[int, list[bytes]]:
        """How many handles a prefix has, and those from number ``start`` on. Raises ``Denied``."""
        with self._records.view() as view:
            record = view.find(prefix_handle(prefix))
            self._check(view, who, record.values if record is not None else (), _P.LIST_HANDLES)
            total, page = 0, []
            for handle in view.iter_handles(prefix):
                if start <= total < start + most:
                    page.append(handle)
                total += 1
            return total, page

    def list_prefixes(self, who: Reference) -> list[bytes]:
        """The prefixes kept here, for administrators of the server. Raises ``Denied``."""
        with self._records.view() as view:
            if not any(is_member(view, each, who) for each in self._administrators):
                raise denied(f"{who} is no administrator of this server", Rc.INVALID_ADMIN)
            return [prefix_handle(prefix) for prefix in view.iter_prefixes()]

    def _check(
        self, view: RecordsView, who: Reference, values: tuple[HandleValue, ...], needed: AdminPermission
    ) -> None:
        check_permitted(view, who, values, needed, self._administrators)

    def _stamped(self, values: tuple[HandleValue, ...]) -> tuple[HandleValue, ...]:
        now_s = self._clock.now_ms() // 1000
        return tuple(msgspec.structs.replace(value, timestamp_s=now_s) for value in values)


def _present(handle: bytes, record: StoredRecord | None) -> tuple[HandleValue, ...]:
    if record is None:
        raise handle_unknown(handle)
    return record.values


def _derived(handle: bytes) -> bool:
    prefix = named_prefix(handle)
    return prefix is not None and parent_prefix(prefix) is not None


def _to_add(value: HandleValue) -> AdminPermission:
    return _P.ADD_ADMIN if value.is_type(HS_ADMIN) else _P.ADD_VALUE


def _to_replace(old: HandleValue, new: HandleValue) -> AdminPermission:
    match old.is_type(HS_ADMIN), new.is_type(HS_ADMIN):
        case True, True:
            return _P.MODIFY_ADMIN
        case True, False:
            return _P.REMOVE_ADMIN | _P.ADD_VALUE
        case False, True:
            return _P.REMOVE_VALUE | _P.ADD_ADMIN
    return _P.MODIFY_VALUE


def _check_writable(value: HandleValue | None) -> None:
    if value is not None and not value.permissions & 0x4:
        raise denied(f"value {value.index} may not be written by anybody", Rc.INSUFFICIENT_PERMISSIONS)


def check_values(values: tuple[HandleValue, ...]) -> tuple[HandleValue, ...]:
    """Return values that may be stored. Raises ``Invalid`` (``handle.value_invalid``)."""
    seen = set()
    for value in values:
        if not 0 < value.index <= MAX_INDEX:
            raise invalid_value(f"index {value.index} is not positive")
        if value.index in seen:
            raise value_exists(value.index)
        seen.add(value.index)
        _check_data(value)
    return check_size(values)


def _check_data(value: HandleValue) -> None:
    try:
        value.type.decode()
        if not value.type:
            raise invalid_value(f"value {value.index} has no type")
        # What decides about permissions must be readable; other types may hold forms that are not known here.
        if value.is_type(HS_ADMIN):
            decode_admin(value.data)
        elif value.is_type(HS_VLIST):
            decode_references(value.data)
    except (UnicodeDecodeError, MessageError) as error:
        raise invalid_value(f"value {value.index} does not have the form of its type") from error


def check_size(values: Iterable[HandleValue]) -> tuple[HandleValue, ...]:
    """Return values that fit into one message. Raises ``Invalid`` (``handle.value_invalid``)."""
    values = tuple(values)
    if len(values) > MAX_ITEMS or sum(len(encode_value(value)) for value in values) > MAX_RECORD_BYTES:
        raise invalid_value(f"a handle has at most {MAX_ITEMS} values and {MAX_RECORD_BYTES:,} bytes")
    return values
