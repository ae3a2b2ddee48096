"""What a listener tells of who is connected, and when."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from millwright.devices.mqtt.presence import ASK, Presence, PresenceReport
from millwright.kernel import SystemClock
from support.bus import LocalBus
from support.mqtt import until


def reports(bus: LocalBus) -> list[PresenceReport]:
    return [msgspec.msgpack.decode(data, type=PresenceReport) for subject, data in bus.published if subject != ASK]


async def test_who_asks_is_answered_with_everybody() -> None:
    bus = LocalBus()
    presence = Presence(bus, "l1", SystemClock(), lambda _device: 7)
    presence.connected("dev_1")
    await presence.start()
    await until(lambda: len(reports(bus)) == 1)
    await bus.publish(ASK, b"")
    await until(lambda: len(reports(bus)) == 2)
    assert [(report.snapshot, report.connected[0][0]) for report in reports(bus)] == [(True, "dev_1")] * 2
    await presence.stop()


@pytest.mark.parametrize("turns", range(6))
async def test_a_change_at_the_very_stop_does_not_keep_it_from_stopping(turns: int) -> None:
    bus = LocalBus()
    presence = Presence(bus, "l1", SystemClock(), lambda _device: 7)
    await presence.start()
    await until(lambda: len(reports(bus)) == 1)
    presence.connected("dev_1")
    for _ in range(turns):
        await asyncio.sleep(0)
    stopped, _ = await asyncio.wait((asyncio.create_task(presence.stop()),), timeout=10)
    assert stopped
    assert reports(bus)[-1].snapshot


async def test_what_could_not_be_told_comes_with_a_snapshot() -> None:
    bus = LocalBus()
    presence = Presence(bus, "l1", SystemClock(), lambda _device: 7)
    await presence.start()
    await until(lambda: len(reports(bus)) == 1)
    bus.down = True
    presence.connected("dev_1")
    await until(lambda: presence._asked)
    bus.down = False
    presence.connected("dev_2")
    await until(lambda: len(reports(bus)) == 2)
    assert reports(bus)[1].snapshot
    assert [device for device, _, _ in reports(bus)[1].connected] == ["dev_1", "dev_2"]
    await presence.stop()
