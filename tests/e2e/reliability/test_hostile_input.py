"""A flood of malformed, oversized and hostile packets and payloads, while a good device streams on.

Everything random comes from one seed. The node stays up, good data are complete and acknowledged in time, what cannot
be read is counted with its reason, and memory stays bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from millwright.devices.sparkplug import DataType, Payload
from support.node import RunningNode
from support.reliability import (
    TOPIC,
    Fleet,
    assert_history,
    connect,
    deliver,
    packet,
    pids,
    publish,
    register,
    roles,
    text,
)

SEED = 20_260_517
EDGE = "spBv1.0/plant/{}/crooked"


def packets(rng: random.Random, token: str) -> Iterator[bytes]:
    """What a hostile connection says from its first byte on."""
    hello = connect(f"hostile-{rng.random()}", token, clean=True)
    yield rng.randbytes(rng.randrange(1, 5000))
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"\x10\xff\xff\xff\x7f"
    yield b"\x10\xff\xff\xff\xff\x01"
    yield hello[: rng.randrange(1, len(hello))]
    yield connect("", "x" * 60_000)
    yield packet(0x10, text("MQTT") + bytes([9, 2, 0, 30]) + text("future"))
    yield packet(0x10, text("MQTT") + bytes([4, 0xFF, 0, 30]) + text("flags"))
    yield packet(0x10, text("MQTT") + bytes([4, 0x82, 0, 30]) + b"\xff\xffab")
    yield hello + hello
    yield hello + packet(0x00, b"") + packet(0xF0, b"")
    yield hello + b"\x32\xff\xff\xff\x7f" + rng.randbytes(1000)
    yield hello + packet(0x32, text(TOPIC) + b"\x00\x00{}")
    yield hello + packet(0x36, text(TOPIC) + b"\x00\x01{}")
    yield hello + packet(0x32, b"\xff\xff" + b"a" * 50)
    yield hello + packet(0x32, b"\x00\x03\xff\xfe\xfd\x00\x01{}")
    for topic in (
        "",
        "#",
        "a/+/b",
        "$SYS/broker",
        "a\0b",
        "v1/devices/me/../x",
        "millwright/v1/telemetry/",
        "x" * 65_000,
    ):
        yield hello + publish(topic, b"{}", 1)
    for name in ("", "#", "+/+/#", "a#", "$share/x/#", "$device/other/#"):
        yield hello + packet(0x82, b"\x00\x01" + text(name) + b"\x02")
    yield hello + packet(0x82, b"\x00\x01")
    yield hello + packet(0x62, b"\x12\x34") + packet(0x40, b"\x12\x34") + packet(0x50, b"\x00")
    noise = bytearray(hello + b"".join(publish(TOPIC, b'{"a": 1}', n) for n in range(1, 20)))
    for _ in range(20):
        noise[rng.randrange(len(hello), len(noise))] = rng.randrange(256)
    yield bytes(noise)


def documents(rng: random.Random) -> Iterator[bytes]:
    """Payloads of a device that is let in; every one is a valid PUBLISH."""
    yield b""
    yield rng.randbytes(2000)
    yield b"[" * 100_000
    yield b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    yield b'{"a": 1e999, "b": -1e999}'
    yield b'{"a": ' + b"9" * 10_000 + b"}"
    yield b'{"a": NaN, "b": Infinity}'
    yield json.dumps({"a": "x" * 1_000_000}).encode()
    yield json.dumps({f"k{n}": n for n in range(50_000)}).encode()
    yield json.dumps({f"{rng.random()}": 1 for _ in range(1_900)}).encode()  # new names each time
    yield json.dumps([{"ts": n, "values": {"a": n}} for n in range(10_000)]).encode()
    yield b'{"a": "\\ud800"}'
    yield b'\xef\xbb\xbf{"a": 1'
    yield b'{"": 1, " ": 2, "a.b": {"c": 3}, "a": {"b.c": 4}}'
    for stated in ("1e300", "-1", '"x"', "true", "[]", "null", "99999999999999999999", '"9999-12-31T23:59:59+23:59"'):
        yield b'{"ts": %s, "values": {"a": 1}}' % stated.encode()
    yield b'{"ts": 1, "values": [1, 2, {"a": 1}]}'
    yield b'{"time": "0001-01-01T00:00:00+14:00", "values": {"a": 1}}'
    yield b"null"
    yield b'"text"'
    yield json.dumps({"a": [[[1] * 100] * 10] * 10}).encode()
    yield json.dumps({"values": {"a\0b": 1, "\u202e": 2}}).encode()


def births(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of what a crooked edge node says."""
    good = Payload(timestamp=1_748_700_000_000, seq=0)
    good.metrics.add(name="bdSeq", datatype=int(DataType.INT64), long_value=0)
    for number in range(50):
        good.metrics.add(name=f"m{number}", alias=number, datatype=int(DataType.DOUBLE), double_value=number)
    whole = bytes(good.SerializeToString())
    yield "NDATA", whole
    yield "NBIRTH", whole[: rng.randrange(1, len(whole))]
    yield "NBIRTH", whole
    yield "NDATA", bytes(Payload(seq=200).SerializeToString())
    yield "NDATA", rng.randbytes(500)
    foreign = Payload(seq=201)
    foreign.metrics.add(alias=999_999, double_value=1)
    yield "NDATA", bytes(foreign.SerializeToString())
    template = Payload(seq=202)
    template.metrics.add(name="t", datatype=int(DataType.TEMPLATE)).template_value.metrics.add(double_value=1)
    yield "NBIRTH", bytes(template.SerializeToString())
    large = Payload(seq=203)
    for _ in range(5_000):
        large.metrics.add(name=f"x{rng.random()}", datatype=int(DataType.DOUBLE), double_value=1)
    yield "NBIRTH", bytes(large.SerializeToString())
    yield "DBIRTH", whole
    yield "NCMD", whole
    yield "NDEATH", b""
    flipped = bytearray(whole)
    for _ in range(10):
        flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    yield "NDATA", bytes(flipped)


async def say(port: int, data: bytes, wait_s: float = 0.3) -> None:
    """Say it all and wait to be thrown out, for a moment."""
    with contextlib.suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            await asyncio.wait_for(reader.read(65_536), wait_s)
            await asyncio.wait_for(reader.read(65_536), wait_s)
        finally:
            writer.close()


@pytest.mark.timeout(180)
def test_flood_harms_nobody_else(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    with RunningNode(tmp_path) as node, Fleet(node, api := node.administrator()) as fleet:
        hostile_id, token = register(api, "hostile")
        binding = {"group_id": "plant", "edge_node_id": "crooked"}
        crooked_id, edge_token = register(api, "crooked", kind="sparkplug_edge", sparkplug=binding)
        good = [fleet.add("good", timed=True, rate=100), fleet.add("plain", timed=False, rate=100)]
        fleet.await_progress(100)
        port, before = node.mqtt_port, pids(node)
        memory = {name: role["rss_bytes"] for name, role in roles(api).items()}

        async def rounds(count: int, work: Callable[[], object]) -> None:
            for _ in range(count):
                await work()  # type: ignore[misc]

        async def noise() -> None:
            await asyncio.gather(*(say(port, each) for each in packets(rng, token)))

        async def strangers() -> None:
            await asyncio.gather(*(say(port, connect(f"s{n}", rng.randbytes(9).hex()), 2) for n in range(100)))

        async def flood() -> int:
            told = [(TOPIC, each) for _ in range(3) for each in documents(rng)]
            lies = [(EDGE.format(kind), each) for _ in range(5) for kind, each in births(rng)]
            done = await asyncio.gather(
                rounds(8, noise), rounds(4, strangers), deliver(port, token, told), deliver(port, edge_token, lies)
            )
            assert done[2] == len(told), "a device that may send was not answered"
            return len(told) + len(lies)

        async def slow_ones() -> None:
            """Connections that say half a CONNECT and wait."""
            opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
            for (_, writer), size in zip(opened, cycle(range(1, 12)), strict=False):
                writer.write(connect("slow", token)[:size])
            await asyncio.sleep(1)
            for _, writer in opened:
                writer.close()

        sent = fleet.run(flood())
        fleet.run(slow_ones())
        fleet.await_progress(100)
        assert pids(node) == before, "a process died of it"
        summary = node.wait_for(
            "dead letters",
            lambda: (found := api.get("/dead-letters/summary").json()) and len(found["by_reason"]) >= 9 and found,
        )
        assert set(summary["by_reason"]) >= {
            "telemetry.not_json",
            "telemetry.not_utf8",
            "telemetry.empty_payload",
            "telemetry.too_many_properties",
            "sparkplug.before_birth",
            "sparkplug.not_protobuf",
            "sparkplug.alias_unknown",
            "sparkplug.metric",
        }
        assert "telemetry.failed" not in summary["by_reason"], "a decoder did not expect something"
        assert set(summary["by_device"]) == {hostile_id, crooked_id}
        assert 0 < summary["count"] <= sent
        closed = api.get("/system").json()
        assert all(role["counters"].get("pipeline_failures", 0) == 0 for role in closed["roles"])
        fleet.finish()
        assert_history(node, api, good)
        assert [device.connections for device in good] == [1, 1], "a good device was thrown out"
        latencies = sorted(seconds for device in good for seconds in device.latencies())
        assert latencies[len(latencies) * 99 // 100] < 2.0
        # The engine gives memory back when it has merged what came, a while after it came.
        node.wait_for(
            "the memory to be given back",
            lambda: all(role["rss_bytes"] - memory[name] < 250_000_000 for name, role in roles(api).items()),
            timeout_s=30,
        )
        assert all(reply.status_code == 200 for reply in (api.get("/devices"), api.get("/overview")))
        api.close()
        assert "Traceback" not in node.output()
