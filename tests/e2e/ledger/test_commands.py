"""A whole node with a witness beside it: what the commands of the ledger say, and what they find."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.publish as publish
import pytest

from support.node import RunningNode
from support.ports import free_port

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A node's key is made before its first start, so that the witness can know it."""
    folder = tmp_path_factory.mktemp("witnessed")
    node = RunningNode(folder)
    key = node.cli("ledger", "keys").stdout.strip()
    port = free_port()
    command = [sys.executable, "-m", "millwright", "ledger", "witness", str(folder / "w"), "--log", key]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url, witness_key = process.stdout.readline().split()
    yield {"folder": folder, "log_key": key, "url": url, "key": witness_key, "home": folder / "w"}
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def node(witness: dict[str, Any]) -> Iterator[RunningNode]:
    settings = {"ledger": {"witnesses": [f"{witness['url']} {witness['key']}"], "witness_every_s": 0.2}}
    with RunningNode(witness["folder"], settings) as running:
        yield running


def entries(node: RunningNode, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(node.cli("ledger", "list", "--json", *arguments).stdout)
    return found


def export(node: RunningNode, folder: Path) -> Path:
    assert node.cli("ledger", "export", str(folder)).returncode == 0
    return folder


def test_what_was_done_is_listed_shown_and_proved(node: RunningNode) -> None:
    api = node.administrator()
    device = api.post("/devices", json={"name": "lathe-1"}).json()
    api.patch(f"/devices/{device['id']}", json={"title": "Lathe by the door"})
    found = node.wait_for(
        "both entries", lambda: found if len(found := entries(node, "--object", device["id"])) == 2 else None
    )
    assert [each["action"] for each in found] == ["devices.change", "devices.add"]
    said = node.cli("ledger", "list", "--kind", "device").stdout
    assert "devices.change" in said
    assert "lathe-1" in said
    assert "Lathe by the door" in node.cli("ledger", "show", found[0]["id"]).stdout
    assert found[0]["id"] in node.cli("ledger", "search", "LATHE", "door").stdout
    assert "No entries." in node.cli("ledger", "search", "nothing-of-this-kind").stdout
    assert "is in the log of" in node.cli("ledger", "prove", found[0]["id"]).stdout
    refused = node.cli("ledger", "prove", found[0]["id"], "--key", "other+00000000+AAAA")
    assert refused.returncode != 0
    started = entries(node, "--action", "node.start")[-1]
    assert started["actor"]["kind"] == "system"
    api.close()


def test_a_refused_device_is_told(node: RunningNode) -> None:
    with pytest.raises(Exception):  # noqa: B017 - paho says it in several ways
        who = {"username": "who", "password": "secret-x"}
        publish.single("x", b"1", qos=1, hostname="127.0.0.1", port=node.mqtt_port, auth=who)
    found = node.wait_for("the refusal", lambda: entries(node, "--action", "mqtt.connect"))
    assert found[0]["outcome"] == "denied"
    assert found[0]["error"].startswith("mqtt.")
    assert "secret-x" not in json.dumps(found)


def test_a_copy_is_verified_and_a_planted_change_is_named(
    node: RunningNode, witness: dict[str, Any], tmp_path: Path
) -> None:
    copy = export(node, tmp_path / "copy")
    options = ["--key", witness["log_key"], "--witness-key", witness["key"]]

    def witnessed() -> bool:
        export(node, copy)
        return node.cli("ledger", "verify", str(copy), *options).returncode == 0

    node.wait_for("a tree head that the witness co-signed", witnessed)
    said = node.cli("ledger", "verify", str(copy), *options).stdout
    assert "All is as it was signed." in said
    bundles = [path for path in (copy / "tile" / "entries").rglob("*") if path.is_file()]
    bundle = max(bundles, key=lambda path: int(path.name))  # copies made before have left shorter ones
    whole = bundle.read_bytes()
    assert b"node.start" in whole
    bundle.write_bytes(whole.replace(b"node.start", b"node.START", 1))
    done = node.cli("ledger", "verify", str(copy), *options)
    assert done.returncode != 0
    assert "altered: Entry " in done.stdout
    bundle.write_bytes(whole)
    # The witness's own memory is a tree head kept elsewhere.
    (seen,) = witness["home"].glob("*/latest")
    again = node.cli("ledger", "verify", str(copy), *options, "--checkpoint", str(seen))
    assert again.returncode == 0 or "to " in again.stdout


def test_a_restart_tells_which_settings_changed(node: RunningNode) -> None:
    node.stop()
    changed = node.config.read_text(encoding="utf-8").replace("witness_every_s = 0.2", "witness_every_s = 0.3")
    node.config.write_text(changed, encoding="utf-8")
    node.start()
    (entry,) = node.wait_for("the entry of the change", lambda: entries(node, "--action", "settings.change"))
    assert [(each["path"], each["before"], each["after"]) for each in entry["changes"]] == [
        ("/ledger.witness_every_s", 0.2, 0.3)
    ]
    lives = [each["action"] for each in entries(node, "--action", "node.*")]
    assert lives[:2] == ["node.start", "node.stop"]


def test_a_key_is_rotated_while_the_node_runs(node: RunningNode, witness: dict[str, Any], tmp_path: Path) -> None:
    new = node.cli("ledger", "rotate-key").stdout.strip()

    def both_sign() -> bool:
        copy = export(node, tmp_path / "rotated")
        return all(
            node.cli("ledger", "verify", str(copy), "--key", key).returncode == 0 for key in (new, witness["log_key"])
        )

    node.wait_for("a tree head signed by both keys", both_sign, timeout_s=40)


def test_killed_roles_lose_and_double_nothing(node: RunningNode, tmp_path: Path) -> None:
    api = node.administrator()
    done = []
    for number in range(60):
        if number in (20, 40):
            node.kill("historian")
        answer = api.post("/places", json={"name": f"Hall {number}", "level": "site"})
        if answer.status_code == 201:
            done.append(answer.json()["id"])
    assert len(done) == 60
    api.close()

    def all_there() -> bool:
        try:
            return len(entries(node, "--action", "places.add", "--limit", "1000")) >= 60
        except ValueError:
            return False

    node.wait_for("every entry", all_there, timeout_s=60)
    told = [each["target"]["id"] for each in entries(node, "--action", "places.add", "--limit", "1000")]
    assert sorted(told) == sorted(done)
    node.wait_for("a proof", lambda: node.cli("ledger", "export", str(tmp_path / "killed")).returncode == 0)
    assert node.cli("ledger", "verify", str(tmp_path / "killed")).returncode == 0
