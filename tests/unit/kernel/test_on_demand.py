"""A process that runs while something waits for it."""

from __future__ import annotations

import pytest

from millwright.kernel import OnDemand, Unavailable, on_demand


class Process:
    """As ``asyncio`` has it."""

    def __init__(self) -> None:
        self.returncode: int | None = None

    def terminate(self) -> None:
        self.returncode = -15

    async def wait(self) -> int | None:
        return self.returncode


class Work:
    """Something that waits, or not."""

    def __init__(self) -> None:
        self.waits, self.cannot = True, False
        self.started: list[Process] = []
        self.rounds = 0
        self.part = OnDemand("imports", self._waits, self._rest, self._spawn)

    async def _waits(self) -> bool:
        return self.waits

    async def _rest(self) -> None:
        self.rounds += 1

    async def _spawn(self) -> Process:
        if self.cannot:
            raise OSError("no memory")
        self.started.append(Process())
        return self.started[-1]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found = [100.0]
    monkeypatch.setattr(on_demand.time, "monotonic", lambda: found[0])
    return found


async def test_one_process_works_while_something_waits(now: list[float]) -> None:
    work = Work()
    for _ in range(3):
        await work.part.look()
    assert (len(work.started), work.rounds) == (1, 3)
    work.started[0].returncode = 0
    await work.part.look()
    assert len(work.started) == 2, "something waits still"
    work.started[1].returncode, work.waits = 0, False
    await work.part.look()
    assert len(work.started) == 2


@pytest.mark.parametrize("how", ["fell", "not started"])
async def test_what_falls_is_started_again_a_little_later(now: list[float], how: str) -> None:
    work = Work()
    work.cannot = how == "not started"
    await work.part.look()
    if work.started:
        work.started[0].returncode = -9
    work.cannot = False
    before = len(work.started)
    for _ in range(2):
        await work.part.look()
    assert len(work.started) == before
    now[0] += 5
    await work.part.look()
    assert len(work.started) == before + 1


async def test_the_process_ends_with_the_part_and_a_failed_round_ends_nothing() -> None:
    work = Work()
    failing = OnDemand("fails", work._waits, _away, work._spawn)
    for part in (work.part, failing):
        await part.start()
        part.look_now()
    while len(work.started) < 2 or not work.rounds:
        await on_demand.asyncio.sleep(0.01)
    for part in (work.part, failing):
        await part.stop()
    assert [each.returncode for each in work.started] == [-15, -15]


async def _away() -> None:
    raise Unavailable("It is away.", code="test.away")
