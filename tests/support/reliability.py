"""Devices that know what they sent and what was acknowledged, and the question whether history has exactly that.

:class:`Fleet` runs raw MQTT 3.1.1 clients on a loop of its own thread. A device numbers its messages; at a broken
connection it connects again and repeats what is unacknowledged, in order, with DUP (MQTT 3.1.1, 4.4).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import httpx

from millwright.devices.sparkplug import DataType, Payload
from support.node import RunningNode

TOPIC = "millwright/v1/telemetry"
NOTE_EVERY = 25
"""Each so many messages one carries a text too."""

T = TypeVar("T")


def packet(first: int, body: bytes) -> bytes:
    """A packet of MQTT: first byte, length, body."""
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | 0x80 if size else digit])
        if not size:
            return bytes([first]) + length + body


def text(value: str) -> bytes:
    """A length-prefixed UTF-8 string."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def connect(client_id: str, token: str, *, clean: bool = False, keep_alive_s: int = 30) -> bytes:
    """CONNECT with the token as user name."""
    flags = 0x80 | (0x02 if clean else 0)
    return packet(
        0x10, text("MQTT") + bytes([4, flags]) + keep_alive_s.to_bytes(2, "big") + text(client_id) + text(token)
    )


def publish(topic: str, payload: bytes, packet_id: int, *, again: bool = False) -> bytes:
    """PUBLISH with QoS 1; ``again`` sets DUP."""
    return packet(0x3A if again else 0x32, text(topic) + packet_id.to_bytes(2, "big") + payload)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first byte and the body of the next packet."""
    first = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first, await reader.readexactly(size)


async def deliver(port: int, token: str, messages: list[tuple[str, bytes]]) -> int:
    """Publish with QoS 1, each after the PUBACK of the one before; returns how many were acknowledged."""
    done = 0
    for number, (topic, payload) in enumerate(messages, 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(connect(f"h{number}", token, clean=True))
            await read_packet(reader)
            writer.write(publish(topic, payload, number))
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                first, _ = await asyncio.wait_for(read_packet(reader), 20)
                done += first == 0x40
        finally:
            writer.close()
    return done


class Device:
    """Sends messages 0, 1, 2 … at about ``rate`` a second, at most ``window`` of them unacknowledged.

    ``timed``: each states its own time. Impatient after ``patience_s`` without a PUBACK: it hangs up and comes again.
    """

    def __init__(
        self,
        port: int,
        device_id: str,
        token: str,
        name: str,
        *,
        timed: bool,
        rate: float,
        window: int,
        patience_s: float = 60.0,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.device_id, self.name, self.timed = device_id, name, timed
        self.rate, self.window, self.patience_s = rate, window, patience_s
        self.token, self._port, self._clock_ms = token, port, clock_ms
        self.base_ms = clock_ms()
        self.sent_at: list[float] = []
        self.acknowledged_at: dict[int, float] = {}
        self.connections = 0
        self.repeated = 0
        self.refusals: Counter[int] = Counter()
        self._inflight: dict[int, int] = {}
        self._stopping = False
        self._began = 0.0
        self._wake = asyncio.Event()
        self._progress_s = 0.0

    @property
    def sent(self) -> int:
        """How many numbers were sent at least once."""
        return len(self.sent_at)

    def latencies(self) -> list[float]:
        """Seconds from the first sending to the PUBACK, of what was acknowledged."""
        return [at - self.sent_at[number] for number, at in list(self.acknowledged_at.items())]

    def values(self, number: int) -> dict[str, float | str]:
        """What message ``number`` says."""
        return {"n": number} if number % NOTE_EVERY else {"n": number, "note": f"{self.name} {number}"}

    def message(self, number: int) -> tuple[str, bytes]:
        """Topic and payload of message ``number``, each time the same."""
        values = self.values(number)
        return TOPIC, json.dumps({"ts": self.base_ms + number, "values": values} if self.timed else values).encode()

    # --- life, on the fleet's loop -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, send and repeat until it is stopped and all is acknowledged."""
        self._began = time.monotonic()
        while not (self._stopping and not self._inflight):
            try:
                await self._session()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        """Send nothing new."""
        self._stopping = True
        self._wake.set()

    async def _session(self) -> None:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self._port), 5)
        try:
            writer.write(connect(self.name, self.token))
            first, body = await asyncio.wait_for(read_packet(reader), 10)
            if first != 0x20 or body[1]:
                self.refusals[body[1]] += 1
                raise ConnectionError(f"refused with code {body[1]}")
            self.connections += 1
            self._progress_s = time.monotonic()
            for packet_id, number in self._inflight.items():
                self.repeated += 1
                writer.write(publish(*self.message(number), packet_id, again=True))
            sender = asyncio.create_task(self._send(writer))
            try:
                await self._receive(reader)
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        while not self._stopping:
            due = (time.monotonic() - self._began) * self.rate
            while self.sent < due and len(self._inflight) < self.window:
                number = self.sent
                packet_id = number % 65_535 + 1
                self._inflight[packet_id] = number
                self.sent_at.append(time.monotonic())
                writer.write(publish(*self.message(number), packet_id))
            await writer.drain()
            self._wake.clear()
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes as the event is set.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.005 if len(self._inflight) < self.window else 1.0):
                    await self._wake.wait()
        await asyncio.Event().wait()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while not (self._stopping and not self._inflight):
            left_s = self.patience_s - (time.monotonic() - self._progress_s) if self._inflight else 0.5
            try:
                first, body = await asyncio.wait_for(read_packet(reader), max(left_s, 0.01))
            except TimeoutError:
                if self._inflight and time.monotonic() - self._progress_s >= self.patience_s:
                    raise
                continue
            if first >> 4 != 4:
                continue
            number = self._inflight.pop(int.from_bytes(body, "big"), None)
            assert number is not None, f"a PUBACK for nothing: {body!r}"
            self.acknowledged_at[number] = self._progress_s = time.monotonic()
            self._wake.set()


class EdgeNode(Device):
    """A Sparkplug edge node: its first message is its birth, all others name their metric by its alias alone."""

    def values(self, number: int) -> dict[str, float | str]:
        """What message ``number`` says."""
        return {"n": number}

    def message(self, number: int) -> tuple[str, bytes]:
        """The birth (message 0) or data."""
        payload = Payload(timestamp=self.base_ms + number, seq=number % 256)
        if not number:
            payload.metrics.add(name="bdSeq", datatype=int(DataType.INT64), long_value=0)
        metric = payload.metrics.add(alias=7, timestamp=self.base_ms + number, double_value=float(number))
        if not number:
            metric.name, metric.datatype = "n", int(DataType.DOUBLE)
        return f"spBv1.0/plant/{'NDATA' if number else 'NBIRTH'}/{self.name}", bytes(payload.SerializeToString())


class Fleet:
    """Devices at work in a thread of their own.

    ``with Fleet(node, api) as fleet: fleet.add("press", timed=True)``; :meth:`finish` ends all streams.
    """

    def __init__(self, node: RunningNode, api: httpx.Client) -> None:
        self._node, self._api = node, api
        self.devices: list[Device] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._running: list[Any] = []

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running:
            running.cancel()
        self.run(asyncio.sleep(0.05))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 120) -> T:
        """Run ``work`` on the fleet's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def add(
        self,
        name: str,
        *,
        timed: bool,
        rate: float = 200.0,
        window: int = 50,
        kind: type[Device] = Device,
        **more: Any,
    ) -> Device:
        """Register a device and let it send."""
        device_id, token = register(self._api, name)
        port = self._node.mqtt_port
        return self.send(kind(port, device_id, token, name, timed=timed, rate=rate, window=window, **more))

    def send(self, device: Device) -> Device:
        """Let a device send."""
        self.devices.append(device)
        self._running.append(asyncio.run_coroutine_threadsafe(device.run(), self._loop))
        return device

    def add_both(self, name: str, count: int, **more: Any) -> None:
        """``count`` devices, every second one without times of its own."""
        for number in range(count):
            self.add(f"{name}-{number}", timed=number % 2 == 0, **more)

    def acknowledged(self) -> int:
        """How many messages of all devices were acknowledged."""
        return sum(len(device.acknowledged_at) for device in self.devices)

    def await_progress(self, messages: int = 50, timeout_s: float = 40) -> None:
        """Wait until so many more messages of each device were acknowledged."""
        wanted = [len(device.acknowledged_at) + messages for device in self.devices]
        deadline = time.monotonic() + timeout_s
        while any(len(d.acknowledged_at) < most for d, most in zip(self.devices, wanted, strict=True)):
            assert time.monotonic() < deadline, f"no more acknowledgements\n{self._node.output()}"
            time.sleep(0.02)

    def finish(self, timeout_s: float = 60) -> None:
        """Send nothing new, wait until all that was sent is acknowledged."""
        for device in self.devices:
            self._loop.call_soon_threadsafe(device.stop)
        deadline = time.monotonic() + timeout_s
        for running, device in zip(self._running, self.devices, strict=True):
            try:
                running.result(max(deadline - time.monotonic(), 0.1))
            except TimeoutError:
                missing = device.sent - len(device.acknowledged_at)
                raise AssertionError(f"{device.name}: {missing} never acknowledged\n{self._node.output()}") from None


def register(api: httpx.Client, name: str, **more: Any) -> tuple[str, str]:
    """A new device's id and its token."""
    reply = api.post("/devices", json={"name": name, **more})
    assert reply.status_code == 201, reply.text
    device_id = str(reply.json()["id"])
    return device_id, str(api.post(f"/devices/{device_id}/credentials", json={}).json()["token"])


def history(api: httpx.Client, device_id: str, name: str) -> list[dict[str, Any]] | None:
    """Every reading of a property, through the HTTP API page by page; ``None`` while it cannot be answered."""
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"device_id": device_id, "property": name, "from_ms": 0, "to_ms": 4_000_000_000_000}
    try:
        while True:
            reply = api.get("/readings", params=query | {"limit": 10_000})
            if reply.status_code != 200:
                return None
            rows += reply.json()["items"]
            if reply.json()["next"] is None:
                return rows
            query["cursor"] = reply.json()["next"]
    except httpx.HTTPError:
        return None


def await_arrival(node: RunningNode, api: httpx.Client, fleet: Fleet) -> None:
    """Return when devices went on sending, and what they send from now on is in the node's history."""
    newest = [device.sent for device in fleet.devices]
    fleet.await_progress(100)
    for device, number in zip(fleet.devices, newest, strict=True):
        node.wait_for(
            f"{device.name} in history",
            lambda device=device, number=number: (
                max((int(row["value"]) for row in history(api, device.device_id, "n") or ()), default=-1) > number
            ),
            timeout_s=60,
        )


def wrong_in_history(api: httpx.Client, device: Device) -> str:
    """What history of ``device`` has too much, too little or wrong, value by value; empty when nothing.

    Everything acknowledged has to be there once. What was sent and not acknowledged may be there, once.
    """
    rows, notes = history(api, device.device_id, "n"), history(api, device.device_id, "note")
    if rows is None or notes is None:
        return f"{device.name}: no answer"
    acknowledged = set(device.acknowledged_at)
    found = Counter(int(row["value"]) for row in rows)
    missing = sorted(acknowledged - found.keys())
    doubled = sorted(number for number, count in found.items() if count > 1)
    foreign = sorted(found.keys() - set(range(device.sent)))
    texts = Counter(row["value"] for row in notes)
    wanted = {str(values["note"]) for number in acknowledged if "note" in (values := device.values(number))}
    faults = [
        f"{what}: {len(which)}, {which[:5]}"
        for what, which in (
            ("missing", missing),
            ("doubled", doubled),
            ("never sent", foreign),
            ("texts missing", sorted(wanted - texts.keys())),
            ("texts doubled", sorted(each for each, count in texts.items() if count > 1)),
        )
        if which
    ]
    if device.timed:
        misplaced = [row for row in rows if row["time_ms"] != device.base_ms + row["value"]]
        faults += [f"at a wrong time: {len(misplaced)}, {misplaced[:3]}"] if misplaced else []
    faults += [f"not good: {row}" for row in rows if row["quality"] != 192][:1]
    return (
        f"{device.name} ({device.sent} sent, {len(acknowledged)} acknowledged): {'; '.join(faults)}" if faults else ""
    )


def assert_history(node: RunningNode, api: httpx.Client, devices: Iterable[Device], timeout_s: float = 30) -> None:
    """History has every acknowledged message of these devices exactly once, within ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    for device in devices:
        while wrong := wrong_in_history(api, device):
            # What is doubled or wrong stays so; what is missing may be on its way.
            assert time.monotonic() < deadline, f"{wrong}\n{node.output()}"
            time.sleep(0.25)


def out_of_order(api: httpx.Client, device: Device) -> int:
    """How many readings have an earlier time than one that was sent before them."""
    values = [row["value"] for row in history(api, device.device_id, "n") or ()]
    return sum(later < earlier for earlier, later in itertools.pairwise(values))


def problems(api: httpx.Client) -> set[str]:
    """The codes of what the node says is wrong now; empty when it cannot answer."""
    try:
        reply = api.get("/system")
        return {problem["code"] for problem in reply.json()["problems"]} if reply.status_code == 200 else set()
    except httpx.HTTPError:
        return set()


def roles(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """The processes by role as the node shows them."""
    return {role["role"]: role for role in api.get("/system").json()["roles"]}


def pids(node: RunningNode) -> dict[str, int | None]:
    """The process id of everything that the node runs."""
    found = {name: node.find_process(name) for name in ("nats-server", "listener", "historian", "web")}
    return {name: process.pid if process else None for name, process in found.items()}
