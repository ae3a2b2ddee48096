"""Every watch over a batch of readings.

Most readings change nothing: each slot has an interval of *quiet* values, compared for all rows at once. Only the slots
with a reading outside theirs get their rows fed, in order of source time, to a :class:`Watch`.

What counts: a reading of bad quality is not evaluated, and does not refresh a stale rule either; nor does one received
more than ``backfill_s`` after its source time (it is history). Older readings than the last evaluated are skipped, so
a replay after a crash and data out of order never toggle an alarm. A source time ahead of the receipt counts as at
most ``AHEAD_MS`` ahead, and a source clock that goes back by more than that is followed, so that a device with a wrong
clock cannot blind its rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from millwright.historian import UNCERTAIN, ReadingBatch
from millwright.kernel import Clock
from millwright.operations.evaluation.plan import Plan
from millwright.operations.evaluation.rate import RateWindow
from millwright.operations.evaluation.watch import INFINITY, Phase, Turn, Watch
from millwright.operations.messages import unit_of
from millwright.operations.model import Change, Raised, RateOfChange, Returned, WatchKey, WatchState

AHEAD_MS = 60_000
"""How far ahead of its receipt a source time may be."""

NO_LONGER_WATCHED = "The rule or the device is no longer there, or disabled."
"""Why an alarm ended that no value ended."""

_NEVER = -(1 << 62)
_SETTLED: Final = object()


class Evaluator:
    """Synchronous and not thread-safe: one owner calls it."""

    def __init__(self, clock: Clock, *, backfill_s: float = 900.0) -> None:
        self._clock = clock
        self._backfill_ms = round(backfill_s * 1000)
        self._watches: dict[int, Watch] = {}  # the slots that are not normal
        self._timed: set[int] = set()
        self._rates: dict[int, RateWindow] = {}
        self._dirty: set[int] = set()
        self._gone: list[WatchState] = []
        self._unsettled: dict[int, int | None] = {}  # since when its value has been back, if it is
        self._hold_s = 0.0
        self._lay_out(Plan((), ()))

    @property
    def watching(self) -> int:
        """How many slots (rule on a device) there are."""
        return len(self.plan)

    def _lay_out(self, plan: Plan) -> None:
        self.plan = plan
        size = len(plan)
        self._last_ms = np.full(size, _NEVER, np.int64)
        self._told_ms = np.full(size, _NEVER, np.int64)  # as it was in the last state that was told
        self._seen_s = np.full(size, self._clock.monotonic_s(), np.float64)
        self._touched = np.zeros(size, np.bool_)
        self._silent = np.zeros(size, np.bool_)
        self._quiet_low, self._quiet_high = plan.lows.copy(), plan.highs.copy()
        self._quiet_low[plan.is_rate] = INFINITY
        self._quiet_high[plan.is_rate] = -INFINITY
        self._has_stale = bool(plan.is_stale.any())

    # --- readings ------------------------------------------------------------------------------------------------

    def evaluate(self, batch: ReadingBatch) -> list[Change]:
        """What the readings of ``batch`` change; costs a few nanoseconds per row that no rule watches."""
        rows, positions = self.plan.find(batch.series)
        if not len(rows):
            return []
        received = batch.received_ms[rows]
        time = np.minimum(batch.time_ms[rows], received + AHEAD_MS)
        value = batch.number[rows]
        usable = (batch.quality[rows] >= UNCERTAIN) & (received - time <= self._backfill_ms)
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        changes: list[Change] = []
        for layer in self.plan.layers:
            slots = layer[positions]
            good = usable & (slots >= 0)
            if self._has_stale:
                stale = good & self.plan.is_stale[slots]
                self._refresh(slots[stale], received[stale], now_s, now_ms, changes)
                good &= ~stale
            good &= np.isfinite(value)
            if not good.all():
                slots, layer_time, layer_value, layer_received = slots[good], time[good], value[good], received[good]
            else:
                layer_time, layer_value, layer_received = time, value, received
            loud = (layer_value < self._quiet_low[slots]) | (layer_value > self._quiet_high[slots])
            if loud.any():
                touched = slots[loud]
                self._touched[touched] = True
                loud = self._touched[slots]
                self._touched[touched] = False
                chosen = np.flatnonzero(loud)
                chosen = chosen[np.argsort(layer_time[chosen], kind="stable")]
                columns = (slots[chosen], layer_time[chosen], layer_value[chosen], layer_received[chosen])
                self._feed(zip(*(column.tolist() for column in columns), strict=True), now_s, changes)
                slots, layer_time = slots[~loud], layer_time[~loud]
            np.maximum.at(self._last_ms, slots, layer_time)
        return changes

    def _feed(self, rows: Iterable[tuple[int, int, float, int]], now_s: float, changes: list[Change]) -> None:
        watches, fed = self._watches, dict[int, Watch]()
        for slot, time_ms, value, received_ms in rows:
            watch = fed.get(slot)
            if watch is None:
                watch = watches.get(slot) or Watch(self.plan.bounds[slot], int(self._last_ms[slot]))
                fed[slot] = watch
                watch.last_ms = max(watch.last_ms, int(self._last_ms[slot]))
            if time_ms <= watch.last_ms <= received_ms + AHEAD_MS:
                if watch.last_ms != self._told_ms[slot]:
                    self._dirty.add(slot)  # evaluated again after a crash, it must still be known to be late
                continue
            if self.plan.is_rate[slot]:
                rate = self._rate(slot, time_ms < watch.last_ms).push(time_ms, value)
                watch.last_ms = time_ms
                if rate is None:
                    continue
                value = rate
            before = watch.phase
            turns = watch.feed(time_ms, value, now_s)
            if watch.phase is not before or turns:
                self._dirty.add(slot)
                changes += [self._change(slot, turn) for turn in turns]
            if slot in self._unsettled:
                changes += self._say_how(slot, watch, time_ms, value)
        for slot, watch in fed.items():
            self._last_ms[slot] = watch.last_ms
            self._settle(slot, watch)

    def _rate(self, slot: int, restart: bool) -> RateWindow:
        window = self._rates.get(slot)
        if window is None or restart:
            condition = self.plan.rules[slot].condition
            assert isinstance(condition, RateOfChange)
            window = self._rates[slot] = RateWindow(condition.window_s, condition.direction)
        return window

    def _settle(self, slot: int, watch: Watch) -> None:
        if watch.phase is Phase.NORMAL:
            self._watches.pop(slot, None)
        else:
            self._watches[slot] = watch
        if watch.phase in (Phase.PENDING, Phase.RETURNING):
            self._timed.add(slot)
        else:
            self._timed.discard(slot)
        if slot in self._unsettled:
            self._quiet_low[slot], self._quiet_high[slot] = INFINITY, -INFINITY
        elif not self.plan.is_rate[slot] and not self.plan.is_stale[slot]:
            self._quiet_low[slot], self._quiet_high[slot] = watch.quiet()

    # --- stale data ----------------------------------------------------------------------------------------------

    def _refresh(
        self,
        slots: np.ndarray[tuple[int], np.dtype[np.intp]],
        received: np.ndarray[tuple[int], np.dtype[np.int64]],
        now_s: float,
        now_ms: int,
        changes: list[Change],
    ) -> None:
        if not len(slots):
            return
        age_s = np.maximum(now_ms - received, 0) / 1000
        np.maximum.at(self._seen_s, slots, now_s - age_s)
        spoke = self._silent[slots]
        if spoke.any():
            for slot, at_ms in zip(slots[spoke].tolist(), received[spoke].tolist(), strict=True):
                watch = self._watches.get(slot)
                # what was received before the alarm began is a replay; unless the wall clock went back
                if watch is not None and not (at_ms <= watch.last_ms <= now_ms):
                    self._seen_s[slot] = now_s
                    self._silent[slot] = False
                    changes.append(self._change(slot, self._speak(slot, watch, at_ms)))
        for slot in self._unsettled.keys() & set(slots.tolist()) if self._unsettled else ():
            if slot not in self._watches:
                at_ms = int(received[slots == slot].max())
                changes.append(self._change(slot, Turn(False, at_ms, math.nan, at_ms, float(self.plan.after_s[slot]))))
                self._dirty.add(slot)
        np.maximum.at(self._last_ms, slots, received)

    def _speak(self, slot: int, watch: Watch, at_ms: int) -> Turn:
        watch.phase, watch.since_ms, watch.last_ms = Phase.NORMAL, at_ms, at_ms
        self._dirty.add(slot)
        self._settle(slot, watch)
        return Turn(False, max(at_ms, watch.changed_ms), math.nan, watch.trigger_ms, float(self.plan.after_s[slot]))

    def _fall_silent(self, now_s: float, changes: list[Change]) -> None:
        slots = self.plan.stale_slots
        silence = now_s - self._hold_s - self._seen_s[slots]
        late = (silence > self.plan.after_s[slots]) & ~self._silent[slots]
        if not late.any():
            return
        now_ms = self._clock.now_ms()
        for slot, silent_s in zip(slots[late].tolist(), silence[late].tolist(), strict=True):
            last_ms = int(self._last_ms[slot])
            watch = Watch(self.plan.bounds[slot], last_ms)
            watch.phase, watch.since_ms, watch.changed_ms = Phase.ACTIVE, now_ms, now_ms
            watch.trigger_ms = last_ms if last_ms != _NEVER else now_ms
            self._silent[slot] = True
            self._dirty.add(slot)
            self._settle(slot, watch)
            limit = float(self.plan.after_s[slot])
            changes.append(self._change(slot, Turn(True, now_ms, round(silent_s, 1), watch.trigger_ms, limit)))

    # --- time ----------------------------------------------------------------------------------------------------

    def tick(self, *, lag_s: float = 0.0) -> list[Change]:
        """What time alone changes: delays that are over, data gone stale.

        ``lag_s`` is how far evaluation is behind receipt: while readings wait to be evaluated, silence is not theirs,
        and no delay is over, for one of them may be back inside the limit.
        """
        now_s = self._clock.monotonic_s()
        self._hold_s = max(lag_s, 0.0)
        changes: list[Change] = []
        for slot in [slot for slot in self._timed if self._watches[slot].due_s <= now_s - self._hold_s]:
            watch = self._watches[slot]
            changes.append(self._change(slot, watch.complete()))
            self._dirty.add(slot)
            self._settle(slot, watch)
        if self._has_stale:
            self._fall_silent(now_s, changes)
        return changes

    def finish(self, until_ms: int) -> list[Change]:
        """End the delays that are over at source time ``until_ms``; for a rehearsal, whose history ends there."""
        changes: list[Change] = []
        for slot in sorted(self._timed):
            watch = self._watches[slot]
            if watch.delay_ends_ms <= until_ms:
                changes.append(self._change(slot, watch.complete()))
                self._settle(slot, watch)
        return changes

    # --- what somebody else judged -------------------------------------------------------------------------------

    def unsettle(self, keys: Iterable[WatchKey]) -> None:
        """Of these watches somebody else says whether there is an alarm: their next reading that leaves no doubt is
        told as a beginning or an end, whatever was known here. Inside a deadband there is doubt: what was, still is.
        """
        for key in keys:
            slot = self.plan.slots.get(key)
            if slot is not None:
                self._unsettled[slot] = None
                self._quiet_low[slot], self._quiet_high[slot] = INFINITY, -INFINITY

    def _say_how(self, slot: int, watch: Watch, time_ms: int, value: float) -> list[Change]:
        bounds = watch.bounds
        if watch.phase is Phase.ACTIVE:
            if bounds.low <= value <= bounds.high:
                return []
            self._dirty.add(slot)
            limit = bounds.high if watch.high_side else bounds.low
            trigger_ms = watch.trigger_ms or time_ms
            return [self._change(slot, Turn(True, time_ms, value, trigger_ms, limit))]
        if watch.phase is not Phase.NORMAL or not bounds.clear_low <= value <= bounds.clear_high:
            self._unsettled[slot] = None
            return []
        back_ms = self._unsettled[slot]
        if back_ms is None or back_ms > time_ms:
            back_ms = self._unsettled[slot] = time_ms
        if time_ms - back_ms < bounds.off_ms:
            return []
        self._dirty.add(slot)
        return [self._change(slot, Turn(False, back_ms + bounds.off_ms, value, time_ms, bounds.high))]

    # --- rules that change, states that outlive a crash ----------------------------------------------------------

    def adopt(self, plan: Plan) -> list[Change]:
        """Watch by ``plan`` from now on; a cause that both plans have keeps its state, active ones that went end."""
        old, old_watches = self.plan, self._watches
        last_ms, seen_s, rates = self._last_ms, self._seen_s, self._rates
        dirty, unsettled = ([old.keys[slot] for slot in slots] for slots in (self._dirty, self._unsettled))
        self._lay_out(plan)
        self._unsettled = {}
        self.unsettle(unsettled)
        self._watches, self._rates, self._timed = {}, {}, set()
        self._dirty = {plan.slots[key] for key in dirty if key in plan.slots}
        new_slots, old_slots = plan.carried_from(old)
        self._last_ms[new_slots] = last_ms[old_slots]
        self._seen_s[new_slots] = seen_s[old_slots]
        for before, window in rates.items():
            now = plan.slots.get(old.keys[before])
            if now is not None and old.rules[before].condition == plan.rules[now].condition:
                self._rates[now] = window
        gone: list[Change] = []
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        for slot, watch in old_watches.items():
            key = old.keys[slot]
            new_slot = plan.slots.get(key)
            if new_slot is None:
                self._gone.append(WatchState(key, Phase.NORMAL, now_ms, watch.last_ms))
                if watch.phase in (Phase.ACTIVE, Phase.RETURNING):
                    gone.append(Returned(key, now_ms, NO_LONGER_WATCHED))
                continue
            if watch.bounds != plan.bounds[new_slot]:
                watch.rebind(plan.bounds[new_slot], now_s)
            self._silent[new_slot] = plan.is_stale[new_slot]
            self._settle(new_slot, watch)
        return gone

    def restore(self, states: Iterable[WatchState]) -> list[WatchKey]:
        """Continue where a former run stopped; returns the keys of active watches that the plan does not have.

        A delay that was running starts again on the timer (a reading late enough ends it at once); stale times start
        again too.
        """
        now_s = self._clock.monotonic_s()
        lost = []
        for state in states:
            slot = self.plan.slots.get(state.key)
            phase = Phase(state.phase)
            if slot is None:
                if phase in (Phase.ACTIVE, Phase.RETURNING):
                    lost.append(state.key)
                continue
            self._last_ms[slot] = state.last_ms
            if phase is Phase.NORMAL:
                continue
            watch = Watch(self.plan.bounds[slot], state.last_ms)
            watch.phase, watch.since_ms, watch.trigger_ms = phase, state.since_ms, state.trigger_ms
            watch.changed_ms = state.since_ms
            watch.value = math.nan if state.value is None else state.value
            watch.high_side = state.high_side
            watch.rebind(watch.bounds, now_s)
            self._silent[slot] = self.plan.is_stale[slot]
            self._settle(slot, watch)
        return lost

    def take_over(self, states: Iterable[WatchState]) -> None:
        """Go on where somebody else judged before; a watch that is not normal knows better."""
        for state in states:
            slot = self.plan.slots.get(state.key)
            if slot is not None and slot not in self._watches:
                self.unsettle([state.key])
                self.restore([replace(state, last_ms=max(state.last_ms, int(self._last_ms[slot])))])
                self._dirty.add(slot)

    def take_dirty(self) -> list[WatchState]:
        """The states that changed since the last call."""
        states = self._gone + [self._state(slot) for slot in self._dirty]
        dirty = list(self._dirty)
        self._told_ms[dirty] = self._last_ms[dirty]
        self._gone, self._dirty = [], set()
        return states

    def _state(self, slot: int) -> WatchState:
        key, watch = self.plan.keys[slot], self._watches.get(slot)
        if watch is None:
            last_ms = int(self._last_ms[slot])
            return WatchState(key, Phase.NORMAL, last_ms, last_ms)
        value = watch.value if math.isfinite(watch.value) else None
        return WatchState(
            key, int(watch.phase), watch.since_ms, watch.last_ms, value, watch.trigger_ms, watch.high_side
        )

    def _change(self, slot: int, turn: Turn) -> Change:
        key = self.plan.keys[slot]
        settles = self._unsettled.pop(slot, _SETTLED) is not _SETTLED
        if not turn.raised:
            return Returned(key, turn.at_ms, settles=settles)
        rule, subject = self.plan.rules[slot], self.plan.subjects[slot]
        return Raised(
            key,
            turn.at_ms,
            rule,
            subject,
            turn.value if math.isfinite(turn.value) else None,
            turn.trigger_ms,
            turn.limit if math.isfinite(turn.limit) else None,
            unit_of(rule, subject.units.get(rule.property)),
            settles=settles,
        )
