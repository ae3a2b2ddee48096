"""Another version on an edge, with wheels that are really built of this tree: one that works, one that cannot be
imported, one that dies after a while; and everything killed in the middle of a trial."""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.edge import EdgeNode, Parent, add_device, enrol
from support.node import RunningNode
from support.releases import build_wheel, changed
from support.reliability import Device, Fleet, wrong_in_history

UPGRADER = "millwright/devices/edge/upgrade/upgrader.py"
DIES = """
        ready = self._data / "node.json"
        if ready.exists() and time.time() - ready.stat().st_mtime > 2:
            __import__("os")._exit(7)
"""


@pytest.mark.timeout(400)
def test_an_edge_goes_to_a_version_that_works_and_back_from_those_that_do_not(tmp_path: Path) -> None:
    good = build_wheel(tmp_path, "9.1.0")
    unimportable = {"millwright/cli/__init__.py": lambda text: "import no_such_package\n" + text}
    dying = {
        UPGRADER: lambda text: text.replace("        if not order.order or", f"{DIES}        if not order.order or")
    }
    wheels = [good, changed(good, tmp_path, "9.2.0", unimportable), changed(good, tmp_path, "9.3.0", dying)]
    with Parent(tmp_path / "parent") as parent, contextlib.closing(parent.administrator()) as api:
        made = enrol(api)
        edge_id = made["edge"]["id"]
        edge = EdgeNode(tmp_path / "edge", parent)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        for wheel in wheels:
            added = parent.cli("releases", "add", str(wheel), timeout_s=60)
            assert added.returncode == 0, added.stderr
        try:
            with edge, Fleet(edge, api) as fleet:
                device_id, token = add_device(api, "press", edge_id)
                device = fleet.send(Device(edge.mqtt_port, device_id, token, "press", timed=True, rate=50, window=20))
                fleet.await_progress(20)
                _versions(parent, api, edge, fleet, edge_id)
                fleet.finish()
                parent.wait_for("everything is there once", lambda: not wrong_in_history(api, device), 60)
        finally:
            edge.line.cut()


def _versions(parent: Parent, api: httpx.Client, edge: EdgeNode, fleet: Fleet, edge_id: str) -> None:
    def running() -> str:
        return str((api.get(f"/edges/{edge_id}").json()["status"] or {}).get("version"))

    def ordered(version: str, settle_s: float = 3) -> dict[str, Any]:
        done = parent.cli("releases", "roll-out", version, "hall 3", "--trial=60", f"--settle={settle_s}", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def ended(rollout: dict[str, Any], timeout_s: float = 90) -> dict[str, Any]:
        def state() -> dict[str, Any] | None:
            found = next(each for each in api.get("/edge-rollouts").json() if each["id"] == rollout["id"])
            return found if found["state"] != "running" else None

        found: dict[str, Any] = edge.wait_for(f"the roll-out of {rollout['version']} ends", state, timeout_s)
        return found

    before = edge.wait_for("it has told its version", lambda: None if running() == "None" else running())
    assert before != "9.1.0"

    # Tried, and the power fails in the middle: the version before runs again, and says why.
    first = ordered("9.1.0")
    edge.wait_for("it is tried", lambda: _state(edge).get("trial", {}).get("step") == "trying", 60)
    edge.stop(signal.SIGKILL)
    edge.start()
    assert "during the trial" in ended(first)["why"]
    edge.wait_for("the version before runs", lambda: running() == before)

    # It works.
    assert ended(ordered("9.1.0"))["state"] == "done"
    assert running() == "9.1.0"
    fleet.await_progress(20)

    # It cannot be imported: nothing is switched.
    pid = edge.find_process("listener")
    failed = ended(ordered("9.2.0"))
    assert failed["state"] == "failed"
    assert "no_such_package" in failed["why"]
    assert edge.find_process("listener") == pid

    # It gets ready, reaches its parent, and dies after a while.
    failed = ended(ordered("9.3.0", settle_s=10))
    assert "edge died" in failed["why"], failed
    edge.wait_for("9.1.0 runs again", lambda: running() == "9.1.0" and edge.find_process("listener"))

    # What runs already has nothing to do.
    assert ended(ordered("9.1.0"))["state"] == "done"
    fleet.await_progress(20)


def _state(node: RunningNode) -> dict[str, Any]:
    path = node.data / "upgrade" / "state.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return {key: value for key, value in found.items() if value is not None}
