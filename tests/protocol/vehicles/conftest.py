from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from support.nats import RunningNats


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Any]:
    """The loop that the server runs on outside of tests."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[RunningNats]:
    async with RunningNats(tmp_path / "nats") as running:
        yield running
