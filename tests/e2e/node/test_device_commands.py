"""Commands on a started node: paho devices in both dialects, a Sparkplug edge node, people and interlocks."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.commanded import MODEL, OWN, Device, Edge, ask, end_of, obey, registered
from support.node import PASSWORD, RunningNode


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    settings: dict[str, dict[str, Any]] = {"commands": {"timeout_s": 6.0}}
    with RunningNode(tmp_path_factory.mktemp("commands"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def api(node: RunningNode) -> Iterator[httpx.Client]:
    with contextlib.closing(node.administrator()) as client:
        yield client


@pytest.fixture(scope="module")
def model(api: httpx.Client) -> str:
    made = api.post("/models", json=MODEL)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@contextlib.contextmanager
def watching(node: RunningNode, api: httpx.Client) -> Iterator[list[dict[str, Any]]]:
    """What the live stream says of commands meanwhile."""
    events: list[dict[str, Any]] = []
    opened, stop = threading.Event(), threading.Event()

    def listen() -> None:
        with (
            httpx.Client(base_url=f"{node.url}/api/v1", cookies=api.cookies, timeout=20) as client,
            client.stream("GET", "/live") as answer,
        ):
            name = ""
            for line in answer.iter_lines():
                opened.set()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name == "command":
                    events.append(json.loads(line.removeprefix("data: ")))
                if stop.is_set():
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert opened.wait(20)
    try:
        yield events
    finally:
        stop.set()
        thread.join(20)


def states(command: dict[str, Any]) -> list[str]:
    return [each["state"] for each in command["history"]]


def test_a_write_and_a_call_in_our_dialect(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "own", model)
    with Device(node.mqtt_port, token, obey).join(OWN) as device:
        device.values(setpoint=20)
        node.wait_for(
            "there is a value before",
            lambda: next(p for p in api.get(f"/devices/{device_id}/properties").json() if p["name"] == "setpoint")[
                "latest"
            ],
        )
        with watching(node, api) as events:
            written = end_of(api, ask(api, device_id, property="setpoint", value=42.5, reason="test run"))
            node.wait_for("it is told live", lambda: "confirmed" in [each["state"] for each in events])
        assert written["before"]["value"] == 20
        assert (written["state"], written["after"]["value"], written["route"]) == ("confirmed", 42.5, "mqtt_own")
        assert states(written) == ["queued", "sending", "sent", "confirmed"] or states(written) == [
            "queued",
            "sending",
            "confirmed",
        ]
        assert (written["by_name"], written["reason"]) == ("ada", "test run")
        called = end_of(api, ask(api, device_id, service="restart", inputs={"delay_s": 5}))
        assert (called["state"], called["outputs"]) == ("confirmed", {"done": True})
        assert [document.get("value", document.get("inputs")) for _, document in device.got] == [42.5, {"delay_s": 5}]
    entries = node.wait_for(
        "the ledger has its end",
        lambda: (e := api.get(f"/ledger/objects/command/{written['id']}").json()["items"])[1:] and e,
    )
    actions = {each["action"]: each for each in entries}
    assert set(actions) == {"devices.commands.write", "commands.confirmed"}
    assert actions["devices.commands.write"]["actor"]["name"] == "ada"
    changes = {each["path"]: each for each in actions["commands.confirmed"]["changes"]}
    assert (changes["/value"]["before"], changes["/value"]["after"]) == (20, 42.5)
    device = api.get(f"/devices/{device_id}/commands").json()["items"]
    assert [each["kind"] for each in device] == ["call", "write"]


def test_the_dialect_of_thingsboard(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "thing", model)

    def rpc(device: Device, topic: str, document: Any) -> None:
        if topic.startswith("v1/devices/me/rpc/request/"):
            device.say(topic.replace("request", "response"), {"done": True, "echo": document["method"]})

    with Device(node.mqtt_port, token, rpc).join("v1/devices/me/rpc/request/+", "v1/devices/me/rpc/response/+") as one:
        written = end_of(api, ask(api, device_id, property="setpoint", value=7))
        assert (written["state"], written["route"]) == ("confirmed", "mqtt_tb_rpc")
        assert one.got[0][1] == {"method": "setProperty", "params": {"property": "setpoint", "value": 7}}
        called = end_of(api, ask(api, device_id, service="restart", inputs={"delay_s": 1}))
        assert called["outputs"] == {"done": True, "echo": "restart"}
        one_way = end_of(api, ask(api, device_id, service="restart", inputs={"delay_s": 2}, confirm="none"))
        assert one_way["state"] == "delivered"
        one.say("v1/devices/me/rpc/request/5", {"method": "getTime", "params": {}})
        one.say("v1/devices/me/rpc/request/6", {"method": "sudo", "params": {}})
        replies = node.wait_for(
            "both are answered", lambda: [d for t, d in one.got if "response" in t][1:] and dict(one.got[-2:])
        )
        assert abs(replies["v1/devices/me/rpc/response/5"]["time"] - written["ended_ms"]) < 60_000
        assert "sudo" in replies["v1/devices/me/rpc/response/6"]["error"]

    def attribute(device: Device, _topic: str, document: Any) -> None:
        device.values(**document)

    with Device(node.mqtt_port, token, attribute).join("v1/devices/me/attributes", "v1/devices/me/rpc/request/+"):
        shared = end_of(api, ask(api, device_id, property="setpoint", value=8.25))
        assert (shared["state"], shared["route"], shared["outcome"]["code"]) == (
            "confirmed",
            "mqtt_tb_attributes",
            "commands.came_back",
        )
        assert shared["after"]["value"] == 8.25


def test_what_is_wrong_is_said_at_once(api: httpx.Client, model: str) -> None:
    device_id, _ = registered(api, "wrong", model)
    for body, code in (
        ({"property": "setpont", "value": 1}, "commands.property_unknown"),
        ({"property": "speed", "value": 1}, "commands.not_writable"),
        ({"property": "setpoint", "value": 101}, "commands.value_invalid"),
        ({"property": "setpoint", "value": "high"}, "commands.value_invalid"),
        ({"property": "count", "value": 1.5}, "commands.value_invalid"),
        ({"property": "mode", "value": True}, "commands.value_invalid"),
    ):
        answer = api.post(f"/devices/{device_id}/commands/write", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code) or answer.json()["code"] == code
        assert answer.json()["hint"]
    for body, code in (
        ({"service": "restrat"}, "commands.service_unknown"),
        ({"service": "restart"}, "commands.value_invalid"),
        ({"service": "restart", "inputs": {"delay_s": 5, "force": True}}, "commands.value_invalid"),
        ({"service": "restart", "inputs": {"delay_s": 61}}, "commands.value_invalid"),
    ):
        answer = api.post(f"/devices/{device_id}/commands/call", json=body)
        assert answer.json()["code"] == code, answer.text


def test_devices_that_answer_late_never_twice_or_garbage(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "odd", model)
    with Device(node.mqtt_port, token).join(OWN) as device:
        silent = ask(api, device_id, service="restart", inputs={"delay_s": 0}, timeout_s=0.5)
        ended = end_of(api, silent)
        assert (ended["state"], ended["attempts"]) == ("timed_out", 1)
        response = "millwright/v1/commands/response"
        device.say(response, {"id": silent["id"], "status": "ok"})  # late

        def late() -> bool:
            found = api.get(f"/commands/{silent['id']}").json()
            return found["state"] == "timed_out" and found["history"][-1]["state"] == "note"

        node.wait_for("the late answer is in the history", late)

        def answered(*answers: Any, **asked: Any) -> dict[str, Any]:
            before = len(device.got)
            command = ask(api, device_id, **asked)
            node.wait_for("it is asked", lambda: len(device.got) > before)
            for each in answers:
                device.say(response, {"id": command["id"], **each} if isinstance(each, dict) else each)
            return end_of(api, command)

        call = {"service": "restart", "inputs": {"delay_s": 0}}
        twice = answered({"status": "ok"}, {"status": "error", "message": "no"}, **call)
        assert (twice["state"], states(twice).count("confirmed")) == ("confirmed", 1)
        refused = answered({"status": "error", "message": "door open"}, **call)
        assert (refused["state"], refused["outcome"]["text"]) == ("failed", "door open")
        odd = answered({"status": "perhaps"}, **call)
        assert (odd["state"], odd["outcome"]["code"]) == ("failed", "commands.answer_unreadable")
        wrong = answered({"status": "ok", "outputs": {"done": "yes"}}, **call)
        assert (wrong["state"], wrong["outcome"]["code"]) == ("failed", "commands.answer_invalid")
        other = answered({"status": "ok", "value": 3}, property="setpoint", value=4)
        assert (other["state"], other["outcome"]["code"]) == ("failed", "commands.other_value")
        letters = len(api.get("/dead-letters", params={"device_id": device_id}).json()["items"])
        never = answered(b"\xff{", timeout_s=0.5, **call)  # names nothing: a dead letter, and no answer
        assert never["state"] == "timed_out"
        assert len(api.get("/dead-letters", params={"device_id": device_id}).json()["items"]) == letters + 1
        # The device's word is not the effect, where the effect is asked for.
        before = len(device.got)
        effect = ask(api, device_id, property="setpoint", value=5, confirm="value")
        node.wait_for("it is asked", lambda: len(device.got) > before)
        device.say(response, {"id": effect["id"], "status": "ok", "value": 5})
        node.wait_for(
            "it is acknowledged", lambda: api.get(f"/commands/{effect['id']}").json()["state"] == "acknowledged"
        )
        device.values(setpoint=4.9)
        device.values(setpoint=5)
        assert end_of(api, effect)["outcome"]["code"] == "commands.came_back"


def test_another_devices_answer_counts_for_nothing(node: RunningNode, api: httpx.Client, model: str) -> None:
    victim, token = registered(api, "victim", model)
    _, other_token = registered(api, "liar", model)
    with Device(node.mqtt_port, token).join(OWN) as device, Device(node.mqtt_port, other_token).join(OWN) as liar:
        command = ask(api, victim, service="restart", inputs={"delay_s": 0}, timeout_s=2)
        node.wait_for("it is asked", lambda: device.got)
        liar.say("millwright/v1/commands/response", {"id": command["id"], "status": "ok"})
        liar.say(f"v1/devices/me/rpc/response/{command['number']}", {})
        assert end_of(api, command)["state"] == "timed_out"
        assert not liar.got


def test_a_sleeping_device_gets_what_waits_in_order(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "sleeper", model)
    first = ask(api, device_id, property="setpoint", value=1)
    called = ask(api, device_id, service="restart", inputs={"delay_s": 3})
    cancelled = ask(api, device_id, property="count", value=9)
    newer = ask(api, device_id, property="setpoint", value=2)
    short = ask(api, device_id, property="mode", value="auto", expires_s=0)
    assert end_of(api, first)["superseded_by"] == newer["id"]
    assert end_of(api, short)["state"] == "expired"
    assert api.post(f"/commands/{cancelled['id']}/cancel").json()["state"] == "cancelled"
    again = api.post(f"/commands/{cancelled['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "commands.not_waiting")
    last = ask(api, device_id, property="mode", value="manual")
    with Device(node.mqtt_port, token, obey).join(OWN) as device:
        assert [end_of(api, each)["state"] for each in (called, newer, last)] == ["confirmed"] * 3
        sent = [document.get("property", document.get("service")) for _, document in device.got]
        assert sent == ["restart", "setpoint", "mode"]


def test_the_same_key_is_the_same_command(api: httpx.Client, model: str) -> None:
    device_id, _ = registered(api, "keyed", model)
    path, key = f"/devices/{device_id}/commands/write", {"Idempotency-Key": "k-1"}
    one = api.post(path, json={"property": "setpoint", "value": 1}, headers=key)
    two = api.post(path, json={"property": "setpoint", "value": 1}, headers=key)
    assert one.json()["id"] == two.json()["id"]
    assert len(api.get(f"/devices/{device_id}/commands").json()["items"]) == 1


def test_interlocks_and_locks(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "guarded", model)
    rule = {
        "name": "standstill",
        "device_id": device_id,
        "command": "setpoint",
        "conditions": [{"type": "value", "property": "speed", "op": "<", "value": 10}],
    }
    made = api.post("/interlocks", json=rule)
    assert made.status_code == 201, made.text
    path, body = f"/devices/{device_id}/commands/write", {"property": "setpoint", "value": 1}
    waiting = ask(api, device_id, **body)  # asleep: judged when it wakes up
    with Device(node.mqtt_port, token, obey).join(OWN) as device:
        device.values(speed=50)
        ended = end_of(api, waiting)
        assert (ended["state"], ended["outcome"]["detail"]["value"]) == ("refused", 50)
        assert "speed is 50" in ended["outcome"]["text"]
        assert not device.got

        def refused() -> bool:
            answer = api.post(path, json=body)
            return answer.status_code == 409 and answer.json()["data"]["value"] == 50

        node.wait_for("it is refused at asking too", refused)
        device.values(speed=5)
        passed = node.wait_for(
            "the machine stands", lambda: (r := api.post(path, json=body)).status_code == 201 and r.json()
        )
        assert end_of(api, passed)["state"] == "confirmed"
        changed = {**rule, "conditions": [{**rule["conditions"][0], "max_age_s": 0.2}]}
        assert api.put(f"/interlocks/{made.json()['id']}", json=changed).status_code == 200
        node.wait_for("an old value refuses", lambda: "old" in api.post(path, json=body).json().get("detail", ""))
        assert api.delete(f"/interlocks/{made.json()['id']}").status_code == 204
        lock = api.post(f"/devices/{device_id}/locks", json={"reason": "bearing is changed"}).json()
        answer = api.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "commands.interlocked")
        assert "bearing" in answer.json()["detail"]
        assert api.delete(f"/devices/{device_id}/locks/{lock['id']}").status_code == 200
        assert end_of(api, ask(api, device_id, **body))["state"] == "confirmed"
        alarm = {
            "name": "too fast",
            "scope": {"device_id": device_id},
            "property": "speed",
            "priority": "critical",
            "condition": {"kind": "limit", "high": 100},
        }
        assert api.post("/rules", json=alarm).status_code == 201
        calm = {"name": "calm", "model_id": model, "conditions": [{"type": "no_alarm", "priority": "high"}]}
        other = api.post("/interlocks", json=calm).json()["id"]

        def rings() -> bool:
            device.values(speed=150)
            return bool(api.get(f"/devices/{device_id}").json()["alarms_active"])

        node.wait_for("the alarm is active", rings)
        answer = api.post(path, json=body)
        assert (answer.status_code, answer.json()["data"]["alarms"]) == (409, {"critical": 1})
        device.values(speed=5)
        node.wait_for("the alarm has returned", lambda: api.post(path, json=body).status_code == 201)
        assert api.delete(f"/interlocks/{other}").status_code == 204


def test_the_command_line(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "lined", model)
    with Device(node.mqtt_port, token, obey).join(OWN) as device:
        written = node.cli("command", "write", "lined", "setpoint", "12.5", "--reason", "by hand")
        assert (written.returncode, "confirmed" in written.stdout) == (0, True), written.stderr
        called = node.cli("command", "call", "lined", "restart", "--input", "delay_s=5", "--json")
        assert json.loads(called.stdout)["outputs"] == {"done": True}
        assert device.got[1][1]["inputs"] == {"delay_s": 5}
    command_id = ask(api, device_id, property="setpoint", value=13)["id"]
    assert "cancelled" in node.cli("command", "cancel", command_id).stdout
    wrong = node.cli("command", "write", "lined", "setpoint", "1000")
    assert wrong.returncode
    assert "0 to 100" in wrong.stderr


def test_sparkplug_confirms_by_data(node: RunningNode, api: httpx.Client, model: str) -> None:
    sparkplug = {"group_id": "plant", "edge_node_id": "edge1"}
    edge_id, token = registered(api, "edge1", model, sparkplug=sparkplug, kind="sparkplug_edge")
    child = {
        "name": "mixer",
        "kind": "sparkplug_device",
        "parent_id": edge_id,
        "model_id": model,
        "sparkplug": {**sparkplug, "device_id": "mixer"},
    }
    made = api.post("/devices", json=child)
    assert made.status_code == 201, made.text
    mixer = made.json()["id"]
    waiting = ask(api, mixer, property="setpoint", value=12)
    with Edge(node.mqtt_port, token).join("spBv1.0/plant/NCMD/edge1/#", "spBv1.0/plant/DCMD/edge1/#") as edge:
        edge.birth()
        ended = end_of(api, waiting)
        assert (ended["state"], ended["route"], ended["after"]["value"]) == ("confirmed", "sparkplug", 12)
        topic, metric = edge.commands[0]
        assert topic == "spBv1.0/plant/DCMD/edge1/mixer"
        assert (metric.alias, metric.name, metric.datatype, metric.int_value) == (7, "", 2, 12)
        broken = end_of(api, ask(api, mixer, property="setpoint", value=12.5))
        assert (broken["state"], broken["outcome"]["code"]) == ("failed", "commands.metric")
        unknown = end_of(api, ask(api, mixer, property="mode", value="auto"))
        assert (unknown["state"], unknown["outcome"]["code"]) == ("failed", "commands.metric")
        assert end_of(api, ask(api, mixer, service="restart", inputs={"delay_s": 1}))["state"] == "failed"
    with Edge(node.mqtt_port, token, alias=None, obeys=False).join("spBv1.0/plant/DCMD/edge1/+") as deaf:
        deaf.birth()
        late = end_of(api, ask(api, mixer, property="setpoint", value=3, timeout_s=1))
        assert (late["state"], late["attempts"]) == ("timed_out", 1)
        assert deaf.commands[0][1].name == "setpoint"


def test_rights_and_four_eyes(node: RunningNode, api: httpx.Client, model: str) -> None:
    device_id, token = registered(api, "watched", model)
    for name, role in (("vera", "viewer"), ("olga", "operator"), ("bert", "administrator")):
        made = api.post("/people", json={"name": name, "password": PASSWORD, "roles": [role]})
        assert made.status_code == 201, made.text
    clients = {name: node.client() for name in ("vera", "olga", "bert")}
    for name, client in clients.items():
        assert client.post("/session", json={"name": name, "password": PASSWORD}).status_code == 201
    path, body = f"/devices/{device_id}/commands/write", {"property": "setpoint", "value": 1}
    assert clients["vera"].post(path, json=body).status_code == 403
    lock = clients["olga"].post(f"/devices/{device_id}/locks", json={"reason": "mine"}).json()
    other = clients["bert"].post(f"/devices/{device_id}/locks", json={"reason": "his"}).json()
    denied = clients["olga"].delete(f"/devices/{device_id}/locks/{other['id']}")
    assert (denied.status_code, denied.json()["code"]) == (403, "commands.lock_of_another")
    assert clients["bert"].delete(f"/devices/{device_id}/locks/{lock['id']}").status_code == 200
    assert clients["bert"].delete(f"/devices/{device_id}/locks/{other['id']}").status_code == 200
    policy = {"actions": ["devices.commands.write"]}
    assert api.put("/organisations/org_root/approval-policy", json=policy).status_code == 200
    with Device(node.mqtt_port, token, obey).join(OWN) as device:
        held = clients["olga"].post(path, json=body, headers={"X-Reason": "shift"})
        assert held.status_code == 202, held.text
        bulk = clients["olga"].post("/commands/write", json={**body, "device_ids": [device_id]})
        assert bulk.status_code == 202, "many at once are no way around"
        assert not api.get(f"/devices/{device_id}/commands").json()["items"]
        approval = held.json()["approval"]["id"]
        assert clients["bert"].post(f"/approvals/{approval}/approve", json={}).status_code == 200
        listed = api.get(f"/devices/{device_id}/commands").json()["items"]
        assert (len(listed), listed[0]["by_name"]) == (1, "olga")
        assert end_of(api, listed[0])["state"] == "confirmed"
        assert len(device.got) == 1
    undone = clients["bert"].put("/organisations/org_root/approval-policy", json={"actions": []})
    assert undone.status_code == 202, "a policy is not loosened alone"
    assert api.post(f"/approvals/{undone.json()['approval']['id']}/approve", json={}).status_code == 200
    for client in clients.values():
        client.close()


def test_one_command_to_many(node: RunningNode, api: httpx.Client, model: str) -> None:
    one, token = registered(api, "many-1", model)
    two, _ = registered(api, "many-2", model)
    with Device(node.mqtt_port, token, obey).join(OWN):
        ids = [one, two, "dev_none"]
        answer = api.post("/commands/call", json={"service": "restart", "inputs": {"delay_s": 1}, "device_ids": ids})
        assert answer.status_code == 201, answer.text
        batch = answer.json()
        assert batch["total"] == 2
        assert [each["device_id"] for each in batch["refused"]] == ["dev_none"]
        done = node.wait_for(
            "one is done",
            lambda: (b := api.get(f"/commands/batches/{batch['id']}").json())["states"].get("confirmed") and b,
        )
        assert (done["open"], done["states"]) == (1, {"confirmed": 1, "queued": 1})
