from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browser import browser, chromium_path
from support.node import RunningNode

BUILT = Path(__file__).parents[3] / "src" / "millwright" / "web" / "console" / "index.html"


@pytest.fixture
def chromium() -> Iterator[Any]:
    # For one test only: Playwright runs an event loop in this thread, and asynchronous tests could not run beside it.
    with browser() as made:
        yield made


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    chromium_path()
    if not BUILT.exists():
        pytest.skip("the console is not built: run `python hatch_build.py`")
    with RunningNode(tmp_path) as running:
        yield running
