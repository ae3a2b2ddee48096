from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct, field

from millwright.kernel import Invalid
from millwright.kernel.settings import keys, load


class Pump(Struct, frozen=True):
    flow_m3_h: Annotated[float, Meta(gt=0, description="Set point.")] = 5.0
    enabled: Annotated[bool, Meta(description="Whether it runs.")] = True
    names: Annotated[tuple[str, ...], Meta(description="What it is called.")] = ()


class Plant(Struct, frozen=True):
    pump: Pump = field(default_factory=Pump)


def settings(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Plant:
    path = tmp_path / "millwright.toml"
    path.write_text(text, encoding="utf-8")
    return load(Plant, path, environ or {})


def test_defaults_need_no_file() -> None:
    assert load(Plant, None, {}).pump.flow_m3_h == 5.0


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = settings(
        tmp_path, "[pump]\nflow_m3_h = 7.5\nenabled = true", {"MILLWRIGHT_PUMP_ENABLED": "false", "HOME": "/x"}
    )
    assert found.pump == Pump(flow_m3_h=7.5, enabled=False)


def test_a_variable_gives_a_list_with_commas() -> None:
    assert load(Plant, None, {"MILLWRIGHT_PUMP_NAMES": "north, south,"}).pump.names == ("north", "south")


def test_an_unknown_key_names_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        settings(tmp_path, "[pump]\nflow_m3h = 7")
    assert caught.value.code == "settings.unknown_key"
    assert caught.value.detail["nearest"] == "pump.flow_m3_h"


def test_a_heading_over_nothing_but_comments_is_no_mistake(tmp_path: Path) -> None:
    assert settings(tmp_path, "[pump]\n# flow_m3_h = 7.5\n") == Plant()
    for text in ("[pipe]\n", "[pump.flow]\n", "pump = 5\n", "pump = []\n"):
        with pytest.raises(Invalid):
            settings(tmp_path, text)


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="pmup"):
        settings(tmp_path, "[pmup]\nenabled = true")
    with pytest.raises(Invalid, match="tank"):
        settings(tmp_path, "[tank]")


def test_an_unknown_variable_names_the_nearest_one() -> None:
    with pytest.raises(Invalid) as caught:
        load(Plant, None, {"MILLWRIGHT_PUMP_ENABLE": "1"})
    assert caught.value.detail["nearest"] == "MILLWRIGHT_PUMP_ENABLED"


@pytest.mark.parametrize("text", ["[pump]\nflow_m3_h = -1", "[pump]\nflow_m3_h = 'much'", "pump = 3"])
def test_a_wrong_value_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match="pump"):
        settings(tmp_path, text)


def test_a_broken_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        settings(tmp_path, "[pump\n")
    assert caught.value.code == "settings.unreadable"
    with pytest.raises(Invalid) as caught:
        load(Plant, tmp_path / "absent.toml", {})
    assert caught.value.code == "settings.missing_file"


def test_every_key_has_its_variable() -> None:
    assert [(name, variable) for name, _, variable in keys(Plant)] == [
        ("pump.flow_m3_h", "MILLWRIGHT_PUMP_FLOW_M3_H"),
        ("pump.enabled", "MILLWRIGHT_PUMP_ENABLED"),
        ("pump.names", "MILLWRIGHT_PUMP_NAMES"),
    ]
