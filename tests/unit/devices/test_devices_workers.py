"""Background work goes on after an error that nobody foresaw."""

from __future__ import annotations

from typing import cast

import pytest

from millwright.devices.arrivals import worker as arrivals
from millwright.devices.arrivals.service import ArrivalService
from millwright.devices.changes import Changes
from millwright.devices.watch import ChangeWatch
from support.bus import LocalBus
from support.mqtt import until


class Failing:
    """Fails at the first call of each method, then works."""

    def __init__(self) -> None:
        self.calls = 0

    async def flush(self) -> list[str]:
        self.calls += 1
        if self.calls == 1:
            raise RuntimeError("nobody thought of this")
        return []

    def revision(self) -> int:
        self.calls += 1
        return self.calls


async def test_arrivals_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "FLUSH_S", 0.01)
    service = Failing()
    worker = arrivals.ArrivalWorker(cast(ArrivalService, service), LocalBus())
    await worker.start()
    await until(lambda: service.calls >= 3)
    await worker.stop()


async def test_watching_for_changes_goes_on() -> None:
    changes, told = Failing(), []

    def on_change(device_id: str) -> None:
        told.append(device_id)
        if len(told) == 1:
            raise RuntimeError("nobody thought of this")

    watch = ChangeWatch(LocalBus(), cast(Changes, changes), on_change, poll_s=0.01)
    await watch.start()
    await until(lambda: changes.calls >= 4)
    await watch.stop()
    assert len(told) >= 2
