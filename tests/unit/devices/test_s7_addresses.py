"""Addresses and values of S7 controllers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.s7 import jobs, plan
from millwright.devices.connectors.s7.address import Address, parse
from millwright.devices.connectors.s7.connector import S7Connector
from millwright.devices.connectors.s7.values import KINDS
from millwright.kernel import Invalid


@pytest.mark.parametrize(
    ("text", "wanted", "kind"),
    [
        ("DB1.DBD4:REAL", Address(0x84, 1, 4, 4, None, "REAL"), "number"),
        ("db1.dbx0.3", Address(0x84, 1, 0, 1, 3, "BOOL"), "boolean"),
        ("DB1.DBW2", Address(0x84, 1, 2, 2, None, "WORD"), "integer"),
        ("MW10:INT", Address(0x83, 0, 10, 2, None, "INT"), "integer"),
        ("MB3", Address(0x83, 0, 3, 1, None, "BYTE"), "integer"),
        ("I0.0", Address(0x81, 0, 0, 1, 0, "BOOL"), "boolean"),
        ("E1.7", Address(0x81, 0, 1, 1, 7, "BOOL"), "boolean"),
        ("AW4:UINT", Address(0x82, 0, 4, 2, None, "UINT"), "integer"),
        ("DB5.DBB10:STRING[20]", Address(0x84, 5, 10, 22, None, "STRING"), "string"),
        ("DB5.DBX10.0:STRING", Address(0x84, 5, 10, 256, None, "STRING"), "string"),
        ("DB5.DBB10:WSTRING[3]", Address(0x84, 5, 10, 10, None, "WSTRING"), "string"),
        ("DB5.DBW10:INT[8]", Address(0x84, 5, 10, 16, None, "INT", 8), "string"),
        ("DB5.DBB0:CHAR[4]", Address(0x84, 5, 0, 4, None, "CHAR"), "string"),
        ("DB5.DBB0:DTL", Address(0x84, 5, 0, 12, None, "DTL"), "string"),
        ("MD0:LREAL", Address(0x83, 0, 0, 8, None, "LREAL"), "number"),
    ],
)
def test_addresses(text: str, wanted: Address, kind: str) -> None:
    assert parse(text) == wanted
    assert S7Connector().check_address(text) == kind


@pytest.mark.parametrize(
    "text",
    ["", "DB1", "DB0.DBW0", "DB1.DBX0", "DB1.DBX0.8", "DB1.DBW0.1", "DB1.DBW0:FLOAT", "DB1.DBD0:INT", "T5", "X0.0",
     "DB1.DBX0.1:INT", "DB1.DBB0:INT[0]", "DB1.DBX0.0:BOOL[8]", "DB1.DBW65535:INT", "DB1.DBB0:STRING[255]", "MX0",
     "DB70000.DBW0", "DB１.DBW0", "DB1.DBW0 ", "DB1.DBB0:BOOL"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(text)
    assert error.value.code == "s7.address_invalid"
    assert "DB1.DBD4:REAL" in error.value.hint


@pytest.mark.parametrize(
    ("text", "octets", "value"),
    [
        ("MW0:INT", "fb 2e", -1234),
        ("MD0:REAL", "41 ac 00 00", 21.5),
        ("MD0:REAL", "7f c0 00 00", None),
        ("MD0:DINT", "ff ff ff fe", -2),
        ("MD0:TIME", "00 00 03 e8", 1000),
        ("MW0:S5TIME", "21 27", 127_000),
        ("MW0:S5TIME", "00 05", 50),
        ("MW0:DATE", "31 64", "2024-08-14"),
        ("MB0:DT", "24 12 31 23 59 58 12 35", "2024-12-31T23:59:58.123000"),
        ("MB0:DTL", "07 e8 02 1d 05 06 07 08 1d cd 65 00", "2024-02-29T06:07:08.500000"),
        ("MB0:DTL", "00 00 00 00 00 00 00 00 00 00 00 00", None),
        ("MB0:STRING[4]", "04 02 61 62 00 00", "ab"),
        ("MB0:STRING[4]", "04 09 61 62 00 00", None),
        ("MB0:WSTRING[2]", "00 02 00 02 6c 34 6c 60", "水池"),
        ("MB0:CHAR[3]", "61 62 20", "ab"),
        ("M0.6", "40", True),
    ],
)
def test_values_out_of_bytes(text: str, octets: str, value: object) -> None:
    assert parse(text).read(bytes.fromhex(octets), "latin-1") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("MW0:INT", 40000), ("MW0:INT", 1.5), ("MW0:INT", True), ("MD0:REAL", float("inf")), ("MD0:REAL", 1e39),
     ("M0.0", 2), ("M0.0", "true"), ("MB0:STRING[2]", "abc"), ("MB0:STRING[2]", "水"), ("MB0:STRING[2]", 1),
     ("MB0:BYTE", -1), ("MW0:INT", None), ("MW0:INT", float("nan"))],
)  # fmt: skip
def test_values_that_do_not_fit(text: str, value: object) -> None:
    with pytest.raises(Invalid) as error:
        parse(text).write(value, "latin-1")
    assert error.value.code == "s7.value_invalid"


@pytest.mark.parametrize("text", ["MW0:DATE", "MB0:DT", "MW0:INT[2]"])
def test_values_that_are_only_read(text: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(text).write("x", "latin-1")
    assert error.value.code == "s7.read_only"


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 3000), st.sampled_from(["INT", "REAL", "BYTE", "LREAL", "DTL"])),
        max_size=80,
    ),
    st.integers(0, 100),
    st.sampled_from([112, 240, 480, 960]),
)
def test_every_plan_covers_each_address_within_the_length(
    wanted: list[tuple[int, int, str]], gap: int, length: int
) -> None:
    addresses = [Address(0x84, db, start, KINDS[kind].size, None, kind) for db, start, kind in wanted]
    readings = plan.readings(addresses, gap, length, frozenset(addresses[:3]))
    memory = bytes(at % 251 for at in range(4000))
    seen = set()
    for reading in readings:
        octets = memory[reading.block.start : reading.block.start + reading.block.size]
        for one in reading.addresses:
            assert reading.octets(one, octets) == memory[one.start : one.start + one.size]
            assert (one.area, one.db) == (reading.block.area, reading.block.db)
            seen.add(one)
    assert seen == set(addresses)
    blocks = [piece for reading in readings for piece in plan.pieces(reading.block, length)]
    for job in plan.jobs(blocks, length):
        assert jobs.fits(job, length)


@given(st.binary(max_size=60))
def test_no_answer_does_more_than_be_malformed_or_refused(octets: bytes) -> None:
    for pdu in (octets, bytes.fromhex("32 03 00 00 00 01 00 02") + octets):
        with contextlib.suppress(jobs.Malformed, jobs.Refused):
            jobs.read_answer(1, [jobs.Block(0x84, 1, 0, 2)], pdu)
