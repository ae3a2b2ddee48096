"""The form of every protocol that is installed: in both languages, and without what means nothing."""

from __future__ import annotations

import pytest

from millwright.devices.connectors import Catalogue
from millwright.devices.connectors.catalogue import KindView

KINDS = Catalogue().list().kinds
OURS = [kind for kind in KINDS if kind.key != "simulator"]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: str(kind.key))
def test_every_setting_is_said_in_both_languages(kind: KindView) -> None:
    for field in kind.fields:
        said = (field.title, field.title_zh, field.description, field.description_zh)
        assert all(said), (kind.key, field.name, said)
        assert any("一" <= letter <= "鿿" for letter in field.description_zh), (kind.key, field.name)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: str(kind.key))
def test_what_a_setting_depends_on_is_there_and_can_be_so(kind: KindView) -> None:
    by_name = {field.name: field for field in kind.fields}
    for field in kind.fields:
        for name, wanted in field.when.items():
            other = by_name[name]
            possible = [True, False] if other.type == "boolean" else list(other.choices)
            assert set(wanted) < set(possible), (kind.key, field.name, name)
            assert not other.when, "conditions of conditions are not followed"
        if field.when:
            assert not field.required, "what is hidden must not be missing"


def test_modbus_shows_serial_fields_for_a_line_only() -> None:
    modbus = next(kind for kind in KINDS if kind.key == "modbus")
    shown = {
        way: {field.name for field in modbus.fields if way in field.when.get("transport", [way])}
        for way in ("tcp", "rtu", "rtu_over_tcp")
    }
    serial, net = {"serial_port", "baud_rate", "parity", "stop_bits"}, {"host", "port"}
    assert (shown["tcp"] & (serial | net), shown["rtu"] & (serial | net)) == (net, serial)
    assert shown["rtu_over_tcp"] == shown["tcp"]
