"""What the journal is asked to write and to let go of."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.framing import Framing
from millwright.devices.mqtt.journal import JournalWriter, VolatileJournal
from millwright.devices.mqtt.packets import Queued, RetainedMessage
from millwright.devices.mqtt.ports import NO_WILLS, Kept, StoredSession
from millwright.devices.mqtt.queues import MOST_BYTES, Batch, Queues
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.settings import MqttSettings
from millwright.kernel import ManualClock, Unavailable, end
from support.mqtt import OpenPrincipal

ME, YOU = ("dev", "me"), ("dev", "you")


def message(payload: bytes = b"x") -> Queued:
    return Queued("a", payload, 2)


def test_a_batch_is_one_entry_and_what_was_finished_meanwhile_is_none() -> None:
    queues = Queues()
    first = [queues.add(ME, message()) for _ in range(3)]
    other = queues.add(YOU, message())
    other.finish()
    taken = queues.take_open()
    assert taken == [first[0]] == list({*first})
    assert [len(batch.messages) for batch in taken] == [3]
    assert queues.take_open() == []


def test_a_batch_is_bounded_and_a_large_message_is_one_by_itself() -> None:
    queues = Queues()
    for size in (10, MOST_BYTES, 10, 10):
        queues.add(ME, message(b"x" * size))
    assert [len(batch.messages) for batch in queues.take_open()] == [1, 1, 2]


def test_batches_are_let_go_of_in_order() -> None:
    queues = Queues()
    batches = []
    for sequence in (5, 6, 9):
        batch = queues.add(ME, message())
        (written,) = queues.take_open()
        assert written is batch
        batch.sequence = sequence
        queues.written()
        batches.append(batch)
    batches[1].finish()
    assert queues.take_settled() == {}  # the one before it is not done
    batches[0].finish()
    assert queues.take_settled() == {ME: 7}
    batches[2].finish()
    assert queues.take_settled() == {ME: 10}
    assert queues.take_settled() == {}


def test_a_batch_that_is_being_written_is_let_go_of_afterwards() -> None:
    queues = Queues()
    batch = queues.add(ME, message())
    queues.take_open()
    batch.finish()
    assert queues.take_settled() == {}
    batch.sequence = 3
    queues.written()
    assert queues.take_settled() == {ME: 4}


def test_a_batch_that_was_appended_anew_takes_none_with_it_that_is_needed() -> None:
    queues = Queues()
    first = queues.add(ME, message(b"x" * MOST_BYTES))
    second = queues.add(ME, message())
    queues.take_open()
    first.sequence = 8  # its first append was not stored, and the second one's was
    first.finish()
    assert queues.take_settled() == {}, "where the second one stands is not known yet"
    second.sequence = 7
    queues.written()
    assert queues.take_settled() == {ME: 7}
    second.finish()
    assert queues.take_settled() == {ME: 9}
    assert queues.take_settled() == {}


class Shaky(VolatileJournal):
    """Fails the first times; takes down what it was asked."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.told: list[tuple[str, Any]] = []

    async def write(self, retained: Any, sessions: Any, batches: Any = (), wills: Any = NO_WILLS) -> dict[str, int]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("It is away.", code="engines.nats_unavailable")
        for batch in batches:
            assert isinstance(batch, Batch)
            batch.sequence = len(self.told) + 1
            self.told.append(("write", (batch.key, len(batch.messages))))
        return {}

    async def trim(self, before: dict[tuple[str, str], int]) -> None:
        self.told.append(("trim", dict(before)))


async def test_a_session_that_ends_and_begins_anew_keeps_what_is_the_new_ones() -> None:
    journal = Shaky(1)
    writer = JournalWriter(journal)
    _, kept = writer.keep(ME, message())
    await kept
    writer.keep(ME, message())
    writer.end_session(ME)
    _, kept = writer.keep(ME, message())
    writer.keep(ME, message())
    await kept
    await writer.stop(5)
    assert journal.told == [("write", (ME, 1)), ("trim", {ME: 0}), ("write", (ME, 2))]


def subscriber(exchange: Exchange) -> Session:
    session, _ = exchange.open(*ME, clean=True, expiry_s=60)
    assert session is not None
    exchange.subscribe(session, OpenPrincipal(), [("a", 1)])
    return session


@pytest.mark.parametrize("how", ["end", "expiry"])
async def test_a_session_without_subscriptions_leaves_no_messages_behind(how: str) -> None:
    journal = Shaky(0)
    writer = JournalWriter(journal)
    exchange = Exchange(MqttSettings(), writer)
    session = subscriber(exchange)
    kept = exchange.route("a", [b"1"], 1, False)
    assert kept is not None
    await kept
    exchange.unsubscribe(session, ["a"])
    if how == "end":
        exchange.end(session)
    else:
        exchange.set_expiry(session, 0)
    await writer.stop(5)
    assert ("trim", {ME: 0}) in journal.told


async def test_a_retained_message_that_expired_meanwhile_is_removed_from_the_journal() -> None:
    class Book(VolatileJournal):
        removed: ClassVar[list[str]] = []

        async def write(self, retained: Any, sessions: Any, batches: Any = (), wills: Any = NO_WILLS) -> dict[str, int]:
            self.removed += [topic for topic, found in retained.items() if found is None]
            return {}

    clock, journal = ManualClock(), Book()
    writer = JournalWriter(journal)
    exchange = Exchange(MqttSettings(), writer, clock)
    now_ms = clock.now_ms()
    lives = {"never": 0, "later": now_ms + 1, "over": now_ms, "long over": 1}
    kept = [RetainedMessage(topic, b"x", 1, b"", expires_ms) for topic, expires_ms in lives.items()]
    await exchange.restore(Kept(kept, (), ()), 0.0)
    await writer.stop(5)
    assert journal.removed == ["over", "long over"]
    assert len(exchange.retained) == 2


async def test_others_have_their_turn_while_very_much_is_taken_over() -> None:
    exchange = Exchange(MqttSettings(), JournalWriter(VolatileJournal()), ManualClock())
    retained = [RetainedMessage(f"t/{number}", b"x", 1, b"", 0) for number in range(20_000)]
    sessions = [StoredSession(f"dev_{number}", "me", {"a/#": 1}, 60) for number in range(20_000)]
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(another())
    await exchange.restore(Kept(retained, sessions, ()), 0.0)
    await end(beside)
    assert (len(exchange.retained), len(exchange.sessions)) == (20_000, 20_000)
    assert turns >= 100


class Far:
    """The far end of a session in memory."""

    def __init__(self, framing: Framing) -> None:
        self.framing: Framing | None = framing
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def has_room(self) -> bool:
        return True


@pytest.mark.parametrize("window", [1, 2, 5])
def test_repetitions_keep_within_a_smaller_window(window: int) -> None:
    session = Session("dev", "me", 60, max_inflight=5, max_queued=9, max_queued_bytes=9999)
    far = Far(Framing(0, 0))
    session.attach(far)
    for number in range(7):
        session.deliver(b"\0\1a", b"%d" % number, 1, False)
    assert len(far.sent) == 5
    session.detach(far, 1.0)
    back = Far(Framing(0, 0))
    session.attach(back, window)
    for done in range(7):
        assert len(back.sent) == min(7, done + window)
        first, data = back.sent[done][0], back.sent[done]
        assert bool(first & 8) == (done < 5)
        session.on_puback(int.from_bytes(data[5:7], "big"))
    assert not session.inflight
    assert not session.queue


def test_an_alias_is_told_once_and_not_in_a_packet_that_is_not_sent() -> None:
    framing = Framing(20, 5)
    assert framing.publish(0x30, b"\0\1a", 0, b"x" * 30, b"", (), -1) == b""
    first = framing.publish(0x30, b"\0\1a", 0, b"x", b"", (), -1)
    again = framing.publish(0x30, b"\0\1a", 0, b"x", b"", (), -1)
    assert first == b"\x30\x08\0\1a\x03\x23\0\1x"
    assert again == b"\x30\x07\0\0\x03\x23\0\1x"
