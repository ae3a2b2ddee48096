from __future__ import annotations

from pathlib import Path

import pytest

from millwright.app.disk import DiskWatch
from millwright.app.intake import GuardedIntake
from millwright.kernel import LimitExceeded, ManualClock


class Disk:
    def __init__(self) -> None:
        self.free = 10_000_000_000

    def __call__(self, _path: Path) -> int:
        return self.free


class Recorder:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    async def commit(self, frame: bytes, message_id: str) -> None:
        self.frames.append(frame)


def watch(disk: Disk) -> DiskWatch:
    return DiskWatch(Path("/data"), low_mb=2000, stop_mb=200, clock=ManualClock(), free=disk)


def test_low_space_is_a_problem_before_it_is_full() -> None:
    disk = Disk()
    watched = watch(disk)
    watched.look()
    assert not watched.low
    assert watched.figures().problems == []
    disk.free = 1_500_000_000
    watched.look()
    assert (watched.low, watched.full) == (True, False)
    assert [problem.code for problem in watched.figures().problems] == ["app.disk_low"]
    disk.free = 100_000_000
    watched.look()
    assert watched.full
    assert [problem.code for problem in watched.figures().problems] == ["app.disk_full"]


def test_it_is_over_only_a_tenth_above_the_limit() -> None:
    disk = Disk()
    watched = watch(disk)
    disk.free = 199_000_000
    watched.look()
    disk.free = 210_000_000
    watched.look()
    assert watched.full
    disk.free = 221_000_000
    watched.look()
    assert not watched.full
    assert watched.low


async def test_intake_is_closed_while_the_disk_is_full_and_opens_again() -> None:
    disk, intake = Disk(), Recorder()
    watched = watch(disk)
    guarded = GuardedIntake(intake, watched)
    disk.free = 0
    watched.look()
    with pytest.raises(LimitExceeded) as refused:
        await guarded.commit(b"frame", "1")
    assert refused.value.code == "app.disk_full"
    assert intake.frames == []
    disk.free = 10_000_000_000
    watched.look()
    await guarded.commit(b"frame", "1")
    assert intake.frames == [b"frame"]
