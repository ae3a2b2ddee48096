"""Pictures of the guides on connectors: a node, real peers of the protocols, and Chromium.

    python -m tools.make_screenshots [opcua] [modbus] [s7]

Each protocol is connected by the console as a person does it; ``docs/screenshots/connect-<protocol>-<step>.png`` show
the tested connection, the chosen tags, the live values. Wants what tests want: Chromium and the built console.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
_TRIES = 5
SHOTS = ROOT / "docs" / "screenshots"
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import browser, page  # noqa: E402
from support.modbus import device, pymodbus_server  # noqa: E402
from support.node import NAME, PASSWORD, RunningNode  # noqa: E402
from support.opcua import RunningServer  # noqa: E402
from support.ports import free_port  # noqa: E402


@contextlib.contextmanager
def opcua_peer() -> Iterator[dict[str, str]]:
    """A server by asyncua."""
    with RunningServer(ticking=True) as server:
        yield {"URL": server.url}


@contextlib.contextmanager
def modbus_peer() -> Iterator[dict[str, str]]:
    """A server by pymodbus."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []
    over = asyncio.Event()

    async def serve() -> None:
        async with pymodbus_server(device(1, [0] * 100 + [0x4148, 0, 1480] + [0] * 97)) as port:
            ports.append(port)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(30)
    try:
        yield {"Host": "127.0.0.1", "Port": str(ports[0])}
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()


@contextlib.contextmanager
def s7_peer() -> Iterator[dict[str, str]]:
    """A CPU by python-snap7."""
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "support" / "s7_cpu.py"), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield {"Host": "127.0.0.1", "Port": str(port)}
        finally:
            process.kill()


@dataclass(frozen=True)
class Tour:
    """How a protocol is shown: its peer, the branch and tags to tick, or addresses written by hand."""

    peer: Callable[[], contextlib.AbstractContextManager[dict[str, str]]]
    name: str
    open: tuple[str, ...] = ()
    tick: tuple[str, ...] = ()
    written: str = ""


TOURS = {
    "opcua": Tour(opcua_peer, "Press 4000", ("Line1",), ("Temperature", "Level", "Running", "Setpoint")),
    "modbus": Tour(
        modbus_peer,
        "Deep-well pump",
        written="1:holding:100:float32, flow\n1:holding:102:uint16, speed\n"
        "1:input:3:int16, pressure\n1:coil:4, running",
    ),
    "s7": Tour(
        s7_peer,
        "Filling line",
        written="DB1.DBD4:REAL, temperature\nDB1.DBW2:INT, torque\nDB1.DBX0.3, running\nDB1.DBB40:STRING[20], recipe",
    ),
}


def shot(at: Any, name: str) -> None:
    """The window, in few colours: a tenth of the bytes, and nobody sees the difference."""
    target = SHOTS / f"connect-{name}.png"
    at.wait_for_timeout(600)  # what moves comes to rest
    at.screenshot(path=str(target))
    with Image.open(target) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)


def tour(at: Any, key: str, chosen: Tour) -> None:
    """Connect a peer as a person does it."""
    with chosen.peer() as settings:
        at.goto("/connectors")
        at.get_by_role("button", name="Connect a machine").first.click()
        box = at.get_by_role("dialog")
        box.locator(f'[data-kind="{key}"]').click()
        box.get_by_label("Name of the connection").fill(chosen.name)
        for label, value in settings.items():
            box.get_by_label(label, exact=True).fill(value)
        for _ in range(_TRIES):  # a machine that is busy with other things lets its peers wait
            box.get_by_role("button", name="Test connection").click()
            at.wait_for_timeout(1_000)
            box.locator('[role="status"] .ant-alert').wait_for(timeout=60_000)
            said = box.locator('[role="status"]').inner_text()
            if "The machine answers" in said:
                break
        else:
            raise AssertionError(said)
        shot(at, f"{key}-test")
        box.get_by_role("button", name="Next").click()
        if chosen.written:
            way = box.get_by_text("Addresses by hand", exact=True)
            if way.count():
                way.click()
            box.locator("textarea").fill(chosen.written)
        for branch in chosen.open:
            row = box.locator(".ant-tree-treenode").filter(has_text=branch).first
            row.locator(".ant-tree-switcher").click()
        for tag in chosen.tick:
            leaf = box.locator(".ant-tree-treenode").filter(has=at.get_by_text(tag, exact=True)).first
            leaf.locator(".ant-tree-checkbox").click()
        shot(at, f"{key}-tags")
        box.get_by_role("button", name="Next").click()
        box.get_by_role("button", name="Connect", exact=True).click()
        box.locator("[data-live]").first.wait_for(timeout=60_000)
        at.wait_for_timeout(2_000)
        shot(at, f"{key}-live")


def main() -> int:
    """Take the pictures of the protocols named, or of all."""
    wanted = sys.argv[1:] or list(TOURS)
    with tempfile.TemporaryDirectory() as folder, RunningNode(Path(folder)) as node, browser() as made:
        node.administrator().close()
        with page(made, node.url, "en", "desktop") as at:
            at.set_viewport_size({"width": 1120, "height": 800})
            login = {"name": NAME, "password": PASSWORD}
            assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok
            for key in wanted:
                tour(at, key, TOURS[key])
    return 0


if __name__ == "__main__":
    sys.exit(main())
