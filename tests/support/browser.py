"""A real Chromium for tests of the console. What the page complains about makes the test fail."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


def chromium_path() -> str:
    """Where Chromium is; skips the test when there is none, or no Playwright to drive it."""
    pytest.importorskip("playwright", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("Chromium is not installed")
    return path


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A browser, ended afterwards."""
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield made
        finally:
            made.close()


@contextlib.contextmanager
def page(
    of: Any, url: str, language: str, size: str = "desktop", *, refused: tuple[int, ...] = (), **options: Any
) -> Iterator[Any]:
    """A page of a fresh profile at ``size``; raises when the page logged an error or broke its security policy.

    ``refused``: answers of the node, such as 403, that the test provokes and the browser logs by itself.
    """
    context = of.new_context(base_url=url, locale={"zh": "zh-CN", "en": "en-GB"}[language], **SIZES[size], **options)
    complaints: list[str] = []
    made = context.new_page()
    made.set_default_timeout(15_000)
    made.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    made.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    try:
        yield made
    finally:
        context.close()
    # The first visit asks who is signed in and is told that nobody is: the browser logs every such answer itself.
    provoked = [f"status of {status}" for status in (401, *refused)]
    unexpected = [text for text in complaints if not any(each in text for each in provoked)]
    assert not unexpected, unexpected


def widest(of: Any) -> int:
    """By how many pixels the page is wider than its window."""
    return int(of.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
