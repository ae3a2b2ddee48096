"""What MQTT 5 adds, packet by packet, against a real listener and a real broker behind it."""

from __future__ import annotations

import asyncio

import pytest

from millwright.devices.mqtt import Refusal, codec, codec5
from millwright.devices.mqtt.packets import Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.properties import Property, write_property
from support.intake import stored_payloads, stored_runs
from support.mqtt import OpenDoor, RawClient, publish_bytes, running_listener, until
from support.mqtt5 import Raw5, connect5_bytes, publish5_bytes, told_in
from support.nats import RunningNats

ALL = [
    (Property.PAYLOAD_FORMAT, 1),
    (Property.CONTENT_TYPE, "text/plain"),
    (Property.RESPONSE_TOPIC, "answers/here"),
    (Property.CORRELATION_DATA, b"\x01\x02"),
    (Property.USER_PROPERTY, ("a", "1")),
    (Property.USER_PROPERTY, ("a", "2")),
]
FORWARDED = b"".join(write_property(identifier, value) for identifier, value in ALL)


async def test_connack_says_what_was_made_of_the_wishes(nats: RunningNats) -> None:
    options = {"receive_maximum": 77, "max_keep_alive_s": 30, "session_expiry_s": 100, "max_topic_aliases": 3}
    async with running_listener(nats.url, **options) as listener:
        wishes = {"session_expiry_s": 0xFFFFFFFF, "wants_response_information": True, "keep_alive_s": 600}
        client = await Raw5.connect(listener.port, "", clean=False, **wishes)
        present, code, told = client.connack
        assert (present, code) == (False, 0)
        assert told.pop(Property.ASSIGNED_CLIENT_ID)
        assert told == {
            Property.RECEIVE_MAXIMUM: 77,
            Property.MAXIMUM_PACKET: 1024 * 1024,
            Property.TOPIC_ALIAS_MAXIMUM: 3,
            Property.SESSION_EXPIRY: 100,
            Property.SERVER_KEEP_ALIVE: 30,
            Property.RESPONSE_INFORMATION: "millwright/v1/",
        }
        await client.close()


async def test_refusals_carry_reason_codes(nats: RunningNats) -> None:
    door = OpenDoor(
        {
            "wrong": Refusal(4, "password", arrival=False),
            "off": Refusal(5, "device_disabled", arrival=False),
            "busy": Refusal(3, "authenticator_failed", arrival=False),
            "quota": Refusal(3, "quota_exceeded", arrival=False),
        }
    )
    async with running_listener(nats.url, door=door) as listener:
        for username, code in (("wrong", 0x86), ("off", 0x87), ("busy", 0x88), ("quota", 0x97)):
            client = await Raw5.connect(listener.port, username=username)
            assert client.connack[1] == code
            await client.close()
        will = Will("forbidden/a", b"", 0, False)
        client = await Raw5.connect(listener.port, will=will)
        assert client.connack[1] == 0x87
        await client.close()
        client = await Raw5.connect(listener.port, authentication_method="SCRAM-SHA-1")
        assert client.connack[1] == 0x8C
        await client.close()
        malformed = bytearray(connect5_bytes())
        malformed[9] |= 1  # the reserved flag
        broken = await RawClient.open(listener.port, bytes(malformed))
        assert (await broken.packet())[1][1] == 0x81
        assert await broken.closed() == b""
        await broken.close()


async def test_properties_of_a_message_reach_the_subscriber_and_an_older_one_gets_the_message(
    nats: RunningNats,
) -> None:
    async with running_listener(nats.url) as listener:
        sender, receiver = await Raw5.connect(listener.port, "s"), await Raw5.connect(listener.port, "r")
        older = await RawClient.connected(listener.port, "old")
        assert await receiver.subscribe(1, ("plant/#", 2), identifier=7) == [2]
        assert await receiver.subscribe(2, ("plant/+", 1), identifier=300) == [1]
        older.send(codec.encode_subscribe(Subscribe(1, [("plant/#", 1)])))
        await older.packet()
        sender.send(publish5_bytes("plant/a", b"text", 1, 5, [*ALL, (Property.MESSAGE_EXPIRY, 60)]))
        assert await sender.packet() == (0x40, b"\x00\x05")
        packet, told = await receiver.message()
        assert (packet.topic, packet.payload, packet.qos, told.forwarded) == ("plant/a", b"text", 1, FORWARDED)
        assert told.identifiers == [7, 300]
        assert 58 <= told[Property.MESSAGE_EXPIRY] <= 60
        assert await older.packet() == (0x32, b"\x00\x07plant/a\x00\x01text")
        older.send(publish_bytes("plant/b", b"plain"))
        packet, told = await receiver.message()
        assert (packet.topic, told.forwarded) == ("plant/b", b"")
        for client in (sender, receiver, older):
            await client.close()
    runs = await stored_runs(nats.url)
    assert [(run.topic, run.payloads) for run in runs] == [("plant/a", [b"text"]), ("plant/b", [b"plain"])]


async def test_identifiers_of_all_subscriptions_that_overlap_are_told_in_one_message(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await Raw5.connect(listener.port)
        await client.subscribe(1, ("a/#", 0), identifier=3)
        await client.subscribe(2, ("a/+", 2), identifier=268_435_455)
        client.send(publish5_bytes("a/b", b"x", 1, 1))
        packets = sorted([await client.packet() for _ in range(2)], reverse=True)
        assert packets[0] == (0x40, b"\x00\x01")
        packet, told = codec5.decode_publish(packets[1][0] & 15, packets[1][1])
        assert (packet.qos, told.identifiers) == (1, [3, 268_435_455])
        await client.close()


async def test_no_local_retain_as_published_and_retain_handling(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        one, two = await Raw5.connect(listener.port, "one"), await Raw5.connect(listener.port, "two")
        await one.subscribe(1, ("a", 0x04))
        await two.subscribe(1, ("a", 0x08))
        one.send(publish5_bytes("a", b"kept", properties=ALL, retain=True))
        packet, _ = await two.message()
        assert (packet.payload, packet.retain) == (b"kept", True)
        assert await one.silent(0.2)
        for options, comes in ((0x20, False), (0x10, False), (0x00, True)):  # "a" is there: 1 sends nothing
            await two.subscribe(2, ("a", options))
            if comes:
                packet, told = await two.message()
                assert (packet.retain, told.forwarded) == (True, FORWARDED)
            else:
                assert await two.silent(0.2)
        fresh = await Raw5.connect(listener.port, "fresh")
        await fresh.subscribe(1, ("a", 0x10))
        assert (await fresh.message())[0].payload == b"kept"
        fresh.send(codec5.encode_unsubscribe(Unsubscribe(2, ["a", "b"])))
        assert await fresh.packet() == (0xB0, b"\x00\x02\x00\x00\x11")
        for client in (one, two, fresh):
            await client.close()


async def test_shared_subscriptions_go_round_among_the_clients_of_one_device(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        workers = [await Raw5.connect(listener.port, f"w{n}", username="device:a") for n in range(3)]
        other = await Raw5.connect(listener.port, "w0", username="device:b")
        for worker in (*workers, other):
            assert await worker.subscribe(1, ("$share/line/jobs/#", 1)) == [1]
            assert await worker.subscribe(2, ("$share/line/test/nosubscribe", 1)) == [0x87]
        sender = await Raw5.connect(listener.port, "s", username="device:a")
        for number in range(6):
            sender.send(publish5_bytes("jobs/x", b"%d" % number, 1, number + 1))
            await sender.packet()
        for start, worker in enumerate(workers):
            taken = [(await worker.message())[0].payload for _ in range(2)]
            assert taken == [b"%d" % start, b"%d" % (start + 3)]
        # Another device's group of the same name is another group.
        assert [(await other.message())[0].payload for _ in range(6)] == [b"%d" % n for n in range(6)]
        await workers[0].close()
        await until(lambda: listener.closed["connection_lost"] == 1)
        sender.send(publish5_bytes("jobs/x", b"next", 1, 9))
        await sender.packet()
        await asyncio.gather(*(worker.silent(0.2) for worker in workers[1:]))
        for client in (*workers[1:], other, sender):
            await client.close()


async def test_aliases_both_ways(nats: RunningNats) -> None:
    async with running_listener(nats.url, max_topic_aliases=2) as listener:
        client = await Raw5.connect(listener.port, alias_maximum=1)
        await client.subscribe(1, ("long/#", 0))
        client.send(publish5_bytes("long/one", b"1", 1, 1, [(Property.TOPIC_ALIAS, 2)]))
        client.send(publish5_bytes("", b"2", 1, 2, [(Property.TOPIC_ALIAS, 2)]))
        client.send(publish5_bytes("long/two", b"3", 1, 3, [(Property.TOPIC_ALIAS, 2)]))
        client.send(publish5_bytes("", b"4", 1, 4, [(Property.TOPIC_ALIAS, 2)]))
        got = []
        acks = []
        while len(got) + len(acks) < 8:
            first, body = await client.packet()
            if first == 0x40:
                acks.append(body[1])
            else:
                packet, told = codec5.decode_publish(first & 15, body)
                got.append((packet.topic, packet.payload, told.get(Property.TOPIC_ALIAS)))
        assert acks == [1, 2, 3, 4]
        assert got == [("long/one", b"1", 1), ("", b"2", 1), ("long/two", b"3", None), ("long/two", b"4", None)]
        client.send(publish5_bytes("", b"5", 1, 5, [(Property.TOPIC_ALIAS, 1)]))
        code, told = await client.goodbye()
        assert (code, bool(told[Property.REASON_STRING])) == (0x94, True)
    runs = [(run.topic, run.payloads) for run in await stored_runs(nats.url)]
    assert runs == [("long/one", [b"1"]), ("long/one", [b"2"]), ("long/two", [b"3"]), ("long/two", [b"4"])]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (publish5_bytes("a", b"x", 1, 1, [(Property.TOPIC_ALIAS, 65)]), 0x94),
        (publish5_bytes("", b"x", 1, 1), 0x90),
        (publish5_bytes("a/#", b"x", 1, 1), 0x90),
        (publish5_bytes("a", b"\xff", 0, 0, [(Property.PAYLOAD_FORMAT, 1)]), 0x99),
        (publish5_bytes("forbidden/a", b"x"), 0x87),
        (publish5_bytes("a", b"x", 0, 0, [(Property.RESPONSE_TOPIC, "a/+")]), 0x90),
        (publish5_bytes("a", b"x", 0, 0, [(Property.SESSION_EXPIRY, 1)]), 0x81),
        (publish5_bytes("a", b"x", 0, 0, [(Property.SUBSCRIPTION_IDENTIFIER, 1)]), 0x81),
        (b"\x36\x05\x00\x01a\x00\x01", 0x81),
        (b"\x32\x03\x00\x01a", 0x81),
        (b"\x32\x05\x00\x01a\x00\x01", 0x81),
        (b"\x30\xff\xff\xff\x7f", 0x95),
        (b"\x82\x02\x00\x01", 0x81),
        (b"\xf0\x00", 0x82),
        (b"\xe0\x07\x00\x05\x11\x00\x00\x00\x0a", 0x82),  # a session that ends with its connection, prolonged
        (b"\x10\x00", 0x82),
        (b"\x00\x00", 0x81),
    ],
)
async def test_what_breaks_the_rules_is_told_with_a_code(nats: RunningNats, data: bytes, code: int) -> None:
    async with running_listener(nats.url) as listener:
        client = await Raw5.connect(listener.port)
        client.send(publish5_bytes("ok", b"before", 0) + data + publish5_bytes("ok", b"after", 0))
        assert (await client.goodbye())[0] == code
    assert await stored_payloads(nats.url) == [b"before"]


async def test_refused_messages_are_answered_in_their_turn_and_the_others_are_kept(nats: RunningNats) -> None:
    async with running_listener(nats.url, commit_delay_ms=30) as listener:
        client = await Raw5.connect(listener.port)
        text = [(Property.PAYLOAD_FORMAT, 1)]
        client.send(
            publish5_bytes("a", b"1", 1, 1)
            + publish5_bytes("forbidden/a", b"x", 1, 2)
            + publish5_bytes("a", "é".encode(), 1, 3, text)
            + publish5_bytes("a", b"\xff", 1, 4, text)
            + publish5_bytes("a", b"\xff", 2, 5, text)
            + publish5_bytes("a", b"2", 2, 6)
        )
        answers = [await client.packet() for _ in range(6)]
        assert [(first, body[:2], body[2:3]) for first, body in answers] == [
            (0x40, b"\x00\x01", b""),
            (0x40, b"\x00\x02", b"\x87"),
            (0x40, b"\x00\x03", b""),
            (0x40, b"\x00\x04", b"\x99"),
            (0x50, b"\x00\x05", b"\x99"),
            (0x50, b"\x00\x06", b""),
        ]
        assert told_in(answers[1][1], 3)[Property.REASON_STRING]
        quiet = await Raw5.connect(listener.port, "quiet", wants_problem_information=False)
        quiet.send(publish5_bytes("forbidden/a", b"x", 1, 2))
        assert await quiet.packet() == (0x40, b"\x00\x02\x87")
        counters = listener.stats()["counters"]
        assert (counters["messages_in"], counters["messages_acked"]) == (3, 3)
        await client.close()
        await quiet.close()
    assert await stored_payloads(nats.url) == [b"1", "é".encode(), b"2"]


async def test_flow_control_holds_both_ways(nats: RunningNats) -> None:
    async with running_listener(nats.url, receive_maximum=3) as listener:
        client = await Raw5.connect(listener.port, "c", receive_maximum=2)
        await client.subscribe(1, ("a", 1))
        sender = await Raw5.connect(listener.port, "s")
        for number in range(1, 6):
            sender.send(publish5_bytes("a", b"%d" % number, 1, number))
            await sender.packet()
        got = [(await client.message())[0] for _ in range(2)]
        assert await client.silent(0.2)
        client.send(codec5.encode_answer(0x40, got[0].packet_id, 0x00))
        assert (await client.message())[0].payload == b"3"
        client.send(codec5.encode_answer(0x40, got[1].packet_id, 0x80, "no, thank you"))
        assert (await client.message())[0].payload == b"4"
        for number in range(1, 4):  # three may be open
            sender.send(publish5_bytes("b", b"x", 2, number))
            assert await sender.packet() == (0x50, number.to_bytes(2, "big"))
        sender.send(codec5.encode_answer(0x62, 1, 0))
        assert await sender.packet() == (0x70, b"\x00\x01")
        sender.send(codec5.encode_answer(0x62, 1, 0))
        assert await sender.packet() == (0x70, b"\x00\x01\x92")  # nothing is known of it any more
        sender.send(publish5_bytes("b", b"x", 2, 4))
        assert await sender.packet() == (0x50, b"\x00\x04")
        sender.send(publish5_bytes("b", b"x", 2, 5))
        assert (await sender.goodbye())[0] == 0x93
        await client.close()


async def test_a_client_gets_no_packet_larger_than_it_takes(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await Raw5.connect(listener.port, "c", maximum_packet=45)
        await client.subscribe(1, ("a", 2))
        client.send(publish5_bytes("a", b"x" * 80, 1, 1) + publish5_bytes("a", b"y", 1, 2))
        packets = [await client.packet() for _ in range(3)]
        assert [body for first, body in packets if first == 0x40] == [b"\x00\x01", b"\x00\x02"]
        assert [body[-1:] for first, body in packets if first != 0x40] == [b"y"]
        assert listener.stats()["counters"]["messages_dropped"] == 1
        client.send(publish5_bytes("forbidden/" + "a" * 60, b"", 1, 3))  # its reason string would be too long
        assert await client.packet() == (0x40, b"\x00\x03\x87")
        client.send(b"\x00\x00")
        assert (await client.goodbye())[0] == 0x81


async def test_a_client_that_takes_no_connack_is_not_served(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await RawClient.open(listener.port, connect5_bytes(maximum_packet=5, session_expiry_s=60))
        assert await client.closed() == b""
        await client.close()
        await until(lambda: listener.closed["packet_too_large"] == 1)
        assert all(session.connection is None for session in listener.exchange.sessions.values())


async def test_expired_messages_are_not_delivered_late(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        away = await Raw5.connect(listener.port, "away", session_expiry_s=60)
        await away.subscribe(1, ("a/#", 1))
        away.send(b"\xe0\x00")
        await away.closed()
        await away.close()
        sender = await Raw5.connect(listener.port, "s")
        for number, (life_s, retain) in enumerate([(1, False), (100, False), (1, True), (100, True)], 1):
            life = [(Property.MESSAGE_EXPIRY, life_s)]
            sender.send(publish5_bytes(f"a/{number}", b"x", 1, number, life, retain=retain))
            await sender.packet()
        await asyncio.sleep(1.2)
        back = await Raw5.connect(listener.port, "away", clean=False, session_expiry_s=60)
        assert back.connack[0]
        got = [await back.message() for _ in range(2)]
        assert [(packet.topic, told[Property.MESSAGE_EXPIRY] < 100) for packet, told in got] == [
            ("a/2", True),
            ("a/4", True),
        ]
        await sender.subscribe(9, ("a/+", 0))
        packet, _told = await sender.message()
        assert (packet.topic, packet.retain) == ("a/4", True)
        assert await sender.silent(0.2)
        listener.exchange.expire(listener.clock.monotonic_s())
        assert len(listener.exchange.retained) == 1
        await back.close()
        await sender.close()


async def test_sessions_live_as_long_as_they_asked(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:

        async def leave(client: Raw5, goodbye: bytes = b"\xe0\x00") -> None:
            client.send(goodbye)
            await client.closed()
            await client.close()

        for asked_s, goodbye, wait_s, present in (
            (0, b"\xe0\x00", 0.0, False),
            (1, b"\xe0\x00", 0.0, True),
            (1, b"\xe0\x00", 1.3, False),
            (1, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x3c", 1.3, True),
            (60, b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00", 0.0, False),
        ):
            client = await Raw5.connect(listener.port, "me", session_expiry_s=asked_s)
            await client.subscribe(1, ("a", 1))
            await leave(client, goodbye)
            await asyncio.sleep(wait_s)
            client = await Raw5.connect(listener.port, "me", clean=False)
            assert client.connack[0] == present, (asked_s, goodbye)
            await leave(client)


async def test_take_over_keep_alive_and_stop_are_told(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        first = await Raw5.connect(listener.port, "same")
        second = await Raw5.connect(listener.port, "same")
        assert (await first.goodbye())[0] == 0x8E
        silent = await Raw5.connect(listener.port, "silent", keep_alive_s=1)
        assert (await silent.goodbye())[0] == 0x8D
        gone = await Raw5.connect(listener.port, "gone", username="device:x")
        listener.disconnect("x", "device_disabled")
        code, told = await gone.goodbye()
        assert (code, told[Property.REASON_STRING]) == (0x87, "device disabled")
    assert (await second.goodbye())[0] == 0x8B


async def test_wills_wait_and_are_withdrawn_when_the_client_is_back(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        watcher = await Raw5.connect(listener.port, "watcher")
        await watcher.subscribe(1, ("wills/#", 1))

        async def vanish(name: str, delay_s: int, expiry_s: int, goodbye: bytes = b"") -> None:
            will = Will(f"wills/{name}", b"gone", 1, False, FORWARDED, delay_s, 50)
            client = await Raw5.connect(listener.port, name, will=will, session_expiry_s=expiry_s)
            client.send(goodbye)
            await client.close()
            await until(lambda: not any(c.session and c.session.client_id == name for c in listener._connections))

        async def told() -> tuple[str, bytes]:
            packet, properties = await watcher.message()
            watcher.send(codec5.encode_answer(0x40, packet.packet_id, 0))
            assert properties[Property.MESSAGE_EXPIRY] <= 50
            return packet.topic, properties.forwarded

        await vanish("polite", 0, 0, b"\xe0\x00")
        await vanish("at-once", 0, 60)
        assert await told() == ("wills/at-once", FORWARDED)
        await vanish("asked", 0, 0, b"\xe0\x01\x04")
        assert await told() == ("wills/asked", FORWARDED)
        await vanish("no-session", 60, 0)  # its session ends at once, and its will with it
        assert await told() == ("wills/no-session", FORWARDED)
        await vanish("back", 1, 60)
        back = await Raw5.connect(listener.port, "back", clean=False)
        assert await watcher.silent(1.3)
        await vanish("late", 1, 60)
        assert await told() == ("wills/late", FORWARDED)
        await vanish("anew", 60, 60)
        anew = await Raw5.connect(listener.port, "anew", clean=True)  # the session of before is over
        assert await told() == ("wills/anew", FORWARDED)
        await vanish("stop", 60, 60)
        for client in (back, anew):
            await client.close()
        stopping = asyncio.create_task(listener.stop())
        assert await told() == ("wills/stop", FORWARDED)
        await stopping
        await watcher.close()
    assert (await stored_runs(nats.url))[-1].topic == "wills/stop"
