"""What the package offers as connectors can be loaded, is what it says, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from millwright.devices.connectors.contract import ENTRY_POINTS, Connector

OURS = {"modbus", "dlt645", "http_poll", "sql_poll", "file_drop", "mqtt_client", "webhook"}
HEAVY = ("pymodbus", "serial", "httpx", "sqlalchemy", "paho")


def test_each_is_a_connector_under_its_own_key() -> None:
    offered = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    assert offered.keys() >= OURS
    for name in OURS:
        connector = offered[name].load()()
        assert isinstance(connector, Connector)
        assert connector.kind.key == name
        assert "write" not in connector.kind.capabilities or name in ("modbus", "mqtt_client")


def test_listing_them_imports_no_library() -> None:
    code = (
        "import sys\n"
        "from importlib.metadata import entry_points\n"
        f"for point in entry_points(group={ENTRY_POINTS!r}):\n"
        f"    if point.name in {sorted(OURS)!r}: point.load()()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
