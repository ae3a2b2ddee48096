"""Machines to be connected: the peers of the tests, each with what is typed into the form to reach it."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.screenshots.stage import ROOT, in_background

from support.dlt645 import Line, Meter, converter  # isort: skip
from support.llrp_reader import Seen, llrp_reader  # isort: skip
from support.logix_wire import LogixWire  # isort: skip
from support.modbus import device, pymodbus_server  # isort: skip
from support.mosquitto import Mosquitto  # isort: skip
from support.opcua import RunningServer  # isort: skip
from support.ports import free_port  # isort: skip
from support.web_source import Source  # isort: skip

Filled = dict[str, str]
"""Label of the form → what is typed."""


@contextmanager
def process(script: str) -> Iterator[Filled]:
    """A peer of ``tests/support`` in a process of its own."""
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "support" / script), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield {"Host": "127.0.0.1", "Port": str(port)}
        finally:
            running.kill()


@contextmanager
def opcua() -> Iterator[Filled]:
    """A server by asyncua."""
    with RunningServer(ticking=True) as server:
        yield {"URL": server.url}


@contextmanager
def modbus() -> Iterator[Filled]:
    """A server by pymodbus."""
    values = [0] * 100 + [0x4148, 0, 1480] + [0] * 97
    with in_background(lambda: pymodbus_server(device(1, values))) as port:
        yield {"Host": "127.0.0.1", "Port": str(port)}


@contextmanager
def s7() -> Iterator[Filled]:
    """A CPU by python-snap7."""
    with process("s7_cpu.py") as filled:
        yield filled


@contextmanager
def bacnet() -> Iterator[Filled]:
    """A device by bacpypes3."""
    with process("bacnet_device.py") as filled:
        yield filled


@contextmanager
def iec104() -> Iterator[Filled]:
    """A station by c104."""
    with process("iec104_station.py") as filled:
        yield {"Addresses": filled["Host"], "Port": filled["Port"]}


@contextmanager
def logix() -> Iterator[Filled]:
    """A controller that tells its tags."""
    with in_background(LogixWire) as controller:
        yield {"Host": "127.0.0.1", "Port": str(controller.port)}


@contextmanager
def dlt645() -> Iterator[Filled]:
    """Two meters behind a converter."""
    first = {
        "00010000": "78563412",
        "0201FF00": "0123 0223 0323",
        "02020100": "125000",
        "02030000": "453501",
        "02800002": "0050",
        "04800003": (b"MILL TEST METER".ljust(32)[::-1]).hex(),
        "0400040B": b"DTZ-9     "[::-1].hex(),
        "04800001": b"1.2".ljust(32)[::-1].hex(),
        "04000402": "010000000000",
    }
    line = Line(Meter("000000000001", first), Meter("112233445566", {"00010000": "01000000"}))
    with in_background(lambda: converter(line)) as port:
        yield {"Transport": "tcp", "Host": "127.0.0.1", "Port": str(port), "Meter": "000000000001"}


@contextmanager
def http() -> Iterator[Filled]:
    """A web server with the state of a heat exchanger in JSON."""
    state = {
        "station": "Roof",
        "temperature": 21.4,
        "humidity": 48,
        "sensors": [
            {"name": "inlet", "value": 61.4, "unit": "Cel"},
            {"name": "outlet", "value": 48.9, "unit": "Cel"},
        ],
        "wind": {"speed": 3.2, "direction": 215},
    }
    with Source({"/status.json": state}).serving() as port:
        yield {"URL": f"http://127.0.0.1:{port}/status.json"}


@contextmanager
def sql() -> Iterator[Filled]:
    """A SQLite database of a laboratory."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        file = Path(folder) / "lab.db"
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("CREATE TABLE results (id INTEGER PRIMARY KEY, at TEXT, tag TEXT, value REAL)")
            rows = [
                (f"2026-11-25T{hour:02}:00:00Z", tag, value + hour / 10)
                for hour in range(6, 12)
                for tag, value in (("viscosity", 41.0), ("moisture", 2.1))
            ]
            database.executemany("INSERT INTO results (at, tag, value) VALUES (?, ?, ?)", rows)
        yield {
            "Database": f"sqlite:///{file}",
            "Query": "SELECT id, at, tag, value FROM results WHERE id > :watermark ORDER BY id",
            "Watermark column": "id",
            "Time column": "at",
        }


@contextmanager
def files() -> Iterator[Filled]:
    """A folder with the export of a press."""
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        with (Path(folder) / "press-0611.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["time", "force", "stroke", "good"])
            writer.writerows(
                [f"2026-11-25 06:{minute:02}:00", 812 + minute, 40.5, "true"] for minute in range(0, 60, 5)
            )
        yield {"Folder": folder, "Files": "press-*.csv", "Time column": "time", "Time zone": "Asia/Shanghai"}


@contextmanager
def broker() -> Iterator[Filled]:
    """A mosquitto on which a line speaks."""
    over = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        mosquitto = Mosquitto(Path(folder))
        with mosquitto.running(), mosquitto.publisher() as publish:

            def speak() -> None:
                turn = 0
                while not over.wait(0.3):
                    turn += 1
                    publish("plant/line1/temperature", str(60 + turn % 7))
                    publish("plant/line1/state", json.dumps({"running": True, "count": 1200 + turn}))
                    publish("plant/line2/temperature", str(40 + turn % 5))

            thread = threading.Thread(target=speak)
            thread.start()
            try:
                yield {"Broker": "127.0.0.1", "Port": str(mosquitto.port)}
            finally:
                over.set()
                thread.join(10)


@contextmanager
def rfid() -> Iterator[Filled]:
    """A reader with two pallets before it."""
    tags = [Seen("E28011052000", 1, -48), Seen("E28011052001", 1, -52), Seen("E28011052007", 2, -61)]
    with in_background(lambda: llrp_reader(tags=tags)) as reader:
        yield {"Host": "127.0.0.1", "Port": str(reader.port)}
