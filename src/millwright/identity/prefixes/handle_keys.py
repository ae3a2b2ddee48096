"""The keys of a prefix's Handle administrators: values of the prefix handle ``0.NA/<prefix>``.

Who proves to hold such a key may administer over the Handle protocol what the HS_ADMIN value beside it permits. A key
has an index from 300 on, and its HS_ADMIN one from 100 on. Handles created with a key name it by its index: a number
that was used once is not given to another key unless somebody says so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Meta, Struct, structs

from millwright.engines.sql import Records as Sql
from millwright.identity.handle.administration import check_values
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import DhPublicKey, decode_public_key, encode_public_key
from millwright.identity.handle.model import DEFAULT_PERMISSIONS, HandleValue, Permission, Reference
from millwright.identity.handle.naming import prefix_handle
from millwright.identity.handle.records import Change, RecordsView, StoredRecord
from millwright.identity.handle.sm2 import Sm2PublicKey, encode_info
from millwright.identity.handle.special import (
    ALL_ADMIN_PERMISSIONS,
    HS_ADMIN,
    HS_CERT,
    HS_PUBKEY,
    HS_SECKEY,
    Admin,
    AdminPermission,
    decode_admin,
    encode_admin,
)
from millwright.identity.measures.reach import Target, iter_touched
from millwright.identity.prefixes import errors
from millwright.identity.prefixes.model import HELD
from millwright.identity.prefixes.public_keys import key_kind, read_public_key
from millwright.identity.prefixes.store import PrefixStore, Reader, Row
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.writing import Pending
from millwright.kernel import Clock, current_scope, new_secret
from millwright.ledger import note
from millwright.parties import Session

_AT_ONCE: Final = 1_000
FIRST_KEY: Final = 300
_KEYS = range(FIRST_KEY, FIRST_KEY + 100)
_ADMINS = range(100, 300)
_UNREADABLE = int(Permission.ADMIN_WRITE)
"""A secret is read by nobody again, not even by who administers the prefix handle."""

KeyPermissions: TypeAlias = Literal["all", "create"]
"""``all``: everything below the prefix, and its own handle with the keys of others; ``create``: create and list handles
below it, and change those that name the key in an HS_ADMIN of their own."""

_GRANTED: Final[dict[str, AdminPermission]] = {
    "all": ALL_ADMIN_PERMISSIONS,
    "create": AdminPermission.ADD_HANDLE | AdminPermission.LIST_HANDLES,
}


class NewHandleKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key for an administrator of a prefix.

    ``public_key``: one of RSA (2048 bits or more), DSA (2048 or more) or the curve P-256, as PEM or as SSH writes it,
    or of SM2 as PEM or its x and y in hexadecimal; left out: the node makes a secret. ``index``: left out, the next one
    that was never used; that of a key that was removed gives the new key what is registered in the name of the old one.
    """

    public_key: Annotated[str, Meta(max_length=16_384)] | None = None
    permissions: KeyPermissions = "create"
    index: Annotated[int, Meta(ge=FIRST_KEY, lt=FIRST_KEY + 100)] | None = None


class PrefixHandleKey(Struct, frozen=True, kw_only=True):
    """A key of an administrator.

    ``administrator`` is how a Handle client names it. ``algorithm``: ``RSA``, ``DSA``, ``P-256``, ``SM2`` …, null for
    a secret; ``fingerprint``: SHA-256 of the key as SubjectPublicKeyInfo (DER) in hex. ``permissions`` is ``other`` for
    what a Handle client has chosen, ``none`` for a key that administers nothing here.
    """

    index: int
    administrator: str
    kind: Literal["public_key", "secret"]
    algorithm: str | None
    bits: int | None
    fingerprint: str | None
    permissions: Literal["all", "create", "other", "none"]
    changed_ms: int


class MadeHandleKey(PrefixHandleKey, frozen=True, kw_only=True):
    """A key just added; ``secret`` is what the node made, shown this once."""

    secret: str | None = None


class PrefixHandleKeys(Struct, frozen=True, kw_only=True):
    """The keys in a prefix's handle, by index; ``handle`` is empty for what is no prefix of handles in force."""

    handle: str
    items: list[PrefixHandleKey]


class HandleKeys:
    """Lists, adds and removes; works on prefixes that the organisations of the scope at hand hold.

    ``sql`` sees everything.
    """

    def __init__(self, sql: Sql, register: Records, clock: Clock) -> None:
        self._store, self._register, self._clock = PrefixStore(sql), register, clock

    async def list(self, prefix_id: str) -> PrefixHandleKeys:
        """The keys; none where none can be. Raises ``NotFound`` (``prefixes.unknown``)."""
        return await asyncio.to_thread(self._list, prefix_id)

    def _list(self, prefix_id: str) -> PrefixHandleKeys:
        row = self._seen(prefix_id)
        if not _may_have_keys(row):
            return PrefixHandleKeys(handle="", items=[])
        handle = _handle(row)
        with self._register.view() as view:
            entry, record = view.find_prefix(str(row.prefix).encode()), view.find(handle)
        own = entry is not None and entry.organisation_id == row.organisation_id
        values = record.values if own and record is not None else ()
        return PrefixHandleKeys(handle=handle.decode(), items=keys_of(handle, values))

    async def add(self, session: Session, prefix_id: str, new: NewHandleKey) -> MadeHandleKey:
        """Add a key with its HS_ADMIN.

        Raises ``NotFound`` (``prefixes.unknown``), ``Invalid`` (``prefixes.key_invalid``), ``Conflict``
        (``prefixes.keys_not_here``, ``prefixes.key_known``, ``prefixes.key_index_taken``), ``LimitExceeded``
        (``prefixes.too_many_keys``), and as :meth:`.Records.change_many`.
        """
        return await asyncio.to_thread(self._add, session, prefix_id, new)

    def _add(self, session: Session, prefix_id: str, new: NewHandleKey) -> MadeHandleKey:
        row = self._row(prefix_id)
        handle = _handle(row)
        secret = None
        if new.public_key is None:
            secret = new_secret("mwh")
            kind, data, permissions = HS_SECKEY, secret.encode(), _UNREADABLE
        else:
            key = read_public_key(new.public_key)
            kind, data, permissions = HS_PUBKEY, encode_public_key(key), int(DEFAULT_PERMISSIONS)
        with self._register.view() as view:
            _need_open(view, row)
            used = _used(view, handle)
        now_s = self._clock.now_ms() // 1000
        found: dict[str, Any] = {}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...]:
            _need_open(cast(IndexView, view), row)
            values = () if before is None else before.values
            taken = {each.index for each in values}
            index = new.index or next((each for each in _KEYS if each not in used | taken), None)
            admin = next((each for each in _ADMINS if each not in taken), None)
            if index is None or admin is None:
                raise errors.too_many_keys(len(_KEYS))
            if index in taken:
                raise errors.key_index_taken(index)
            if any(each.is_type(kind) and each.data == data for each in values):
                raise errors.key_known()
            who = Admin(Reference(handle, index), int(_GRANTED[new.permissions]))
            added = (
                HandleValue(index=admin, type=HS_ADMIN, data=encode_admin(who), timestamp_s=now_s),
                HandleValue(index=index, type=kind, data=data, permissions=permissions, timestamp_s=now_s),
            )
            after = check_values((*values, *added))
            found.update(index=index, before=values, after=after)
            return after

        self._register.change_many([(handle, change)], who=session.person.id, reason="a Handle administrator's key")
        _note(row, handle, found["before"], found["after"])
        made = next(each for each in keys_of(handle, found["after"]) if each.index == found["index"])
        return MadeHandleKey(**structs.asdict(made), secret=secret)

    async def remove(self, session: Session, prefix_id: str, index: int) -> None:
        """Remove a key and every HS_ADMIN beside it that names it: who holds it administers nothing any more.

        Raises ``NotFound`` (``prefixes.unknown``, ``prefixes.key_unknown``), ``Conflict``
        (``prefixes.keys_not_here``), and as :meth:`.Records.change_many`.
        """
        await asyncio.to_thread(self._remove, session, prefix_id, index)

    def _remove(self, session: Session, prefix_id: str, index: int) -> None:
        row = self._row(prefix_id)
        handle = _handle(row)
        found: dict[str, Any] = {}

        def change(view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...] | None:
            _need_own(cast(IndexView, view), row)
            values = () if before is None else before.values
            if not any(each.index == index and each.is_type(HS_PUBKEY, HS_SECKEY) for each in values):
                raise errors.key_unknown(index)
            key = Reference(handle, index)
            after = tuple(each for each in values if each.index != index and not _names(each, key))
            found.update(before=values, after=after)
            return after or None

        self._register.change_many([(handle, change)], who=session.person.id, reason="a key was removed")
        _note(row, handle, found["before"], found["after"])

    def _seen(self, prefix_id: str) -> Row:
        """A prefix of the scope's. Raises ``NotFound``."""
        row = self._store.find(prefix_id, Reader(current_scope().organisations, ()))
        if row is None:
            raise errors.unknown(prefix_id)
        return row

    def _row(self, prefix_id: str) -> Row:
        """One that may have keys. Raises ``NotFound``, ``Conflict``."""
        row = self._seen(prefix_id)
        if not _may_have_keys(row):
            raise errors.keys_not_here(row.prefix)
        return row


class HolderIndex:
    """The register as the prefixes' room tells it of them (:class:`.PrefixIndex`): with a prefix that passes to another
    organisation go the keys of those who administered it for the former one, and the certificates of those who signed,
    in the same batch."""

    def __init__(self, register: Records) -> None:
        self._register = register

    def put_prefix(self, prefix: Prefix, *, who: str) -> None:
        """Set the entry of a prefix. Raises as :meth:`.Records.change_many`."""
        with self._register.view() as view:
            before = view.find_prefix(prefix.prefix.encode())
        changes: list[tuple[bytes, Change]] = []
        another = before is not None and before.organisation_id != prefix.organisation_id
        if another and prefix.former:
            self._dispose(prefix, who)
        if before is not None and before.organisation_id != prefix.organisation_id and ":" not in prefix.prefix:
            changes = [(prefix_handle(prefix.prefix.encode()), _without_administrators)]
        self._register.change_many(changes, who=who, reason="another holder" if changes else "", prefixes=(prefix,))

    def names_left(self, prefix: str, organisation_id: str) -> int:
        """How many names another holder has left."""
        with self._register.view() as view:
            before = view.find_prefix(prefix.encode())
            if before is None or before.organisation_id == organisation_id:
                return 0
            return sum(1 for _ in iter_touched(view, Target("prefix", before.prefix, before)))

    def _dispose(self, prefix: Prefix, who: str) -> None:
        """Remove what a former holder has left, or all of it that is not public.

        It may be interrupted; the prefix is not its new holder's before all is done.
        """
        self._register.batch(lambda pending: _lift_all(pending, prefix), who=who, reason="another holder")
        change = _removed if prefix.former == "discard" else _public_alone
        reason, after = "left by a former holder", b""
        while True:
            with self._register.view() as view:
                before = view.find_prefix(prefix.prefix.encode())
                assert before is not None
                keys = list(islice(iter_touched(view, Target("prefix", before.prefix, before), after), _AT_ONCE))
                held = [view.at_key(key) for key in keys]
            if not keys:
                return
            names = [each[0].handle for each in held if each is not None]
            self._register.change_many([(name, change) for name in names], who=who, reason=reason)
            after = keys[-1]


def _lift_all(pending: Pending, prefix: Prefix) -> None:
    """End what a former holder has ordered for names of a prefix; what who decides on it has ordered, holds on."""
    for each in list(pending.view.iter_measures()):
        if each.prefix == prefix.prefix and each.side == "holder" and not each.over(prefix.since_ms):
            lifted = structs.replace(each, lifted_ms=prefix.since_ms, lifted_why="another holder")
            pending.put_measure(lifted)


def _removed(_view: RecordsView, _before: StoredRecord | None) -> None:
    return None


def _public_alone(_view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...] | None:
    values = () if before is None else before.values
    kept = tuple(each for each in values if each.public)
    return kept if any(not each.is_type(HS_ADMIN) for each in kept) else None


def _without_administrators(_view: RecordsView, before: StoredRecord | None) -> tuple[HandleValue, ...] | None:
    values = () if before is None else before.values
    return tuple(each for each in values if not each.is_type(HS_ADMIN, HS_CERT, HS_PUBKEY, HS_SECKEY)) or None


def keys_of(handle: bytes, values: Sequence[HandleValue]) -> list[PrefixHandleKey]:
    """The keys among the values of a prefix handle, by index."""
    return [
        _shown(handle, each, values)
        for each in sorted(values, key=lambda each: each.index)
        if each.is_type(HS_PUBKEY, HS_SECKEY)
    ]


def _shown(handle: bytes, value: HandleValue, values: Sequence[HandleValue]) -> PrefixHandleKey:
    who = Reference(handle, value.index)
    algorithm: str | None = None
    bits: int | None = None
    fingerprint: str | None = None
    if value.is_type(HS_PUBKEY):
        try:
            key = decode_public_key(value.data)
        except MessageError:  # a client may have put anything there
            algorithm = "?"
        else:
            algorithm, bits = key_kind(key)
            if not isinstance(key, DhPublicKey):
                plain = (
                    encode_info(key)
                    if isinstance(key, Sm2PublicKey)
                    else key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                )
                fingerprint = hashlib.sha256(plain).hexdigest()
    granted = 0
    for each in values:
        if each.is_type(HS_ADMIN):
            admin = _admin(each)
            if admin is not None and admin.administrator.matches(who):
                granted |= admin.permissions
    known = next((name for name, permissions in _GRANTED.items() if permissions == granted), "other")
    return PrefixHandleKey(
        index=value.index,
        administrator=str(who),
        kind="public_key" if value.is_type(HS_PUBKEY) else "secret",
        algorithm=algorithm,
        bits=bits,
        fingerprint=fingerprint,
        permissions=cast(Any, known if granted else "none"),
        changed_ms=value.timestamp_s * 1000,
    )


def _admin(value: HandleValue) -> Admin | None:
    try:
        return decode_admin(value.data)
    except MessageError:
        return None


def _names(value: HandleValue, key: Reference) -> bool:
    """Whether a value is an HS_ADMIN of exactly this key."""
    admin = _admin(value) if value.is_type(HS_ADMIN) else None
    return admin is not None and admin.administrator.index == key.index and admin.administrator.matches(key)


def _may_have_keys(row: Row) -> bool:
    return row.system == "handle" and row.state in HELD


def _handle(row: Row) -> bytes:
    return prefix_handle(str(row.prefix).encode())


def _used(view: IndexView, handle: bytes) -> set[int]:
    """Every index that the handle ever had."""
    return {value.index for each in view.history(handle) if each.record is not None for value in each.record.values}


def _need_own(view: IndexView, row: Row) -> Prefix:
    """The prefix's entry, as the register has it now. Raises ``Conflict`` (``prefixes.keys_not_here``)."""
    entry = view.find_prefix(str(row.prefix).encode())
    if entry is None or entry.organisation_id != row.organisation_id:
        raise errors.keys_not_here(row.prefix)
    return entry


def _need_open(view: IndexView, row: Row) -> None:
    """Raises ``Conflict`` unless the prefix is in force and its names are kept here."""
    if not _need_own(view, row).here:
        raise errors.keys_not_here(row.prefix)


def _note(row: Row, handle: bytes, before: Sequence[HandleValue], after: Sequence[HandleValue]) -> None:
    note(
        "prefix", row.id, row.prefix, before=_noted(handle, before), after=_noted(handle, after),
        organisation=row.organisation_id,
    )  # fmt: skip


def _noted(handle: bytes, values: Sequence[HandleValue]) -> dict[str, Any]:
    """What the ledger says of keys: everything but a secret, which :class:`PrefixHandleKey` does not have."""
    return {"handle_keys": {str(each.index): structs.asdict(each) for each in keys_of(handle, values)}}
