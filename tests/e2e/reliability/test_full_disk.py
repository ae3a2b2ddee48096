"""A disk that fills up: a warning first, then intake stops and says so, nothing acknowledged is lost, and all resumes.

The data folder lies on a small tmpfs of its own, which a ballast file fills.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.node import RunningNode
from support.reliability import Fleet, assert_history, pids, problems, register
from support.small_disk import MB, Ballast, small_disk

LOW_MB, STOP_MB = 150, 60


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "node" / "data", 320 * MB) as disk:
        yield disk


@pytest.mark.timeout(180)
def test_full_disk_stops_intake_and_loses_nothing(disk: Path) -> None:
    node = RunningNode(disk.parent, {"node": {"data": str(disk), "disk_low_mb": LOW_MB, "disk_stop_mb": STOP_MB}})
    ballast = Ballast(disk)
    with node, Fleet(node, api := node.administrator()) as fleet:
        fleet.add_both("filling", 2, rate=150)
        fleet.await_progress(100)
        assert not {code for code in problems(api) if code.startswith("app.disk")}

        ballast.leave((LOW_MB + STOP_MB) // 2 * MB)
        node.wait_for("a warning", lambda: "app.disk_low" in problems(api))
        fleet.await_progress(50)

        ballast.leave(STOP_MB * MB - 10 * MB)
        node.wait_for("intake stops and says so", lambda: {"app.disk_full", "listener.intake_full"} <= problems(api))
        held = fleet.acknowledged()
        time.sleep(2)
        assert fleet.acknowledged() == held, "acknowledged although intake is stopped"
        before = pids(node)
        ballast.drop()
        node.wait_for("the problem is over", lambda: not problems(api), timeout_s=30)
        fleet.await_progress(50)
        assert pids(node) == before

        # To the last block, so quickly that nothing could stop before: every engine meets the end of the disk itself.
        ballast.leave(0)
        node.wait_for("a full disk", lambda: "app.disk_full" in problems(api))
        with node.client() as anyone:
            assert anyone.get(node.url + "/healthz").status_code == 200
        time.sleep(4)
        ballast.drop()
        fleet.await_progress(100)
        node.wait_for("all is well", lambda: not problems(api), timeout_s=40)
        assert fleet.acknowledged() > held
        fleet.finish()
        assert_history(node, api, fleet.devices)
        register(api, "after")  # the records can be written again
        api.close()
        assert node.stop() == 0
        with sqlite3.connect(disk / "records.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()
        node.start()  # and chDB and JetStream open again what they kept
        api = node.administrator()
        assert_history(node, api, fleet.devices)
        api.close()
