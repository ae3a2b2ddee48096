"""A node as its users have it: a ThingsBoard gateway, a device over HTTP, and history whose import is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import psutil
import pytest
from pyarrow import parquet

from support.mqtt import hang_up
from support.node import RunningNode

T = 1_700_000_000_000
ROWS = 600_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path) as running:
        yield running


def send(api: httpx.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    assert answer.status_code in (200, 201), (path, answer.text)
    return answer.json()


def on_demand(node: RunningNode, role: str) -> psutil.Process | None:
    for process in node.processes():
        try:
            if process.cmdline()[-2:] == ["run", role]:
                return process
        except psutil.Error:
            continue
    return None


def test_a_gateway_a_sender_and_the_past(node: RunningNode, tmp_path: Path) -> None:
    api = node.administrator()
    gateway = send(api, "POST", "/devices", json={"name": "gw", "kind": "gateway"})
    token = send(api, "POST", f"/devices/{gateway['id']}/credentials", json={})["token"]
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "gw")
    client.username_pw_set(token)
    client.connect("127.0.0.1", node.mqtt_port)
    client.loop_start()
    for topic, message in (
        ("v1/gateway/connect", {"device": "Meter 1"}),
        ("v1/gateway/telemetry", {"Meter 1": [{"ts": T, "values": {"kwh": 5}}], "Meter 2": [{"kwh": 6}]}),
    ):
        client.publish(topic, json.dumps(message), qos=1).wait_for_publish(10)

    def below() -> dict[str, Any]:
        found = send(api, "GET", "/devices", params={"parent_id": gateway["id"]})["items"]
        return {each["name"]: each for each in found if each["presence"]["online"]}

    node.wait_for("the gateway's devices are there and online", lambda: len(below()) == 2)
    meter = below()["Meter 1"]["id"]
    sender = send(api, "POST", "/devices", json={"name": "sender"})
    key = send(api, "POST", f"/devices/{sender['id']}/credentials", json={})["token"]
    answer = httpx.post(f"{node.url}/api/v1/{key}/telemetry", json={"speed": 7}, trust_env=False)
    assert answer.status_code == 200, answer.text

    def newest(device_id: str) -> dict[str, Any]:
        found = send(api, "GET", "/readings/latest", params={"device_id": device_id})["items"]
        return {each["property"]: each["value"] for each in found}

    node.wait_for("both are stored", lambda: newest(sender["id"]) == {"speed": 7} and newest(meter) == {"kwh": 5})
    client.disconnect()
    hang_up(client)
    node.wait_for("the gateway's devices are gone with it", lambda: not below())

    past = tmp_path / "past.csv"
    past.write_text("time,value\n" + "".join(f"{T + at},{at}\n" for at in range(ROWS)))
    said = node.cli("readings", "import", str(past), "--device", "sender", "--property", "past", "--no-wait", "--json")
    assert said.returncode == 0, said.stderr
    path = f"/readings/imports/{json.loads(said.stdout)['id']}"
    node.wait_for("it began", lambda: send(api, "GET", path)["rows"] > 0, timeout_s=60)
    killed = on_demand(node, "history_importer")
    assert killed is not None
    killed.kill()
    assert send(api, "GET", path)["state"] == "running", "too quick to be killed"

    def done() -> bool:
        found = send(api, "GET", path)
        assert found["state"] in ("waiting", "running", "done"), found
        return bool(found["state"] == "done")

    node.wait_for("it goes on to its end", done, timeout_s=120)
    found = send(api, "GET", path)
    assert (found["rows"], found["readings"], found["refused"]) == (ROWS, ROWS, 0)
    window = {"device_id": sender["id"], "property": "past", "from_ms": T, "to_ms": T + ROWS, "buckets": 1}
    [series] = send(api, "GET", "/readings/buckets", params=window)["series"]
    assert sum(series["count"]) == ROWS
    again = node.cli("readings", "import", str(past), "--device", "sender", "--property", "past", timeout_s=120)
    assert again.returncode == 0, again.stderr
    [series] = send(api, "GET", "/readings/buckets", params=window)["series"]
    assert sum(series["count"]) == ROWS
    take_out(node, api, tmp_path)
    api.close()


def take_out(node: RunningNode, api: httpx.Client, folder: Path) -> None:
    """All of it as a file, made by a process that is killed once; nothing half is seen meanwhile."""
    said = node.cli("export", "add", "the past", "--device", "sender", "--property", "past", "--from", str(T),
                    "--to", str(T + ROWS), "--format", "parquet", "--time-zone", "Asia/Shanghai", "--json")  # fmt: skip
    assert said.returncode == 0, said.stderr
    made = json.loads(said.stdout)["id"]
    said = node.cli("export", "run", "the past", "--no-wait", "--json")
    assert said.returncode == 0, said.stderr
    path = f"/readings/exports/runs/{json.loads(said.stdout)['id']}"
    node.wait_for("it began", lambda: send(api, "GET", path)["readings"] > 0, timeout_s=60)
    killed = on_demand(node, "history_exporter")
    assert killed is not None
    killed.kill()
    then = send(api, "GET", path)
    assert then["state"] == "running", "too quick to be killed"
    assert not list(node.data.glob("reading-exports/*/*.parquet"))

    def done() -> bool:
        found = send(api, "GET", path)
        assert found["state"] in ("running", "done"), found
        return bool(found["state"] == "done")

    node.wait_for("it is made anew", done, timeout_s=120)
    found = send(api, "GET", path)
    assert (found["from_ms"], found["to_ms"], found["readings"]) == (then["from_ms"], then["to_ms"], ROWS)
    target = folder / "past.parquet"
    said = node.cli("export", "fetch", found["id"], "-o", str(target))
    assert said.returncode == 0, said.stderr
    table = parquet.read_table(target)
    assert table.column("number").to_pylist() == [float(at) for at in range(ROWS)]
    assert node.cli("export", "show", "the past").returncode == 0
    assert node.cli("export", "remove", made).returncode == 0
    assert not list(node.data.glob("reading-exports/*/*"))
