"""The witness: an edge node by pysparkplug against the real listener, broker, pipeline and historian."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from millwright.devices.sparkplug import HostState, ReorderWatch
from millwright.devices.telemetry import KnownDevice
from millwright.historian import BAD, GOOD
from millwright.kernel import SystemClock
from support.mqtt import running_listener
from support.nats import RunningNats
from support.pipeline import RunningPipeline, eventually
from support.sparkplug import CHILD_ID, EDGE, EDGE_ID, GROUP
from support.telemetry import Plant

SCRIPT = Path(__file__).parents[2] / "support" / "pysparkplug_edge.py"
REQUIREMENT = "pysparkplug==0.6.1"


@pytest.fixture(scope="session")
def witness(request):
    """An interpreter of its own with the library (it pins an MQTT client that this project does not use)."""
    folder = request.config.cache.mkdir("witness") / "pysparkplug-0.6.1"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
        if uv is None:
            pytest.skip("uv is needed to install pysparkplug aside")
        for command in (
            [uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(python), REQUIREMENT],
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
            if done.returncode:
                pytest.skip(f"pysparkplug could not be installed: {done.stderr[-200:]}")
        ready.touch()
    return python


class Edge:
    """The library's process: orders in, what it says out."""

    def __init__(self, python: Path, port: int) -> None:
        self._command = (str(python), str(SCRIPT), str(port), f"device:{EDGE_ID}")
        self.said: list[dict] = []

    async def __aenter__(self):
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._listening = asyncio.create_task(self._listen())
        await eventually(lambda: self.heard("connected"))
        return self

    async def __aexit__(self, *_):
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listening

    async def _listen(self):
        async for line in self._process.stdout:
            self.said.append(json.loads(line))

    async def heard(self, key, value=None):
        return [fact for fact in self.said if key in fact and (value is None or fact[key] == value)]

    async def order(self, word):
        self._process.stdin.write(f"{word}\n".encode())
        await self._process.stdin.drain()
        if word != "crash":
            await eventually(lambda: self.heard("done", word))


def found(node, name, device=EDGE_ID):
    """(value, quality) of every reading of a series, in order."""
    from millwright.historian import series_id

    series = series_id(device, name)
    return [
        (seen.batch.value(row), int(seen.batch.quality[row]))
        for seen in node.seen
        for row in range(len(seen.batch))
        if int(seen.batch.series[row]) == series
    ]


async def present(node, *changes):
    said = [(p.device_id, p.online, p.reason) for seen in node.seen for p in seen.presence]
    return all(change in said for change in changes)


async def reached(node, name, value, device=EDGE_ID):
    return (value, GOOD) in found(node, name, device)


async def test_an_edge_node_of_another_library(witness, tmp_path):
    plant = Plant(KnownDevice(EDGE_ID, {}, GROUP, EDGE), KnownDevice(CHILD_ID))
    plant.children[EDGE_ID, "mixer"] = CHILD_ID
    async with (
        RunningNats(tmp_path / "nats") as nats,
        running_listener(nats.url) as listener,
        RunningPipeline(nats.url, tmp_path / "history", plant) as node,
    ):
        state = HostState(node.nats, SystemClock())
        await state.start()
        watch = ReorderWatch(node.sparkplug, node.nats, SystemClock(), 0.5)
        await watch.start()
        async with Edge(witness, listener.port) as edge:
            await eventually(lambda: present(node, (EDGE_ID, True, "NBIRTH"), (CHILD_ID, True, "DBIRTH")))
            await eventually(lambda: edge.heard("state", True))
            assert not [letter.text for seen in node.seen for letter in seen.dead_letters]
            sent = {
                "i8": -8, "i16": -16_000, "i32": -32_000_000, "i64": -64_000_000_000, "u8": 200, "u16": 60_000,
                "u32": 4_000_000_000, "u64": 9_000_000_000_000_000, "float": 1.5, "double": 2.25, "bool": True,
                "string": "läuft", "text": "a text", "uuid": "c0ffee00-0000-4000-8000-000000000000",
                "when": 1_749_988_800_000, "bytes": "AAE=", "i8s.0": -1, "i8s.1": 2, "i64s.0": -1, "u16s.1": 65_535,
                "doubles.1": 1.5, "bools.0": True, "bools.1": False, "bools.8": True, "strings.1": "bc",
                "whens.0": 1_749_988_800_000,
            }  # fmt: skip
            assert {name: found(node, name) for name in sent} == {name: [(v, GOOD)] for name, v in sent.items()}
            assert found(node, "nothing") == [(None, BAD)]
            assert found(node, "rpm", CHILD_ID) == [(7, GOOD)]
            await edge.order("update")
            await edge.order("device")
            await eventually(lambda: reached(node, "double", 3.5))
            await eventually(lambda: reached(node, "rpm", -9, CHILD_ID))
            assert not await edge.heard("command")
            await edge.order("gap")
            await eventually(lambda: edge.heard("command", [["Node Control/Rebirth", True]]))
            assert await reached(node, "double", 4.5)
            await edge.order("deregister")
            await eventually(lambda: present(node, (CHILD_ID, False, "DDEATH")))
            assert found(node, "rpm", CHILD_ID)[-1] == (None, BAD)
            await state.stop()
            await eventually(lambda: edge.heard("state", False))
            await edge.order("crash")
            await eventually(lambda: present(node, (EDGE_ID, False, "NDEATH")))
            assert found(node, "double")[-1] == (None, BAD)
        async with Edge(witness, listener.port) as edge:
            await eventually(lambda: births(node, 2))
            node.seen.clear()
            await edge.order("disconnect")
            await eventually(lambda: present(node, (EDGE_ID, False, "NDEATH")))
        await eventually(lambda: stored(node, 6))  # two births, two updates, two deaths
        await watch.stop()


async def stored(node, count):
    return len(await node.history("double", EDGE_ID)) == count


async def births(node, count):
    return sum(p.device_id == EDGE_ID and p.online for seen in node.seen for p in seen.presence) >= count
