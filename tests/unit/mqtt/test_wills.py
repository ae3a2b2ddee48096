"""Wills of clients that were connected when an earlier process ended suddenly."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any, cast

from millwright.devices.intake import Run
from millwright.devices.mqtt.packets import StoredWill, Will
from millwright.devices.mqtt.wills import Wills
from millwright.kernel import ManualClock


async def test_who_may_still_speak_is_asked_once_for_all() -> None:
    published: list[str] = []
    dropped: list[str] = []
    asked: list[set[str]] = []

    def add_alone(_waiter: Any, run: Run, *_: Any) -> None:
        published.append(run.device_id)

    committer = cast(Any, SimpleNamespace(add_alone=add_alone))
    exchange = cast(Any, SimpleNamespace(sessions={}, route=lambda *_: None))
    writer = cast(Any, SimpleNamespace(write_will=lambda will_id, _will: dropped.append(will_id)))
    wills = Wills(committer, exchange, writer, ManualClock())

    async def knows(device_ids: Collection[str]) -> Collection[str]:
        asked.append(set(device_ids))
        return [each for each in device_ids if each != "dev_7"]

    kept = [StoredWill(f"will_{at}", f"dev_{at}", "c", Will("t", b"gone", 1, False), 0) for at in range(1000)]
    await wills.restore([], knows)
    assert asked == [], "there is nothing to ask"
    await wills.restore(kept, knows)
    assert asked == [{each.device_id for each in kept}]
    assert published == [each.device_id for each in kept if each.device_id != "dev_7"]
    assert dropped == ["will_7"]
    await wills.restore(kept[7:8], None)
    assert published[-1] == "dev_7"
