"""Recognising repeated messages that carry no time of their own.

An MQTT client that lost its connection before the PUBACK sends the message again with DUP set (MQTT 3.1.1 §4.4). Taken
twice, a message without a source time would become two readings at two receive times. So its time is remembered by
(device, packet id, payload): sixteen bytes a message, sorted only when a DUP asks.

A client may use a packet id again once it was acknowledged, so two equal payloads under one id are indistinguishable
from a repetition *if the second has DUP set*; it is then taken for one. Exactly once is bought with that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

_CHUNK = 65_536
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads packet ids over the key space

Keys = npt.NDArray[np.uint64]


@dataclass(slots=True)
class _Chunk:
    keys: Keys
    times: npt.NDArray[np.int64]
    newest_ms: int
    sorted: bool = False

    def find(self, wanted: Keys) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """Which keys are here, and the newest time of each."""
        if not self.sorted:
            order = np.argsort(self.keys, kind="stable")
            self.keys, self.times, self.sorted = self.keys[order], self.times[order], True
        at = np.maximum(np.searchsorted(self.keys, wanted, side="right") - 1, 0)
        return self.keys[at] == wanted, self.times[at]


def owner_key(device_id: str) -> int:
    """The key under which a device's messages are remembered."""
    return xxh3_64_intdigest(device_id.encode())


class RepeatMemory:
    """Remembers the last ``seconds`` of messages, ``most`` of them at the outside."""

    def __init__(self, seconds: float = 300.0, most: int = 4_000_000) -> None:
        self._span_ms = round(seconds * 1000)
        self._most = most
        self._chunks: deque[_Chunk] = deque()
        self._sealed = 0
        self._hashes: list[int] = []
        self._packets: list[int] = []
        self._times: list[int] = []
        self._owners: list[int] = []
        self._counts: list[int] = []
        self._open: dict[int, int] = {}
        self._indexed = (0, 0)  # messages and runs of the open chunk that are in ``_open`` already

    def __len__(self) -> int:
        return self._sealed + len(self._hashes)

    def remember(
        self,
        owner: int,
        packet_ids: Sequence[int],
        payloads: Sequence[bytes],
        times_ms: Sequence[int],
    ) -> None:
        """Note messages of the device with the key ``owner``, taken at ``times_ms`` (parallel sequences)."""
        if len(payloads) == 1:
            self._hashes.append(hash(payloads[0]))
            self._packets.append(packet_ids[0])
            self._times.append(times_ms[0])
        else:
            self._hashes.extend(map(hash, payloads))
            self._packets.extend(packet_ids)
            self._times.extend(times_ms)
        self._owners.append(owner)
        self._counts.append(len(payloads))
        if len(self._hashes) >= _CHUNK:
            self._seal()

    def find_times_ms(self, owner: int, packet_ids: Sequence[int], payloads: Sequence[bytes]) -> list[int | None]:
        """For each message the time given to the newest one that equals it, or ``None``."""
        owners = np.full(len(payloads), owner, np.uint64)
        wanted = _keys(list(map(hash, payloads)), packet_ids, owners)
        self._index_open()
        found = [self._open.get(key) for key in wanted.tolist()]
        for chunk in reversed(self._chunks):
            if None not in found:
                break
            here, times = chunk.find(wanted)
            for at in np.flatnonzero(here).tolist():
                if found[at] is None:
                    found[at] = int(times[at])
        return found

    def _index_open(self) -> None:
        messages, runs = self._indexed
        if messages == len(self._hashes):
            return
        keys = _keys(self._hashes[messages:], self._packets[messages:], self._expand(runs))
        self._open.update(zip(keys.tolist(), self._times[messages:], strict=True))
        self._indexed = (len(self._hashes), len(self._owners))

    def _expand(self, first_run: int = 0) -> Keys:
        return np.repeat(np.array(self._owners[first_run:], np.uint64), np.array(self._counts[first_run:], np.int64))

    def _seal(self) -> None:
        keys = _keys(self._hashes, self._packets, self._expand())
        newest_ms = max(self._times)
        self._chunks.append(_Chunk(keys, np.array(self._times, np.int64), newest_ms))
        self._sealed += len(keys)
        for column in (self._hashes, self._packets, self._times, self._owners, self._counts):
            column.clear()
        self._open.clear()
        self._indexed = (0, 0)
        horizon = newest_ms - self._span_ms
        while self._chunks and (self._chunks[0].newest_ms < horizon or self._sealed > self._most):
            self._sealed -= len(self._chunks.popleft().keys)


def _keys(hashes: Sequence[int], packets: Sequence[int], owners: Keys) -> Keys:
    contents = np.array(hashes, np.int64).view(np.uint64)
    return contents ^ owners ^ (np.array(packets, np.uint64) * _SPREAD)
