"""Connecting a machine as a person does it: the tested connection, the chosen tags, the live values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tools.screenshots import peers
from tools.screenshots.stage import Stage

_TRIES = 5


@dataclass(frozen=True)
class Tour:
    """How a protocol is shown: its peer, the branches to open and tags to tick, or addresses written by hand."""

    kind: str
    peer: Callable[[], AbstractContextManager[peers.Filled]]
    name: str
    open: tuple[str, ...] = ()
    tick: tuple[str, ...] = ()
    written: str = ""
    steps: tuple[str, ...] = ("test", "tags", "live")


TOURS = {
    "opcua": Tour("opcua", peers.opcua, "Press 4000", ("Line1",), ("Temperature", "Level", "Running", "Setpoint")),
    "modbus": Tour(
        "modbus",
        peers.modbus,
        "Deep-well pump",
        written="1:holding:100:float32, flow\n1:holding:102:uint16, speed\n"
        "1:input:3:int16, pressure\n1:coil:4, running",
    ),
    "s7": Tour(
        "s7",
        peers.s7,
        "Filling line",
        written="DB1.DBD4:REAL, temperature\nDB1.DBW2:INT, torque\nDB1.DBX0.3, running\nDB1.DBB40:STRING[20], recipe",
    ),
    "bacnet": Tour("bacnet", peers.bacnet, "Boiler house", tick=("Supply temperature", "Valve", "Pump runs", "Mode")),
    "dlt645": Tour(
        "dlt645",
        peers.dlt645,
        "Meters of hall 3",
        written="000000000001:00010000, energy\n000000000001:0201FF00.0, voltage_a\n"
        "000000000001:02030000, power\n000000000001:02800002, frequency\n112233445566:00010000, energy_hall_4",
    ),
    "ethernet-ip": Tour("ethernet_ip", peers.logix, "Mixer", ("Tank1",), ("Speed", "Level", "Running", "Setpoint")),
    "iec104": Tour("iec104", peers.iec104, "Substation North", ("Station 7",), ("1", "5", "7", "16")),
    "http": Tour(
        "http_poll",
        peers.http,
        "Heat exchanger",
        ("sensors", "0", "wind"),
        ("temperature", "humidity", "value", "speed"),
        steps=("test", "tags"),
    ),
    "sql": Tour(
        "sql_poll",
        peers.sql,
        "Laboratory",
        written="value[tag=viscosity], viscosity\nvalue[tag=moisture], moisture",
        steps=("test", "tags"),
    ),
    "files": Tour("file_drop", peers.files, "Press export", written="force\nstroke\ngood", steps=("test",)),
    "broker": Tour(
        "mqtt_client", peers.broker, "Plant broker", ("plant", "line1", "state"), ("temperature", "running", "count")
    ),
    "rfid": Tour("llrp", peers.rfid, "Gate reader", tick=("reads", "tags")),
}


def connect(stage: Stage, key: str) -> None:
    """Connect a peer, with a picture of each step."""
    with connected(stage, key):
        return


@contextmanager
def connected(stage: Stage, key: str) -> Iterator[None]:
    """A peer is connected, with a picture of each step, and goes on."""
    chosen, at = TOURS[key], stage.at
    with chosen.peer() as filled:
        at.goto("/connectors")
        stage.at.get_by_role("button", name="Connect a machine").first.click()
        box = at.get_by_role("dialog")
        box.locator(f'[data-kind="{chosen.kind}"]').click()
        box.get_by_label("Name of the connection").fill(chosen.name)
        for label, value in filled.items():
            fill(at, box, label, value)
        tested(at, box)
        picture(stage, chosen, key, "test")
        box.get_by_role("button", name="Next").click()
        if chosen.written:
            way = box.get_by_text("Addresses by hand", exact=True)
            if way.count():
                way.click()
            box.locator("textarea").fill(chosen.written)
        for branch in chosen.open:
            row = box.locator(".ant-tree-treenode").filter(has=at.get_by_text(branch, exact=True)).first
            row.locator(".ant-tree-switcher").click()
        for tag in chosen.tick:
            leaf = box.locator(".ant-tree-treenode").filter(has=at.get_by_text(tag, exact=True)).first
            leaf.locator(".ant-tree-checkbox").click()
        picture(stage, chosen, key, "tags")
        box.get_by_role("button", name="Next").click()
        box.get_by_role("button", name="Connect", exact=True).click()
        box.locator("[data-live]").first.wait_for(timeout=60_000)
        at.wait_for_timeout(2_000)
        picture(stage, chosen, key, "live")
        yield


def fill(at: Any, box: Any, label: str, value: str) -> None:
    """A field of the form: typed, or chosen where there is a choice."""
    field = box.get_by_label(label, exact=True).first
    if field.get_attribute("role") == "combobox":
        field.click()
        if (
            field.get_attribute("readonly") is None
            and not at.locator(f'.ant-select-item-option[title="{value}"]').count()
        ):
            field.fill(value)
            field.press("Enter")
            return
        at.get_by_title(value, exact=True).click()
        return
    field.fill(value)


def tested(at: Any, box: Any) -> None:
    """Test the connection until the machine answers."""
    for _ in range(_TRIES):  # a machine that is busy with other things lets its peers wait
        box.get_by_role("button", name="Test connection").click()
        at.wait_for_timeout(1_000)
        box.locator('[role="status"] .ant-alert').wait_for(timeout=60_000)
        said = box.locator('[role="status"]').inner_text()
        if "The machine answers" in said:
            return
    raise AssertionError(said)


def picture(stage: Stage, chosen: Tour, key: str, step: str) -> None:
    """The picture of a step, if it is one that the guide shows."""
    if step in chosen.steps:
        stage.shot(f"connect-{key}-{step}")
