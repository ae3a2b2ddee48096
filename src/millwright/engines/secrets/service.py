"""Sealing and opening."""

from __future__ import annotations

import base64
import binascii
import threading
from typing import Final

from millwright.engines.secrets import cipher
from millwright.engines.secrets.errors import data_key_unknown, key_missing, unreadable
from millwright.engines.secrets.keys import DataKey, DataKeyStore
from millwright.engines.secrets.wrapping import Wrapper
from millwright.engines.sql import Records
from millwright.kernel import Clock, Corrupt, new_id

FORM: Final = "sealed1"
"""First part of every sealed value: ``sealed1.<data key id>.<base64url of nonce, ciphertext, tag>``."""

_FRESH_S: Final = 5.0


class Secrets:
    """Seals secrets for the records and opens them again.

    Construction does no I/O. Both directions block (a query at times, a key management service the first time); async
    code calls them through ``asyncio.to_thread``. Safe to use from several threads. A process notices a rotation
    within five seconds.
    """

    def __init__(self, records: Records, wrapper: Wrapper, clock: Clock, cipher_name: str = "aes-256-gcm") -> None:
        self.store = DataKeyStore(records)
        self.wrapper = wrapper
        self._clock, self._cipher = clock, cipher_name
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[DataKey, bytes]] = {}
        self._current: tuple[DataKey, bytes] | None = None
        self._read_s = float("-inf")

    def prepare(self) -> None:
        """Make the keys where nothing is sealed yet; otherwise prove that the current one can be used.

        Raises ``Corrupt`` (``secrets.key_missing``, ``secrets.key_wrong``), ``Invalid`` (``secrets.key_exposed``,
        ``secrets.key_malformed``), ``Unavailable`` (``secrets.command_failed``).
        """
        if not self.store.list():
            self.wrapper.establish()
            self.add_key()
        self.check()

    def check(self) -> list[DataKey]:
        """The data keys, each of which can be unwrapped now; raises as :meth:`prepare`, and makes nothing."""
        keys = self.store.list()
        for key in keys:
            self._unwrap(key)
        return keys

    def seal(self, purpose: str, plain: bytes) -> str:
        """``plain`` as text for the records, bound to ``purpose``. Raises as :meth:`prepare`."""
        key, material = self._writing()
        data = cipher.encrypt(key.cipher, material, plain, _associated(key.id, purpose))
        return f"{FORM}.{key.id}.{base64.urlsafe_b64encode(data).decode()}"

    def open(self, purpose: str, text: str) -> bytes:
        """What was sealed for ``purpose``.

        Raises ``Corrupt`` (``secrets.sealed_unreadable``, ``secrets.data_key_unknown``), and as :meth:`prepare`.
        """
        form, _, rest = text.partition(".")
        key_id, _, body = rest.partition(".")
        if form != FORM:
            raise unreadable(purpose)
        key, material = self._reading(key_id)
        try:
            data = base64.b64decode(body.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            data = b""
        plain = cipher.decrypt(key.cipher, material, data, _associated(key_id, purpose))
        if plain is None:
            raise unreadable(purpose)
        return plain

    def digest(self, purpose: str, plain: bytes) -> str:
        """64 hexadecimal digits by which the same is recognised for ``purpose``; guesses take the key.

        Keyed by the data key in use now, so another after a rotation. Raises as :meth:`prepare`.
        """
        return cipher.digest(self._writing()[1], plain, purpose.encode()).hex()

    def add_key(self) -> DataKey:
        """Make a data key that is written with from now on."""
        key_id, material = new_id("key"), cipher.new_key()
        wrapped_by, wrapped = self.wrapper.wrap(material, key_id)
        key = DataKey(key_id, self._cipher, wrapped, wrapped_by, self._clock.now_ms(), None)
        self.store.insert(key, retire=True)
        with self._lock:
            self._opened[key_id] = key, material
            self._current, self._read_s = (key, material), self._clock.monotonic_s()
        return key

    def rewrap(self, key: DataKey) -> None:
        """Wrap a data key by the master key in use now."""
        wrapped_by, wrapped = self.wrapper.wrap(self._unwrap(key), key.id)
        self.store.rewrap(key, wrapped, wrapped_by)

    def _writing(self) -> tuple[DataKey, bytes]:
        with self._lock:
            if self._current is not None and self._clock.monotonic_s() - self._read_s < _FRESH_S:
                return self._current
        key = next((each for each in self.store.list() if each.retired_ms is None), None)
        if key is None:
            raise key_missing("no data key was made yet; `millwright migrate` makes it")
        found = key, self._material(key)
        with self._lock:
            self._current, self._read_s = found, self._clock.monotonic_s()
        return found

    def _reading(self, key_id: str) -> tuple[DataKey, bytes]:
        with self._lock:
            known = self._opened.get(key_id)
        if known is not None:
            return known
        key = next((each for each in self.store.list() if each.id == key_id), None)
        if key is None:
            raise data_key_unknown(key_id)
        return key, self._material(key)

    def _material(self, key: DataKey) -> bytes:
        with self._lock:
            known = self._opened.get(key.id)
        if known is not None:
            return known[1]
        material = self._unwrap(key)
        with self._lock:
            self._opened[key.id] = key, material
        return material

    def _unwrap(self, key: DataKey) -> bytes:
        try:
            return self.wrapper.unwrap(key.wrapped, key.wrapped_by, key.id)
        except Corrupt:
            # Another process may have wrapped it anew since it was read.
            again = next((each for each in self.store.list() if each.id == key.id), key)
            if again.wrapped == key.wrapped:
                raise
            return self.wrapper.unwrap(again.wrapped, again.wrapped_by, key.id)


def _associated(key_id: str, purpose: str) -> bytes:
    return b"\0".join((FORM.encode(), key_id.encode(), purpose.encode()))
