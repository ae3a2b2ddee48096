"""The common question answered in one go: all public values of one handle, in one packet, without ceremony.

What it does not know it leaves to :class:`.HandleService`, which gives the same answer to the same question.
"""

from __future__ import annotations

import hashlib
from struct import Struct as Layout

from millwright.identity.handle.elsewhere import Recursion, wants_recursion
from millwright.identity.handle.records import RecordsView
from millwright.identity.handle.wire.codes import Flag, Op
from millwright.identity.handle.wire.message import HEADER

# Envelope, header and the length of the handle.
_REQUEST = Layout(">BBBBIIIIIIIHBBIII")
REQUEST_BYTES = _REQUEST.size
ANSWER_LIFE_S = 43_200
_LEFT_TO_OTHERS = Flag.CERTIFIED | Flag.ENCRYPTED
KEPT_FLAGS = Flag.CERTIFIED | Flag.RECURSIVE | Flag.CACHE_CERTIFIED | Flag.PUBLIC_ONLY | Flag.DO_NOT_REFER
_NONE = bytes(8)

Quick = tuple[tuple[int, int], int, bytes]
"""Version, request id and what follows the envelope."""


def handle_of(data: bytes) -> bytes:
    """The handle in a request that was answered here."""
    return data[REQUEST_BYTES : REQUEST_BYTES + int.from_bytes(data[REQUEST_BYTES - 4 : REQUEST_BYTES])]


def answer_quickly(
    view: RecordsView,
    data: bytes,
    site_serial: int,
    now_s: int,
    *,
    primary: bool,
    recursion: Recursion | None = None,
) -> Quick | None:
    """The answer to a request in ``data`` (envelope included), ``None`` when it is not the common question.

    ``primary``: whether the site is one, whose answers are authoritative. ``recursion``: what is known of elsewhere,
    for who may ask for that.
    Raises nothing but ``Corrupt``.
    """
    size = len(data)
    if size < REQUEST_BYTES:
        return None
    (
        major, minor, envelope_flags, _, session, request_id, sequence, length,
        op, code, flags, _, _, _, _, body_bytes, handle_bytes,
    ) = _REQUEST.unpack_from(data)  # fmt: skip
    end = REQUEST_BYTES + handle_bytes
    if (
        op != Op.RESOLUTION
        or code
        or session
        or major != 2
        or envelope_flags & 0xE0
        or sequence
        or length + 20 != size
        or body_bytes != handle_bytes + 12
        or flags & _LEFT_TO_OTHERS
        # No indexes, no types, no credential.
        or data[end:] not in (_NONE, b"\x00\x00\x00\x00" + _NONE)
    ):
        return None
    handle = data[REQUEST_BYTES:end]
    if view.measured and view.effect(handle) is not None:
        return None
    record = view.find(handle)
    until_s = now_s + ANSWER_LIFE_S
    if record is None:
        if recursion is None or not wants_recursion(flags):
            return None
        fetched = recursion.find_quickly(view, handle, now_s)
        if fetched is None or fetched.record is None:
            return None
        record, primary = fetched.record, False
        until_s = min(until_s, int(fetched.expires_s))
    elif not (flags & Flag.PUBLIC_ONLY or not record.has_restricted) or not view.responsible(handle):
        return None
    block = record.public_block
    if block[:4] == b"\x00\x00\x00\x00":
        return None
    digest = b""
    answer_flags = flags & KEPT_FLAGS | (Flag.AUTHORITATIVE if primary else 0)
    if flags & Flag.REQUEST_DIGEST:
        if minor < 1:
            return None
        answer_flags |= Flag.REQUEST_DIGEST
        signed = data[20 : 44 + body_bytes]
        if minor >= 7:
            digest = b"\x03" + hashlib.sha256(signed).digest()
        else:
            digest = b"\x02" + hashlib.sha1(signed, usedforsecurity=False).digest()
    body = digest + handle_bytes.to_bytes(4, "big") + handle + block
    header = HEADER.pack(Op.RESOLUTION, 1, answer_flags, site_serial, 0, 0, until_s, len(body))
    return (major, min(minor, 11)), request_id, header + body + b"\x00\x00\x00\x00"
