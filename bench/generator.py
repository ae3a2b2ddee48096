"""An MQTT 3.1.1 load generator: QoS 1 publishes, encoded before the clock starts, many in flight.

A process of its own, so that its cost is seen apart. It sends ``--messages`` messages of ``--points`` values over
``--connections`` connections, keeps at most ``--window`` unacknowledged on each, and prints one line of JSON when every
PUBACK has arrived (or ``--deadline`` seconds have passed)::

    {"sent": 100000, "acknowledged": 100000, "seconds": 1.02, "messages_per_s": 98039, "cpu_s": 0.21, "ack_ms": {...}}

Every message carries its own source time, so that the history can be counted afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import time
from pathlib import Path

import uvloop

BLOCK = 50
"""Messages in one write."""


def string(text: str) -> bytes:
    """A UTF-8 string as MQTT writes it (MQTT 3.1.1, 1.5.3)."""
    data = text.encode()
    return struct.pack("!H", len(data)) + data


def remaining_length(length: int) -> bytes:
    """A packet's remaining length (MQTT 3.1.1, 2.2.3)."""
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


def connect_packet(client_id: str, username: str) -> bytes:
    """CONNECT with a clean session, a user name and no password."""
    body = string("MQTT") + bytes([4, 0x82 if username else 0x02]) + struct.pack("!H", 60) + string(client_id)
    if username:
        body += string(username)
    return bytes([0x10]) + remaining_length(len(body)) + body


def payload(points: int, time_ms: int, chance: random.Random) -> bytes:
    """One JSON message of ``points`` values with its source time."""
    values = ",".join(f'"p{number}":{chance.uniform(0, 100):.3f}' for number in range(points))
    return f'{{"ts":{time_ms},"values":{{{values}}}}}'.encode()


def blocks(topic: str, messages: int, points: int, start_ms: int, step_ms: int, seed: int) -> list[tuple[int, bytes]]:
    """``messages`` publishes in blocks: (messages in it, bytes)."""
    chance = random.Random(seed)
    bodies = [payload(points, 0, chance)[len('{"ts":0') :] for _ in range(200)]
    head = string(topic)
    found, block, packet_id = [], bytearray(), 0
    count = 0
    for number in range(messages):
        packet_id = packet_id % 65535 + 1
        body = b'{"ts":%d' % (start_ms + number * step_ms) + bodies[number % 200]
        rest = head + struct.pack("!H", packet_id) + body
        block += b"\x32" + remaining_length(len(rest)) + rest
        count += 1
        if count == BLOCK or number == messages - 1:
            found.append((count, bytes(block)))
            block, count = bytearray(), 0
    return found


class Connection(asyncio.Protocol):
    """One device."""

    def __init__(self, hello: bytes, todo: list[tuple[int, bytes]], window: int, rate: float) -> None:
        self.hello, self.todo, self.window = hello, todo, window
        self.interval_s = BLOCK / rate if rate else 0.0
        self.sent = self.acknowledged = 0
        self.ready = asyncio.get_running_loop().create_future()
        self.done = asyncio.get_running_loop().create_future()
        self.waits: list[tuple[int, float]] = []
        self.latencies: list[float] = []
        self.next = 0
        self.due = 0.0
        self.open = False
        self.partial = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # TCP gives this one
        self.transport = transport
        transport.write(self.hello)

    def connection_lost(self, error: Exception | None) -> None:
        for future in (self.ready, self.done):
            if not future.done():
                future.set_exception(error or ConnectionError("the listener closed the connection"))

    def data_received(self, data: bytes) -> None:
        if not self.open:
            if data[:2] != b"\x20\x02" or data[3] != 0:
                self.ready.set_exception(ConnectionError(f"CONNACK {data[:4].hex()}"))
                return
            self.open = True
            self.ready.set_result(None)
            data = data[4:]
        self.partial += len(data)
        new, self.partial = divmod(self.partial, 4)  # only PUBACKs (4 bytes) come
        self.acknowledged += new
        now = time.perf_counter()
        while self.waits and self.waits[0][0] <= self.acknowledged:
            self.latencies.append(now - self.waits.pop(0)[1])
        if self.next == len(self.todo) and self.acknowledged == self.sent:
            if not self.done.done():
                self.done.set_result(None)
        elif new:
            self.pump()

    def pump(self) -> None:
        """Send as much as window and rate allow."""
        now = time.perf_counter()
        while self.next < len(self.todo) and self.sent - self.acknowledged < self.window:
            if self.interval_s:
                if not self.due:
                    self.due = now
                if now < self.due:
                    asyncio.get_running_loop().call_later(self.due - now, self.pump)
                    return
                self.due += self.interval_s
            count, data = self.todo[self.next]
            self.next += 1
            self.sent += count
            self.waits.append((self.sent, now))
            self.transport.write(data)


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Connect, wait for the start signal (a line on standard input) when asked, send, count."""
    tokens = Path(options.tokens).read_text().split() if options.tokens else [""]
    each = options.messages // options.connections
    start_ms = options.start_ms or int(time.time() * 1000) - each * options.step_ms
    rate = options.rate / options.connections
    loop = asyncio.get_running_loop()
    connections = []
    for number in range(options.connections):
        topic = options.topic.replace("{n}", str(number))
        todo = blocks(topic, each, options.points, start_ms, options.step_ms, number)
        hello = connect_packet(f"load-{options.seed}-{number}", tokens[number % len(tokens)])
        _, connection = await loop.create_connection(
            lambda hello=hello, todo=todo: Connection(hello, todo, options.window, rate), options.host, options.port
        )
        await asyncio.wait_for(connection.ready, 10)
        connections.append(connection)
    print(json.dumps({"ready": len(connections), "start_ms": start_ms, "each": each}), flush=True)
    if options.wait:
        await asyncio.to_thread(input)
    began, cpu = time.perf_counter(), time.process_time()
    for connection in connections:
        connection.pump()
    _, pending = await asyncio.wait([c.done for c in connections], timeout=options.deadline)
    seconds = time.perf_counter() - began
    latencies = sorted(x for c in connections for x in c.latencies)
    acknowledged = sum(c.acknowledged for c in connections)

    def quantile(q: float) -> float:
        return round(latencies[min(len(latencies) - 1, int(q * len(latencies)))] * 1000, 2) if latencies else 0.0

    return {
        "sent": sum(c.sent for c in connections),
        "acknowledged": acknowledged,
        "unfinished": len(pending),
        "seconds": round(seconds, 3),
        "messages_per_s": round(acknowledged / seconds),
        "points_per_s": round(acknowledged * options.points / seconds),
        "cpu_s": round(time.process_time() - cpu, 2),
        "ack_ms": {"p50": quantile(0.5), "p99": quantile(0.99)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--topic", default="millwright/v1/telemetry", help="{n}: the connection's number")
    parser.add_argument("--tokens", help="a file with a token a line, used in turn as user names")
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--messages", type=int, default=200_000, help="over all connections")
    parser.add_argument("--points", type=int, default=10, help="values a message")
    parser.add_argument("--window", type=int, default=1000, help="unacknowledged messages a connection")
    parser.add_argument("--rate", type=float, default=0, help="messages/s over all connections; 0: as fast as accepted")
    parser.add_argument("--start-ms", type=int, default=0, help="source time of the first message")
    parser.add_argument("--step-ms", type=int, default=10, help="source time from message to message")
    parser.add_argument("--seed", default="a", help="part of the client ids")
    parser.add_argument("--wait", action="store_true", help="start on a line of standard input")
    parser.add_argument("--deadline", type=float, default=120, help="seconds after which it gives up")
    print(json.dumps(uvloop.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
