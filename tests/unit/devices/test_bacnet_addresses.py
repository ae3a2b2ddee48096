"""Addresses, units and values of BACnet."""

from __future__ import annotations

import pytest

from millwright.devices.connectors.bacnet.address import Address, parse
from millwright.devices.connectors.bacnet.connector import BacnetConnector
from millwright.devices.connectors.bacnet.units import UCUM
from millwright.devices.connectors.bacnet.values import to_write
from millwright.kernel import Invalid
from millwright.kernel.units import check


@pytest.mark.parametrize(
    ("text", "wanted", "kind"),
    [
        ("AI:1", Address("analog-input", 1), "number"),
        ("analog-output:1@8", Address("analog-output", 1, priority=8), "number"),
        ("binary-value:3", Address("binary-value", 3), "boolean"),
        ("MV:2", Address("multi-state-value", 2), "integer"),
        ("analog-value:3.high-limit", Address("analog-value", 3, "high-limit"), None),
        ("device:1001.object-list[2]", Address("device", 1001, "object-list", 2), None),
        ("128:5.512", Address("128", 5, "512"), None),
    ],
)
def test_addresses(text: str, wanted: Address, kind: str | None) -> None:
    assert parse(text) == wanted
    assert BacnetConnector().check_address(text) == kind


@pytest.mark.parametrize(
    "text", ["", "AI", "AI:", "XX:1", "AI:4194303", "AI:1@0", "AI:1@17", "AI:1.", "AI 1", "ai:1:2"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(text)
    assert error.value.code == "bacnet.address_invalid"
    assert "analog-input:1" in error.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [("AO:1", "high"), ("AO:1", float("nan")), ("AO:1", True), ("BO:1", 2), ("BO:1", "on"), ("MO:1", 0), ("MO:1", 1.5),
     ("characterstring-value:1", 5)],
)  # fmt: skip
def test_values_that_do_not_fit(text: str, value: object) -> None:
    with pytest.raises(Invalid) as error:
        to_write(parse(text), value)
    assert error.value.code == "bacnet.value_invalid"


@pytest.mark.parametrize("code", sorted(set(UCUM.values())))
def test_units_are_ucum(code: str) -> None:
    assert check(code)
