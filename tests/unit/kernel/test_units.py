"""UCUM: what is a code, how it prints, what it converts into."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.kernel import Invalid, units
from millwright.kernel.units import atoms


@pytest.mark.parametrize(
    "code", [*atoms.BASE, *atoms.METRIC, *atoms.PLAIN, *atoms.SPECIAL, *set(atoms.ALIASES.values())]
)
def test_every_unit_of_the_tables_is_a_code(code: str) -> None:
    assert units.check(code) == code
    assert units.symbol(code)


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("m3/h", "m³/h"),
        ("Cel", "°C"),
        ("kW.h", "kW·h"),
        ("{rev}/min", "rev/min"),
        ("%{RH}", "% RH"),
        ("W/(m2.K)", "W/(m²·K)"),
        ("kg.m-2", "kg·m⁻²"),
        ("10*3/uL", "10³/µL"),
        ("mm[Hg]", "mmHg"),
        ("uOhm", "µΩ"),
        ("/min", "/min"),
        ("1", "1"),
        ("[in_i]2", "in²"),
    ],
)
def test_a_code_is_printed_as_people_write_it(code: str, printed: str) -> None:
    assert units.symbol(code) == printed


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("°C", "Cel"),
        ("degC", "Cel"),
        ("kWh", "kW.h"),
        ("m³/h", "m3/h"),
        ("m^3/h", "m3/h"),
        ("rpm", "{rev}/min"),
        ("kpa", "kPa"),
        ("Ohms", "Ohm"),
        ("psi", "[psi]"),
        ("µm", "um"),
        ("bars", "bar"),
    ],
)
def test_a_wrong_code_names_the_one_that_was_meant(wrong: str, meant: str) -> None:
    with pytest.raises(Invalid) as error:
        units.check(wrong)
    assert error.value.detail == {"unit": wrong, "nearest": meant}
    assert meant in error.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " m",
        "m s",
        "m//s",
        "m/",
        "(m",
        "m)",
        "{a",
        "10*x",
        "Cel/min",
        "Cel2",
        "k",
        "mm2m",
        "h" * 65,
        "m999999",
        "kmin",
        "()",
    ],
)
def test_what_breaks_the_grammar_is_refused(wrong: str) -> None:
    with pytest.raises(Invalid) as error:
        units.check(wrong)
    assert error.value.code == "units.unknown"


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (100, "Cel", "[degF]", 212),
        (-40, "[degF]", "Cel", -40),
        (0, "Cel", "K", 273.15),
        (500, "mCel", "Cel", 0.5),
        (1, "kW.h", "MJ", 3.6),
        (1, "[psi]", "kPa", 6.894757293168361),
        (1, "bar", "[psi]", 14.503773773020923),
        (1, "[gal_us]/min", "L/min", 3.785411784),
        (1, "m3/h", "L/s", 1 / 3.6),
        (60, "{rev}/min", "Hz", 1),
        (30, "dB", "1", 1000),
        (7, "[pH]", "mol/L", 1e-7),
        (1, "[HP]", "W", 745.6998715822702),
        (180, "deg", "rad", math.pi),
        (1, "KiBy", "By", 1024),
        (1, "mm[Hg]", "Pa", 133.322),
        (50, "%", "1", 0.5),
        (1, "t/h", "kg/s", 1 / 3.6),
        (1, "[Btu_IT]/h", "W", 0.29307107017),
    ],
)
def test_conversion(value: float, source: str, target: str, expected: float) -> None:
    assert units.convert(value, source, target) == pytest.approx(expected, rel=1e-9)
    assert units.convert(expected, target, source) == pytest.approx(value, rel=1e-9)


def test_different_quantities_do_not_convert() -> None:
    assert not units.commensurable("m", "s")
    assert units.commensurable("J", "kW.h")
    with pytest.raises(Invalid) as error:
        units.convert(1, "m", "s")
    assert error.value.code == "units.incommensurable"
    with pytest.raises(Invalid):
        units.convert(1, "[iU]", "1")
    with pytest.raises(Invalid) as error:
        units.convert(-1, "1", "dB")
    assert error.value.code == "units.out_of_range"


@given(st.text(max_size=80) | st.text("mskgCel[]{}()./*^0123456789-+%'_ ", max_size=30))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    refused: Invalid | None = None
    try:
        units.parse(text)
    except Invalid as error:
        refused = error
    if refused is None:
        assert units.parse(text).code == text
        assert units.convert(1.5, text, text) == 1.5
        assert isinstance(units.symbol(text), str)
    else:
        assert refused.code == "units.unknown"
        assert refused.detail["nearest"] is None or units.check(refused.detail["nearest"])
