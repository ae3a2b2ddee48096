"""Sensing and place on a real node: beacons by MQTT and a reader by LLRP, the death of the tracker, a machine moved."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.commanded import MODEL, OWN, Device, obey
from support.llrp_reader import LlrpReader, Seen
from support.node import RunningNode

EPC = "E28011700000020D1F2A3B4C"


@contextmanager
def reader_beside() -> Iterator[LlrpReader]:
    """An LLRP reader with a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    reader = LlrpReader()
    asyncio.run_coroutine_threadsafe(reader.start(), loop).result(20)
    try:
        yield reader
    finally:
        asyncio.run_coroutine_threadsafe(reader.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def made(api: httpx.Client, method: str, path: str, body: Any) -> Any:
    answer = api.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def kinds(api: httpx.Client, zone_id: str) -> list[tuple[str, str | None]]:
    """What happened in a zone, oldest first."""
    answer = api.get("/location/events", params={"zone_id": zone_id, "limit": 1000})
    found = answer.json()["items"] if answer.status_code == 200 else []
    return [(each["kind"], each["tag"]) for each in reversed(found) if each["tag"]]


def test_places_on_a_node(tmp_path: Path) -> None:
    settings = {"connectors": {"linger_s": 1.0, "first_retry_s": 0.1}}
    with RunningNode(tmp_path, settings) as node, reader_beside() as reader:
        api = node.administrator()
        assert node.find_process("location") is None, "without a reader it costs nothing"
        gateway = made(api, "POST", "/devices", {"name": "gateway"})["id"]
        token = made(api, "POST", f"/devices/{gateway}/credentials", {})["token"]
        press_model = made(api, "POST", "/models", MODEL)["id"]
        press = made(api, "POST", "/devices", {"name": "press", "model_id": press_model})["id"]
        press_token = made(api, "POST", f"/devices/{press}/credentials", {})["token"]
        made(api, "PUT", f"/location/readers/{gateway}", {"silence_s": 600})
        zone = {"name": "Cell", "antennas": [{"device_id": gateway}], "exit_s": 2}
        cell = made(api, "POST", "/location/zones", zone)["id"]
        made(api, "PUT", "/location/tags/aa:01", {"name": "Fork lift 1", "group": "lifts"})
        rule = {"name": "slow down", "on": "enter", "zone_id": cell, "group": "lifts", "device_id": press}
        rule |= {"command": "setpoint", "value": 10, "again_after_s": 60}
        rule_id = made(api, "POST", "/location/rules", rule)["id"]
        node.wait_for("the tracker", lambda: node.find_process("location") is not None)

        with Device(node.mqtt_port, token) as beacons, Device(node.mqtt_port, press_token, obey) as machine:
            beacons.join("millwright/v1/commands/request")
            machine.join(OWN)

            def see(*tags: str) -> None:
                now_ms = round(time.time() * 1000)
                sightings = [{"mac": tag, "rssi": -50} for tag in tags]
                beacons.say("millwright/v1/sightings", {"ts": now_ms, "sightings": sightings})

            def until(what: str, *tags: str, holds: Any) -> None:
                def look() -> bool:
                    see(*tags)
                    time.sleep(0.2)
                    return bool(holds())

                node.wait_for(what, look, 60)

            until("an entry", "aa:01", "bb:02", holds=lambda: len(kinds(api, cell)) == 2)
            assert sorted(kinds(api, cell)) == [("enter", "AA:01"), ("enter", "BB:02")]
            node.wait_for("a command", lambda: machine.got, 30)
            (reaction,) = api.get(f"/location/rules/{rule_id}/reactions").json()
            assert (reaction["state"], reaction["tag"]) == ("asked", "AA:01")
            asked = api.get(f"/commands/{reaction['command_id']}", params={"wait_s": 20}).json()
            assert (asked["state"], asked["value"]) == ("confirmed", 10), asked
            assert "slow down" in asked["by_name"]

            for _ in range(2):  # killed while it follows; the second of the two sits where nothing was kept since
                dead = node.kill("location")
                see("aa:01")
                node.wait_for(
                    "another tracker",
                    lambda dead=dead: (found := node.find_process("location")) is not None and found.pid != dead,
                )
            until("an exit", "aa:01", holds=lambda: ("exit", "BB:02") in kinds(api, cell))
            (now,) = api.get("/location/now", params={"zone_id": cell}).json()["items"]
            assert (now["tag"], now["name"], now["zones"][0]["certain"]) == ("AA:01", "Fork lift 1", True)
            until("everybody gone", holds=lambda: ("exit", "AA:01") in kinds(api, cell))
            expected = [("enter", "AA:01"), ("enter", "BB:02"), ("exit", "AA:01"), ("exit", "BB:02")]
            assert sorted(kinds(api, cell)) == expected, "nothing lost, nothing doubled"
            assert len(machine.got) == 1
            exported = api.get("/location/events/export").text
            assert exported.count("\r\n") == 5

        portal = made(api, "POST", "/devices", {"name": "portal"})["id"]
        made(api, "PUT", f"/location/readers/{portal}", {"silence_s": 5})
        zone = {"name": "Gate", "antennas": [{"device_id": portal, "antenna": 2}], "exit_s": 1}
        gate = made(api, "POST", "/location/zones", zone)["id"]
        llrp = {"host": "127.0.0.1", "port": reader.port, "keepalive_s": 0.5, "report_ms": 100}
        connection = made(api, "POST", "/connectors", {"name": "portal", "kind": "llrp", "settings": llrp})["id"]
        point = {"address": "reads", "device_id": portal, "property": "reads"}
        made(api, "POST", f"/connectors/{connection}/points", [point])
        reader.tags = [Seen(EPC, 2), Seen("00" * 12, 1)]
        node.wait_for("an entry by LLRP", lambda: kinds(api, gate) == [("enter", EPC)], 30)
        reader.tags = []
        node.wait_for("an exit by LLRP", lambda: kinds(api, gate) == [("enter", EPC), ("exit", EPC)], 30)

        for device_id in (gateway, portal):
            assert api.delete(f"/location/readers/{device_id}").status_code == 204
        node.wait_for("the tracker is gone", lambda: node.find_process("location") is None)
        api.close()
