"""Addresses and values of EtherNet/IP tags."""

from __future__ import annotations

import pytest

from millwright.devices.connectors.ethernet_ip import tags
from millwright.devices.connectors.ethernet_ip.connector import EthernetIpConnector
from millwright.kernel import Invalid


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Speed", None),
        ("Tank[3].Level", None),
        ("Program:Main.Count", None),
        ("Matrix[1,2,3]", None),
        ("Status.5", None),
        ("Speed:REAL", "number"),
        ("On:BOOL", "boolean"),
        ("Count[0]:DINT", "integer"),
        ("Speeds[0]{10}", "string"),
    ],
)
def test_addresses(text: str, kind: str | None) -> None:
    assert EthernetIpConnector().check_address(text) == kind


@pytest.mark.parametrize(
    "text", ["", "3Speed", "Speed..Level", "Speed[", "Speed[-1]", "Program:Main", "Speed:FLOAT", "Tänk", "a b", "a{x}"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as error:
        EthernetIpConnector().check_address(text)
    assert error.value.code == "ethernet_ip.address_invalid"
    assert "Tank[3].Level" in error.value.hint


@pytest.mark.parametrize(
    ("kind", "value"),
    [("DINT", 2**31), ("DINT", 1.5), ("DINT", True), ("USINT", -1), ("REAL", 1e39), ("REAL", float("nan")),
     ("BOOL", 2), ("BOOL", "on"), ("DWORD", 1), ("LINT", None)],
)  # fmt: skip
def test_values_that_do_not_fit(kind: str, value: object) -> None:
    with pytest.raises(Invalid) as error:
        tags.check("Tag", {"data_type_name": kind, "tag_type": "atomic"}, value)
    assert error.value.code == "ethernet_ip.value_invalid"


def test_values_as_ours() -> None:
    assert tags.to_value(float("nan")) is None
    assert tags.to_value([1, 2.5]) == "[1, 2.5]"
    assert tags.to_value({"a": True}) == '{"a": true}'
