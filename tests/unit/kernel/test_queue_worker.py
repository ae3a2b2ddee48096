"""A process that works while something waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from millwright.kernel import QueueWorker, Unavailable, queue_worker


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "_LOOK_S", 0.01)
    monkeypatch.setattr(queue_worker, "_IDLE_S", 0.05)


class Queue:
    """Pieces of work; an error stands for one that cannot be done now."""

    def __init__(self, *pieces: str | Unavailable) -> None:
        self.left, self.done = list(pieces), list[str]()
        self.hold: asyncio.Event | None = None

    async def step(self) -> bool:
        if not self.left:
            return False
        piece = self.left.pop(0)
        if isinstance(piece, Unavailable):
            raise piece
        if self.hold is not None:
            await self.hold.wait()
        self.done.append(piece)
        return True


async def until(found: object, wanted: object) -> None:
    for _ in range(6000):
        if found == wanted:
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"{found} did not become {wanted}")


async def test_what_cannot_be_done_now_is_not_the_end(tmp_path: Path) -> None:
    queue = Queue("a", Unavailable("Away.", code="test.away", hint=""), "b")
    worker = QueueWorker("work", tmp_path / "new" / "lock", queue.step, ends=False)
    await worker.start()
    await until(queue.done, ["a", "b"])
    await worker.stop()
    await worker.start()
    queue.left.append("c")
    await until(queue.done, ["a", "b", "c"])
    await worker.stop()


async def test_its_process_ends_when_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = asyncio.Event()
    monkeypatch.setattr(queue_worker.os, "kill", lambda *_: told.set())
    queue = Queue("a")
    worker = QueueWorker("work", tmp_path / "lock", queue.step)
    await worker.start()
    await asyncio.wait_for(told.wait(), 30)
    assert queue.done == ["a"]
    await worker.stop()


async def test_of_two_one_works_and_the_other_takes_over(tmp_path: Path) -> None:
    first, second = Queue("a"), Queue("b")
    one = QueueWorker("work", tmp_path / "lock", first.step, ends=False)
    two = QueueWorker("work", tmp_path / "lock", second.step, ends=False)
    await one.start()
    await until(first.done, ["a"])
    await two.start()
    await asyncio.sleep(0.05)
    assert not second.done
    await one.stop()
    await until(second.done, ["b"])
    await two.stop()


async def test_what_is_at_hand_is_finished_when_it_stops(tmp_path: Path) -> None:
    queue = Queue("a", "b")
    queue.hold = asyncio.Event()
    worker = QueueWorker("work", tmp_path / "lock", queue.step, ends=False)
    await worker.start()
    await until(queue.left, ["b"])
    stopping = asyncio.create_task(worker.stop())
    assert await worker.wait(30), "it says at once that it is to stop"
    assert worker.stopping.is_set()
    queue.hold.set()
    await stopping
    assert (queue.done, queue.left) == (["a"], ["b"])
    assert not await QueueWorker("other", tmp_path / "lock", queue.step).wait(0)
