"""The real failover, on the mirror's machine: the primary is stopped, and this node takes over."""

from __future__ import annotations

import asyncio
import random
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import Final

from millwright.app.drills.failover import PREFIX, SAMPLE, probe
from millwright.app.drills.recording import Recording
from millwright.app.drills.wire import Asking, site_at
from millwright.app.identifiers import keys_of, primary_of
from millwright.app.registers import Run, in_a_loop, index_of, take_over
from millwright.app.sections import broker_of, folder_of
from millwright.app.settings import NodeSettings
from millwright.engines.nats import NatsConnection
from millwright.identity.drills.errors import not_in_time, not_live
from millwright.identity.records import Records, StreamLog
from millwright.identity.records.comparing import Standing, ask_standing
from millwright.kernel import MillwrightError, SystemClock

_WATCH_S: Final = 2.0
_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 1.0
_STOP_S: Final = 600.0


def take_over_live(
    settings: NodeSettings, recording: Recording, stop_command: str, say: Callable[[str], object]
) -> None:
    """Stop the primary by a command, or wait until somebody has, and take over; this node runs as its mirror.

    The time of recovery counts from the primary's last answer, and ends when a registration is acknowledged here; that
    one is removed again. Raises ``Conflict`` (``drills.not_live``) and the families of the node.
    """
    if not settings.identity.mirror_of:
        raise not_live("this node is not a mirror over the network")
    clock = SystemClock()
    address = (folder_of(settings).read_addresses() or {}).get("handle") or ""
    port = int(address.rpartition(":")[2]) if address else settings.handle.port
    with index_of(settings) as index, index.view() as view:
        count = index.stats()["handles"]
        ordinals = sorted(random.sample(range(count), min(SAMPLE, count)))
        names = [name for name, _, _ in view.sample(ordinals)] or [PREFIX + b"/none"]
    with in_a_loop() as run, Asking([site_at("127.0.0.1", port)], names) as asking:
        bus = primary_of(settings, "drill")
        run(bus.start())
        try:
            with recording.step("watch") as said:
                last, last_s, last_ms = _ask(run, bus), time.perf_counter(), clock.now_ms()
                if last is None:
                    raise not_live("the primary does not answer")
                deadline_s = time.perf_counter() + _WATCH_S
                while time.perf_counter() < deadline_s:
                    last, last_s, last_ms = _ask(run, bus) or last, time.perf_counter(), clock.now_ms()
                    time.sleep(_LOOK_S)
                said.update(primary=last.node, batch=last.position, answers=len(asking.answers))
            with recording.step("cut"):
                stopping = _stop(stop_command, say)
                deadline_s = time.perf_counter() + _STOP_S
                while (answered := _ask(run, bus)) is not None:
                    last, last_s, last_ms = answered, time.perf_counter(), clock.now_ms()
                    if last_s > deadline_s:
                        raise not_in_time("the primary to be stopped", _STOP_S)
                    time.sleep(_LOOK_S)
                if stopping is not None:
                    stopping.wait(_STOP_S)
        finally:
            run(bus.stop())
        with index_of(settings) as index, index.view() as view:
            state, handles = view.state, index.stats()["handles"]
            made_ms = view.made_ms(state.position)
        with recording.step("take_over") as said:
            done = take_over(settings, force=False)
            said.update(batch=done.position)
        with recording.step("first_write") as said:
            written_s = _write(settings, run)
        first_answer_s, gap_s = asking.after(last_s)
    missing = max(0, last.position - state.position)
    known = last.digest if last.at == state.position else ""
    recording.measured(
        rto_s=round(written_s - last_s, 3),
        first_answer_s=None if first_answer_s is None else round(first_answer_s, 3),
        longest_gap_s=round(gap_s, 3),
        rpo_batches=missing,
        rpo_records=max(0, last.handles - handles, missing),
        rpo_s=round(max(0, last_ms - made_ms) / 1000, 3) if missing else 0.0,
        equal=(known == state.digest.hex()) if known else None,
        position=done.position,
        digest=done.digest,
        handles=handles,
    )


def _ask(run: Run, bus: NatsConnection) -> Standing | None:
    """What the primary says, or nothing."""
    if not bus.connected:
        return None
    try:
        return run(asyncio.wait_for(ask_standing(bus), _PATIENCE_S))
    except (MillwrightError, TimeoutError):
        return None


def _stop(command: str, say: Callable[[str], object]) -> subprocess.Popen[bytes] | None:
    if not command:
        say("Stop the primary now: broker and roles. This waits until it is silent.")
        return None
    # The operator's own command, on the operator's own machine; no shell.
    return subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL)  # noqa: S603 - see above


def _write(settings: NodeSettings, run: Run) -> float:
    """Register and remove a record of the drill; returns when the first was acknowledged."""
    bus = broker_of(settings, "drill")
    run(bus.start())
    try:
        log = StreamLog(bus)
        run(log.open())
        records = Records(
            folder_of(settings).identifiers, log, SystemClock(), origin=settings.node.name, keys=keys_of(settings)
        )
        records.open()
        try:
            name, values = probe(0)
            records.put_many([(name, values)], who="drill", reason="drill")
            written_s = time.perf_counter()
            records.change_many([(name, lambda _view, _before: None)], who="drill", reason="drill")
            return written_s
        finally:
            records.close()
    finally:
        run(bus.stop())
