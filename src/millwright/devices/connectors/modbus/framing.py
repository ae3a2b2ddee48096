"""The two framings: MBAP of Modbus/TCP, and RTU with its check sum."""

from __future__ import annotations

import struct
from typing import Final

from millwright.devices.connectors.modbus.pdu import BadReply, answer_size

_HEAD: Final = struct.Struct(">HHHB")
_MOST_PDU: Final = 253
WRONG_SUM: Final = "the check sum is wrong"


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """MBAP header and PDU (implementation guide, clause 3.1.3)."""
    return _HEAD.pack(transaction, 0, len(pdu) + 1, unit) + pdu


class TcpFrames:
    """Cuts a stream into frames; raises ``BadReply`` when it is no Modbus, after which nothing of it can be trusted."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Whole frames as transaction, unit, PDU."""
        data = self._rest + data if self._rest else data
        found, at = [], 0
        while len(data) - at >= _HEAD.size:
            transaction, protocol, length, unit = _HEAD.unpack_from(data, at)
            if protocol != 0:
                raise BadReply(f"protocol {protocol} in a header, Modbus is 0")
            if not 2 <= length <= _MOST_PDU + 1:
                raise BadReply(f"a frame of {length} bytes, possible are 2 to {_MOST_PDU + 1}")
            if len(data) - at < 6 + length:
                break
            found.append((transaction, unit, data[at + _HEAD.size : at + 6 + length]))
            at += 6 + length
        self._rest = data[at:]
        return found


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)


_CRC: Final = _table()


def crc(data: bytes) -> bytes:
    """The check sum of RTU (serial line V1.02, clause 6.2.2), low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """Unit, PDU, check sum."""
    frame = bytes((unit,)) + pdu
    return frame + crc(frame)


def rtu_answer(unit: int, question: bytes, received: bytes) -> tuple[bytes | None, str]:
    """The answer to ``question`` within ``received``, which may begin or end with noise or the frames of others.

    Returns the PDU, or ``None`` and, where something was wrong that more bytes cannot mend, what.
    """
    why = ""
    for at in range(len(received)):
        if received[at] != unit:
            continue
        begun = received[at + 1 :]
        try:
            size = answer_size(question, begun)
        except BadReply:
            continue
        if size is None or len(begun) < size + 2:
            # It may be this one, and then more is to come; or noise that looks alike: look further.
            continue
        if crc(received[at : at + 1 + size]) == begun[size : size + 2]:
            return begun[:size], ""
        why = WRONG_SUM
    if not why and received:
        why = f"{len(received)} bytes that are no answer: {received[:16].hex(' ')}"
    return None, why
