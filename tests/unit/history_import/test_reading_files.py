"""Cells become readings: times in every form, values, the long form and the wide one, what is refused and why."""

from datetime import UTC, datetime

import numpy as np
import pytest

from millwright.devices.history_import.guessing import guess, target_of
from millwright.devices.history_import.model import ColumnTarget, ReadingImportSettings
from millwright.devices.history_import.reading import HistoryReader
from millwright.devices.history_import.times import NO_TIME, TimeReader
from millwright.devices.history_import.values import read_qualities, read_values
from millwright.devices.telemetry import DeclaredProperty, KnownDevice
from millwright.historian import BAD, GOOD, UNCERTAIN, series_id
from millwright.kernel import Invalid

NOW = 1_750_000_000_000
T = 1_700_000_000_000
ISO = datetime.fromtimestamp(T / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("form", "zone", "cells", "times"),
    [
        ("auto", "UTC", [ISO, ISO.replace("+00:00", "Z")], [T, T]),
        ("auto", "UTC", ["2023-11-14 22:13:20", "2023-11-14T22:13:20.250"], [T, T + 250]),
        ("auto", "Asia/Shanghai", ["2023-11-15 06:13:20", "2023-11-15 06:13:21"], [T, T + 1000]),
        ("auto", "Asia/Shanghai", ["2023-11-15 06:13:20", ISO], [T, T]),
        ("auto", "UTC", ["2023/11/14 22:13:20", "nonsense", ""], [T, NO_TIME, NO_TIME]),
        ("auto", "UTC", ["1700000000000", "1700000000", "1700000000000000", "x"], [T, T, T, NO_TIME]),
        ("s", "UTC", ["1700000000.5"], [T + 500]),
        ("ms", "UTC", ["1700000000000", "nan", ""], [T, NO_TIME, NO_TIME]),
        ("%d.%m.%Y %H:%M:%S", "Europe/Berlin", ["14.11.2023 23:13:20", "31.02.2023 00:00:00"], [T, NO_TIME]),
        ("%Y-%m-%d", "Asia/Shanghai", ["0001-01-01"], [-62_135_625_943_000]),
        ("%Y-%m-%dT%H:%M:%S%z", "UTC", ["2023-11-15T06:13:20+0800"], [T]),
        # Clocks went back: the earlier of the two is taken. Clocks went forward: the moment after.
        ("auto", "Europe/Berlin", ["2023-10-29 02:30:00"], [1_698_539_400_000]),
    ],
)
def test_times(form, zone, cells, times):
    assert TimeReader(form, zone).read(cells).tolist() == times


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ("auto", "Mars/Olympus"),
        ("auto", "../etc/passwd"),
        ("weeks", "UTC"),
        ("%Q", "UTC"),
        ("%Y%Y", "UTC"),
        ("%", "UTC"),
    ],
)
def test_no_zone_and_no_format(form, zone):
    with pytest.raises(Invalid) as error:
        TimeReader(form, zone)
    assert error.value.code == "readings.import_columns"


def test_values():
    found = read_values(["1.5", "", "true", "FALSE", "running", " 7 ", "nan", "x" * 5000], decimal_comma=False)
    assert found.number[[0, 2, 3, 5]].tolist() == [1.5, 1.0, 0.0, 7.0]
    assert found.kind.tolist()[:7] == [0, 0, 1, 1, 2, 0, 0]
    assert found.empty.tolist() == [False, True, *[False] * 6]
    assert (found.text, list(found.refused)) == ({4: "running"}, [7])
    assert read_values(["1,5", "1.234,5", "2.5"], decimal_comma=True).number.tolist() == [1.5, 1234.5, 2.5]
    assert read_qualities(["good", "BAD", "192", "64", "what", "0", ""]).tolist() == [192, 0, 192, 64, 64, 0, 192]


PUMP = KnownDevice("dev_1", {"speed": DeclaredProperty("speed", minimum=0, maximum=10, unit="m/s")})


def reader(names, /, **settings):
    known = {"pump": PUMP, "meter": KnownDevice("dev_2")}
    return HistoryReader(names, ReadingImportSettings(**settings), NOW, known.get)


def rows(*cells):
    return [(number, list(each)) for number, each in enumerate(cells, 2)]


def test_the_long_form():
    read = reader(
        ["t", "d", "p", "v", "q"], time="t", device="d", property="p", value="v", quality="q"
    ).read(1, rows(
        (str(T), "pump", "speed", "5", "good"),
        (str(T), "pump", "speed", "50", "good"),
        (str(T), "meter", "state", "on", ""),
        (str(T), "nobody", "speed", "5", ""),
        ("soon", "pump", "speed", "5", ""),
        (str(NOW + 10 * 86_400_000), "pump", "speed", "5", ""),
        (str(T), "pump", "", "5", ""),
        (str(T), "pump", "speed", "", ""),
        (str(T), "pump"),
    ))  # fmt: skip
    batch = read.batch
    assert [batch.value(row) for row in range(len(batch))] == [5.0, 50.0, "on"]
    assert batch.series.tolist() == [series_id("dev_1", "speed")] * 2 + [series_id("dev_2", "state")]
    assert batch.quality.tolist() == [GOOD, UNCERTAIN, GOOD]
    assert set(batch.received_ms.tolist()) == {NOW}
    assert [(each.row, each.line, each.code) for each in read.refused] == [
        (4, 5, "readings.device"), (5, 6, "readings.time"), (6, 7, "readings.time"), (7, 8, "readings.property"),
        (8, 9, "readings.value"), (9, 10, "readings.property"),
    ]  # fmt: skip
    assert all(each.reason and each.reason_zh for each in read.refused)
    assert [(info.device_id, info.property, info.unit, info.known) for info in read.news] == [
        ("dev_1", "speed", "m/s", True), ("dev_2", "state", None, False),
    ]  # fmt: skip
    assert (read.rows, list(read.names)) == ([1, 2, 3], [("pump", "speed"), ("pump", "speed"), ("meter", "state")])


def test_the_wide_form():
    columns = {"a": ColumnTarget(property="speed"), "b": ColumnTarget(property="kwh", device_id="meter", unit="kW.h")}
    read = reader(["time", "a", "b"], form="wide", device_id="pump", columns=columns).read(
        1, rows((str(T), "1", "2"), (str(T + 1), "", "3"), ("no", "4", "5"), (str(T + 2), "7"))
    )
    batch = read.batch
    found = sorted(zip(batch.series.tolist(), batch.time_ms.tolist(), batch.number.tolist(), strict=True))
    speed, kwh = series_id("dev_1", "speed"), series_id("dev_2", "kwh")
    assert found == sorted([(speed, T, 1), (speed, T + 2, 7), (kwh, T, 2), (kwh, T + 1, 3)])
    assert [(each.row, each.code) for each in read.refused] == [(3, "readings.time")]
    assert {info.property: info.unit for info in read.news} == {"speed": "m/s", "kwh": "kW.h"}


def test_what_is_no_number_is_bad_not_lost():
    read = reader(["t", "v"], time="t", value="v", property_name="x", device_id="pump").read(
        1, rows((str(T), "nan"), (str(T + 1), "inf"), (str(T + 2), "1"))
    )
    assert read.batch.quality.tolist() == [BAD, BAD, GOOD]
    assert np.isnan(read.batch.number[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"time": "nothing", "value": "v", "property_name": "x", "device_id": "pump"},
        {"time": "t", "value": "w", "property_name": "x", "device_id": "pump"},
        {"time": "t", "value": "v", "device_id": "pump"},
        {"time": "t", "value": "v", "property": "v", "property_name": "x", "device_id": "pump"},
        {"time": "t", "value": "v", "property_name": "x"},
        {"time": "t", "value": "v", "property_name": "x", "device": "t", "device_id": "pump"},
        {"time": "t", "property_name": "x", "device_id": "pump"},
        {"time": "t", "form": "wide", "device_id": "pump"},
        {"time": "t", "form": "wide", "columns": {"v": ColumnTarget(property="x")}},
    ],
)
def test_settings_that_do_not_fit(settings):
    with pytest.raises(Invalid) as error:
        reader(["t", "v"], **settings)
    assert error.value.code == "readings.import_columns"


def test_guessing():
    found = guess(["Time", "设备", "tag", "value", "quality"])
    assert (found.form, found.time, found.device, found.property, found.value, found.quality) == (
        "long", "Time", "设备", "tag", "value", "quality",
    )  # fmt: skip
    found = guess(["timestamp", "speed [m/s]", "flow (m3/h)", "state"])
    assert found.form == "wide"
    assert found.columns == {
        "speed [m/s]": ColumnTarget(property="speed", unit="m/s"),
        "flow (m3/h)": ColumnTarget(property="flow", unit="m3/h"),
        "state": ColumnTarget(property="state"),
    }
    assert target_of("(x)") == ColumnTarget(property="(x)")
    # What `millwright readings export` writes.
    found = guess(["time", "time_ms", "value", "quality", "received_ms"])
    assert (found.form, found.time, found.value) == ("long", "time", "value")
