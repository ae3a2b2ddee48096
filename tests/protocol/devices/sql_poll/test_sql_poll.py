"""The SQL connector against PostgreSQL and SQLite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from millwright.devices.connectors.contract import BAD, GOOD, Point, Sample
from millwright.devices.connectors.sql_poll.connector import SqlPollConnector, SqlPollSession
from millwright.devices.connectors.sql_poll.query import checked
from millwright.devices.connectors.sql_poll.settings import SqlPollSettings
from millwright.kernel import Denied, Invalid, Unavailable, Unsupported
from support.modbus import following

BEGIN_MS = 1795654923000
BEHIND = "SELECT id, at, tag, value FROM readings WHERE id > :watermark ORDER BY id"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path}/a log.db"
        fill(made)
        yield made
        return
    cluster = request.getfixturevalue("postgres")
    made = cluster.url(cluster.new_database())
    fill(made)
    yield made
    cluster.drop(made)


def fill(url: str) -> None:
    execute(
        url,
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, at TIMESTAMP, tag VARCHAR(20), value NUMERIC(10, 2))",
        "INSERT INTO readings VALUES (1, '2026-11-26 01:02:03', 'T1', 21.5), (2, '2026-11-26 01:02:04', 'T2', 7)",
    )


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@asynccontextmanager
async def reading(url: str, query: str = BEHIND, **settings: Any) -> AsyncIterator[SqlPollSession]:
    opened = await SqlPollConnector().open(SqlPollSettings(url=url, query=query, **settings))
    try:
        yield opened
    finally:
        await opened.close()


async def test_what_a_query_says_is_read_and_followed(url: str) -> None:
    query = "SELECT at, tag, value, 'on' AS state FROM readings ORDER BY id"
    async with reading(url, query, time_column="at") as opened:
        wanted = ["value[tag=T1]", "value[tag=T2]", "state", "value[tag=T9]", "gone", "value[gone=1]"]
        samples = await opened.read(wanted)
        assert [sample.value for sample in samples] == [21.5, 7, "on", None, None, None]
        assert [sample.time_ms for sample in samples[:3]] == [BEGIN_MS, BEGIN_MS + 1000, BEGIN_MS + 1000]
        assert [s.note for s in samples[3:]] == ["no row", "there is no column 'gone'", "there is no column 'gone'"]
        async with following(opened, {each: each for each in wanted}, 30) as followed:
            await followed.until(lambda seen: len(seen.of("value[tag=T2]")) >= 3)
        assert [s.quality for s in followed.of("value[tag=T9]")] == [BAD], "bad news is told once"
        assert {s.quality for s in followed.of("value[tag=T1]")} == {GOOD}


async def test_behind_a_watermark_every_row_comes_over_restarts(url: str, tmp_path: Path) -> None:
    state = tmp_path / "mark.json"
    settings = {"watermark": "id", "time_column": "at", "state_file": str(state), "max_rows": 3}
    points = {"T1": "value[tag=T1]", "T2": "value[tag=T2]"}
    came: list[Sample] = []
    for lap in range(3):
        rows = [(n, f"T{n % 2 + 1}", n) for n in range(3 + 10 * lap, 13 + 10 * lap)]
        values = ", ".join(f"({n}, '2026-11-26 01:02:03', '{tag}', {value})" for n, tag, value in rows)
        execute(url, f"INSERT INTO readings VALUES {values}")
        last = rows[-1][2]
        async with (
            reading(url, **settings) as opened,
            following(opened, points, 30) as followed,
        ):
            await followed.until(lambda seen, last=last: any(s.value == last for s in seen.samples))  # type: ignore[misc]
            assert (await opened.read(["value[tag=T1]"]))[0].quality == GOOD, "what was read last is remembered"
        came += followed.samples
    # What was delivered as the session ended may come again, with the same time; history has it once.
    values = [sample.value for sample in came]
    assert values[:2] == [21.5, 7]
    assert list(dict.fromkeys(values[2:])) == list(range(3, 33))
    assert {sample.quality for sample in came} == {GOOD}


async def test_a_watermark_moves_when_rows_were_taken_and_not_before(url: str) -> None:
    """A receiver that fails, or a run that is cancelled while it waits, gets the same rows again."""
    asked = 0

    async def refuse(_: Sequence[Sample]) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("full", code="connectors.lost", hint="wait")

    async with reading(url, watermark="id") as opened:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await opened.run([Point(id="a", address="value[tag=T1]", interval_ms=20)], refuse)
        async with following(opened, {"a": "value[tag=T1]"}, 20) as followed:
            await followed.until(lambda seen: bool(seen.samples))
    assert asked == 2
    assert [sample.value for sample in followed.samples] == [21.5]


async def test_rows_with_the_same_mark_are_not_cut_apart(url: str) -> None:
    execute(
        url,
        "CREATE TABLE ticks (n INTEGER, v INTEGER)",
        "INSERT INTO ticks VALUES (1, 10), (1, 11), (2, 20), (2, 21), (2, 22), (3, 30)",
    )
    query = "SELECT n, v FROM ticks WHERE n > :watermark ORDER BY n"
    async with (
        reading(url, query, watermark="n", max_rows=4) as opened,
        following(opened, {"v": "v"}, 20) as followed,
    ):
        await followed.until(lambda seen: len(seen.samples) >= 6)
    assert [s.value for s in followed.samples] == [10, 11, 20, 21, 22, 30]
    async with (
        reading(url, query, watermark="n", max_rows=2) as opened,
        following(opened, {"v": "v"}, 20) as followed,
    ):
        await followed.until(lambda seen: len(seen.samples) >= 3)
    assert [s.value for s in followed.samples] == [10, 11, None]
    assert "raise max_rows" in followed.samples[-1].note


@pytest.mark.parametrize(
    ("query", "settings", "note"),
    [
        ("SELECT id, value FROM readings WHERE id > :watermark ORDER BY id DESC", {"watermark": "id"}, "ORDER BY id"),
        ("SELECT value FROM readings WHERE id > :watermark", {"watermark": "id"}, "no column 'id'"),
        ("SELECT nothing FROM readings", {}, "nothing"),
        ("SELECT value FROM nowhere", {}, "nowhere"),
        ("SELEC", {}, ""),
        ("WITH x AS (SELECT 1) SELECT NULL AS value", {}, "null"),
    ],
)
async def test_what_a_query_does_wrong_is_said(url: str, query: str, settings: dict[str, Any], note: str) -> None:
    if query == "SELEC":
        with pytest.raises(Invalid):
            await SqlPollConnector().open(SqlPollSettings(url=url, query=query))
        return
    async with reading(url, query, **settings) as opened, following(opened, {"a": "value"}, 20) as followed:
        await followed.until(lambda seen: bool(seen.samples))
        assert [(s.value, s.quality) for s in followed.samples] == [(None, BAD)]
        assert note in followed.samples[0].note


async def test_nothing_is_written(url: str) -> None:
    attempts = ["WITH gone AS (DELETE FROM readings RETURNING id) SELECT id AS value FROM gone"]
    if url.startswith("postgresql"):
        execute(url, "CREATE FUNCTION wipe() RETURNS INTEGER LANGUAGE sql AS 'DELETE FROM readings RETURNING id'")
        attempts.append("SELECT wipe() AS value")
    for query in attempts:
        async with reading(url, query) as opened:
            (sample,) = await opened.read(["value"])
            assert sample.quality == BAD
            assert sample.note
    async with reading(url, "SELECT count(*) AS n FROM readings") as opened:
        assert [s.value for s in await opened.read(["n"])] == [2]


@pytest.mark.parametrize(
    ("query", "watermark"),
    [
        ("DELETE FROM readings", ""),
        ("SELECT 1; DELETE FROM readings", ""),
        ("SELECT 1 AS a WHERE 1 > :other", ""),
        ("SELECT 1 AS id WHERE 1 > :watermark", ""),
        ("SELECT 1 AS id", "id"),
        ("-- SELECT\nDROP TABLE readings", ""),
    ],
)
def test_what_is_no_query_is_refused(query: str, watermark: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked(SqlPollSettings(url="sqlite://", query=query, watermark=watermark))
    assert caught.value.code == "connectors.settings_invalid"


@pytest.mark.parametrize(
    "query", ["SELECT ';' AS a;", "SELECT 1::int AS a -- ; :x", "(SELECT ':x' AS a)", "VALUES (1)"]
)
def test_what_is_a_query_is_taken(query: str) -> None:
    assert checked(SqlPollSettings(url="sqlite://", query=query))


async def test_a_query_without_end_is_ended(url: str) -> None:
    endless = (
        "SELECT pg_sleep(600) AS value"
        if url.startswith("postgresql")
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS value FROM n"
    )
    async with reading(url, endless, timeout_s=1.0) as opened:
        (sample,) = await opened.read(["value"])
        assert sample.quality == BAD
        assert "no answer within 1 s" in sample.note or "timeout" in sample.note
    opened = await SqlPollConnector().open(SqlPollSettings(url=url, query=endless, timeout_s=300))
    running = asyncio.ensure_future(opened.read(["value"]))
    await asyncio.sleep(0.2)
    begin = time.monotonic()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await opened.close()
    await asyncio.to_thread(opened._database._thread.shutdown, True)
    assert time.monotonic() - begin < 30, "the thread ends with the query"


async def test_a_database_that_is_gone(postgres: Any, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await SqlPollConnector().open(SqlPollSettings(url=f"sqlite:///{tmp_path}/none.db", query="SELECT 1"))
    assert not (tmp_path / "none.db").exists()
    made = postgres.url(postgres.new_database())
    fill(made)
    async with reading(made, "SELECT value FROM readings") as opened:
        with pytest.raises(Unavailable):
            async with following(opened, {"a": "value"}, 20) as followed:
                await followed.until(lambda seen: bool(seen.samples))
                postgres.drop(made)  # Ends the connections to it.
                await followed.until(lambda _: False)
    with pytest.raises(Unavailable):
        await SqlPollConnector().open(SqlPollSettings(url=made, query="SELECT 1"))


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"url": "nonsense"}, Invalid),
        ({"url": "postgresql://u:secret@h/d"}, Invalid),
        (
            {
                "url": "sqlite:///x.db",
                "query": "SELECT :watermark AS id",
                "watermark": "id",
                "state_file": "/nowhere/x",
            },
            Invalid,
        ),
        ({"url": "firebird://h/d"}, Unsupported),
    ],
)
async def test_wrong_settings(settings: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        await SqlPollConnector().open(SqlPollSettings(**({"query": "SELECT 1"} | settings)))
    assert "secret" not in str(caught.value)


async def test_it_conforms(url: str) -> None:
    conformance = pytest.importorskip("millwright.devices.connectors.conformance")
    await conformance.check(
        SqlPollConnector(),
        {"url": url, "query": "SELECT at, tag, value FROM readings ORDER BY id", "time_column": "at"},
        addresses=["value[tag=T1]", "tag", "value"],
        bad_address="gone",
    )


def test_denied_is_told_apart() -> None:
    from millwright.devices.connectors.sql_poll.query import _refused_or_away

    assert isinstance(_refused_or_away(Exception('FATAL: password authentication failed for user "u"')), Denied)
    assert isinstance(_refused_or_away(Exception("connection refused")), Unavailable)
