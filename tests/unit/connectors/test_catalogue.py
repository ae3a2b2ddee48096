"""Kinds are found, described, and a broken one is told."""

from __future__ import annotations

import pytest

from millwright.devices.connectors import Catalogue
from millwright.devices.connectors.model import Tag
from millwright.devices.connectors.naming import property_of
from millwright.kernel import Invalid, NotFound, Unavailable
from support.connectors import catalogue


def test_a_package_that_cannot_be_loaded_is_reported_and_hides_nobody() -> None:
    found = catalogue().list()
    assert [kind.key for kind in found.kinds] == ["scripted", "simulator"]
    (broken,) = found.broken
    assert broken.key == "broken"
    assert "no_such_module" in broken.error


def test_asking_for_a_kind_that_is_broken_or_unknown_says_so() -> None:
    with pytest.raises(Unavailable, match="cannot be loaded"):
        catalogue().get("broken")
    with pytest.raises(NotFound) as caught:
        catalogue().get("nothing")
    assert "simulator" in caught.value.hint


def test_the_installed_package_offers_the_simulator() -> None:
    kind = next(each for each in Catalogue().list().kinds if each.key == "simulator")
    assert kind.package.startswith("millwright ")
    fields = {field.name: field for field in kind.fields}
    assert fields["tags"].type == "integer"
    assert (fields["tags"].minimum, fields["tags"].maximum, fields["tags"].default) == (1, 10_000, 10)
    assert all(field.title_zh and field.description_zh for field in kind.fields)


def test_secrets_are_marked_in_the_form() -> None:
    kind = next(each for each in catalogue().list().kinds if each.key == "scripted")
    assert {field.name: field.secret for field in kind.fields} == {
        "peer": False,
        "password": True,
        "timeout_s": False,
    }


def test_wrong_settings_point_at_the_field() -> None:
    with pytest.raises(Invalid) as caught:
        catalogue().convert("simulator", {"tags": 0})
    assert caught.value.detail["pointer"] == "/settings/tags"
    with pytest.raises(Invalid, match="unknown field"):
        catalogue().convert("simulator", {"tagz": 1})


def test_names_of_properties_are_made_from_tags() -> None:
    taken: set[str] = set()
    tags = [
        Tag(address="ns=2;s=Line1.Press.OilTemp"),
        Tag(address="ns=2;s=Line1.Press.Oil Temp"),
        Tag(address="DB1.DBD4", name="Motor Speed"),
        Tag(address="40001"),
        Tag(address="x", name="温度"),
        Tag(address="x", name="温度"),
    ]
    found = []
    for tag in tags:
        found.append(property_of(tag, taken))
        taken.add(found[-1])
    assert found == ["oil_temp", "temp", "motor_speed", "v40001", "温度", "温度_2"]
