"""The listener of the Handle protocol: UDP and TCP on one port, usually 2641 (RFC 3652, 2.3)."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Coroutine
from typing import Any

from millwright.identity.handle.connection import Connection
from millwright.identity.handle.dialogue import Peer
from millwright.identity.handle.errors import MessageError, port_taken
from millwright.identity.handle.fastpath import Quick
from millwright.identity.handle.records import RecordsView
from millwright.identity.handle.service import HandleService
from millwright.identity.handle.wire.fragments import Reassembly
from millwright.identity.handle.wire.message import (
    ENVELOPE,
    ENVELOPE_BYTES,
    FRAGMENT_BYTES,
    PACKET_BYTES,
    Envelope,
    decode_envelope,
    packets,
)
from millwright.identity.operation.model import LIMITED, MALFORMED
from millwright.identity.operation.watch import TIMED
from millwright.kernel import Corrupt, MillwrightError, Unavailable

logger = logging.getLogger(__name__)

_PACKETS_AT_ONCE = 64
_ADDRESSES = 100_000
_SOCKET_BYTES = 4 * 1024 * 1024
_MOST_TASKS = 1_000
_FREE_PORTS = 5
_PAUSE_S = 0.1


class HandleServer:
    """Listens on ``[handle] host`` and ``port`` and answers by a :class:`.HandleService`.

    UDP is read many packets a wake-up, TCP whatever came at once, each in one view of the records. An address that has
    not proved itself gets answers of a bounded size, and each only so many a second: a forged sender cannot be flooded
    through here.
    """

    def __init__(self, service: HandleService) -> None:
        self.service = service
        self.settings = service.settings
        self.port = 0
        self.udp_requests = self.tcp_requests = self.udp_limited = self.udp_cut = self.udp_malformed = 0
        self.closed: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._proven: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, int] = {}
        self._fragments = Reassembly()
        self._tasks: set[asyncio.Task[None]] = set()
        self._udp: socket.socket | None = None
        self._tcp: asyncio.Server | None = None
        self._counting: asyncio.TimerHandle | None = None
        self._violation_s = self._failure_s = float("-inf")
        self._lane = service.watch.lanes["udp"]
        self._tcp_lane = service.watch.lanes["tcp"]
        self._batches = 0

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` (``handle.port_taken``)."""
        # A free port of TCP may be one that is taken for UDP.
        for left in reversed(range(1 if self.settings.port else _FREE_PORTS)):
            try:
                await self._listen()
            except OSError as error:
                await self.stop()
                if not left:
                    raise port_taken(self.settings.host, self.settings.port, error.strerror or str(error)) from error
            else:
                break
        self._count_anew()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        settings = self.settings
        self._tcp = await loop.create_server(lambda: Connection(self), settings.host, settings.port, backlog=1024)
        self.port = self._tcp.sockets[0].getsockname()[1]
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        udp = self._udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        udp.bind((settings.host, self.port))
        loop.add_reader(udp.fileno(), self._read_udp)

    async def stop(self) -> None:
        """Stop listening, close every connection, let running work end."""
        if self._counting is not None:
            self._counting.cancel()
        if self._udp is not None:
            asyncio.get_running_loop().remove_reader(self._udp.fileno())
            self._udp.close()
            self._udp = None
        if self._tcp is not None:
            self._tcp.close()
        for connection in list(self._connections):
            connection.close("stopping")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)
        for task in self._tasks:
            task.cancel()
        if self._tcp is not None:
            await self._tcp.wait_closed()
            self._tcp = None

    def _count_anew(self) -> None:
        self._asked.clear()
        self._counting = asyncio.get_running_loop().call_later(1.0, self._count_anew)

    # --- UDP -------------------------------------------------------------------------------------------------------

    def _read_udp(self) -> None:
        """Answer the packets that are there, some at a time so that connections get their turn."""
        assert self._udp is not None
        receive, asked, limit = self._udp.recvfrom, self._asked, self.settings.requests_per_s
        try:
            with self.service.records.view() as view:
                for _ in range(_PACKETS_AT_ONCE):
                    try:
                        data, address = receive(2048)
                    except BlockingIOError:
                        return
                    self.udp_requests += 1
                    count = asked.get(address[0], 0)
                    if count >= limit or (not count and len(asked) >= _ADDRESSES):
                        self._limited()
                        continue
                    asked[address[0]] = count + 1
                    self._packet(view, data, address)
        except OSError as error:
            # A client that closed its port is told to us (ICMP) as an error of the socket.
            if error.errno not in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH):
                logger.warning("reading UDP failed: %s", error)
        except MillwrightError as error:
            self._log_failure(error)
            self._pause()
        except Exception:
            logger.exception("answering UDP failed")
            self._pause()

    def _pause(self) -> None:
        """The packets are still there: without a pause this would begin again at once."""
        loop = asyncio.get_running_loop()
        if self._udp is not None:
            loop.remove_reader(self._udp.fileno())
            loop.call_later(_PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        if self._udp is not None:
            asyncio.get_running_loop().add_reader(self._udp.fileno(), self._read_udp)

    def _limited(self) -> None:
        self.udp_limited += 1
        self.service.watch.tick("udp", LIMITED)

    def _packet(self, view: RecordsView, data: bytes, address: Any) -> None:
        started_s = 0.0 if self.udp_requests % TIMED else time.perf_counter()
        try:
            quick = self.service.answer_quickly(view, data, address[0], self._lane)
        except (Corrupt, Unavailable) as error:
            self._log_failure(error)
            quick = None
        if quick is not None:
            version, request_id, message = quick
            length = len(message)
            if length <= FRAGMENT_BYTES:
                self._send(ENVELOPE.pack(*version, 2, 11, 0, request_id, 0, length) + message, address)
            else:
                self._send_all(version, 0, request_id, message, address)
            if started_s:
                self._lane.time(time.perf_counter() - started_s)
            return
        try:
            self._slow_packet(data, address)
        except MessageError:
            self.udp_malformed += 1
            self.service.watch.tick("udp", MALFORMED)

    def _slow_packet(self, data: bytes, address: Any) -> None:
        envelope = decode_envelope(data)
        now_s = self.service.clock.monotonic_s()
        whole = self._fragments.add(address[:2], envelope, data[ENVELOPE_BYTES:], now_s)
        if whole is None:
            return
        if len(self._tasks) >= _MOST_TASKS:
            self._limited()
            return
        self.spawn(self._answer_packet(envelope, whole, address))

    async def _answer_packet(self, envelope: Envelope, data: bytes, address: Any) -> None:
        async for head, body in self.service.process(Peer(address[0], "udp"), envelope, data):
            self._send_all(head.version, head.session_id, head.request_id, body, address, head.flags)

    def _send_all(
        self, version: tuple[int, int], session: int, request: int, message: bytes, address: Any, flags: int = 0
    ) -> None:
        """Send an answer in packets; of one that is too large only the first, which says how large it would be."""
        made = packets(version, session, request, message, flags)
        if len(made) > 1 and sum(map(len, made)) > self._most_bytes(address[0]):
            self.udp_cut += 1
            made = made[:1]
        for packet in made:
            self._send(packet, address)

    def _most_bytes(self, address: str) -> int:
        proven_until_s = self._proven.get(address)
        if proven_until_s is not None and proven_until_s > self.service.clock.monotonic_s():
            return self.settings.udp_proven_answer_bytes
        return max(self.settings.udp_answer_bytes, PACKET_BYTES)

    def _send(self, packet: bytes, address: Any) -> None:
        if self._udp is None:
            return
        try:
            self._udp.sendto(packet, address)
        except BlockingIOError:
            # As in the network itself, what does not fit is lost and asked for again.
            self.udp_limited += 1
        except OSError as error:
            logger.debug("an answer to %s could not be sent: %s", address, error)

    # --- what connections call ---------------------------------------------------------------------------------------

    def answer_quickly(self, messages: list[bytes], address: str) -> list[Quick]:
        """The answers to the first of some messages, as many as are the common question, in one view of the records."""
        service, answers, lane = self.service, list[Quick](), self._tcp_lane
        self._batches += 1
        started_s = 0.0 if self._batches % TIMED else time.perf_counter()
        try:
            with service.records.view() as view:
                for data in messages:
                    quick = service.answer_quickly(view, data, address, lane)
                    if quick is None:
                        break
                    answers.append(quick)
        except (Corrupt, Unavailable) as error:
            self._log_failure(error)
        if started_s and answers:
            # Those that came together are answered together.
            lane.time(time.perf_counter() - started_s, TIMED * len(answers))
        return answers

    def admit(self, connection: Connection) -> bool:
        """Count a connection in, unless there are too many."""
        self._connections.add(connection)
        self._per_address[connection.address] += 1
        if (
            len(self._connections) > self.settings.max_connections
            or self._per_address[connection.address] > self.settings.max_connections_per_address
        ):
            return False
        self._proven[connection.address] = self.service.clock.monotonic_s() + self.settings.proven_s
        self._proven.move_to_end(connection.address)
        while len(self._proven) > _ADDRESSES:
            self._proven.popitem(last=False)
        return True

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._per_address[connection.address] -= 1
        if self._per_address[connection.address] <= 0:
            del self._per_address[connection.address]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something until the server stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _log_failure(self, error: MillwrightError) -> None:
        """Log that the records could not be read, at most one a second."""
        now_s = self.service.clock.monotonic_s()
        if now_s - self._failure_s >= 1:
            self._failure_s = now_s
            logger.error("%s", error.message)

    def log_violation(self, address: str, error: MessageError) -> None:
        """Log a broken rule, at most one a second."""
        now_s = self.service.clock.monotonic_s()
        self.service.watch.tick("tcp", MALFORMED)
        if now_s - self._violation_s >= 1:
            self._violation_s = now_s
            logger.info("closing the connection of %s: %s", address, error.message)

    def stats(self) -> dict[str, Any]:
        """Counters that only grow, and gauges; behind a dot the response code, or why a connection was closed."""
        return {
            "counters": {
                "handle_udp_requests": self.udp_requests,
                "handle_udp_limited": self.udp_limited,
                "handle_udp_cut": self.udp_cut,
                "handle_udp_malformed": self.udp_malformed,
                "handle_fragments_dropped": self._fragments.dropped,
                "handle_tcp_requests": self.tcp_requests,
                **{f"handle_responses.{int(code)}": count for code, count in self.service.responses.items()},
                **{f"handle_closed.{reason}": count for reason, count in self.closed.items()},
            },
            "gauges": {
                "handle_connections": len(self._connections),
                "handle_sessions": len(self.service.sessions),
                "handle_challenges": len(self.service.challenges),
                "handle_fragments": len(self._fragments),
            },
        }
