"""The overview is made once for each view, and nobody waits for another's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from millwright.kernel import ManualClock, Unavailable
from millwright.kernel.scope import EVERYTHING, NOTHING
from millwright.web.overview import Overview, OverviewDesk, View

ALL = View(EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING, node=True)
NONE = View(NOTHING, NOTHING, NOTHING, NOTHING, node=False)


class Desk(OverviewDesk):
    """What it makes says which one it is, and waits until it is let go on."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(cast(Any, SimpleNamespace(clock=clock)), cast(Any, None))
        self.made: list[View] = []
        self.go_on = asyncio.Event()
        self.failing = False

    async def _make(self, view: View) -> Overview:
        self.made.append(view)
        number = len(self.made)
        if view is ALL:
            await self.go_on.wait()
        if self.failing:
            raise Unavailable("It is away.", code="test.away")
        return cast(Any, number)


async def asking(desk: Desk, view: View) -> asyncio.Task[Overview]:
    task = asyncio.create_task(desk.look(view))
    await asyncio.sleep(0)
    return task


async def test_who_asks_for_the_same_shares_one_and_others_do_not_wait_for_it() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    first, second = await asking(desk, ALL), await asking(desk, ALL)
    clock.advance(5)  # it takes long: still nobody begins another
    third = await asking(desk, ALL)
    assert await asyncio.wait_for(desk.look(NONE), 1) == 2
    first.cancel()
    await asyncio.sleep(0)
    desk.go_on.set()
    assert (await second, await third, first.cancelled()) == (1, 1, True)
    assert desk.made == [ALL, NONE]


async def test_it_is_made_anew_after_a_second_or_a_failure() -> None:
    clock = ManualClock()
    desk = Desk(clock)
    assert [await desk.look(NONE), await desk.look(NONE)] == [1, 1]
    clock.advance(1)
    desk.failing = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.look(NONE)
    desk.failing = False
    assert await desk.look(NONE) == 4
