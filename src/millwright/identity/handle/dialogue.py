"""One request and its answer: sessions and credentials on the way in, digest and credential on the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from millwright.identity.handle.challenges import Answered
from millwright.identity.handle.errors import MessageError, denied
from millwright.identity.handle.fastpath import ANSWER_LIFE_S, KEPT_FLAGS
from millwright.identity.handle.model import Reference
from millwright.identity.handle.sessions import Session
from millwright.identity.handle.wire.codes import LATEST, EnvelopeFlag, Flag, Op, Rc, effective
from millwright.identity.handle.wire.credential import code_holds, coded, decode_credential, signed_response
from millwright.identity.handle.wire.message import (
    HEADER_BYTES,
    Envelope,
    Message,
    decode_message,
    digest,
    digest_kind,
    encode_digest,
    encode_message,
    encode_signed_part,
)

if TYPE_CHECKING:
    from millwright.identity.handle.service import HandleService

_OUTSIDE_SESSIONS = {Op.SESSION_SETUP, Op.SESSION_EXCHANGE_KEY}


class Peer:
    """Who asks: an address, or a connection from it, on which somebody may have logged in."""

    __slots__ = ("address", "identity", "transport")

    def __init__(self, address: str, transport: Literal["udp", "tcp"]) -> None:
        self.address = address
        self.transport = transport
        self.identity: Reference | None = None


class Outcome(Struct, frozen=True):
    """A response: its code and body; several bodies make a message that is continued (TCP only).

    ``paged``: taking the next body blocks, and may raise the families of the node. ``until_s``: it was said by another
    server, and holds until then.
    """

    code: int
    bodies: Iterable[bytes]
    with_digest: bool = False
    flags: int = 0
    paged: bool = False
    until_s: int | None = None


class Dialogue:
    """A request that was read, and what its answer needs to know."""

    def __init__(self, service: HandleService, peer: Peer, envelope: Envelope, data: bytes) -> None:
        self._service = service
        self.peer = peer
        self.envelope = envelope
        self.message = decode_message(data)
        # The very bytes, for digests and codes.
        self.signed_part = data[: HEADER_BYTES + len(self.message.body)]
        self.version = envelope.version if envelope.version[0] == 5 else min(envelope.version, LATEST)
        # A signature is made by the rules of the newest version that the peer says it knows: CAICT's ID-SDK speaks 2.3
        # and checks by those of 2.8.
        if self.message.flags & Flag.CERTIFIED and self.version < envelope.suggested and not envelope.session_id:
            self.version = min(envelope.suggested, LATEST)
        self.session: Session | None = None
        self.session_id = envelope.session_id
        self.op = self.message.op
        self.original: Message | None = None
        """The request that a challenge was about, when this is the answer to it."""
        self.answered: Answered | None = None
        self.repeated: bytes | None = None

    @classmethod
    def open(cls, service: HandleService, peer: Peer, envelope: Envelope, data: bytes) -> Dialogue | None:
        """Read a message; ``None`` for one that deserves no answer. Raises ``MessageError``."""
        session = None
        if envelope.flags & EnvelopeFlag.COMPRESSED:
            raise MessageError("it is compressed")
        if envelope.flags & EnvelopeFlag.ENCRYPTED:
            session = service.sessions.find(envelope.session_id, service.clock.monotonic_s())
            if session is None or not session.key:
                raise MessageError("it is encrypted and there is no such session")
            data = session.decrypt(data, envelope.version)
        dialogue = cls(service, peer, envelope, data)
        # An answer is never answered: two servers could keep each other busy.
        return None if dialogue.message.response_code else dialogue

    @property
    def flags(self) -> int:
        """The flags of the request to be done."""
        return (self.original or self.message).flags

    @property
    def identity(self) -> Reference | None:
        """Who has proved to be here: in this session, or by a login on this connection."""
        return self.session.identity if self.session is not None else self.peer.identity

    @property
    def signs(self) -> bool:
        """Whether the answer is to be signed by the server's key."""
        asked = (self.message.flags | self.flags) & Flag.CERTIFIED
        return bool(asked) and self._service.key is not None and not self._codes

    @property
    def _codes(self) -> bool:
        return self.session is not None and self.op not in _OUTSIDE_SESSIONS

    def request_digest(self) -> bytes:
        """The digest of this message."""
        return digest(digest_kind(self.version), self.signed_part)

    def authenticate_session(self) -> None:
        """Find the session that the message is of and check its code. Raises ``Denied`` with a session's error code."""
        envelope, service = self.envelope, self._service
        if not envelope.session_id or self.message.op in _OUTSIDE_SESSIONS:
            return
        session = service.sessions.find(envelope.session_id, service.clock.monotonic_s())
        if session is None:
            # A challenge outside a session has an id of the same kind.
            if self.message.op == Op.CHALLENGE_RESPONSE:
                return
            if self.peer.transport == "tcp" and not self.message.credential:
                # The national network's id-pointer-sdk numbers its connections so. Who it is was proven on the
                # connection, as without a number; a message of a real session has a code.
                return
            raise denied("there is no such session, or no longer", Rc.SESSION_TIMEOUT)
        if self.message.op == Op.CHALLENGE_RESPONSE and not self.message.credential:
            # Handle.Net leaves it out here: who answers a challenge is proven by the answer.
            self.session = session
            return
        if not session.key or not self.message.credential:
            raise denied("a message of a session needs its code", Rc.SESSION_FAILED)
        credential = decode_credential(self.message.credential)
        if not code_holds(session.key, credential, envelope, self.signed_part):
            raise denied("the code of the message was not made with the session's key", Rc.INVALID_SESSION_KEY)
        if effective(envelope.version) >= (2, 5) and not session.take_counter(credential.counter):
            raise denied("this message of the session came before", Rc.SESSION_MESSAGE_REJECTED)
        service.sessions.keep(session, service.clock.monotonic_s())
        self.session = session

    def answer(self, outcome: Outcome) -> Iterator[tuple[Envelope, bytes]]:
        """The response, as envelopes and what follows each."""
        if self.repeated is not None:
            yield self._envelope(self.repeated), self.repeated
            return
        bodies = iter(outcome.bodies)
        body = next(bodies)
        for following in bodies:
            yield self._one(outcome, body, continued=True)
            body = following
        yield self._one(outcome, body, continued=False)

    def _envelope(self, data: bytes, flags: int = 0) -> Envelope:
        return Envelope(self.version, flags, LATEST, self.session_id, self.envelope.request_id, 0, len(data))

    def _one(self, outcome: Outcome, body: bytes, *, continued: bool) -> tuple[Envelope, bytes]:
        service, asked = self._service, self.message.flags | self.flags
        flags = asked & KEPT_FLAGS | outcome.flags
        if service.site.primary and outcome.until_s is None:
            flags |= Flag.AUTHORITATIVE
        if continued:
            flags |= Flag.CONTINUOUS
        if outcome.with_digest or self.message.flags & Flag.REQUEST_DIGEST:
            kind = digest_kind(self.version)
            if kind:
                flags |= Flag.REQUEST_DIGEST
                body = encode_digest(kind, self.request_digest()) + body
        expires_s = service.clock.now_ms() // 1000 + ANSWER_LIFE_S
        message = Message(
            op=self.op,
            response_code=outcome.code,
            flags=flags,
            site_serial=service.site.serial,
            expires_s=expires_s if outcome.until_s is None else min(expires_s, outcome.until_s),
            body=body,
        )
        if asked & Flag.CERTIFIED:
            message = replace(message, credential=self._credential(message))
        data = encode_message(message, self.version)
        encrypt = asked & Flag.ENCRYPTED or self.envelope.flags & EnvelopeFlag.ENCRYPTED
        if self.session is not None and encrypt:
            return self._sealed(self.session.encrypt(data, self.version))
        return self._envelope(data), data

    def _sealed(self, data: bytes) -> tuple[Envelope, bytes]:
        return self._envelope(data, EnvelopeFlag.ENCRYPTED), data

    def _credential(self, message: Message) -> bytes:
        signed_part, envelope = encode_signed_part(message, self.version), self._envelope(b"")
        if self.session is not None and self._codes:
            return coded(self.session.key, envelope, signed_part, self.session.next_counter())
        if self._service.key is None:
            return b""
        return signed_response(self._service.key, envelope, signed_part)
