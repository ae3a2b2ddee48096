"""What every connector of this folder promises without a peer."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import msgspec
import pytest

from millwright.devices.connectors.contract import Connector

OURS = {
    "iec104": "millwright.devices.connectors.iec104.connector:Iec104Connector",
    "s7": "millwright.devices.connectors.s7.connector:S7Connector",
    "ethernet_ip": "millwright.devices.connectors.ethernet_ip.connector:EthernetIpConnector",
    "bacnet": "millwright.devices.connectors.bacnet.connector:BacnetConnector",
}
LIBRARIES = ("snap7", "pycomm3", "bacpypes3", "c104", "cpppo")


def made(key: str) -> Connector:
    return EntryPoint(key, OURS[key], "millwright.connectors").load()()


@pytest.mark.parametrize("key", OURS)
def test_kind_and_settings_are_whole(key: str) -> None:
    connector = made(key)
    kind = connector.kind
    assert kind.key == key
    for word in (kind.title, kind.summary, kind.address_hint, kind.does_not):
        assert word.en
        assert word.zh
    fields = msgspec.json.schema(connector.settings)["$defs"][connector.settings.__name__]["properties"]
    assert "timeout_s" in fields
    assert all(field.get("description") for field in fields.values())
    host = {"hosts": ["10.0.0.5"]} if key == "iec104" else {"host": "10.0.0.5"}
    settings = msgspec.convert(host, connector.settings)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=connector.settings) == settings
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(host | {"nonsense": 1}, connector.settings)


def test_listing_them_loads_no_library() -> None:
    modules = [place.partition(":")[0] for place in OURS.values()]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print([name for name in {LIBRARIES!r} if name in sys.modules])\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"
