"""Values on their way: over kills, power cuts, a full disk and a broker that stored more than it confirmed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from millwright.devices.connectors.outbox import Outbox
from millwright.devices.connectors.spool import Spool
from millwright.devices.intake import Run, decode_frame
from millwright.kernel import Invalid, LimitExceeded, MillwrightError, SystemClock, Unavailable
from support.mqtt import until

MB = 1 << 20


class Stream:
    """Takes frames, or not; dedupes nothing, so that what comes twice is seen."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, list[bytes]]] = []
        self.error: MillwrightError | None = None
        self.silent = False
        """Stores what comes and says that it did not."""
        self.blind = False
        """Nobody can ask either."""

    async def commit(self, frame: bytes, message_id: str) -> None:
        if self.error is not None and not self.silent:
            raise self.error
        self.frames.append((message_id, [one for run in decode_frame(frame).runs for one in run.payloads]))
        if self.silent:
            raise Unavailable("no confirmation", code="test.silent")

    async def newest(self) -> str:
        if self.blind:
            raise Unavailable("nobody answers", code="test.blind")
        return self.frames[-1][0] if self.frames else ""

    @property
    def values(self) -> list[int]:
        return [int(one.split()[0]) for _, frame in self.frames for one in frame]


def runs(*numbers: int, size: int = 0) -> list[Run]:
    return [Run("dev_1", "t", 1, 0, [b"%d " % number + b"x" * size]) for number in numbers]


def outbox(folder: Path, stream: Stream, most_bytes: int = 64 * MB, pressure: list[bool] | None = None) -> Outbox:
    told: list[bool] = [] if pressure is None else pressure
    return Outbox(stream, stream.newest, "host", folder, most_bytes, SystemClock(), told.append)


async def killed(box: Outbox) -> None:
    """As after ``kill -9``: nothing is finished."""
    for task in box._tasks:
        task.cancel()
    await asyncio.gather(*box._tasks, return_exceptions=True)


async def test_what_waited_is_sent_in_order_by_whoever_comes_next(tmp_path: Path) -> None:
    stream = Stream()
    stream.error = Unavailable("away", code="test.away")
    box = outbox(tmp_path, stream)
    await box.start()
    for number in range(0, 30_000, 3):  # several files
        box.add(runs(number, number + 1, number + 2, size=400))
    await until(lambda: bool(box.problems()))
    assert len(list(tmp_path.iterdir())) > 2
    await killed(box)
    stream.error = None
    after = outbox(tmp_path, stream)
    await after.start()
    after.add(runs(30_000))
    await after.settled()
    assert stream.values == list(range(30_001))
    assert not after.waiting_bytes
    assert after.problems() == []
    await after.stop(1)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


@pytest.mark.parametrize("killing", [False, True])
async def test_what_was_stored_and_not_confirmed_is_not_stored_twice(tmp_path: Path, killing: bool) -> None:
    stream = Stream()
    box = outbox(tmp_path, stream)
    await box.start()
    box.add(runs(0))
    await box.settled()
    stream.silent = stream.blind = True
    box.add(runs(1, 2))
    await until(lambda: len(stream.frames) > 1)
    box.add(runs(3))
    if killing:
        await killed(box)
        stream.silent = stream.blind = False
        box = outbox(tmp_path, stream)
        await box.start()
    else:
        await until(lambda: box.retries > 1)
        stream.silent = stream.blind = False
    await box.settled()
    box.add(runs(4))
    await box.settled()
    assert stream.values == [0, 1, 2, 3, 4]
    await box.stop(1)


async def test_numbers_of_before_mean_nothing_to_a_spool_that_begins_anew(tmp_path: Path) -> None:
    stream = Stream()
    for first in range(0, 6, 2):
        box = outbox(tmp_path, stream)
        await box.start()
        box.add(runs(first))
        await box.settled()
        stream.error = Unavailable("away", code="test.away")
        box.add(runs(first + 1))
        await killed(box)
        stream.error = None
        box = outbox(tmp_path, stream)
        await box.start()
        await box.settled()
        await box.stop(1)
    assert stream.values == list(range(6))


async def test_a_record_that_a_power_cut_left_in_half_costs_only_itself(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.open()
    spool.append(runs(1, 2, 3))
    spool.close()
    [path] = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 1)
    stream = Stream()
    box = outbox(tmp_path, stream)
    await box.start()
    box.add(runs(4))
    await box.settled()
    assert stream.values == [1, 2, 4]
    await box.stop(1)


async def test_what_became_damaged_while_it_waited_costs_the_rest_of_its_file(tmp_path: Path) -> None:
    stream = Stream()
    stream.error = Unavailable("away", code="test.away")
    box = outbox(tmp_path, stream)
    await box.start()
    box.add(runs(1, 2))
    await until(lambda: box.retries > 0)  # these two are in its hands
    for number in range(3, 9):
        box.add(runs(number, size=MB))
    first, *_ = sorted(tmp_path.iterdir())
    with first.open("r+b") as file:
        file.seek(2 * MB)
        file.write(b"\xff")
    stream.error = None
    await box.settled()
    assert stream.values == [1, 2, 3, 7, 8]
    assert not box.waiting_bytes
    await box.stop(1)


async def test_a_full_folder_says_so_and_counts_and_keeps_the_oldest(tmp_path: Path) -> None:
    stream, told = Stream(), list[bool]()
    stream.error = Unavailable("away", code="test.away")
    box = outbox(tmp_path, stream, MB, told)
    await box.start()
    for number in range(12):
        box.add(runs(number, size=100_000))
    assert told == [True]
    assert [each["code"] for each in box.problems()][-1] == "connectors.buffer_full"
    stream.error = None
    await box.settled()
    assert (told, box.full, box.problems()) == ([True, False], 1, [])
    assert stream.values == list(range(12))
    await box.stop(1)


async def test_a_disk_that_refuses_costs_nothing_but_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    stream.error = LimitExceeded("full", code="app.disk_full", hint="free some")
    box = outbox(tmp_path, stream)
    await box.start()
    box.add(runs(1))
    with monkeypatch.context() as full:
        full.setattr("millwright.devices.connectors.spool.os.write", lambda *_: 7)
        box.add(runs(2, 3))
    box.add(runs(4))
    await until(lambda: box.paused)
    assert [each["code"] for each in box.problems()] == ["listener.intake_full", "connectors.buffer_unkept"]
    stream.error = None
    await box.settled()
    box.add(runs(5))
    await box.settled()
    assert stream.values == [1, 2, 3, 4, 5]
    assert box.problems() == []
    await box.stop(1)


async def test_what_the_broker_can_never_take_holds_nobody_up(tmp_path: Path) -> None:
    stream = Stream()
    box = outbox(tmp_path, stream)
    await box.start()
    stream.error = Invalid("too large", code="engines.message_too_large")
    box.add(runs(1))
    await box.settled()
    stream.error = None
    box.add(runs(2))
    await box.settled()
    assert (stream.values, box.refused) == ([2], 1)
    await box.stop(1)
