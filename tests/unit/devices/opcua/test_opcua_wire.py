"""Our reading of notifications against asyncua's writing, and against bytes that are broken."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Sample
from millwright.devices.connectors.opcua import wire
from millwright.devices.connectors.opcua.values import describe, plain, status_name, variant_of
from millwright.kernel import Invalid

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
KINDS = ua.VariantType


def published(values: list[ua.DataValue], sequence: int = 5) -> bytes:
    change = ua.DataChangeNotification()
    change.MonitoredItems = [
        ua.MonitoredItemNotification(ClientHandle=number, Value=value) for number, value in enumerate(values, 1)
    ]
    answer = ua.PublishResponse()
    answer.Parameters.SubscriptionId = 9
    answer.Parameters.AvailableSequenceNumbers = [4, sequence]
    answer.Parameters.NotificationMessage.SequenceNumber = sequence
    answer.Parameters.NotificationMessage.NotificationData = [change] if values else []
    return struct_to_binary(answer)


def read(data: bytes, count: int) -> wire.Publication:
    names = {9: {number: f"p{number}" for number in range(1, count + 1)}}
    return wire.read_publication(Buffer(data), names, {})


def value(raw: Any, kind: ua.VariantType, status: int = 0, **more: Any) -> ua.DataValue:
    return ua.DataValue(ua.Variant(raw, kind), ua.StatusCode(status), SourceTimestamp=NOW, **more)


def test_values_of_every_kind() -> None:
    cases: list[tuple[ua.DataValue, Sample]] = [
        (value(1.5, KINDS.Double), Sample("p1", 1.5, NOW_MS)),
        (value(0.5, KINDS.Float), Sample("p2", 0.5, NOW_MS)),
        (value(-7, KINDS.Int16), Sample("p3", -7, NOW_MS)),
        (value(2**63, KINDS.UInt64), Sample("p4", 2**63, NOW_MS)),
        (value(True, KINDS.Boolean), Sample("p5", True, NOW_MS)),
        (value("温", KINDS.String), Sample("p6", "温", NOW_MS)),
        (value(NOW, KINDS.DateTime), Sample("p7", "2026-03-01T06:30:00Z", NOW_MS)),
        (value([1, 2], KINDS.Int32), Sample("p8", "[1,2]", NOW_MS)),
        (value(1.0, KINDS.Double, 0x40900000), Sample("p9", 1.0, NOW_MS, UNCERTAIN, status_name(0x40900000))),
        (value(1.0, KINDS.Double, 0x808C0000), Sample("p10", None, NOW_MS, BAD, "BadSensorFailure")),
        (value(float("nan"), KINDS.Double), Sample("p11", None, NOW_MS, BAD, "the value is nan")),
        (value(1.0, KINDS.Double, 0x480), Sample("p12", 1.0, NOW_MS, GOOD, describe(0x480))),
        (ua.DataValue(StatusCode=ua.StatusCode(0x80340000)), Sample("p13", None, None, BAD, "BadNodeIdUnknown")),
        (ua.DataValue(ua.Variant(3, KINDS.Byte), ServerTimestamp=NOW), Sample("p14", 3, NOW_MS)),
        (ua.DataValue(ua.Variant(None, KINDS.Null)), Sample("p15", None, None)),
    ]
    found = read(published([one for one, _ in cases]), len(cases))
    assert (found.subscription, found.sequence, found.is_keep_alive) == (9, 5, False)
    assert found.samples == [sample for _, sample in cases]
    assert "older values" in found.samples[11].note


def test_picoseconds_stand_where_the_standard_has_them() -> None:
    """Value, status, source time, source picoseconds, server time, server picoseconds (IEC 62541-6, 5.2.2.17)."""
    ticks = NOW_MS * 10_000 + wire.EPOCH_TICKS
    item = struct.pack("<IBBdIqHqH", 1, 0x3F, 11, 2.5, 0, ticks, 77, ticks + 10_000_000, 88)
    after = struct.pack("<IBBd", 2, 0x01, 11, 3.5)
    samples: list[Sample] = []
    end = wire.read_items(item + after, 0, 2, {1: "a", 2: "b"}, {}, samples)
    assert end == len(item + after)
    assert samples == [Sample("a", 2.5, NOW_MS), Sample("b", 3.5, None)]
    assert wire.read_data_value(item, 4)[1:] == (0, ticks, len(item))


def test_items_of_nobody_are_passed_over_and_elements_are_picked() -> None:
    data = published([value("x", KINDS.String), value(1.0, KINDS.Double), value([5, 6, 7], KINDS.Int32)])
    found = wire.read_publication(Buffer(data), {9: {3: "third"}}, {3: (1,)})
    assert [(one.point_id, one.value) for one in found.samples] == [("third", 6)]


def test_a_keep_alive_and_the_end_of_a_subscription() -> None:
    assert read(published([]), 0).is_keep_alive
    answer = ua.PublishResponse()
    answer.Parameters.NotificationMessage.NotificationData = [
        ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))
    ]
    found = wire.read_publication(Buffer(struct_to_binary(answer)), {}, {})
    assert found.ended == ua.StatusCodes.BadTimeout


@given(st.data())
def test_broken_bytes_end_in_an_error_that_is_caught(data: st.DataObject) -> None:
    whole = bytearray(published([value(1.5, KINDS.Double), value("text", KINDS.String), value([1, 2], KINDS.Int16)]))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with suppress(*wire.UNREADABLE):
        read(cut, 3)


@pytest.mark.parametrize("kind", [KINDS.SByte, KINDS.Byte, KINDS.Int16, KINDS.UInt32, KINDS.Int64, KINDS.UInt64])
@given(number=st.integers(-(2**65), 2**65))
def test_whole_numbers_fit_or_are_refused(kind: ua.VariantType, number: int) -> None:
    try:
        variant = variant_of(number, kind, "x")
    except Invalid:
        return
    assert plain(variant) == (number, "")
    assert ua.ua_binary.variant_from_binary(Buffer(ua.ua_binary.variant_to_binary(variant))).Value == number
