"""An edge whose disk fills up while it is cut off: it stops taking in, says so, and loses and doubles nothing.

Its data folder lies on a small tmpfs of its own, which a ballast file fills.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.edge import EdgeNode, Parent, add_device, enrol
from support.reliability import Device, Fleet, assert_history
from support.small_disk import MB, Ballast, small_disk

LOW_MB, STOP_MB = 150, 60


@pytest.mark.timeout(240)
def test_an_edge_that_is_cut_off_and_full_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "edge"
    with small_disk(folder / "data", 320 * MB) as disk, Parent(tmp_path / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        edge_id = made["edge"]["id"]
        settings = {"node": {"disk_low_mb": LOW_MB, "disk_stop_mb": STOP_MB}}
        edge = EdgeNode(folder, parent, settings)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        try:
            with edge:
                _fill_and_free(parent, edge, api, edge_id, Ballast(disk))
        finally:
            edge.line.cut()
            api.close()
        for file in disk.glob("*.db"):
            with sqlite3.connect(file) as database:
                assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",), file
            database.close()


def _fill_and_free(parent: Parent, edge: EdgeNode, api: httpx.Client, edge_id: str, ballast: Ballast) -> None:
    devices = [add_device(api, f"press {number}", edge_id) for number in range(2)]
    edge.wait_for("it is connected", lambda: _status(api, edge_id))
    with Fleet(edge, api) as fleet:
        for number, (device_id, token) in enumerate(devices):
            name = f"press {number}"
            fleet.send(Device(edge.mqtt_port, device_id, token, name, timed=not number, rate=150, window=50))
        fleet.await_progress(100)
        assert not {code for code in _told(api, edge_id) if code.startswith("app.disk")}

        # It gets full while it is linked: the parent hears of it and has all that was acknowledged.
        ballast.leave(STOP_MB * MB - 10 * MB)
        parent.wait_for("the parent is told", lambda: {"app.disk_full", "listener.intake_full"} <= _told(api, edge_id))
        ballast.drop()
        parent.wait_for("it is over", lambda: not _told(api, edge_id), timeout_s=40)
        fleet.await_progress(50)

        # It is cut off, and full to the last block so quickly that nothing can stop before.
        edge.line.cut()
        fleet.await_progress(300)
        ballast.leave(0)
        edge.wait_for("the machine itself says so", lambda: {"disk", "app.disk_full"} <= _here(edge))
        time.sleep(1)
        held = fleet.acknowledged()
        time.sleep(1)
        assert fleet.acknowledged() == held, "acknowledged although there is no room"
        # Joined while it is full it hands over what it kept, and says what is wrong with it.
        edge.line.join()
        parent.wait_for("the parent is told again", lambda: "app.disk_full" in _told(api, edge_id), timeout_s=40)
        assert_history(parent, api, fleet.devices, timeout_s=40)
        edge.line.cut()
        # Whatever dies while there is no room comes back when there is.
        for name in ("edge", "listener", "historian", "nats-server"):
            edge.kill(name)
        time.sleep(2)
        ballast.drop()
        fleet.await_progress(100, timeout_s=60)
        edge.line.join()
        fleet.finish()
        assert fleet.acknowledged() > held
        assert_history(parent, api, fleet.devices, timeout_s=60)
        parent.wait_for("all is well", lambda: not _told(api, edge_id), timeout_s=40)
        parent.wait_for("nothing waits", lambda: (_status(api, edge_id) or {}).get("backlog_messages") == 0)


def _status(api: httpx.Client, edge_id: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = api.get(f"/edges/{edge_id}").json()["status"]
    return found


def _told(api: httpx.Client, edge_id: str) -> set[str]:
    """What the parent was told is wrong."""
    return {each["code"] for each in (_status(api, edge_id) or {}).get("problems", [])}


def _here(edge: EdgeNode) -> set[str]:
    """What ``millwright doctor`` finds wrong at the edge itself."""
    done = edge.cli("doctor", "--json", timeout_s=60)
    return {each["check"] for each in json.loads(done.stdout)["findings"] if each["state"] == "wrong"}
