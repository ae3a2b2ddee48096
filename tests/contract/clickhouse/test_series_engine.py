"""One suite over both implementations of the series engine."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from millwright.engines.clickhouse import ChdbEngine, ClickHouseHttpEngine, ClickHouseSettings, SeriesEngine, Table
from millwright.kernel import Conflict, Invalid, LimitExceeded, Unavailable
from support.clickhouse import ClickHouseServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ClickHouseServer]:
    running = ClickHouseServer(tmp_path / "server")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(params=["chdb", "http"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SeriesEngine]:
    opened: SeriesEngine
    if request.param == "chdb":
        opened = ChdbEngine(tmp_path / "series")
    else:
        running = ClickHouseServer(tmp_path / "server")
        await running.start()
        opened = ClickHouseHttpEngine(ClickHouseSettings(url=running.url, retries=1))
    await opened.start()
    yield opened
    await opened.stop()
    if request.param == "http":
        await running.stop()


async def _create(engine: SeriesEngine, table: Table) -> None:
    for statement in engine.dialect.create(table):
        await engine.execute(statement)


VERSIONED = Table("things", "key UInt64, version UInt64, name String", order="key", version="version")


async def test_newest_version_of_a_key_wins_whatever_the_order(engine: SeriesEngine) -> None:
    await _create(engine, VERSIONED)
    for version, name in ((2, "second"), (3, "third"), (1, "first")):
        await engine.insert("things", pa.table({"version": [version], "name": [name], "key": [7]}))
    found = await engine.query("SELECT key, name FROM things FINAL")
    assert found.to_pylist() == [{"key": 7, "name": "third"}]


async def test_insert_matches_columns_by_name_and_fills_defaults(engine: SeriesEngine) -> None:
    await _create(engine, VERSIONED)
    await engine.insert("things", pa.table({"version": pa.array([1], pa.uint64()), "key": pa.array([5], pa.uint64())}))
    found = await engine.query("SELECT key, version, name FROM things")
    assert found.to_pylist() == [{"key": 5, "version": 1, "name": ""}]


async def test_many_rows_come_back_bit_for_bit(engine: SeriesEngine) -> None:
    await _create(engine, Table("numbers_kept", "key UInt64, value Float64", order="key"))
    values = np.random.default_rng(1).standard_normal(200_000)
    values[:4] = [np.nan, np.inf, -np.inf, -0.0]
    await engine.insert("numbers_kept", pa.table({"key": np.arange(200_000, dtype=np.uint64), "value": values}))
    found = await engine.query("SELECT value FROM numbers_kept FINAL ORDER BY key")
    assert found.column("value").to_numpy().tobytes() == values.tobytes()


NASTY = ["", "'", "\\", "\\N", "NULL", "a\tb\nc\rd\0e\bf\f", "{x:String}", "' OR 1=1 --", "中文 ü 🏭", "%00&x=1+2"]


@pytest.mark.parametrize("text", NASTY)
async def test_a_text_parameter_arrives_as_it_is(engine: SeriesEngine, text: str) -> None:
    found = await engine.query(
        "SELECT {text:String} AS text, {list:Array(String)} AS list", {"text": text, "list": [text]}
    )
    assert found.to_pylist() == [{"text": text, "list": [text]}]


async def test_numbers_and_nulls_as_parameters(engine: SeriesEngine) -> None:
    found = await engine.query(
        "SELECT {i:Int64} AS i, {u:UInt64} AS u, {f:Float64} AS f, {n:Nullable(String)} AS n, {b:Bool} AS b,"
        " {nan:Float64} AS nan, {us:Array(UInt64)} AS us, {none:Array(String)} AS none",
        {"i": -5, "u": 2**64 - 1, "f": 0.1, "n": None, "b": True, "nan": math.nan, "us": [1, 2**63], "none": []},
    )
    row = found.to_pylist()[0]
    assert math.isnan(row.pop("nan"))
    assert row == {"i": -5, "u": 2**64 - 1, "f": 0.1, "n": None, "b": True, "us": [1, 2**63], "none": []}


async def test_a_hundred_thousand_values_fit_one_parameter(engine: SeriesEngine) -> None:
    wanted = [2**63 + n * 7919 for n in range(100_000)]
    found = await engine.query(
        "SELECT length({all:Array(UInt64)}) AS n, arraySum({all:Array(UInt64)}) AS s", {"all": wanted}
    )
    assert found.to_pylist() == [{"n": 100_000, "s": sum(wanted) % 2**64}]


async def test_no_rows_keep_their_columns(engine: SeriesEngine) -> None:
    found = await engine.query("SELECT toUInt64(1) AS a, 'x' AS b WHERE 0")
    assert found.num_rows == 0
    assert found.column_names == ["a", "b"]


async def test_a_wrong_statement_is_invalid_and_the_engine_lives_on(engine: SeriesEngine) -> None:
    with pytest.raises(Invalid, match="nowhere") as caught:
        await engine.query("SELECT * FROM nowhere")
    assert caught.value.code == "engines.clickhouse_refused"
    assert (await engine.query("SELECT 1 AS one")).to_pylist() == [{"one": 1}]


async def test_a_statement_that_takes_too_long_is_ended(engine: SeriesEngine) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await engine.query("SELECT sum(sipHash64(number)) FROM numbers(1e12) SETTINGS max_execution_time = 0.3")
    assert caught.value.code == "engines.query_timeout"


async def test_statements_run_side_by_side(engine: SeriesEngine) -> None:
    answers = await asyncio.gather(*(engine.query("SELECT {n:Int64} AS n", {"n": n}) for n in range(40)))
    assert [answer.column("n")[0].as_py() for answer in answers] == list(range(40))


async def test_a_table_name_cannot_carry_sql(engine: SeriesEngine) -> None:
    with pytest.raises(ValueError, match="not the name"):
        await engine.insert("things; DROP TABLE things", pa.table({"key": [1]}))


async def test_before_start_and_after_stop_it_is_unavailable(tmp_path: Path) -> None:
    for engine in (ChdbEngine(tmp_path), ClickHouseHttpEngine(ClickHouseSettings(url="http://127.0.0.1:9"))):
        await engine.stop()
        with pytest.raises(Unavailable):
            await engine.query("SELECT 1")


# --- chDB -------------------------------------------------------------------------------------------------------------


async def test_rows_survive_a_restart(tmp_path: Path) -> None:
    for expected in ([], [1]):
        engine = ChdbEngine(tmp_path)
        await engine.start()
        await _create(engine, VERSIONED)
        assert (await engine.query("SELECT key FROM things")).column("key").to_pylist() == expected
        await engine.insert("things", pa.table({"key": pa.array([1], pa.uint64())}))
        await engine.stop()


async def test_a_second_process_is_told_who_has_the_folder(tmp_path: Path) -> None:
    engine = ChdbEngine(tmp_path)
    await engine.start()
    program = (
        "import asyncio, pathlib, sys\n"
        "from millwright.engines.clickhouse import ChdbEngine\n"
        "asyncio.run(ChdbEngine(pathlib.Path(sys.argv[1])).start())\n"
    )
    other = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert other.returncode != 0
    assert "Conflict" in other.stderr
    assert "open in another process" in other.stderr
    with pytest.raises(Conflict):
        await ChdbEngine(tmp_path).start()
    await engine.stop()
    again = ChdbEngine(tmp_path)
    await again.start()
    await again.stop()


async def test_cluster_ddl_is_understood_by_the_engine(tmp_path: Path) -> None:
    from millwright.engines.clickhouse import Dialect
    from millwright.historian.schema import CATALOGUE, LATEST, READINGS, SCHEMA_VERSION, STEPS

    engine = ChdbEngine(tmp_path)
    await engine.start()
    dialect = Dialect(cluster="plant-1", sync=True)
    statements = [each for step in STEPS for each in step(dialect)]
    statements += [each for table in (READINGS, LATEST, CATALOGUE, SCHEMA_VERSION) for each in dialect.create(table)]
    for statement in statements:
        tree = (await engine.query(f"EXPLAIN AST {statement}")).column(0).to_pylist()
        assert tree[0].startswith("CreateQuery")
        assert "ON CLUSTER 'plant-1'" in statement
    text = "\n".join(statements)
    assert (
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', received_ms)"
        in text
    )
    assert "ENGINE = Distributed('plant-1', currentDatabase(), 'readings_local', series)" in text
    await engine.stop()


# --- HTTP -------------------------------------------------------------------------------------------------------------


async def test_a_lost_answer_is_asked_for_again(server: ClickHouseServer) -> None:
    engine = ClickHouseHttpEngine(ClickHouseSettings(url=server.url, retries=2, user="reader"))
    await engine.start()
    server.fail_next = [(0, ""), (500, "Code: 210. DB::NetException: Connection refused. (NETWORK_ERROR)")]
    assert (await engine.query("SELECT 7 AS n")).to_pylist() == [{"n": 7}]
    assert server.fail_next == []
    assert server.requests[-1]["user"] == "reader"
    await engine.stop()


@pytest.mark.parametrize(
    ("text", "family", "code"),
    [
        (
            "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)",
            LimitExceeded,
            "disk_full",
        ),
        ("Code: 252. DB::Exception: Too many parts (3000). (TOO_MANY_PARTS)", LimitExceeded, "too_many_parts"),
        ("Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)", LimitExceeded, "query_memory"),
        ("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)", Invalid, "clickhouse_refused"),
    ],
)
async def test_what_repeating_cannot_mend_is_raised_at_once(
    server: ClickHouseServer, text: str, family: type[Exception], code: str
) -> None:
    engine = ClickHouseHttpEngine(ClickHouseSettings(url=server.url, retries=3))
    await engine.start()
    before = len(server.requests)
    server.fail_next = [(500, text)]
    with pytest.raises(family) as caught:
        await engine.query("SELECT 1")
    assert caught.value.code == f"engines.{code}"  # type: ignore[attr-defined]
    assert len(server.requests) == before + 1
    await engine.stop()


async def test_no_server_is_unavailable() -> None:
    engine = ClickHouseHttpEngine(ClickHouseSettings(url="http://127.0.0.1:9", retries=1))
    with pytest.raises(Unavailable) as caught:
        await engine.start()
    assert caught.value.code == "engines.clickhouse_unavailable"
    await engine.stop()
