"""What a Handle service answers, without a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from millwright.identity.handle import HandleService, HandleSettings, operations
from millwright.identity.handle.challenges import Challenge, Challenges
from millwright.identity.handle.dialogue import Peer
from millwright.identity.handle.resolution import refer
from millwright.identity.handle.sessions import Sessions
from millwright.identity.handle.wire.codes import LATEST, Flag, Op, Rc
from millwright.identity.handle.wire.message import (
    ENVELOPE_BYTES,
    Envelope,
    Message,
    decode_envelope,
    decode_message,
    encode_message,
    frame,
)
from millwright.identity.handle.wire.requests import (
    OfHandle,
    RemoveValues,
    Request,
    Resolve,
    Verify,
    WithValues,
    encode_request,
)
from millwright.identity.handle.wire.responses import decode_handles
from millwright.identity.records import Records
from millwright.kernel import ManualClock
from support.handle import ADMIN, fill, site_for, value
from support.identifiers import open_records, put


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = open_records(tmp_path)
    fill(made)
    yield made
    made.close()


def service_over(records: Records, *, primary: bool = True, **settings: Any) -> HandleService:
    site = replace(site_for(1), primary=primary)
    return HandleService(records, site, HandleSettings(**settings), ManualClock(), administrators=(ADMIN,))


async def said(service: HandleService, op: int, request: Request) -> list[Message]:
    peer = Peer("192.0.2.1", "tcp")
    peer.identity = ADMIN
    data = encode_message(Message(op=op, body=encode_request(request)), LATEST)
    head = Envelope(LATEST, 0, LATEST, 0, 7, 0, len(data))
    return [decode_message(body) async for _, body in service.process(peer, head, data)]


@pytest.mark.parametrize("primary", [True, False])
@pytest.mark.parametrize("version", [(2, 0), (2, 1), (2, 3), (2, 7), (2, 11)])
@pytest.mark.parametrize("flags", [Flag.PUBLIC_ONLY, Flag.PUBLIC_ONLY | Flag.REQUEST_DIGEST, Flag.DO_NOT_REFER, 0])
async def test_the_quick_answer_is_that_of_the_service(
    records: Records, primary: bool, version: tuple[int, int], flags: int
) -> None:
    service = service_over(records, primary=primary)
    message = Message(op=Op.RESOLUTION, flags=flags, body=encode_request(Resolve(b"86.1000.1/product-1")))
    asked = frame(version, 0, 7, encode_message(message, version))
    with records.view() as view:
        quick = service.answer_quickly(view, asked, "192.0.2.1", service.watch.lanes["udp"])
    if quick is None:
        assert version < (2, 1)
        assert flags & Flag.REQUEST_DIGEST
        return
    assert service.responses[Rc.SUCCESS] == 1
    answer = service.process(Peer("192.0.2.1", "tcp"), decode_envelope(asked[:20]), asked[ENVELOPE_BYTES:])
    ((head, data),) = [each async for each in answer]
    assert (head.version, head.request_id, data) == quick
    assert bool(decode_message(data).flags & Flag.AUTHORITATIVE) == primary
    assert service.responses[Rc.SUCCESS] == 2


def test_a_derived_prefix_is_not_followed_without_end() -> None:
    class Counting:
        searched = 0
        measured = False

        def find(self, handle: bytes) -> None:
            self.searched += 1

        def responsible(self, prefix: bytes) -> bool:
            return False

        def authority(self, name: bytes) -> None:
            pass

    view = Counting()
    code, _ = refer(view, b"1" + b".1" * 1000 + b"/x", 0) or (0, b"")  # type: ignore[arg-type] # what it uses of one
    assert code == Rc.SERVER_NOT_RESPONSIBLE
    assert view.searched <= 20


async def test_a_prefix_given_alone_is_its_prefix_handle_and_cannot_be_registered(records: Records) -> None:
    service, alone = service_over(records), b"86.1000.1"
    done = []
    for op, request in (
        (Op.ADD_VALUE, WithValues(alone, (value(7),))),
        (Op.MODIFY_VALUE, WithValues(alone, (value(7, data=b"new"),))),
        (Op.CREATE_HANDLE, WithValues(alone, (value(7),))),
        (Op.CREATE_HANDLE, WithValues(b"86.1000.1/", (value(7),))),
        (Op.CREATE_HANDLE, WithValues(b"0.NA/", (value(7),))),
    ):
        done += [answer.response_code for answer in await said(service, op, request)]
    assert done == [Rc.SUCCESS, Rc.SUCCESS, Rc.INVALID_HANDLE, Rc.INVALID_HANDLE, Rc.INVALID_HANDLE]
    with records.view() as view:
        record = view.find(b"0.NA/86.1000.1")
        assert record is not None
        changed = record.find_value(7)
        assert changed is not None
        assert changed.data == b"new"
    (answer,) = await said(service, Op.REMOVE_VALUE, RemoveValues(alone, (7,)))
    assert answer.response_code == Rc.SUCCESS


# --- what somebody can make it do or keep -----------------------------------------------------------------------------


async def test_an_answer_is_compared_with_few_keys_and_few_answers_at_one_time(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, most, compared = 0, 0, 0

    def slow(*_: Any) -> bool:
        nonlocal at_work, most, compared
        at_work, compared = at_work + 1, compared + 1
        most = max(most, at_work)
        time.sleep(0.002)
        at_work -= 1
        return False

    monkeypatch.setattr(operations, "secret_answer_holds", slow)
    put(records, (b"86.1000.1/keys", tuple(value(index, b"HS_SECKEY", b"x") for index in range(1, 51))))
    service = service_over(records, max_administration_per_address=3, max_comparisons=1)
    request = Verify(b"86.1000.1/keys", 0, bytes(16), bytes(32), b"\x22")
    answers = await asyncio.gather(*(said(service, Op.VERIFY_CHALLENGE, request) for _ in range(5)))
    assert sorted(answer.response_code for (answer,) in answers) == [Rc.SUCCESS] * 3 + [Rc.SERVER_BUSY] * 2
    assert (most, compared) == (1, 30)
    assert [answer.response_code for answer in await said(service, Op.VERIFY_CHALLENGE, request)] == [Rc.SUCCESS]


async def test_a_long_list_is_read_as_it_is_taken(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of them of 2,000 bytes: a message holds some hundred.
    names = [b"86.1000.1/%04d" % number + b"x" * 1986 for number in range(300)]
    put(records, *((name, (value(1),)) for name in names))
    service = service_over(records, listed_at_once=2048)
    parts = await said(service, Op.LIST_HANDLES, OfHandle(b"0.NA/86.1000.1"))
    assert [bool(part.flags & Flag.CONTINUOUS) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert sorted(handle for part in parts for handle in decode_handles(part.body)) == sorted(
        [*names, b"86.1000.1/Product-1"]
    )
    read, whole = 0, service._operations._administration.list_handles

    def counted(*arguments: Any) -> list[bytes]:
        nonlocal read
        read += 1
        return whole(*arguments)

    monkeypatch.setattr(service._operations._administration, "list_handles", counted)
    peer = Peer("192.0.2.1", "tcp")
    peer.identity = ADMIN
    data = encode_message(Message(op=Op.LIST_HANDLES, body=encode_request(OfHandle(b"0.NA/86.1000.1"))), LATEST)
    async with aclosing(service.process(peer, Envelope(LATEST, 0, LATEST, 0, 7, 0, len(data)), data)) as answer:
        await anext(answer)
        assert read == 2  # whether there is another part is said with each
        monkeypatch.setattr(service._operations._administration, "_administrators", ())
        put(records, (b"0.NA/86.1000.1", ()))
        *_, (_, body) = [each async for each in answer]
    last = decode_message(body)
    assert last.response_code == Rc.INVALID_ADMIN
    assert not last.flags & Flag.CONTINUOUS


def waiting(address: str, size: int) -> Challenge:
    return Challenge(address, Message(op=Op.CREATE_HANDLE, body=bytes(size)), OfHandle(b"x"), b"", LATEST)


def test_what_waits_for_an_answer_is_bounded_in_bytes() -> None:
    challenges = Challenges(100, 100, 1_000, 60.0)
    first = waiting("192.0.2.1", 900)
    assert challenges.add(first, 0.0)
    assert not challenges.add(waiting("192.0.2.2", 200), 1.0)
    answered = challenges.take(first, 7, 2.0)
    assert challenges.add(waiting("192.0.2.2", 200), 3.0)
    assert challenges.find_answered(first.id, 7, "192.0.2.1") is answered
    assert challenges.find_answered(first.id, 7, "192.0.2.2") is None
    challenges.expire(62.0)
    assert challenges.find_answered(first.id, 7, "192.0.2.1") is None
    challenges.expire(64.0)
    assert challenges.add(waiting("192.0.2.1", 1_000), 64.0)


def test_sessions_of_strangers_end_soon_and_leave_places() -> None:
    sessions = Sessions(4, 3, 3_600.0, 60.0)
    first, second = (sessions.open("192.0.2.1", b"k", 3_600, 0.0) for _ in range(2))
    assert first is not None
    assert second is not None
    assert sessions.open("192.0.2.2", b"k", 3_600, 1.0) is None
    sessions.prove(first, ADMIN, 1.0)
    third = sessions.open("192.0.2.2", b"k", 3_600, 1.0)
    assert third is not None
    assert sessions.open("192.0.2.3", b"k", 3_600, 1.0) is None
    # Being asked for does not make one live longer, a message made with its key does.
    assert sessions.find(second.id, 59.0) is second
    sessions.keep(third, 59.0)
    assert sessions.find(second.id, 61.0) is None
    assert sessions.find(third.id, 110.0) is third
    assert sessions.find(first.id, 3_000.0) is first
    sessions.close(first)
    sessions.prove(first, ADMIN, 3_000.0)
    sessions.expire(3_000.0)
    assert len(sessions) == 0
    assert all(sessions.open(f"192.0.2.{number}", b"k", 1, 3_000.0) for number in range(2))
