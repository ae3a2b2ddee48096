"""A node, Chromium and somebody signed in; and pictures in few colours."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "docs" / "screenshots"
MOST_BYTES = 100_000
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import page  # noqa: E402
from support.node import NAME, PASSWORD, RunningNode  # noqa: E402

WINDOW = {"width": 1120, "height": 800}


class Stage:
    """What a guide's pictures are taken on: :attr:`node`, its :attr:`api`, and :attr:`at`, a page in English."""

    def __init__(self, node: RunningNode, browser: Any, at: Any, api: httpx.Client, folder: Path) -> None:
        self.node, self.browser, self.at, self.api, self.folder = node, browser, at, api, folder

    def shot(self, name: str, *, height: int | None = None, at: Any = None) -> None:
        """``docs/screenshots/<name>.png``: the window, ``height`` high, or as high as the dialog in it needs."""
        at = at or self.at
        at.wait_for_timeout(800)  # what moves comes to rest
        target = SHOTS / f"{name}.png"
        if at is self.at:
            at.set_viewport_size(WINDOW | {"height": height or needed(at)})
            at.wait_for_timeout(300)
        at.screenshot(path=str(target))
        if at is self.at:
            at.set_viewport_size(WINDOW)
        shrink(target)

    def press(self, name: str, *, within: Any = None) -> None:
        """A button by its words."""
        (within or self.at).get_by_role("button", name=name, exact=True).first.click()

    @contextmanager
    def elsewhere(self, language: str, size: str) -> Iterator[Any]:
        """A page in another language, on another screen."""
        with page(self.browser, self.node.url, language, size) as at:
            sign_in(at, self.node)
            yield at


def needed(at: Any) -> int:
    """How high the window must be for the dialog in it to be seen whole."""
    dialog = at.locator(".ant-modal-container:visible").last
    box = dialog.bounding_box() if dialog.count() else None
    return WINDOW["height"] if box is None else min(max(480, int(box["height"]) + 160), 1100)


def shrink(target: Path) -> None:
    """Keep a picture with a palette: a tenth of the bytes, and nobody sees the difference."""
    with Image.open(target) as image:
        whole = image.convert("RGB")
    for colours in (128, 64, 32):
        whole.quantize(colours, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return


def sign_in(at: Any, node: RunningNode) -> None:
    """As the administrator, who is there already."""
    login = {"name": NAME, "password": PASSWORD}
    assert at.context.request.post(f"{node.url}/api/v1/session", data=login, headers={"Origin": node.url}).ok


@contextmanager
def stage(node: RunningNode, browser: Any) -> Iterator[Stage]:
    """Somebody is signed in on a running node."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(node.administrator()) as api,
        page(browser, node.url, "en", "desktop", refused=(403, 409)) as at,
    ):
        at.set_viewport_size(WINDOW)
        sign_in(at, node)
        try:
            yield Stage(node, browser, at, api, Path(folder))
        except Exception:
            last = Path(tempfile.gettempdir()) / "failed.png"
            at.screenshot(path=str(last))
            print(f"what was on the screen: {last}", file=sys.stderr)
            raise


@contextmanager
def in_background(make: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[Any]:
    """What an asynchronous context manager yields, alive in a thread of its own meanwhile."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()
    yielded: list[Any] = []

    async def live() -> None:
        try:
            async with make() as value:
                yielded.append(value)
                ready.set()
                await over.wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    ready.wait(60)
    try:
        yield yielded[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()
