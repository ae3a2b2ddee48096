from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.modbus.address import parse
from millwright.devices.connectors.modbus.settings import Order
from millwright.devices.connectors.modbus.values import decoder, encode
from millwright.kernel import Invalid

ORDERS: tuple[Order, ...] = ("abcd", "cdab", "badc", "dcba")


def read(address: str, data: bytes) -> object:
    found = parse(address)
    return decoder(found, 0, found.order or "abcd")(data)


@pytest.mark.parametrize(
    ("address", "data", "value"),
    [
        ("holding:0:uint32:abcd", "12345678", 0x12345678),
        ("holding:0:uint32:cdab", "56781234", 0x12345678),
        ("holding:0:uint32:badc", "34127856", 0x12345678),
        ("holding:0:uint32:dcba", "78563412", 0x12345678),
        ("holding:0:uint64:abcd", "0102030405060708", 0x0102030405060708),
        ("holding:0:uint64:cdab", "0708050603040102", 0x0102030405060708),
        ("holding:0:uint64:badc", "0201040306050807", 0x0102030405060708),
        ("holding:0:uint64:dcba", "0807060504030201", 0x0102030405060708),
        ("holding:0:int16", "fffe", -2),
        ("holding:0:int16:badc", "feff", -2),
        ("holding:0:uint16:cdab", "0102", 0x0102),
        ("holding:0:uint16:dcba", "0201", 0x0102),
        ("holding:0:int32", "fffffffe", -2),
        ("holding:0:int64", "fffffffffffffffe", -2),
        ("holding:0:float32", "3fc00000", 1.5),
        ("holding:0:float32:cdab", "00003fc0", 1.5),
        ("holding:0:float64", "3ff8000000000000", 1.5),
        ("holding:0:bcd16", "1234", 1234),
        ("holding:0:bcd32", "12345678", 12345678),
        ("holding:0:bcd32:cdab", "56781234", 12345678),
        ("holding:0.0", "0001", True),
        ("holding:0.8", "0100", True),
        ("holding:0.8", "0001", False),
        ("holding:0.0:badc", "0100", True),
        ("holding:0.15", "8000", True),
        ("holding:0:string4", "41424320", "ABC"),
        ("holding:0:string4:badc", "42414443", "ABCD"),
        ("holding:0:string4", "41004243", "A"),
        ("holding:0:string3", "e6b3b500", "泵"),
        ("holding:0:string2", "b1c3", "泵"),
    ],
)
def test_registers_become_values(address: str, data: str, value: object) -> None:
    assert read(address, bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    ("address", "data", "why"),
    [
        ("holding:0:float32", "7fc00000", "not a number"),
        ("holding:0:float32", "ff800000", "infinite"),
        ("holding:0:float64:cdab", "0000000000007ff0", "infinite"),
        ("holding:0:bcd16", "12a4", "no decimal digits: 12a4"),
        ("holding:0:string2", "ffff", "no text"),
    ],
)
def test_what_is_no_value_says_so(address: str, data: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(address, bytes.fromhex(data))


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("holding:0:uint16", -1),
        ("holding:0:uint16", 65536),
        ("holding:0:int16", 1.5),
        ("holding:0:int16", True),
        ("holding:0:int16", "7"),
        ("holding:0:int16", None),
        ("holding:0:uint64", 2**64),
        ("holding:0:float32", 1e39),
        ("holding:0:float32", math.nan),
        ("holding:0:float64", 10**400),
        ("holding:0:bcd16", 10000),
        ("holding:0:bcd16", -1),
        ("holding:0:string2", "ABC"),
        ("holding:0:string2", 7),
    ],
)
def test_what_does_not_fit_is_refused(address: str, value: object) -> None:
    with pytest.raises(Invalid) as caught:
        encode(parse(address), value, "abcd")  # type: ignore[arg-type]
    assert caught.value.code == "connectors.value_invalid"


@given(
    st.sampled_from(ORDERS),
    st.one_of(
        st.tuples(st.just("int16"), st.integers(-(2**15), 2**15 - 1)),
        st.tuples(st.just("uint32"), st.integers(0, 2**32 - 1)),
        st.tuples(st.just("int64"), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("float64"), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("float32"), st.floats(width=32, allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("bcd64"), st.integers(0, 10**16 - 1)),
        st.tuples(st.just("string9"), st.text("abcXYZ019", max_size=9)),
    ),
)
def test_what_is_written_is_what_is_read(order: Order, typed: tuple[str, object]) -> None:
    address = parse(f"holding:0:{typed[0]}:{order}")
    data = encode(address, typed[1], order)  # type: ignore[arg-type]
    assert len(data) == 2 * address.count
    assert decoder(address, 4, order)(b"\xaa" * 4 + data) == typed[1]


def test_a_whole_float_is_taken_as_an_integer() -> None:
    assert encode(parse("holding:0:int16"), -3.0, "abcd") == struct.pack(">h", -3)
