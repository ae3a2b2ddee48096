"""Sessions over real sockets: Diffie-Hellman, codes, encryption, replay, bounds."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.keys import DhPublicKey, decode_public_key, encode_public_key
from millwright.identity.handle.sessions import Session, agree_by_client_key, agree_by_dh, trimmed
from millwright.identity.handle.wire.codes import EnvelopeFlag, Flag, Op, Rc
from millwright.identity.handle.wire.credential import code_holds, coded, decode_credential
from millwright.identity.handle.wire.message import (
    Envelope,
    Message,
    decode_envelope,
    decode_message,
    digest,
    encode_envelope,
    encode_message,
    encode_signed_part,
    split_digest,
)
from millwright.identity.handle.wire.requests import (
    ExchangeKey,
    OfHandle,
    SetupSession,
    WithValues,
    encode_request,
)
from millwright.identity.handle.wire.responses import decode_challenge, decode_session
from support.handle import SECRET, RunningHandle, admin_value, running_handle, value

# RFC 3526, group 14.
P = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6D"
    "F25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
    "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08"
    "CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
V = (2, 11)


class Talk:
    """One connection that speaks in a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.session_id, self.key, self.counter, self.encrypts = 0, b"", 0, False

    async def say(
        self, message: Message, *, counter: int | None = None, bare: bool = False
    ) -> tuple[Envelope, Message]:
        request_id = secrets.randbelow(1 << 30) + 1
        head = Envelope(V, 0, V, self.session_id, request_id, 0, 0)
        if self.key and not bare:
            self.counter += 1
            code = coded(self.key, head, encode_signed_part(message, V), counter or self.counter)
            message = Message(op=message.op, flags=message.flags, body=message.body, credential=code)
        data, flags = encode_message(message, V), 0
        if self.encrypts:
            data, flags = Session(1, "", self.key, 1).encrypt(data, V), int(EnvelopeFlag.ENCRYPTED)
        self.writer.write(encode_envelope(Envelope(V, flags, V, self.session_id, request_id, 0, len(data))) + data)
        envelope = decode_envelope(await self.reader.readexactly(20))
        data = await self.reader.readexactly(envelope.length)
        if envelope.flags & EnvelopeFlag.ENCRYPTED:
            data = Session(1, "", self.key, 1).decrypt(data, V)
        assert envelope.request_id == request_id
        return envelope, decode_message(data)


async def talk(running: RunningHandle) -> Talk:
    return Talk(*await asyncio.open_connection("127.0.0.1", running.port))


async def set_up_by_dh(talk_: Talk) -> None:
    mine = secrets.randbits(320)
    public = encode_public_key(DhPublicKey(pow(2, mine, P), P, 2))
    setup = SetupSession(4, 600, b"", 0, public)
    envelope, answer = await talk_.say(Message(op=Op.SESSION_SETUP, body=encode_request(setup)))
    assert answer.response_code == Rc.SUCCESS
    mode, data = decode_session(answer.body)
    theirs = decode_public_key(data[4:])
    assert isinstance(theirs, DhPublicKey)
    assert (mode, data[:4]) == (4, b"\x00\x00\x00\x03")
    talk_.key = trimmed(pow(theirs.y, mine, P).to_bytes(256, "big"), 32)
    talk_.session_id = envelope.session_id


def create(name: bytes) -> Message:
    body = encode_request(WithValues(b"86.1000.1/" + name, (value(1), admin_value())))
    return Message(op=Op.CREATE_HANDLE, flags=Flag.CERTIFIED, body=body)


async def authenticate(running: RunningHandle, talk_: Talk, message: Message) -> int:
    _, challenge = await talk_.say(message)
    assert challenge.response_code == Rc.AUTHENTICATION_NEEDED
    nonce = decode_challenge(split_digest(challenge)[2])
    credentials = running.client(SECRET)._credentials
    assert credentials is not None
    answer = credentials.answer(nonce, digest(3, encode_signed_part(message, V)), V)
    # As Handle.Net does, without a code.
    _, done = await talk_.say(Message(op=Op.CHALLENGE_RESPONSE, body=encode_request(answer)), bare=True)
    return done.response_code


async def test_a_session_is_authenticated_once(tmp_path: Path) -> None:
    async with running_handle(tmp_path) as running:
        talk_ = await talk(running)
        await set_up_by_dh(talk_)
        assert await authenticate(running, talk_, create(b"one")) == Rc.SUCCESS
        envelope, done = await talk_.say(create(b"two"))
        assert done.response_code == Rc.SUCCESS
        assert code_holds(talk_.key, decode_credential(done.credential), envelope, encode_signed_part(done, V))
        talk_.encrypts = True
        assert (await talk_.say(create(b"three")))[1].response_code == Rc.SUCCESS
        talk_.encrypts = False
        assert (await talk_.say(create(b"four"), counter=2))[1].response_code == Rc.SESSION_MESSAGE_REJECTED
        assert (await talk_.say(create(b"five"), bare=True))[1].response_code == Rc.SESSION_FAILED
        right, talk_.key = talk_.key, bytes(32)
        assert (await talk_.say(create(b"six")))[1].response_code == Rc.INVALID_SESSION_KEY
        talk_.key = right
        end = Message(op=Op.SESSION_TERMINATE, body=encode_request(OfHandle(b"/")))
        assert (await talk_.say(end))[1].response_code == Rc.SUCCESS
        assert (await talk_.say(create(b"seven")))[1].response_code == Rc.SESSION_TIMEOUT
        talk_.writer.close()


async def test_the_servers_and_the_clients_key_make_sessions(tmp_path: Path) -> None:
    key, mine = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    async with running_handle(tmp_path, key=key) as running:
        talk_ = await talk(running)
        setup = Message(op=Op.SESSION_SETUP, body=encode_request(SetupSession(2, 600, b"", 0)))
        envelope, answer = await talk_.say(setup)
        server_key = decode_public_key(decode_session(answer.body)[1])
        assert isinstance(server_key, rsa.RSAPublicKey)
        talk_.session_id = envelope.session_id
        for encrypted, code in (
            (server_key.encrypt(b"k" * 16, padding.PKCS1v15()), Rc.SUCCESS),
            (b"no", Rc.SESSION_FAILED),
        ):
            exchange = Message(op=Op.SESSION_EXCHANGE_KEY, body=encode_request(ExchangeKey(encrypted)))
            assert (await talk_.say(exchange))[1].response_code == code
        talk_.key = b"k" * 16
        assert await authenticate(running, talk_, create(b"one")) == Rc.SUCCESS
        talk_.session_id, talk_.key = 0, b""
        body = encode_request(SetupSession(1, 600, b"", 0, encode_public_key(mine.public_key())))
        envelope, answer = await talk_.say(Message(op=Op.SESSION_SETUP, body=body))
        talk_.session_id = envelope.session_id
        talk_.key = mine.decrypt(decode_session(answer.body)[1], padding.PKCS1v15())[4:]
        assert await authenticate(running, talk_, create(b"two")) == Rc.SUCCESS
        talk_.writer.close()


async def test_sessions_are_bounded(tmp_path: Path) -> None:
    async with running_handle(tmp_path, max_sessions_per_address=2) as running:
        for _ in range(2):
            talk_ = await talk(running)
            await set_up_by_dh(talk_)
            talk_.writer.close()
        talk_ = await talk(running)
        public = encode_public_key(DhPublicKey(pow(2, 99, P), P, 2))
        setup = Message(op=Op.SESSION_SETUP, body=encode_request(SetupSession(4, 600, b"", 0, public)))
        assert (await talk_.say(setup))[1].response_code == Rc.SERVER_BUSY
        talk_.writer.close()


def test_weak_groups_are_refused() -> None:
    for p, g, y in ((23, 5, 4), (P - 1, 2, 4), (P, 1, 4), (P, 2, 1), (P, 2, P - 1), (1 << 5000 | 1, 2, 4)):
        with pytest.raises(MessageError):
            agree_by_dh(encode_public_key(DhPublicKey(y, p, g)))


def test_a_short_rsa_key_makes_no_session() -> None:
    numbers = rsa.RSAPublicNumbers(65537, (1 << 255 | 0x1B) * ((1 << 256) - 189))
    with pytest.raises(MessageError, match="1024"):
        agree_by_client_key(encode_public_key(numbers.public_key()))
