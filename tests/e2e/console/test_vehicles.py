"""Vehicles and webhooks in the console: who is there and why not, and what was sent and why it was refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import chromium_path, page, widest
from support.node import NAME, PASSWORD, RunningNode
from support.ports import free_port
from support.vehicles import ICCID, VIN, Terminal, electric


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[RunningNode, int]]:
    chromium_path()
    port = free_port()
    with RunningNode(tmp_path, {"vehicles": {"host": "127.0.0.1", "port": port}}) as node:
        yield node, port


def enter(at: Any, node: RunningNode, path: str) -> None:
    login = {"name": NAME, "password": PASSWORD}
    assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok
    at.goto(path)


def test_who_is_there_and_what_was_sent_is_seen(fleet: tuple[RunningNode, int], chromium: Any) -> None:
    node, port = fleet
    api = node.administrator()
    rows = [{"vin": VIN, "iccid": ICCID}, {"vin": "LFV2A21K6A3098765", "iccid": "-", "name": "bus 12"}]
    assert len(api.post("/vehicles", json=rows).json()["registered"]) == 2
    hook = api.post(
        "/connectors", json={"name": "ERP", "kind": "webhook", "settings": {"token": "t" * 20}, "enabled": True}
    ).json()["id"]

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def drive() -> Terminal:
        terminal = await Terminal.logged_in(port)
        await terminal.ask(electric())
        return terminal

    terminal = asyncio.run_coroutine_threadsafe(drive(), loop).result(30)
    sent = httpx.post(f"{node.url}/hooks/{hook}/{'t' * 20}", content=b"{nope", headers={"Content-Type": "text/json"})
    assert sent.status_code >= 400
    try:
        for language, size in (("zh", "phone"), ("en", "desktop")):
            with page(chromium, node.url, language, size) as at:
                enter(at, node, "/vehicles")
                at.locator('[data-presence="online"]').first.wait_for()
                at.get_by_text("bus 12").first.wait_for()
                at.get_by_text("从未连接" if language == "zh" else "Never connected").nth(1).wait_for()
                assert widest(at) <= 0
                at.goto("/vehicles?tab=platforms")
                at.get_by_text("还没有企业平台" if language == "zh" else "No platforms yet").wait_for()
                at.goto(f"/connectors?connection={hook}&show=deliveries")
                at.locator('[data-outcome="refused"]').first.wait_for()
                assert widest(at) <= 0
    finally:
        asyncio.run_coroutine_threadsafe(terminal.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    api.close()
