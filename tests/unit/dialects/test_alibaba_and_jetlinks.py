"""Alibaba's Alink JSON and the topics of JetLinks, decoded."""

import pytest

from millwright.devices.dialects.model import Address
from millwright.devices.dialects.topics import find_route
from millwright.devices.intake import FLAG_REPLAYED
from millwright.devices.telemetry import PresenceChange
from millwright.historian import BAD, GOOD, UNCERTAIN
from support.dialects import GATEWAY, DialectBench, replies
from support.telemetry import NOW_MS, readings, reasons

OWN = "/sys/pk1/pump7/"
POST = f"{OWN}thing/event/property/post"
T = NOW_MS - 1000


@pytest.fixture
def bench():
    return DialectBench()


def alink(params, **more):
    return {"id": "123", "version": "1.0", "params": params, "method": "thing.event.property.post", **more}


def test_plain_values_are_read_and_answered(bench):
    decoded = bench.say("pump", POST, alink({"speed": 23.6, "on": True}))
    assert readings(decoded, ("speed", "on")) == [("speed", NOW_MS, 23.6, GOOD), ("on", NOW_MS, True, GOOD)]
    assert replies(decoded) == [
        (
            f"$device/pump/{POST}_reply",
            {"code": 200, "data": {}, "id": "123", "message": "success", "method": "thing.event.property.post",
             "version": "1.0"},
        )
    ]  # fmt: skip


def test_values_with_times_structures_and_nulls(bench):
    params = {
        "speed": {"value": 1.5, "time": T},
        "level": {"value": 2.5, "time": T},
        "late": {"value": 3, "time": T + 1},
        "box": {"value": {"x": 1, "y": 2}, "time": T},
        "now": 7,
        "gone": None,
        "odd": {"value": 1, "unit": "m"},
    }
    decoded = bench.say("pump", POST, alink(params))
    names = ("speed", "level", "late", "box.x", "box.y", "now", "gone", "odd.value", "odd.unit")
    assert sorted(readings(decoded, names)) == [
        ("box.x", T, 1.0, GOOD),
        ("box.y", T, 2.0, GOOD),
        ("gone", NOW_MS, None, BAD),
        ("late", T + 1, 3.0, GOOD),
        ("level", T, 2.5, GOOD),
        ("now", NOW_MS, 7.0, GOOD),
        ("odd.unit", NOW_MS, "m", GOOD),
        ("odd.value", NOW_MS, 1.0, GOOD),
        ("speed", T, 1.5, GOOD),
    ]


def test_a_time_that_cannot_be_is_uncertain(bench):
    decoded = bench.say("pump", POST, alink({"speed": {"value": 1, "time": 12}}))
    assert readings(decoded, ("speed",)) == [("speed", NOW_MS, 1.0, UNCERTAIN)]


def test_no_answer_where_none_is_wanted_and_none_to_a_letter_read_again(bench):
    assert not replies(bench.say("pump", POST, alink({"a": 1}, sys={"ack": 0})))
    assert replies(bench.say("pump", POST, alink({"a": 1}, sys={"ack": 1})))
    assert not replies(bench.say("pump", POST, alink({"a": 1}), flags=FLAG_REPLAYED))


def test_events_and_histories(bench):
    event = alink({"value": {"code": 7, "text": "hot"}, "time": T})
    decoded = bench.say("pump", f"{OWN}thing/event/alarm/post", event)
    assert readings(decoded, ("alarm.code", "alarm.text")) == [
        ("alarm.code", T, 7.0, GOOD), ("alarm.text", T, "hot", GOOD),
    ]  # fmt: skip
    assert replies(decoded)[0][0] == f"$device/pump/{OWN}thing/event/alarm/post_reply"
    assert replies(decoded)[0][1]["method"] == "thing.event.alarm.post"
    decoded = bench.say("pump", f"{OWN}thing/event/door/post", alink({"value": {}, "time": T}))
    assert readings(decoded, ("door",)) == [("door", T, True, GOOD)]
    batch = alink({"properties": {"s": [{"value": 1, "time": T}, {"value": 2, "time": T + 1}]}, "events": {}})
    decoded = bench.say("pump", f"{OWN}thing/event/property/batch/post", batch)
    assert readings(decoded, ("s",)) == [("s", T, 1.0, GOOD), ("s", T + 1, 2.0, GOOD)]


def test_what_else_a_device_says_at_its_start(bench):
    decoded = bench.say("pump", "/ota/device/inform/pk1/pump7", {"id": "1", "params": {"version": "1.0.1"}})
    assert readings(decoded, ("firmware_version",)) == [("firmware_version", NOW_MS, "1.0.1", GOOD)]
    assert not decoded.outgoing
    tags = alink([{"attrKey": "site", "attrValue": "3"}])
    decoded = bench.say("pump", f"{OWN}thing/deviceinfo/update", tags)
    assert readings(decoded, ("site",)) == [("site", NOW_MS + 1, "3", GOOD)]
    decoded = bench.say("pump", "/ext/ntp/pk1/pump7/request", {"deviceSendTime": "5"})
    [(topic, answer)] = replies(decoded)
    assert topic == "$device/pump//ext/ntp/pk1/pump7/response"
    assert answer == {"deviceSendTime": "5", "serverRecvTime": str(NOW_MS), "serverSendTime": str(NOW_MS)}


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "code"),
    [
        (POST, b"{", "dialect.message", 460),
        (POST, b'{"id":"1","params":[1]}', "dialect.message", 460),
        (POST, b'{"id":"1","params":7}', "dialect.message", 460),
        (POST, b'{"id":"1"}', "dialect.message", 460),
        (POST, b'{"id":"1","params":{"":1}}', "telemetry.property_name", 460),
        (
            f"{OWN}thing/event/property/batch/post",
            b'{"id":"1","params":{"properties":{"a":3}}}',
            "dialect.message",
            460,
        ),
        (f"{OWN}thing/unheard/of", b'{"id":"1","params":{}}', "telemetry.topic_unknown", 460),
        ("/sys/pk1/other/thing/event/property/post", b'{"id":"1","params":{"a":1}}', "dialect.foreign_device", 460),
        (f"{OWN}thing/service/property/set_reply", b'{"id":"x7","code":200}', "dialect.answer_unasked", None),
        (f"{OWN}thing/service/property/set_reply", b'{"id":"1"}', "dialect.message", None),
        (f"{OWN}thing/config/push_reply", b'{"id":"1","code":200}', "dialect.answer_unasked", None),
        ("/sys/pk1/other/thing/service/start_reply", b'{"id":"1","code":200}', "dialect.foreign_device", None),
    ],
)
def test_what_cannot_be_read_is_kept_and_answered(bench, topic, payload, reason, code):
    decoded = bench.say("pump", topic, payload)
    assert reasons(decoded) == [reason]
    assert len(decoded.batch) == 0
    assert [answer["code"] for _, answer in replies(decoded)] == ([] if code is None else [code])


@pytest.fixture
def gateway(bench):
    bench.plant.devices["gw"] = GATEWAY.__class__(
        "gw", kind="gateway", registers=True, dialect="alibaba", realm="pk0", foreign_name="g0"
    )
    return bench


def test_a_gateway_of_alibaba_speaks_for_devices(gateway):
    identity = {"productKey": "pk9", "deviceName": "sub"}
    login = "/ext/session/pk0/g0/combine/login"
    decoded = gateway.say("gw", login, {"id": "1", "params": {**identity, "sign": "…"}})
    assert gateway.family.met == [(Address("alibaba", "pk9", "sub"), "")]
    assert decoded.presence == [PresenceChange("dev-sub", True, NOW_MS, "gateway_said_there")]
    [(topic, answer)] = replies(decoded)
    assert (topic, answer["code"], answer["data"]) == (f"$device/gw/{login}_reply", 200, identity)
    decoded = gateway.say("gw", "/sys/pk9/sub/thing/event/property/post", alink({"x": 1}))
    assert readings(decoded, ("x",), "dev-sub") == [("x", NOW_MS, 1.0, GOOD)]
    assert replies(decoded)[0][0] == "$device/gw//sys/pk9/sub/thing/event/property/post_reply"
    pack = alink({"properties": {"own": 5}, "events": {}, "subDevices": [
        {"identity": identity, "properties": {"x": {"value": 2, "time": T}}, "events": {"e": {"value": {"n": 1}}}},
    ]})  # fmt: skip
    decoded = gateway.say("gw", "/sys/pk0/g0/thing/event/property/pack/post", pack)
    found = {info.property: info.device_id for info in decoded.new_series}
    assert found == {"own": "gw", "e.n": "dev-sub"}
    assert len(decoded.batch) == 3
    decoded = gateway.say("gw", "/ext/session/pk0/g0/combine/logout", {"id": "1", "params": identity})
    assert decoded.presence == [PresenceChange("dev-sub", False, NOW_MS, "gateway_said_gone")]


def test_jetlinks_reports_events_and_children(bench):
    report = {"messageId": "1", "timestamp": T, "properties": {"kwh": 12.5, "on": 1}}
    decoded = bench.say("meter", "/prod/m1/properties/report", report)
    assert readings(decoded, ("kwh", "on"), "meter") == [("kwh", T, 12.5, GOOD), ("on", T, 1.0, GOOD)]
    own_times = {"properties": {"a": 1, "b": 2}, "timestamp": T, "propertySourceTimes": {"a": T - 5}}
    decoded = bench.say("meter", "/prod/m1/properties/report", own_times)
    assert readings(decoded, ("a", "b"), "meter") == [("a", T - 5, 1.0, GOOD), ("b", T, 2.0, GOOD)]
    decoded = bench.say("meter", "/prod/m1/event/fire", {"timestamp": T, "data": {"zone": 3}})
    assert readings(decoded, ("fire.zone",), "meter") == [("fire.zone", T, 3.0, GOOD)]
    assert not bench.say("meter", "/prod/m1/online", {"timestamp": T}).dead_letters
    assert reasons(bench.say("meter", "/prod/m2/properties/report", report)) == ["dialect.foreign_device"]
    assert reasons(bench.say("meter", "/prod/m1/child/c/properties/report", report)) == ["dialect.no_gateway"]
    assert reasons(bench.say("meter", "/prod/m1/properties/write/reply", {})) == ["dialect.answer_unasked"]
    assert reasons(bench.say("meter", "/prod/m1/properties/report", {"timestamp": "x"})) == ["dialect.message"]


def test_a_gateway_of_jetlinks_speaks_for_devices(bench):
    bench.plant.devices["gw"] = GATEWAY.__class__(
        "gw", kind="gateway", registers=True, dialect="jetlinks", realm="prod", foreign_name="g"
    )
    decoded = bench.say("gw", "/prod/g/child/c1/connected", {"timestamp": T})
    assert decoded.presence == [PresenceChange("dev-c1", True, NOW_MS, "gateway_said_there")]
    decoded = bench.say("gw", "/prod/g/child/c1/properties/report", {"timestamp": T, "properties": {"x": 4}})
    assert readings(decoded, ("x",), "dev-c1") == [("x", T, 4.0, GOOD)]
    decoded = bench.say("gw", "/prod/g/child/c1/offline", {})
    assert [each.online for each in decoded.presence] == [False]


@pytest.mark.parametrize(
    "topic", ["/", "//", "/a", "/a/b", "/a/b/", "/sys/", "/sys/a", "/sys/a/", "/sys//b/x", "a/b/c"]
)
def test_topics_of_nobody(topic):
    assert find_route(topic) is None


@pytest.mark.parametrize("params", [b"[" * 2_000 + b"]" * 2_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000])
def test_what_is_nested_too_deeply_is_answered_and_kept(bench, params):
    decoded = bench.say("pump", POST, b'{"id": "1", "params": ' + params + b"}")
    assert reasons(decoded) == ["dialect.message"]
    [(topic, answer)] = replies(decoded)
    assert (topic, answer["code"]) == (f"$device/pump/{POST}_reply", 460)


def answers(decoded):
    return [(each.device_id, each.number, each.status, each.value, each.outputs, each.text) for each in decoded.answers]


def test_answers_to_commands_are_read(bench):
    decoded = bench.say("pump", f"{OWN}thing/service/property/set_reply", {"id": "7", "code": 200, "data": {}})
    assert answers(decoded) == [("pump", 7, "ok", None, {}, "")]
    refusal = {"id": 8, "code": 9201, "message": "device busy"}
    decoded = bench.say("pump", f"{OWN}thing/service/start_reply", refusal)
    assert answers(decoded) == [("pump", 8, "error", None, None, "device busy")]
    assert not decoded.outgoing
    written = {"messageId": "9", "properties": {"setpoint": 4.5}, "success": True}
    assert answers(bench.say("meter", "/prod/m1/properties/write/reply", written)) == [
        ("meter", 9, "ok", 4.5, None, "")
    ]
    done = {"messageId": "10", "output": "open"}
    assert answers(bench.say("meter", "/prod/m1/function/invoke/reply", done)) == [
        ("meter", 10, "ok", "open", None, "")
    ]
    failed = {"messageId": "11", "success": False, "code": "BUSY"}
    assert answers(bench.say("meter", "/prod/m1/function/invoke/reply", failed)) == [
        ("meter", 11, "error", None, None, "The device refused (BUSY).")
    ]
    # An old answer, found in a replay, is none.
    assert not bench.say("meter", "/prod/m1/function/invoke/reply", done, flags=FLAG_REPLAYED).answers


def test_answers_of_devices_below_a_gateway_are_theirs(gateway):
    gateway.say("gw", "/ext/session/pk0/g0/combine/login", alink({"productKey": "pk9", "deviceName": "sub"}))
    decoded = gateway.say("gw", "/sys/pk9/sub/thing/service/property/set_reply", {"id": "7", "code": 200})
    [answer] = decoded.answers
    assert (answer.device_id, answer.number, answer.status) == ("dev-sub", 7, "ok")
