"""Objects as documents: without secrets, in canonical JSON, and what differs between two of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from millwright.ledger.model import Change

MOST_CHANGES = 40
"""Changes listed in one entry; its digests cover the rest."""

MOST_CHARACTERS = 200

_SECRET_KEY = re.compile(
    r"pass(word|phrase)(?!_set$)|secret|token$|private|digest|hint|^key$|_key$|cookie|salt", re.IGNORECASE
)
_CODE_KEY = re.compile(r"(?:^|_)code(?P<many>s)?$", re.IGNORECASE)
_PUBLIC_CODE = "credit_code"
"""The one code that opens nothing: an organisation's unified social credit code."""
_SECRET_VALUE = re.compile(r"mw[a-z]_[A-Za-z0-9_-]{16,}|PRIVATE[ +]KEY")
_HIDDEN = "…"


def document(value: Any, ignore: Sequence[str] = ()) -> Any:
    """``value`` as JSON types, without the fields in ``ignore``, and without anything that looks like a secret."""
    plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
    if isinstance(plain, dict):
        plain = {key: each for key, each in plain.items() if key not in ignore}
    return _clean(plain)


def canonical(value: Any) -> bytes:
    """``value`` in one form only: keys sorted, no spaces, UTF-8 (RFC 8785 but for the spelling of fractions)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 over the canonical form, in hex; empty for an object that is not there."""
    return "" if value is None else hashlib.sha256(canonical(value)).hexdigest()


def differences(before: Any, after: Any) -> list[Change]:
    """What differs, by JSON pointer, in order; at most :data:`MOST_CHANGES`."""
    was, now = dict(_leaves(before)), dict(_leaves(after))
    paths = [path for path in dict.fromkeys([*was, *now]) if was.get(path) != now.get(path)]
    return [Change(path, _short(was.get(path)), _short(now.get(path))) for path in paths[:MOST_CHANGES]]


def replace_at(value: Any, pointers: Sequence[str], replacement: Callable[[str, Any], Any]) -> Any:
    """``value`` with what is at each of ``pointers`` replaced by ``replacement(pointer, what is there)``."""

    def walk(part: Any, path: str) -> Any:
        if path in pointers and part is not None:
            return replacement(path, part)
        if isinstance(part, dict):
            return {key: walk(each, f"{path}/{_escape(key)}") for key, each in part.items()}
        if isinstance(part, list):
            return [walk(each, f"{path}/{position}") for position, each in enumerate(part)]
        return part

    return walk(value, "")


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _clean(each) for key, each in value.items() if _is_kept(str(key), each)}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, str) and _SECRET_VALUE.search(value):
        return _HIDDEN
    if isinstance(value, float) and value != value:
        return None
    return value


def _is_kept(key: str, value: Any) -> bool:
    """Of a code only what is said about it is kept (``{"expires_ms": …}``), of several how many there are."""
    if _SECRET_KEY.search(key):
        return False
    code = _CODE_KEY.search(key)
    if code is None or key == _PUBLIC_CODE:
        return True
    return isinstance(value, dict) or (code["many"] is not None and isinstance(value, int))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}/{_escape(key)}")
    elif isinstance(value, list) and value and any(isinstance(each, dict | list) for each in value):
        for position, each in enumerate(value):
            yield from _leaves(each, f"{path}/{position}")
    elif value not in (None, {}, []):
        yield path, value


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARACTERS else value[:MOST_CHARACTERS] + _HIDDEN
    if isinstance(value, list):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + _HIDDEN
    return value
