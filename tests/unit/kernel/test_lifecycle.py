import asyncio
import contextlib
import logging

import pytest

from millwright.kernel import Lifecycle, Repeat, end


class Recorded:
    def __init__(self, name: str, log: list[str], fails: str = "") -> None:
        self.name, self.log, self.fails = name, log, fails

    async def start(self) -> None:
        self.log.append(f"+{self.name}")
        if self.fails == "start":
            raise OSError(self.name)

    async def stop(self) -> None:
        self.log.append(f"-{self.name}")
        if self.fails == "stop":
            raise OSError(self.name)


async def test_parts_stop_in_reverse() -> None:
    log: list[str] = []
    async with Lifecycle(Recorded("a", log), Recorded("b", log)):
        pass
    assert log == ["+a", "+b", "-b", "-a"]


async def test_a_failed_start_stops_what_was_started() -> None:
    log: list[str] = []
    with pytest.raises(OSError, match="b"):
        await Lifecycle(Recorded("a", log), Recorded("b", log, "start"), Recorded("c", log)).start()
    assert log == ["+a", "+b", "-b", "-a"]


async def test_a_failed_stop_does_not_keep_the_others() -> None:
    log: list[str] = []
    async with Lifecycle(Recorded("a", log), Recorded("b", log, "stop")):
        pass
    assert log[-1] == "-a"


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millwright.kernel.lifecycle._CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while lost < 2:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            lost += 1
        await asyncio.sleep(60)

    task, quick = asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    await asyncio.wait_for(end(task, None, quick), 30)
    assert (lost, task.cancelled(), quick.cancelled()) == (2, True, True)


async def test_what_a_task_ended_with_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise OSError("the disk")

    task = asyncio.create_task(broken(), name="keep house")
    await asyncio.wait((task,))
    await end(task)
    assert "keep house" in caplog.text
    assert "the disk" in caplog.text


async def test_repeated_work_survives_every_error_and_says_once_that_it_is_lost_and_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    errors = iter([OSError("away"), OSError("away"), ValueError("a bug"), ValueError("a bug"), None, None])
    done = asyncio.Event()

    async def work() -> None:
        error = next(errors, None)
        if error is not None:
            raise error
        done.set()

    repeat = Repeat(work, 0.001, name="work", lost="work waits", back="work goes on", log=logging.getLogger("test"))
    await repeat.start()
    await asyncio.wait_for(done.wait(), 5)
    await asyncio.sleep(0.02)
    await repeat.stop()
    await repeat.stop()
    told = [(each.levelname, each.getMessage(), bool(each.exc_info)) for each in caplog.records]
    assert told == [
        ("WARNING", "work waits: away", False),
        ("ERROR", "work waits: ValueError('a bug')", True),
        ("INFO", "work goes on", False),
    ]
