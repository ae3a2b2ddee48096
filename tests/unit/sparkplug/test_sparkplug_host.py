"""The host's side of Sparkplug B: births, data, deaths, gaps, and what the payloads carry."""

import struct

import pytest

from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, FLAG_REPLAYED
from millwright.devices.sparkplug import DataSet, DataType, EdgeSession
from millwright.devices.telemetry import DeclaredProperty, KnownDevice, TelemetrySettings
from millwright.historian import BAD, GOOD, UNCERTAIN
from support.sparkplug import CHILD_ID, EDGE_ID, HostBench, bd_seq, is_rebirth_request, metric, payload
from support.telemetry import NOW_MS, readings, reasons


def test_a_birth_is_readings_and_presence():
    decoded = HostBench().born(metric("speed", double_value=5.5), metric("on", DataType.BOOLEAN, boolean_value=True))
    assert readings(decoded, ("speed", "on"), EDGE_ID) == [
        ("speed", NOW_MS - 1, 5.5, GOOD),
        ("on", NOW_MS - 1, True, GOOD),
    ]
    assert [(p.device_id, p.online, p.reason) for p in decoded.presence] == [(EDGE_ID, True, "NBIRTH")]
    assert not decoded.outgoing


def test_data_by_alias_and_by_name():
    bench = HostBench()
    bench.born(metric("speed", alias=7, double_value=1))
    data = payload(
        metric(datatype=0, alias=7, double_value=2), metric("speed", 0, double_value=3, timestamp=NOW_MS), seq=1
    )
    assert [r[1:3] for r in readings(bench.send("NDATA", data), ("speed",), EDGE_ID)] == [(NOW_MS - 1, 2), (NOW_MS, 3)]


def test_a_device_below_the_edge_node():
    bench = HostBench()
    bench.born()
    birth = bench.send("DBIRTH", payload(metric("rpm", DataType.INT32, alias=1, int_value=9), seq=1), device="mixer")
    assert readings(birth, ("rpm",), CHILD_ID)[0][2] == 9
    assert [(p.device_id, p.online) for p in birth.presence] == [(CHILD_ID, True)]
    data = bench.send("DDATA", payload(metric(datatype=0, alias=1, int_value=2**32 - 4), seq=2), device="mixer")
    assert readings(data, ("rpm",), CHILD_ID)[0][2] == -4
    assert CHILD_ID in data.last_seen
    certificate = payload(seq=3, timestamp=NOW_MS + 4)
    death = bench.send("DDEATH", certificate, device="mixer", received_ms=NOW_MS + 10)
    assert readings(death, ("rpm",), CHILD_ID) == [("rpm", NOW_MS + 4, None, BAD)], "the time is the certificate's"
    assert [(p.device_id, p.online, p.at_ms, p.reason) for p in death.presence] == [
        (CHILD_ID, False, NOW_MS + 4, "DDEATH")
    ]
    late = bench.send("DDATA", payload(metric(datatype=0, alias=1, int_value=1), seq=4), device="mixer")
    assert reasons(late) == ["sparkplug.before_birth"]


def test_a_death_makes_all_of_the_edge_node_unknown():
    bench = HostBench()
    bench.born(metric("speed", double_value=1), bd=3)
    bench.send("DBIRTH", payload(metric("rpm", double_value=9), seq=1), device="mixer")
    death = bench.send("NDEATH", payload(bd_seq(3)), received_ms=NOW_MS + 10, flags=FLAG_ACKNOWLEDGED)
    assert len(death.batch) == 2
    assert set(death.batch.quality.tolist()) == {BAD}
    assert {(p.device_id, p.online) for p in death.presence} == {(EDGE_ID, False), (CHILD_ID, False)}
    assert reasons(bench.send("NDATA", payload(metric("speed", double_value=1), seq=2))) == ["sparkplug.before_birth"]


def test_an_older_connections_will_does_not_end_a_newer_birth():
    bench = HostBench()
    bench.born(metric("speed", double_value=1), bd=4)
    death = bench.send("NDEATH", payload(bd_seq(3)))
    assert len(death.batch) == 0
    assert not death.presence
    assert not bench.send("NDATA", payload(metric("speed", double_value=2), seq=1)).dead_letters


@pytest.mark.parametrize(("birth", "death", "ends"), [(4, 4, True), (4, 5, True), (4, 3, False), (255, 0, True)])
def test_which_death_ends_which_birth(birth, death, ends):
    bench = HostBench()
    bench.born(bd=birth)
    assert bool(bench.send("NDEATH", payload(bd_seq(death))).presence) is ends


def test_data_before_birth_is_kept_and_a_rebirth_asked_for_once():
    bench = HostBench()
    data = payload(metric("speed", double_value=2), seq=5)
    first = bench.send("NDATA", data)
    assert reasons(first) == ["sparkplug.before_birth"]
    assert first.dead_letters[0].payload == data
    assert [is_rebirth_request(o) for o in first.outgoing] == [True]
    assert not bench.send("NDATA", data, received_ms=NOW_MS + 29_000).outgoing
    assert len(bench.send("NDATA", data, received_ms=NOW_MS + 31_000).outgoing) == 1
    bench.born(metric("speed", double_value=1))
    replayed = bench.send("NDATA", data, flags=FLAG_REPLAYED)
    assert readings(replayed, ("speed",), EDGE_ID)[0][2] == 2
    assert not replayed.outgoing


def test_a_gap_is_read_and_a_rebirth_asked_for_once_when_nothing_more_comes():
    bench = HostBench()
    bench.born(metric("speed", double_value=1))
    gap = bench.send("NDATA", payload(metric("speed", double_value=2), seq=2))
    assert (len(gap.batch), gap.counts["sparkplug_gaps"]) == (1, 1)
    assert not gap.outgoing
    assert not bench.host.overdue(100.0, NOW_MS, 2.0)  # the first look, from which on it is waited
    assert not bench.send("NDATA", payload(metric("speed", double_value=3), seq=3)).outgoing
    assert not bench.host.overdue(101.9, NOW_MS, 2.0)
    asked = bench.host.overdue(102.0, NOW_MS, 2.0)
    assert [is_rebirth_request(each) for each in asked] == [True]
    bench.send("NDATA", payload(metric("speed", double_value=3), seq=5))
    assert not bench.host.overdue(103.0, NOW_MS, 0.0), "one was asked for already"
    assert not bench.host.overdue(104.0, NOW_MS, 0.0)


def test_what_was_overtaken_closes_the_gap():
    bench = HostBench()
    bench.born(metric("speed", double_value=1))
    for seq in (3, 1):
        bench.send("NDATA", payload(metric("speed", double_value=seq), seq=seq))
    assert bench.host.sessions[EDGE_ID].awaited == {2}
    late = bench.send("NDATA", payload(metric("speed", double_value=2), seq=2))
    assert (len(late.batch), late.counts["sparkplug_gaps"]) == (1, 0)
    assert not bench.host.gaps
    bench.send("NDATA", payload(metric("speed", double_value=4), seq=4))
    assert not bench.host.overdue(100.0, NOW_MS, 0.0)


@pytest.mark.parametrize("wrong", [None, 250])
def test_an_edge_node_that_counts_in_another_way_is_not_waited_for_in_vain(wrong):
    bench = HostBench()
    bench.born(metric("speed", double_value=1))
    bench.send("NDATA", payload(metric("speed", double_value=2), seq=wrong))
    assert len(bench.host.overdue(100.0, NOW_MS, 0.0)) == 1


def test_a_birth_or_a_death_ends_the_wait():
    bench = HostBench()
    bench.born(metric("speed", double_value=1))
    bench.send("NDATA", payload(metric("speed", double_value=2), seq=2))
    bench.born(metric("speed", double_value=1), bd=1)
    assert not bench.host.overdue(100.0, NOW_MS, 0.0)
    bench.send("NDATA", payload(metric("speed", double_value=2), seq=2))
    bench.send("NDEATH", payload(bd_seq(1)))
    assert not bench.host.overdue(100.0, NOW_MS, 0.0)
    assert not bench.host.gaps


def test_payload_numbers_wrap_after_255():
    bench = HostBench()
    bench.send("NBIRTH", payload(bd_seq(0), metric("speed", double_value=1), seq=254))
    for seq in (255, 0, 1):
        assert not bench.send("NDATA", payload(metric("speed", double_value=seq), seq=seq)).outgoing


def test_a_repeated_message_is_no_gap():
    bench = HostBench()
    bench.born(metric("speed", double_value=1))
    data = payload(metric("speed", double_value=2), seq=1)
    bench.send("NDATA", data, flags=FLAG_ACKNOWLEDGED)
    again = bench.send("NDATA", data, flags=FLAG_ACKNOWLEDGED | FLAG_DUPLICATE)
    assert not again.outgoing
    assert not bench.send("NDATA", payload(metric("speed", double_value=3), seq=2)).outgoing


def test_an_unknown_alias_asks_for_a_rebirth_and_is_kept():
    bench = HostBench()
    bench.born(metric("speed", alias=1, double_value=1))
    decoded = bench.send("NDATA", payload(metric(datatype=0, alias=9, double_value=2), seq=1))
    assert reasons(decoded) == ["sparkplug.alias_unknown"]
    assert len(decoded.outgoing) == 1


def test_a_device_nobody_registered_arrives_and_is_kept():
    bench = HostBench()
    bench.born()
    data = payload(metric("rpm", double_value=9, alias=3), seq=1)
    decoded = bench.send("DBIRTH", data, device="crusher")
    assert reasons(decoded) == ["sparkplug.device_unknown"]
    assert [(a.edge_id, a.device) for a in decoded.arrivals] == [(EDGE_ID, "crusher")]
    bench.plant.devices["dev_crusher"] = KnownDevice("dev_crusher")
    bench.plant.children[EDGE_ID, "crusher"] = "dev_crusher"
    later = bench.send("DDATA", payload(metric(datatype=0, alias=3, double_value=4), seq=2), device="crusher")
    assert readings(later, ("rpm",), "dev_crusher")[0][2] == 4
    replayed = bench.send("DBIRTH", data, device="crusher", flags=FLAG_REPLAYED)
    assert readings(replayed, ("rpm",), "dev_crusher")[0][2] == 9


def test_a_foreign_edge_is_refused():
    bench = HostBench()
    bench.plant.devices[EDGE_ID] = KnownDevice(EDGE_ID, {}, "plant", "another")
    assert reasons(bench.born()) == ["sparkplug.foreign_edge"]


@pytest.mark.parametrize(
    ("kind", "device", "data", "reason"),
    [
        ("NBIRTH", "mixer", b"", "sparkplug.topic"),
        ("DDATA", "", b"", "sparkplug.topic"),
        ("NCMD", "", b"", "sparkplug.topic"),
        ("NBIRTH", "", b"\xff\xff\xff", "sparkplug.not_protobuf"),
    ],
)
def test_what_is_no_sparkplug_is_kept(kind, device, data, reason):
    assert reasons(HostBench().send(kind, data, device=device)) == [reason]


def test_time_null_history_and_transience():
    decoded = HostBench().born(
        metric("null", is_null=True),
        metric("old", double_value=1, is_historical=True, timestamp=NOW_MS - 3_600_000),
        metric("blip", double_value=1, is_transient=True),
        metric("untimed", double_value=1, timestamp=None),
        metric("wild", double_value=1, timestamp=12),
    )
    assert readings(decoded, ("null", "old", "untimed", "wild"), EDGE_ID) == [
        ("null", NOW_MS - 1, None, BAD),
        ("old", NOW_MS - 3_600_000, 1.0, GOOD),
        ("untimed", NOW_MS, 1.0, GOOD),
        ("wild", NOW_MS, 1.0, UNCERTAIN),
    ]
    assert decoded.counts["points_transient"] == 1


def properties(**values):
    from millwright.devices.sparkplug import Metric

    message = Metric()
    for key, (field, value) in values.items():
        message.properties.keys.append(key)
        setattr(message.properties.values.add(), field, value)
    return message.properties


def test_units_and_qualities_come_from_properties():
    decoded = HostBench().born(
        metric("t", double_value=1, properties=properties(engUnit=("string_value", "Cel"))),
        metric("stale", double_value=1, properties=properties(Quality=("int_value", 500))),
        metric("bad", double_value=1, properties=properties(Quality=("int_value", 0))),
        metric("good", double_value=1, properties=properties(Quality=("int_value", 192))),
    )
    assert [r[3] for r in readings(decoded, ("t", "stale", "bad", "good"), EDGE_ID)] == [GOOD, UNCERTAIN, BAD, GOOD]
    assert {info.property: info.unit for info in decoded.new_series}["t"] == "Cel"


def test_the_model_applies_to_sparkplug_too():
    bench = HostBench()
    bench.plant.devices[EDGE_ID] = KnownDevice(EDGE_ID, {"t": DeclaredProperty("t", maximum=5)}, "plant", "edge1")
    assert readings(bench.born(metric("t", double_value=6)), ("t",), EDGE_ID)[0][3] == UNCERTAIN


@pytest.mark.parametrize(
    ("datatype", "value", "expected"),
    [
        (DataType.INT8, {"int_value": 0xFF}, -1),
        (DataType.INT8, {"int_value": 0xFFFFFFFF}, -1),
        (DataType.INT16, {"int_value": 0x8000}, -32768),
        (DataType.INT32, {"int_value": 0xFFFFFFFF}, -1),
        (DataType.INT64, {"long_value": 2**64 - 5}, -5),
        (DataType.UINT8, {"int_value": 255}, 255),
        (DataType.UINT16, {"int_value": 65535}, 65535),
        (DataType.UINT32, {"int_value": 2**32 - 1}, 2**32 - 1),
        (DataType.UINT32, {"long_value": 2**32 - 1}, 2**32 - 1),
        (DataType.UINT64, {"long_value": 2**53}, 2**53),
        (DataType.FLOAT, {"float_value": 1.5}, 1.5),
        (DataType.DOUBLE, {"double_value": 1e300}, 1e300),
        (DataType.DOUBLE, {"double_value": float("nan")}, None),
        (DataType.BOOLEAN, {"boolean_value": False}, False),
        (DataType.STRING, {"string_value": "läuft"}, "läuft"),
        (DataType.TEXT, {"string_value": "x"}, "x"),
        (DataType.UUID, {"string_value": "u"}, "u"),
        (DataType.DATE_TIME, {"long_value": NOW_MS}, NOW_MS),
        (DataType.BYTES, {"bytes_value": b"\x00\x01"}, "AAE="),
        (DataType.FILE, {"bytes_value": b"f"}, "Zg=="),
    ],
)
def test_every_datatype(datatype, value, expected):
    [found] = readings(HostBench().born(metric("x", datatype, **value)), ("x",), EDGE_ID)
    assert found[2] == expected
    assert type(found[2]) in (bool, float, str, type(None))


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        (DataType.INT8_ARRAY, struct.pack("<2b", -23, 123), [-23, 123]),
        (DataType.INT16_ARRAY, struct.pack("<2h", -30000, 30000), [-30000, 30000]),
        (DataType.INT32_ARRAY, struct.pack("<2i", -1, 315338746), [-1, 315338746]),
        (DataType.INT64_ARRAY, struct.pack("<2q", -5, 6), [-5, 6]),
        (DataType.UINT8_ARRAY, bytes([23, 250]), [23, 250]),
        (DataType.UINT16_ARRAY, struct.pack("<2H", 30, 52360), [30, 52360]),
        (DataType.UINT32_ARRAY, struct.pack("<1I", 3293969225), [3293969225]),
        (DataType.UINT64_ARRAY, struct.pack("<1Q", 7), [7]),
        (DataType.FLOAT_ARRAY, struct.pack("<2f", 1.5, float("inf")), [1.5, None]),
        (DataType.DOUBLE_ARRAY, struct.pack("<1d", 12.354213), [12.354213]),
        (DataType.BOOLEAN_ARRAY, struct.pack("<I", 10) + bytes([0b00110100, 0b11000000]),
         [False, False, True, True, False, True, False, False, True, True]),
        (DataType.STRING_ARRAY, b"ABC\0hello\0", ["ABC", "hello"]),
        (DataType.DATE_TIME_ARRAY, struct.pack("<1q", NOW_MS), [NOW_MS]),
    ],
)  # fmt: skip
def test_arrays_flatten(datatype, data, expected):
    names = tuple(f"a.{i}" for i in range(len(expected)))
    got = readings(HostBench().born(metric("a", datatype, bytes_value=data)), names, EDGE_ID)
    assert [(r[0], r[2]) for r in got] == list(zip(names, expected, strict=True))


def test_a_data_set_flattens():
    table = DataSet(num_of_columns=2, columns=["id", "name"], types=[DataType.INT8, DataType.STRING])
    for number, text in ((255, "a"), (1, "b")):
        row = table.rows.add()
        row.elements.add(int_value=number)
        row.elements.add(string_value=text)
    got = readings(
        HostBench().born(metric("t", DataType.DATA_SET, dataset_value=table)),
        ("t.0.id", "t.0.name", "t.1.id", "t.1.name"),
        EDGE_ID,
    )
    assert [(r[0], r[2]) for r in got] == [("t.0.id", -1), ("t.0.name", "a"), ("t.1.id", 1), ("t.1.name", "b")]


def instance(*members: dict, ref: str = "pump") -> dict:
    """A template instance with these members."""
    return {"template_ref": ref, "metrics": list(members)}


def test_the_members_of_a_template_are_read():
    bench = HostBench()
    inner = metric("motor", DataType.TEMPLATE, template_value=instance(metric("rpm", DataType.INT16, int_value=900)))
    definition = {"is_definition": True, "metrics": [metric("level", double_value=0)]}
    born = bench.born(
        metric("Pump", DataType.TEMPLATE, template_value=definition),
        metric("P1", DataType.TEMPLATE, template_value=instance(metric("level", double_value=4.5), inner)),
        metric("P2", DataType.TEMPLATE, is_null=True),
        metric("t", double_value=1),
    )
    assert not reasons(born)
    names = ("P1.level", "P1.motor.rpm", "t", "Pump.level")
    assert [(r[0], r[2]) for r in readings(born, names, EDGE_ID)] == [
        ("P1.level", 4.5),
        ("P1.motor.rpm", 900),
        ("t", 1),
    ]
    part = {"metrics": [{"name": "level", "timestamp": NOW_MS, "double_value": 5.5}]}  # the birth told its type
    data = bench.send("NDATA", payload(metric("P1", 0, template_value=part), seq=1))
    assert [(r[0], r[2]) for r in readings(data, names, EDGE_ID)] == [("P1.level", 5.5)]
    death = bench.send("NDEATH", payload(bd_seq(0)))
    assert {r[0] for r in readings(death, names, EDGE_ID) if r[2] is None} == {"P1.level", "P1.motor.rpm", "t"}


@pytest.mark.parametrize(
    "fields",
    [
        metric("x", DataType.TEMPLATE),
        metric("x", DataType.TEMPLATE, double_value=1),
        metric("x", DataType.TEMPLATE, template_value=instance(metric("", double_value=1))),
        metric("x", DataType.TEMPLATE, template_value=instance(metric("y", DataType.INT8, double_value=1))),
    ],
)
def test_a_template_that_is_none_is_kept_whole(fields):
    assert reasons(HostBench().born(fields, metric("t", double_value=1))) == ["sparkplug.metric"]


def test_templates_in_templates_have_an_end():
    nested = metric("leaf", double_value=1)
    for _ in range(9):
        nested = metric("m", DataType.TEMPLATE, template_value=instance(nested))
    assert reasons(HostBench().born(nested)) == ["sparkplug.metric"]


@pytest.mark.parametrize(
    "fields",
    [
        metric("x", DataType.INT8, string_value="a"),
        metric("x", DataType.INT8, int_value=300),
        metric("x", DataType.INT16, int_value=2**31),
        metric("x", DataType.UINT8, int_value=256),
        metric("x", DataType.UINT32, long_value=2**32),
        metric("x", DataType.STRING, double_value=1),
        metric("x", 99, int_value=1),
        metric("x", DataType.DOUBLE),
        metric("x", DataType.INT32_ARRAY, bytes_value=b"abc"),
        metric("x", DataType.BOOLEAN_ARRAY, bytes_value=b"\xff\xff\xff\xff"),
        metric("x", DataType.BOOLEAN_ARRAY, bytes_value=b"a"),
        metric("x", DataType.STRING_ARRAY, bytes_value=b"\xff\0"),
        metric("", double_value=1),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_kept_whole(fields):
    decoded = HostBench().born(fields, metric("t", double_value=1))
    assert reasons(decoded) == ["sparkplug.metric"]
    assert len(decoded.batch) == 0


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "value"),
    [
        (DataType.INT8, "int_value", 0xFF, -1),
        (DataType.INT8, "int_value", 0xFFFF_FF80, -128),
        (DataType.INT16, "int_value", 0x8000, -32768),
        (DataType.INT32, "int_value", 0xFFFF_FFFF, -1),
        (DataType.INT32, "long_value", 2**64 - 5, -5),
        (DataType.INT64, "long_value", 2**64 - 5, -5),
        (DataType.UINT8, "int_value", 255, 255),
        (DataType.UINT32, "long_value", 2**32 - 1, 2**32 - 1),
    ],
)
def test_integers_of_every_width(datatype, field, raw, value):
    decoded = HostBench().born(metric("x", datatype, **{field: raw}))
    assert readings(decoded, ("x",), EDGE_ID)[0][2] == value


def test_a_name_that_is_no_utf8_is_refused_and_spoils_no_session():
    bench = HostBench()
    birth = payload(bd_seq(0), metric("name", double_value=1), seq=0).replace(b"name", b"\xff\xfe\xfd\xfc")
    assert reasons(bench.send("NBIRTH", birth)) == ["sparkplug.not_protobuf"]
    assert EDGE_ID not in bench.host.sessions or not bench.host.sessions[EDGE_ID].node.types


def test_an_edge_node_announces_only_so_much(monkeypatch):
    monkeypatch.setattr("millwright.devices.sparkplug.session.MOST_DEVICES", 1)
    monkeypatch.setattr("millwright.devices.sparkplug.session.MOST_METRICS", 3)
    bench = HostBench()
    bench.born(metric("a", double_value=1))  # and bdSeq
    for seq in (1, 2):  # a device that is born again counts once
        born = bench.send("DBIRTH", payload(metric("b", double_value=1), seq=seq), device="mixer")
        assert not reasons(born)
    assert reasons(bench.send("DBIRTH", payload(metric("c", double_value=1), seq=3), device="other")) == [
        "telemetry.device_property_limit"
    ]
    more = payload(metric("b", double_value=1), metric("c", double_value=1), seq=4)
    assert reasons(bench.send("DBIRTH", more, device="mixer")) == ["telemetry.device_property_limit"]
    assert reasons(bench.born(metric("x" * 257, double_value=1))) == ["telemetry.property_name"]


def test_a_death_is_told_although_the_device_has_too_many_properties():
    bench = HostBench(TelemetrySettings(device_properties=2))
    bench.born(*(metric(name, double_value=1) for name in "abc"), bd=3)
    death = bench.send("NDEATH", payload(bd_seq(3)), received_ms=NOW_MS + 10)
    assert [(p.device_id, p.online) for p in death.presence] == [(EDGE_ID, False)]
    assert not bench.host.sessions[EDGE_ID].node.online


def test_a_restored_session_still_knows_the_aliases():
    from millwright.devices.sparkplug import SparkplugSessions
    from millwright.devices.sparkplug.sessions_stream import _decoder

    bench = HostBench()
    bench.born(metric("speed", alias=7, double_value=1))
    assert bench.host.changed == {EDGE_ID}
    session: EdgeSession = _decoder.decode(SparkplugSessions.encode(bench.host.sessions[EDGE_ID]))
    session.next_seq = None
    after = HostBench()
    after.host.sessions[EDGE_ID] = session
    decoded = after.send("NDATA", payload(metric(datatype=0, alias=7, double_value=2), seq=77))
    assert readings(decoded, ("speed",), EDGE_ID)[0][2] == 2
    assert not decoded.outgoing


def test_what_an_edge_node_says_for_a_disabled_device_is_kept_apart():
    bench = HostBench()
    bench.plant.devices["dev_crusher"] = KnownDevice("dev_crusher", disabled=True)
    bench.plant.children[EDGE_ID, "crusher"] = "dev_crusher"
    bench.born()
    decoded = bench.send("DBIRTH", payload(metric("rpm", double_value=9), seq=1), device="crusher")
    assert reasons(decoded) == ["sparkplug.device_disabled"]
    assert not len(decoded.batch)
    assert "dev_crusher" not in decoded.last_seen
