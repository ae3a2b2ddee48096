"""The host: keeps every enabled connection running, answers questions, and says how all of it does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec
import psutil
from msgspec import structs

from millwright.devices.connectors.catalogue import Catalogue
from millwright.devices.connectors.delivery import Delivery
from millwright.devices.connectors.desk import Desk, answer
from millwright.devices.connectors.documents import Document, handing_over
from millwright.devices.connectors.errors import secrets_needed
from millwright.devices.connectors.model import ConnectionHealth, Trouble
from millwright.devices.connectors.rpc import CHANGED, Ask, subject_of
from millwright.devices.connectors.runner import Runner
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.connectors.store import Configured, ConnectionStore
from millwright.devices.connectors.taking import Taking
from millwright.devices.connectors.vault import Vault, is_same_peer
from millwright.kernel import Bus, Clock, Invalid, MillwrightError, Unavailable, Unsubscribe, end, new_id

logger = logging.getLogger(__name__)

_POLL_S: Final = 2.0
_MEMORY_S: Final = 5.0
_MOST_ABANDONED: Final = 20
_STOP_S: Final = 7.0


def _end_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Host:
    """Runs connections. A :class:`millwright.kernel.Part`; start ``delivery`` and ``desk`` before it.

    ``restart`` ends this process in order: whoever supervises it starts another.
    """

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        catalogue: Catalogue,
        delivery: Delivery,
        desk: Desk,
        bus: Bus,
        clock: Clock,
        settings: ConnectorsSettings,
        *,
        node: str,
        restart: Callable[[], None] = _end_this_process,
        size_mb: Callable[[], float] | None = None,
    ) -> None:
        self._store, self._vault, self._catalogue = store, vault, catalogue
        self._delivery, self._desk, self._bus, self._clock = delivery, desk, bus, clock
        self._settings, self._node, self._restart = settings, node, restart
        self._size_mb = size_mb or _own_size_mb
        self._runners: dict[str, Runner] = {}
        self._refused: dict[str, ConnectionHealth] = {}
        self._seen_revision = -1
        self._look = asyncio.Event()
        self._mapping_doubtful = False
        self._served: list[Unsubscribe] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ask = msgspec.msgpack.Decoder(Ask)
        self._taking = Taking()
        self._restarting: Trouble | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Run what is enabled, then answer."""
        await self.reconcile()
        self._served.append(await self._bus.subscribe(CHANGED, self._on_changed))
        self._served.append(await self._bus.serve(subject_of(self._node), self._answer))
        self._tasks = [
            asyncio.create_task(self._keep(), name="connections"),
            asyncio.create_task(self._tick(), name="throughput"),
        ]

    async def stop(self) -> None:
        """End every connection; what was delivered is stored by the part below."""
        while self._served:
            await self._served.pop()()
        await end(*self._tasks)
        stopping = [asyncio.create_task(runner.stop()) for runner in self._runners.values()]
        if stopping:  # there is a limit for the whole process, within which what was delivered has to be stored too
            await asyncio.wait(stopping, timeout=_STOP_S)
        self._runners.clear()

    def device_changed(self, device_id: str) -> None:
        """A device was changed, disabled or removed: its points may be followed no more, or again."""
        del device_id
        self._mapping_doubtful = True
        self._look.set()

    async def _on_changed(self, _subject: str, _payload: bytes) -> None:
        self._look.set()

    async def _keep(self) -> None:
        complained = False
        while True:
            try:
                async with asyncio.timeout(_POLL_S):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            try:
                await self.reconcile()
                complained = False
            except MillwrightError as error:
                if not complained:
                    logger.warning("the connections cannot be read: %s", error.message)
                complained = True
            except Exception:
                if not complained:
                    logger.exception("the connections could not be brought up to date")
                complained = True

    async def _tick(self) -> None:
        while True:
            for _ in range(int(_MEMORY_S)):
                await asyncio.sleep(1.0)
                for runner in list(self._runners.values()):
                    runner.tick()
            self._watch_size()

    # --- what runs ---------------------------------------------------------------------------------------------------

    async def reconcile(self) -> None:
        """Bring what runs to what is configured; connections that did not change are not disturbed."""
        await self._keep_programs()
        revision = await asyncio.to_thread(self._store.revision)
        doubtful, self._mapping_doubtful = self._mapping_doubtful, False
        if revision == self._seen_revision and not doubtful:
            return
        try:
            await self._bring_about(doubtful)
        except BaseException:
            self._mapping_doubtful = self._mapping_doubtful or doubtful
            raise
        self._seen_revision = revision

    async def _bring_about(self, doubtful: bool) -> None:
        wanted = {each.id: each for each in await asyncio.to_thread(self._store.enabled)}
        gone = [self._runners.pop(key) for key in list(self._runners) if key not in wanted]
        self._refused = {key: each for key, each in self._refused.items() if key in wanted}
        changed = [
            self._runners.pop(key)
            for key, each in wanted.items()
            if key in self._runners and _is_other(self._runners[key].configured, each)
        ]
        await asyncio.gather(*(runner.stop() for runner in [*gone, *changed]))
        for configured in wanted.values():
            await self._bring_up(configured, doubtful)

    async def _bring_up(self, configured: Configured, doubtful: bool) -> None:
        runner = self._runners.get(configured.id)
        if runner is not None:
            before = runner.configured
            runner.program_changed = _has_changed(configured)
            runner.configured = configured
            if doubtful or before.points_revision != configured.points_revision:
                feeds = await asyncio.to_thread(self._store.feeds, configured.id)
                if not runner.follows(feeds):
                    runner.update(feeds)
            return
        try:
            connector = self._catalogue.get(configured.kind)
            settings = await asyncio.to_thread(self._vault.open, configured.id, configured.settings, configured.secrets)
            chosen = self._catalogue.convert(configured.kind, settings)
        except MillwrightError as error:
            if configured.id not in self._refused:
                logger.warning("%s cannot be run: %s %s", configured.name, error.message, error.hint)
            trouble = Trouble(code=error.code, message=error.message, hint=error.hint, at_ms=self._clock.now_ms())
            self._refused[configured.id] = ConnectionHealth(
                connection_id=configured.id, state="refused", since_ms=trouble.at_ms, error=trouble
            )
            return
        self._refused.pop(configured.id, None)
        feeds = await asyncio.to_thread(self._store.feeds, configured.id)
        runner = Runner(configured, connector, chosen, feeds, self._delivery, self._clock, self._settings)
        runner.program_changed = _has_changed(configured)
        self._runners[configured.id] = runner
        await self._desk.release(configured.kind, chosen)
        runner.start()

    async def _keep_programs(self) -> None:
        """Compare what sessions met with what is known to run there."""
        for runner in list(self._runners.values()):
            met, runner.met = runner.met, None
            if met is None or met == runner.configured.program_now == runner.configured.program:
                continue
            known, now = await asyncio.to_thread(self._store.meet_program, runner.configured.id, met[:255])
            if known != now and not runner.program_changed:
                logger.warning("%s runs another program than before; look at its points", runner.configured.name)
            runner.program_changed = known != now
            runner.configured = runner.configured._replace(program=known, program_now=now)

    def _watch_size(self) -> None:
        size_mb = self._size_mb()
        hanging = self._desk.abandoned + sum(len(runner.guard.abandoned) for runner in self._runners.values())
        if self._restarting is not None:
            return
        if size_mb > self._settings.memory_mb:
            why = f"it has grown to {size_mb:.0f} MB, more than [connectors] memory_mb = {self._settings.memory_mb}"
        elif hanging >= _MOST_ABANDONED:
            why = f"{hanging} calls into connectors hang"
        else:
            return
        logger.error("the role connectors ends itself to be started anew: %s", why)
        self._restarting = Trouble(
            code="connectors.restarting",
            message=f"The role connectors restarts itself: {why}.",
            hint="It comes back by itself. If that repeats, find the connector that leaks by disabling one by one.",
            at_ms=self._clock.now_ms(),
        )
        self._restart()

    # --- questions ---------------------------------------------------------------------------------------------------

    async def _answer(self, payload: bytes) -> bytes:
        try:
            asked = self._ask.decode(payload)
        except msgspec.MsgspecError as error:
            raise Invalid(f"The question cannot be read: {error}", code="connectors.question_invalid") from error
        return msgspec.msgpack.encode(await self._find_answer(asked))

    async def _find_answer(self, asked: Ask) -> Any:
        if asked.op == "health":
            return [each for each in self.health() if asked.connection_ids is None
                    or each.connection_id in asked.connection_ids]  # fmt: skip
        runner = self._runners.get(asked.connection_id or "")
        if asked.op == "live":
            return runner.live() if runner is not None else []
        if asked.op == "discover":
            return list(await self._desk.discover(asked.kind or "", asked.timeout_s, asked.address))
        if asked.op == "receive":
            return await self._taking.once(
                asked.connection_id or "",
                asked.delivery_id or new_id("whd"),
                partial(self._receive, runner, asked),
                asked.timeout_s,
            )
        if runner is not None and runner.session is not None and asked.settings is None and asked.op != "test":
            return await answer(runner.guard, runner.session, asked, runner.timeout_s)
        kind, settings = await self._find_settings(asked)
        if asked.op == "test":
            return await self._desk.test(kind, settings)
        return await self._desk.ask(kind, settings, asked)

    async def _receive(self, runner: Runner | None, asked: Ask) -> int:
        """Give a document to the session it was sent for; returns when its values are durable."""
        session = runner.session if runner is not None else None
        if runner is None or session is None:
            raise Unavailable(
                "The connection does not run at the moment.",
                code="connectors.not_running",
                hint="It is opened by itself, if it is enabled; send it again in a few seconds.",
                retry_after_s=2.0,
            )
        document = None
        if asked.delivery_id and asked.received_ms is not None:
            document = Document(f"{asked.connection_id} {asked.delivery_id}", asked.received_ms)
        with handing_over(document):
            taken = await runner.guard.call("taking a document", session.receive(asked.body, asked.content_type), 30.0)
        # What other connections have waiting is no reason to let the sender wait.
        await (self._delivery.outbox if document is None else self._delivery.documents).settled()
        return taken

    async def _find_settings(self, asked: Ask) -> tuple[str, Mapping[str, Any]]:
        """The settings of the peer that is asked, with the secrets of the connection where it names one."""
        if asked.connection_id is None:
            return asked.kind or "", asked.settings or {}
        kind, settings, secrets = await asyncio.to_thread(self._store.sealed, asked.connection_id)
        known = await asyncio.to_thread(self._vault.open, asked.connection_id, settings, secrets)
        if asked.settings is None:
            return kind, known
        kept = {key: known[key] for key in self._catalogue.secrets(kind) if key in known}
        given = {key: value for key, value in asked.settings.items() if value is not None or key not in kept}
        wanted, used = {**kept, **given}, kept.keys() - given.keys()
        convert = self._catalogue.convert
        if used and not is_same_peer(convert(kind, known), convert(kind, wanted), self._catalogue.secrets(kind)):
            raise secrets_needed(used)
        return kind, wanted

    # --- how it does -------------------------------------------------------------------------------------------------

    def health(self) -> list[ConnectionHealth]:
        """How every enabled connection does."""
        return [*(runner.health() for runner in self._runners.values()), *self._refused.values()]

    def stats(self) -> dict[str, Any]:
        """Counters, gauges and problems, for the figures of the process."""
        found = self.health()
        problems = [
            {"code": each.code, "message": each.message, "hint": each.hint, "since_ms": each.at_ms}
            for health in found
            for each in health.problems
        ]
        if self._restarting is not None:
            each = structs.asdict(self._restarting)
            problems.append({"since_ms": each.pop("at_ms"), **each})
        return {
            "counters": {
                "samples": sum(health.samples for health in found),
                "reconnects": sum(health.reconnects for health in found),
                "frames": self._delivery.outbox.frames,
                "buffer_full": self._delivery.outbox.full,
                "runs_refused": self._delivery.outbox.refused,
            },
            "gauges": {
                "connections": len(found),
                "connections_running": sum(health.state == "running" for health in found),
                "points": sum(health.points for health in found),
                "points_bad": sum(health.points_bad for health in found),
                "waiting_bytes": self._delivery.outbox.waiting_bytes,
            },
            "problems": [*self._delivery.problems(), *problems],
        }


def _is_other(running: Configured, wanted: Configured) -> bool:
    """Whether a connection has to be opened anew: its name and points do not matter for that."""
    return (running.kind, running.settings, running.secrets) != (wanted.kind, wanted.settings, wanted.secrets)


def _has_changed(configured: Configured) -> bool:
    return configured.program != configured.program_now


def _own_size_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6
