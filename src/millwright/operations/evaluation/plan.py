"""Rules × devices compiled into arrays, so that a batch is searched for watched series without a loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from millwright.historian import series_id
from millwright.operations.evaluation.watch import Bounds
from millwright.operations.model import Judges, RateOfChange, Rule, Stale, Subject, WatchKey

_LOAD = 8
_MIN_BITS, _MAX_BITS = 14, 23
_NONE, _SHARED = -1, -2

Rows = npt.NDArray[np.intp]


class Plan:
    """Immutable. A *slot* is one rule on one device; ``layers[k][i]`` is the k-th slot of watched series ``i``, or -1.

    What ``judges`` watch has none.

    A series is found by a table over the low bits of its id (ids are hashes, so these are uniform); buckets that two
    watched series share are resolved by a binary search.
    """

    def __init__(self, rules: Iterable[Rule], subjects: Iterable[Subject], judges: Judges | None = None) -> None:
        self.rules: list[Rule] = []
        self.subjects: list[Subject] = []
        self.keys: list[WatchKey] = []
        self.bounds: list[Bounds] = []
        series: list[int] = []
        after_s: list[npt.NDArray[np.float64]] = []
        is_rate: list[npt.NDArray[np.bool_]] = []
        lows, highs = list[npt.NDArray[np.float64]](), list[npt.NDArray[np.float64]]()
        for rule, covered in _matches(rules, subjects):
            matching = [each for each in covered if judges.find(rule, each) is None] if judges is not None else covered
            name, kind, condition, count = rule.property, kind_of(rule), rule.condition, len(matching)
            self.keys += [WatchKey(rule.id, subject.id, name, kind) for subject in matching]
            self.subjects += matching
            self.rules += [rule] * count
            bounds = Bounds.of(condition)
            self.bounds += [bounds] * count
            lows.append(np.full(count, bounds.low))
            highs.append(np.full(count, bounds.high))
            series += [series_id(subject.id, name) for subject in matching]
            after_s.append(np.full(count, condition.after_s if isinstance(condition, Stale) else np.inf))
            is_rate.append(np.full(count, isinstance(condition, RateOfChange)))
        self.slots = {key: slot for slot, key in enumerate(self.keys)}
        self.lows, self.highs, self.after_s = (np.concatenate([np.empty(0), *each]) for each in (lows, highs, after_s))
        self.is_rate = np.concatenate([np.empty(0, np.bool_), *is_rate])
        self.is_stale = np.isfinite(self.after_s)
        self.stale_slots = np.flatnonzero(self.is_stale)
        self._index(np.array(series, np.uint64))
        self._carried: tuple[Plan, Rows, Rows] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def _index(self, series: npt.NDArray[np.uint64]) -> None:
        order = np.argsort(series, kind="stable")
        self._series, first, counts = np.unique(series[order], return_index=True, return_counts=True)
        layer = np.arange(len(series)) - np.repeat(first, counts)
        position = np.repeat(np.arange(len(self._series)), counts)
        self.layers = [np.full(len(self._series), _NONE, np.intp) for _ in range(int(counts.max(initial=0)))]
        for number, slots in enumerate(self.layers):
            chosen = layer == number
            slots[position[chosen]] = order[chosen]
        bits = min(max((len(self._series) * _LOAD).bit_length(), _MIN_BITS), _MAX_BITS)
        self._mask = np.uint64((1 << bits) - 1)
        buckets = (self._series & self._mask).astype(np.intp)
        self._table = np.full(1 << bits, _NONE, np.int32)
        self._table[buckets] = np.arange(len(self._series), dtype=np.int32)
        shared, counts = np.unique(buckets, return_counts=True)
        self._table[shared[counts > 1]] = _SHARED

    def carried_from(self, old: Plan) -> tuple[Rows, Rows]:
        """The slots whose watch ``old`` has too, and their slots there. Computed once; call it in a thread first."""
        if self._carried is None or self._carried[0] is not old:
            pairs = [(new, old.slots[key]) for key, new in self.slots.items() if key in old.slots]
            new_slots, old_slots = np.array(pairs, np.intp).reshape(-1, 2).T
            self._carried = (old, new_slots, old_slots)
        return self._carried[1:]

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


def covers(rule: Rule, subject: Subject) -> bool:
    """Whether the rule, when it is enabled, watches the device."""
    if rule.organisation_id not in subject.organisations:
        return False
    if rule.scope.device_id is not None:
        return rule.scope.device_id == subject.id
    return rule.scope.model_id == subject.model_id


def _matches(rules: Iterable[Rule], subjects: Iterable[Subject]) -> Iterator[tuple[Rule, Sequence[Subject]]]:
    by_id: dict[str, Subject] = {}
    by_model: defaultdict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        by_id[subject.id] = subject
        if subject.model_id is not None:
            by_model[subject.model_id].append(subject)
    for rule in rules:
        if not rule.enabled:
            continue
        if rule.scope.model_id is not None:
            of_model = by_model.get(rule.scope.model_id, ())
            yield rule, [subject for subject in of_model if rule.organisation_id in subject.organisations]
        elif rule.scope.device_id in by_id:
            subject = by_id[rule.scope.device_id]
            yield rule, (subject,) if rule.organisation_id in subject.organisations else ()
