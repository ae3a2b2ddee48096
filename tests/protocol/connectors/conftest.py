from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.connectors import Peer, peers
from support.field import FieldHost, running_host
from support.nats import RunningNats


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[RunningNats]:
    async with RunningNats(tmp_path / "nats") as running:
        yield running


@pytest.fixture
def peer() -> Iterator[Peer]:
    peers["a"] = Peer()
    peers["b"] = Peer()
    yield peers["a"]
    for each in peers.values():
        each.hangs = False  # whatever a failed test left: the loop waits for every task
    peers.clear()


@pytest.fixture
async def field(tmp_path: Path, nats: RunningNats, peer: Peer) -> AsyncIterator[FieldHost]:
    async with running_host(tmp_path, nats.url) as running:
        yield running
