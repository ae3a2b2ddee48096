from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.nats import RunningNats


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[RunningNats]:
    async with RunningNats(tmp_path / "nats") as running:
        yield running
