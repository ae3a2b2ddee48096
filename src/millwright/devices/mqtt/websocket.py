"""MQTT within WebSocket (RFC 6455; MQTT 5.0, 6): the handshake, and frames in and out, on the same ports as without.

A connection whose first byte is the ``G`` of an HTTP request is one; an MQTT packet cannot begin so. Frames are
unmasked as they come, in whatever pieces, and nothing is kept of them but a header in part and a control frame: their
size costs nothing here, and that of an MQTT packet is bounded as ever.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Final

REQUEST_STARTS: Final = b"G"

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MOST_REQUEST: Final = 8192
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_NORMAL, _PROTOCOL_ERROR, _UNSUPPORTED, _TOO_LARGE = 1000, 1002, 1003, 1009
_MOST_FRAME: Final = 1 << 32
_MOST_PONGS: Final = 64 * 1024
"""Bytes of PONGs that a client may ask for without reading."""


class WebSocket:
    """Stands between the connection and its transport, and looks like a transport to the connection."""

    __slots__ = ("_closing", "_control", "_fin", "_header", "_left", "_mask", "_offset", "_opcode", "_open", "_path",
                 "_ponged", "_started", "_transport", "from_page", "refused")  # fmt: skip

    def __init__(self, transport: asyncio.Transport, path: str) -> None:
        self._transport, self._path = transport, path
        self._header = bytearray()
        """What came of a request or of a frame's header."""
        self._control = bytearray()
        self._open = self._closing = False
        self._started = False
        """A message has begun and not ended: a continuation may follow."""
        self._opcode, self._fin = 0, True
        self._left = self._offset = 0
        self._ponged = 0
        """Bytes of PONGs since little was unsent."""
        self._mask = b""
        self.from_page = False
        """The request came from a page in a browser (it has an Origin)."""
        self.refused = ""
        """Why the connection is to be closed, as a word to be counted."""

    @property
    def stream(self) -> asyncio.Transport:
        """What it stands on."""
        return self._transport

    # --- in ----------------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """What one read brought; returns the MQTT in it. Answers what is to be answered."""
        if self._closing or self.refused:
            return b""
        if not self._open:
            self._header += data
            end = self._header.find(b"\r\n\r\n")
            if end < 0:
                if len(self._header) > _MOST_REQUEST:
                    self._refuse_request(b"431 Request Header Fields Too Large")
                return b""
            request, data = bytes(self._header[:end]), bytes(self._header[end + 4 :])
            self._header.clear()
            self._answer(request)
            if self._is_over():
                return b""
        return self._take_frames(data)

    def _is_over(self) -> bool:
        return bool(self.refused)

    def _answer(self, request: bytes) -> None:
        line, _, rest = request.partition(b"\r\n")
        parts = line.split(b" ")
        headers: dict[bytes, list[bytes]] = {}
        for field in rest.split(b"\r\n") if rest else ():
            name, colon, value = field.partition(b":")
            if not colon or not name or name != name.strip() or any(byte < 0x20 and byte != 9 for byte in field):
                self._refuse_request(b"400 Bad Request")
                return
            headers.setdefault(name.lower(), []).append(value.strip(b" \t"))
        if len(parts) != 3 or parts[0] != b"GET" or parts[2] != b"HTTP/1.1" or len(headers.get(b"host", ())) != 1:
            self._refuse_request(b"400 Bad Request")
            return
        if parts[1].partition(b"?")[0] != self._path.encode():
            self._refuse_request(b"404 Not Found")
            return
        keys = headers.get(b"sec-websocket-key", [])
        if b"websocket" not in _tokens(headers, b"upgrade") or b"upgrade" not in _tokens(headers, b"connection"):
            self._refuse_request(b"426 Upgrade Required", b"Upgrade: websocket\r\nConnection: Upgrade\r\n")
        elif headers.get(b"sec-websocket-version") != [b"13"]:
            self._refuse_request(b"426 Upgrade Required", b"Sec-WebSocket-Version: 13\r\n")
        elif len(keys) != 1 or not _is_key(keys[0]):
            self._refuse_request(b"400 Bad Request")
        else:
            offered = [
                token.strip() for value in headers.get(b"sec-websocket-protocol", ()) for token in value.split(b",")
            ]
            chosen = next((name for name in (b"mqtt", b"mqttv3.1") if name in offered), None)
            if chosen is None:  # [MQTT-6.0.0-3]
                self._refuse_request(b"400 Bad Request")
                return
            self.from_page = b"origin" in headers
            accept = base64.b64encode(hashlib.sha1(keys[0] + _GUID).digest())  # noqa: S324 - RFC 6455, 4.2.2
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\nSec-WebSocket-Protocol: " + chosen + b"\r\n\r\n"
            )
            self._open = True

    def _refuse_request(self, status: bytes, more: bytes = b"") -> None:
        self.refused = "websocket_refused"
        self._transport.write(
            b"HTTP/1.1 " + status + b"\r\n" + more + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )

    def _take_frames(self, data: bytes) -> bytes:
        found: list[bytes] = []
        position, end = 0, len(data)
        while position < end and not self._is_over():
            if not self._left:
                position, empty = self._read_header(data, position)
                if empty:
                    self._end_frame()
                continue
            taken = data[position : position + self._left]
            position += len(taken)
            self._left -= len(taken)
            plain = self._unmask(taken)
            if self._opcode & 0x8:
                self._control += plain
            else:
                found.append(plain)
            if not self._left:
                self._end_frame()
        return found[0] if len(found) == 1 else b"".join(found)

    def _read_header(self, data: bytes, position: int) -> tuple[int, bool]:
        """Take a frame's header; returns where it stopped, and whether it is of a frame with nothing in it.

        ``_header`` holds what came of it while it is incomplete.
        """
        header = self._header
        while True:
            size = 2
            if len(header) >= 2:
                short = header[1] & 0x7F
                size = 6 + (2 if short == 126 else 8 if short == 127 else 0)
            missing = size - len(header)
            if not missing and size > 2:
                break
            taken = data[position : position + missing]
            if not taken:
                return position, False
            header += taken
            position += len(taken)
            if len(header) == 2 and not self._check(header):
                header.clear()
                return position, False
        short = header[1] & 0x7F
        length = short if short < 126 else int.from_bytes(header[2:-4], "big")
        self._fin, self._opcode = bool(header[0] & 0x80), header[0] & 0x0F
        self._mask, self._offset = bytes(header[-4:]), 0
        header.clear()
        if length >= _MOST_FRAME:
            self._fail(_TOO_LARGE)
            return position, False
        self._left = length
        return position, not length

    def _check(self, header: bytearray) -> bool:
        opcode, fin = header[0] & 0x0F, header[0] & 0x80
        control = opcode & 0x8
        if (
            header[0] & 0x70  # no extension was agreed on
            or not header[1] & 0x80  # a client masks (5.1)
            or opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG)
            or (control and (not fin or header[1] & 0x7F > 125))
            or (not control and (opcode == _CONTINUATION) != self._started)
        ):
            self._fail(_PROTOCOL_ERROR)
            return False
        if opcode == _TEXT:  # [MQTT-6.0.0-1]
            self._fail(_UNSUPPORTED)
            return False
        if not control:
            self._started = not fin
        return True

    def _unmask(self, data: bytes) -> bytes:
        size, offset = len(data), self._offset
        mask = self._mask[offset:] + self._mask[:offset]
        self._offset = (offset + size) & 3
        whole = (mask * (size // 4 + 1))[:size]
        return (int.from_bytes(data, "little") ^ int.from_bytes(whole, "little")).to_bytes(size, "little")

    def _end_frame(self) -> None:
        if not self._opcode & 0x8:
            return
        content = bytes(self._control)
        self._control.clear()
        if self._opcode == _PING:
            self._pong(content)
        elif self._opcode == _CLOSE:
            self.refused = "connection_lost"
            wrong = len(content) == 1 or (len(content) > 1 and not _is_close_code(content))
            self._say_close(_PROTOCOL_ERROR if wrong else _NORMAL)

    def _pong(self, content: bytes) -> None:
        """Answer a PING; who sends them and does not read the answers is refused."""
        answer = _frame(_PONG, content)
        if self._transport.get_write_buffer_size() <= _MOST_PONGS:
            self._ponged = 0
        self._ponged += len(answer)
        if self._ponged > _MOST_PONGS:
            self.refused = "slow_reader"
            return
        self._transport.write(answer)

    def _fail(self, code: int) -> None:
        self.refused = "websocket_broken"
        self._say_close(code)

    def _say_close(self, code: int) -> None:
        if not self._closing and not self._transport.is_closing():
            self._closing = True
            self._transport.write(_frame(_CLOSE, code.to_bytes(2, "big")))

    # --- out: what the connection uses of a transport ----------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send packets in one binary frame."""
        if self._open and not self._closing:
            self._transport.write(_frame(_BINARY, data))

    def close(self) -> None:
        """Say that the connection closes, and close it when all has left."""
        if self._open:
            self._say_close(_NORMAL)
        self._transport.close()

    def can_write_eof(self) -> bool:
        """A close frame says that nothing more comes."""
        return self._open

    def write_eof(self) -> None:
        """Say that nothing more comes; the peer closes."""
        self._say_close(_NORMAL)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that have not left."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()


def _frame(opcode: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x80 | opcode, size)) + data
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + data
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + data


def _tokens(headers: dict[bytes, list[bytes]], name: bytes) -> set[bytes]:
    return {token.strip().lower() for value in headers.get(name, ()) for token in value.split(b",")}


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except ValueError:
        return False


def _is_close_code(content: bytes) -> bool:
    """Whether a close frame says something that it may (7.4), in UTF-8."""
    code = content[0] << 8 | content[1]
    try:
        content[2:].decode()
    except UnicodeDecodeError:
        return False
    return 3000 <= code < 5000 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))
