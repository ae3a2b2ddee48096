"""What a device may publish and subscribe to, and the tricks that must not work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices import Principal
from millwright.devices.mqtt.topics import matches, to_internal

PLAIN = Principal("dev_1", "pump", 1)
EDGE = Principal("dev_2", "gw", 1, group_id="Plant 1", edge_node_id="E1")


@pytest.mark.parametrize(
    "topic",
    [
        "millwright/v1/telemetry",
        "millwright/v1/attributes",
        "v1/devices/me/telemetry",
        "v1/devices/me/attributes",
        "millwright/v1/commands/response",
        "v1/devices/me/rpc/response/17",
        "v1/devices/me/rpc/request/3",
    ],
)
def test_any_device_sends_values_to_its_own_topics(topic: str) -> None:
    assert PLAIN.may_publish(topic)
    assert EDGE.may_publish(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "millwright/v1/telemetry/",
        "millwright/v1/telemetry/x",
        "/millwright/v1/telemetry",
        "millwright/v1/commands/request",
        "v1/devices/me/rpc/response/",
        "v1/devices/me/rpc/response/1/2",
        "v1/devices/me/rpc/request/+",
        "v1/devices/me/rpc/other/1",
        "v1/devices/other/telemetry",
        "v1/devices/+/telemetry",
        "$SYS/broker",
        "$share/g/millwright/v1/telemetry",
        "$device/dev_2/v1/devices/me/telemetry",
        "spBv1.0/Plant 1/NDATA/E1",
        "Millwright/v1/telemetry",
    ],
)
def test_a_plain_device_sends_nowhere_else(topic: str) -> None:
    assert not PLAIN.may_publish(topic)


@pytest.mark.parametrize(
    ("topic", "may"),
    [
        ("spBv1.0/Plant 1/NBIRTH/E1", True),
        ("spBv1.0/Plant 1/NDEATH/E1", True),
        ("spBv1.0/Plant 1/NDATA/E1", True),
        ("spBv1.0/Plant 1/DBIRTH/E1/D1", True),
        ("spBv1.0/Plant 1/DDATA/E1/D1", True),
        ("spBv1.0/Plant 1/DDEATH/E1/any device", True),
        ("spBv1.0/Plant 1/DDATA/E1", False),
        ("spBv1.0/Plant 1/DDATA/E1/", False),
        ("spBv1.0/Plant 1/DDATA/E1/D1/x", False),
        ("spBv1.0/Plant 1/DDATA/E1/+", False),
        ("spBv1.0/Plant 1/DDATA/E1/#", False),
        ("spBv1.0/Plant 1/NDATA/E2", False),
        ("spBv1.0/Plant 1/NDATA/E1/D1", False),
        ("spBv1.0/Plant 2/NDATA/E1", False),
        ("spBv1.0/Plant 1/NCMD/E1", False),
        ("spBv1.0/Plant 1/DCMD/E1/D1", False),
        ("spBv1.0/STATE/host", False),
        ("spBv1.0/+/NDATA/E1", False),
    ],
)
def test_an_edge_node_sends_as_itself_only(topic: str, may: bool) -> None:
    assert EDGE.may_publish(topic) is may


@pytest.mark.parametrize(
    ("topic_filter", "may"),
    [
        ("spBv1.0/Plant 1/NCMD/E1", True),
        ("spBv1.0/Plant 1/NCMD/E1/#", True),
        ("spBv1.0/Plant 1/DCMD/E1/#", True),
        ("spBv1.0/Plant 1/DCMD/E1/+", True),
        ("spBv1.0/Plant 1/DCMD/E1/D1", True),
        ("spBv1.0/STATE/host", True),
        ("spBv1.0/STATE/+", True),
        ("spBv1.0/STATE/#", True),
        ("spBv1.0/Plant 1/+/E1", False),
        ("spBv1.0/+/NCMD/E1", False),
        ("spBv1.0/Plant 1/NCMD/+", False),
        ("spBv1.0/Plant 1/NCMD/E2", False),
        ("spBv1.0/Plant 1/DDATA/E1/#", False),
        ("spBv1.0/#", False),
        ("spBv1.0/STATE", False),
        ("spBv1.0/STATE/a/#", False),
        ("#", False),
        ("+/#", False),
        ("$SYS/#", False),
        ("$share/g/spBv1.0/Plant 1/NCMD/E1", False),
        ("$device/dev_1/#", False),
    ],
)
def test_an_edge_node_hears_what_is_meant_for_it(topic_filter: str, may: bool) -> None:
    assert EDGE.may_subscribe(topic_filter) is may


@pytest.mark.parametrize(
    ("topic_filter", "may"),
    [
        ("v1/devices/me/attributes", True),
        ("v1/devices/me/rpc/request/+", True),
        ("v1/devices/me/#", True),
        ("millwright/v1/#", True),
        ("v1/devices/+/attributes", False),
        ("v1/#", False),
        ("+/devices/me/attributes", False),
        ("millwright/#", False),
        ("$share/g/v1/devices/me/attributes", False),
        ("spBv1.0/STATE/host", False),
        ("#", False),
    ],
)
def test_a_plain_device_hears_its_own_space(topic_filter: str, may: bool) -> None:
    assert PLAIN.may_subscribe(topic_filter) is may


LEVELS = "+ # $SYS $share $device dev_2 dev_9 millwright v1 devices me spBv1.0 G NCMD DCMD NDATA E1 E2 STATE telemetry"
LEVEL = st.sampled_from(["", "Plant 1", "Plant 2", *LEVELS.split()])


@given(st.lists(LEVEL, max_size=6).map("/".join))
def test_no_filter_that_is_granted_reaches_what_belongs_to_others(topic_filter: str) -> None:
    others = (
        "$device/dev_9/v1/devices/me/attributes",
        "$device/dev_9/millwright/v1/attributes",
        "spBv1.0/Plant 1/NCMD/E2",
        "spBv1.0/Plant 2/NCMD/E1",
        "spBv1.0/Plant 1/NDATA/E1",
        "spBv1.0/Plant 1/DDATA/E1/D",
        "spBv1.0/Plant 1/DCMD/E2/D",
        "$SYS/broker/uptime",
    )
    for principal in (PLAIN, EDGE):
        if principal.may_subscribe(topic_filter):
            held = to_internal(principal.device_id, topic_filter)
            assert not [topic for topic in others if matches(held, topic)]


def test_a_level_of_a_topic_has_bounds() -> None:
    prefix = "spBv1.0/STATE/"
    assert EDGE.may_subscribe(prefix + "h" * 256)
    assert not EDGE.may_subscribe(prefix + "h" * 257)
