"""A mirror that is cut off for longer than an hour goes on answering, and catches up, whatever is killed meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.identity.records import Records, SigningKeys, StreamLog
from millwright.kernel import ManualClock, SystemClock
from support.cut import Line
from support.federation import Member, migrated, wait_for
from support.handle import value
from support.identifiers import home, in_a_loop, put

PREFIX = b"88.118.8"
BATCHES, RECORDS, BYTES = 70, 50, 3_000
"""Ten megabytes that do not compress: more than a mirror reads at once."""
CUT_S = 4_200


@pytest.fixture
def members(tmp_path: Path) -> Iterator[tuple[Member, Member, Line]]:
    template = migrated(tmp_path / "template")
    primary, mirror = Member("primary", tmp_path, template), Member("mirror", tmp_path, template)
    line = Line(primary.nats.server.port)
    try:
        for member in (primary, mirror):
            member.start_nats()
        with primary.records() as records:
            home(records, PREFIX)
            put(records, *((PREFIX + b"/old%d" % each, (value(1),)) for each in range(100)))
        url = primary.nats.url.rpartition(":")[0] + f":{line.port}"
        mirror.configure({"identity": {"mirror_of": url, "trusted_keys": [primary.ask("identifiers", "key")["key"]]}})
        for member in (primary, mirror):
            member.start()
            member.wait_ready()
        yield primary, mirror, line
    finally:
        line.cut()
        for member in (primary, mirror):
            member.kill_all()


def an_hour_of_changes(primary: Member) -> str:
    """Changes spread over more than an hour by the clock that the register goes by; returns the digest."""
    clock = ManualClock(SystemClock().now_ms() - CUT_S * 1000)
    with in_a_loop(primary.nats.url) as (bus, run):
        log = StreamLog(bus)
        run(log.open())
        keys = SigningKeys(primary.data / "identifiers.key", primary.name)
        records = Records(primary.data / "identifiers", log, clock, origin=primary.name, keys=keys, durable=False)
        records.open()
        try:
            for batch in range(BATCHES):
                clock.advance(CUT_S / BATCHES)
                numbers = range(batch * RECORDS, (batch + 1) * RECORDS)
                put(records, *((PREFIX + b"/%d" % each, (value(1, data=os.urandom(BYTES)),)) for each in numbers))
            return records.digest
        finally:
            records.close()


@pytest.mark.timeout(240)
def test_a_mirror_cut_off_for_an_hour_catches_up(members: tuple[Member, Member, Line]) -> None:
    primary, mirror, line = members
    wait_for("the mirror to follow", lambda: _status(mirror) == _status(primary), 60)
    line.cut()
    old = PREFIX + b"/old7"
    wait_for("the mirror to say so", lambda: _cut_off(mirror), 30)
    digest = an_hour_of_changes(primary)
    assert mirror.resolve(old)[0].index == 1
    gauges = mirror.figures()["gauges"]
    # What it cannot know it does not say; how long it has not heard it does.
    assert gauges["identifier_lag_s"] > 0
    assert gauges["identifier_position"] < BATCHES

    # It is back, on a slow line. The mirror is killed while it catches up, then the primary.
    line.bytes_per_s = 2_000_000
    line.join()
    began = line.bytes
    wait_for("the mirror to read", lambda: line.bytes > began + 3_000_000, 60)
    mirror.kill()
    assert _status(mirror) != _status(primary)
    mirror.start()
    mirror.wait_ready()
    assert mirror.resolve(old)[0].index == 1
    began = line.bytes
    wait_for("the mirror to read on", lambda: line.bytes > began + 1_500_000, 60)
    primary.kill_all()
    assert mirror.resolve(old)[0].index == 1
    assert mirror.ask("identifiers", "status")["digest"] != digest
    primary.start_nats()
    primary.start()
    primary.wait_ready()
    line.bytes_per_s = 0
    wait_for("the mirror to catch up", lambda: mirror.ask("identifiers", "status")["digest"] == digest, 90)
    assert _status(mirror) == _status(primary)
    compared = mirror.ask("identifiers", "compare")
    assert (compared["equal"], compared["behind"]) == (True, 0)
    assert len(mirror.resolve(PREFIX + b"/%d" % (BATCHES * RECORDS - 1))[0].data) == BYTES
    wait_for("it to be heard", lambda: mirror.figures()["gauges"]["identifier_lag_s"] == 0, 20)


def _status(member: Member) -> tuple[int, str]:
    found = member.ask("identifiers", "status")
    return found["position"], found["digest"]


def _cut_off(mirror: Member) -> bool:
    return any(each["code"] == "records.primary_away" for each in mirror.figures()["problems"])
