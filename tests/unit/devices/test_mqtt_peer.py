"""The way to another process: when its silence counts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from millwright.devices.mqtt.shards.peer import Peer, Way
from millwright.devices.mqtt.shards.slots import SlotFolder, SlotLock
from millwright.devices.mqtt.shards.wire import Census, Done, Hello, Knock, Message, Wire
from support.mqtt import until


async def test_the_silence_of_a_process_counts_from_its_first_answer_on(tmp_path: Path) -> None:
    """One that restores a long time answers some, and then nothing, until it is ready."""
    folder = SlotFolder(tmp_path / "slots")
    folder.open()
    lock = SlotLock(folder, 2)
    assert lock.acquire()
    knocked: list[tuple[Wire, int]] = []
    heard: list[Message] = []

    def take(wire: Wire, number: int, message: Message) -> None:
        heard.append(message)
        if isinstance(message, Knock) and len(knocked) < 1:
            knocked.append((wire, number))
        else:
            wire.send(number, Done())

    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: Wire(take, lambda _wire: None), folder.link(2))
    peer = Peer(2, folder, cast(Any, None), Knock(1, 2), lambda: ([], Hello(1, [])))
    peer.start()
    try:
        await until(lambda: bool(knocked), 20)
        answered = len(heard)
        peer.ping(Census())
        await until(lambda: len(heard) > answered, 20)
        await asyncio.sleep(0.05)
        assert peer.heard_s == 0
        wire, number = knocked[0]
        wire.send(number, Done())
        await until(lambda: peer.way is Way.LINK, 20)
        first_s = peer.heard_s
        assert first_s > 0
        peer.ping(Census())
        await until(lambda: peer.heard_s > first_s, 20)
    finally:
        await peer.stop()
        server.close()
        await server.wait_closed()
        lock.release()
        folder.close()
