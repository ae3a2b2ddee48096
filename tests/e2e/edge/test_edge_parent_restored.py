"""A parent that is put back to its backup while an edge is joined: the edge brings what it had brought before, once."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx
import pytest

from support.edge import EdgeNode, Parent, add_device, enrol
from support.reliability import Device, Fleet, assert_history, await_arrival


@pytest.mark.timeout(240)
def test_a_parent_restored_from_its_backup_has_everything_again(tmp_path: Path) -> None:
    parent = Parent(tmp_path / "parent")
    parent.start()
    api = parent.administrator()
    made = enrol(api)
    edge_id = made["edge"]["id"]
    edge = EdgeNode(tmp_path / "edge", parent)
    try:
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        devices = [add_device(api, f"press {number}", edge_id) for number in range(2)]
        with edge, Fleet(edge, api) as fleet:
            for number, (device_id, token) in enumerate(devices):
                fleet.send(
                    Device(edge.mqtt_port, device_id, token, f"p{number}", timed=not number, rate=100, window=50)
                )
            await_arrival(parent, api, fleet)
            assert parent.stop() == 0
            shutil.copytree(parent.data, tmp_path / "backup", symlinks=True)
            parent.start()
            await_arrival(parent, api, fleet)
            since_ms = int(time.time() * 1000)
            parent.wait_for("what waited is through", lambda: _in_order(api, edge_id, since_ms), timeout_s=60)
            await_arrival(parent, api, fleet)  # what comes now is not in the backup, and came in its turn
            newest = [device.sent for device in fleet.devices]
            assert parent.stop() == 0
            shutil.rmtree(parent.data)
            shutil.copytree(tmp_path / "backup", parent.data, symlinks=True)
            parent.start()
            api.close()
            api = parent.administrator()
            await_arrival(parent, api, fleet)
            fleet.finish()
            assert all(device.sent > number for device, number in zip(fleet.devices, newest, strict=True))
            assert_history(parent, api, fleet.devices, 60)
            parent.wait_for("it is told", lambda: "edge.parent_went_back" in api.get(f"/edges/{edge_id}").text)
    finally:
        edge.line.cut()
        api.close()
        parent.stop()


def _in_order(api: httpx.Client, edge_id: str, since_ms: int) -> bool:
    """Whether the edge has said after this time that nothing new goes before what waits."""
    status = api.get(f"/edges/{edge_id}").json()["status"] or {}
    return status.get("at_ms", 0) > since_ms and not status["live"]
