"""Receive times that are a message's own, given once at the edge.

A reading without a source time is kept at its receive time, one to a millisecond and device. A plain node makes those
times unique while it decodes, by the order of its stream. An edge's parent cannot: with live data first, frames reach
it in another order. So an edge gives each such message its time before it is stored, and both decode the same; what a
plain node would refuse, since too many came too fast, is marked so that both refuse it.

Where this machine's clock is known to be wrong, everything is given the parent's time here, once and for both.
"""

from __future__ import annotations

from typing import Final

from millwright.devices.edge.parent_time import SUBJECT, ParentTime
from millwright.devices.intake import (
    FLAG_CROWDED,
    FLAG_STAMPED,
    INTAKE,
    Frame,
    Run,
    decode_frame,
    encode_frame,
    slots_of,
    subject_of,
)
from millwright.devices.mqtt.ports import Intake
from millwright.devices.permissions import TELEMETRY
from millwright.devices.telemetry.receive_clock import BURST_MS, ReceiveClock
from millwright.engines.nats import NatsConnection
from millwright.kernel import Unsubscribe

_RECALLED: Final = 64
_MOST: Final = 100_000
_STATED: Final = (b'"ts"', b'"time"')


class StampedIntake:
    """Stamps frames on their way to ``inner``; a :class:`millwright.kernel.Part`."""

    def __init__(self, inner: Intake, nats: NatsConnection, listener_id: str, time: ParentTime | None = None) -> None:
        self._inner, self._nats, self._listener_id = inner, nats, listener_id
        self._time = time
        self._unsubscribe: Unsubscribe | None = None
        self._clocks: dict[str, ReceiveClock] = {}
        self._stamped: dict[str, bytes] = {}

    async def start(self) -> None:
        """Recall which times were given away last, and hear of the parent's."""
        if self._time is not None:
            self._unsubscribe = await self._nats.subscribe(SUBJECT, self._time.take)
        last = (await self._nats.state(INTAKE.name)).last_sequence
        first = max(1, last - _RECALLED + 1)
        async for message in self._nats.scan(INTAKE.name, subject=subject_of(self._listener_id), first=first):
            for run in decode_frame(message.data).runs:
                if run.flags & FLAG_STAMPED:
                    used = run.received_ms + sum(map(slots_of, run.payloads))
                    # When it was received is not told; it was no more than a burst before the time given.
                    self._clock_of(run.device_id).use(run.received_ms - BURST_MS, used)

    async def stop(self) -> None:
        """Hear nothing more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Stamp and pass on; what is tried again has the stamps of the first time."""
        stamped = self._stamped.get(message_id)
        if stamped is None:
            stamped = self._stamped[message_id] = self._stamp(frame)
        await self._inner.commit(stamped, message_id)
        del self._stamped[message_id]

    def _stamp(self, data: bytes) -> bytes:
        frame: Frame = decode_frame(data)
        correction_ms = self._time.correction_ms() if self._time is not None else 0
        for run in frame.runs:
            run.received_ms += correction_ms
            if run.topic in TELEMETRY and any(map(_is_timeless, run.payloads)):
                self._stamp_run(run)
        return encode_frame(frame)

    def _stamp_run(self, run: Run) -> None:
        clock = self._clock_of(run.device_id)
        start = clock.first_free(run.received_ms)
        if start - run.received_ms > BURST_MS:
            run.flags |= FLAG_CROWDED
            return
        clock.use(run.received_ms, start + sum(map(slots_of, run.payloads)))
        run.received_ms, run.flags = start, run.flags | FLAG_STAMPED

    def _clock_of(self, device_id: str) -> ReceiveClock:
        """The device's clock; whose was not asked for longest leaves when there are too many."""
        clock = self._clocks.pop(device_id) if device_id in self._clocks else ReceiveClock()
        self._clocks[device_id] = clock
        if len(self._clocks) > _MOST:
            del self._clocks[next(iter(self._clocks))]
        return clock


def _is_timeless(payload: bytes) -> bool:
    return not any(each in payload for each in _STATED)
