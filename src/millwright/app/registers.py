"""What the command line does to a node's register of identifiers: copies, comparisons, taking over."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from millwright.app.folder import FolderLock
from millwright.app.identifiers import keys_of, primary_of
from millwright.app.sections import broker_of, folder_of
from millwright.app.settings import NodeSettings
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.identity.records import Records, StreamLog
from millwright.identity.records.comparing import Standing, ask_standing, standing_of
from millwright.identity.records.errors import index_there, primary_there
from millwright.identity.records.index import RecordIndex
from millwright.identity.records.log import STREAM, SUBJECT
from millwright.identity.records.snapshots import Manifest, read_snapshot, write_snapshot
from millwright.identity.recursion.service import FORGET
from millwright.kernel import Conflict, MillwrightError, NotFound, SystemClock, Unavailable

T = TypeVar("T")

_PRIMARY_S = 5.0


class Comparison(Struct, frozen=True, kw_only=True):
    """Two nodes at one position of the log; ``equal`` is ``None`` when there is none that both know."""

    equal: bool | None
    at: int
    here: Standing
    primary: Standing
    behind: int
    milliseconds: float


class TakenOver(Struct, frozen=True, kw_only=True):
    """What taking over has done: up to which batch this node knows everything, and how long it took."""

    position: int
    digest: str
    writer_before: str
    last_made_ms: int
    milliseconds: float


def own_key(settings: NodeSettings) -> str:
    """The public key as others write it into ``trusted_keys``; made where there is none yet."""
    folder_of(settings).make()
    return str(keys_of(settings).signer().verifier)


def trusted_by(settings: NodeSettings) -> list[str]:
    """The public keys that are believed here: those of the settings, and this node's own if it has any."""
    folder, found = folder_of(settings), list(settings.identity.trusted_keys)
    if folder.identifiers_key.exists():
        found.append(str(keys_of(settings).signer().verifier))
    return found


def snapshot(settings: NodeSettings, file: Path) -> Manifest:
    """Write a snapshot of the index, whether the node runs or not. Raises ``NotFound`` (``records.no_index``)."""
    with index_of(settings) as index:
        clock = SystemClock()
        return write_snapshot(index, file, keys_of(settings), settings.node.name, clock.now_ms())


def restore(settings: NodeSettings, file: Path, *, replace: bool) -> Manifest:
    """Begin with a snapshot; the node must not run. An index that is there is kept beside it as ``….before-<time>``.

    Raises ``Conflict`` (``app.already_running``, ``records.index_there``), ``Corrupt`` (``records.snapshot_unusable``).
    """
    folder = folder_of(settings)
    folder.make()
    lock = FolderLock(folder)
    lock.acquire()
    try:
        target, now_ms = folder.identifiers, SystemClock().now_ms()
        if target.exists() and not replace:
            raise index_there(str(target))
        fresh = target.with_name(f"{target.name}.restored-{now_ms}")
        manifest = read_snapshot(file, fresh, keys_of(settings))
        if target.exists():
            target.rename(target.with_name(f"{target.name}.before-{now_ms}"))
        fresh.rename(target)
        return manifest
    finally:
        lock.release()


def standing(settings: NodeSettings) -> Standing:
    """How far this node's index is."""
    with index_of(settings) as index, index.view() as view:
        state, stats = view.state, index.stats()
        return Standing(
            node=settings.node.name,
            position=state.position,
            at=state.position,
            digest=state.digest.hex(),
            handles=stats["handles"],
            prefixes=stats["prefixes"],
        )


def compare(settings: NodeSettings) -> Comparison:
    """This node's index beside the primary's, at the last position that both have.

    Raises ``Unavailable`` when the primary does not answer, ``NotFound`` (``records.no_index``).
    """
    began_s = time.perf_counter()
    with index_of(settings) as index, in_a_loop() as run:
        bus = _primary_bus(settings)
        run(bus.start())
        try:
            with index.view() as view:
                state, stats = view.state, index.stats()
                there = run(ask_standing(bus, state.position))
                at, digest = state.position, state.digest
                if there.position < at:
                    # Only in a node that is ahead of its primary.
                    at = there.position
                    there = run(ask_standing(bus, at))
                    digest = view.digest_at(at) or b""
        finally:
            run(bus.stop())
    here = Standing(
        node=settings.node.name,
        position=state.position,
        at=at,
        digest=digest.hex(),
        handles=stats["handles"],
        prefixes=stats["prefixes"],
    )
    known = here.digest and there.digest
    return Comparison(
        equal=here.digest == there.digest if known else None,
        at=at,
        here=here,
        primary=there,
        behind=max(0, there.position - state.position),
        milliseconds=round((time.perf_counter() - began_s) * 1000, 1),
    )


def take_over(settings: NodeSettings, *, force: bool) -> TakenOver:
    """Write from now on in the place of the primary: an entry of the log, signed by this node, says so.

    The log goes on in this node's own streams, where a mirror over the network has kept a copy. Raises ``Conflict``
    (``records.primary_there``) unless ``force``, ``Unavailable`` when this node's NATS does not answer.
    """
    began_s = time.perf_counter()
    folder = folder_of(settings)
    with in_a_loop() as run:
        if settings.identity.mirror_of and not force:
            _refuse_if_there(settings, run)
        bus = broker_of(settings, "take-over")
        run(bus.start())
        try:
            log = StreamLog(bus)
            with index_of(settings) as index, index.view() as view:
                before = view.state
                last_made_ms = view.made_ms(before.position)
            if settings.identity.mirror_of:
                run(_ensure_copy(bus, before.position))
            run(log.open())
            records = Records(folder.identifiers, log, SystemClock(), origin=settings.node.name, keys=keys_of(settings))
            records.open()
            try:
                records.take_over(who="command line")
                now = standing_of(records, settings.node.name)
            finally:
                records.close()
        finally:
            run(bus.stop())
    return TakenOver(
        position=now.position,
        digest=now.digest,
        writer_before=before.writer.hex(),
        last_made_ms=last_made_ms,
        milliseconds=round((time.perf_counter() - began_s) * 1000, 1),
    )


def discard_log(settings: NodeSettings) -> int:
    """Remove the stream of a node that is a mirror over the network now; returns at which batch it ended.

    Raises ``Conflict`` (``records.not_a_mirror``): of a primary, and of a mirror on its broker, that is the log itself.
    """
    if not settings.identity.mirror_of:
        raise Conflict(
            "This node is no mirror of another one: its log is what its register is made of.",
            code="records.not_a_mirror",
            hint="Set [identity] mirror_of first.",
        )
    with in_a_loop() as run:
        bus = broker_of(settings, "discard")
        run(bus.start())
        try:
            last: int = run(bus.state(STREAM)).last_sequence
            run(bus.remove_stream(STREAM))
            snapshots = folder_of(settings).identifier_snapshots
            if snapshots.exists():
                # They are of that log; nothing is to begin with them any more.
                snapshots.rename(snapshots.with_name(f"{snapshots.name}.before-{SystemClock().now_ms()}"))
        finally:
            run(bus.stop())
    return last


def forget(settings: NodeSettings, name: bytes) -> None:
    """Have every cache of the running node forget a name, or everything. Raises ``Unavailable``."""
    with in_a_loop() as run:
        bus = broker_of(settings, "forget")
        run(bus.start())
        try:
            run(bus.publish(FORGET, name))
        finally:
            run(bus.stop())


def _refuse_if_there(settings: NodeSettings, run: Run) -> None:
    bus, position = primary_of(settings, "take-over"), None
    try:
        with suppress(MillwrightError, TimeoutError):
            run(asyncio.wait_for(bus.start(), _PRIMARY_S))
            position = run(bus.state(STREAM)).last_sequence
    finally:
        run(bus.stop())
    if position is not None:
        raise primary_there(position)


async def _ensure_copy(bus: NatsConnection, position: int) -> None:
    """A stream that goes on behind ``position``: the copy that the mirror has kept, or an empty one."""
    spec = StreamSpec(STREAM, (SUBJECT,), first_sequence=position + 1)
    await bus.ensure_stream(spec)
    if (await bus.state(STREAM)).last_sequence < position:
        await bus.remove_stream(STREAM)
        await bus.ensure_stream(spec)


def _primary_bus(settings: NodeSettings) -> NatsConnection:
    if settings.identity.mirror_of:
        return primary_of(settings, "compare")
    return broker_of(settings, "compare")


@contextmanager
def index_of(settings: NodeSettings) -> Iterator[RecordIndex]:
    """The node's index, to be read for the length of a block. Raises ``NotFound`` (``records.no_index``)."""
    folder = folder_of(settings).identifiers
    if not (folder / "data.mdb").exists():
        raise NotFound(
            f"There is no index of identifiers in {folder}.",
            code="records.no_index",
            hint="Start the node once, or restore a snapshot.",
        )
    index = RecordIndex(folder, read_only=True)
    try:
        yield index
    finally:
        index.close()


class Run:
    """Runs something in the loop of another thread and waits for it: the register's own calls block."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, work: Awaitable[T]) -> T:
        """Run and wait. Raises what it does, and ``Unavailable`` after a minute."""

        async def awaited() -> T:
            return await work

        try:
            return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(60)
        except TimeoutError as error:
            raise Unavailable("NATS does not answer.", code="engines.nats_unavailable", hint="Try again.") from error


@contextmanager
def in_a_loop() -> Iterator[Run]:
    """A loop in a thread of its own, for the length of a block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Run(loop)
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_tasks() -> None:
    """End what a connection that was lost has left running."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
