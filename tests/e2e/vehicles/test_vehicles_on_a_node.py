"""Vehicles on a whole node: from the first contact to history, ``kill -9`` in the middle, and a platform's fleet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from millwright.devices.vehicles import writing
from millwright.devices.vehicles.frames import Answer, encode
from support.node import RunningNode
from support.ports import free_port
from support.vehicles import CELLS, ICCID, OTHER_VIN, VIN, Terminal, electric


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    with RunningNode(tmp_path, {"vehicles": {"host": "127.0.0.1", "port": free_port()}}) as running:
        yield running


def port_of(node: RunningNode) -> int:
    return int(node.config.read_text().split("[vehicles]")[1].split("port = ")[1].split("\n")[0])


def send(api: httpx.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    assert answer.status_code in (200, 201), (path, answer.text)
    return answer.json()


def newest(api: httpx.Client, device_id: str) -> dict[str, Any]:
    found = send(api, "GET", "/readings/latest", params={"device_id": device_id})["items"]
    names = {192: "good", 64: "uncertain", 0: "bad"}
    return {each["property"]: (each["value"], names[each["quality"]]) for each in found}


class Reporter:
    """A terminal as the standard has it: what was not answered is sent again, as re-issued, over a new connection."""

    def __init__(self, port: int, first_ms: int) -> None:
        self.port, self.first_ms = port, first_ms
        self.acknowledged: list[int] = []
        self.reconnects = 0

    async def run(self, count: int, interval_s: float) -> None:
        waiting = [self.first_ms + 1000 * number for number in range(count)]
        command = 0x02
        while waiting:
            terminal = None
            try:
                terminal = await Terminal.logged_in(self.port)
                while waiting:
                    soc = float(waiting[0] // 1000 % 100)
                    terminal.send(electric(time_ms=waiting[0], soc=soc, command=command))
                    told = await terminal.answer()
                    if told is None:
                        raise ConnectionResetError
                    if told.answer == Answer.SUCCESS:
                        self.acknowledged.append(waiting.pop(0))
                        command = 0x02
                    await asyncio.sleep(interval_s)
            except (OSError, AssertionError, TimeoutError):
                self.reconnects += 1
                command = 0x03
                await asyncio.sleep(0.05)
            finally:
                if terminal is not None:
                    await terminal.close()


@pytest.mark.timeout(180)
def test_from_the_first_contact_to_history_and_nothing_lost(node: RunningNode) -> None:
    api, port = node.administrator(), port_of(node)
    model = send(api, "POST", "/vehicles/model")
    now_ms = time.time_ns() // 1_000_000_000 * 1000

    async def knock() -> None:
        terminal = await Terminal.open(port)
        assert (await terminal.ask(writing.login(VIN, now_ms, 1, ICCID))).answer == Answer.ERROR
        await terminal.close()

    asyncio.run(knock())
    (arrival,) = node.wait_for("it is among the arrivals", lambda: send(api, "GET", "/arrivals"))
    assert arrival["username"] == VIN
    adoption = {"name": "bus 7", "model_id": model["id"]}
    device = send(api, "POST", f"/arrivals/{arrival['id']}/adopt", json=adoption)

    reporter = Reporter(port, now_ms)

    async def drive() -> None:
        work = asyncio.create_task(reporter.run(300, 0.005))
        for role in ("vehicles", "nats-server", "historian"):
            await asyncio.sleep(0.7)
            await asyncio.to_thread(node.kill, role)
        await work

    asyncio.run(drive())
    assert len(reporter.acknowledged) == 300
    assert reporter.reconnects
    query = {"device_id": device["id"], "property": "soc", "from_ms": now_ms, "to_ms": now_ms + 300_001, "limit": 1000}

    def stored() -> list[dict[str, Any]]:
        reply = api.get("/readings", params=query)
        return reply.json()["items"] if reply.status_code == 200 else []

    rows = node.wait_for("every acknowledged report is stored", lambda: len(found := stored()) >= 300 and found, 40)
    assert [row["time_ms"] for row in rows] == [now_ms + 1000 * number for number in range(300)]
    values = newest(api, device["id"])
    assert values["storage.1.cell.96.voltage"] == (CELLS[95], "good")
    assert values["alarm.insulation"] == (True, "good")
    assert values["iccid"][0] == ICCID
    assert values["vin_fault"][0] == ""
    known = {each["name"]: each for each in send(api, "GET", f"/devices/{device['id']}/properties")}
    assert known["soc"]["title_zh"] == "SOC"
    assert not send(api, "GET", "/dead-letters")["items"]


@pytest.mark.timeout(120)
def test_a_list_a_platform_and_what_cannot_be_read(node: RunningNode) -> None:
    api, port = node.administrator(), port_of(node)
    now_ms = time.time_ns() // 1_000_000_000 * 1000
    rows = [{"vin": VIN, "iccid": ICCID}, {"vin": VIN, "iccid": ICCID}, {"vin": "LTOOSHORT", "iccid": "-"}]
    report = send(api, "POST", "/vehicles", json=rows)
    assert [each["name"] for each in report["registered"]] == [VIN, "LTOOSHORT"]
    assert [(each["row"], each["code"]) for each in report["refused"]] == [(2, "devices.device_name_taken")]
    assert report["doubtful"] == {"LTOOSHORT": "a VIN has 17 signs, not 9"}
    platform = send(api, "POST", "/vehicles/platforms", json={"name": "city", "username": "city", "password": "pw"})
    car = report["registered"][0]["id"]

    async def speak() -> None:
        terminal = await Terminal.logged_in(port)
        item = bytearray(writing.vehicle({"speed": 50, "soc": None}))
        item[6:10] = b"\xff\xff\xff\xfe"  # the odometer is abnormal
        broken = writing.report(VIN, now_ms, [bytes(item), b"\x0b\x01"])
        assert (await terminal.ask(broken)).answer == Answer.SUCCESS
        lying = writing.report(VIN, now_ms + 10 * 86_400_000, [writing.engine({"engine.speed": 900})])
        assert (await terminal.ask(lying)).answer == Answer.SUCCESS
        link = await Terminal.open(port)
        assert (await link.ask(writing.platform_login("CITY", now_ms, 1, "city", "pw"))).answer == Answer.SUCCESS
        assert (await link.ask(writing.login(OTHER_VIN, now_ms, 1, ICCID))).answer == Answer.SUCCESS
        assert (await link.ask(electric(OTHER_VIN, now_ms))).answer == Answer.SUCCESS

        def below() -> list[Any]:
            found = send(api, "GET", "/devices", params={"parent_id": platform["id"]})["items"]
            return [each for each in found if each["presence"]["online"]]

        (vehicle,) = await asyncio.to_thread(node.wait_for, "the platform's vehicle is there", below)
        assert (vehicle["name"], vehicle["address"]["dialect"]) == (OTHER_VIN, "gbt32960")
        assert vehicle["model_id"] == send(api, "GET", "/vehicles")["model_id"]
        assert send(api, "GET", f"/devices/{car}")["presence"]["online"]
        await terminal.close()
        await link.close()
        gone = await asyncio.to_thread(node.wait_for, "both are gone", lambda: not below() or None)
        assert gone
        assert newest(api, vehicle["id"])["speed"] == (88.8, "good")

    asyncio.run(speak())
    values = node.wait_for("all is read", lambda: (found := newest(api, car)) and "engine.speed" in found and found)
    assert values["speed"] == (50, "good")
    assert values["soc"] == values["odometer"] == (None, "bad")
    span = {"device_id": car, "property": "abnormal", "from_ms": now_ms, "to_ms": now_ms + 1}
    assert [each["value"] for each in send(api, "GET", "/readings", params=span)["items"]] == ["odometer"]
    assert values["engine.speed"] == (900, "uncertain")  # ten days ahead: the time of reception is taken
    (letter,) = send(api, "GET", "/dead-letters")["items"]
    assert letter["reason"] == "vehicle.item"


@pytest.mark.timeout(120)
def test_a_command_waits_for_its_terminal_is_confirmed_by_its_answer_and_is_on_record(node: RunningNode) -> None:
    api, port = node.administrator(), port_of(node)
    device = send(api, "POST", "/vehicles", json=[{"vin": VIN, "iccid": ICCID}])["registered"][0]
    path = f"/devices/{device['id']}/commands"
    asked = [
        send(api, "POST", f"{path}/write", json={"property": "terminal.report_period", "value": 10, "reason": "test"}),
        send(api, "POST", f"{path}/call", json={"service": "query_parameters", "inputs": {"names": "report_period"}}),
        send(api, "POST", f"{path}/call", json={"service": "terminal_factory_reset", "inputs": {}}),
    ]
    assert {each["state"] for each in asked} == {"queued"}, "its terminal sleeps"

    async def serve() -> list[int]:
        terminal = await Terminal.logged_in(port)
        heard: list[int] = []
        while len(heard) < 3:
            told = await terminal.answer(timeout_s=30)
            assert told is not None
            heard.append(told.command)
            rest = bytes.fromhex("01 02 00 0a") if told.command == 0x80 else b""
            flag = Answer.ERROR if told.command == 0x82 else Answer.SUCCESS
            terminal.send(encode(told.command, VIN, told.clock + rest, answer=flag))
        ends = await asyncio.to_thread(
            node.wait_for, "they are over", lambda: [each for each in states() if each["ended_ms"]][2:], 30
        )
        assert ends
        await terminal.close()
        return heard

    def states() -> list[dict[str, Any]]:
        return [send(api, "GET", f"/commands/{each['id']}") for each in asked]

    heard = asyncio.run(serve())
    assert sorted(heard) == [0x80, 0x81, 0x82]
    written, queried, reset = states()
    assert (written["state"], written["outcome"]["code"]) == ("confirmed", "commands.answered")
    assert written["route"] == "mqtt_gbt32960"
    assert (queried["state"], queried["outputs"]) == ("confirmed", {"terminal.report_period": 10})
    assert (reset["state"], reset["outcome"]["code"]) == ("failed", "commands.device_refused")
    assert "0x02" in reset["outcome"]["text"]
    found = node.wait_for("what it told is a reading", lambda: newest(api, device["id"]).get("terminal.report_period"))
    assert found == (10, "good")
    (terminal,) = send(api, "GET", "/vehicles/terminals")["items"]
    assert (terminal["vin"], terminal["device"]["id"]) == (VIN, device["id"])
