"""What a node tells of itself comes into the ledger once, also when its process ends while it tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from millwright.app.folder import DataFolder
from millwright.app.ledger import NodeRecord
from millwright.app.settings import NodeSettings
from millwright.engines.nats import StreamSpec
from millwright.kernel import ManualClock, Unavailable
from support.web import open_records


class Stream:
    """The ledger's stream. After ``most`` messages it takes what comes, and its answer is lost."""

    def __init__(self) -> None:
        self.most = 1000
        self.messages: dict[str, bytes] = {}

    async def ensure_stream(self, _spec: StreamSpec) -> None:
        pass

    async def append(self, _subject: str, payload: bytes, *, message_id: str = "", timeout_s: float = 5.0) -> int:
        self.messages.setdefault(message_id, payload)
        if len(self.messages) > self.most:
            raise Unavailable("no answer", code="test.unanswered")
        return len(self.messages)

    def actions(self) -> list[str]:
        """What the log will tell: one entry of an id."""
        entries = {e["entry"]["id"]: e["entry"] for text in self.messages.values() for e in msgspec.json.decode(text)}
        return [each["action"] for each in entries.values()]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Any]:
    records = open_records(tmp_path / "records")
    yield SimpleNamespace(
        settings=NodeSettings(),
        config=None,
        folder=DataFolder(tmp_path),
        clock=ManualClock(),
        bus=Stream(),
        records=records,
    )
    records.close()


async def lives(node: Any) -> None:
    record = NodeRecord(node)
    await record.start()
    await record.stop()


@pytest.mark.parametrize("answered", [2, 3])
async def test_a_change_is_told_once_by_a_start_that_fails_and_the_next(node: Any, answered: int) -> None:
    await lives(node)
    await lives(node)
    assert node.bus.actions() == ["node.start", "node.stop"] * 2
    node.settings = msgspec.structs.replace(
        node.settings, ledger=msgspec.structs.replace(node.settings.ledger, witness_every_s=0.3)
    )
    node.bus.most = 2 + answered  # the start is told and not answered for; or it is, and the change is not
    failed = NodeRecord(node)
    with pytest.raises(Unavailable):
        await failed.start()
    await failed.stop()
    node.bus.most = 1000
    await lives(node)
    assert node.bus.actions()[4:] == ["node.start", "settings.change", "node.stop"]
    await lives(node)
    assert node.bus.actions()[7:] == ["node.start", "node.stop"]
