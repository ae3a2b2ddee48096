"""What time a real nats-server has, and what the doctor says of it on a machine whose clock is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from millwright.engines.nats import NatsConnection, StreamSpec, read_clock
from millwright.kernel import Unavailable
from support.nats import RunningNats
from support.ports import free_port

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


async def make_stream(url: str) -> None:
    connection = NatsConnection(url, "test")
    await connection.start()
    await connection.ensure_stream(StreamSpec("EVENTS", ("events.>",)))
    await connection.stop()


async def test_a_server_with_a_stream_tells_its_time(tmp_path: Path) -> None:
    async with RunningNats(tmp_path) as nats:
        assert await read_clock(nats.url) == []
        await make_stream(nats.url)
        samples = await read_clock(nats.url, 3)
    assert len(samples) == 3
    for sent_ms, told_ms, received_ms in samples:
        assert sent_ms - 0.01 <= told_ms <= received_ms + 0.01, "it is the same clock"


async def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not tell its time"):
        await read_clock(f"nats://127.0.0.1:{free_port()}")


async def test_a_server_that_says_nothing_is_left(tmp_path: Path) -> None:
    ended: asyncio.Queue[bytes] = asyncio.Queue()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.put(await reader.read())
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        with pytest.raises(Unavailable, match="does not tell its time"):
            await read_clock(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert await asyncio.wait_for(ended.get(), 5) == b""


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
async def test_the_doctor_finds_this_machine_three_seconds_ahead(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats") as nats:
        await make_stream(nats.url)
        config = tmp_path / "millwright.toml"
        config.write_text(f'[node]\ndata = "{tmp_path / "data"}"\n[nats]\nurl = "{nats.url}"\n')
        command = [sys.executable, "-m", "millwright", "--config", str(config), "doctor", "--json"]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
        fake = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": "+3s", "NO_FAKE_STAT": "1"}
        found = {}
        for name, environment in (("true", environ), ("ahead", environ | fake)):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
            findings = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
            found[name] = findings["clock of NATS"]
    assert found["true"]["state"] == "ok"
    assert found["ahead"]["state"] == "wrong"
    said = re.search(r" is (-\d+\.\d) ms from this machine's \(± (\d+\.\d) ms\)", found["ahead"]["message"])
    assert said is not None
    assert float(said[1]) == pytest.approx(-3000, abs=float(said[2]) + 0.2)
    token = nats.url.partition("//")[2].partition("@")[0]
    assert token
    assert token not in found["ahead"]["message"]
