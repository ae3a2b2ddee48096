"""Which of two retained messages is the later one, and whose a slot is."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any, cast

from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.retained import Retained
from millwright.devices.mqtt.shards import Shards
from millwright.devices.mqtt.shards.replica import Replica, name_of
from millwright.devices.mqtt.shards.slots import SlotFolder, SlotLock, slot_of
from millwright.kernel import end


class Kept:
    """A replica over messages on one topic, of which some may not be written yet."""

    def __init__(self) -> None:
        self.retained = Retained(10)
        self.pending = False
        self.replica = Replica(self.retained, lambda _topic: self.pending)

    def set_here(self, payload: bytes) -> None:
        self.retained.set(RetainedMessage("t", payload, 1))
        self.pending = True

    def written(self, sequence: int) -> None:
        self.pending = False
        self.replica.written("t", sequence)

    def take(self, payload: bytes | None, sequence: int) -> None:
        self.replica.take("t", None if payload is None else RetainedMessage("t", payload, 1), sequence)

    @property
    def payload(self) -> bytes | None:
        found = self.retained.find("t")
        return None if found is None else found.payload


def test_the_higher_sequence_stands_in_whatever_order_they_come() -> None:
    kept = Kept()
    kept.take(b"second", 2)
    kept.take(b"first", 1)
    assert kept.payload == b"second"
    kept.take(None, 3)
    kept.take(b"second", 2)
    assert kept.payload is None


def test_what_is_not_written_yet_stands_until_it_has_its_sequence() -> None:
    kept = Kept()
    kept.set_here(b"ours")
    kept.take(b"theirs", 5)
    assert kept.payload == b"ours"
    kept.written(4)
    assert kept.payload == b"theirs"
    kept.set_here(b"ours again")
    kept.take(b"theirs again", 6)
    kept.written(7)
    assert kept.payload == b"ours again"
    kept.take(b"late", 6)
    assert kept.payload == b"ours again"


def test_what_was_read_back_is_not_replaced_by_what_came_before_it() -> None:
    kept = Kept()
    kept.replica.restore({name_of("t"): 9})  # nothing is retained there since
    kept.take(b"before", 8)
    assert kept.payload is None
    kept.take(b"after", 10)
    assert kept.payload == b"after"


def test_a_slot_has_one_holder_and_says_who_it_is(tmp_path: Path) -> None:
    folder = SlotFolder(tmp_path / "slots")
    folder.open()
    try:
        one, other = SlotLock(folder, 1), SlotLock(folder, 1)
        assert folder.holder(1) is None
        assert one.acquire()
        assert not other.acquire()
        assert folder.holder(1) == os.getpid()
        assert folder.holder(2) is None
        one.release()
        assert folder.holder(1) is None
        assert other.acquire()
        other.release()
    finally:
        folder.close()


def test_devices_are_spread_over_all_slots() -> None:
    counts = [0, 0, 0]
    for number in range(3000):
        counts[slot_of(f"dev_{number}", 3) - 1] += 1
    assert all(900 < count < 1100 for count in counts), counts


def test_the_folder_is_closed_to_others_also_when_it_was_there_before(tmp_path: Path) -> None:
    folder = SlotFolder(tmp_path / "shards")
    folder.root.mkdir(mode=0o755)
    folder.open()
    folder.close()
    assert folder.root.stat().st_mode & 0o777 == 0o700


async def test_a_socket_that_was_handed_over_is_closed_though_nobody_began_to_take_it() -> None:
    """The listener stops between the handing over and the loop's next turn."""
    tasks: list[asyncio.Task[None]] = []

    class Listener:
        def run(self, work: Any) -> asyncio.Task[None]:
            tasks.append(asyncio.get_running_loop().create_task(work))
            return tasks[-1]

    shards = Shards.__new__(Shards)
    shards.taken_in, shards._listener = 0, Listener()  # type: ignore[assignment]
    near, far = socket.socketpair()
    shards._take_in(cast(Any, None), near)
    await end(*tasks)
    assert near.fileno() == -1
    far.close()
