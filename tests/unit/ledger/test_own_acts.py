"""What a node does by itself comes into the ledger once, however long that takes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from millwright.kernel import ManualClock, Unavailable
from millwright.ledger import Act, Actor, OwnActs, Sealed, Target
from millwright.ledger.errors import unavailable


class Flaky:
    """A recorder that can be away, also after it took what it was given."""

    def __init__(self) -> None:
        self.away = self.deaf = False
        self.batches: dict[str, list[str]] = {}

    async def record(self, entries: Sequence[Sealed]) -> None:
        if self.away:
            raise unavailable("away")
        ids = [str(each.entry["id"]) for each in entries]
        assert self.batches.setdefault(ids[0], ids) == ids
        if self.deaf:
            raise unavailable("no answer")


async def test_an_act_is_told_when_the_ledger_is_back_and_once() -> None:
    recorder = Flaky()
    own = OwnActs(recorder, ManualClock(), Actor("system", "n", "n"))  # type: ignore[arg-type]  # what is used of it
    assert not await own.tell()
    recorder.away = True
    own.keep(Act(), "node.first", Target("node", "n"))
    with pytest.raises(Unavailable):
        await own.tell()
    recorder.away, recorder.deaf = False, True
    with pytest.raises(Unavailable):
        await own.tell()
    recorder.deaf = False
    own.keep(Act(), "node.second", Target("node", "n"))
    assert await own.tell()
    assert not await own.tell()
    assert [len(ids) for ids in recorder.batches.values()] == [1, 1]
