"""The door for TLS by itself: what becomes of those who are on their way in when it closes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import warnings
from pathlib import Path

import pytest

from millwright.devices.mqtt import MqttSettings
from millwright.devices.mqtt.door import TlsDoor
from support.mqtt import until
from support.tls import certificate


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_on_the_way_in_when_it_closes_is_let_go(tmp_path: Path, turns: int) -> None:
    chain, key = certificate(tmp_path, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    door = TlsDoor(MqttSettings(host="127.0.0.1"), lambda: context, asyncio.Protocol)
    port = await door.open(0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        waiting = [asyncio.create_task(asyncio.open_connection("127.0.0.1", port)) for _ in range(20)]
        for _ in range(turns):  # accepted, about to shake hands, in the middle of it
            await asyncio.sleep(0)
        door.close()
        opened = await asyncio.gather(*waiting, return_exceptions=True)
        for each in opened:
            if isinstance(each, tuple):
                with contextlib.suppress(ConnectionResetError):  # was in the system's queue
                    assert await each[0].read() == b""
                each[1].close()
        await until(lambda: door.under_way == 0)
        gc.collect()
    assert [str(one.message) for one in told] == []
