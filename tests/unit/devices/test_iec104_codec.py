"""Octets of IEC 60870-5-104, by examples written by hand from the standard."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN
from millwright.devices.connectors.iec104 import address, apci, asdu, clock, commands
from millwright.devices.connectors.iec104.connector import Iec104Connector, _place
from millwright.devices.connectors.iec104.elements import NAMES, NUMBERS
from millwright.kernel import Invalid

STANDARD = asdu.Layout()
GREENWICH = ZoneInfo("UTC")
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW_MS = int(datetime(2026, 5, 6, 7, 8, tzinfo=UTC).timestamp() * 1000)
STAMP = "a0 0f 1e 0d c1 0b 19"
"""1 November 2025, 13:30:04.000, a Saturday."""
STAMP_MS = int(datetime(2025, 11, 1, 13, 30, 4, tzinfo=UTC).timestamp() * 1000)


def objects(octets: str, layout: asdu.Layout = STANDARD, zone: ZoneInfo = GREENWICH) -> list[asdu.Object]:
    return list(asdu.iter_objects(asdu.decode(bytes.fromhex(octets), layout), layout, zone, NOW_MS))


@pytest.mark.parametrize(
    ("name", "element", "value"),
    [
        ("M_SP_NA_1", "01", True),
        ("M_DP_NA_1", "02", 2),
        ("M_ST_NA_1", "7b 00", -5),
        ("M_BO_NA_1", "ef be ad de 00", 0xDEADBEEF),
        ("M_ME_NA_1", "00 c0 00", -0.5),
        ("M_ME_NB_1", "2e fb 00", -1234),
        ("M_ME_NC_1", "00 00 ac 41 00", 21.5),
        ("M_IT_NA_1", "ff ff ff ff 03", -1),
        ("M_PS_NA_1", "05 80 00 00 00", 0x8005),
        ("M_ME_ND_1", "00 40", 0.5),
    ],
)
def test_each_type_with_and_without_its_time(name: str, element: str, value: object) -> None:
    plain = NUMBERS[name]
    timed = {1: (2, 30), 3: (4, 31), 5: (6, 32), 7: (8, 33), 9: (10, 34), 11: (12, 35), 13: (14, 36), 15: (16, 37)}
    (found,) = objects(f"{plain:02x} 01 03 00 01 00 b9 0b 00 {element}")
    assert (found.address, found.reading.value, found.reading.quality, found.time_ms) == (3001, value, GOOD, None)
    for kind, stamp in zip(timed.get(plain, ()), ("a0 0f 1e", STAMP), strict=False):
        (found,) = objects(f"{kind:02x} 01 03 00 01 00 b9 0b 00 {element} {stamp}")
        assert (found.address, found.reading.value, found.reading.quality) == (3001, value, GOOD)
        if len(stamp) > 10:
            assert found.time_ms == STAMP_MS
        else:
            assert found.time_ms == int(datetime(2026, 5, 6, 7, 30, 4, tzinfo=UTC).timestamp() * 1000)


def test_a_sequence_has_one_address_and_its_followers() -> None:
    found = objects("0b 83 14 00 01 00 10 00 00 01 00 00 02 00 40 03 00 80")
    assert [(one.address, one.reading.value) for one in found] == [(16, 1), (17, 2), (18, 3)]
    assert [one.reading.quality for one in found] == [GOOD, UNCERTAIN, BAD]


@pytest.mark.parametrize(
    ("octets", "quality", "note"),
    [
        ("0b 01 03 00 01 00 01 00 00 01 00 c1", BAD, "invalid (IV), not topical (NT), overflow (OV)"),
        ("0b 01 03 00 01 00 01 00 00 01 00 20", UNCERTAIN, "substituted (SB)"),
        ("0b 01 03 00 01 00 01 00 00 01 00 10", UNCERTAIN, "blocked (BL)"),
        ("0b 01 03 00 01 00 01 00 00 01 00 01", UNCERTAIN, "overflow (OV)"),
        ("01 01 03 00 01 00 01 00 00 01", GOOD, ""),
        ("03 01 03 00 01 00 01 00 00 00", UNCERTAIN, "neither on nor off"),
        ("03 01 03 00 01 00 01 00 00 03", UNCERTAIN, "both on and off"),
        ("05 01 03 00 01 00 01 00 00 85 00", UNCERTAIN, "in transit"),
        ("0d 01 03 00 01 00 01 00 00 00 00 c0 7f 00", BAD, "not a number"),
        ("0f 01 03 00 01 00 01 00 00 01 00 00 00 80", BAD, "invalid (IV)"),
        ("0f 01 03 00 01 00 01 00 00 01 00 00 00 20", UNCERTAIN, "overflowed (CY)"),
    ],
)
def test_quality_in_words(octets: str, quality: int, note: str) -> None:
    (found,) = objects(octets)
    assert (found.reading.quality, found.reading.note) == (quality, note)


def test_short_addresses_of_an_older_layout() -> None:
    layout = asdu.Layout(cause=1, common=1, object=2)
    (found,) = objects("01 01 03 07 b9 0b 01", layout)
    assert found.address == 3001
    assert asdu.decode(bytes.fromhex("01 01 03 07 b9 0b 01"), layout).common_address == 7
    sent = asdu.encode(100, 6, 7, 0, b"\x14", layout=layout)
    assert sent.hex(" ") == "64 01 06 07 00 00 14"


def test_times_are_of_the_stations_zone() -> None:
    octets = bytes.fromhex(STAMP)
    assert clock.read_long(octets, ZoneInfo("UTC")) == STAMP_MS
    assert clock.read_long(octets, SHANGHAI) == STAMP_MS - 8 * 3_600_000
    assert clock.write_long(STAMP_MS, ZoneInfo("UTC")) == octets
    assert clock.read_long(clock.write_long(STAMP_MS, SHANGHAI), SHANGHAI) == STAMP_MS
    for wrong in ("a0 0f 9e 0d c1 0b 19", "a0 0f 1e 0d c1 0d 19", "a0 0f 3d 0d c1 0b 19", "ff ff 1e 0d c1 0b 19"):
        assert clock.read_long(bytes.fromhex(wrong), SHANGHAI) is None


def test_the_hour_that_comes_twice_is_told_by_the_summer_bit() -> None:
    first = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp() * 1000)
    for moment in (first, first + 3_600_000):
        assert clock.read_long(clock.write_long(moment, BERLIN), BERLIN) == moment


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Shanghai"])
def test_a_short_time_is_the_nearest_one(zone: str) -> None:
    place = ZoneInfo(zone)
    for minutes_off in (-20, -1, 0, 3):
        moment = NOW_MS + minutes_off * 60_000
        local = datetime.fromtimestamp(moment / 1000, place)
        octets = (local.second * 1000).to_bytes(2, "little") + bytes((local.minute,))
        assert clock.read_short(octets, NOW_MS, place) == moment
    assert clock.read_short(b"\x00\x00\x80", NOW_MS, place) is None


@given(st.binary(max_size=249))
def test_no_octets_do_more_than_be_unreadable(octets: bytes) -> None:
    try:
        found = asdu.decode(octets, STANDARD)
        list(asdu.iter_objects(found, STANDARD, SHANGHAI, NOW_MS))
    except asdu.Unreadable:
        pass


@given(st.binary(min_size=4, max_size=253))
def test_no_frame_does_more_than_be_malformed(octets: bytes) -> None:
    try:
        decoded = apci.decode(octets)
    except apci.Malformed:
        return
    assert apci.encode(decoded)[2:] == octets


@given(st.integers(0, 32767), st.integers(0, 32767), st.binary(min_size=1, max_size=249))
def test_frames_are_read_as_they_were_written(send: int, receive: int, body: bytes) -> None:
    octets = apci.encode(apci.Information(send, receive, body))
    assert apci.length(octets[:2]) == len(octets) - 2
    assert apci.decode(octets[2:]) == apci.Information(send, receive, body)


@pytest.mark.parametrize(
    ("text", "value", "octets"),
    [
        ("1:1:C_SC_NA_1", True, "01"),
        ("1:1:C_SC_NA_1:q2", False, "08"),
        ("1:1:C_DC_NA_1", "on", "02"),
        ("1:1:C_DC_NA_1", False, "01"),
        ("1:1:C_RC_NA_1", "lower", "01"),
        ("1:1:C_SE_NA_1", -1, "00 80 00"),
        ("1:1:C_SE_NB_1", 513, "01 02 00"),
        ("1:1:C_SE_NC_1:q3", 1.5, "00 00 c0 3f 03"),
        ("1:1:C_BO_NA_1", 1, "01 00 00 00"),
    ],
)
def test_elements_of_commands(text: str, value: object, octets: str) -> None:
    command = address.parse(text).command
    assert command is not None
    assert commands.element(command, value, select=False).hex(" ") == octets
    if "C_BO" not in text:
        selected = commands.element(command, value, select=True)
        assert selected[-1] == bytes.fromhex(octets)[-1] | 0x80


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:1:C_SC_NA_1", 2),
        ("1:1:C_SC_NA_1", "on"),
        ("1:1:C_DC_NA_1", 3),
        ("1:1:C_RC_NA_1", True),
        ("1:1:C_SE_NA_1", 1.0),
        ("1:1:C_SE_NB_1", 40000),
        ("1:1:C_SE_NB_1", 1.5),
        ("1:1:C_SE_NC_1", float("nan")),
        ("1:1:C_SE_NC_1", 1e39),
        ("1:1:C_BO_NA_1", -1),
        ("1:1:C_SE_NC_1", None),
    ],
)
def test_values_that_do_not_fit_a_command(text: str, value: object) -> None:
    command = address.parse(text).command
    assert command is not None
    with pytest.raises(Invalid) as error:
        commands.element(command, value, select=False)
    assert error.value.code == "iec104.value_invalid"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1:3001", None),
        ("1:3001:M_ME_NC_1", "number"),
        ("1:3001:M_SP_TB_1", "boolean"),
        ("65535:16777215:M_DP_NA_1", "integer"),
        ("1:5001:C_SC_NA_1:select", "boolean"),
        ("1:5001:C_SE_TC_1", "number"),
        ("1:3001>5001:C_SC_NA_1", None),
        ("1:3001:M_SP_NA_1>5001:C_SC_NA_1:direct:q1", "boolean"),
        ("1:interrogate", None),
    ],
)
def test_addresses(text: str, kind: str | None) -> None:
    assert Iec104Connector().check_address(text) == kind


@pytest.mark.parametrize(
    "text",
    ["", "1", "3001", "0:1", "65536:1", "1:16777216", "1:1:M_XX_NA_1", "1:1:C_IC_NA_1", "1:1:C_SC_NA_1:q32",
     "1:1:C_SC_NA_1:now", "1:1>2", "x:interrogate", "1:1:M_EI_NA_1", "1: 1", "１:1:C_SC_NA_1:q１"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid) as error:
        Iec104Connector().check_address(text)
    assert error.value.code == "iec104.address_invalid"
    assert "1:3001" in error.value.hint or "1:interrogate" in error.value.hint


def test_hosts_with_and_without_a_port() -> None:
    assert _place("10.0.0.5", 2404) == ("10.0.0.5", 2404)
    assert _place("rtu.example:2405", 2404) == ("rtu.example", 2405)
    assert _place("fe80::1", 2404) == ("fe80::1", 2404)
    assert _place("[fe80::1]:2405", 2404) == ("fe80::1", 2405)
    with pytest.raises(Invalid):
        _place("rtu:port", 2404)


def test_c104_reads_our_frames_as_we_meant_them() -> None:
    sent = asdu.encode(50, 6, 7, 5001, struct.pack("<f", 1.5) + b"\x80", layout=STANDARD, originator=3)
    octets = apci.encode(apci.Information(5, 9, sent)).hex()
    # Another implementation, under the GPL: in a process of its own.
    script = (
        "import c104, json\n"
        f"told = c104.explain_bytes_dict(bytes.fromhex('{octets}'))\n"
        "print(json.dumps([told['tx'], told['rx'], told['commonAddress'], told['originatorAddress'],"
        " told['type'].name, told['cot'].name, told['firstInformationObjectAddress']]))\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(told.stdout) == [5, 9, 7, 3, NAMES[50], "ACTIVATION", 5001]
