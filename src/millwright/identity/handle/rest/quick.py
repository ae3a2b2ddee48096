"""Public values of a stored record as JSON, in one pass over its bytes.

The result is that of :func:`.value_to_json`; values of the common kind (text without characters to escape) are written
without being decoded.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct as Layout

import msgspec

from millwright.identity.handle.json_form import data_to_json, value_to_json
from millwright.identity.handle.model import DEFAULT_PERMISSIONS, decode_value, skip_value
from millwright.identity.handle.records import StoredRecord

_HEAD = Layout(">IIBIBI")
_HEAD_BYTES = _HEAD.size
_LENGTH = Layout(">I")
_VALUES_FROM = 18
_COUNT_AT = 14
_DEFAULT = int(DEFAULT_PERMISSIONS)
_TO_ESCAPE = re.compile(rb"[^ !#-\[\]-~]").search
_number = _LENGTH.unpack_from


def public_values(record: StoredRecord) -> bytes:
    """A JSON list of the values that the public may read, without the brackets; empty when there is none."""
    data = record.data
    count = _number(data, _COUNT_AT)[0]
    at = _VALUES_FROM
    shown = []
    for _ in range(count):
        start = at
        index, stamp_s, ttl_type, ttl, permissions, size = _HEAD.unpack_from(data, at)
        at += _HEAD_BYTES
        kind = data[at : at + size]
        at += size
        size = _number(data, at)[0]
        at += 4
        content = data[at : at + size]
        at += size
        references = _number(data, at)[0]
        at += 4
        if references or ttl_type or permissions != _DEFAULT or _TO_ESCAPE(kind):
            at = skip_value(data, start)
            shown.append(msgspec.json.encode(value_to_json(decode_value(data[start:at]))))
            continue
        if kind[:3] == b"HS_" or kind[:3].upper() == b"HS_":
            form = _special(kind, content)
        elif _TO_ESCAPE(content):
            form = msgspec.json.encode(data_to_json(kind, content))
        else:
            form = b'{"format":"string","value":"%b"}' % content
        if stamp_s:
            shown.append(
                b'{"index":%d,"type":"%b","data":%b,"ttl":%d,"timestamp":"%b"}'
                % (index, kind, form, ttl, _time(stamp_s))
            )
        else:
            shown.append(b'{"index":%d,"type":"%b","data":%b,"ttl":%d}' % (index, kind, form, ttl))
    return b",".join(shown)


@lru_cache(4096)
def _special(kind: bytes, content: bytes) -> bytes:
    # The administrators of a prefix's handles are the same for most of them.
    return msgspec.json.encode(data_to_json(kind, content))


@lru_cache(65536)
def _time(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
