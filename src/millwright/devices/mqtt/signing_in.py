"""From a CONNECT to its CONNACK: who the client is, in one step or by a challenge, and what it gets."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from millwright.devices.mqtt import codec, codec5
from millwright.devices.mqtt.codec5 import Authentication
from millwright.devices.mqtt.errors import ProtocolError
from millwright.devices.mqtt.packets import Connect, ConnectCode, Reason, StoredWill, Will
from millwright.devices.mqtt.ports import Principal, Refusal
from millwright.devices.mqtt.properties import Property
from millwright.devices.mqtt.topics import OWN_PREFIX, is_reserved
from millwright.kernel import new_id

if TYPE_CHECKING:
    from millwright.devices.mqtt.connection import Connection
    from millwright.devices.mqtt.listener import MqttListener
    from millwright.devices.mqtt.shards.shards import Shards

logger = logging.getLogger(__name__)

METHOD: Final = "X509-SIGNATURE"
"""The authentication method: the device's certificate, and a signature over our challenge by its key."""

_MOST_CERTIFICATE: Final = 16 * 1024


class SigningIn:
    """One attempt; the connection drops it when it is over."""

    __slots__ = ("_body", "_connection", "_gone", "_listener", "keep_alive_s", "packet", "will")

    def __init__(self, connection: Connection, listener: MqttListener, packet: Connect, body: bytes) -> None:
        self._connection, self._listener, self.packet, self._body = connection, listener, packet, body
        self._gone: asyncio.Future[None] | None = None
        self.keep_alive_s = packet.keep_alive_s
        self.will: StoredWill | None = None
        """The client's will, as the journal has it."""

    def abandon(self) -> None:
        """The connection ended meanwhile."""
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def start(self) -> None:
        """Find out who it is."""
        connection, packet = self._connection, self.packet
        method = packet.authentication_method
        if method is None:
            connection.wait()
            self._listener.run(self._sign_in())
            return
        if method != METHOD or self._listener.settings.client_certificates == "off":
            connection.refuse(ConnectCode.NOT_AUTHORIZED, "bad_authentication_method")
            return
        proved = connection.origin.proved if connection.origin is not None else b""
        if proved:  # to the process that handed it over
            connection.challenge = Challenge(connection, self._listener, proved, packet.client_id, None)
            connection.wait()
            self._listener.run(self._sign_in())
            return
        certificate = packet.authentication_data
        if not 0 < len(certificate) <= _MOST_CERTIFICATE:
            connection.refuse(ConnectCode.BAD_CREDENTIALS, "refused_certificate_missing")
            return
        connection.challenge = Challenge(connection, self._listener, certificate, packet.client_id, self)
        connection.challenge.ask()

    async def _sign_in(self) -> None:
        """Ask the authenticator, when it is this address's turn."""
        connection, packet, listener = self._connection, self.packet, self._listener
        async with listener.gate.turn(connection.address):
            if not connection.waiting:
                return
            outcome = await listener.authenticate(
                packet.username, packet.password, packet.client_id, connection.peer, connection.certificate
            )
            self.finish(outcome)

    def finish(self, outcome: Principal | Refusal) -> None:
        """Let the client in, or refuse it."""
        connection, packet, listener = self._connection, self.packet, self._listener
        if not connection.waiting:
            return
        if isinstance(outcome, Refusal):
            listener.report_refusal(packet.username, packet.client_id, connection.peer, outcome)
            connection.refuse(outcome.code, f"refused_{outcome.reason}")
        elif packet.will is not None and (is_reserved(packet.will.topic) or not outcome.may_publish(packet.will.topic)):
            connection.refuse(ConnectCode.NOT_AUTHORIZED, "not_authorized")
        elif listener.shards is not None and not listener.shards.owns(outcome.device_id):
            self._pass_on(listener.shards, outcome.device_id)
        elif packet.will is not None:
            listener.run(self._let_in_with_will(outcome, packet.will))
        else:
            self._let_in(outcome, packet.client_id or new_id("auto"))

    def _pass_on(self, shards: Shards, device_id: str) -> None:
        """The device belongs to another process."""
        connection = self._connection
        if connection.origin is not None:  # the other one thinks so of us
            connection.refuse(ConnectCode.SERVER_UNAVAILABLE, "refused_elsewhere")
            return
        proved = connection.challenge.certificate if connection.challenge is not None else b""
        connect = codec.packet_bytes(0x10, self._body)
        self._listener.run(shards.hand_over(connection, device_id, connect, proved))

    async def _let_in_with_will(self, principal: Principal, will: Will) -> None:
        """Let a client in whose will is written down first: from its CONNACK on it can rely on it."""
        connection, wills = self._connection, self._listener.wills
        client_id = self.packet.client_id or new_id("auto")
        stored, kept = wills.keep(principal.device_id, client_id, will, self._expiry_s())
        gone = self._gone = self._listener.loop.create_future()
        if connection.waiting:
            await asyncio.wait((kept, gone), return_when=asyncio.FIRST_COMPLETED)
        if not kept.done():  # a client that tries again and again while the broker is away leaves nothing behind
            wills.withdraw(stored)
            return
        if connection.waiting:
            self.will = stored
            self._let_in(principal, client_id)
        if not connection.connected:
            wills.drop(stored)

    def _let_in(self, principal: Principal, client_id: str) -> None:
        connection, packet, listener = self._connection, self.packet, self._listener
        settings, five = listener.settings, packet.level == codec5.LEVEL
        if not listener.has_room_for(principal.device_id, client_id):
            connection.refuse(ConnectCode.SERVER_UNAVAILABLE, "device_connections_full")
            return
        expiry_s = self._expiry_s()
        session, present = listener.open_session(
            principal.device_id, client_id, packet.clean_session, expiry_s, principal.organisation_id
        )
        if session is None:
            connection.refuse(ConnectCode.SERVER_UNAVAILABLE, "sessions_full")
            return
        if five:
            if settings.max_keep_alive_s and not 0 < self.keep_alive_s <= settings.max_keep_alive_s:
                self.keep_alive_s = settings.max_keep_alive_s
            connack = codec5.encode_connack(0, present, self._told(client_id, expiry_s))
        else:
            connack = codec.encode_connack(ConnectCode.ACCEPTED, present)
        connection.accept(self, session, present, principal, connack)

    def _expiry_s(self) -> int:
        """How long the client's session outlives its connection."""
        packet, most_s = self.packet, self._listener.settings.session_expiry_s
        if packet.level == codec5.LEVEL:
            return min(packet.session_expiry_s, most_s)
        return 0 if packet.clean_session else most_s

    def _told(self, client_id: str, expiry_s: int) -> list[tuple[int, Any]]:
        """What a CONNACK of MQTT 5 says of us and of what was made of the client's wishes."""
        packet, settings = self.packet, self._listener.settings
        told: list[tuple[int, Any]] = [
            (Property.RECEIVE_MAXIMUM, settings.receive_maximum),
            (Property.MAXIMUM_PACKET, settings.max_packet_bytes),
            (Property.TOPIC_ALIAS_MAXIMUM, settings.max_topic_aliases),
        ]
        if expiry_s != packet.session_expiry_s:
            told.append((Property.SESSION_EXPIRY, expiry_s))
        if not packet.client_id:
            told.append((Property.ASSIGNED_CLIENT_ID, client_id))
        if self.keep_alive_s != packet.keep_alive_s:
            told.append((Property.SERVER_KEEP_ALIVE, self.keep_alive_s))
        if packet.wants_response_information:
            told.append((Property.RESPONSE_INFORMATION, OWN_PREFIX))
        if packet.authentication_method is not None:
            told.append((Property.AUTHENTICATION_METHOD, packet.authentication_method))
        return told


class Challenge:
    """Proves that the client has the key of a certificate, as often as it asks to be looked at again (4.12).

    The client sends its certificate (DER), we a challenge, and it what it signed: :func:`.signatures.signed_text`.
    Whether the certificate is one of a device's is for the authenticator to say, as after a TLS handshake.
    """

    __slots__ = ("_certificate", "_challenge", "_client_id", "_connection", "_listener", "_signing_in", "_verifying")

    def __init__(
        self,
        connection: Connection,
        listener: MqttListener,
        certificate: bytes,
        client_id: str,
        first: SigningIn | None,
    ) -> None:
        self._connection, self._listener = connection, listener
        self._certificate, self._client_id = certificate, client_id
        self._signing_in = first
        self._challenge = b""
        self._verifying = False

    @property
    def certificate(self) -> bytes:
        """The certificate that is looked at (DER)."""
        return self._certificate

    def ask(self) -> None:
        """Send a challenge; it is good for one answer."""
        self._challenge = secrets.token_bytes(32)
        self._connection.ask(Authentication(Reason.CONTINUE_AUTHENTICATION, METHOD, self._challenge))

    def on_auth(self, packet: Authentication) -> None:
        """The client's answer, or its wish to be looked at again."""
        if packet.method != METHOD or self._verifying:
            raise ProtocolError("protocol_error", "An AUTH is of another method, or comes while one is looked at.")
        if packet.reason == Reason.REAUTHENTICATE:
            if self._signing_in is not None:
                raise ProtocolError("protocol_error", "An AUTH asks for what has not happened yet.")
            if 0 < len(packet.data) <= _MOST_CERTIFICATE:
                self._certificate = packet.data
            self.ask()
            return
        challenge, self._challenge = self._challenge, b""
        if not challenge:
            raise ProtocolError("protocol_error", "An AUTH answers what was not asked.")
        self._verifying = True
        if self._signing_in is not None:
            self._connection.wait()
        self._listener.run(self._verify(challenge, packet.data))

    async def _verify(self, challenge: bytes, signature: bytes) -> None:
        connection, listener = self._connection, self._listener
        try:
            async with listener.gate.turn(connection.address):
                outcome = await self._look(challenge, signature)
        finally:
            self._verifying = False
        signing_in, self._signing_in = self._signing_in, None
        if signing_in is not None:
            if not isinstance(outcome, Refusal):
                connection.certificate = hashlib.sha256(self._certificate).digest()
            signing_in.finish(outcome)
        elif connection.connected:
            if isinstance(outcome, Refusal):
                connection.close(outcome.reason)
                return
            connection.certificate = hashlib.sha256(self._certificate).digest()
            connection.renew(outcome)
            if connection.connected:
                connection.ask(Authentication(Reason.SUCCESS, METHOD))

    async def _look(self, challenge: bytes, signature: bytes) -> Principal | Refusal:
        from millwright.devices.mqtt.signatures import verify  # the listener does without cryptography until here

        wrong = await asyncio.to_thread(
            verify, self._certificate, challenge, self._client_id, signature, self._listener.clock.now_ms()
        )
        if wrong:
            return Refusal(ConnectCode.BAD_CREDENTIALS, wrong, arrival=False)
        fingerprint = hashlib.sha256(self._certificate).digest()
        return await self._listener.authenticate(None, None, self._client_id, self._connection.peer, fingerprint)
