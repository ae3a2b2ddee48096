"""The connector of folders, with real files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point, Sample
from millwright.devices.connectors.file_drop.connector import FileDropConnector, FileDropSession
from millwright.devices.connectors.file_drop.folder import Folder
from millwright.devices.connectors.file_drop.settings import FileDropSettings
from millwright.kernel import Invalid, Unavailable
from support.modbus import Followed, following

BEGIN_MS = 1795654923000
WIDE = "at,temp,state\n2026-11-26T01:02:03Z,21.5,on\n2026-11-26T01:02:04Z,22,off\n"
POINTS = {"t": "temp", "s": "state"}


@asynccontextmanager
async def watching(folder: Path, **settings: Any) -> AsyncIterator[FileDropSession]:
    made = FileDropSettings(**({"folder": str(folder), "time_column": "at", "settle_s": 0.0} | settings))
    opened = await FileDropConnector().open(made)
    try:
        yield opened
    finally:
        await opened.close()


def drop(folder: Path, name: str, text: str | bytes) -> Path:
    """As a careful sender does: written under another name, then renamed."""
    written = folder / f".{name}.writing"
    written.write_bytes(text if isinstance(text, bytes) else text.encode())
    return written.rename(folder / name)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")


def good(followed: Followed, point: str) -> list[Any]:
    return [sample.value for sample in followed.of(point) if sample.quality == GOOD]


async def test_a_file_is_read_once_and_moved(tmp_path: Path) -> None:
    async with watching(tmp_path) as opened, following(opened, POINTS, 20) as followed:
        await followed.until(lambda seen: len(seen.samples) == 2)
        assert {(s.quality, s.note) for s in followed.samples} == {(BAD, "no file has told of it")}
        drop(tmp_path, "a.csv", WIDE)
        await followed.until(lambda seen: len(seen.samples) >= 6)
        await until(lambda: names(tmp_path) == ["done/a.csv"])
        drop(tmp_path, "a.csv", WIDE.replace("21.5", "30.5"))
        drop(tmp_path, "b.txt", WIDE)
        await followed.until(lambda seen: 30.5 in good(seen, "t"))
        await until(lambda: names(tmp_path) == ["b.txt", "done/a.1.csv", "done/a.csv"])
        assert [s.value for s in await opened.read(["temp", "state", "gone"])] == [22, "off", None]
    assert good(followed, "t") == [21.5, 22, 30.5, 22]
    assert [s.time_ms for s in followed.of("s") if s.quality == GOOD][:2] == [BEGIN_MS, BEGIN_MS + 1000]
    assert not list(tmp_path.glob(".*.progress"))


def test_a_file_that_replaces_the_one_being_read_is_not_put_away_unread(tmp_path: Path) -> None:
    folder = Folder(FileDropSettings(folder=str(tmp_path)))
    folder.claim()
    drop(tmp_path, "a.csv", WIDE)
    (found,) = folder.files()
    drop(tmp_path, "a.csv", WIDE + WIDE)
    folder.put_away(found)
    assert names(tmp_path) == ["a.csv"]
    (found,) = folder.files()
    folder.put_away(found)
    assert names(tmp_path) == ["done/a.csv"]
    folder.release()


async def until(condition: Any, limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - the file system sends no events
            await asyncio.sleep(0.02)


def test_a_file_that_grows_is_not_whole(tmp_path: Path) -> None:
    folder = Folder(FileDropSettings(folder=str(tmp_path), settle_s=0.2))
    growing = tmp_path / "grow.csv"
    for text in ("at,te", "mp\n", "2026", "-11-26T01:02:03Z,21", ".5\n"):
        with growing.open("a") as out:
            out.write(text)
        assert folder.whole() == [], "it is another file each time it is looked at"
    time.sleep(0.25)
    assert [each.path for each in folder.whole()] == [growing]
    growing.write_text(WIDE)
    assert folder.whole() == []


async def test_what_is_still_being_written_by_its_name_is_left(tmp_path: Path) -> None:
    for name in ("x.csv.part", "x.tmp", ".x.csv", "sub"):
        (tmp_path / name).mkdir() if name == "sub" else (tmp_path / name).write_text(WIDE)
    (tmp_path / "link.csv").symlink_to(tmp_path / ".x.csv")
    (tmp_path / "sub" / "x.csv").write_text(WIDE)
    async with watching(tmp_path) as opened, following(opened, POINTS, 20) as followed:
        drop(tmp_path, "y.csv", WIDE)
        await followed.until(lambda seen: len(good(seen, "t")) >= 2)
        await until(lambda: not (tmp_path / "y.csv").exists())
    assert names(tmp_path) == ["done/y.csv", "link.csv", "sub/x.csv", "x.csv.part", "x.tmp"]
    assert len(good(followed, "t")) == 2


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    rows = "".join(f"2026-11-26T01:02:03Z,{n}\n" + "\n" * (n % 3 == 0) for n in range(50))
    drop(tmp_path, "long.csv", "at,temp\n" + rows)
    came: list[Any] = []
    calls = 0

    async def some(samples: Sequence[Sample]) -> None:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise Unavailable("full", code="connectors.lost", hint="wait")
        came.extend(sample.value for sample in samples if sample.time_ms is not None)

    for _ in range(20):
        if not (tmp_path / "long.csv").exists():
            break
        async with watching(tmp_path, batch_rows=5) as opened:
            running = asyncio.ensure_future(opened.run([Point(id="t", address="temp", interval_ms=20)], some))
            await until(lambda running=running: running.done() or not (tmp_path / "long.csv").exists())
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert names(tmp_path) == ["done/long.csv"]
    assert came == list(range(50))


@pytest.mark.parametrize(
    ("text", "why", "values"),
    [
        (b"", "no header", []),
        (b"at,temp\n2026-11-26T01:02:03Z,1\n2026-11-26T01:02:03Z\n", "row 3 has 1 cells", [1]),
        (b"at,at\n1,2\n", "same name", []),
        (b"at,temp\n2026-11-26T01:02:03Z,\xff\n", "not utf-8", []),
        (b'at,temp\n2026-11-26T01:02:03Z,1\n2026-11-26T01:02:03Z,"2\n', "row 2", [1]),
        (b"at,temp\n2026-11-26T01:02:03Z,1\n2026-11-26T01:02:03Z," + b"x" * 200_000 + b"\n", "row 2", [1]),
    ],
)
async def test_what_cannot_be_read_is_put_aside_with_the_reason(
    tmp_path: Path, text: bytes, why: str, values: list[Any]
) -> None:
    drop(tmp_path, "bad.csv", text)
    async with watching(tmp_path) as opened, following(opened, {"t": "temp"}, 20) as followed:
        await until(lambda: names(tmp_path) == ["failed/bad.csv", "failed/bad.csv.reason.txt"])
        assert why in (tmp_path / "failed" / "bad.csv.reason.txt").read_text()
        drop(tmp_path, "good.csv", WIDE)
        await followed.until(lambda seen: 22 in good(seen, "t"))
    assert [value for value in good(followed, "t") if value in (1, 2)] == values * (len(good(followed, "t")) - 2)


async def test_how_cells_are_read(tmp_path: Path) -> None:
    text = "Zeit;Wert;Ort;An;Leer;Zahl\r\n26.11.2026 09:02:03;1.234,5;上海;TRUE;;-7\r\nbald;2;x;false;;1_0\r\n"
    drop(tmp_path, "de.csv", text.encode("gb18030"))
    settings = {
        "delimiter": ";",
        "decimal": ",",
        "encoding": "gb18030",
        "time_column": "Zeit",
        "time_format": "%d.%m.%Y %H:%M:%S",
        "time_zone": "Asia/Shanghai",
        "pattern": "de*.csv",
    }
    names_of = ["Wert", "Ort", "An", "Leer", "Zahl"]
    async with watching(tmp_path, **settings) as opened:
        async with following(opened, {name: name for name in names_of if name != "Leer"}, 20) as followed:
            await until(lambda: names(tmp_path) == ["done/de.csv"])
        first = {name: followed.of(name)[-2] for name in names_of if name != "Leer"}
        assert {name: sample.value for name, sample in first.items()} == {
            "Wert": 1234.5,
            "Ort": "上海",
            "An": True,
            "Zahl": -7,
        }
        assert {sample.time_ms for sample in first.values()} == {BEGIN_MS}
        assert "its time: " in followed.of("Wert")[-1].note


async def test_the_test_of_a_connection_tells_the_columns(tmp_path: Path) -> None:
    async with watching(tmp_path) as opened:
        assert (await opened.identify()).note == "No file like *.csv is in the folder yet."
        drop(tmp_path, "a.csv", WIDE)
        said = await opened.identify()
        assert (said.product, said.note) == ("a.csv", "Columns: at, temp, state")
        drop(tmp_path, "b.csv", "at,at\n1,2\n")
        assert (await opened.identify()).note == "It cannot be read: two columns have the same name."


async def test_tall_files(tmp_path: Path) -> None:
    drop(tmp_path, "tall.csv", "at,tag,value\n1795654923,T1,1\n1795654924,T2,2\n1795654925,T1,3\n")
    async with watching(tmp_path) as opened:
        samples = await opened.read(["value[tag=T1]", "value[tag=T2]", "value[tag=T3]"])
        assert [(s.value, s.time_ms) for s in samples] == [
            (3, BEGIN_MS + 2000),
            (2, BEGIN_MS + 1000),
            (None, None),
        ]
        assert names(tmp_path) == ["tall.csv"], "reading moves nothing"


async def test_one_connection_reads_a_folder(tmp_path: Path) -> None:
    async with watching(tmp_path) as one, watching(tmp_path) as other, following(one, POINTS, 20) as followed:
        await followed.until(lambda seen: bool(seen.samples))
        with pytest.raises(Unavailable) as caught:
            await other.run([], followed.deliver)
        assert caught.value.code == "connectors.folder_taken"


async def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    with pytest.raises(Unavailable):
        await FileDropConnector().open(FileDropSettings(folder=str(folder)))
    for wrong in ({"folder": "drop"}, {"folder": str(tmp_path), "time_zone": "Mars/Base"}):
        with pytest.raises(Invalid):
            await FileDropConnector().open(FileDropSettings(**wrong))
    folder.mkdir()
    async with watching(folder) as opened:
        with pytest.raises(Unavailable):
            async with following(opened, POINTS, 20) as followed:
                await followed.until(lambda seen: bool(seen.samples))
                folder.rename(tmp_path / "gone")
                await followed.until(lambda _: False)


async def test_it_conforms(tmp_path: Path) -> None:
    conformance = pytest.importorskip("millwright.devices.connectors.conformance")
    drop(tmp_path, "a.csv", WIDE)
    await conformance.check(
        FileDropConnector(),
        {"folder": str(tmp_path), "time_column": "at", "settle_s": 0.0},
        addresses=["temp", "state"],
        bad_address="gone",
    )
