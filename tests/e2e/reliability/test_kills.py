"""``kill -9`` of every process, several times within one stream; of all at once; SIGTERM under load.

Each message whose PUBACK arrived is in history exactly once, value by value, whether it states its time or not.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from support.node import RunningNode
from support.reliability import (
    TOPIC,
    EdgeNode,
    Fleet,
    assert_history,
    deliver,
    out_of_order,
    pids,
    register,
    wrong_in_history,
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def api(node: RunningNode) -> Iterator[httpx.Client]:
    client = node.administrator()
    yield client
    client.close()


@pytest.mark.timeout(240)
def test_every_process_killed_in_one_stream(node: RunningNode, api: httpx.Client) -> None:
    with Fleet(node, api) as fleet:
        fleet.add_both("steady", 2, rate=200)
        # Bursts of a thousand within some milliseconds: their given times run ahead of the clock.
        fleet.add_both("bursts", 2, rate=600, window=1000)
        # Hangs up while acknowledgements are held and repeats what the listener still has in its hands.
        fleet.add_both("impatient", 2, rate=200, window=500, patience_s=0.7)
        for name in ("nats-server", "historian", "listener", "nats-server", "web", "historian", "listener"):
            fleet.await_progress(100)
            killed = node.kill(name)
            node.wait_for(f"{name} is back", lambda n=name, k=killed: pids(node)[n] not in (None, k))
        fleet.await_progress(100)
        fleet.finish()
        assert sum(device.repeated for device in fleet.devices) > 0, "nothing was ever repeated: the test tests nothing"
        assert_history(node, api, fleet.devices)
        assert {device.name: out_of_order(api, device) for device in fleet.devices if device.patience_s > 1} == {
            device.name: 0 for device in fleet.devices if device.patience_s > 1
        }


@pytest.mark.timeout(120)
def test_broker_that_hangs_before_it_dies(node: RunningNode, api: httpx.Client) -> None:
    with Fleet(node, api) as fleet:
        fleet.add_both("waiting", 2, rate=300, window=500)
        fleet.add_both("hasty", 2, rate=300, window=500, patience_s=0.5)
        for other in (None, "listener", "historian"):
            fleet.await_progress(100)
            node.kill("nats-server", signal.SIGSTOP)
            time.sleep(1.2)
            if other:
                node.kill(other)  # with everything in its hands that the broker never took
            killed = node.kill("nats-server")
            node.wait_for("nats-server is back", lambda k=killed: pids(node)["nats-server"] not in (None, k))
        fleet.await_progress(100)
        fleet.finish()
        assert all(device.repeated for device in fleet.devices if device.patience_s < 1)
        assert_history(node, api, fleet.devices)
        assert {device.name: out_of_order(api, device) for device in fleet.devices} == {
            device.name: 0 for device in fleet.devices
        }


@pytest.mark.timeout(120)
def test_births_are_known_after_the_historian_was_killed(node: RunningNode, api: httpx.Client) -> None:
    binding = {"group_id": "plant", "edge_node_id": "press"}
    device_id, token = register(api, "press", kind="sparkplug_edge", sparkplug=binding)
    with Fleet(node, api) as fleet:
        fleet.send(EdgeNode(node.mqtt_port, device_id, token, "press", timed=True, rate=200, window=50))
        for _ in range(2):
            fleet.await_progress(150)
            killed = node.kill("historian")
            node.wait_for("historian is back", lambda k=killed: pids(node)["historian"] not in (None, k))
        fleet.await_progress(50)
        fleet.finish()
        assert_history(node, api, fleet.devices)
    assert device_id not in api.get("/dead-letters/summary").json()["by_device"]


@pytest.mark.timeout(120)
def test_supervisor_killed_and_started_again_on_its_folder(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    with node:
        api = node.administrator()
        with Fleet(node, api) as fleet:
            fleet.add_both("left", 2)
            fleet.await_progress(100)
            assert node.process is not None
            family = node.processes()
            node.process.kill()
            node.process.wait(10)
            assert psutil.wait_procs(family, 20)[1] == []
            node.start()
            fleet.await_progress(100)
            family = node.processes()
            for process in [psutil.Process(node.process.pid), *family]:  # the power cord
                process.kill()
            node.process.wait(10)
            assert psutil.wait_procs(family, 20)[1] == []
            node.start()
            fleet.await_progress(100)
            # SIGTERM under load: what is acknowledged until the last moment is kept.
            assert node.stop() == 0
            acknowledged = fleet.acknowledged()
            node.start()
            fleet.await_progress(100)
            fleet.finish()
            assert fleet.acknowledged() > acknowledged
            assert_history(node, api, fleet.devices)
        api.close()


def test_the_question_itself_notices_what_is_wrong(node: RunningNode, api: httpx.Client) -> None:
    with Fleet(node, api) as fleet:
        device = fleet.add("asked", timed=True)
        fleet.await_progress(60)
        fleet.finish()
        assert_history(node, api, fleet.devices)
        device.acknowledged_at[device.sent] = 0.0
        assert "missing: 1" in wrong_in_history(api, device)
        del device.acknowledged_at[device.sent]
        device.base_ms += 1
        assert "at a wrong time" in wrong_in_history(api, device)
        device.base_ms -= 1
        device.sent_at.pop()
        assert "never sent: 1" in wrong_in_history(api, device)
        device.timed = False
        assert fleet.run(deliver(node.mqtt_port, device.token, [(TOPIC, b'{"n": 3}')])) == 1
        node.wait_for("the doubled reading", lambda: "doubled: 1" in wrong_in_history(api, device))
