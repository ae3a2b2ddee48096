"""What the readings of each device take: apportioned by rows, never more than there is; counted once a day."""

from __future__ import annotations

from pathlib import Path

from millwright import ledger, metering, parties
from millwright.app.snapshots import StoredBytes
from millwright.engines.sql import Migrations, Records
from millwright.historian import Historian, SeriesInfo
from millwright.kernel import ManualClock, SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.metering import Calendar, CountStore
from support.historian import T0, numbers, open_engine, store


async def test_bytes_are_apportioned_by_rows(tmp_path: Path) -> None:
    async with open_engine("chdb", tmp_path / "history") as engine:
        historian = Historian(engine, SystemClock())
        await historian.start()
        assert await historian.bytes_by_device() == {}
        for device, count in (("big", 3000), ("small", 1000)):
            for name in ("a", "b"):
                info = SeriesInfo.of(device, name)
                rows = numbers(info.series, [T0 + n * 1000 for n in range(count)], [n * 0.37 for n in range(count)])
                await store(historian, rows, [info])
        found = await historian.bytes_by_device()
        assert set(found) == {"big", "small"}
        assert abs(found["big"] / found["small"] - 3) < 0.01
        whole = (await historian.storage()).bytes
        assert 0 < sum(found.values()) <= whole
        assert sum(found.values()) > whole / 3  # the rest is what is newest, and the catalogue

        records = Records.in_folder(tmp_path / "records", EVERYTHING)
        Migrations(records, [ledger.MIGRATIONS, parties.MIGRATIONS, metering.MIGRATIONS]).upgrade()
        counts, clock = CountStore(records), ManualClock()
        owners = {"big": "red", "small": "red"}
        snapshots = StoredBytes(historian.bytes_by_device, lambda _: owners, counts, Calendar(8), clock)
        assert await snapshots.look()
        assert not await snapshots.look()  # once a day
        first = sum(found.values())
        assert counts.sums(0, 10**8) == {("red", "stored_bytes"): first}
        clock.advance(86_400)
        assert await snapshots.look()
        assert counts.sums(0, 10**8) == {("red", "stored_bytes"): 2 * first}
        records.close()
        await historian.stop()
