"""An edge and its parent on two hosts, network namespaces of this machine, and the wire between them: narrow, pulled
for a moment, pulled for long, in mid-stream. Neither end is told; what was under way hangs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.msg import Msg

from millwright.devices.intake import decode_frame
from support.edge import KeptNode, Parent, add_device, enrol
from support.namespaces import Host, Wire, wired
from support.node import RunningNode
from support.reliability import Device, Fleet, history, wrong_in_history


class Heavy(Device):
    """Its messages are large, and compression makes them little smaller."""

    def values(self, number: int) -> dict[str, float | str]:
        return {**super().values(number), "trace": random.Random(number).randbytes(300).hex()}


class Tap:
    """Hears each delivery as it is stored at the parent: lane → device → numbers, in order; a thread at that host."""

    def __init__(self, host: Host, url: str) -> None:
        self._host, self._url = host, url
        self.lanes: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.order: list[tuple[str, str, int]] = []
        """Lane, device and number, as they came."""
        self.ids: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)

    def __enter__(self) -> Tap:
        self._thread.start()
        assert self._listening.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        self._loop.close()

    def _main(self) -> None:
        self._host.enter()
        self._loop.run_until_complete(self._listen())

    async def _listen(self) -> None:
        self._done = asyncio.Event()
        client = await nats.connect(self._url)
        await client.subscribe("intake.edge.>", cb=self._hear)
        await client.flush()
        self._listening.set()
        await self._done.wait()
        await client.close()

    async def _hear(self, message: Msg) -> None:
        named = str((message.headers or {}).get("Nats-Msg-Id"))
        if named in self.ids:
            return  # asked again because nobody knew whether it was stored: the stream keeps one
        self.ids.append(named)
        lane = message.subject.rpartition(".")[2]
        for run in decode_frame(message.data).runs:
            for payload in run.payloads:
                number = int(payload.split(b'"n": ')[1].split(b"}")[0].split(b",")[0])
                self.lanes[lane][run.device_id].append(number)
                self.order.append((lane, run.device_id, number))


@pytest.mark.timeout(240)
def test_a_wire_that_is_narrow_flaps_and_is_pulled_in_mid_stream(tmp_path: Path) -> None:
    with wired() as wire, wire.left.inside():
        parent = Parent(tmp_path / "parent", {"web": {"host": "0.0.0.0"}, "edges": {"host": "0.0.0.0"}})
        with parent, contextlib.closing(parent.administrator()) as api:
            made = enrol(api)
            edge_id = made["edge"]["id"]
            (tmp_path / "edge").mkdir()
            edge = KeptNode(tmp_path / "edge", {"edge": {"live_after_s": 1}})
            with wire.right.inside():
                address = f"http://{wire.left.address}:{parent.web_port}"
                done = edge.cli("edge", "join", address, made["enrolment"]["code"])
                assert done.returncode == 0, done.stderr
                edge.start()
            try:
                _stream(wire, parent, edge, api, edge_id)
            finally:
                edge.stop()


def _stream(wire: Wire, parent: Parent, edge: RunningNode, api: Any, edge_id: str) -> None:
    def state() -> dict[str, Any]:
        found: dict[str, Any] = api.get(f"/edges/{edge_id}").json()
        return found

    edge.wait_for("it is connected", lambda: state()["state"] == "connected")
    with Tap(wire.left, parent.nats_url) as tap, Fleet(edge, api) as fleet:
        fleet.run(_enter(wire.right))
        devices = []
        for number in range(4):
            device_id, token = add_device(api, f"d{number}", edge_id)
            device = Heavy(edge.mqtt_port, device_id, token, f"d{number}", timed=number % 2 == 0, rate=100, window=50)
            devices.append(fleet.send(device))
        fleet.await_progress(50)
        parent.wait_for("values rise", lambda: len(history(api, devices[0].device_id, "n") or ()) > 20)

        # Pulled for a moment, often.
        for _ in range(4):
            wire.pull()
            fleet.await_progress(30)
            wire.plug()
            fleet.await_progress(30)

        # So narrow that packets are lost, both ways.
        wire.narrow("3mbit", "12kb")
        fleet.await_progress(300)

        # Pulled for long, and narrow still when it is back.
        wire.pull()
        parent.wait_for("the parent knows it is cut off", lambda: state()["state"] == "cut")
        fleet.await_progress(600)
        newest = {device.device_id: device.sent for device in devices}
        heard = len(tap.order)
        wire.plug()
        parent.wait_for("something comes", lambda: len(tap.order) > heard, timeout_s=60)
        fleet.await_progress(150)
        lost = wire.dropped()
        wire.widen()
        fleet.finish()
        parent.wait_for("nothing waits", lambda: state()["status"]["backlog_messages"] == 0, timeout_s=60)
        deadline = time.monotonic() + 60
        for device in devices:
            while wrong := wrong_in_history(api, device):
                assert time.monotonic() < deadline, f"{wrong}\n{edge.output()}\n{parent.output()}"
                time.sleep(0.3)
        assert api.get("/dead-letters").json()["items"] == []
    assert lost, "the narrow wire lost nothing: that phase tests nothing"
    for lane, by_device in tap.lanes.items():
        for device_id, numbers in by_device.items():
            assert all(a < b for a, b in itertools.pairwise(numbers)), f"{lane} {device_id}: {numbers}"
    after = tap.order[heard:]
    fresh = next(place for place, (lane, device, n) in enumerate(after) if lane != "all" and n >= newest[device])
    behind = [place for place, (lane, device, n) in enumerate(after) if lane == "all" and n < newest[device]]
    assert fresh < behind[-1], "the backlog was through before new data came"


async def _enter(host: Host) -> None:
    host.enter()
