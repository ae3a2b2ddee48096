"""Commands to terminals, byte by byte, and what their answers say."""

from __future__ import annotations

from typing import Any

import pytest

from millwright.devices.vehicles import downward, parameters, times
from millwright.devices.vehicles.downward import Unreadable
from millwright.devices.vehicles.frames import Answer, Command, Message, decode, encode
from millwright.devices.vehicles.thing_model import document, with_commands

VIN = "LSVAM4187C2184847"
CLOCK = times.from_ms(1_750_000_000_000)


def down(kind: str, name: str, value: Any = None, **inputs: Any) -> tuple[int, str]:
    found = downward.decode(downward.encode(kind, name, 17, value, inputs))
    assert found.number == 17
    return found.command, found.rest.hex(" ")


def answer(command: int, rest: str, flag: int = Answer.SUCCESS) -> Message:
    return decode(encode(command, VIN, CLOCK + bytes.fromhex(rest), answer=flag))


def test_a_setting_is_one_parameter_and_a_domain_two() -> None:
    assert down("write", "terminal.report_period", 10) == (0x81, "01 02 00 0a")
    assert down("write", "terminal.storage_period", 2.5) == (0x81, "01 01 09 c4")
    assert down("write", "terminal.heartbeat_period", 240) == (0x81, "01 09 f0")
    assert down("write", "terminal.platform_host", "a.cn") == (0x81, "02 04 04 05 61 2e 63 6e")
    for name, value in (
        ("terminal.report_period", 0),
        ("terminal.report_period", 601),
        ("terminal.platform_port", 65_532),
        ("terminal.firmware", "1.0"),
        ("terminal.sampled", True),
        ("terminal.platform_host", ""),
        ("terminal.platform_host", "平台.cn"),
        ("terminal.platform_host", "x" * 256),
    ):
        with pytest.raises(ValueError, match="terminal"):
            down("write", name, value)


def test_a_query_names_parameters_or_asks_for_all() -> None:
    assert down("call", "query_parameters", names="report_period, terminal.firmware") == (0x80, "02 02 08")
    assert down("call", "query_parameters") == (0x80, "10 " + bytes(range(1, 17)).hex(" "))
    with pytest.raises(ValueError, match="no parameter 'speed'"):
        down("call", "query_parameters", names="speed")


def test_controls() -> None:
    assert down("call", "terminal_reset") == (0x82, "03")
    assert down("call", "terminal_warn", level=2) == (0x82, "06 02")
    assert {each.id for each in parameters.CONTROLS} == {2, 3, 4, 5, 6, 7}, "remote upgrade is left out, and said so"


def test_the_answer_to_a_query_is_read() -> None:
    rest = "06 02 00 0a 01 09 c4 04 04 05 61 2e 63 6e 08 31 2e 30 00 00 10 02 0a ff ff"
    # 04 and 05 are two items of the seven.
    found = downward.values_of(answer(Command.QUERY, "07" + rest[2:]))
    assert found == {
        "terminal.report_period": 10,
        "terminal.storage_period": 2.5,
        "terminal.platform_host": "a.cn",
        "terminal.firmware": "1.0",
        "terminal.sampled": False,
        "terminal.answer_timeout": None,
    }
    for wrong in ("", "02 02 00 0a", "01 02 00", "01 55 00", "01 04", "01 02 00 0a ff", "01 05"):
        if wrong == "01 05":  # a domain whose length nobody said has none
            assert downward.values_of(answer(Command.QUERY, wrong)) == {"terminal.platform_host": ""}
            continue
        with pytest.raises(Unreadable):
            downward.values_of(answer(Command.QUERY, wrong))


def test_a_refusal_is_told_in_words() -> None:
    assert downward.refusal_of(answer(Command.SET, "")) == ""
    assert "0x02" in downward.refusal_of(answer(Command.SET, "", Answer.ERROR))


def test_a_model_of_before_gets_what_it_lacks_and_keeps_the_rest() -> None:
    from msgspec import structs

    whole = document()
    assert with_commands(whole) is None
    own = whole.properties[0]
    old = structs.replace(whole, title="ours", properties=(own,), services=())
    added = with_commands(old)
    assert added is not None
    assert added.title == "ours"
    assert {each.name for each in added.properties} == {own.name, *parameters.BY_NAME}
    assert {each.name for each in added.services} >= {"query_parameters", "terminal_reset"}
    written = {each.name for each in whole.properties if each.writable}
    assert written == {each.name for each in parameters.PARAMETERS if each.settable}
