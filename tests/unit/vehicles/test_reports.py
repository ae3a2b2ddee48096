"""What reports hold, read and written; and the same seen by readers that were not written here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rtm_con.msg_format import msg_checked

from millwright.devices.models.validation import check
from millwright.devices.vehicles import layouts, thing_model, writing
from millwright.devices.vehicles.frames import decode, encode
from millwright.devices.vehicles.reading import Reading, read
from support.vehicles import CELLS, EXTREMES, ICCID, MOTOR, PROBES, VEHICLE, VIN, T, electric

STORAGE = {"storage.1.voltage": 350.5, "storage.1.current": -12.3}


def report(*items: bytes, edition: int = 2016) -> Reading:
    return read(decode(writing.report(VIN, T, items, edition=edition)))


def test_what_is_written_is_read_again() -> None:
    found = read(decode(electric()))
    wanted = VEHICLE | MOTOR | EXTREMES | STORAGE | {"longitude": 121.473701, "latitude": 31.230416}
    wanted |= {f"storage.1.cell.{number}.voltage": value for number, value in enumerate(CELLS, 1)}
    wanted |= {f"storage.1.probe.{number}.temperature": value for number, value in enumerate(PROBES, 1)}
    wanted |= {"storage.1.cells": 96, "location_valid": True, "alarm.level": 2, "alarm.motor_codes": "DEADBEEF"}
    wanted |= {f"alarm.{name}": name in ("insulation", "soc_low") for name, _, _ in layouts.ALARMS[:19]}
    wanted |= {f"alarm.{kind}_faults": int(kind == "motor") for kind in layouts.FAULTS}
    assert found.values == wanted
    assert (found.time_ms, found.fault, found.abnormal, found.uncertain) == (T, "", [], {})


def test_markers_are_no_values() -> None:
    item = bytearray(writing.vehicle(VEHICLE))
    item[1] = 0xFE  # the vehicle's state
    item[4:6] = b"\xff\xfe"  # speed
    item[6:10] = b"\xff\xff\xff\xff"  # distance
    item[14] = 0xFF  # state of charge
    found = report(bytes(item))
    assert [found.values[name] for name in ("vehicle_state", "speed", "odometer", "soc")] == [None] * 4
    assert found.abnormal == ["vehicle_state", "speed"]
    found = report(writing.voltages(STORAGE, {1: [3.2, None, 3.3]}), writing.temperatures({1: [None, 20]}))
    assert found.values["storage.1.cell.2.voltage"] is found.values["storage.1.probe.1.temperature"] is None
    assert (found.values["storage.1.cell.3.voltage"], found.values["storage.1.probe.2.temperature"]) == (3.3, 20)


def test_a_place_has_a_hemisphere_and_may_be_doubtful() -> None:
    assert report(writing.place(-70.5, -33.4)).values["latitude"] == -33.4
    found = report(writing.place(-70.5, -33.4, valid=False))
    assert found.uncertain == {"longitude": -70.5, "latitude": -33.4}
    assert found.values == {"location_valid": False}


def test_fuel_cell_engine_and_what_makers_define() -> None:
    cell = {"fuel_cell.voltage": 300.5, "fuel_cell.current": 55.5, "fuel_cell.consumption": 1.25}
    hydrogen = {
        "fuel_cell.hydrogen_temperature": 63.5, "fuel_cell.hydrogen_temperature_probe": 2,
        "fuel_cell.hydrogen_concentration": 12, "fuel_cell.hydrogen_concentration_sensor": 1,
        "fuel_cell.hydrogen_pressure": 35.1, "fuel_cell.hydrogen_pressure_sensor": 3, "fuel_cell.dcdc_state": 1,
    }  # fmt: skip
    engine = {"engine.state": 1, "engine.speed": 2100, "engine.consumption": 6.25}
    found = report(
        writing.fuel_cell(cell | hydrogen, [60, -5]), writing.engine(engine), writing.custom(0x80, b"\x01\xff")
    )
    probes = {"fuel_cell.probe.1.temperature": 60, "fuel_cell.probe.2.temperature": -5}
    assert found.values == cell | hydrogen | probes | engine | {"custom.80": "01ff"}
    assert len(report(writing.custom(0x81, bytes(9000))).values) == 3


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (b"\x01" + bytes(19), "ends 1 bytes too early"),
        (b"\x02\x02" + bytes(12), "ends 1 bytes too early"),
        (b"\x08\x01\x01" + b"\x00" * 8 + b"\x05\x00", "too early"),
        (b"\x0b\x00\x01", "0x0B is not one of the edition of 2016"),
        (b"\x80\xff\xff", "too early"),
    ],
)
def test_what_comes_before_nonsense_is_read(item: bytes, fault: str) -> None:
    found = report(writing.engine({"engine.speed": 900}), item)
    assert found.values["engine.speed"] == 900
    assert fault in found.fault


def test_a_time_that_does_not_exist_leaves_the_values() -> None:
    found = read(decode(encode(0x02, VIN, b"\x19\x0d\x01\0\0\0" + writing.engine({"engine.speed": 900}))))
    assert (found.time_ms, found.values["engine.speed"]) == (None, 900)
    assert read(decode(encode(0x02, VIN, b""))).time_ms is None


def test_logins_and_logouts() -> None:
    found = read(decode(writing.login(VIN, T, 7, ICCID, ["PACK-A", "PACK-B"])))
    assert found.values == {"login_number": 7, "iccid": ICCID, "storage_codes": "PACK-A,PACK-B"}
    found = read(decode(writing.login(VIN, T, 7, ICCID, ["PACK-A", "PACK-B"], edition=2025)))
    assert found.values == {"login_number": 7, "iccid": ICCID, "storage_codes": "PACK-A,PACK-B"}
    assert read(decode(writing.logout(VIN, T, 7))).values == {"login_number": 7}


def test_the_model_declares_what_is_read() -> None:
    document = check(thing_model.document())
    declared = {each.name: each for each in document.properties}
    found = read(decode(electric()))
    assert {name for name in found.values if ".cell." not in name and ".probe." not in name} <= set(declared)
    assert all(each.title and each.title_zh for each in document.properties)
    assert (declared["total_current"].minimum, declared["total_current"].maximum) == (-1000, 1000)


# --- what was not written here ------------------------------------------------------------------------------------


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """rtm-con, a reader and writer by others; it gives local times."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield msg_checked
    time.tzset()


def flat(item: Any) -> dict[str, Any]:
    return {name: getattr(value, "value", value) for name, value in item.items() if not name.startswith("_")}


def test_the_witness_reads_what_is_written_here(witness: Any) -> None:
    seen = witness.parse(electric())
    assert (str(seen.starter), str(seen.msg_type), seen.vin, str(seen.enc)) == (
        "protocol_2016", "realtime", VIN, "uncrypted"
    )  # fmt: skip
    assert seen.payload.timestamp.replace(tzinfo=UTC) == datetime.fromtimestamp(T / 1000, UTC)
    items = {str(each.data_type): each.data_content for each in seen.payload.data_list}
    vehicle = flat(items["whole_vehicle"])
    assert str(vehicle["vehicle_state"]) == "on"
    assert str(vehicle["charge_state"]) == "uncharged"
    assert vehicle["gear_state"].driving_force
    assert not vehicle["gear_state"].braking_force
    assert str(vehicle["gear_state"].gear) == "D"
    same = {"vehicle_speed": 88.8, "mileage_total": 12345.6, "voltage_total": 350.5, "current_total": -12.3, "soc": 77}
    assert {name: vehicle[name] for name in same} == pytest.approx(same)
    (motor,) = items["emotor"]
    assert flat(motor)["speed"] == -3000
    assert flat(motor)["torque"] == pytest.approx(-55.5)
    assert flat(motor)["temp"] == 66
    place = flat(items["gnss"])
    assert (place["gnss_lng"], place["gnss_lat"]) == pytest.approx((121.473701, 31.230416))
    assert flat(items["pack_extrema"])["min_cell_temp"] == -20
    assert flat(items["pack_extrema"])["max_cell_volt"] == pytest.approx(3.295)
    warnings = items["warnings"]
    raised = {name for name, on in warnings.general_warnings.items() if on and not name.startswith("_")}
    assert raised == {"soc_low_warning", "insulation_warning"}
    assert (warnings.max_warning_level, [each.lower() for each in warnings.emotor_failures]) == (2, ["deadbeef"])
    (pack,) = items["cell_volts"]
    assert [each.value for each in pack.cell_volts] == pytest.approx(CELLS)
    (pack,) = items["probe_temps"]
    assert [each.value for each in pack.probe_temps] == PROBES


def test_what_the_witness_writes_is_read_here(witness: Any) -> None:
    for raw in (
        electric(), writing.login(VIN, T, 7, ICCID, ["PACK-A", "PACK-B"]), writing.logout(VIN, T, 7),
        writing.platform_login("CITY", T, 1, "city", "secret"), electric(command=0x03),
        writing.login(VIN, T, 7, ICCID, ["PACK-A"], edition=2025),
    ):  # fmt: skip
        again = witness.build(witness.parse(raw))
        assert again == raw
        assert read(decode(again)).fault in ("", "the command 0x05 is not read")


def test_the_witness_agrees_about_the_edition_of_2025(witness: Any) -> None:
    motor = {name: value for name, value in MOTOR.items() if "controller_v" not in name and "controller_c" not in name}
    wide = {"total_current": -2500.5, "motor.1.torque": 12345.6, "motor.1.speed": -30000, "storage.1.current": -2999.9}
    items = [
        writing.vehicle(VEHICLE | wide, edition=2025), writing.motors(motor | wide, 1, edition=2025),
        writing.engine({"engine.speed": 900}, edition=2025), writing.place(-70.5, -33.4, edition=2025, system=2),
        writing.alarms(3, ["insulation", "thermal_event", "stack_temperature"], edition=2025),
        writing.voltages(STORAGE | wide, {1: CELLS}, edition=2025), writing.temperatures({1: PROBES}, edition=2025),
        writing.custom(0x90, b"x"), b"\xff\x01\x00\x02ab\x00\x01c",
    ]  # fmt: skip
    raw = writing.report(VIN, T, items, edition=2025)
    seen = witness.parse(raw)
    parts = {str(each.data_type): each.data_content for each in seen.payload.data_list}
    assert flat(parts["whole_vehicle"])["current_total"] == pytest.approx(-2500.5)
    assert flat(parts["emotor"][0])["torque"] == pytest.approx(12345.6)
    assert flat(parts["emotor"][0])["speed"] == -30000
    assert str(parts["gnss"].gnss_gcs) == "gcj02"
    raised = {name for name, on in parts["warnings"].general_warnings.items() if on and not name.startswith("_")}
    assert raised == {"insulation_warning", "pack_thermal_event_warning", "fuel_cell_stack_over_temp_warning"}
    assert flat(parts["cell_volts"][0])["curr"] == pytest.approx(-2999.9)
    assert [each.value for each in parts["cell_volts"][0].cell_volts] == pytest.approx(CELLS)
    found = read(decode(witness.build(seen)))
    assert not found.fault
    assert {name: found.values[name] for name in wide} == wide
    assert found.values["alarm.thermal_event"] is True
    assert (found.values["latitude"], found.values["coordinate_system"]) == (-33.4, 2)
    assert found.values["signature_algorithm"] == 1
