"""The newest readings of the devices that were asked about lately, in memory, always the engine's own answer.

A device is read from the engine at the first question and kept while there is room, the one not asked for longest
giving way. From then on every insert brings its rows up to date by the rule of the engine's table ``latest``: the
higher version wins, and of equal versions the one inserted last. What cannot be known to agree is forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millwright.historian.columns import versions
from millwright.historian.model import Identities, Kind, SeriesId, Value
from millwright.historian.query import Latest

_ROW = np.dtype(
    [
        ("present", np.bool_),
        ("version", np.uint64),
        ("time_ms", np.int64),
        ("received_ms", np.int64),
        ("number", np.float64),
        ("kind", np.uint8),
        ("quality", np.uint8),
    ]
)
_COPIED = ("version", "time_ms", "received_ms", "number", "kind", "quality")
_LARGEST_SHARE = 4
_MOST_LETTERS = 8 << 20

Slots = npt.NDArray[np.intp]


@dataclass(slots=True)
class Question:
    """A question to the engine under way, and what was inserted meanwhile."""

    since: list[pa.Table] = field(default_factory=list)
    void: bool = False
    """Its answer may be older than what it would be kept beside."""


@dataclass(slots=True, frozen=True)
class _Device:
    names: list[str]
    series: Identities
    slots: Slots


class NewestReadings:
    """Holds ``most_rows`` series at most, and eight million letters of texts.

    Only for an engine that nobody else writes to. Not for use from several threads.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._rows = np.zeros(most_rows, _ROW)
        self._free = list(range(most_rows - 1, -1, -1))
        self._text: dict[int, str] = {}
        self._letters = 0
        self._devices: dict[str, _Device] = {}
        self._asking: list[Question] = []
        self._index: tuple[Identities, Slots] | None = None

    def __len__(self) -> int:
        """Series held."""
        return self._most_rows - len(self._free)

    def find(self, device_id: str) -> list[Latest] | None:
        """The device's newest readings by property, or None when they must be asked of the engine."""
        device = self._devices.pop(device_id, None)
        if device is None:
            return None
        self._devices[device_id] = device  # asked for last
        rows = self._rows[device.slots].tolist()
        slots, series = device.slots.tolist(), device.series.tolist()
        return [
            Latest(device_id, name, SeriesId(one), time_ms, received_ms, self._value(slot, kind, number), quality)
            for name, one, slot, (present, _, time_ms, received_ms, number, kind, quality) in zip(
                device.names, series, slots, rows, strict=True
            )
            if present
        ]

    def _value(self, slot: int, kind: int, number: float) -> Value:
        if kind == Kind.TEXT:
            return self._text[slot]
        if not math.isfinite(number):
            return None
        return bool(number) if kind == Kind.BOOLEAN else number

    # --- from the engine -----------------------------------------------------------------------------------------

    def ask(self) -> Question:
        """Say that the engine is about to be asked; end with :meth:`keep` or :meth:`drop`."""
        question = Question()
        self._asking.append(question)
        return question

    def drop(self, question: Question) -> None:
        """The question failed, or its answer shall not be kept."""
        self._asking = [other for other in self._asking if other is not question]

    def keep(self, question: Question, device_ids: Sequence[str], named: pa.Table, newest: pa.Table) -> None:
        """Keep the engine's answer about ``device_ids``: their rows of ``catalogue``, and of ``latest`` by series."""
        self.drop(question)
        if question.void:
            return
        received = newest.column("received_ms").to_numpy().astype(np.int64)
        version = pa.array(versions(newest.column("time_ms").to_numpy(), received))
        tables = [newest.append_column("version", version), *question.since]
        columns = [named.column(name).to_pylist() for name in ("device_id", "property", "series")]
        found: dict[str, list[tuple[str, int]]] = {device_id: [] for device_id in device_ids}
        for device_id, name, series in zip(*columns, strict=True):
            found[device_id].append((name, series))
        for device_id, rows in found.items():
            # Whoever asks about devices that do not exist must not fill the memory.
            if not rows or device_id in self._devices or len(rows) * _LARGEST_SHARE > self._most_rows:
                continue
            self._make_room(len(rows))
            slots = np.array([self._free.pop() for _ in rows], np.intp)
            device = _Device([name for name, _ in rows], np.array([series for _, series in rows], np.uint64), slots)
            self._rows[slots] = np.zeros(1, _ROW)
            self._devices[device_id] = device
            self._index = None
            for table in tables:
                self._apply(table, device.series, slots)
        self._make_room(0)

    def _make_room(self, rows: int) -> None:
        while self._devices and (len(self._free) < rows or self._letters > _MOST_LETTERS):
            self._remove(next(iter(self._devices)))

    def _remove(self, device_id: str) -> None:
        device = self._devices.pop(device_id, None)
        if device is not None:
            slots = device.slots.tolist()
            for slot in slots:
                self._letters -= len(self._text.pop(slot, ""))
            self._free += slots
            self._index = None

    # --- from inserts --------------------------------------------------------------------------------------------

    def inserted(self, newest: pa.Table) -> None:
        """The engine took these rows into ``latest``: ``series`` rising, each once, with its ``version``."""
        for question in self._asking:
            question.since.append(newest)
        if not self._devices or not newest.num_rows:
            return
        if self._index is None:
            self._index = (
                np.concatenate([device.series for device in self._devices.values()]),
                np.concatenate([device.slots for device in self._devices.values()]),
            )
        self._apply(newest, *self._index)
        self._make_room(0)

    def announced(self, device_ids: set[str]) -> None:
        """The catalogue may have new series of these devices."""
        for device_id in device_ids:
            self._remove(device_id)
        for question in self._asking:
            question.void = True

    def clear(self) -> None:
        """Forget everything: an insert failed, and some of it may be in the engine."""
        self._devices, self._text, self._letters, self._index = {}, {}, 0, None
        self._free = list(range(self._most_rows - 1, -1, -1))
        for question in self._asking:
            question.void = True

    def _apply(self, newest: pa.Table, series: Identities, slots: Slots) -> None:
        """Put the rows of ``newest`` that are newer, or as new, into the ``slots`` of their ``series``."""
        theirs = newest.column("series").to_numpy()
        if not len(theirs) or not len(series):
            return
        at = np.minimum(np.searchsorted(theirs, series), len(theirs) - 1)
        same = theirs[at] == series
        at, slots = at[same], slots[same]
        held, version = self._rows[slots], newest.column("version").to_numpy()[at]
        newer = ~held["present"] | (version >= held["version"])
        at, slots = at[newer], slots[newer]
        for name in _COPIED:
            self._rows[name][slots] = newest.column(name).to_numpy()[at]
        self._rows["present"][slots] = True
        self._copy_texts(newest, at, slots)

    def _copy_texts(self, newest: pa.Table, at: npt.NDArray[np.intp], slots: Slots) -> None:
        if self._text:
            for slot in slots.tolist():
                self._letters -= len(self._text.pop(slot, ""))
        texts = np.flatnonzero(self._rows["kind"][slots] == Kind.TEXT)
        for row, slot in zip(at[texts].tolist(), slots[texts].tolist(), strict=True):
            text = newest.column("text")[row].as_py()
            self._text[slot] = text
            self._letters += len(text)
