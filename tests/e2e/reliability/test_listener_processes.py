"""A node whose listener is two processes, each killed under load: nothing acknowledged is lost or stored twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.devices.mqtt.shards import slot_of
from support.node import RunningNode
from support.reliability import Fleet, assert_history


def listeners(api: httpx.Client) -> list[dict[str, Any]]:
    return [role for role in api.get("/system").json()["roles"] if role["role"] == "listener"]


def online(api: httpx.Client, device_id: str) -> bool:
    return bool(api.get(f"/devices/{device_id}").json()["presence"]["online"])


@pytest.mark.timeout(240)
def test_two_processes_are_one_listener(tmp_path: Path) -> None:
    with RunningNode(tmp_path, {"mqtt": {"processes": 2}}) as node:
        api = node.administrator()
        with Fleet(node, api) as fleet:
            fleet.add_both("steady", 8, rate=100)
            slots = {device.device_id: slot_of(device.device_id, 2) for device in fleet.devices}
            assert set(slots.values()) == {1, 2}
            fleet.await_progress(100)
            found = node.wait_for("both speak", lambda: (both := listeners(api)) and len(both) == 2 and both)
            assert {(each["instance"], each["state"]) for each in found} == {
                ("millwright", "running"),
                ("millwright-2", "running"),
            }
            node.wait_for(
                "all are counted once",
                lambda: sum(each["gauges"].get("connections", 0) for each in listeners(api)) == len(slots),
            )
            for name, number in (("listener-2", 2), ("listener", 1)):
                calm = [device for device in fleet.devices if slots[device.device_id] != number]
                before = [device.connections for device in calm]
                killed = node.kill(name)
                node.wait_for(
                    f"{name} is back", lambda n=name, k=killed: (p := node.find_process(n)) is not None and p.pid != k
                )
                fleet.await_progress(100)
                assert [device.connections for device in calm] == before, "the other process's clients noticed"
            node.wait_for("all are online", lambda: all(online(api, device_id) for device_id in slots))
            shut = [next(device for device in fleet.devices if slots[device.device_id] == n) for n in (1, 2)]
            for device in shut:
                assert api.patch(f"/devices/{device.device_id}", json={"disabled": True}).status_code == 200
            began = time.monotonic()
            node.wait_for("both are out", lambda: not any(online(api, device.device_id) for device in shut))
            assert time.monotonic() - began < 10
            for device in shut:
                assert api.patch(f"/devices/{device.device_id}", json={"disabled": False}).status_code == 200
            fleet.finish()
            assert_history(node, api, fleet.devices)
        shown = node.cli("status")
        assert "listener millwright-2" in shown.stdout, shown.stdout
        api.close()
