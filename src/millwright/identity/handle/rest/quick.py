"""Public values of a stored record as JSON, in one pass over its bytes.

The result is that of :func:`.value_to_json`; values of the common kind (text without characters to escape) are written
without being decoded. What stands around them is made once: records of one template have the same indexes and types,
and those of one import the same times.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct as Layout

import msgspec

from millwright.identity.handle.json_form import data_to_json, value_to_json
from millwright.identity.handle.model import DEFAULT_PERMISSIONS, decode_value, skip_value

_head_of = Layout(">IIBIBI").unpack_from
_HEAD_BYTES = 18
_number = Layout(">I").unpack_from
_VALUES_FROM = 18
_COUNT_AT = 14
_DEFAULT = int(DEFAULT_PERMISSIONS)
_NO_REFERENCES = bytes(4)
_to_escape = re.compile(rb"[^ !#-\[\]-~]").search


def public_values(data: bytes) -> list[bytes]:
    """A JSON list of the values that the public may read, in pieces and without its brackets; empty without any.

    ``data`` is that of a :class:`.StoredRecord` whose checksum was checked.
    """
    at = _VALUES_FROM
    pieces: list[bytes] = []
    for _ in range(_number(data, _COUNT_AT)[0]):
        start = at
        index, stamp_s, ttl_type, ttl, permissions, size = _head_of(data, at)
        at += _HEAD_BYTES
        end = at + size
        kind = data[at:end]
        at = end + 4
        end = at + _number(data, end)[0]
        content = data[at:end]
        at = end + 4
        before, plain = _before(index, kind)
        if not plain or permissions != _DEFAULT or ttl_type or data[end:at] != _NO_REFERENCES or _to_escape(content):
            if plain is None and permissions == _DEFAULT and not ttl_type and data[end:at] == _NO_REFERENCES:
                pieces += before, _special(kind, content), _after(b"", ttl, stamp_s)
                continue
            at = skip_value(data, start)
            pieces += msgspec.json.encode(value_to_json(decode_value(data[start:at]))), b","
            continue
        pieces += before, content, _after(b'"}', ttl, stamp_s)
    if pieces:
        # The last comma.
        pieces[-1] = pieces[-1][:-1]
    return pieces


@lru_cache(4096)
def _before(index: int, kind: bytes) -> tuple[bytes, bool | None]:
    """What stands before the data; true for text, ``None`` for a type whose data has a form of its own."""
    if _to_escape(kind):
        return b"", False
    begun = b'{"index":%d,"type":"%b","data":' % (index, kind)
    if kind[:3].upper() == b"HS_":
        return begun, None
    return begun + b'{"format":"string","value":"', True


@lru_cache(16384)
def _after(closing: bytes, ttl: int, stamp_s: int) -> bytes:
    if not stamp_s:
        return b'%b,"ttl":%d},' % (closing, ttl)
    time = datetime.fromtimestamp(stamp_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return b'%b,"ttl":%d,"timestamp":"%b"},' % (closing, ttl, time)


@lru_cache(4096)
def _special(kind: bytes, content: bytes) -> bytes:
    # The administrators of a prefix's handles are the same for most of them.
    return msgspec.json.encode(data_to_json(kind, content))


def quoted(handle: bytes) -> bytes:
    """A handle as a JSON string. Raises ``UnicodeDecodeError``."""
    return msgspec.json.encode(handle.decode()) if _to_escape(handle) else b'"%b"' % handle
