"""One connection at work: opened, followed, watched, and opened again when it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from millwright.devices.connectors.contract import Connector, Identity, Sample, Session
from millwright.devices.connectors.delivery import Delivery
from millwright.devices.connectors.documents import document_at_hand
from millwright.devices.connectors.errors import ended, failed, silent
from millwright.devices.connectors.guard import Guard, result_of
from millwright.devices.connectors.mapping import Mapper
from millwright.devices.connectors.model import ConnectionHealth, LiveValue, PeerIdentity, State, Trouble
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.connectors.store import Configured, Feed
from millwright.kernel import Clock, Denied, Invalid, MillwrightError, NotFound, Unsupported, end

logger = logging.getLogger(__name__)

_LASTING_S: Final = 10.0
"""A session that lasted so long makes the next wait short again."""
_REFUSED_S: Final = 60.0
_LOOK_S: Final = 1.0
_TICK_S: Final = 2.0
_RECENT: Final = 60
_MOST_ABANDONED: Final = 3
_MOST_MARGIN_S: Final = 5.0


class Runner:
    """Runs one connection until it is stopped."""

    def __init__(
        self,
        configured: Configured,
        connector: Connector[Any],
        settings: Struct,
        feeds: Sequence[Feed],
        delivery: Delivery,
        clock: Clock,
        host: ConnectorsSettings,
    ) -> None:
        self.configured = configured
        self._connector, self._settings = connector, settings
        self._delivery, self._clock, self._host = delivery, clock, host
        self.guard = Guard(configured.name, host.cancel_s)
        self.mapper = Mapper()
        self.session: Session | None = None
        self.identity: PeerIdentity | None = None
        self.program_changed = False
        self._feeds: list[Feed] = []
        self._changed = asyncio.Event()
        self._online: set[str] = set()
        self._state: State = "connecting"
        self._since_ms = clock.now_ms()
        self._error: Trouble | None = None
        self._said = self._stopping = False
        self._attempts = 0
        self._reconnects = 0
        self._samples = self._ticked = 0
        self._ticked_s = clock.monotonic_s()
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._heard_s = clock.monotonic_s()
        self._task: asyncio.Task[None] | None = None
        self.met: str | None = None
        self.update(feeds)

    @property
    def timeout_s(self) -> float:
        """How long one question to the other side may take, by its own settings."""
        return float(getattr(self._settings, "timeout_s", 10.0))

    @property
    def _margin_s(self) -> float:
        """What a connector may take beyond its own limit before it counts as hanging."""
        return min(1.0 + self.timeout_s, _MOST_MARGIN_S)

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=f"connection {self.configured.name}")

    async def stop(self) -> None:
        """End, and let go of the other side."""
        self._stopping = True
        await end(self._task)
        self._enter("stopped")

    def update(self, feeds: Sequence[Feed]) -> None:
        """Follow other points from now on; the session stays open."""
        self._feeds = list(feeds)
        self.mapper.follow(self._feeds)
        for device_id in self._online - self.mapper.devices:
            self._turn_off(device_id, "point_removed")
        self._changed.set()

    def follows(self, feeds: Sequence[Feed]) -> bool:
        """Whether these are the points that are followed already."""
        return self._feeds == list(feeds)

    # --- the life of a session ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while True:
                began_s = self._clock.monotonic_s()
                try:
                    await self._once()
                except MillwrightError as error:
                    self._lost(error)
                except Exception as error:  # a mistake of ours must not end the connection for good
                    logger.exception("running %s failed", self.configured.name)
                    self._lost(failed(error))
                lasted_s = self._clock.monotonic_s() - began_s
                self._attempts = 1 if lasted_s > _LASTING_S and not self._refused() else self._attempts + 1
                await asyncio.sleep(self._wait_s())
        finally:
            self._all_off("connection_stopped")

    async def _once(self) -> None:
        self._enter("connecting" if self._error is None else self._state)
        open_s = self.timeout_s * 2 + self._margin_s
        session = await self.guard.call("opening", self._connector.open(self._settings), open_s)
        try:
            try:
                said = await self.guard.call("asking who it is", session.identify(), open_s)
            except Unsupported:
                said = Identity()
            self.identity = PeerIdentity.of(said)
            self.met = self.identity.fingerprint or None
            self.session = session
            self._enter("running")
            await self._follow(session)
        finally:
            self.session = None
            self._all_off("connection_stopped" if self._stopping else "connection_lost")
            self.mapper.silence()
            await self._close(session)

    async def _close(self, session: Session) -> None:
        try:
            await self.guard.call("closing", session.close(), self.timeout_s + self._margin_s)
        except MillwrightError as error:
            logger.warning("the session of %s was not closed: %s", self.configured.name, error.message)

    async def _follow(self, session: Session) -> None:
        """Run the session until it fails, with other points whenever they change."""
        while True:
            self._changed.clear()
            if not self._feeds:
                if self._error is not None:
                    self._proven()  # nothing is to be followed: that it opened is all there is to prove
                await self._changed.wait()
                continue
            points = [feed.point for feed in self._feeds]
            run = self.guard.start("following", session.run(points, self._deliver))
            try:
                await self._watch(session, run)
            finally:
                ended_well = await self.guard.end(run)
            if not ended_well:
                raise silent(self._host.cancel_s)

    async def _watch(self, session: Session, run: asyncio.Task[None]) -> None:
        """Return when the points changed. Raises when the session ended, or neither delivers nor answers."""
        self._heard_s = self._clock.monotonic_s()
        longest_s = max(feed.point.interval_ms for feed in self._feeds) / 1000
        patience_s = max(self._host.silence_s, 3 * longest_s)
        changed = asyncio.create_task(self._changed.wait())
        try:
            while True:
                await asyncio.wait((run, changed), timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if run.done():
                    result_of(run)
                    raise ended()
                if changed.done():
                    return
                quiet_s = self._clock.monotonic_s() - self._heard_s
                if quiet_s > patience_s and not self._delivery.outbox.paused:
                    await self._probe(session, quiet_s)
        finally:
            await end(changed)

    async def _probe(self, session: Session, quiet_s: float) -> None:
        """Whether a silent session answers at all: one that sends changes only may have none."""
        address = self._feeds[0].point.address
        try:
            await self.guard.call("a question", session.read([address]), self.timeout_s + self._margin_s)
        except (Unsupported, Invalid, NotFound, Denied):
            pass
        except MillwrightError as error:
            raise silent(quiet_s) from error
        self._heard_s = self._clock.monotonic_s()

    async def _deliver(self, samples: Sequence[Sample]) -> None:
        """What sessions call with what they have."""
        await self._delivery.room()
        document = document_at_hand()
        received_ms = self._clock.now_ms() if document is None else document.received_ms
        self._heard_s = self._clock.monotonic_s()
        if self._error is not None:
            self._proven()
        payloads, good = self.mapper.take(samples, received_ms)
        self._samples += len(samples)
        if document is None:
            self._delivery.put(payloads, received_ms)
        else:
            self._delivery.documents.put(payloads, document)
        for device_id, fine in good.items():
            if fine:
                self._delivery.seen(device_id, received_ms)
                if device_id not in self._online:
                    self._online.add(device_id)
                    self._delivery.online(device_id)
            elif device_id in self._online and self.mapper.is_bad(device_id):
                self._turn_off(device_id, "bad_values")

    def _turn_off(self, device_id: str, reason: str) -> None:
        self._online.discard(device_id)
        self._delivery.offline(device_id, reason)

    def _all_off(self, reason: str) -> None:
        for device_id in list(self._online):
            self._turn_off(device_id, reason)

    # --- how it does -------------------------------------------------------------------------------------------------

    def _refused(self) -> bool:
        return self._state == "refused"

    def _wait_s(self) -> float:
        if self._refused() or len(self.guard.abandoned) >= _MOST_ABANDONED:
            return _REFUSED_S
        host = self._host
        wait_s = min(host.first_retry_s * 2.0 ** min(self._attempts - 1, 16), host.most_retry_s)
        return float(wait_s * random.uniform(0.8, 1.2))  # many that were lost together do not come back together

    def _proven(self) -> None:
        """Values come again: a peer that takes connections and drops them is not back."""
        self._reconnects += 1
        logger.info("%s is back", self.configured.name)
        self._error, self._said = None, False

    def _lost(self, error: MillwrightError) -> None:
        state: State = "refused" if isinstance(error, Denied | Invalid | NotFound | Unsupported) else "lost"
        if not self._said:
            logger.warning("%s: %s %s", self.configured.name, error.message, error.hint)
            self._said = True
        self._error = Trouble(code=error.code, message=error.message, hint=error.hint, at_ms=self._clock.now_ms())
        self._enter(state)

    def _enter(self, state: State) -> None:
        if state != self._state:
            self._state, self._since_ms = state, self._clock.now_ms()

    def tick(self) -> None:
        """Measure the throughput; called every second."""
        now_s = self._clock.monotonic_s()
        if now_s - self._ticked_s >= _TICK_S:
            self._recent.append(round((self._samples - self._ticked) / (now_s - self._ticked_s), 2))
            self._ticked, self._ticked_s = self._samples, now_s

    @property
    def samples(self) -> int:
        """Samples delivered so far."""
        return self._samples

    def problems(self) -> list[Trouble]:
        """What a person has to look at."""
        found = []
        if self.program_changed:
            found.append(
                Trouble(
                    code="connectors.program_changed",
                    message=f"{self.configured.name} runs another program than before: addresses may mean "
                    "something else.",
                    hint="Compare its points with the new program, then acknowledge it at the connection.",
                    at_ms=self._since_ms,
                )
            )
        if self.guard.abandoned:
            found.append(
                Trouble(
                    code="connectors.abandoned",
                    message=f"{len(self.guard.abandoned)} calls into the connector of {self.configured.name} hang "
                    "and cannot be ended.",
                    hint="Report it to whoever made the connector; a restart of the role connectors frees them.",
                    at_ms=self._clock.now_ms(),
                )
            )
        return found

    def health(self) -> ConnectionHealth:
        """How the connection does now."""
        points, good, bad = self.mapper.counts
        return ConnectionHealth(
            connection_id=self.configured.id,
            state=self._state,
            since_ms=self._since_ms,
            error=self._error,
            problems=self.problems(),
            reconnects=self._reconnects,
            samples=self._samples,
            samples_per_s=self._recent[-1] if self._recent else 0.0,
            points=points,
            points_good=good,
            points_bad=bad,
            lag_ms=self.mapper.lag_ms,
            recent=list(self._recent),
            identity=self.identity,
        )

    def live(self) -> list[LiveValue]:
        """The newest value of each point."""
        return [
            LiveValue(
                point_id=point_id,
                value=sample.value,
                time_ms=sample.time_ms,
                received_ms=received_ms,
                quality=sample.quality,
                note=sample.note,
            )
            for point_id, (sample, received_ms) in self.mapper.newest.items()
        ]
