"""One supervised process, with small real ones."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from millwright.app.supervisor import Child, ChildState
from millwright.app.supervisor.backoff import Backoff
from millwright.app.supervisor.report import ProcessReport
from millwright.kernel import SystemClock, Unavailable

HEAD = "import os, sys, time; fd = int(sys.argv[-1]); go = sys.stdin.readline(); "
READY = "os.write(fd, b'ADDRESS=x://here\\nREADY=1\\n'); "


def child(tmp_path: Path, code: str, **options: object) -> Child:
    backoff = Backoff(first_s=0.01, most_s=0.02, slow_s=0.2, window_s=30, crash_loop=3)
    return Child(
        "it",
        [sys.executable, "-S", "-c", HEAD + code],
        clock=SystemClock(),
        log=tmp_path / "it.out",
        backoff=backoff,
        **options,  # type: ignore[arg-type]
    )


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("not within ten seconds")


async def test_ready_is_told_with_the_address_after_go(tmp_path: Path) -> None:
    it = child(tmp_path, READY + "time.sleep(60)")
    it.start()
    await asyncio.sleep(0.3)
    assert it.state is ChildState.STARTING
    it.go()
    await it.wait_ready(10)
    assert (it.state, it.address) == (ChildState.RUNNING, "x://here")
    pid = it.pid
    assert pid is not None
    await it.stop(5)
    assert it.state is ChildState.STOPPED
    assert not psutil.pid_exists(pid)


async def test_crash_loop_is_said_once_is_a_problem_and_is_left_when_it_stays_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mended = tmp_path / "mended"
    it = child(tmp_path, f"os.path.exists({str(mended)!r}) or sys.exit(7); {READY} time.sleep(60)")
    it.go()
    with caplog.at_level(logging.INFO, "millwright.app.supervisor.child"):
        it.start()
        await until(lambda: it.restarts >= 5)
        assert it.state is ChildState.LOOPING
        report = ProcessReport("node", "nats://127.0.0.1:1", lambda: [it], SystemClock())
        figures = report.figures()
        assert [problem.code for problem in figures.problems] == ["app.crash_loop"]
        assert figures.counters["restarts.it"] >= 5
        mended.touch()
        await it.wait_ready(10)
    assert it.state is ChildState.RUNNING
    assert report.figures().problems == []
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "never stays up" in line]) == 1
    assert len([line for line in said if "is back after" in line]) == 1
    await it.stop(5)


async def test_reason_given_by_the_process_is_what_is_raised(tmp_path: Path) -> None:
    error = '{"family": "unavailable", "message": "The port is taken.", "code": "web.port_taken", "hint": "Mend it."}'
    it = child(tmp_path, f"os.write(fd, b'ERROR=' + {error!r}.encode() + b'\\n'); sys.exit(5)")
    it.go()
    it.start()
    with pytest.raises(Unavailable) as raised:
        await it.wait_ready(1)
    assert (raised.value.code, raised.value.hint) == ("web.port_taken", "Mend it.")
    await it.stop(5)


async def test_a_broker_that_is_away_is_not_held_against_its_clients(tmp_path: Path) -> None:
    back = tmp_path / "back"
    error = '{"family": "unavailable", "message": "Nobody.", "code": "engines.nats_unavailable", "hint": "Wait."}'
    away = f"os.path.exists({str(back)!r}) or (os.write(fd, b'ERROR=' + {error!r}.encode() + b'\\n'), os._exit(5)); "
    it = child(tmp_path, away + READY + "time.sleep(60)")
    it.go()
    it.start()
    await until(lambda: it.restarts >= 6)
    assert it.state is not ChildState.LOOPING
    assert it.error is not None
    back.touch()
    await it.wait_ready(10)
    await it.stop(5)


async def test_a_stop_while_it_is_being_started_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.subprocess.Process] = []
    make = asyncio.create_subprocess_exec

    async def make_slowly(*command: str, **options: object) -> asyncio.subprocess.Process:
        made.append(await make(*command, **options))  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        return made[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", make_slowly)
    it = child(tmp_path, READY + "time.sleep(60)")
    it.start()
    await until(lambda: bool(made))
    await asyncio.wait_for(it.stop(5), 10)
    assert made[0].returncode is not None
    assert it.state is ChildState.STOPPED


async def test_process_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    it = child(tmp_path, f"import signal; signal.signal(15, signal.SIG_IGN); {READY} time.sleep(60)")
    it.go()
    it.start()
    await it.wait_ready(10)
    pid = it.pid
    assert pid is not None
    await it.stop(0.3)
    assert not psutil.pid_exists(pid)


async def test_missing_program_is_tried_again_and_can_be_stopped(tmp_path: Path) -> None:
    it = Child("it", [str(tmp_path / "nothing")], clock=SystemClock(), log=tmp_path / "it.out", notifies=False)
    it.start()
    await until(lambda: it.restarts >= 1)
    assert it.error is not None
    assert it.error.code == "app.role_failed"
    await it.stop(1)
    assert it.state is ChildState.STOPPED
