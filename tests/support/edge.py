"""A parent and an edge as two nodes on this machine, joined by a line that can be cut."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.cut import Line
from support.node import RunningNode
from support.ports import free_port


class Parent(RunningNode):
    """A node that lets edges in, at a line that can be cut."""

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.hub_port = free_port()
        edges = {"host": "127.0.0.1", "port": self.hub_port, **(settings or {}).get("edges", {})}
        super().__init__(folder, {**(settings or {}), "edges": edges})


class KeptNode(RunningNode):
    """A node that ``millwright edge up`` runs: the supervisor is a child of the process that was started."""

    def command(self, *arguments: str) -> list[str]:
        return super().command(*(("edge", "up") if arguments == ("up",) else arguments))

    def is_ours(self, pid: int) -> bool:
        return any(each.pid == pid for each in self.processes())


class EdgeNode(KeptNode):
    """An edge; :meth:`join` it before it is started. Its broker comes to the parent over :attr:`line`."""

    def __init__(self, folder: Path, parent: Parent, settings: dict[str, dict[str, Any]] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.parent = parent
        self.line = Line(parent.hub_port)
        super().__init__(folder, settings)

    def join(self, code: str) -> subprocess.CompletedProcess[str]:
        """``millwright edge join``; what the edge is told of the parent's port leads over the line."""
        done = self.cli("edge", "join", self.parent.url, code)
        if done.returncode == 0:
            file = self.data / "edge.json"
            kept = json.loads(file.read_text())
            kept["urls"] = [each.replace(str(self.parent.hub_port), str(self.line.port)) for each in kept["urls"]]
            file.write_text(json.dumps(kept))
        return done


def enrol(api: httpx.Client, name: str = "hall 3") -> dict[str, Any]:
    """A new edge with its code."""
    reply = api.post("/edges", json={"name": name})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


def add_device(api: httpx.Client, name: str, edge_id: str | None = None) -> tuple[str, str]:
    """A device at the edge, and its token."""
    reply = api.post("/devices", json={"name": name, "edge_id": edge_id})
    assert reply.status_code == 201, reply.text
    device_id = reply.json()["id"]
    token = api.post(f"/devices/{device_id}/credentials", json={}).json()["token"]
    return device_id, token


@contextlib.contextmanager
def chromium_parent(folder: Path) -> Iterator[Parent]:
    """A running parent with its console; skips the test when that is not built."""
    built = Path(__file__).parents[2] / "src" / "millwright" / "web" / "console" / "index.html"
    if not built.exists():
        pytest.skip("the console is not built: run `python hatch_build.py`")
    with Parent(folder) as node:
        yield node
