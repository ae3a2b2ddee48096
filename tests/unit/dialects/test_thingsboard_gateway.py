"""ThingsBoard's gateway API, decoded: devices below a gateway, presence, attributes, what is not known."""

from dataclasses import replace

import orjson
import pytest

from millwright.devices.dialects.model import Address
from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, FLAG_REPLAYED
from millwright.devices.telemetry import ChildHeard, PresenceChange
from millwright.historian import GOOD
from support.dialects import DialectBench
from support.telemetry import NOW_MS, readings, reasons, run_of

TELEMETRY = "v1/gateway/telemetry"
T = NOW_MS - 1000


@pytest.fixture
def bench():
    return DialectBench()


def test_each_device_gets_its_own_readings(bench):
    message = {
        "A": [{"ts": T, "values": {"t": 20.5}}, {"ts": T + 1, "values": {"t": 21.5}}],
        "B": [{"ts": T, "values": {"on": True}}],
    }
    decoded = bench.say("gw", TELEMETRY, message)
    series = {"A": ["t"], "B": ["on"]}
    batch = decoded.batch
    assert len(batch) == 3
    assert [(info.device_id, info.property) for info in decoded.new_series] == [("dev-A", "t"), ("dev-B", "on")]
    assert bench.family.met == [(Address("thingsboard", "", name), "") for name in series]
    assert not decoded.dead_letters
    assert sorted(batch.time_ms.tolist()) == [T, T, T + 1]
    assert decoded.last_seen["dev-A"] == decoded.last_seen["gw"] == NOW_MS


def test_the_first_message_of_a_new_device_is_stored(bench):
    decoded = bench.say("gw", TELEMETRY, {"New": [{"ts": T, "values": {"x": 1}}]})
    assert readings(decoded, ("x",), "dev-New") == [("x", T, 1.0, GOOD)]


def test_connect_and_disconnect_say_who_is_there(bench):
    decoded = bench.say("gw", "v1/gateway/connect", {"device": "A", "type": "Sensor"})
    assert bench.family.met == [(Address("thingsboard", "", "A"), "Sensor")]
    assert decoded.presence == [PresenceChange("dev-A", True, NOW_MS, "gateway_said_there")]
    decoded = bench.say("gw", "v1/gateway/disconnect", {"device": "A"}, received_ms=NOW_MS + 5)
    assert decoded.presence == [PresenceChange("dev-A", False, NOW_MS + 5, "gateway_said_gone")]
    assert not decoded.dead_letters


def test_data_of_a_device_says_that_it_is_there_but_not_each_time(bench):
    first = bench.say("gw", TELEMETRY, {"A": [{"x": 1}]})
    soon = bench.say("gw", TELEMETRY, {"A": [{"x": 2}]}, received_ms=NOW_MS + 100)
    later = bench.say("gw", TELEMETRY, {"A": [{"x": 2}]}, received_ms=NOW_MS + 20_000)
    assert [len(each.presence) for each in (first, soon, later)] == [1, 0, 1]


def test_attributes_are_properties(bench):
    decoded = bench.say("gw", "v1/gateway/attributes", {"A": {"firmware": "2.1", "slots": 4}})
    found = {name: value for name, _, value, _ in readings(decoded, ("firmware", "slots"), "dev-A")}
    assert found == {"firmware": "2.1", "slots": 4.0}


def test_a_gateway_that_may_not_register_makes_arrivals_and_loses_nothing():
    bench = DialectBench(registers=False)
    bench.family.known["gw", Address("thingsboard", "", "known")] = "plain"
    message = {"known": [{"ts": T, "values": {"x": 1}}], 'un"known': [{"ts": T, "values": {"x": 2}}]}
    decoded = bench.say("gw", TELEMETRY, message)
    assert readings(decoded, ("x",), "plain") == [("x", T, 1.0, GOOD)]
    assert decoded.arrivals == [ChildHeard("gw", "thingsboard", "", 'un"known', "", NOW_MS)]
    [letter] = decoded.dead_letters
    assert (letter.reason, letter.device_id, letter.topic) == ("dialect.device_unknown", "gw", TELEMETRY)
    # Adopted, the letter is read again, and holds nothing of the others.
    bench.family.known["gw", Address("thingsboard", "", 'un"known')] = "meter"
    decoded = bench.say("gw", TELEMETRY, letter.payload, flags=FLAG_REPLAYED)
    assert readings(decoded, ("x",), "meter") == [("x", T, 2.0, GOOD)]
    assert not decoded.presence


def test_a_message_without_time_that_is_repeated_counts_once(bench):
    bench.say("gw", TELEMETRY, {"A": [{"x": 1}]})
    again = bench.say(
        "gw", TELEMETRY, {"A": [{"x": 1}]}, flags=FLAG_ACKNOWLEDGED | FLAG_DUPLICATE, received_ms=NOW_MS + 9
    )
    assert readings(again, ("x",), "dev-A") == [("x", NOW_MS, 1.0, GOOD)]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (TELEMETRY, b"[1]", "dialect.message"),
        (TELEMETRY, b'{"A": [1', "dialect.message"),
        (TELEMETRY, b'{"A": 5}', "telemetry.not_an_object"),
        (TELEMETRY, b'{"A": [7]}', "telemetry.not_an_object"),
        (TELEMETRY, b'{"": [{"x": 1}]}', "dialect.message"),
        (TELEMETRY, b'{"A": ' + b"[" * 2_000 + b"]" * 2_000 + b"}", "dialect.message"),
        (TELEMETRY, b'{"A\\u0000": [{"x": 1}]}', "dialect.message"),
        ("v1/gateway/connect", b'{"device": "A", "type": "\\u0000"}', "dialect.message"),
        ("v1/gateway/attributes/request", b'{"device": "A\\u0000", "key": "x"}', "dialect.message"),
        (TELEMETRY, b"\xff", "dialect.message"),
        (TELEMETRY, b"", "dialect.message"),
        ("v1/gateway/connect", b"{}", "dialect.message"),
        ("v1/gateway/connect", b'{"device": 7}', "dialect.message"),
        ("v1/gateway/rpc", b'{"device": "A", "id": "1x", "data": {}}', "dialect.answer_unasked"),
        ("v1/gateway/rpc", b'{"device": "A", "data": {}}', "dialect.message"),
        ("v1/gateway/claim", b"{}", "telemetry.topic_unknown"),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason(bench, topic, payload, reason):
    decoded = bench.say("gw", topic, payload)
    assert reasons(decoded) == [reason]
    assert len(decoded.batch) == 0


def test_a_name_that_cannot_be_looked_up_takes_nothing_of_others_along(bench, monkeypatch):
    """A database refuses what nobody thought of: that message alone becomes a dead letter."""
    meet, find = bench.family.meet, bench.family.find

    def refusing(inner, gateway, address, *more):
        if address.name == "odd":
            raise ValueError("no such text here")
        return inner(gateway, address, *more)

    monkeypatch.setattr(bench.family, "meet", lambda *all_of: refusing(meet, *all_of))
    monkeypatch.setattr(bench.family, "find", lambda *all_of: refusing(find, *all_of))
    decoded = bench.decode(
        run_of({"odd": [{"x": 1}]}, {"B": [{"ts": T, "values": {"x": 2}}]}, device="gw", topic=TELEMETRY),
        run_of({"ts": T, "values": {"x": 3}}, device="plain"),
    )
    assert reasons(decoded) == ["telemetry.failed"]
    assert sorted(decoded.batch.number.tolist()) == [2.0, 3.0]


def test_what_fails_while_it_is_looked_up_stops_no_frame(bench, monkeypatch):
    def fail(*_):
        raise ValueError("broken")

    monkeypatch.setattr(bench.decoder._dialects, "prepare", fail)
    decoded = bench.decode(
        run_of({"B": [{"x": 2}]}, device="gw", topic=TELEMETRY), run_of({"ts": T, "values": {"x": 3}}, device="plain")
    )
    assert reasons(decoded) == ["dialect.device_unknown"]
    assert readings(decoded, ("x",), "plain") == [("x", T, 3.0, GOOD)]


def test_a_message_that_speaks_of_too_many_devices_is_refused_as_a_whole(bench):
    decoded = bench.say("gw", TELEMETRY, {str(number): {"x": 1} for number in range(5_001)})
    assert reasons(decoded) == ["dialect.message"]
    assert bench.family.met == []


def test_a_plain_device_speaks_for_nobody(bench):
    decoded = bench.say("plain", TELEMETRY, {"A": [{"x": 1}]})
    assert reasons(decoded) == ["dialect.no_gateway"]
    assert bench.family.met == []


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ({"clientKeys": "a,b", "sharedKeys": "c"}, {"client": {"a": 1, "b": "x"}, "shared": {"c": True}}),
        ({"clientKeys": "a, nothing"}, {"client": {"a": 1}}),
        ({}, {"client": {"a": 1, "b": "x", "c": True}, "shared": {"a": 1, "b": "x", "c": True}}),
        ({"sharedKeys": "nothing"}, {}),
    ],
)
def test_a_device_asks_for_attributes(bench, asked, answered):
    decoded = bench.say("plain", "v1/devices/me/attributes/request/7", asked)
    [question] = decoded.questions
    assert question.topic == "$device/plain/v1/devices/me/attributes/response/7"
    assert question.device_id == "plain"
    assert orjson.loads(question.write({"a": 1, "b": "x", "c": True})) == answered


def test_a_gateway_asks_for_attributes_of_a_device(bench):
    bench.say("gw", "v1/gateway/connect", {"device": "A"})
    asked = [
        {"id": 1, "device": "A", "client": True, "key": "a"},
        {"id": 2, "device": "A", "client": False, "keys": ["a", "b", "z"]},
        {"id": 3, "device": "A", "client": True, "key": "z"},
    ]
    decoded = bench.say("gw", "v1/gateway/attributes/request", *asked)
    assert {each.topic for each in decoded.questions} == {"$device/gw/v1/gateway/attributes/response"}
    values = {"a": 5, "b": "x"}
    assert [orjson.loads(each.write(values)) for each in decoded.questions] == [
        {"id": 1, "device": "A", "value": 5},
        {"id": 2, "device": "A", "values": {"a": 5, "b": "x"}},
        {"id": 3, "device": "A"},
    ]
    unknown = bench.say("gw", "v1/gateway/attributes/request", {"id": 1, "device": "Z", "client": True, "key": "a"})
    assert reasons(unknown) == ["dialect.device_unknown"]
    assert not unknown.questions


def test_an_answer_to_a_command_is_of_the_device_below(bench):
    bench.say("gw", TELEMETRY, {"A": [{"x": 1}]})
    decoded = bench.say("gw", "v1/gateway/rpc", {"device": "A", "id": 5, "data": {"success": True, "level": 3}})
    assert [(each.device_id, each.number, each.status, each.outputs) for each in decoded.answers] == [
        ("dev-A", 5, "ok", {"level": 3})
    ]
    refused = bench.say("gw", "v1/gateway/rpc", {"device": "A", "id": 6, "data": {"error": "no such method"}})
    assert [(each.status, each.text) for each in refused.answers] == [("error", "no such method")]


def test_what_a_gateway_says_for_a_disabled_device_is_kept_apart_and_can_be_replayed(bench):
    bench.say("gw", TELEMETRY, {"A": [{"x": 0}]})
    enabled = bench.plant.devices["dev-A"]
    bench.plant.devices["dev-A"] = replace(enabled, disabled=True)
    decoded = bench.say("gw", TELEMETRY, {"A": [{"ts": T, "values": {"x": 1}}], "B": [{"ts": T, "values": {"x": 2}}]})
    assert reasons(decoded) == ["dialect.device_disabled"]
    assert readings(decoded, ("x",), "dev-B") == [("x", T, 2.0, GOOD)]
    assert "dev-A" not in decoded.last_seen
    assert [change.device_id for change in decoded.presence] == ["dev-B"]
    bench.plant.devices["dev-A"] = enabled
    [letter] = decoded.dead_letters
    decoded = bench.say("gw", TELEMETRY, letter.payload, flags=FLAG_REPLAYED)
    assert readings(decoded, ("x",), "dev-A") == [("x", T, 1.0, GOOD)]
    assert not decoded.dead_letters
