"""Five nodes as processes on real sockets: recursive, root, secondary, enterprise and its mirror; some are killed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from millwright.identity.handle.model import HandleValue
from millwright.kernel import NotFound, Unavailable
from support.federation import Member, migrated, wait_for
from support.handle import value
from support.identifiers import home, put
from support.recursion import ENTERPRISE, SECONDARY, delegate, delegate_entry

logger = logging.getLogger(__name__)

NAME = ENTERPRISE + b"/pump-1"


@dataclass
class Federation:
    root: Member
    secondary: Member
    enterprise: Member
    mirror: Member
    recursive: Member

    @property
    def members(self) -> list[Member]:
        return [self.root, self.secondary, self.enterprise, self.mirror, self.recursive]

    @property
    def mirroring(self) -> dict[str, dict[str, object]]:
        key = self.enterprise.cli("identifiers", "key").stdout.strip()
        return {"identity": {"mirror_of": self.enterprise.nats.url, "trusted_keys": [key]}}


def name(number: int) -> bytes:
    return ENTERPRISE + b"/%d" % number


def product(number: int) -> tuple[bytes, tuple[HandleValue, ...]]:
    return name(number), (value(1, data=b"https://example.com/%d" % number, ttl=2),)


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    template = migrated(tmp_path / "template")
    root, secondary, enterprise, mirror = (
        Member(each, tmp_path, template) for each in ("root", "secondary", "enterprise", "mirror")
    )
    recursive = Member(
        "recursive", tmp_path, template,
        {"recursion": {"enabled": True, "roots": [f"127.0.0.1:{root.port}"], "server_down_s": 2, "failure_ttl_s": 1,
                       "negative_ttl_s": 1}},
    )  # fmt: skip
    made = Federation(root, secondary, enterprise, mirror, recursive)
    mirror.configure(made.mirroring)
    try:
        for member in made.members:
            member.start_nats()
        with root.records() as records:
            home(records, b"0.NA")
            delegate_entry(records, SECONDARY.decode(), secondary.site)
        with secondary.records() as records:
            home(records, SECONDARY)
            delegate_entry(records, ENTERPRISE.decode(), enterprise.site)
            delegate(records, ENTERPRISE, enterprise.site, replace(mirror.site, primary=False), ttl=300)
        with enterprise.records() as records:
            home(records, ENTERPRISE)
            put(records, (NAME, (value(1, ttl=2),)), *map(product, range(200)))
        for member in made.members:
            member.start()
        for member in made.members:
            member.wait_ready()
        yield made
    finally:
        for member in made.members:
            member.kill_all()


def equal(mirror: Member) -> bool:
    done = mirror.cli("identifiers", "compare", "--json")
    return done.returncode == 0 and '"behind":0' in done.stdout.replace(" ", "")


def test_one_is_killed_and_resolution_goes_on(federation: Federation) -> None:
    enterprise, mirror, recursive = federation.enterprise, federation.mirror, federation.recursive
    found = recursive.resolve(NAME)
    assert [each.data for each in found] == [b"https://example.com/"]
    assert recursive.resolve(NAME) == found
    with pytest.raises(NotFound):
        recursive.resolve(ENTERPRISE + b"/none")
    figures = recursive.figures()
    assert figures["counters"]["recursion_hits"] == 1
    assert figures["counters"]["recursion_misses"] == 2
    assert figures["gauges"]["recursion_hit_ratio"] == 0.3333

    assert recursive.cli("identifiers", "forget", NAME.decode()).returncode == 0
    wait_for("it to be forgotten", lambda: recursive.figures()["gauges"]["recursion_entries"] == 1)
    assert recursive.cli("identifiers", "forget").returncode == 2
    assert recursive.resolve(NAME) == found

    # The mirror says the same as its primary, and soon.
    wait_for("the mirror to have everything", lambda: equal(mirror), 30)
    assert mirror.resolve(NAME) == found
    delays = []
    with enterprise.records() as records:
        for number in range(1000, 1030):
            put(records, product(number))
            began_s = time.monotonic()
            wait_for("the change", lambda number=number: has(mirror, name(number)), 5)  # type: ignore[misc]
            delays.append(time.monotonic() - began_s)
    assert sorted(delays)[-1] < 1.0, delays
    logger.info(
        "visible on the mirror after %.0f ms (median), %.0f ms (most)", sorted(delays)[15] * 1e3, max(delays) * 1e3
    )

    # The enterprise is killed, broker and all: names never asked for come from the mirror.
    enterprise.kill_all()
    time.sleep(2.1)
    assert recursive.resolve(NAME) == found
    for number in (0, 1, 199, 1029):
        assert recursive.resolve(name(number))[0].data == b"https://example.com/%d" % number
    wait_for(
        "the mirror to say that its primary is away",
        lambda: any(each["code"] == "records.primary_away" for each in mirror.figures()["problems"]),
    )
    # Also one that starts while its primary is away.
    mirror.kill()
    mirror.start()
    mirror.wait_ready()
    assert mirror.resolve(name(5))[0].index == 1

    # Without both, what was asked before is known for a while, and what was not is not invented.
    mirror.kill()
    time.sleep(2.1)
    assert recursive.resolve(NAME) == found
    with pytest.raises(Unavailable):
        recursive.resolve(name(7))
    counters = recursive.figures()["counters"]
    assert counters["recursion_stale"] >= 1
    assert counters["recursion_failures.unreachable"] >= 1

    # The enterprise is back, and goes on while the mirror is cut off; then the mirror catches up.
    enterprise.start_nats()
    enterprise.start()
    enterprise.wait_ready()
    with enterprise.records() as records:
        for first in range(2000, 4000, 100):
            put(records, *map(product, range(first, first + 100)))
    mirror.start()
    mirror.wait_ready()
    wait_for("the mirror to catch up", lambda: equal(mirror), 30)
    for number in (*range(0, 200, 20), *range(1000, 1030, 5), *range(2000, 4000, 100)):
        assert mirror.resolve(name(number))[0].data == b"https://example.com/%d" % number
    wait_for("the recursive node to ask again", lambda: has(recursive, name(3999)), 10)


def has(member: Member, wanted: bytes) -> bool:
    try:
        member.resolve(wanted)
    except (NotFound, Unavailable):
        return False
    return True


def test_a_mirror_begins_with_a_snapshot_and_takes_over(federation: Federation) -> None:
    enterprise, mirror, recursive = federation.enterprise, federation.mirror, federation.recursive
    mirror.kill()
    file = mirror.folder / "file.snapshot"
    made = enterprise.ask("identifiers", "snapshot", str(file))
    assert made["handles"] == 201
    with enterprise.records() as records:
        put(records, *map(product, range(300, 400)))
    shutil.rmtree(mirror.data / "identifiers", ignore_errors=True)
    restored = mirror.ask("identifiers", "restore", str(file))
    assert (restored["position"], restored["digest"]) == (made["position"], made["digest"])
    again = mirror.cli("identifiers", "restore", str(file), "--json")
    assert "records.index_there" in again.stdout + again.stderr
    mirror.start()
    mirror.wait_ready()
    wait_for("the mirror to have everything", lambda: equal(mirror), 30)
    compared = mirror.ask("identifiers", "compare")
    assert compared["equal"] is True
    assert compared["here"]["digest"] == compared["primary"]["digest"]

    # While the primary is there nobody takes over.
    refused = mirror.cli("identifiers", "take-over", "--yes", "--json")
    assert "records.primary_there" in refused.stdout + refused.stderr
    with mirror.records() as records, pytest.raises(Exception, match=r"[Bb]atch|node writes|lost"):
        put(records, product(1))

    enterprise.kill_all()
    digest = mirror.ask("identifiers", "status")["digest"]
    unsure = mirror.cli("identifiers", "take-over", "--json")
    assert "records.not_confirmed" in unsure.stdout + unsure.stderr
    done = mirror.ask("identifiers", "take-over", "--yes")
    logger.info("taken over within %.0f ms", done["milliseconds"])
    assert done["digest"] == digest
    mirror.kill()
    trusted = federation.mirroring["identity"]["trusted_keys"]
    mirror.configure({"identity": {"trusted_keys": trusted}})
    mirror.start()
    mirror.wait_ready()
    assert mirror.ask("identifiers", "status")["role"] == "primary"
    with mirror.records() as records:
        put(records, product(500))
    assert mirror.resolve(name(500))[0].data == b"https://example.com/500"
    for number in (0, 199, 300, 399):
        assert recursive.resolve(name(number))[0].data == b"https://example.com/%d" % number

    # The former primary comes back: it may not mix its log with the new one, and becomes a mirror by a snapshot.
    made = mirror.ask("identifiers", "snapshot", str(file))
    enterprise.configure(
        {"identity": {"mirror_of": mirror.nats.url, "trusted_keys": [mirror.ask("identifiers", "key")["key"]]}}
    )
    enterprise.start_nats()
    enterprise.start()
    enterprise.wait_ready()
    assert enterprise.ask("identifiers", "discard-log", "--yes")["position"] > 0
    enterprise.kill()
    assert enterprise.ask("identifiers", "restore", str(file), "--replace")["digest"] == made["digest"]
    enterprise.start()
    enterprise.wait_ready()
    with mirror.records() as records:
        put(records, product(501))
    wait_for("the former primary to follow", lambda: equal(enterprise), 30)
    wait_for("the newest name", lambda: has(enterprise, name(501)))
