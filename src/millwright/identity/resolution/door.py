"""The door of the port for resolution: one connection, the common question answered without a detour, and its bounds.

A question for all public values of a handle comes as one small packet, and the same client sends the same headers each
time. Such a packet is answered as it is read. Everything else goes the way of the general server (decision 42), which
has no bounds of its own for slow clients: those are kept here, by a clock that ticks once a second.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from millwright.identity.handle.rest.answers import etag_of
from millwright.identity.handle.rest.api import HANDLES, QUICK_HEADERS
from millwright.identity.resolution.app import Resolution

MOST_HEAD_BYTES: Final = 64 * 1024
"""Of a request line and its headers together."""
MOST_CONNECTIONS: Final = 10_000
HEAD_S: Final = 10
"""How long a head may take."""
SILENT_S: Final = 30
"""How long a client may send nothing of a body it has begun, or read nothing of an answer."""
IDLE_S: Final = 60
"""How long a connection is kept between two questions."""

_QUESTION: Final = f"GET {HANDLES}/".encode()
_FROM: Final = len(_QUESTION)
_VERSION: Final = b" HTTP/1.1"
_END: Final = b"\r\n\r\n"
_MOST_COMMON_BYTES = 4096
_fields = re.compile(rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*)+\r\n\r\n").fullmatch
_named = re.compile(rb"\r\n([^:\r]+):([^\r]*)").findall
_plain = re.compile(rb"[!$&-;=@-Z_a-z~]+").fullmatch
"""What a path may hold to be taken as it is: nothing escaped, no query."""
_CHANGING: Final = frozenset(
    (
        b"authorization",
        b"content-length",
        b"expect",
        b"if-none-match",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers with which a question is not the common one, or not one packet."""
_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Pulse:
    """What all connections of a server share: its application, the second, and what stands before each quick answer."""

    def __init__(self, app: Resolution) -> None:
        self.app = app
        self.not_common = _CHANGING | app.not_common
        self.second = 0
        self.head = b""

    def beat(self, second: int, date: bytes) -> None:
        """Once a second. ``date`` is as RFC 9110, 6.6.1 writes it."""
        self.second = second
        lines = [b"date: " + date, *(b"%b: %b" % header for header in QUICK_HEADERS)]
        self.head = b"HTTP/1.1 200 OK\r\n%b\r\netag: " % b"\r\n".join(lines)


class Door(HttpToolsProtocol):
    """One connection of the port."""

    def __init__(self, *given: Any, pulse: Pulse, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pulse = pulse
        self._common = b""
        """The headers that were found to be common, of the last question."""
        self._head_bytes = 0
        self._begun: int | None = None
        """The second in which the head that is being read began."""
        self._within = False
        """Whether a request is being read."""
        self._heard = pulse.second
        self._stuck: int | None = None
        """The second since which the client does not read."""

    # --- the connection ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.write(_FULL)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """The common question is answered; the rest is read by the general server."""
        self._heard = self._pulse.second
        if data.startswith(_QUESTION) and not self._within and self._is_free():
            answer = self._quickly(data)
            if answer is not None:
                self.transport.write(answer)
                return
        if self._begun is None and not self._within:
            self._begun = self._pulse.second
        if self._begun is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._begun is not None and self._head_bytes > MOST_HEAD_BYTES:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read what it asked for: it may ask for no more."""
        super().pause_writing()
        self._stuck = self._pulse.second
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stuck = None
        if self._is_free():
            self.flow.resume_reading()

    def _is_free(self) -> bool:
        cycle: Any = self.cycle  # none before the first request, whatever its type says
        return cycle is None or cycle.response_complete

    def tick(self) -> None:
        """Once a second: a client that takes too long is left."""
        if self.transport.is_closing():
            return
        second = self._pulse.second
        if self._stuck is not None:
            late = second - self._stuck > SILENT_S
        elif self._begun is not None:
            late = second - self._begun > HEAD_S
        elif self._within:
            late = second - self._heard > SILENT_S
        else:
            late = self._is_free() and second - self._heard > IDLE_S
        if late:
            self.transport.abort()

    # --- the parser's word -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request line begins."""
        super().on_message_begin()
        self._within = True
        if self._begun is None:
            self._begun = self._pulse.second

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._begun, self._head_bytes = None, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there, too."""
        self._within = False
        super().on_message_complete()

    # --- the common question -----------------------------------------------------------------------------------------

    def _quickly(self, data: bytes) -> bytes | None:
        """The answer to a packet that is one whole question; ``None``: it is not, or not such a one."""
        line, _, rest = data.partition(b"\r\n")
        if not line.endswith(_VERSION):
            return None
        if rest != self._common:
            if not self._is_common(rest):
                return None
            self._common = rest
        handle = line[_FROM : -len(_VERSION)]
        if self.client is None or not _plain(handle):
            return None
        found = self._pulse.app.at_hand(handle, self.client[0])
        if found is None:
            return None
        body, more = found
        own = b"".join(b"%b: %b\r\n" % header for header in more) if more else b""
        head = self._pulse.head
        return b"%b%b\r\ncontent-length: %d\r\n%b\r\n%b" % (head, etag_of(body), len(body), own, body)

    def _is_common(self, rest: bytes) -> bool:
        """Whether these headers, and nothing behind them, ask for nothing beyond the question."""
        if len(rest) > _MOST_COMMON_BYTES or rest.find(_END) != len(rest) - len(_END):
            return False
        fields = b"\r\n" + rest
        if not _fields(fields):
            return False
        named = [(name.lower(), value.strip().lower()) for name, value in _named(fields)]
        names = [name for name, _ in named]
        stays = all(value == b"keep-alive" for name, value in named if name == b"connection")
        return stays and names.count(b"host") == 1 and self._pulse.not_common.isdisjoint(names)
