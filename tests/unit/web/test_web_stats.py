import msgspec
import pytest

from millwright.kernel import ManualClock
from millwright.web.stats import StatsBoard


class NoBus:
    async def subscribe(self, subject: str, handler: object) -> object:
        raise AssertionError("the board hears by hand here")


class Node:
    """A board that hears processes second by second."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_750_000_000_000)
        self.board = StatsBoard(NoBus(), self.clock)  # type: ignore[arg-type]

    async def say(self, role: str, pid: int = 1, *, gauges: dict[str, float] | None = None, **counters: float) -> None:
        stats = {
            "role": role,
            "instance": "mill",
            "pid": pid,
            "at_ms": self.clock.now_ms(),
            "counters": counters,
            "gauges": gauges or {},
            "cpu_s": 0.5,
        }
        await self.board.hear("", msgspec.json.encode(stats))


@pytest.fixture
def node() -> Node:
    return Node()


async def test_rates_are_growth_per_second(node: Node) -> None:
    for second in range(61):
        await node.say("listener", messages_in=second * 100)
        await node.say("historian", points_stored=second * 1000, messages_in=second * 100)
        node.clock.advance(1)
    rates = node.board.rates()
    assert rates.messages_per_s == 100
    assert rates.points_per_s == 1000
    assert set(rates.history.messages_per_s) == {100}
    assert set(rates.history.points_per_s) == {1000}
    assert len(rates.history.time_ms) >= 10
    assert all(
        later - earlier == 5000
        for earlier, later in zip(rates.history.time_ms, rates.history.time_ms[1:], strict=False)
    )


async def test_a_process_that_starts_again_makes_no_negative_rate(node: Node) -> None:
    await node.say("listener", pid=1, messages_in=1_000_000)
    node.clock.advance(1)
    await node.say("listener", pid=2, messages_in=50)
    node.clock.advance(1)
    assert node.board.rates().messages_per_s == 10
    assert node.board.roles()[0].rates == {}


async def test_history_is_ten_minutes_long(node: Node) -> None:
    for second in range(1500):
        await node.say("listener", messages_in=second)
        node.clock.advance(1)
    history = node.board.rates().history
    assert history.time_ms[0] >= node.clock.now_ms() - 600_000
    assert 115 <= len(history.time_ms) <= 120
    assert len(node.board._growth) <= 602


async def test_a_silent_process_is_lost_and_a_problem(node: Node) -> None:
    await node.say("historian", points_stored=1)
    assert node.board.heard("historian")
    assert node.board.problems() == []
    node.clock.advance(6)
    assert not node.board.heard("historian")
    assert [view.state for view in node.board.roles()] == ["lost"]
    assert [problem.code for problem in node.board.problems()] == ["web.role_lost"]


async def test_the_supervisor_knows_more(node: Node) -> None:
    await node.say("supervisor", gauges={"state.listener": 3, "state.historian": 2, "since_ms.listener": 7})
    await node.say("historian")
    states = {view.role: view.state for view in node.board.roles()}
    assert states == {"historian": "running", "listener": "restarting", "supervisor": "running"}


async def test_prometheus_text(node: Node) -> None:
    await node.say("listener", gauges={"connections": 3, "state.x": 2}, messages_in=5)
    text = node.board.prometheus()
    assert 'millwright_messages_in_total{role="listener",instance_name="mill"} 5\n' in text
    assert "# TYPE millwright_messages_in_total counter\n" in text
    assert 'millwright_connections{role="listener",instance_name="mill"} 3\n' in text
    assert 'millwright_state{role="listener",instance_name="mill",of="x"} 2\n' in text
    assert 'millwright_cpu_seconds_total{role="listener",instance_name="mill"} 0.5\n' in text


async def test_noise_on_the_subject_is_ignored(node: Node) -> None:
    for payload in (b"", b"{", b"[]", b'{"role": 1}', b'{"role":"x"}'):
        await node.board.hear("stats.x", payload)
    assert node.board.roles() == []


async def test_a_wall_clock_that_is_set_loses_nobody_and_no_rates(node: Node) -> None:
    for second in range(30):
        await node.say("listener", messages_in=second * 100)
        node.clock.advance(1)
    node.clock.jump(7200)
    assert [view.state for view in node.board.roles()] == ["running"]
    await node.say("listener", messages_in=3000)
    node.clock.jump(-7200)
    for second in range(31, 60):
        await node.say("listener", messages_in=second * 100)
        node.clock.advance(1)
    rates = node.board.rates()
    assert rates.messages_per_s == 100
    assert len(rates.history.time_ms) >= 4
    node.clock.advance(6)
    node.clock.jump(-3600)
    assert [view.state for view in node.board.roles()] == ["lost"]
