"""Sealed values: encrypted in the record under a key of the organisation, which is itself sealed in the records.

A rotation of the node's keys seals that key anew; records need not change. A value is bound to its name and field, so
one that is copied into another record does not open.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from millwright.engines.secrets import Secrets, cipher, purpose_of
from millwright.engines.sql import Records
from millwright.identity.handle.naming import fold
from millwright.identity.registration.errors import unsealable
from millwright.identity.registration.tables import value_keys
from millwright.kernel import Clock, Corrupt, new_id

FORM: Final = b"mw1"
"""First part of a sealed value: ``mw1.<key id>.<base64url of nonce, ciphertext, tag>``."""

_PURPOSE: Final = "identity.value_keys"


class ValueSeals:
    """Keeps the keys. ``records`` see everything: whose value it is has been decided before. Blocks at times."""

    def __init__(self, records: Records, secrets: Secrets, clock: Clock, cipher_name: str = "aes-256-gcm") -> None:
        self._records, self._secrets, self._clock, self._cipher = records, secrets, clock, cipher_name
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[str, bytes]] = {}
        self._current: dict[str, str] = {}

    def of(self, name: bytes, organisation_id: str, before: Mapping[str, bytes] | None = None) -> RecordSeal:
        """Sealing for one record. ``before``: its sealed values by their place; one that says the same stays."""
        return RecordSeal(self, fold(name), organisation_id, before or {})

    def key_for(self, organisation_id: str) -> tuple[str, str, bytes]:
        """Id, cipher and bytes of the key to seal with."""
        with self._lock:
            key_id = self._current.get(organisation_id)
            if key_id is None:
                key_id = self._current[organisation_id] = self._find(organisation_id) or self._make(organisation_id)
            return key_id, *self._read(key_id)

    def key(self, key_id: str) -> tuple[str, bytes]:
        """Cipher and bytes of a key. Raises ``Corrupt``."""
        with self._lock:
            return self._read(key_id)

    def _find(self, organisation_id: str) -> str | None:
        query = sa.select(value_keys.c.id).where(value_keys.c.organisation_id == organisation_id)
        with self._records.read() as connection:
            found: str | None = connection.scalar(query.order_by(value_keys.c.id.desc()).limit(1))
        return found

    def _make(self, organisation_id: str) -> str:
        key_id = new_id("vky")
        sealed = self._secrets.seal(purpose_of(_PURPOSE, key_id), cipher.new_key())
        row = {"id": key_id, "organisation_id": organisation_id, "key": sealed, "cipher": self._cipher}
        with self._records.begin() as connection:
            connection.execute(sa.insert(value_keys), [{**row, "created_ms": self._clock.now_ms()}])
        return key_id

    def _read(self, key_id: str) -> tuple[str, bytes]:
        known = self._keys.get(key_id)
        if known is None:
            with self._records.read() as connection:
                row = connection.execute(sa.select(value_keys).where(value_keys.c.id == key_id)).one_or_none()
            if row is None:
                raise unsealable(key_id)
            known = self._keys[key_id] = row.cipher, self._secrets.open(purpose_of(_PURPOSE, key_id), row.key)
        return known


class RecordSeal:
    """Sealing for the fields of one record (:class:`millwright.identity.templates.Sealing`)."""

    def __init__(self, seals: ValueSeals, name: bytes, organisation_id: str, before: Mapping[str, bytes]) -> None:
        self._seals, self._name, self._organisation_id, self._before = seals, name, organisation_id, before

    def seal(self, place: str, plain: bytes) -> bytes:
        """The value, encrypted; as it was when it says the same."""
        held = self._before.get(place)
        if held is not None:
            try:
                if self.open(place, held) == plain:
                    return held
            except Corrupt:
                pass
        key_id, name, key = self._seals.key_for(self._organisation_id)
        data = cipher.encrypt(name, key, plain, self._associated(place))
        return b".".join((FORM, key_id.encode(), base64.urlsafe_b64encode(data)))

    def open(self, place: str, sealed: bytes) -> bytes:
        """What :meth:`seal` was given. Raises ``Corrupt`` (``identifiers.sealed_unreadable``)."""
        form, _, rest = sealed.partition(b".")
        key_id, _, body = rest.partition(b".")
        shown = self._name.decode(errors="replace")
        if form != FORM:
            raise unsealable(shown)
        try:
            data = base64.b64decode(body, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise unsealable(shown) from None
        name, key = self._seals.key(key_id.decode(errors="replace"))
        plain = cipher.decrypt(name, key, data, self._associated(place))
        if plain is None:
            raise unsealable(shown)
        return plain

    def _associated(self, place: str) -> bytes:
        return b"\0".join((FORM, self._name, place.encode()))
