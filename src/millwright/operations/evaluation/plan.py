"""Rules × devices compiled into arrays, so that a batch is searched for watched series without a loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from millwright.historian import series_id
from millwright.operations.evaluation.watch import Bounds
from millwright.operations.model import RateOfChange, Rule, Stale, Subject, WatchKey

_LOAD = 8
_MIN_BITS, _MAX_BITS = 14, 23
_NONE, _SHARED = -1, -2

Rows = npt.NDArray[np.intp]


class Plan:
    """Immutable. A *slot* is one rule on one device; ``layers[k][i]`` is the k-th slot of watched series ``i``, or -1.

    A series is found by a table over the low bits of its id (ids are hashes, so these are uniform); buckets that two
    watched series share are resolved by a binary search.
    """

    def __init__(self, rules: Iterable[Rule], subjects: Iterable[Subject]) -> None:
        self.rules: list[Rule] = []
        self.subjects: list[Subject] = []
        self.keys: list[WatchKey] = []
        by_series: defaultdict[int, list[int]] = defaultdict(list)
        for rule, subject in _pairs(rules, subjects):
            by_series[series_id(subject.id, rule.property)].append(len(self.keys))
            self.rules.append(rule)
            self.subjects.append(subject)
            self.keys.append(WatchKey(rule.id, subject.id, rule.property, kind_of(rule)))
        self.slots = {key: slot for slot, key in enumerate(self.keys)}
        self.bounds = [Bounds.of(rule.condition) for rule in self.rules]
        self.is_stale = np.array([isinstance(rule.condition, Stale) for rule in self.rules], np.bool_)
        self.is_rate = np.array([isinstance(rule.condition, RateOfChange) for rule in self.rules], np.bool_)
        self.after_s = np.array(
            [rule.condition.after_s if isinstance(rule.condition, Stale) else np.inf for rule in self.rules], np.float64
        )
        self.stale_slots = np.flatnonzero(self.is_stale)
        self._index(by_series)

    def __len__(self) -> int:
        return len(self.keys)

    def _index(self, by_series: dict[int, list[int]]) -> None:
        self._series = np.array(sorted(by_series), np.uint64)
        depth = max((len(slots) for slots in by_series.values()), default=0)
        self.layers = [np.full(len(self._series), _NONE, np.intp) for _ in range(depth)]
        for position, series in enumerate(self._series.tolist()):
            for layer, slot in enumerate(by_series[series]):
                self.layers[layer][position] = slot
        bits = min(max((len(self._series) * _LOAD).bit_length(), _MIN_BITS), _MAX_BITS)
        self._mask = np.uint64((1 << bits) - 1)
        buckets = (self._series & self._mask).astype(np.intp)
        self._table = np.full(1 << bits, _NONE, np.int32)
        self._table[buckets] = np.arange(len(self._series), dtype=np.int32)
        shared, counts = np.unique(buckets, return_counts=True)
        self._table[shared[counts > 1]] = _SHARED

    def find(self, series: npt.NDArray[np.uint64]) -> tuple[Rows, Rows]:
        """The rows of a batch whose series is watched, and the position of that series in ``layers``."""
        if not len(self._series):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        candidates = self._table[(series & self._mask).view(np.int64)]
        rows = np.flatnonzero(candidates != _NONE)
        if not len(rows):
            return rows, rows
        positions: npt.NDArray[Any] = candidates[rows].astype(np.intp)
        wanted = series[rows]
        shared = np.flatnonzero(positions == _SHARED)
        if len(shared):
            found = np.searchsorted(self._series, wanted[shared])
            positions[shared] = np.minimum(found, len(self._series) - 1)
        exact = self._series[positions] == wanted
        if exact.all():
            return rows, positions
        return rows[exact], positions[exact]


def kind_of(rule: Rule) -> str:
    """The kind of a rule's condition, as the API names it."""
    return str(rule.condition.__struct_config__.tag)


def _pairs(rules: Iterable[Rule], subjects: Iterable[Subject]) -> Iterable[tuple[Rule, Subject]]:
    by_id: dict[str, Subject] = {}
    by_model: defaultdict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        by_id[subject.id] = subject
        if subject.model_id is not None:
            by_model[subject.model_id].append(subject)
    for rule in rules:
        if not rule.enabled:
            continue
        matching: Sequence[Subject] = ()
        if rule.scope.model_id is not None:
            matching = by_model.get(rule.scope.model_id, ())
        elif rule.scope.device_id in by_id:
            matching = (by_id[rule.scope.device_id],)
        for subject in matching:
            yield rule, subject
