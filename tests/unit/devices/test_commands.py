"""Values, interlocks, messages and Sparkplug metrics of commands, without sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.commands.interlocks import (
    DeviceOnline,
    Facts,
    Interlock,
    NewInterlock,
    NoAlarm,
    ValueHolds,
    find_against,
    holds,
)
from millwright.devices.commands.model import Command
from millwright.devices.commands.routes.sparkplug import NotWritable, SparkplugRoute, put_value
from millwright.devices.commands.store import Addressed
from millwright.devices.commands.values import check_inputs, check_value, is_asked
from millwright.devices.commands.wire import Answer, Question, dialects, encode, encode_reply, is_command_topic, read
from millwright.devices.models import Parameter, PropertySpec
from millwright.devices.mqtt.delivery import Ask, Deliver, DeliveryDesk
from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.journal import JournalWriter, VolatileJournal
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.permissions import Principal
from millwright.devices.sparkplug import DataType, EdgeSession, MetricSet, Payload
from millwright.devices.sparkplug.values import iter_values
from millwright.devices.telemetry import Unreadable
from millwright.historian import BAD, GOOD, Latest, series_id
from millwright.kernel import Invalid, ManualClock
from support.bus import LocalBus

NOW = 1_790_000_000_000


def command(**more: Any) -> Command:
    plain: dict[str, Any] = {
        "id": "cmd_1", "number": 17, "device_id": "dev_1", "device_name": "pump", "kind": "write", "name": "setpoint",
        "value": 5.5, "state": "sending", "confirm": "any", "reason": "", "by_id": "per_1", "by_name": "ada",
        "asked_ms": NOW, "expires_ms": NOW + 1000, "timeout_s": 5.0, "attempts": 1,
    }  # fmt: skip
    return Command(**plain | more)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "value", "right"),
    [
        (PropertySpec(name="p", minimum=0, maximum=10), 10, True),
        (PropertySpec(name="p", minimum=0, maximum=10), 10.01, False),
        (PropertySpec(name="p"), float("nan"), False),
        (PropertySpec(name="p"), 10**400, False),
        (PropertySpec(name="p", type="integer"), 10**400, False),
        (PropertySpec(name="p"), True, False),
        (PropertySpec(name="p"), "1", False),
        (PropertySpec(name="p", type="integer"), 3.0, True),
        (PropertySpec(name="p", type="integer"), 3.5, False),
        (PropertySpec(name="p", type="integer"), 2**60, False),
        (PropertySpec(name="p", type="boolean"), 1, False),
        (PropertySpec(name="p", type="boolean"), False, True),
        (PropertySpec(name="p", type="string"), "a" * 4096, True),
        (PropertySpec(name="p", type="string"), "水" * 1366, False),
        (PropertySpec(name="p", type="string"), "a\0b", False),
    ],
)
def test_a_value_is_of_the_models_type_and_range(spec: PropertySpec, value: Any, right: bool) -> None:
    if right:
        assert check_value(spec, value, "/value") == value
    else:
        with pytest.raises(Invalid) as caught:
            check_value(spec, value, "/value")
        assert caught.value.code == "commands.value_invalid"


def test_inputs_are_all_there_and_no_others() -> None:
    specs = [Parameter(name="a"), Parameter(name="b", type="boolean")]
    assert check_inputs(specs, {"a": 1, "b": True}) == {"a": 1, "b": True}
    for given_ in ({"a": 1}, {"a": 1, "b": True, "c": 1}, {"a": 1, "b": 2}):
        with pytest.raises(Invalid):
            check_inputs(specs, given_)


@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_what_went_through_32_bits_is_still_what_was_asked(value: float) -> None:
    assert is_asked(float(f"{value:.7g}"), value, None)


def test_what_is_not_what_was_asked() -> None:
    for seen, asked, tolerance in (
        (1, 2, None),
        ("1", 1, None),
        (None, 1, None),
        (True, 0, None),
        (1.2, 1, 0.1),
        (10**400, 1.5, None),
    ):
        assert not is_asked(seen, asked, tolerance)
    assert is_asked(1.05, 1, 0.1)
    assert is_asked(1, True, None)
    assert is_asked("auto", "auto", None)


# --- interlocks ------------------------------------------------------------------------------------------------------


def latest(name: str, value: Any, *, age_s: float = 1, quality: int = GOOD, device: str = "dev_1") -> Latest:
    received = NOW - round(age_s * 1000)
    return Latest(device, name, series_id(device, name), received, received, value, quality)


def facts(*rows: Latest, online: dict[str, bool] | None = None, alarms: dict[str, int] | None = None) -> Facts:
    by_device: dict[str, dict[str, Latest]] = {}
    for row in rows:
        by_device.setdefault(row.device_id, {})[row.property] = row
    return Facts(by_device, online or {}, {"dev_1": alarms or {}})


def rule(*conditions: Any) -> Interlock:
    return Interlock(
        id="ilk_1", name="r", device_id="dev_1", conditions=list(conditions), created_ms=0, revision=1
    ).check()  # type: ignore[return-value]


SLOW = ValueHolds(property="speed", op="<", value=10)


@pytest.mark.parametrize(
    ("condition", "known", "stands"),
    [
        (SLOW, facts(latest("speed", 9.9)), None),
        (SLOW, facts(latest("speed", 10)), "speed is 10"),
        (SLOW, facts(), "no value"),
        (SLOW, facts(latest("speed", None)), "no value"),
        (SLOW, facts(latest("speed", 1, age_s=61)), "61 s old"),
        (SLOW, facts(latest("speed", 1, age_s=-4)), None),
        (SLOW, facts(latest("speed", 1, age_s=-6)), "6 s ahead"),
        (SLOW, facts(latest("speed", 1, age_s=-86_400)), "86400 s ahead"),
        (SLOW, facts(latest("speed", 1, quality=BAD)), "not good"),
        (SLOW, facts(latest("speed", 1, quality=64)), "not good"),
        (SLOW, facts(latest("speed", "slow")), 'speed is "slow"'),
        (ValueHolds(property="mode", op="==", value="manual"), facts(latest("mode", "manual")), None),
        (ValueHolds(property="mode", op="!=", value="auto"), facts(latest("mode", 3)), "mode is 3"),
        (ValueHolds(property="on", op="==", value=True), facts(latest("on", True)), None),
        (ValueHolds(property="x", op="<", value=1, device_id="dev_2"), facts(latest("x", 0, device="dev_2")), None),
        (ValueHolds(property="x", op="<", value=1, device_id="dev_2"), facts(latest("x", 0)), "no value"),
        (NoAlarm(priority="high"), facts(alarms={"medium": 3}), None),
        (NoAlarm(priority="high"), facts(alarms={"critical": 1}), "1 critical"),
        (DeviceOnline(), facts(online={"dev_1": True}), None),
        (DeviceOnline(), facts(), "offline"),
        (DeviceOnline(online=False, device_id="dev_9"), facts(online={"dev_9": True}), "online"),
    ],
)
def test_what_stands_against_a_command(condition: Any, known: Facts, stands: str | None) -> None:
    found = find_against([rule(condition)], "dev_1", known, NOW)
    assert (found is None) == (stands is None)
    if found is not None and stands is not None:
        assert stands in found.outcome.text
        assert found.outcome.detail["interlock_id"] == "ilk_1"


def test_what_may_pass_by_itself_does_not_hide_what_does_not() -> None:
    rules = [rule(ValueHolds(property="gone", op="<", value=1)), rule(SLOW)]
    found = find_against(rules, "dev_1", facts(latest("speed", 50)), NOW)
    assert found is not None
    assert not found.stale


def test_an_interlock_names_what_it_is_about_and_can_be_judged() -> None:
    for wrong in (
        NewInterlock(name="r", conditions=[SLOW]),
        NewInterlock(name="r", device_id="d", model_id="m", conditions=[SLOW]),
        NewInterlock(name="r", device_id="d", conditions=[ValueHolds(property="p", op="<", value="x")]),
        NewInterlock(name="r", device_id="d", conditions=[ValueHolds(property="p", op=">", value=True)]),
    ):
        with pytest.raises(Invalid):
            wrong.check()
    assert not holds(True, "==", 5)
    assert holds(1, "==", True)


# --- messages --------------------------------------------------------------------------------------------------------


def test_the_messages_of_each_dialect() -> None:
    write, call = command(), command(kind="call", name="restart", value=None, inputs={"delay_s": 5})
    assert [topic for _, topic in dialects(write)] == [
        "millwright/v1/commands/request",
        "v1/devices/me/attributes",
        "v1/devices/me/rpc/request/17",
    ]
    assert [name for name, _ in dialects(call)] == ["own", "tb_rpc"]
    own = json.loads(encode(write, "own"))
    assert (own["id"], own["property"], own["value"]) == ("cmd_1", "setpoint", 5.5)
    assert json.loads(encode(call, "own"))["inputs"] == {"delay_s": 5}
    assert json.loads(encode(call, "tb_rpc")) == {"method": "restart", "params": {"delay_s": 5}}
    assert json.loads(encode(write, "tb_attributes")) == {"setpoint": 5.5}
    assert Principal("d", "n", 1).may_publish("v1/devices/me/rpc/response/17")


OWN, TB = "millwright/v1/commands/response", "v1/devices/me/rpc/response/17"


@pytest.mark.parametrize(
    ("topic", "payload", "status"),
    [
        (OWN, b'{"id":"cmd_1","status":"ok"}', "ok"),
        (OWN, b'{"id":"cmd_1","status":"maybe"}', None),
        (OWN, b'{"id":"cmd_1"}', None),
        (OWN, b'{"id":"cmd_1","status":"ok","outputs":[]}', None),
        (OWN, b'{"id":"cmd_1","status":"ok","value":"' + b"x" * 70_000 + b'"}', None),
        (TB, b"", "ok"),
        (TB, b"7", "ok"),
        (TB, b'{"success":false,"message":"no"}', "error"),
        (TB, b'{"error":"no"}', "error"),
        (TB, b"{", None),
        (TB, b"\xff", None),
    ],
)
def test_an_answer_is_read_or_ends_its_command(topic: str, payload: bytes, status: str | None) -> None:
    found = read("dev_1", topic, payload, NOW)
    assert isinstance(found, Answer)
    assert found.status == status
    assert (found.command_id, found.number) in (("cmd_1", None), (None, 17))


@given(
    st.binary(max_size=200),
    st.sampled_from([OWN, TB, TB + "x", "v1/devices/me/rpc/response/", "v1/devices/me/rpc/request/9"]),
)
def test_anything_is_an_answer_a_question_or_a_dead_letter(payload: bytes, topic: str) -> None:
    assert is_command_topic(topic)
    try:
        found = read("dev_1", topic, payload, NOW)
    except Unreadable:
        return
    assert found.device_id == "dev_1"


def test_a_device_may_ask_for_the_time_and_nothing_else() -> None:
    asked = read("dev_1", "v1/devices/me/rpc/request/9", b'{"method":"getTime","params":{}}', NOW)
    assert isinstance(asked, Question)
    topic, reply = encode_reply(asked, NOW)
    assert (topic, json.loads(reply)) == ("v1/devices/me/rpc/response/9", {"time": NOW})
    for payload in (b'{"method":"reboot"}', b"[]", b"\xff"):
        odd = read("dev_1", "v1/devices/me/rpc/request/9", payload, NOW)
        assert isinstance(odd, Question)
        assert "error" in json.loads(encode_reply(odd, NOW)[1])


# --- Sparkplug -------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([t for t in DataType if DataType.INT8 <= t <= DataType.UUID]),
    st.one_of(st.integers(-(2**63), 2**64), st.floats(allow_nan=False), st.booleans(), st.text(max_size=5)),
)
def test_what_goes_into_a_metric_comes_out_again(datatype: DataType, value: Any) -> None:
    metric = Payload().metrics.add()
    try:
        put_value(metric, datatype, value)
    except NotWritable:
        return
    ((_, found),) = iter_values("m", datatype, metric)
    assert found == value or is_asked(found, value, None) or found is None


def addressed(name: str) -> Addressed:
    return Addressed(
        command=command(name=name, value=-3), device_kind="sparkplug_device", model_id=None, model_version=None,
        parent_id="dev_edge", group_id="g", edge_node_id="e", sparkplug_device="mixer", disabled=False,
    )  # fmt: skip


def test_the_alias_of_the_birth_is_used_where_it_gave_one() -> None:
    session = EdgeSession.new()
    session.node = MetricSet(True)
    session.devices["mixer"] = MetricSet(True, {"a": int(DataType.INT8), "b": int(DataType.INT16)})
    session.aliases[9] = ("mixer", "a")
    session.aliases[10] = ("", "b")  # the node's own metric of the same name is another one
    route = SparkplugRoute(LocalBus(), ManualClock(), {"dev_edge": session})
    first = Payload.FromString(route.encode(addressed("a"))).metrics[0]
    assert (first.alias, first.HasField("name"), first.int_value) == (9, False, 0xFFFFFFFD)
    second = Payload.FromString(route.encode(addressed("b"))).metrics[0]
    assert (second.name, second.HasField("alias"), second.datatype) == ("b", False, DataType.INT16)
    with pytest.raises(NotWritable):
        route.encode(addressed("c"))
    session.end(1)
    assert not route.is_born(addressed("a"))
    assert route.find_type(addressed("a")) is None


# --- the listener's desk ---------------------------------------------------------------------------------------------


class Wire:
    """A client's connection that takes everything, or nothing."""

    def __init__(self, *, takes: bool = True) -> None:
        self.sent: list[bytes] = []
        self.takes = takes

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    @property
    def framing(self) -> None:
        return None

    def has_room(self) -> bool:
        return self.takes


async def test_a_listener_sends_once_to_one_connection_and_remembers() -> None:
    exchange = Exchange(MqttSettings(), JournalWriter(VolatileJournal()))
    bus, principal = LocalBus(), Principal("dev_1", "pump", 1)
    desk = DeliveryDesk(exchange, bus, "l1")
    wires = []
    for client in ("a", "b"):
        session, _ = exchange.open("dev_1", client, clean=False, expiry_s=60)
        assert session is not None
        exchange.subscribe(session, principal, [("millwright/v1/commands/request", 1)])
        wires.append(Wire())
        session.attach(wires[-1])
    boot, topic = desk._boot, "millwright/v1/commands/request"
    assert desk._choose(Ask("k", "dev_1", ["v1/devices/me/attributes", topic])) == 1
    assert desk._choose(Ask("k", "dev_2", [topic])) is None, "another device's topic of the same name is not its"
    sent = Deliver("cmd_1.1", boot, "dev_1", topic, b"{}")
    assert [desk.deliver(sent).result for _ in range(2)] == ["taken", "taken"]
    assert sum(len(wire.sent) for wire in wires) == 1
    assert desk.deliver(Deliver("cmd_1.1", boot, "dev_1", topic, None)).result == "taken"
    assert desk.deliver(Deliver("cmd_2.1", boot, "dev_1", topic, None)).result == "absent"
    late = Deliver("cmd_2.1", boot, "dev_1", topic, b"{}")
    assert desk.deliver(late).result == "absent", "it was asked about and said not to be sent, so it must not be"
    assert desk.deliver(Deliver("cmd_3.1", "another life", "dev_1", topic, b"{}")).result == "unknown"
    for session in exchange.sessions.values():
        session.detach(session.connection, 0)  # type: ignore[arg-type]
    assert desk.deliver(Deliver("cmd_4.1", boot, "dev_1", topic, b"{}")).result == "absent", "nothing is queued"
    await asyncio.sleep(0.01)
    await exchange._writer.stop(1)
