"""The edge's part: hears what is ordered, fetches it, puts it together and asks the keeper for the switch."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from millwright.devices.edge.upgrade.environments import free_slot, put_together
from millwright.devices.edge.upgrade.keeper import FOLDER, HEALTH, STAGED, STATE, read_whole, write_whole
from millwright.devices.edge.upgrade.model import (
    PIECE,
    UPGRADE,
    AskOrder,
    AskPiece,
    Order,
    Piece,
    ReleaseFile,
    UpgradeStatus,
)
from millwright.devices.edge.upgrade.release import opened, permitted_ms
from millwright.devices.edge.upgrade.wheels import wheel_name
from millwright.devices.edge.uplink import ask
from millwright.engines.nats import NatsConnection
from millwright.kernel import Corrupt, Denied, LimitExceeded, MillwrightError, Repeat, Unavailable, Unsupported, end

logger = logging.getLogger(__name__)

_EVERY_S: Final = 3.0
_ASK_S: Final = 10.0
_ATTEMPT: Final = "attempt.json"
_PERMITTED: Final = "permitted.json"
"""When the last order that was taken had been permitted."""
_ROOM: Final = 4
"""A wheel unpacked, and some: so many times its size is asked for on the disk."""
_SPARE_BYTES: Final = 200_000_000


class Upgrader:
    """A :class:`millwright.kernel.Part`. ``keys``: whose signature is believed; ``data``: the edge's folder."""

    def __init__(self, nats: NatsConnection, data: Path, version: str, keys: Sequence[str]) -> None:
        self._nats, self._data, self._version, self._keys = nats, data, version, keys
        self._folder = data / FOLDER
        self._now = UpgradeStatus()
        self._work: asyncio.Task[None] | None = None
        self._repeat = Repeat(
            self.look,
            _EVERY_S,
            name="edge upgrade",
            lost="the parent cannot be asked for another version",
            back="the parent is asked again for another version",
            log=logger,
        )

    async def start(self) -> None:
        """Begin to ask."""
        await self._repeat.start()

    async def stop(self) -> None:
        """Ask no more; what was fetched stays."""
        await self._repeat.stop()
        await end(self._work)
        self._work = None

    @property
    def status(self) -> UpgradeStatus:
        """How far the last order is."""
        state = read_whole(self._folder / STATE)
        if self._work is not None and not self._work.done():
            return self._now
        if trial := state.get("trial"):
            return _told(trial, "trying")
        staged = read_whole(self._folder / STAGED)
        ended = [each for each in (state.get("last"), read_whole(self._folder / _ATTEMPT)) if each]
        if staged:
            return _told(staged, "staged")
        if not ended:
            return UpgradeStatus()
        newest = max(ended, key=lambda each: each.get("at_ms", 0))
        return _told(newest, newest.get("outcome", ""))

    async def look(self) -> None:
        """Ask for an order; the answer shows the keeper that this version is well."""
        order = await ask(self._nats, UPGRADE, AskOrder(self._version), Order, _ASK_S)
        health = {"version": self._version, "monotonic_s": time.monotonic()}
        await asyncio.to_thread(write_whole, self._folder / HEALTH, health)
        if not order.order or order.order == self.status.order:
            return
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._follow(order), name="edge upgrade")

    async def _follow(self, order: Order) -> None:
        """Everything up to the switch. A line that goes down is waited for by being ordered again."""
        self._now = UpgradeStatus(order=order.order, progress="ordered")
        try:
            version, files = opened(order.note, self._keys)
            permitted = self._permitted_ms(order)
            self._now = UpgradeStatus(order=order.order, version=version, progress="fetching")
            if version == self._version:
                write_whole(self._folder / _PERMITTED, {"at_ms": permitted})
                self._ended(order, version, "done", "")
                return
            chosen = _fitting(files)
            self._need_room(chosen)
            wheels = await self._fetch(order, version, chosen)
            self._now = UpgradeStatus(order=order.order, version=version, progress="installing")
            slot = free_slot(str(read_whole(self._folder / STATE).get("active", "base")))
            await asyncio.to_thread(put_together, self._data, slot, wheels, version)
            staged = {"order": order.order, "version": version, "slot": slot,
                      "trial_s": order.trial_s, "settle_s": order.settle_s}  # fmt: skip
            logger.warning("version %s is in place beside this one; the node is started anew with it", version)
            await asyncio.to_thread(write_whole, self._folder / _PERMITTED, {"at_ms": permitted})
            await asyncio.to_thread(write_whole, self._folder / STAGED, staged)
        except Unavailable as error:
            if error.code == "devices.release_broken":
                self._ended(order, self._now.version, "failed", error.message)
            else:
                logger.info("the version that is ordered is not here yet: %s", error.message)
        except (MillwrightError, OSError, ValueError) as error:
            self._ended(order, self._now.version, "failed", str(error))

    def _permitted_ms(self, order: Order) -> int:
        """When the order was permitted. Raises ``Denied`` for one from before the last that was taken."""
        at_ms = permitted_ms(order.permission, order.note, self._keys)
        if at_ms < read_whole(self._folder / _PERMITTED).get("at_ms", 0):
            raise Denied(
                "The roll-out was permitted before the last one that this edge took.",
                code="devices.rollout_superseded",
                hint="Make another roll-out at the parent, also to go back to an older release.",
            )
        return at_ms

    def _ended(self, order: Order, version: str, outcome: str, why: str) -> None:
        if outcome == "failed":
            logger.error("version %s was ordered and cannot be installed: %s", version or "?", why)
        write_whole(
            self._folder / _ATTEMPT,
            {"order": order.order, "version": version, "outcome": outcome, "why": why[:500],
             "at_ms": time.time_ns() // 1_000_000},
        )  # fmt: skip

    def _need_room(self, files: Sequence[ReleaseFile]) -> None:
        wanted = sum(each.bytes for each in files) * _ROOM + _SPARE_BYTES
        free = shutil.disk_usage(self._data).free
        if free < wanted:
            raise LimitExceeded(
                f"{free // 1_000_000} MB are free and {wanted // 1_000_000} MB are needed to put a version beside this "
                "one.",
                code="devices.release_no_room",
                hint="Free space on the edge's disk, then make another roll-out.",
            )

    async def _fetch(self, order: Order, version: str, files: Sequence[ReleaseFile]) -> list[Path]:
        """The files, each whole and the one that was signed; what was fetched before is not fetched again."""
        total, before, found = sum(each.bytes for each in files), 0, []
        shelf = self._folder / "files"
        for gone in [each for each in shelf.glob("*") if each.name not in {file.sha256 for file in files}]:
            shutil.rmtree(gone, ignore_errors=True)
        for each in files:
            path = shelf / each.sha256 / each.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                while file.tell() < each.bytes:
                    piece = await ask(self._nats, PIECE, AskPiece(each.sha256, file.tell()), Piece, _ASK_S)
                    if not piece.data:
                        break
                    await asyncio.to_thread(file.write, piece.data)
                    self._now = UpgradeStatus(order=order.order, version=version, progress="fetching",
                                              fetched=before + file.tell(), bytes=total)  # fmt: skip
            if await asyncio.to_thread(_digest, path) != each.sha256:
                path.unlink()
                raise Corrupt(
                    f"{each.name} is not the file that was signed.",
                    code="devices.release_corrupt",
                    hint="Add the release again at the parent and make another roll-out.",
                )
            before += each.bytes
            found.append(path)
        return found


def _fitting(files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
    """Of each project the wheel that this machine can run."""
    chosen: dict[str, ReleaseFile | None] = {}
    for each in files:
        said = wheel_name(each.name)
        if said.fits():
            chosen[said.key] = each
        else:
            chosen.setdefault(said.key, None)
    missing = [key for key, each in chosen.items() if each is None]
    if missing:
        raise Unsupported(
            f"The release has nothing of {', '.join(missing)} for this machine and Python.",
            code="devices.release_does_not_fit",
            hint="Add the wheels for the edge's machine and Python to the release.",
        )
    return [each for each in chosen.values() if each is not None]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told(about: dict[str, Any], progress: str) -> UpgradeStatus:
    progress = "rolled_back" if progress == "fell_back" else progress
    return UpgradeStatus(
        order=str(about.get("order", "")),
        version=str(about.get("version", "")),
        progress=progress,
        why=str(about.get("why", "")),
    )
