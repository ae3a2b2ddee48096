"""The supervisor of a node: one start, clean stop, restarts, and no process left behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.node import RunningNode

ROLES = ("historian", "listener", "resolver", "web")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


def test_every_process_runs_and_says_where_it_is(node: RunningNode) -> None:
    assert all(node.find_process(name) for name in ("nats-server", *ROLES))
    assert f"mqtt://127.0.0.1:{node.mqtt_port}" in node.output()
    assert f"handle://127.0.0.1:{node.handle_port}" in node.output()
    assert node.url in node.output()


def test_second_start_on_the_same_folder_is_refused(node: RunningNode) -> None:
    assert node.process is not None
    refused = node.cli("up")
    assert refused.returncode == 6
    assert f"process {node.process.pid}" in refused.stderr
    assert "--data" in refused.stderr
    assert all(node.find_process(name) for name in ("nats-server", *ROLES))


@pytest.mark.parametrize("name", ["nats-server", *ROLES])
def test_killed_process_is_started_again(node: RunningNode, name: str) -> None:
    killed = node.kill(name)
    found = node.wait_for(
        f"{name} is back", lambda: (process := node.find_process(name)) is not None and process.pid != killed
    )
    assert found
    node.wait_for("the supervisor says so once", lambda: f"{name} is back after" in node.output())
    assert node.process is not None
    assert node.process.poll() is None


def test_sigterm_stops_everything_in_reverse(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    node.start()
    family = [process.pid for process in node.processes()]
    assert node.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in family)
    text = node.output()
    order = [text.index(f"{name} stopped") for name in ("web", "resolver", "listener", "historian", "nats-server")]
    assert order == sorted(order)
    assert not (node.data / "node.json").exists()


def test_children_end_when_the_supervisor_is_killed_and_the_folder_is_free_again(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    node.start()
    family = node.processes()
    assert len(family) >= 4
    assert node.process is not None
    node.process.kill()
    node.process.wait(10)
    _, alive = psutil.wait_procs(family, 20)
    assert alive == []
    node.start()
    assert node.stop() == 0


def test_data_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    assert node.cli("migrate").returncode == 0
    with sqlite3.connect(node.data / "records.db") as database:
        database.execute("INSERT INTO alembic_version VALUES ('devices_9999')")
    database.close()
    refused = node.cli("up")
    assert refused.returncode == 6
    assert "newer version" in refused.stderr
    # A role may have got as far as opening its log while it waited for the migration; it never began its work.
    assert not any(log.stat().st_size for log in (node.data / "logs").glob("web.log"))


def test_wrong_setting_is_named_with_the_nearest_right_one(tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"web": {"prot": 80}})
    refused = node.cli("up")
    assert refused.returncode == 2
    assert "web.prot" in refused.stderr
    assert "web.port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_hanging_process_is_killed_at_the_deadline(tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"node": {"stop_timeout_s": 1.0}})
    node.start()
    hanging = node.find_process("web")
    assert hanging is not None
    os.kill(hanging.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - began < 15
    assert not hanging.is_running()


def test_listener_may_open_as_many_files_as_the_system_allows(node: RunningNode) -> None:
    process = node.find_process("listener")
    assert process is not None
    soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
    assert soft == hard


def test_port_that_is_taken_is_named_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        node = RunningNode(tmp_path, {"mqtt": {"port": port}})
        refused = node.cli("up", timeout_s=60)
    assert refused.returncode == 5
    assert f"port {port}" in refused.stderr
    assert "[mqtt] port" in refused.stderr
    assert not (node.data / "node.json").exists()
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(node.data) in " ".join(p.info["cmdline"] or [])]
