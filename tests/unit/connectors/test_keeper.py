"""The marker that has the host run: there while a connection is enabled or somebody asks, gone otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from millwright.devices.connectors import ConnectionStore, HostKeeper
from millwright.kernel import ManualClock


class Store:
    """So many connections are enabled."""

    count, moved = 0, 0

    def revision(self) -> int:
        return self.moved

    def enabled(self) -> list[int]:
        return [0] * self.count


async def test_the_marker_follows_connections_and_questions(tmp_path: Path) -> None:
    store, clock, marker = Store(), ManualClock(), tmp_path / "connectors.wanted"
    marker.touch()  # a node that was killed while somebody asked
    keeper = HostKeeper(cast(ConnectionStore, store), marker, clock, 60.0)
    await keeper.look()
    assert not marker.exists()
    await keeper.wake()
    assert marker.exists()
    clock.advance(59)
    await keeper.look()
    assert marker.exists()
    clock.advance(2)
    await keeper.look()
    assert not marker.exists()
    store.count, store.moved = 1, 1
    await keeper.look()
    assert marker.exists()
    store.count = 0  # its organisation was suspended: no counter of connections moves
    await keeper.look()
    assert marker.exists()
    clock.advance(31)
    await keeper.look()
    assert not marker.exists()
