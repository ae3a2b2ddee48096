from __future__ import annotations

import pytest

from millwright.devices.connectors.modbus.address import EXAMPLE, parse
from millwright.kernel import Invalid


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1:holding:100:float32:be", "1:holding:100:float32:abcd"),
        ("holding:100", "holding:100:uint16"),
        ("40001", "holding:0:uint16"),
        ("1:40101:float32:cdab", "1:holding:100:float32:cdab"),
        ("465536", "holding:65535:uint16"),
        ("30005:int16", "input:4:int16"),
        ("10001", "discrete:0"),
        ("00001", "coil:0"),
        ("4x0101", "holding:100:uint16"),
        ("3x1:real", "input:0:float32"),
        ("HR100", "holding:100:uint16"),
        ("%MW100:dint:le", "holding:100:int32:dcba"),
        ("%MW100.3", "holding:100.3"),
        ("holding[7]:bcd", "holding:7:bcd16"),
        ("holding:0x64", "holding:100:uint16"),
        ("coil:7", "coil:7"),
        ("di:7:bool", "discrete:7"),
        ("255:holding:7.15", "255:holding:7.15"),
        ("holding:7:bit3", "holding:7.3"),
        ("40008.3", "holding:7.3"),
        ("input:20:string12", "input:20:string12"),
        ("input:20:string(5):byte_swap", "input:20:string5:badc"),
    ],
)
def test_common_forms_are_read(text: str, canonical: str) -> None:
    assert parse(text).canonical() == canonical
    assert parse(canonical).canonical() == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("holding", "number is missing"),
        ("holding:", "empty"),
        ("1:1:holding:3", "no table"),
        ("256:holding:1", "no unit 256"),
        ("40000", "begin at 1"),
        ("20001", "no table"),
        ("465537", "65536"),
        ("holding:65536", "65536"),
        ("holding:-1", "no number"),
        ("holding:65535:float32", "beyond"),
        ("holding:1:float16", "no type"),
        ("holding:1:float32:abdc", "byte order"),
        ("holding:1.16", "0 to 15"),
        ("holding:1:bool", "0 to 15"),
        ("holding:1.3:int16", "0 to 15"),
        ("holding:1:string", "length"),
        ("holding:1:string251", "length"),
        ("coil:1:int16", "boolean"),
        ("coil:1.1", "boolean"),
        ("register:1", "no table"),
        ("40001.x", "bit"),
        ("holding:１", "no number"),
        ("holding:1:int16:abcd:x", "byte order"),
    ],
)
def test_a_wrong_address_says_what_is_wrong_and_shows_a_right_one(text: str, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert why in caught.value.message
    assert caught.value.code == "connectors.address_invalid"
    assert caught.value.hint


def test_the_example_that_hints_show_is_right() -> None:
    assert parse(EXAMPLE).canonical() == EXAMPLE
