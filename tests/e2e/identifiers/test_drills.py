"""Drills on real nodes: a failover is rehearsed beside a running one and done in earnest, a register is restored."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from millwright.engines.nats import NatsConnection
from millwright.identity.records.log import STREAM, SUBJECT
from support.federation import Member, migrated, wait_for
from support.handle import value
from support.identifiers import home, in_a_loop, put

logger = logging.getLogger(__name__)

PREFIX = b"88.118.8"


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[Member]:
    found = Member("primary", tmp_path, migrated(tmp_path / "template"))
    try:
        found.start_nats()
        with found.records() as records:
            home(records, PREFIX)
            put(records, *((PREFIX + b"/%d" % each, (value(1, data=b"v%d" % each),)) for each in range(300)))
        found.start()
        found.wait_ready()
        yield found
    finally:
        found.kill_all()


def drill(member: Member, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = member.cli("identifiers", "drill", *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(180)
def test_a_failover_is_rehearsed_beside_a_running_node(primary: Member) -> None:
    before = primary.ask("identifiers", "status")
    status, report = drill(primary, "failover", "--seconds", "2")
    measured = report["measured"]
    logger.info("%s", json.dumps(report, indent=1))
    assert (status, report["state"], report["missed"]) == (0, "passed", [])
    assert measured["equal"] is True
    assert measured["handles"] > 300
    assert measured["compared"] == 200
    assert measured["wrong"] == 0
    # The kill lies between two moments of the report, and what was measured is what lies behind it.
    steps = {each["name"]: each for each in report["steps"]}
    assert list(steps) == [
        "snapshot", "join", "isolate", "mirror", "probe", "cut", "notice", "take_over", "restart", "first_write",
        "check",
    ]  # fmt: skip
    ended_ms = steps["first_write"]["at_ms"] + steps["first_write"]["took_ms"]
    assert measured["rto_s"] * 1000 == pytest.approx(ended_ms - steps["cut"]["at_ms"], abs=300)
    assert measured["first_answer_s"] < measured["rto_s"]
    assert steps["join"]["detail"]["equal"] is True
    # The node is as it was, and nothing of the drill is left but its report.
    assert primary.ask("identifiers", "status") == before
    assert sorted(each.name for each in (primary.data / "identifier-drills").iterdir()) == [
        report["id"] + ".json", "lock",
    ]  # fmt: skip
    # An aim that cannot be met is said to be missed.
    status, report = drill(primary, "failover", "--seconds", "0.5", "--rto-s", "0.001")
    assert (status, report["state"]) == (6, "missed")
    assert "rto" in report["missed"]
    assert primary.ask("identifiers", "drill", "list")[0]["id"] == report["id"]


@pytest.mark.timeout(180)
def test_a_register_is_restored_and_what_is_corrupt_is_named(primary: Member) -> None:
    status, report = drill(primary, "restore", "--log-only")
    assert (status, report["state"]) == (0, "passed"), report
    assert report["measured"]["compared"] == report["measured"]["handles"] == 300
    assert primary.cli("identifiers", "archive").returncode == 0
    with primary.records() as records:
        put(records, *((PREFIX + b"/%d" % each, (value(1, data=b"w%d" % each),)) for each in range(250, 350)))
    status, report = drill(primary, "restore", "--sample", "350")
    measured = report["measured"]
    assert (status, report["state"]) == (0, "passed"), report
    assert (measured["handles"], measured["compared"], measured["wrong"], measured["equal"]) == (350, 350, 0, True)
    assert (measured["rpo_batches"], measured["rpo_records"]) == (0, 0)
    assert measured["rto_s"] > 0
    steps = {each["name"]: each["detail"] for each in report["steps"]}
    assert steps["log"]["changes"] == 100
    assert steps["compare"]["asked"] == f"127.0.0.1:{primary.port}"

    # A snapshot with a bit that fell over.
    snapshot = next((primary.data / "identifier-snapshots").glob("*.snapshot"))
    good = snapshot.read_bytes()
    bad = bytearray(good)
    bad[len(bad) * 3 // 4] ^= 4
    snapshot.write_bytes(bad)
    status, report = drill(primary, "restore")
    assert (status, report["state"], report["problem"]["code"]) == (1, "failed", "records.snapshot_unusable")
    assert "its data is not that of its manifest" in report["problem"]["message"]
    snapshot.write_bytes(good)
    # A batch that nobody signed, at the end of the log.
    with in_a_loop(primary.nats.url) as (bus, run):
        assert isinstance(bus, NatsConnection)
        last = run(bus.state(STREAM)).last_sequence
        run(bus.append(SUBJECT, b"\x01\x00" + bytes(100), expected_last=last))
    status, report = drill(primary, "restore")
    assert (status, report["problem"]["code"]) == (1, "records.batch_unverified")
    assert f"Batch {last + 1} " in report["problem"]["message"]
    assert [each["state"] for each in primary.ask("identifiers", "drill", "list")] == [
        "failed", "failed", "passed", "passed",
    ]  # fmt: skip


@pytest.mark.timeout(180)
def test_a_mirror_takes_over_in_earnest(primary: Member, tmp_path: Path) -> None:
    mirror = Member("mirror", tmp_path, tmp_path / "template" / "data")
    key = primary.ask("identifiers", "key")["key"]
    mirror.configure({"identity": {"mirror_of": primary.nats.url, "trusted_keys": [key]}})
    try:
        mirror.start_nats()
        mirror.start()
        mirror.wait_ready()
        wait_for("the mirror", lambda: primary.ask("identifiers", "status")["digest"]
                 == mirror.ask("identifiers", "status")["digest"])  # fmt: skip
        before = mirror.ask("identifiers", "status")
        unsure = mirror.cli("identifiers", "drill", "failover", "--live", "--json")
        assert "records.not_confirmed" in unsure.stdout
        assert primary.process is not None
        broker = primary.nats._process
        assert broker is not None
        status, report = drill(
            mirror, "failover", "--live", "--yes", "--stop-command", f"kill -9 {primary.process.pid} {broker.pid}"
        )
        measured = report["measured"]
        assert (status, report["state"], report["live"]) == (0, "passed", True), report
        assert (measured["rpo_batches"], measured["rpo_records"], measured["equal"]) == (0, 0, True)
        assert 0 < measured["first_answer_s"] < measured["rto_s"]
        # It writes: its own entry, the record of the drill, and that it is gone.
        now = mirror.ask("identifiers", "status")
        assert (now["position"], now["handles"], now["digest"]) == (
            before["position"] + 3, before["handles"], before["digest"],
        )  # fmt: skip
    finally:
        mirror.kill_all()
