"""What the watchdog does about a broker that says nothing, with a clock that only the test moves."""

from __future__ import annotations

from typing import cast

import pytest

from millwright.app.supervisor import Child, ChildState
from millwright.app.supervisor.report import ProcessReport
from millwright.engines.nats import NatsConnection
from millwright.kernel import ManualClock


class Broker:
    """A supervised broker that only remembers whether it was killed."""

    name, state, restarts, pid, since_ms, error = "nats-server", ChildState.RUNNING, 0, 1, 0, None

    def __init__(self) -> None:
        self.killed: list[str] = []

    def kill(self, why: str) -> None:
        self.killed.append(why)


class Host(Broker):
    """The process of connectors, with one in it that blocks the whole process."""

    name = "connectors"


def watched() -> tuple[ProcessReport, Broker, ManualClock]:
    clock, broker = ManualClock(), Broker()
    report = ProcessReport("node", "nats://127.0.0.1:1", lambda: [cast(Child, broker)], clock)
    return report, broker, clock


def look(report: ProcessReport, clock: ManualClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        report.figures()


async def test_a_broker_that_delivers_nothing_is_restarted_and_then_given_time() -> None:
    report, broker, clock = watched()
    look(report, clock, 30)
    assert not broker.killed
    look(report, clock, 2)
    assert broker.killed == ["has delivered nothing for 30 s"]
    look(report, clock, 25)
    assert len(broker.killed) == 1


async def test_a_broker_that_delivers_is_left_alone() -> None:
    report, broker, clock = watched()
    for _ in range(10):
        look(report, clock, 10)
        await report._hear("stats.supervisor.node", b"{}")
    assert not broker.killed


async def test_a_pause_of_our_own_is_nobodys_silence() -> None:
    report, broker, clock = watched()
    look(report, clock, 5)
    await report._hear("stats.listener.node", b'{"problems": [{"code": "listener.intake_unavailable"}]}')
    clock.advance(3600)
    look(report, clock, 20)
    assert not broker.killed


async def test_a_process_that_is_blocked_is_killed_while_others_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NatsConnection, "connected", True)
    clock, host = ManualClock(), Host()
    report = ProcessReport("node", "nats://127.0.0.1:1", lambda: [cast(Child, host)], clock)
    for _ in range(70):
        look(report, clock, 1)
        await report._hear("stats.supervisor.node", b"{}")
        await report._hear("stats.connectors.node", b"{}")
    assert not host.killed
    for _ in range(61):
        look(report, clock, 1)
        await report._hear("stats.supervisor.node", b"{}")
    assert host.killed == ["said nothing for 60 s"]
