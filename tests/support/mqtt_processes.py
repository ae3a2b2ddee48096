"""Several listeners on one port, as the processes of one, and devices that belong to a known one of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from millwright.devices.mqtt import MqttListener
from millwright.devices.mqtt.shards import Shards, SlotFolder, slot_of
from millwright.devices.mqtt.shards.inbox import JetStreamInbox
from support.mqtt import running_listener
from support.ports import free_port


def devices_of(number: int, processes: int = 2) -> list[str]:
    """Four device ids that belong to process ``number``."""
    names = (f"d{each}" for each in itertools.count())
    return list(itertools.islice((name for name in names if slot_of(name, processes) == number), 4))


@asynccontextmanager
async def running_processes(
    nats_url: str, folder: Path, processes: int = 2, **options: Any
) -> AsyncIterator[list[MqttListener]]:
    """``processes`` listeners in this process; each has its own lock, links and connection to the broker."""
    options.setdefault("port", free_port())
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                running_listener(
                    nats_url,
                    listener_id=f"listener-{number}",
                    shards=lambda connection, number=number: Shards(
                        number, processes, SlotFolder(folder / "slots"), JetStreamInbox(connection)
                    ),
                    processes=processes,
                    **options,
                )
            )
            for number in range(1, processes + 1)
        ]


async def one_process(nats_url: str, folder: str, port: str, number: str, processes: str, hang_s: str) -> None:
    """A process of its own, until it is killed; says when it is ready."""
    async with running_listener(
        nats_url,
        listener_id=f"listener-{number}",
        port=int(port),
        processes=int(processes),
        shards=lambda connection: Shards(
            int(number),
            int(processes),
            SlotFolder(Path(folder) / "slots"),
            JetStreamInbox(connection),
            hang_s=float(hang_s),
        ),
    ):
        print("ready", flush=True)
        await asyncio.Event().wait()
