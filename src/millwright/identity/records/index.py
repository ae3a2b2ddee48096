"""The index: what the log says, in LMDB, to be read at once by every process of the node.

Tables: ``handles`` (name → newest version), ``versions`` (name and number → a version before, or a deletion),
``prefixes`` (prefix → whether it is here, and the entry), ``measures`` (id → what was ordered), ``batches`` (position →
when, who, where), ``tail`` (the last messages as they are in the log) and ``meta``. A version is its number, its
position in the log, its reason and the record; a deletion has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from struct import Struct as Layout
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from millwright.engines.lmdb import LmdbEnvironment, Read, Write
from millwright.identity.handle.naming import PREFIX_HANDLES, fold
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records.authority import ROOMS, candidates
from millwright.identity.records.effects import Effect, Effects
from millwright.identity.records.errors import rebuilding, unverified
from millwright.identity.records.log import FIRST_PREVIOUS, hash_of, key_of_message
from millwright.identity.records.model import Batch, Measure, Prefix, RecordChange, Version
from millwright.kernel import Clock, SystemClock

T = TypeVar("T")

TABLES = ("handles", "prefixes", "versions", "batches", "tail", "meta", "measures")
HANDLES, PREFIXES, VERSIONS, BATCHES, TAIL, META, MEASURES = TABLES
_STATE: Final = b"state"
_MEASURED: Final = b"measured"
"""Counts the changes of measures; not there when there never was one."""
_WHOLE_KEY_BYTES = 474
_FIRST_LETTER = b"\x20"
"""No name has a control character, so what follows a name in ``versions`` sorts before every longer name."""
_VERSION = Layout(">IQH")
_REASON_FROM = _VERSION.size
_HERE, _ELSEWHERE = b"\x01", b"\x00"
_TAIL_MS: Final = 120_000
_MODULUS: Final = 1 << 256

_encode = msgspec.msgpack.Encoder().encode
_decode_prefix = msgspec.msgpack.Decoder(Prefix).decode
_decode_measure = msgspec.msgpack.Decoder(Measure).decode


class IndexState(Struct, frozen=True, array_like=True):
    """How far the index is.

    ``position`` is the last batch that is in it and ``chain`` the hash of its message; ``writer`` the id of the key
    that signed it. ``digest`` is the sum, modulo 2^256, of the SHA-256 of all entries. ``whole``: it has once reached
    the end of the log.
    """

    position: int = 0
    chain: bytes = FIRST_PREVIOUS
    digest: bytes = bytes(32)
    writer: bytes = b""
    whole: bool = False


class _Made(Struct, frozen=True, array_like=True):
    """Of ``batches``."""

    at_ms: int
    origin: str
    who: str
    digest: bytes = b""
    """That of the index behind the batch; empty in those of before this was kept."""


_decode_state = msgspec.msgpack.Decoder(IndexState).decode
_decode_made = msgspec.msgpack.Decoder(_Made).decode


def key_of(name: bytes) -> bytes:
    """The key of a name: folded; a long one keeps its start and is told apart by a hash (LMDB has 511 bytes)."""
    key = fold(name)
    if len(key) <= _WHOLE_KEY_BYTES:
        return key
    return key[:_WHOLE_KEY_BYTES] + b"\xff" + hashlib.sha256(key).digest()


class Unfinished(Read):
    """What is not known yet: whatever is asked, the answer may be in the part of the log that was not read.

    Raises ``Unavailable`` (``records.rebuilding``).
    """

    __slots__ = ("_position",)

    def __init__(self, position: int) -> None:
        self._position = position

    def getter(self, table: str) -> Callable[[bytes], bytes | None]:
        """A function that raises."""
        return lambda key: self.find(table, key)

    def find(self, table: str, key: bytes) -> bytes | None:  # noqa: ARG002 - whatever is asked
        """Raises."""
        raise rebuilding(self._position)

    def find_before(self, table: str, key: bytes) -> tuple[bytes, bytes] | None:  # noqa: ARG002
        """Raises."""
        raise rebuilding(self._position)

    def iter_from(self, table: str, key: bytes) -> Iterator[tuple[bytes, bytes]]:  # noqa: ARG002
        """Raises."""
        raise rebuilding(self._position)


class IndexView:
    """A moment of the index (:class:`.RecordsView`)."""

    __slots__ = ("_effects", "_get", "_prefix", "_read", "measured")

    def __init__(self, read: Read, effects: Effects | None = None) -> None:
        self._read = read
        self._effects = effects
        self.measured = effects is not None
        """Whether there are measures at all: so that resolution asks for none where there is none."""
        self._get: Callable[[bytes], bytes | None] = read.getter(HANDLES)
        self._prefix: Callable[[bytes], bytes | None] = read.getter(PREFIXES)

    @property
    def state(self) -> IndexState:
        """How far the index is."""
        return _state_of(self._read)

    def find(self, handle: bytes) -> StoredRecord | None:
        """A handle's record. Raises ``Corrupt``."""
        # LMDB has no empty key and says so by an error.
        data = self._get(key_of(handle)) if handle else None
        return None if data is None else StoredRecord.check(handle, _record_in(data))

    def find_prefix(self, prefix: bytes) -> Prefix | None:
        """The entry of exactly this prefix."""
        data = self._prefix(key_of(prefix))
        return None if data is None else _decode_prefix(data[1:])

    def authority(self, name: bytes) -> Prefix | None:
        """The entry of the longest prefix that a name stands under."""
        for key in candidates(fold(name)):
            data = self._prefix(key_of(key))
            if data is not None:
                return _decode_prefix(data[1:])
        return None

    def effect(self, name: bytes) -> Effect | None:
        """What the measures in force say of a name; ``None`` when nothing. One that writes sees none."""
        effects = self._effects
        if effects is None:
            return None
        folded = fold(name)
        owner = self.authority(folded) if effects.may_touch(folded) else None
        return None if owner is None else effects.of(folded, owner.prefix)

    def find_measure(self, measure_id: str) -> Measure | None:
        """One measure, whether it is in force or over."""
        data = self._read.find(MEASURES, measure_id.encode()) if measure_id else None
        return None if data is None else _decode_measure(data)

    def iter_measures(self) -> Iterator[Measure]:
        """Every measure that was ever taken, by id: the oldest first."""
        for _, data in self._read.iter_from(MEASURES, b""):
            yield _decode_measure(data)

    def iter_keys(self, start: bytes = b"", after: bytes = b"") -> Iterator[bytes]:
        """The keys of registered names (:func:`key_of`) that begin so, in their order; behind ``after``. Nothing of the
        records is read."""
        start = fold(start)
        for key, _ in self._read.iter_from(HANDLES, max(start, after)):
            if not key.startswith(start):
                return
            if key != after:
                yield key

    def responsible(self, handle: bytes) -> bool:
        """Whether such a handle is registered here: what is not found then does not exist.

        A prefix without an entry of its own is kept with the one it is derived from, unless its prefix handle is
        registered: then that says where it is kept.
        """
        name = fold(handle)
        prefix, slash, _ = name.partition(b"/")
        about_prefix = not slash or prefix == PREFIX_HANDLES
        if prefix and not about_prefix:
            # The common case, for the resolution of millions.
            data = self._prefix(key_of(prefix))
            if data is not None:
                return data[:1] == _HERE
        derives = not about_prefix and prefix not in ROOMS
        for key in candidates(name):
            data = self._prefix(key_of(key))
            if data is not None:
                if data[:1] == _HERE:
                    return True
                # The prefix handle of one that is delegated stays with the one it is derived from.
                if not (about_prefix and _decode_prefix(data[1:]).site):
                    return False
            elif derives and self._get(key_of(PREFIX_HANDLES + b"/" + key)) is not None:
                return False
        return False

    def iter_handles(self, prefix: bytes, after: bytes = b"") -> Iterator[bytes]:
        """The handles of a prefix, as they were registered; those behind one of them in the order of their keys."""
        start = fold(prefix) + b"/"
        last = key_of(after) if after else start
        for key, data in self._read.iter_from(HANDLES, last):
            if not key.startswith(start):
                return
            if key != last:
                yield StoredRecord.check(key, _record_in(data)).handle

    def iter_prefixes(self) -> Iterator[bytes]:
        """The prefixes of handles that are registered here."""
        for key, data in self._read.iter_from(PREFIXES, b""):
            if data[:1] == _HERE and key.partition(b":")[0] not in ROOMS:
                yield _decode_prefix(data[1:]).prefix.encode()

    def iter_entries(self, start: bytes = b"") -> Iterator[Prefix]:
        """Every entry of a prefix, here or elsewhere, by its name from ``start`` on."""
        for _, data in self._read.iter_from(PREFIXES, fold(start)):
            yield _decode_prefix(data[1:])

    def version(self, name: bytes) -> int:
        """The number of a name's last version, which may be its deletion; 0 when it was never registered."""
        key = key_of(name)
        data = self._get(key)
        return int.from_bytes(data[:4], "big") if data is not None else _last_version(self._read, key)

    def last(self, name: bytes) -> tuple[StoredRecord, int, int] | None:
        """A name's record, the number of its version and when that was made, in milliseconds. Raises ``Corrupt``."""
        data = self._get(key_of(name))
        if data is None:
            return None
        number, position, _ = _VERSION.unpack_from(data)
        return StoredRecord.check(name, _record_in(data)), number, self.made_ms(position)

    def at_key(self, key: bytes) -> tuple[StoredRecord, int] | None:
        """Record and version of a name by its key (:func:`key_of`). Raises ``Corrupt``."""
        data = self._get(key)
        return None if data is None else (StoredRecord.check(key, _record_in(data)), int.from_bytes(data[:4], "big"))

    def made_ms(self, position: int) -> int:
        """When the batch at a position was made; 0 when that is not known."""
        made = self._read.find(BATCHES, _position_key(position))
        return 0 if made is None else _decode_made(made).at_ms

    def position_before(self, time_ms: int) -> int:
        """The last batch that was made before a moment; 0 when there is none. Blocks are searched by halves: clocks
        that went back a little make it a little less exact."""
        low, high = 0, self.state.position
        while low < high:
            middle = (low + high + 1) // 2
            found = self._read.find_before(BATCHES, _position_key(middle + 1))
            if found is None or _decode_made(found[1]).at_ms < time_ms:
                low = middle
            else:
                high = middle - 1
        return low

    def sample(self, ordinals: Sequence[int]) -> list[tuple[bytes, StoredRecord, int]]:
        """Name, record and position of some records by their place in the order of keys, ascending. Raises
        ``Corrupt``."""
        wanted, found = iter(ordinals), list[tuple[bytes, StoredRecord, int]]()
        following = next(wanted, None)
        for place, (key, data) in enumerate(self._read.iter_from(HANDLES, b"")):
            if following is None:
                break
            if place == following:
                _, position, _ = _VERSION.unpack_from(data)
                record = StoredRecord.check(key, _record_in(data))
                found.append((record.handle, record, position))
                following = next(wanted, None)
        return found

    def changed_behind(self, position: int) -> int:
        """How many records were changed last behind a batch; reads all of them."""
        return sum(_VERSION.unpack_from(data)[1] > position for _, data in self._read.iter_from(HANDLES, b""))

    def digest_at(self, position: int) -> bytes | None:
        """The digest of the index when the batch at a position was its last; ``None`` when that is not known."""
        state = self.state
        if position == state.position:
            return state.digest or None
        made = self._read.find(BATCHES, _position_key(position)) if 0 < position < state.position else None
        return (_decode_made(made).digest or None) if made is not None else None

    def iter_records(self, after: bytes = b"") -> Iterator[tuple[bytes, StoredRecord, int, int]]:
        """Key, record, version and position of everything registered, by key; behind ``after``."""
        for key, data in self._read.iter_from(HANDLES, after + b"\0" if after else b""):
            number, position, _ = _VERSION.unpack_from(data)
            yield key, StoredRecord.check(key, _record_in(data)), number, position

    def history(self, name: bytes) -> list[Version]:
        """The versions of a name, oldest first."""
        key = key_of(name)
        kept = []
        for found, data in self._read.iter_from(VERSIONS, key + b"\x00"):
            if len(found) != len(key) + 4 or not found.startswith(key):
                break
            kept.append(data)
        newest = self._get(key)
        return [self._version(name, data) for data in (kept if newest is None else [*kept, newest])]

    def _version(self, name: bytes, data: bytes) -> Version:
        number, position, reason_bytes = _VERSION.unpack_from(data)
        record = _record_in(data)
        made = self._read.find(BATCHES, _position_key(position))
        at_ms, origin, who, _ = (0, "", "", b"") if made is None else msgspec.structs.astuple(_decode_made(made))
        return Version(
            version=number,
            op="put" if record else "delete",
            at_ms=at_ms,
            who=who,
            origin=origin,
            reason=data[_REASON_FROM : _REASON_FROM + reason_bytes].decode(),
            position=position,
            record=StoredRecord.check(name, record) if record else None,
        )


def _record_in(data: bytes) -> bytes:
    """The record of a version, empty for a deletion."""
    return data[_REASON_FROM + (data[12] << 8 | data[13]) :]


def _last_version(read: Read, key: bytes) -> int:
    """The number of the last version in ``versions``."""
    found = read.find_before(VERSIONS, key + _FIRST_LETTER)
    if found is None or len(found[0]) != len(key) + 4 or not found[0].startswith(key):
        return 0
    return int.from_bytes(found[0][-4:], "big")


def _position_key(position: int) -> bytes:
    return position.to_bytes(8, "big")


def _state_of(read: Read) -> IndexState:
    data = read.find(META, _STATE)
    return IndexState() if data is None else _decode_state(data)


class IndexWriter:
    """One transaction that brings the index further; :meth:`close` is its last step."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.view = IndexView(write)
        self.state = _state_of(write)
        self._digest = int.from_bytes(self.state.digest, "big")

    def find(self, name: bytes) -> tuple[StoredRecord | None, int]:
        """A name's record, and the number of its last version, which may be its deletion. Raises ``Corrupt``."""
        key = key_of(name)
        data = self._write.find(HANDLES, key)
        if data is None:
            return None, _last_version(self._write, key)
        return StoredRecord.check(name, _record_in(data)), int.from_bytes(data[:4], "big")

    def change(self, change: RecordChange, position: int, key: bytes | None = None) -> None:
        """Put or delete a record, as the batch at ``position`` says; ``key`` is its name's, where that is known."""
        key, write = key or key_of(change.name), self._write
        before = write.find(HANDLES, key)
        if before is not None:
            write.put(VERSIONS, key + before[:4], before)
        reason = change.reason.encode()
        after = _VERSION.pack(change.version, position, len(reason)) + reason + (change.data or b"")
        if change.data is not None:
            write.put(HANDLES, key, after)
        else:
            write.put(VERSIONS, key + after[:4], after)
            write.delete(HANDLES, key)
        self._count(b"h", key, None if before is None else _record_in(before), change.data)

    def put_prefix(self, prefix: Prefix) -> None:
        """Set the entry of a prefix."""
        key = key_of(prefix.prefix.encode())
        before = self._write.find(PREFIXES, key)
        after = (_HERE if prefix.here else _ELSEWHERE) + _encode(prefix)
        self._write.put(PREFIXES, key, after)
        self._count(b"p", key, before, after)

    def put_measure(self, measure: Measure) -> None:
        """Set a measure."""
        key, write = measure.id.encode(), self._write
        before, after = write.find(MEASURES, key), _encode(measure)
        write.put(MEASURES, key, after)
        self._count(b"m", key, before, after)
        count = int.from_bytes(write.find(META, _MEASURED) or b"", "big") + 1
        write.put(META, _MEASURED, count.to_bytes(8, "big"))

    def _count(self, table: bytes, key: bytes, before: bytes | None, after: bytes | None) -> None:
        head = table + len(key).to_bytes(2, "big") + key
        if before is not None:
            self._digest -= int.from_bytes(hashlib.sha256(head + before).digest(), "big")
        if after is not None:
            self._digest += int.from_bytes(hashlib.sha256(head + after).digest(), "big")

    @property
    def _digest_now(self) -> bytes:
        return (self._digest % _MODULUS).to_bytes(32, "big")

    def apply(self, batch: Batch, position: int, message: bytes) -> None:
        """All that a verified batch says. Raises ``Corrupt`` (``records.batch_unverified``) when it is not the next."""
        if batch.previous != self.state.chain:
            raise unverified(position, f"it does not follow the batch at {self.state.position} that is known here")
        for change in batch.changes:
            self.change(change, position)
        for prefix in batch.prefixes:
            self.put_prefix(prefix)
        for measure in batch.measures:
            self.put_measure(measure)
        self.close(batch, position, message)

    def close(self, batch: Batch, position: int, message: bytes) -> None:
        """Note where the index is now."""
        write = self._write
        write.put(
            BATCHES, _position_key(position), _encode(_Made(batch.at_ms, batch.origin, batch.who, self._digest_now))
        )
        self._shorten_tail(batch.at_ms)
        write.put(TAIL, _position_key(position), batch.at_ms.to_bytes(8, "big") + message)
        self.state = msgspec.structs.replace(
            self.state,
            position=position,
            chain=hash_of(message),
            digest=self._digest_now,
            writer=key_of_message(message),
        )
        self._keep_state()

    def skip_to(self, position: int, *, whole: bool) -> None:
        """There is nothing (more) in the log up to ``position``."""
        if position > self.state.position or (whole and not self.state.whole):
            self.state = msgspec.structs.replace(
                self.state, position=max(position, self.state.position), whole=whole or self.state.whole
            )
            self._keep_state()

    def tail(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """The messages from ``first`` to ``last`` that are still known here, as they are in the log."""
        pairs = self._write.iter_from(TAIL, _position_key(first))
        found = ((int.from_bytes(key, "big"), data[8:]) for key, data in pairs)
        return [(position, message) for position, message in found if position <= last]

    def _keep_state(self) -> None:
        self._write.put(META, _STATE, _encode(self.state))

    def _shorten_tail(self, now_ms: int) -> None:
        """Forget messages that the broker has had time to write to its disk."""
        old = []
        for key, data in self._write.iter_from(TAIL, b""):
            if int.from_bytes(data[:8], "big") > now_ms - _TAIL_MS:
                break
            old.append(key)
        for key in old:
            self._write.delete(TAIL, key)


class RecordIndex:
    """One folder with an index. Raises what :class:`.LmdbEnvironment` does when the files are broken or full."""

    def __init__(
        self, path: Path, *, durable: bool = True, read_only: bool = False, clock: Clock | None = None
    ) -> None:
        # One that was written before there were measures has no table of them.
        self._environment = LmdbEnvironment(path, TABLES, durable=durable, read_only=read_only, may_lack=(MEASURES,))
        self._clock = clock or SystemClock()
        self._seen: tuple[int, bytes | None, Effects | None] = (-1, None, None)

    @contextmanager
    def view(self) -> Iterator[IndexView]:
        """A consistent view for the length of a block."""
        with self._environment.read() as read:
            yield IndexView(read, self._effects(read))

    def _effects(self, read: Read) -> Effects | None:
        """The measures that a view sees: read anew when they have changed, looked for when anything has."""
        moment, count, effects = self._seen
        if read.moment != moment:
            found = read.find(META, _MEASURED)
            if found != count:
                measures = [_decode_measure(data) for _, data in read.iter_from(MEASURES, b"")]
                effects = Effects.build(measures, self._clock)
            self._seen = (read.moment, found, effects)
        if effects is not None and effects.over:
            effects = None
            self._seen = (*self._seen[:2], None)
        return effects

    def state(self) -> IndexState:
        """How far it is."""
        with self.view() as view:
            return view.state

    def write(self, work: Callable[[IndexWriter], T]) -> T:
        """Run ``work`` while no other process writes, and commit; it may run again when the index had to grow."""
        return self._environment.write(lambda write: work(IndexWriter(write)))

    def stats(self) -> dict[str, int]:
        """Gauges: names, prefixes, bytes."""
        with self._environment.read() as read:
            counts = {name: read.count(name) for name in (HANDLES, PREFIXES)}
        return counts | self._environment.stats()

    def verify(self) -> int:
        """Read everything, check it and the digest; returns how many names there are. Raises ``Corrupt``."""
        self._environment.verify()
        digest = names = 0
        with self._environment.read() as read:
            for table, mark in ((HANDLES, b"h"), (PREFIXES, b"p"), (MEASURES, b"m")):
                for key, data in read.iter_from(table, b""):
                    if table == HANDLES:
                        data = StoredRecord.check(key, _record_in(data)).data
                        names += 1
                    head = mark + len(key).to_bytes(2, "big") + key
                    digest += int.from_bytes(hashlib.sha256(head + data).digest(), "big")
            state = _state_of(read)
        if state.digest != (digest % _MODULUS).to_bytes(32, "big"):
            raise unverified(state.position, "the digest of the index is not that of what is in it")
        return names

    def copy(self, folder: Path) -> None:
        """Write what was committed last into an empty folder: a snapshot, from which a mirror may begin."""
        self._environment.copy(folder)

    @property
    def replaced(self) -> bool:
        """Whether another process has put another index in its place."""
        return self._environment.replaced

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self._environment.sync()

    def close(self) -> None:
        """Close the files."""
        self._environment.close()
