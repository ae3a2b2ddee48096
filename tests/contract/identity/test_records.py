"""The register of identifiers, over a log in memory and over a real stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from millwright.identity.handle import HandleValue, Reference
from millwright.identity.records import Prefix, Records, SigningKeys, StreamLog
from millwright.identity.records.errors import closed
from millwright.kernel import Conflict, Corrupt, Denied, Invalid, LimitExceeded, MillwrightError, Unavailable
from support.handle import value
from support.identifiers import MemoryLog, home, in_a_loop, make_records, open_records, put
from support.nats import RunningNats


class ChangeableStream(StreamLog):
    """The stream, of which a message can be exchanged as by somebody who has the broker's token."""

    def forge(self, message: bytes) -> None:
        self.append(message, self.last())


class ChangeableMemory(MemoryLog):
    def forge(self, message: bytes) -> None:
        self.append(message, self.end)


@pytest.fixture(params=["memory", "stream"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield ChangeableMemory()
        return
    server = RunningNats(tmp_path / "nats")
    asyncio.run(server.start())
    try:
        with in_a_loop(server.url) as (bus, run):
            stream = ChangeableStream(bus)
            run(stream.open())
            yield stream
    finally:
        asyncio.run(server.kill())


@pytest.fixture
def opened() -> Iterator[Callable[..., Records]]:
    made: list[Records] = []

    def make(*given: Any, **more: Any) -> Records:
        made.append(open_records(*given, **more))
        return made[-1]

    yield make
    for records in made:
        records.close()


def replace(*values: HandleValue) -> Any:
    return lambda _view, _before: values


def found(records: Records, name: bytes) -> Any:
    with records.view() as view:
        record = view.find(name)
        return None if record is None else record.values


def public_key(folder: Path) -> str:
    return str(SigningKeys(folder / "identifiers.key", "test").signer().verifier)


def failing(error: MillwrightError) -> Any:
    def change(_view: Any, _before: Any) -> Any:
        raise error

    return change


# --- what it keeps ---------------------------------------------------------------------------------------------------


def test_what_is_put_is_found_and_every_version_is_kept(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path / "a", log)
    home(records, b"10.1")
    assert records.history(b"10.1/x") == []
    for who, values in (("anna", (value(1),)), ("bert", (value(1), value(2)))):
        records.change_many([(b"10.1/x", replace(*values))], who=who, reason="because")
    records.change(b"10.1/X", lambda _view, _before: None, Reference(b"0.NA/10.1", 300))
    assert found(records, b"10.1/x") is None
    records.change_many([(b"10.1/X", replace(value(3)))], who="anna")
    history = records.history(b"10.1/x")
    assert [(each.version, each.op, each.who, each.reason) for each in history] == [
        (1, "put", "anna", "because"),
        (2, "put", "bert", "because"),
        (3, "delete", "300:0.NA/10.1", ""),
        (4, "put", "anna", ""),
    ]
    kept = [None if each.record is None else each.record.values for each in history]
    assert kept == [(value(1),), (value(1), value(2)), None, (value(3),)]
    assert [each.position for each in history] == [2, 3, 4, 5]
    assert all(each.at_ms and each.origin == "test" for each in history)
    assert (records.position, records.lag, records.verify()) == (5, 0, 1)


def test_names_that_begin_alike_have_histories_of_their_own(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path / "a", log)
    long = b"10.1/" + b"x" * 469
    names = [b"10.1/a", b"10.1/a0", b"10.1/aa", long, long + b"y", long + b"z" * 500, long + b"z" * 501]
    for index in (1, 2):
        records.change_many([(name, replace(value(index, data=name[-9:]))) for name in names], who="anna")
    for name in names:
        assert [each.version for each in records.history(name)] == [1, 2]
        assert [each.record.values for each in records.history(name) if each.record] == [
            (value(1, data=name[-9:]),),
            (value(2, data=name[-9:]),),
        ]


def test_many_changes_are_made_together_or_not_at_all(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path / "a", log)
    put(records, (b"10.1/x", (value(1),)))
    before = records.digest
    refused = Invalid("No.", code="test.no")
    for last in (failing(refused), failing(Conflict("No.", code="engines.other"))):
        with pytest.raises(MillwrightError):
            records.change_many([(b"10.1/y", replace(value(1))), (b"10.1/z", last)], who="anna")
    with pytest.raises(Invalid):
        records.change_many([(b"10.1/y", replace(value(1))), (b"no handle", replace(value(1)))], who="anna")
    assert (records.digest, records.position, log.last()) == (before, 1, 1)
    assert found(records, b"10.1/y") is None


def test_a_change_sees_those_before_it(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path / "a", log)
    prefix = Prefix(prefix="10.1", organisation_id="org_a", state="active")
    seen: list[Any] = []

    def second(view: Any, before: Any) -> Any:
        seen.extend((before.values, view.authority(b"10.1/x")))
        return (value(2),)

    written = records.change_many(
        [(b"10.1/x", replace(value(1))), (b"10.1/X", second), (b"10.1/none", lambda _view, _before: None)],
        who="anna",
        prefixes=[prefix],
    )
    assert seen == [(value(1),), prefix]
    assert [(each.name, each.op, each.version) for each in written] == [
        (b"10.1/x", "put", 1),
        (b"10.1/x", "put", 2),
        (b"10.1/none", "same", 0),
    ]
    # What changes nothing is no batch.
    assert [each.op for each in records.change_many([(b"10.1/x", replace(value(2)))], who="anna")] == ["same"]
    records.put_prefix(prefix, who="anna")
    assert log.last() == 1


def test_too_much_at_once_is_refused(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path / "a", log)
    large = (value(1, data=bytes(200_000)),)
    with pytest.raises(LimitExceeded) as error:
        records.change_many([(b"10.1/%d" % number, replace(*large)) for number in range(200)], who="anna")
    assert error.value.code == "records.batch_too_large"
    assert log.last() == 0
    assert records.put_many(((b"10.1/%d" % number, large) for number in range(100)), who="anna") == 100
    assert log.last() > 1


def test_a_register_that_is_closed_says_so(tmp_path: Path) -> None:
    records = make_records(tmp_path)
    for call in (lambda: records.position, lambda: records.put_many([(b"10.1/x", ())], who="anna")):
        with pytest.raises(Unavailable) as error:
            call()
        assert error.value.code == closed().code
    with pytest.raises(Unavailable), records.view():
        pass


# --- the log is the truth --------------------------------------------------------------------------------------------


def fill_some(records: Records) -> None:
    home(records, b"10.1")
    for number in range(8):
        put(records, *((b"10.1/%d-%d" % (number, each), (value(1, data=b"%d" % each),)) for each in range(20)))
    records.change(b"10.1/3-3", lambda _view, _before: None, Reference(b"0.NA/10.1", 300))


def test_a_mirror_has_the_same_digest(log: Any, tmp_path: Path, opened: Any) -> None:
    primary = opened(tmp_path / "a", log)
    fill_some(primary)
    mirror = opened(tmp_path / "b", log, mirror=True, trusted=[public_key(tmp_path / "a")])
    assert mirror.digest == primary.digest
    put(primary, (b"10.1/new", (value(1),)))
    assert mirror.digest != primary.digest
    assert mirror.catch_up()
    assert (mirror.digest, mirror.position, mirror.lag) == (primary.digest, primary.position, 0)
    assert mirror.verify() == primary.verify() == 160
    assert [each.op for each in mirror.history(b"10.1/3-3")] == ["put", "delete"]
    with pytest.raises(Denied) as error:
        put(mirror, (b"10.1/other", (value(1),)))
    assert error.value.code == "records.mirror"


def test_the_order_in_which_it_came_does_not_show_in_the_digest(tmp_path: Path, opened: Any) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "b")
    put(first, (b"10.1/x", (value(1),)), (b"10.1/y", (value(2),)))
    put(second, (b"10.1/y", (value(3),)))
    put(second, (b"10.1/y", (value(2),)), (b"10.1/z", (value(2),)), (b"10.1/x", (value(1),)))
    assert first.digest != second.digest
    second.change(b"10.1/z", lambda _view, _before: None, Reference(b"10.1/a", 1))
    assert first.digest == second.digest


def test_a_mirror_begins_with_a_snapshot(log: Any, tmp_path: Path, opened: Any) -> None:
    primary = opened(tmp_path / "a", log)
    fill_some(primary)
    primary.snapshot(tmp_path / "b" / "identifiers")
    put(primary, (b"10.1/after", (value(1),)))
    mirror = opened(tmp_path / "b", log, mirror=True, trusted=[public_key(tmp_path / "a")])
    assert mirror.applied == 1
    assert mirror.digest == primary.digest


@pytest.mark.parametrize("place", [0, 1, 3, 20, 90, -1])
def test_a_batch_that_was_tampered_with_is_refused(log: Any, tmp_path: Path, opened: Any, place: int) -> None:
    primary = opened(tmp_path / "a", log)
    home(primary, b"10.1")
    put(primary, (b"10.1/x", tuple(value(index, data=b"data" * index) for index in range(1, 9))))
    good = log.find(2)
    primary.close()
    mirror = opened(tmp_path / "b", log, mirror=True, trusted=[public_key(tmp_path / "a")])
    digest = mirror.digest
    forged = bytearray(good)
    forged[place] ^= 1
    log.forge(bytes(forged))
    with pytest.raises(Corrupt) as error:
        mirror.catch_up()
    assert error.value.code == "records.batch_unverified"
    assert (mirror.digest, mirror.position, mirror.lag) == (digest, 2, 1)
    assert found(mirror, b"10.1/x") is not None
    # Nor is a batch that verifies and is not the next one.
    again = opened(tmp_path / "c", log, mirror=True, trusted=[public_key(tmp_path / "a")])
    assert again.position == 2
    # The primary is served from what it has, and does not write behind it.
    primary.open()
    assert found(primary, b"10.1/x") is not None
    with pytest.raises((Corrupt, Conflict)):
        put(primary, (b"10.1/y", (value(1),)))


def test_a_batch_that_is_repeated_is_refused(log: Any, tmp_path: Path, opened: Any) -> None:
    primary = opened(tmp_path / "a", log)
    put(primary, (b"10.1/x", (value(1),)))
    log.forge(log.find(1))
    with pytest.raises(Corrupt) as error:
        put(primary, (b"10.1/y", (value(1),)))
    assert "does not follow" in error.value.message


def test_a_mirror_trusts_no_unknown_key(log: Any, tmp_path: Path, opened: Any) -> None:
    primary = opened(tmp_path / "a", log)
    put(primary, (b"10.1/x", (value(1),)))
    mirror = opened(tmp_path / "b", log, mirror=True)
    assert mirror.position == 0
    with pytest.raises(Unavailable) as error:
        found(mirror, b"10.1/x")
    assert error.value.code == "records.rebuilding"


def test_two_primaries_are_refused(log: Any, tmp_path: Path, opened: Any) -> None:
    first = opened(tmp_path / "a", log)
    put(first, (b"10.1/x", (value(1),)))
    second = opened(tmp_path / "b", log)
    with pytest.raises((Conflict, Unavailable)):
        put(second, (b"10.1/y", (value(1),)))
    with pytest.raises(Conflict) as error:
        second.catch_up()
    assert error.value.code == "records.two_writers"
    # One that knows the other's key is refused too, unless it takes over; then the other is.
    third = opened(tmp_path / "c", log, trusted=[public_key(tmp_path / "a")])
    with pytest.raises(Conflict) as error:
        put(third, (b"10.1/y", (value(1),)))
    assert error.value.code == "records.two_writers"
    put(first, (b"10.1/z", (value(1),)))
    third.take_over(who="anna")
    put(third, (b"10.1/y", (value(1),)))
    with pytest.raises(Conflict) as error:
        put(first, (b"10.1/x", (value(2),)))
    assert error.value.code == "records.two_writers"
    assert log.last() == 4


def test_the_same_node_twice_is_refused_when_it_collides(tmp_path: Path, opened: Any) -> None:
    log = MemoryLog()
    first = opened(tmp_path / "a", log)
    copy = opened(tmp_path / "b", log, keys=SigningKeys(tmp_path / "a" / "identifiers.key", "test"))
    append = log.append

    def collide(message: bytes, after: int) -> int:
        log.append = append
        put(first, (b"10.1/x", (value(log.last() + 1),)))
        try:
            return append(message, after)
        finally:
            log.append = collide

    log.append = collide
    with pytest.raises(Conflict) as error:
        put(copy, (b"10.1/y", (value(1),)))
    assert error.value.code == "records.two_writers"
    log.append = append
    put(copy, (b"10.1/y", (value(1),)))
    assert found(copy, b"10.1/y") is not None


# --- what may break --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["garbage", "cut", "gone", "empty"])
def test_a_broken_index_is_built_from_the_log(log: Any, tmp_path: Path, opened: Any, how: str) -> None:
    records = opened(tmp_path, log)
    fill_some(records)
    digest, position = records.digest, records.position
    records.close()
    data = tmp_path / "identifiers" / "data.mdb"
    if how == "garbage":
        data.write_bytes(b"\xa5" * data.stat().st_size)
    elif how == "cut":
        with data.open("r+b") as file:
            file.truncate(3 * 4096)
    elif how == "gone":
        data.unlink()
    else:
        data.write_bytes(b"")
    again = opened(tmp_path, log)
    assert (again.digest, again.position, again.verify()) == (digest, position, 159)
    put(again, (b"10.1/after", (value(1),)))
    assert len(again.history(b"10.1/3-3")) == 2
    assert len(list(tmp_path.glob("identifiers.broken-*"))) == (how in ("garbage", "cut"))


def test_what_breaks_while_it_is_open_is_built_anew(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path, log)
    fill_some(records)
    digest = records.digest
    records._current()._environment.write(lambda write: write.put("handles", b"10.1/4-4", b"\x01" + bytes(60)))
    with pytest.raises(Corrupt):
        found(records, b"10.1/4-4")
    assert records.suspect
    with pytest.raises(Corrupt):
        records.verify()
    records.rebuild()
    assert found(records, b"10.1/4-4") == (value(1, data=b"4"),)
    assert (records.digest, records.verify(), records.suspect) == (digest, 159, False)
    put(records, (b"10.1/after", (value(1),)))


def test_nothing_is_said_to_be_unknown_while_the_index_is_built(tmp_path: Path, opened: Any) -> None:
    log = MemoryLog()
    fill_some(opened(tmp_path / "a", log))
    page = log.page
    log.page = lambda first, last: page(first, last)[:1]
    fresh = make_records(tmp_path / "b", log, keys=SigningKeys(tmp_path / "a" / "identifiers.key", "test"))
    fresh._index = fresh._opened()
    assert not fresh.catch_up(within_s=0)
    assert fresh.position == 1
    with fresh.view() as view:
        for ask in (
            view.find,
            view.authority,
            view.responsible,
            view.history,
            lambda name: list(view.iter_handles(name)),
        ):
            with pytest.raises(Unavailable) as error:
                ask(b"10.1/1-1")
            assert error.value.code == "records.rebuilding"
    with pytest.raises(Unavailable):
        put(fresh, (b"10.1/new", (value(1),)))
    assert fresh.catch_up()
    assert found(fresh, b"10.1/1-1") is not None
    fresh.close()


def test_an_answer_that_was_lost_is_looked_for(tmp_path: Path, opened: Any) -> None:
    log = MemoryLog()
    records = opened(tmp_path, log)

    def lose() -> None:
        raise Unavailable("It was cut off.", code="engines.nats_unavailable")

    log.before_answer = lose
    put(records, (b"10.1/x", (value(1),)))
    assert (log.last(), records.position) == (1, 1)

    def refuse(_message: bytes, _after: int) -> int:
        raise Unavailable("It is away.", code="engines.nats_unavailable")

    log.append = refuse
    with pytest.raises(Unavailable) as error:
        put(records, (b"10.1/y", (value(1),)))
    assert error.value.code == "records.unconfirmed"
    assert found(records, b"10.1/y") is None
    assert (log.last(), records.position) == (1, 1)


def test_a_log_that_lost_its_end_gets_it_back(tmp_path: Path, opened: Any) -> None:
    log = MemoryLog()
    records = opened(tmp_path, log)
    fill_some(records)
    whole = dict(log.messages)
    for lost in (8, 9, 10):
        del log.messages[lost]
    log.end = 7
    assert records.catch_up()
    assert log.messages == whole
    # Not when the log is another one.
    for lost in (7, 8, 9, 10):
        del log.messages[lost]
    log.end = 7
    log.messages[7] = b"something else"
    with pytest.raises(Corrupt) as error:
        put(records, (b"10.1/new", (value(1),)))
        records.catch_up()
    assert error.value.code in ("records.log_behind", "records.batch_unverified")


def test_an_index_that_grows_while_it_is_written_appends_once(log: Any, tmp_path: Path, opened: Any) -> None:
    records = opened(tmp_path, log)
    records._current()._environment._env.set_mapsize(1 << 20)
    for number in range(12):
        put(records, *((b"10.1/%d-%d" % (number, each), (value(1, data=bytes(400)),)) for each in range(300)))
    assert records._current()._environment._env.info()["map_size"] > 1 << 20
    assert (log.last(), records.position, records.verify()) == (12, 12, 3600)
    assert {len(records.history(b"10.1/%d-7" % number)) for number in range(12)} == {1}


def test_a_map_that_is_full_at_the_commit_does_not_append_twice(tmp_path: Path, opened: Any) -> None:
    import lmdb

    log = MemoryLog()
    records = opened(tmp_path, log)
    calls: list[int] = []

    def fail_once() -> None:
        if not calls:
            calls.append(1)
            raise lmdb.MapFullError

    log.before_answer = lambda: None
    index = records._current()
    write = index._environment.write

    def writing(work: Any) -> Any:
        def then_full(txn: Any) -> Any:
            result = work(txn)
            fail_once()
            return result

        return write(then_full)

    index._environment.write = writing
    asked: list[int] = []

    def change(_view: Any, _before: Any) -> Any:
        asked.append(1)
        return (value(1),)

    records.change_many([(b"10.1/x", change)], who="anna")
    assert (log.last(), records.position, len(asked), len(calls)) == (1, 1, 1, 1)
    assert records.verify() == 1
