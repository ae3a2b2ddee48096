"""The command line against a running node: what people type, and what they are told when it goes wrong."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.publish as publish
import pytest
from paho.mqtt.client import MQTTv311

from support.node import RunningNode

MODEL = {"name": "Pump", "properties": [{"name": "flow", "unit": "m3/h", "title": "Flow", "title_zh": "流量"}]}
RULE = {
    "name": "Flow low",
    "scope": {"device": "pump-1"},
    "property": "flow",
    "condition": {"kind": "limit", "low": 5},
    "priority": "high",
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


def ask(node: RunningNode, *arguments: str) -> Any:
    done = node.cli(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def send(node: RunningNode, token: str, payload: str) -> None:
    publish.single(
        "millwright/v1/telemetry",
        payload,
        qos=1,
        hostname="127.0.0.1",
        port=node.mqtt_port,
        auth={"username": token, "password": ""},
        protocol=MQTTv311,
    )


def test_from_a_model_to_an_acknowledged_alarm_and_an_export(node: RunningNode) -> None:
    (node.folder / "pump.json").write_text(json.dumps(MODEL))
    (node.folder / "rules.json").write_text(json.dumps([RULE]))
    assert ask(node, "models", "import", "pump.json")[0]["version"] == 1
    again = ask(node, "models", "import", "pump.json")[0]
    assert (again["version"], again["unchanged"]) == (1, True)
    assert "version 1, unchanged" in node.cli("models", "import", "pump.json").stdout
    (node.folder / "pump.json").write_text(json.dumps({**MODEL, "description": "Moves water"}))
    changed = ask(node, "models", "import", "pump.json")[0]
    assert (changed["version"], changed["unchanged"]) == (2, False)
    assert node.cli("models", "export", "Pump").stdout.count("Moves water") == 1
    token = ask(node, "devices", "add", "pump-1", "--model", "Pump", "--tag", "water")["credential"]["token"]
    assert len(ask(node, "rules", "import", "rules.json")) == 1
    assert len(ask(node, "rules", "import", "rules.json")) == 1
    assert [rule["name"] for rule in ask(node, "rules", "list")] == ["Flow low"]

    send(node, token, '{"flow": 3.5}')
    alarm = node.wait_for("an alarm", lambda: ask(node, "alarms", "list"))[0]
    assert (alarm["priority"], alarm["device_name"], alarm["trigger_value"]) == ("high", "pump-1", 3.5)
    assert ask(node, "alarms", "ack", alarm["id"], "--comment", "seen")[0]["state"] == "acknowledged"
    latest = node.wait_for("a reading", lambda: ask(node, "readings", "latest", "pump-1"))
    assert latest[0]["value"] == 3.5
    exported = node.cli("readings", "export", "pump-1", "flow", "--from", "1h", "-o", "flow.csv")
    assert exported.returncode == 0, exported.stderr
    assert "3.5" in (node.folder / "flow.csv").read_text()
    shown = node.cli("devices", "show", "PUMP-1").stdout
    assert "flow" in shown
    assert "3.5" in shown
    assert "pump-1" in node.cli("devices", "export").stdout


def test_message_that_cannot_be_read_is_listed_and_discarded(node: RunningNode) -> None:
    token = ask(node, "devices", "add", "broken")["credential"]["token"]
    send(node, token, "this is no JSON")
    letter = node.wait_for("a dead letter", lambda: ask(node, "dead-letters", "list"))[0]
    assert letter["preview"] == "this is no JSON"
    assert ask(node, "dead-letters", "replay", str(letter["sequence"]))["replayed"] == 1
    again = node.wait_for("the letter is back", lambda: ask(node, "dead-letters", "list"))[0]
    assert again["sequence"] != letter["sequence"]
    assert ask(node, "dead-letters", "discard", "--all")["discarded"] == 1


def test_import_reports_what_it_refused_and_fails(node: RunningNode) -> None:
    (node.folder / "devices.csv").write_text("name,title\nline-1,Line 1\n,nameless\nline-2,Line 2\n")
    done = node.cli("devices", "import", "devices.csv", "--issue", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["created"], [row["row"] for row in report["refused"]]) == (2, [2])
    assert all(issued["token"].startswith("mwd_") for issued in report["credentials"])


def test_a_file_of_a_chinese_spreadsheet_is_read(node: RunningNode) -> None:
    (node.folder / "gb.csv").write_bytes("name,title\nhan-1,循环水泵\n".encode("gb18030"))
    assert ask(node, "devices", "import", "gb.csv")["created"] == 1
    assert ask(node, "devices", "show", "han-1")["title"] == "循环水泵"


def test_who_reads_only_the_first_line_is_no_failure(node: RunningNode) -> None:
    rows = "name\n" + "".join(f"many-{number}\n" for number in range(2000))
    (node.folder / "many.csv").write_text(rows)
    assert node.cli("devices", "import", "many.csv").returncode == 0
    for command in (["devices", "list", "-q", "many"], ["devices", "export"]):
        process = subprocess.Popen(
            node.command(*command), env=node.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().lower().startswith(("name", "\ufeffname"))
        process.stdout.close()
        assert (process.wait(30), process.stderr.read() if process.stderr else "") == (0, "")
        process.stderr.close() if process.stderr else None


def test_every_command_that_asks_a_node_speaks_json(node: RunningNode) -> None:
    rule = {**RULE, "name": "Gone", "scope": {"device": "gone"}}
    (node.folder / "gone.json").write_text(json.dumps([rule]))
    device = ask(node, "devices", "add", "gone")["device"]
    made = ask(node, "rules", "import", "gone.json")[0]
    assert ask(node, "rules", "remove", made["id"]) == {"removed": made["id"]}
    assert ask(node, "readings", "export", "gone", "flow") == []
    assert "gone" in {each["name"] for each in ask(node, "devices", "export")}
    assert ask(node, "devices", "remove", "gone", "--yes") == {"removed": device["id"]}


def test_what_cannot_be_written_is_said_and_nothing_is_left(node: RunningNode) -> None:
    assert node.cli("devices", "add", "writer").returncode == 0
    done = node.cli("readings", "export", "writer", "flow", "-o", "nowhere/flow.csv")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert not list(node.folder.glob("**/*.partial"))


def test_a_proxy_for_the_outside_is_not_asked_for_this_machine(node: RunningNode) -> None:
    environ = node.environ() | {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        node.command("devices", "list"), env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr


def test_status_and_doctor_find_a_running_node_healthy(node: RunningNode) -> None:
    status = node.wait_for("every process is heard", lambda: _status(node))
    assert {role["role"] for role in status["system"]["roles"]} >= {"historian", "listener", "web", "supervisor"}
    done = node.cli("doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert found["healthy"]
    assert {"nats-server", "disk", "clock", "records", "node"} <= {each["check"] for each in found["findings"]}


def _status(node: RunningNode) -> Any:
    done = node.cli("status", "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_each_kind_of_failure_has_its_exit_code(node: RunningNode, tmp_path: Path) -> None:
    unknown = node.cli("devices", "show", "nobody")
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (4, False)
    assert "nobody" in unknown.stderr
    assert node.cli("devices", "add", "twice").returncode == 0
    assert node.cli("devices", "add", "twice").returncode == 6
    assert node.cli("--token", "mwt_wrong", "devices", "list").returncode == 3
    assert node.cli("devices", "list", "--status", "nonsense").returncode == 2
    assert node.cli("--data", str(tmp_path), "status").returncode == 5
    elsewhere = node.cli("--url", "http://127.0.0.1:9", "--token", "x", "status", "--json")
    assert elsewhere.returncode == 5
    assert json.loads(elsewhere.stdout)["error"]["code"] == "cli.no_node"


def test_settings_say_where_they_come_from(node: RunningNode) -> None:
    found = {entry["key"]: entry for entry in ask(node, "settings", "list")}
    assert found["web.port"]["value"] == node.web_port
    assert found["web.port"]["origin"].endswith("millwright.toml")
    assert "MILLWRIGHT_WEB_PORT" in node.cli("settings", "show", "web.port").stdout
    assert "web.port" in node.cli("settings", "show", "web.prot").stderr


def test_tokens_are_made_used_and_ended(node: RunningNode) -> None:
    made = ask(node, "token", "add", "grafana", "--role", "viewer")
    assert node.cli("--token", made["token"], "devices", "list").returncode == 0
    assert node.cli("--token", made["token"], "devices", "add", "no").returncode == 3
    assert node.cli("token", "remove", made["id"]).returncode == 0
    assert made["id"] not in {token["id"] for token in ask(node, "token", "list")}


def test_doctor_names_who_holds_a_port_and_how_to_mend_it(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        node = RunningNode(tmp_path, {"web": {"port": port}})
        done = node.cli("doctor", "--json")
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert f"(process {os.getpid()})" in found[f"port {port} (web)"]["message"]
    assert "[web] port" in found[f"port {port} (web)"]["hint"]


def test_doctor_explains_unreadable_settings(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    node.config.write_text("[web]\nport = \n")
    done = node.cli("doctor")
    assert done.returncode == 1
    assert "WRONG" in done.stdout
    assert "millwright.toml" in done.stdout
