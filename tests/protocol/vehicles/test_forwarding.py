"""Forwarding to a public platform: a second server stands for it, and its link is cut, refused and slow to answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from millwright.devices.intake import FRAME_VERSION, Frame, Run, encode_frame
from millwright.devices.vehicles import writing
from millwright.devices.vehicles.forwarding import STREAM, ForwardedIntake, Forwarder, reissued, spec_of, targets_of
from millwright.devices.vehicles.frames import Answer, Command, Message, answer_to, decode, encode
from millwright.engines.nats import NatsConnection
from millwright.kernel import Invalid, SystemClock, Unavailable
from support.mqtt import until
from support.nats import RunningNats
from support.ports import free_port
from support.vehicles import VIN, T, electric

SPEC = spec_of(1, 64)


class PublicPlatform:
    """Answers as one does; ``lets_in`` and ``refuses`` (times by VIN and time) say how."""

    def __init__(self) -> None:
        self.port = free_port()
        self.lets_in = True
        self.answers = True
        self.refuses: dict[bytes, int] = {}
        self.ignores: set[bytes] = set()
        self.got: list[Message] = []
        self.logins = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Go away, in the middle of whatever it is."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from millwright.devices.vehicles.frames import FrameReader

        frames = FrameReader()
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                for message in frames.feed(data):
                    self._take(message, writer)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        assert message.sound
        if message.command == Command.PLATFORM_LOGIN:
            self.logins += 1
            assert message.data[8:] == b"city".ljust(12, b"\0") + b"secret".ljust(20, b"\0") + b"\x01"
            writer.write(answer_to(message, Answer.SUCCESS if self.lets_in else Answer.ERROR))
            return
        if not self.answers:
            return
        if message.clock in self.ignores:
            return
        if self.refuses.get(message.clock, 0):
            self.refuses[message.clock] -= 1
            writer.write(answer_to(message, Answer.ERROR))
            return
        self.got.append(message)
        writer.write(answer_to(message, Answer.SUCCESS))


class Nowhere:
    async def commit(self, frame: bytes, message_id: str) -> None: ...


class Enterprise:
    """What a node's server appends."""

    def __init__(self, nats: NatsConnection) -> None:
        self._intake, self._sent = ForwardedIntake(Nowhere(), nats), 0

    async def say(self, *payloads: bytes) -> None:
        run = Run("dev_car", "gbt32960/2016", SystemClock().now_ms(), 0, list(payloads))
        self._sent += 1
        await self._intake.commit(encode_frame(Frame(FRAME_VERSION, "v", [run])), f"m{self._sent}")


def forwarder(platform: PublicPlatform, nats: NatsConnection) -> Forwarder:
    (target,) = targets_of(f"gbt32960://city:secret@127.0.0.1:{platform.port}?code=CITYPLATFORM00001")
    return Forwarder(target, nats, SystemClock(), SPEC)


@pytest.mark.timeout(120)
async def test_in_order_and_nothing_lost_through_a_cut(nats: RunningNats) -> None:
    bus = NatsConnection(nats.url, "test")
    await bus.start()
    platform = PublicPlatform()
    await platform.start()
    away = forwarder(platform, bus)
    await away.start()
    try:
        enterprise = Enterprise(bus)
        await until(lambda: away.connected, 20)
        reports = [electric(time_ms=T + 1000 * number) for number in range(40)]
        await enterprise.say(writing.login(VIN, T, 1, "card"), *reports[:10])
        await until(lambda: len(platform.got) == 11, 20)
        assert {each.command for each in platform.got} == {Command.LOGIN, Command.REALTIME}
        platform.answers = False  # it dies with messages it never answered
        await enterprise.say(*reports[10:20])
        await until(lambda: away.forwarded == 11, 20)
        await platform.cut()
        await until(lambda: not away.connected, 20)
        await enterprise.say(*reports[20:30])
        platform.answers = True
        await platform.start()
        await until(lambda: len(platform.got) == 31, 60)
        late = platform.got[11:]
        assert {each.command for each in late} == {Command.REISSUED}
        assert [each.raw for each in late] == [reissued(raw) for raw in reports[10:30]]
        await enterprise.say(*reports[30:])
        await until(lambda: len(platform.got) == 41, 20)
        assert [each.raw for each in platform.got[31:]] == reports[30:]
        assert away.problems() == []

        await away.stop()  # another process goes on where this one stood
        await enterprise.say(writing.logout(VIN, T + 50_000, 1))
        again = forwarder(platform, bus)
        await again.start()
        await until(lambda: len(platform.got) == 42, 30)
        await until(lambda: again.position > 0, 20)
        await again.stop()
        assert platform.got[-1].command == Command.LOGOUT
        assert (await bus.state(STREAM)).last_sequence == again.position
    finally:
        await away.stop()
        await platform.cut()
        await bus.stop()


@pytest.mark.timeout(60)
async def test_who_does_not_let_us_in_and_what_is_refused(nats: RunningNats, monkeypatch: Any) -> None:
    monkeypatch.setattr("millwright.devices.vehicles.forwarding._RETRY_S", (0.05, 0.2))
    bus = NatsConnection(nats.url, "test")
    await bus.start()
    platform = PublicPlatform()
    platform.lets_in = False
    await platform.start()
    away = forwarder(platform, bus)
    await away.start()
    try:
        await until(lambda: bool(away.problems()), 20)
        assert away.problems()[0]["code"] == "vehicles.forward_refused"
        assert "secret" not in away.problems()[0]["message"]
        platform.lets_in = True
        await until(lambda: away.connected, 20)
        one, two, three = (electric(time_ms=T + 1000 * number) for number in range(3))
        platform.refuses = {decode(one).clock: 2, decode(two).clock: 99}
        await Enterprise(bus).say(one, two, three)
        await until(lambda: away.position > 0, 20)
        assert {each.clock for each in platform.got} == {decode(one).clock, decode(three).clock}
        assert (away.forwarded, away.given_up) == (2, 1)
    finally:
        await away.stop()
        await platform.cut()
        await bus.stop()


@pytest.mark.timeout(60)
async def test_what_is_never_answered_does_not_stand_before_the_rest(nats: RunningNats, monkeypatch: Any) -> None:
    monkeypatch.setattr("millwright.devices.vehicles.forwarding._RETRY_S", (0.05, 0.2))
    monkeypatch.setattr("millwright.devices.vehicles.forwarding._ANSWER_S", 1.0)
    bus = NatsConnection(nats.url, "test")
    await bus.start()
    platform = PublicPlatform()
    await platform.start()
    away = forwarder(platform, bus)
    await away.start()
    try:
        enterprise = Enterprise(bus)
        short = [encode(Command.REALTIME, VIN, bytes(size)) for size in range(6)]
        for _ in range(12):  # more than may be on their way at once
            await enterprise.say(*short)
        one, two, three = (electric(time_ms=T + 1000 * number) for number in range(3))
        platform.ignores = {decode(two).clock}
        await enterprise.say(one, two, three)
        await until(lambda: away.position == 13, 40)
        assert {each.clock for each in platform.got} == {decode(one).clock, decode(three).clock}
        assert away.given_up == 1
        assert [each["code"] for each in away.problems()] == ["vehicles.forward_given_up"]
        four = electric(time_ms=T + 4000)
        await enterprise.say(four)
        await until(lambda: away.position == 14, 20)
        assert platform.got[-1].clock == decode(four).clock
    finally:
        await away.stop()
        await platform.cut()
        await bus.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        "http://city:secret@host:1", "gbt32960://host:1", "gbt32960://city:secret@host", "gbt32960://a:b@host:x",
        "gbt32960://thirteen-signs:b@host:1", f"gbt32960://a:{'b' * 21}@host:1", f"gbt32960://a:b@h:1?code={'c' * 18}",
    ],
)  # fmt: skip
def test_a_wrong_target_is_told_without_its_secret(wrong: str) -> None:
    with pytest.raises(Invalid) as caught:
        targets_of(wrong)
    assert caught.value.code == "vehicles.forward_invalid"
    assert "secret" not in caught.value.message


def test_a_report_becomes_a_re_issued_one() -> None:
    assert decode(reissued(electric())) == decode(electric(command=0x03))
    login = writing.login(VIN, T, 1, "card")
    assert reissued(login) == login


async def test_what_the_intake_refuses_for_long_is_kept_once() -> None:
    """Longer than the stream recognises an id for."""

    class Full:
        tries = 0

        async def commit(self, frame: bytes, message_id: str) -> None:
            del frame, message_id
            self.tries += 1
            if self.tries % 3:
                raise Unavailable("It is full.", code="devices.intake_unavailable")

    appended: list[str] = []

    class Stream:
        async def append(self, *_: Any, message_id: str, **__: Any) -> None:
            appended.append(message_id)

    intake = ForwardedIntake(Full(), Stream())  # type: ignore[arg-type]
    for message_id in ("m1", "m2"):
        for _ in range(2):
            with pytest.raises(Unavailable):
                await intake.commit(b"x", message_id)
        await intake.commit(b"x", message_id)
    assert appended == ["m1", "m2"]
    assert not intake._appended
