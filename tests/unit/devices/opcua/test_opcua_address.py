"""Addresses, units and announcements of OPC UA, and that listing the connector loads no library."""

from __future__ import annotations

import struct
import subprocess
import sys
from contextlib import suppress

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings, multicast, units
from millwright.devices.connectors.opcua.address import Address, node_id, of_node_id, parse
from millwright.kernel import Invalid
from millwright.kernel.units import check

SPACES = ["http://opcfoundation.org/UA/", "urn:server", "urn:a;b%c", "urn:plant"]


@pytest.mark.parametrize(
    "text",
    [
        "i=2258", "ns=2;s=Line1.Oven.Temperature", "nsu=http://example.com/plant;s=A;b=c", "ns=3;s=\"DB\".\"x\"[0]",
        "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a", "ns=1;b=AQI=", "index=3;ns=2;s=T",
        "index=0:9;nsu=urn:a%3Bb%25c;i=5", "index=1,0;ns=2;s=M", "ns=2;s=温度",
    ],
)  # fmt: skip
def test_addresses_are_read_and_written_the_same(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "Temperature", "ns=2", "ns=2;", "ns=x;s=A", "ns=70000;s=A", "ns=-1;i=1", "i=x", "i=-1", "i=4294967296",
        "s=", "g=1", "b=?", "nsu=;s=A", "index=;ns=2;s=A", "index=3:1;ns=2;s=A", "index=a;s=A",
        "x=1", "s=" + "a" * 5000, "ns=²;s=A",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        OpcUaConnector().check_address(text)
    assert caught.value.code == "connectors.opcua_address"
    assert "ns=2;s=Line1.Oven.Temperature" in caught.value.hint


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        address = parse(text)
    except Invalid:
        return
    assert parse(str(address)) == address


@given(st.text(min_size=1, max_size=20), st.sampled_from(range(len(SPACES))))
def test_node_ids_go_there_and_back(identifier: str, space: int) -> None:
    node = ua.NodeId(identifier, space)
    address = of_node_id(node, SPACES)
    assert node_id(address, SPACES) == node
    assert address.uri == (SPACES[space] if space else None)


def test_a_namespace_that_moved() -> None:
    address = parse("nsu=urn:plant;i=7")
    assert node_id(address, SPACES) == ua.NodeId(7, 3)
    assert node_id(address, ["", "urn:plant"]) == ua.NodeId(7, 1)
    assert node_id(address, [""]) is None
    assert Address(kind="i", identifier="7", index="1,2").element == (1, 2)
    assert Address(kind="i", identifier="7", index="1:2").element is None


def test_every_unit_is_ucum() -> None:
    for code in {*units.CODES.values(), *units.SYMBOLS.values()}:
        assert check(code) == code


@pytest.mark.parametrize(
    ("number", "uri", "printed", "unit"),
    [
        (4408652, units.UNECE_URI, "°C", "Cel"),
        (20529, units.UNECE_URI, "%", "%"),
        (0, "", "kPa", "kPa"),
        (-1, None, "m³/h", "m3/h"),
        (4408652, "urn:own", "??", None),
        (1, units.UNECE_URI, "furlong", None),
    ],
)
def test_units(number: int, uri: str | None, printed: str, unit: str | None) -> None:
    information = ua.EUInformation(uri, number, ua.LocalizedText(printed), ua.LocalizedText())
    assert units.ucum(information) == unit
    assert units.ucum(None) is None


def test_ports_and_paths_of_urls() -> None:
    assert OpcUaSettings(url="opc.tcp://10.0.0.1").endpoint() == "opc.tcp://10.0.0.1:4840"
    assert OpcUaSettings(url="opc.tcp://[::1]:48010/plant").endpoint() == "opc.tcp://[::1]:48010/plant"


def _name(text: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def test_an_announcement_by_multicast() -> None:
    service, instance = _name(multicast.SERVICE), "Press._opcua-tcp._tcp.local"
    srv = struct.pack(">3H", 0, 0, 48010) + _name("press.local")
    txt = bytes([len(b"path=/plant")]) + b"path=/plant"
    records = [
        (_name(instance), 33, srv),
        (_name(instance), 16, txt),
        (_name("press.local"), 1, bytes([10, 0, 0, 7])),
    ]
    packet = struct.pack(">6H", 0, 0x8400, 1, len(records), 0, 0) + service + struct.pack(">2H", 12, 1)
    for name, kind, data in records:
        packet += name + struct.pack(">2HIH", kind, 1, 120, len(data)) + data
    assert multicast.servers(packet, "10.0.0.9") == {"opc.tcp://10.0.0.7:48010/plant": "Press"}
    assert multicast.servers(multicast.question(), "10.0.0.9") == {}


@given(st.binary(max_size=120))
def test_garbled_announcements_end_in_an_error_that_is_caught(packet: bytes) -> None:
    with suppress(struct.error, IndexError, ValueError):
        multicast.servers(packet, "10.0.0.9")


def test_listing_the_connector_loads_no_library() -> None:
    code = (
        "import sys, importlib.metadata as m;"
        "(e,) = [e for e in m.entry_points(group='millwright.connectors') if e.name == 'opcua'];"
        "assert e.load()().kind.key == 'opcua'; sys.exit('asyncua' in sys.modules or 'cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_setting_is_described_and_secrets_are_marked() -> None:
    import msgspec

    schema = msgspec.json.schema(OpcUaSettings)["$defs"]["OpcUaSettings"]
    assert schema["required"] == ["url"]
    assert schema["additionalProperties"] is False
    for name, field in schema["properties"].items():
        assert len(field["description"]) > 15, name
    fields = msgspec.inspect.type_info(OpcUaSettings).fields  # type: ignore[attr-defined]
    secret = {field.name for field in fields if (getattr(field.type, "extra", None) or {}).get("secret")}
    assert secret == {"password", "user_key", "key"}
