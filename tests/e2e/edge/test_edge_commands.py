"""Commands for devices at an edge: carried out there once, whoever dies or is away, and told at both ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.commanded import MODEL, OWN, Device, ask, end_of, obey, registered
from support.edge import EdgeNode, Parent, enrol


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Parent, EdgeNode, httpx.Client, str]]:
    folder = tmp_path_factory.mktemp("commanded")
    with Parent(folder / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        edge = EdgeNode(folder / "edge", parent)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        with edge:
            edge_id = made["edge"]["id"]
            edge.wait_for("the link", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "connected")
            yield parent, edge, api, edge_id
            edge.line.cut()
        api.close()


def command(api: httpx.Client, asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/commands/{asked['id']}").json()
    return found


@pytest.mark.timeout(300)
def test_commands_at_an_edge(nodes: tuple[Parent, EdgeNode, httpx.Client, str]) -> None:
    parent, edge, api, edge_id = nodes
    model_id = api.post("/models", json=MODEL).json()["id"]
    device_id, token = registered(api, "pump", model_id, edge_id=edge_id)
    parent.wait_for("the device is known there", lambda: applied(api, edge_id) == 1, 30)

    with Device(edge.mqtt_port, token, obey) as device:
        device.join(OWN)
        done = end_of(api, ask(api, device_id, property="setpoint", value=42.5, reason="trial"))
        assert (done["state"], done["route"], done["after"]["value"]) == ("confirmed", "edge", 42.5), done
        called = end_of(api, ask(api, device_id, service="restart", inputs={"delay_s": 1}))
        assert (called["state"], called["outputs"]) == ("confirmed", {"done": True}), called

        # What stands against it at the parent stands against it at the edge, where the values are fresh.
        slow = {"type": "value", "property": "speed", "op": "<", "value": 5}
        made = api.post("/interlocks", json={"name": "standstill", "device_id": device_id, "conditions": [slow]})
        assert made.status_code == 201, made.text
        parent.wait_for("the interlock is there", lambda: section(api, edge_id, "guards") == 1, 30)
        device.values(speed=20)
        parent.wait_for("the speed", lambda: newest(api, device_id, "speed") == 20)
        refused = api.post(f"/devices/{device_id}/commands/write", json={"property": "setpoint", "value": 1})
        assert refused.json()["code"] == "commands.interlocked", refused.text
        device.values(speed=0)
        parent.wait_for("it stands", lambda: newest(api, device_id, "speed") == 0)

        # While the edge is away commands wait, and expire.
        edge.line.cut()
        parent.wait_for("it is away", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "cut", 30)
        brief = ask(api, device_id, property="mode", value="off", expires_s=3)
        waiting = ask(api, device_id, property="setpoint", value=43, expires_s=600)
        assert end_of(api, brief)["state"] == "expired"
        assert command(api, waiting)["state"] == "queued"
        device.values(speed=30)  # which the parent cannot know
        edge.line.join()
        stopped = end_of(api, waiting)
        assert stopped["state"] == "refused", stopped
        assert stopped["outcome"]["code"] == "commands.interlocked"
        assert api.delete(f"/interlocks/{made.json()['id']}").status_code == 204
        parent.wait_for("it is gone there", lambda: section(api, edge_id, "guards") == 0, 30)

        # Either end is killed while calls, which must never be made twice, are under way.
        got = len(device.got)
        calls = []
        for number in range(4):
            calls.append(ask(api, device_id, service="restart", inputs={"delay_s": number}, expires_s=600, timeout_s=8))
            victim, role = ((parent, "edges"), (edge, "edge"), (edge, "historian"), (parent, "historian"))[number % 4]
            victim.kill(role)
            if number == 1:
                edge.line.cut()
                time.sleep(0.5)  # some of it falls between the two ends
                edge.line.join()
        ends = [end_of(api, each) for each in calls]
        assert {each["state"] for each in ends} <= {"confirmed", "timed_out"}, ends
        assert any(each["state"] == "confirmed" for each in ends), ends
        made_there = [document["id"] for _, document in device.got[got:]]
        assert len(made_there) == len(set(made_there)), "none was made twice"
        assert {each["id"] for each in ends if each["state"] == "confirmed"} <= set(made_there)

    # A device that sleeps is waited for at the edge, also while the link is cut; the end is told afterwards.
    parent.wait_for("it sleeps", lambda: not api.get(f"/devices/{device_id}").json()["presence"]["online"], 30)
    mistake = ask(api, device_id, property="mode", value="off", expires_s=600)
    parent.wait_for("the edge has it", lambda: command(api, mistake)["state"] == "sent", 30)
    assert api.post(f"/commands/{mistake['id']}/cancel").json()["state"] == "cancelled"
    older = ask(api, device_id, property="setpoint", value=49, expires_s=600)
    called = ask(api, device_id, service="restart", inputs={"delay_s": 1}, expires_s=600)
    parent.wait_for("the edge has both", lambda: command(api, called)["state"] == "sent", 30)
    asleep = ask(api, device_id, property="setpoint", value=50, expires_s=600)
    parent.wait_for("the edge has it", lambda: command(api, asleep)["state"] == "sent", 30)
    over = command(api, older)
    assert (over["state"], over["superseded_by"]) == ("superseded", asleep["id"])
    edge.line.cut()
    parent.wait_for("it is away", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "cut", 30)
    wanted = api.post(f"/commands/{called['id']}/cancel").json()
    assert (wanted["state"], bool(wanted["withdrawal"])) == ("sent", True)
    with Device(edge.mqtt_port, token, obey) as device:
        device.join(OWN)
        edge.wait_for("it is told", lambda: len(device.got) == 2, 30)
        edge.line.join()
        woken = end_of(api, asleep)
        assert end_of(api, called)["state"] == "confirmed", "it was too late"
    assert (woken["state"], woken["after"]["value"]) == ("confirmed", 50), woken
    assert next(each["state"] for each in woken["history"]) == "queued"

    # Moved to the parent the device is known at the edge no more; its token and its commands go with it, and back.
    with Device(edge.mqtt_port, token, obey) as there, Device(parent.mqtt_port, token, obey) as here:
        there.join(OWN)
        assert api.patch(f"/devices/{device_id}", json={"edge_id": None}).status_code == 200
        parent.wait_for("the edge let it go", lambda: section(api, edge_id, "devices") == 0, 30)
        here.join(OWN)
        direct = end_of(api, ask(api, device_id, property="setpoint", value=51))
        assert (direct["state"], direct["route"]) == ("confirmed", "mqtt_own"), direct
        assert [document["value"] for _, document in here.got] == [51]
        assert there.got == []
    assert api.patch(f"/devices/{device_id}", json={"edge_id": edge_id}).status_code == 200
    parent.wait_for("the edge has it again", lambda: section(api, edge_id, "devices") == 1, 30)
    with Device(edge.mqtt_port, token, obey) as there:
        there.join(OWN)
        again = end_of(api, ask(api, device_id, property="setpoint", value=52))
        assert (again["state"], again["route"]) == ("confirmed", "edge"), again


def applied(api: httpx.Client, edge_id: str) -> int:
    return section(api, edge_id, "devices")


def section(api: httpx.Client, edge_id: str, name: str) -> int:
    """How many of it are in force at the edge."""
    status = api.get(f"/edges/{edge_id}").json()["status"] or {}
    return next((each["in_force"] for each in status.get("sections", []) if each["name"] == name), -1)


def newest(api: httpx.Client, device_id: str, name: str) -> Any:
    found = api.get("/readings/latest", params={"device_id": device_id})
    rows = found.json()["items"] if found.status_code == 200 else []
    return next((each["value"] for each in rows if each["property"] == name), None)
