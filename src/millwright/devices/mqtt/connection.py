"""One client's connection: from CONNECT to its end (MQTT 3.1.1 and 5.0, 3 and 4), plain, over TLS or WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from millwright.devices.mqtt import codec, codec5
from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.dialogue import acknowledge, handle
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.framing import Framing
from millwright.devices.mqtt.ingest import HAND_OVER_BYTES, Ingest
from millwright.devices.mqtt.ingest5 import Ingest5
from millwright.devices.mqtt.packets import ConnectCode, PacketType, StoredWill
from millwright.devices.mqtt.ports import Principal, Refusal
from millwright.devices.mqtt.reasons import SILENT, code_of, connect_code_of
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.signing_in import Challenge, SigningIn
from millwright.devices.mqtt.state import State
from millwright.devices.mqtt.tls import fingerprint_of
from millwright.devices.mqtt.websocket import REQUEST_STARTS, WebSocket

if TYPE_CHECKING:
    from millwright.devices.mqtt.listener import MqttListener
    from millwright.devices.mqtt.shards.handover import Origin

_MAX_CONNECT_BYTES = 256 * 1024
_CLOSE_TIMEOUT_S = 5.0
_LINGER_S = 2.0
_ASK_AGAIN_S = 5.0
_LONGEST_HOLD_S = 3600.0
"""Then a little is read again, so that a client that left is noticed; one that comes back takes over at once."""


class Connection(asyncio.Protocol):
    """Reads packets, answers them, and hands what is published to the committer.

    Any broken rule ends the connection with a counted reason; nothing a client sends raises beyond
    :meth:`data_received`.
    """

    __slots__ = (
        "_again",
        "_held",
        "_hold",
        "_ingest",
        "_keep_alive_s",
        "_listener",
        "_overdue",
        "_partial",
        "_password",
        "_read_s",
        "_signing_in",
        "_slow",
        "_timer",
        "_transport",
        "_wanted",
        "_web",
        "_will",
        "address",
        "certificate",
        "challenge",
        "framing",
        "last_seen_ms",
        "level",
        "origin",
        "peer",
        "principal",
        "session",
        "state",
        "username",
    )

    def __init__(self, listener: MqttListener, origin: Origin | None = None) -> None:
        self._listener = listener
        self.origin = origin
        """Where it comes from when another process of this listener accepted it."""
        self._transport: asyncio.Transport | WebSocket | None = None
        self._web: WebSocket | None = None
        self._signing_in: SigningIn | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._partial: bytearray | None = None
        self._wanted = 0
        self._held = b""
        self._read_s = 0.0
        self._keep_alive_s = 0.0
        self._overdue = False
        self._again: asyncio.TimerHandle | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._slow = False
        self._will: StoredWill | None = None
        self._ingest: Ingest | None = None
        self._password: bytes | None = None
        self.username: str | None = None
        self.certificate = b""
        """SHA-256 of the certificate that the client proved to have; empty without one."""
        self.level = 4
        """The protocol's level: 3, 4 or, with MQTT 5, 5."""
        self.framing: Framing | None = None
        """How the client gets its messages when it speaks MQTT 5."""
        self.challenge: Challenge | None = None
        """What proved the client's identity in more than one step (MQTT 5, 4.12); it may be asked for again."""
        self.state = State.NEW
        self.address = ""
        self.peer = ""
        self.last_seen_ms = 0
        self.session: Session | None = None
        self.principal: Principal | None = None

    # --- the socket ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; it has ``connect_timeout_s`` to say who it is."""
        self._transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        if isinstance(name, tuple):
            self.address, self.peer = name[0], f"{name[0]}:{name[1]}"
        self.certificate = fingerprint_of(transport)
        origin = self.origin
        if origin is not None:
            self.address, self.peer, self.certificate = origin.address, origin.peer, origin.certificate
        refused = self._listener.admit(self)
        if refused:
            self.close(refused, abort=True)
            return
        loop = self._listener.loop
        self._timer = loop.call_later(self._listener.settings.connect_timeout_s, self.close, "connect_timeout")
        if origin is not None:
            self.data_received(origin.read)

    @property
    def connected(self) -> bool:
        """Whether the client has signed in and is here."""
        return self.state is State.CONNECTED

    @property
    def waiting(self) -> bool:
        """Whether it is being found out who the client is."""
        return self.state is State.AUTHENTICATING

    @property
    def held(self) -> bytes:
        """What was read beyond the CONNECT."""
        return self._held

    def ways(self) -> tuple[asyncio.Transport | WebSocket | None, asyncio.Transport | None]:
        """What packets are sent on, and what that stands on."""
        transport = self._transport
        return transport, transport.stream if isinstance(transport, WebSocket) else transport

    def leave(self) -> None:
        """Another process serves the client from now on: nothing ends with this."""
        self.state, self._transport, self._signing_in, self.challenge = State.CLOSED, None, None, None
        self._stop_timer()
        self._listener.passed_on(self)

    def _is(self, state: State) -> bool:
        return self.state is state

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
            self._listener.held -= 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The socket is closed."""
        self._end("connection_lost")
        self._transport = None
        self._listener.forget(self)

    def data_received(self, data: bytes) -> None:
        """What one read brought: any number of packets, the last one perhaps in part."""
        if self.state is State.CLOSED:
            return
        listener = self._listener
        self._read_s = listener.loop.time()
        self.last_seen_ms = listener.clock.now_ms()
        listener.bytes_in += len(data)
        if self._web is not None:
            self._feed_web(self._web, data)
        elif self.state is State.NEW and data[:1] == REQUEST_STARTS and self._partial is None:
            self._open_web(data)
        else:
            self._feed(data)

    def _open_web(self, data: bytes) -> None:
        """The client speaks HTTP: it wants WebSocket, with MQTT in it."""
        settings, transport = self._listener.settings, self._transport
        if not settings.websocket or transport is None or isinstance(transport, WebSocket):
            self._feed(data)
            return
        self._transport = self._web = WebSocket(transport, settings.websocket_path)
        self._feed_web(self._web, data)

    def _feed_web(self, web: WebSocket, data: bytes) -> None:
        """Take the data out of its frames. The frame that closes the connection is no DISCONNECT (MQTT 5.0, 6)."""
        found = web.feed(data)
        if web.from_page:  # a browser shows its certificate to whoever asks it from any page, so it proves nothing
            self.certificate = b""
        if found:
            self._feed(found)
        if web.refused and not self._is(State.CLOSED):
            self.close(web.refused, abort=web.refused == "slow_reader")

    def _feed(self, data: bytes) -> None:
        try:
            if self._partial is not None:
                packet, data = self._complete(self._partial, data)
                if packet:
                    self._process(packet)
            if data:
                self._process(data)
        except ProtocolError as error:
            if error.reason == "unacceptable_version":
                self.send(codec.encode_connack(ConnectCode.UNACCEPTABLE_VERSION))
            elif self.level == codec5.LEVEL and self.session is None:
                self.send(codec5.encode_connack(code_of(error.reason)))
            self._listener.log_violation(self, error)
            self.close(error.reason, text=error.message)

    def _complete(self, partial: bytearray, data: bytes) -> tuple[bytes, bytes]:
        """Fill the packet that came in part; returns it (empty while incomplete) and what follows it."""
        while True:
            missing = self._wanted - len(partial)
            if len(data) < missing:
                partial += data
                return b"", b""
            partial += data[:missing]
            data = data[missing:]
            size = self._measure(partial, 0)
            if size == len(partial):
                self._partial = None
                return bytes(partial), data
            self._wanted = size or len(partial) + 1

    def _measure(self, data: bytes | bytearray, position: int) -> int:
        """Bytes of the packet at ``position``, 0 when its header is incomplete. A packet that is too large raises."""
        size, start = codec.decode_length(bytes(data[position : position + 5]), 1)
        if size < 0:
            return 0
        most = self._listener.settings.max_packet_bytes
        if size > (most if self.state is State.CONNECTED else min(most, _MAX_CONNECT_BYTES)):
            raise ProtocolError("packet_too_large", f"A packet of {size} bytes was announced.")
        return start + size

    def _process(self, data: bytes) -> None:
        if self._is(State.AUTHENTICATING):
            self._held += data
            return
        position, end = 0, len(data)
        ingest = self._ingest
        try:
            while position < end and not self._is(State.CLOSED):
                if ingest is not None:
                    position = ingest.take(data, position, self.last_seen_ms)
                    if position >= end:
                        return
                    if ingest.bytes > HAND_OVER_BYTES:
                        self._hand_over(ingest)
                        continue
                first = data[position]
                if first != 0x10 and self._is(State.NEW):
                    raise ProtocolError("not_mqtt", "The first packet is no CONNECT.")
                size = self._measure(data, position)
                if not size or position + size > end:
                    self._partial = bytearray(data[position:])
                    self._wanted = size or len(self._partial) + 1
                    return
                _, start = codec.decode_length(data, position + 1)
                packet, position = data[start : position + size], position + size
                self._handle(first >> 4, first & 0x0F, packet)
                if self._is(State.AUTHENTICATING):
                    self._held = data[position:]
                    return
        finally:
            if ingest is not None and (ingest.runs or ingest.acknowledgements):
                self._hand_over(ingest)

    def _hand_over(self, ingest: Ingest) -> None:
        listener = self._listener
        listener.messages_in += ingest.messages
        runs, acknowledgements, size, barrier = ingest.runs, ingest.acknowledgements, ingest.bytes, ingest.barrier
        messages = ingest.messages
        ingest.clear()
        listener.committer.add(self, runs, acknowledgements, size, barrier)
        if listener.pacer is not None and self.principal is not None:
            wait_s = listener.pacer.take(self.principal, messages)
            if wait_s > 0:
                self._hold_for(wait_s)

    def _hold_for(self, wait_s: float) -> None:
        """Read no more for so long. What was read is stored and acknowledged; the rest waits with the client."""
        if self._hold is None:
            self._listener.held += 1
            self._listener.holds += 1
            if self._transport is not None:
                self._transport.pause_reading()
        else:
            self._hold.cancel()
        self._hold = self._listener.loop.call_later(min(wait_s, _LONGEST_HOLD_S), self._let_go)

    def _let_go(self) -> None:
        self._hold = None
        self._listener.held -= 1
        if self._listener.reads:
            self.resume()

    # --- packets -------------------------------------------------------------------------------------------------

    def _handle(self, kind: int, flags: int, body: bytes) -> None:
        five = self.level == codec5.LEVEL
        if not 1 <= kind <= 14 + five:
            raise malformed("A packet has a type that does not exist.")
        codec.check_flags(kind, flags)
        session = self.session
        if session is None:
            self._handle_first(kind, body)
        elif kind == PacketType.PINGREQ and not body:
            self.send(codec.PINGRESP)
        else:
            handle(self, self._listener, session, kind, body)

    def _handle_first(self, kind: int, body: bytes) -> None:
        if kind == PacketType.CONNECT and self._signing_in is None:
            self.level = codec.read_level(Body(body))
            packet = codec5.decode_connect(body) if self.level == codec5.LEVEL else codec.decode_connect(body)
            if not packet.client_id and not packet.clean_session and self.level != codec5.LEVEL:
                self.refuse(ConnectCode.IDENTIFIER_REJECTED, "client_id_missing")
                return
            self._signing_in = SigningIn(self, self._listener, packet, body)
            self._signing_in.start()
        elif kind == PacketType.AUTH and self._is(State.CHALLENGED) and self.challenge is not None:
            self.challenge.on_auth(codec5.decode_auth(body))
        else:
            raise ProtocolError("not_connected", "A packet came before CONNECT, or instead of an AUTH.")

    def wait(self) -> None:
        """Read no more until it is known whether the client may sign in."""
        self.state = State.AUTHENTICATING
        if self._transport is not None:
            self._transport.pause_reading()

    def ask(self, packet: codec5.Authentication) -> None:
        """Send an AUTH and read its answer."""
        self.send(codec5.encode_auth(packet))
        if self._is(State.NEW) or self._is(State.AUTHENTICATING):
            self.state = State.CHALLENGED
            if self._transport is not None:
                self._transport.resume_reading()

    def refuse(self, code: int, reason: str) -> None:
        """Answer the CONNECT with a refusal and close."""
        if self.level == codec5.LEVEL:
            self.send(codec5.encode_connack(connect_code_of(reason, code)))
        else:
            self.send(codec.encode_connack(code))
        self.close(reason)

    def accept(
        self, signed_in: SigningIn, session: Session, present: bool, principal: Principal, connack: bytes
    ) -> None:
        """The client is in: answer, repeat what it has not acknowledged, and read on."""
        listener, packet = self._listener, signed_in.packet
        settings = listener.settings
        self._stop_timer()
        self.state, self.session, self.principal = State.CONNECTED, session, principal
        self.username, self._password, self._will = packet.username, packet.password, signed_in.will
        self._signing_in = None
        if self.level == codec5.LEVEL:
            self.framing = Framing(packet.maximum_packet, packet.alias_maximum, packet.wants_problem_information)
            self._ingest = Ingest5(
                listener.exchange,
                session,
                principal,
                self,
                settings.max_packet_bytes,
                aliases=settings.max_topic_aliases,
                receive_maximum=settings.receive_maximum,
            )
        else:
            self._ingest = Ingest(listener.exchange, session, principal, self, settings.max_packet_bytes)
        listener.connected(self)
        self.answer(connack)
        if not self._is(State.CONNECTED):
            return
        if present:
            listener.exchange.review(session, principal)
        if session.delayed_will is not None:
            session.delayed_will.cancel()
        session.attach(self, packet.receive_maximum)
        if signed_in.keep_alive_s:
            self._keep_alive_s = signed_in.keep_alive_s * 1.5
            self._timer = listener.loop.call_later(self._keep_alive_s, self._check_alive)
        if listener.pacer is not None:  # who is in debt does not get out of it by connecting anew
            wait_s = listener.pacer.take(principal, 0)
            if wait_s > 0:
                self._hold_for(wait_s)
        if self._transport is not None and listener.reads and self._hold is None:
            self._transport.resume_reading()
        held, self._held = self._held, b""
        if held:
            self._feed(held)

    def answer(self, data: bytes) -> None:
        """Send an answer that cannot be left out; a client that does not take its size cannot be served."""
        if self.framing is not None and not self.framing.fits(data):
            raise_for = ProtocolError("packet_too_large", "The client takes no packets of the size of an answer.")
            self._listener.log_violation(self, raise_for)
            self.close(raise_for.reason, abort=True)
            return
        self.send(data)

    def release(self, packet_id: int) -> None:
        """A QoS 2 message of the client is over."""
        if isinstance(self._ingest, Ingest5):
            self._ingest.receiving.discard(packet_id)

    def drop_will(self) -> None:
        """The client leaves in order."""
        if self._will is not None:
            self._listener.wills.drop(self._will)
            self._will = None

    # --- what others call ----------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send packets. A client that lets too much pile up is disconnected."""
        transport = self._transport
        if transport is None or self.state is State.CLOSED:
            return
        transport.write(data)
        if not self._slow and transport.get_write_buffer_size() > self._listener.settings.max_outgoing_bytes:
            self._slow = True
            self._listener.loop.call_soon(lambda: self.close("slow_reader", abort=True))

    def has_room(self) -> bool:
        """Whether a QoS 0 packet may be sent: not while half of what may pile up is unsent."""
        transport = self._transport
        return (
            transport is not None
            and transport.get_write_buffer_size() <= self._listener.settings.max_outgoing_bytes // 2
        )

    def acknowledge(self, acknowledgements: list[tuple[int, list[int]]]) -> None:
        """What was published is durable: PUBACK, or PUBREC to whichever connection waits for it now."""
        acknowledge(self, self._ingest, self.session.received if self.session else {}, acknowledgements)

    def pause(self) -> None:
        """Read no more for now."""
        if self.state is State.CONNECTED and self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again; the client's keep-alive starts anew, since it could not be heard."""
        if self.state is State.CONNECTED and self._transport is not None and self._hold is None:
            self._read_s = self._listener.loop.time()
            self._transport.resume_reading()

    async def reauthenticate(self) -> None:
        """Ask again who this is; close when it is refused now, else go on with what it may do now.

        While nobody can tell, the client stays, and is asked about again: it may be one that was just shut out.
        """
        if self.state is not State.CONNECTED or self.session is None:
            return
        session = self.session
        outcome = await self._listener.authenticate(
            self.username, self._password, session.client_id, self.peer, self.certificate
        )
        if not self._is(State.CONNECTED):
            return
        if isinstance(outcome, Refusal):
            if outcome.code != ConnectCode.SERVER_UNAVAILABLE:
                self.close(outcome.reason)
            elif self._again is None:
                self._again = self._listener.loop.call_later(_ASK_AGAIN_S, self._ask_again)
        else:
            self.renew(outcome)

    def renew(self, principal: Principal) -> None:
        """Go on with what the client may do now; close when it is another device than before."""
        session = self.session
        if session is None or self._ingest is None:
            return
        if principal.device_id != session.device_id or principal.organisation_id != session.organisation_id:
            self.close("credential_moved")
        else:
            self.principal = principal
            self._ingest.permit(principal)
            self._listener.exchange.review(session, principal)

    def _ask_again(self) -> None:
        self._again = None
        if self._is(State.CONNECTED):
            self._listener.run(self.reauthenticate())

    def _check_alive(self) -> None:
        """Close a client that was silent for one and a half times its keep-alive (3.1.2.10).

        Only the second look in a row decides: a loop that was blocked runs its timers before it reads what came
        meanwhile.
        """
        listener = self._listener
        left_s = self._keep_alive_s - (listener.loop.time() - self._read_s)
        if not listener.reads or self._hold is not None:  # it cannot be heard, and its time starts anew when it can
            self._overdue, left_s = False, self._keep_alive_s
        elif left_s > 0:
            self._overdue = False
        elif self._overdue:
            self.close("keep_alive")
            return
        else:
            self._overdue = True
        self._timer = listener.loop.call_later(max(left_s, 0.1), self._check_alive)

    def close(self, reason: str, *, abort: bool = False, text: str = "") -> None:
        """End the connection: at once (``abort``) or after what was sent has left. ``reason`` is counted.

        A client of MQTT 5 is told why, ``text`` being more than the code says.
        """
        transport = self._transport
        told = False
        if self.framing is not None and self.state is State.CONNECTED and not abort and reason not in SILENT:
            self._say_goodbye(self.framing, code_of(reason), text or reason.replace("_", " "))
            told = self._listener.reads
        self._end(reason)
        if transport is None:
            return
        if abort:
            transport.abort()
        elif told:
            # Closed at once while it sends, the system would reset the connection, and the reason would be lost.
            if transport.can_write_eof():
                transport.write_eof()
            transport.resume_reading()
            self._listener.loop.call_later(_LINGER_S, transport.abort)
        else:
            unsent = transport.get_write_buffer_size()
            transport.close()
            if unsent:  # a peer that does not read must not keep the socket
                self._listener.loop.call_later(_CLOSE_TIMEOUT_S, transport.abort)

    def _say_goodbye(self, framing: Framing, code: int, text: str) -> None:
        data = codec5.encode_disconnect(code, text)
        if not framing.fits(data):
            data = codec5.encode_disconnect(code)
        if framing.fits(data):
            self.send(data)

    def _end(self, reason: str) -> None:
        if self.state is State.CLOSED:
            return
        was_connected = self.state is State.CONNECTED
        self.state = State.CLOSED
        self._stop_timer()
        self._partial, self._held, self._ingest = None, b"", None
        will, self._will = self._will, None
        if self._signing_in is not None:
            self._signing_in.abandon()
        self._signing_in = self.challenge = None
        self._listener.disconnected(self, reason, was_connected)
        if was_connected and will is not None and self.principal is not None and self.session is not None:
            self._listener.wills.leave(self.session, self.principal, will)
