"""Clocks that jump: a device's, far away; and the node's own wall clock, two hours ahead and back.

The node's roles run under libfaketime, whose offset is a file. The monotonic clock is left alone, as it is on a machine
whose clock is set. nats-server calls the kernel without the C library and keeps the true time.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import psutil
import pytest

from support.node import RunningNode
from support.reliability import TOPIC, Device, Fleet, assert_history, history, pids

TWO_HOURS_MS = 7_200_000


def find_faketime() -> Path | None:
    """Debian's libfaketime for programs with threads."""
    return next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


class NodeUnderFaketime(RunningNode):
    """A node whose wall clock can be set."""

    def environ(self) -> dict[str, str]:
        library = find_faketime()
        assert library is not None
        return super().environ() | {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    @property
    def offset(self) -> Path:
        return self.folder / "offset"

    def jump(self, seconds: int) -> None:
        """Set the wall clock to so many seconds from the truth."""
        partial = self.offset.with_suffix(".new")
        partial.write_text(f"{seconds:+d}")
        partial.replace(self.offset)


class Wanderer(Device):
    """States times that cannot be, one after the other."""

    TIMES = (0, 1, 86_400_000, 946_684_799_999, 4_102_444_800_000, 253_402_300_799_999, -1, 10**18)

    def message(self, number: int) -> tuple[str, bytes]:
        stated = self.TIMES[number % len(self.TIMES)]
        return TOPIC, json.dumps({"ts": stated, "values": {"n": number}}).encode()


def rule(api: httpx.Client, name: str, device_id: str, condition: dict[str, object]) -> None:
    reply = api.post(
        "/rules",
        json={
            "name": name,
            "enabled": True,
            "scope": {"device_id": device_id},
            "property": "n",
            "condition": condition,
            "priority": "high",
            "message": name,
        },
    )
    assert reply.status_code == 201, reply.text


def alarms(api: httpx.Client) -> list[tuple[str, bool, int]]:
    """Rule, whether it is active, how often it was raised; of every alarm."""
    return sorted(
        (each["rule_name"], each["active"], each["occurrences"]) for each in api.get("/alarms").json()["items"]
    )


@pytest.mark.timeout(180)
def test_wall_clock_that_jumps_ahead_and_back(tmp_path: Path) -> None:
    if find_faketime() is None:
        pytest.skip("libfaketime is not installed (apt install libfaketime)")
    node = NodeUnderFaketime(tmp_path)
    node.jump(0)
    with node, Fleet(node, api := node.administrator()) as fleet:
        timed = fleet.add("timed", timed=True, rate=50)
        plain = fleet.add("plain", timed=False, rate=50)
        wanderer = fleet.add("wanderer", kind=Wanderer, timed=False, rate=50)
        rule(api, "high", plain.device_id, {"kind": "limit", "high": 20, "deadband": 1})
        for device in (timed, plain):
            rule(api, f"{device.name} silent", device.device_id, {"kind": "stale", "after_s": 30})
        node.wait_for("the alarm", lambda: alarms(api) == [("high", True, 1)])
        before = pids(node)
        truth_ms = time.time_ns() // 1_000_000
        for seconds in (7200, 0, -7200, 0):
            node.jump(seconds)
            fleet.await_progress(60)
            node.wait_for("no hot loop", lambda: is_calm(node), timeout_s=10)
            presence = {each["name"]: each["presence"]["online"] for each in api.get("/devices").json()["items"]}
            assert presence == {"timed": True, "plain": True, "wanderer": True}
            assert alarms(api) == [("high", True, 1)]
            assert api.get("/session").status_code == 200
            node.wait_for("every role is seen", lambda: states(api) == {"running"}, timeout_s=5)
        fleet.await_progress(20)
        fleet.finish()
        assert pids(node) == before
        assert [device.connections for device in fleet.devices] == [1, 1, 1], "a device was thrown out"
        assert_history(node, api, [timed, plain])
        rows = history(api, plain.device_id, "n") or []
        ahead = [row for row in rows if row["time_ms"] > truth_ms + TWO_HOURS_MS - 60_000]
        assert ahead, "the node's clock was never ahead: the test tests nothing"
        assert_replaced(api, wanderer)
        api.close()
        assert "Traceback" not in node.output()


def assert_replaced(api: httpx.Client, device: Device) -> None:
    """Every value is there once, at the time of reception, and not called good."""
    rows = history(api, device.device_id, "n") or []
    assert sorted(row["value"] for row in rows) == sorted(device.acknowledged_at)
    assert {row["quality"] for row in rows} == {64}
    now_ms = time.time_ns() // 1_000_000
    assert all(abs(row["time_ms"] - now_ms) < TWO_HOURS_MS + 120_000 for row in rows)


def is_calm(node: RunningNode) -> bool:
    """Whether no process is busy most of the next second; what a jump wakes up may work for a moment."""
    before = cpu_of(node)
    time.sleep(1)
    busy = {name: seconds - before[name] for name, seconds in cpu_of(node).items()}
    return max(busy.values()) < 0.8


def cpu_of(node: RunningNode) -> dict[str, float]:
    """Processor seconds each role has used."""
    found = {name: psutil.Process(pid).cpu_times() for name, pid in pids(node).items() if pid}
    return {name: times.user + times.system for name, times in found.items()}


def states(api: httpx.Client) -> set[str]:
    """The states of all processes as the node shows them."""
    return {role["state"] for role in api.get("/system").json()["roles"]}
