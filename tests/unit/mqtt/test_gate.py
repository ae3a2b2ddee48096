"""Admission is bounded and fair by address, whatever happens to who waits."""

from __future__ import annotations

import asyncio
import random

from millwright.devices.mqtt.gate import Gate


async def test_one_address_with_many_does_not_keep_another_out() -> None:
    gate, order, running, most = Gate(2), [], 0, 0

    async def enter(address: str) -> None:
        nonlocal running, most
        async with gate.turn(address):
            running += 1
            most = max(most, running)
            order.append(address)
            await asyncio.sleep(0)
            running -= 1

    crowd = [asyncio.create_task(enter("crowd")) for _ in range(100)]
    await asyncio.sleep(0)
    late = [asyncio.create_task(enter(name)) for name in ("a", "b", "a")]
    await asyncio.gather(*crowd, *late)
    assert most == 2
    assert max(order.index("a"), order.index("b")) < 10
    assert len(order) - 1 - order[::-1].index("a") < 14
    assert gate.waiting == 0


async def test_places_survive_failures_and_cancellations() -> None:
    gate, chance = Gate(3), random.Random(7)

    async def enter(number: int) -> None:
        async with gate.turn(f"{number % 5}"):
            await asyncio.sleep(0)
            if number % 3 == 0:
                raise RuntimeError("as it happens")

    tasks = [asyncio.create_task(enter(number)) for number in range(200)]
    for _ in range(60):
        await asyncio.sleep(0)
        chance.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gate.waiting == 0
    inside = 0

    async def stay() -> None:
        nonlocal inside
        async with gate.turn("x"):
            inside += 1
            await asyncio.Event().wait()

    staying = [asyncio.create_task(stay()) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert inside == 3
    for task in staying:
        task.cancel()
    await asyncio.gather(*staying, return_exceptions=True)
