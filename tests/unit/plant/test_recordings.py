"""The demo plant's data and messages, without a connection."""

from __future__ import annotations

import json
from importlib import resources

from millwright.plant import sparkplug, steel, tep
from millwright.plant.recordings import load
from millwright.plant.tep_tags import CONTROLLERS


def test_every_recorded_column_belongs_to_exactly_one_controller() -> None:
    columns = [column for tags in CONTROLLERS.values() for column in tags.values()]
    assert sorted(columns) == sorted(load("tep_d06_te", 180).columns)


def test_models_describe_exactly_the_properties_that_are_sent() -> None:
    sent = {f"tep_{name}": set(tags) for name, tags in CONTROLLERS.items()}
    sent |= {"steel_meter": set(steel.DEVICES["Meter"]), "steel_emissions": set(steel.DEVICES["Carbon"])}
    folder = resources.files("millwright.plant") / "models"
    described = {}
    for file in folder.iterdir():
        properties = json.loads(file.read_text(encoding="utf-8"))["properties"]
        assert all(p["title"] and p["title_zh"] for p in properties)
        described[file.name.removesuffix(".json")] = {p["name"] for p in properties}
    assert described == sent


def test_fault_is_in_the_recording_where_it_is_said_to_be() -> None:
    recording = load("tep_d06_te", 180)
    a_feed = [float(row[0]) for row in recording.rows]
    assert min(a_feed[: tep.FAULT_ROW]) > 0.15
    assert max(a_feed[tep.FAULT_ROW :]) < 0.02


def test_live_begins_the_lead_time_before_the_fault() -> None:
    assert (tep.FAULT_ROW - tep.first_row(90)) * tep.STEP_S / 90 == tep.LEAD_S + 1
    assert tep.first_row(1_000_000) == 0


def test_backfill_covers_two_days_and_ends_one_step_before_now() -> None:
    recording, end_ms = load("tep_d00_te", 180), 1_800_000_000_000
    samples = [s for m in tep.backfill_messages(recording, "reactor", end_ms) for s in json.loads(m)]
    times = [s["ts"] for s in samples]
    assert len(times) == 960
    assert times == sorted(set(times))
    assert (times[0], times[-1]) == (end_ms - 48 * 3_600_000, end_ms - 180_000)
    assert all(s["values"].keys() == CONTROLLERS["reactor"].keys() for s in samples)


def test_steel_year_has_every_quarter_of_an_hour() -> None:
    recording = load("steel", 900)
    assert len(recording) == 365 * 96
    meter = steel.values_of("Meter", recording.row(steel.FIRST_LIVE_ROW + 4))
    assert meter["active_energy"] > 50
    assert steel.values_of("Carbon", recording.row(0))["load_type"] == "Light_Load"


def test_sparkplug_value_fields_are_those_of_the_specification() -> None:
    payload = sparkplug.Payload(timestamp=5, seq=7)
    payload.metrics.add(alias=3, timestamp=4, datatype=sparkplug.DOUBLE, double_value=1.5)
    # Written out by hand from section 6.4: field 1 varint, field 2 length-delimited, field 3 varint.
    metric = bytes([0x10, 3, 0x18, 4, 0x20, 10, 0x69, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
    assert payload.SerializeToString() == bytes([0x08, 5, 0x12, len(metric)]) + metric + bytes([0x18, 7])
