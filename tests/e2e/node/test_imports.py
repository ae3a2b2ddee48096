"""An import on a node: its own process is killed while it works, and the node with it; nothing is lost or doubled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from millwright.identity.handle.records import StoredRecord
from millwright.kernel import ROOT
from support.identifiers import home, records_over
from support.node import RunningNode

PREFIX = "88.118.8"
ROWS = 60_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path) as running:
        yield running


def importer(node: RunningNode) -> psutil.Process | None:
    for process in node.processes():
        try:
            if process.cmdline()[-2:] == ["run", "importer"]:
                return process
        except psutil.Error:
            continue
    return None


def send(api: httpx.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    assert answer.status_code in (200, 201), (path, answer.text)
    return answer.json()


def test_kill_9_of_the_importer_and_of_the_node(node: RunningNode, tmp_path: Path) -> None:
    with records_over(node.nats_url, node.data) as register:
        home(register, PREFIX.encode(), organisation_id=ROOT)
    api = node.administrator()
    fields = [{"number": 1, "name": "name"}, {"number": 2, "name": "colour"}]
    template = send(api, "POST", "/identifier-templates", json={"name": "Product", "fields": fields})["id"]
    send(api, "POST", f"/identifier-templates/{template}/publish", json={})
    made = send(api, "POST", "/identifiers/imports", json={"file_name": "things.csv"})["id"]
    data = "identifier,name,colour\n" + "".join(f"{PREFIX}/{at:06},thing {at},red\n" for at in range(ROWS))
    half = len(data) // 2
    for offset, part in ((0, data[:half]), (half, data[half:])):
        send(api, "PUT", f"/identifiers/imports/{made}/file", params={"offset": offset}, content=part,
             headers={"Content-Type": "application/octet-stream"})  # fmt: skip
    columns = send(api, "GET", f"/identifiers/imports/{made}/columns", params={"template_id": template})
    assert [each["target"] for each in columns] == ["identifier", "fields.name", "fields.colour"]
    send(api, "POST", f"/identifiers/imports/{made}/start", json={"template_id": template, "batch_size": 500})

    def progress() -> dict[str, Any]:
        found: dict[str, Any] = send(api, "GET", f"/identifiers/imports/{made}")
        return found

    node.wait_for("it began", lambda: progress()["rows"] > 1_000)
    killed = importer(node)
    assert killed is not None
    killed.kill()
    then = progress()["rows"]
    assert then < ROWS, "too quick to be killed"
    node.wait_for("it goes on", lambda: progress()["rows"] > then, timeout_s=60)
    for process in [node.process, *node.processes()]:
        assert process is not None
        with suppress(psutil.NoSuchProcess):  # roles die with their supervisor
            process.kill()
    node.process.wait()  # type: ignore[union-attr]  # it runs
    api.close()
    node.start()
    api = node.administrator()
    node.wait_for("the end", lambda: progress()["state"] not in ("waiting", "running"), timeout_s=120)
    found = progress()
    assert (found["state"], found["rows"], found["registered"], found["refused"]) == ("done", ROWS, ROWS, 0), found
    with records_over(node.nats_url, node.data) as register:
        with register.view() as view:
            names = list(view.iter_handles(PREFIX.encode()))
            assert len(names) == ROWS
            record = view.find(f"{PREFIX}/059999".encode())
            assert isinstance(record, StoredRecord)
            assert [each.version for each in view.history(f"{PREFIX}/059999".encode())] == [1]
            # One version of each: as many as there are changes in the log.
            assert all(view.version(name) == 1 for name in names[::97])
        assert register.verify() >= ROWS
    with closing(api):
        entries = node.wait_for(
            "its end in the ledger",
            lambda: [
                each
                for each in api.get("/ledger/entries", params={"object_kind": "identifier_import"}).json()["items"]
                if each["action"] == "identifiers.imports.end"
            ],
        )
    assert len(entries) == 1
    assert json.dumps(ROWS) in json.dumps(entries)
    node.wait_for("the process ends", lambda: importer(node) is None, timeout_s=30)
    assert time.monotonic() > 0
