"""Snapshots of the register and the log behind them: one run, and what has it run in a node.

A run is a process of its own, so that no resolution waits for the reading of a whole index.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from millwright.app.identifiers import archive_of
from millwright.app.node import Node
from millwright.app.readiness import die_with_parent
from millwright.app.registers import in_a_loop, index_of
from millwright.app.sections import broker_of, folder_of
from millwright.app.settings import NodeSettings
from millwright.identity.records import StreamLog
from millwright.identity.records.log import STREAM
from millwright.kernel import Conflict, MillwrightError, Repeat, SystemClock, Unavailable
from millwright.kernel.errors import from_dict

logger = logging.getLogger(__name__)

_LOOK_S: Final = 600.0
_HOUR_MS: Final = 3_600_000


class Archived(Struct, frozen=True, kw_only=True):
    """What a run has done. The log begins at ``first`` now; ``trimmed`` messages of it were removed, ``pruned`` older
    snapshots too. ``trims``: whether this node may trim the log at all."""

    file: str
    position: int
    digest: str
    handles: int
    bytes: int
    kept: int
    pruned: int
    first: int
    trimmed: int
    trims: bool


def archive(settings: NodeSettings) -> Archived:
    """Make a snapshot, read it back, and only then trim the log and forget older ones, as the settings say.

    Killed at any moment, it leaves a log that every snapshot that counts can be followed from. A mirror on its
    primary's broker does not trim: the log is not its own. Raises ``LimitExceeded`` (``records.snapshot_no_room``),
    ``Corrupt`` (``records.snapshot_unusable``), ``Conflict`` (``records.archiving``), ``Unavailable``, ``NotFound``.
    """
    chosen, folder = settings.identity, folder_of(settings)
    kept = archive_of(settings, SystemClock())
    trims = bool(chosen.keep_log_days) and (bool(chosen.mirror_of) or not chosen.mirror)
    with _alone(folder.identifier_snapshots), in_a_loop() as run:
        bus = broker_of(settings, "archive")
        run(bus.start())
        log = StreamLog(bus)

        async def attach() -> None:
            log.attach()

        run(attach())
        try:
            with index_of(settings) as index:
                file = kept.make(index)
                made = kept.verify(file, index, log)
                with index.view() as view:
                    before = kept.first_needed(view, chosen.keep_log_days) if trims else 0
            pruned = kept.prune(chosen.snapshots_kept)
            first = run(bus.state(STREAM)).first_sequence
            if before > first:
                log.trim(before)
            now_first = run(bus.state(STREAM)).first_sequence
        finally:
            run(bus.stop())
    return Archived(
        file=str(kept.path_of(made)),
        position=made.position,
        digest=made.manifest.digest,
        handles=made.manifest.handles,
        bytes=made.bytes,
        kept=len(kept.kept()),
        pruned=pruned,
        first=now_first,
        trimmed=max(0, now_first - first),
        trims=trims,
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(
                "A snapshot is being made already.", code="records.archiving", hint="Wait until it is there."
            ) from error
        yield
    finally:
        os.close(lock)


class ArchiveKeeper(Repeat):
    """Looks every ten minutes whether a snapshot is due, and has it made. A :class:`millwright.kernel.Part`."""

    def __init__(self, node: Node, *, every_s: float = _LOOK_S) -> None:
        super().__init__(
            self.look,
            every_s,
            first_s=every_s,
            name="snapshots of the register",
            lost="no snapshot of the register could be made; it is tried again",
            back="snapshots of the register are made again",
            log=logger,
        )
        self._node, self._bus = node, node.bus
        self._archive = archive_of(node.settings, node.clock)
        self._problem: tuple[MillwrightError, int] | None = None
        self._newest = 0

    async def look(self) -> bool:
        """Make a snapshot if one is due; says whether it did. Raises what has kept it from being made."""
        if not await self._due():
            return False
        try:
            await self._run_apart()
        except MillwrightError as error:
            if self._problem is None or self._problem[0].code != error.code:
                self._problem = error, self._node.clock.now_ms()
            raise
        self._problem = None
        return True

    async def _due(self) -> bool:
        chosen, now_ms = self._node.settings.identity, self._node.clock.now_ms()
        if not chosen.snapshot_every_h:
            return False
        kept = await asyncio.to_thread(self._archive.kept)
        if not kept:
            return await asyncio.to_thread(_has_records, self._node.settings)
        newest = kept[0]
        self._newest = newest.manifest.made_ms
        if chosen.mirror and not chosen.mirror_of:
            grown = 0
        else:
            state = await self._bus.state(STREAM)
            if state.last_sequence <= newest.position:
                return False
            grown = state.bytes - newest.log_bytes
        late = now_ms - newest.manifest.made_ms >= chosen.snapshot_every_h * _HOUR_MS
        return late or bool(chosen.snapshot_every_mb and grown >= chosen.snapshot_every_mb * 1_000_000)

    async def _run_apart(self) -> None:
        config = ["--config", str(self._node.config)] if self._node.config else []
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "millwright", *config, "--data", str(self._node.folder.root),
            "identifiers", "archive", "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.terminate()
            raise
        try:
            said: dict[str, Any] = msgspec.json.decode(output, type=dict[str, Any])
        except msgspec.MsgspecError:
            said = {}
        if process.returncode:
            raise _said(said, process.returncode)
        logger.info("a snapshot of the register at batch %s was read back", said.get("position"))

    def gauges(self) -> dict[str, float]:
        """How old the newest snapshot is."""
        if not self._newest:
            return {}
        return {"identifier_snapshot_age_s": round((self._node.clock.now_ms() - self._newest) / 1000, 1)}

    def problems(self) -> list[dict[str, Any]]:
        """What keeps snapshots from being made."""
        if self._problem is None:
            return []
        error, since_ms = self._problem
        return [{"code": error.code, "message": error.message, "hint": error.hint, "since_ms": since_ms}]


def _said(said: dict[str, Any], status: int) -> MillwrightError:
    """The error that the process has told."""
    told = said.get("error")
    if isinstance(told, dict):
        return from_dict(told)
    return Unavailable(
        f"The process that makes snapshots ended with {status}.",
        code="records.archive_failed",
        hint="Run `millwright identifiers archive` to see why.",
    )


def _has_records(settings: NodeSettings) -> bool:
    try:
        with index_of(settings) as index:
            return index.state().position > 0
    except MillwrightError:
        return False
