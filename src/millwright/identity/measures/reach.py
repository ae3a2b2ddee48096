"""Which names a target is, and what is registered under them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from millwright.identity.codes.gs1.table import table
from millwright.identity.handle.naming import PREFIX_HANDLES, fold
from millwright.identity.measures.errors import invalid
from millwright.identity.records import Prefix
from millwright.identity.records.authority import ROOMS
from millwright.identity.records.index import IndexView, key_of
from millwright.identity.records.model import Measure, MeasureScope
from millwright.identity.records.naming import name_of_text
from millwright.kernel import Invalid, MillwrightError, Unsupported

_EXAMPLES = 5
_FIRST_DIGIT = frozenset({"00", "01", "8003", "8006"})
"""Keys of GS1 with a digit before the company prefix."""


class Target(Struct, frozen=True):
    """Names, and the entry of the prefix they stand under."""

    scope: MeasureScope
    name: str
    owner: Prefix


def find_target(view: IndexView, scope: MeasureScope, on: str) -> Target | None:
    """The target of what somebody wrote; ``None``: it stands under no prefix that is known here.

    Raises ``Invalid`` (``measures.invalid``, ``identity.code_unknown`` …), ``Unsupported``.
    """
    on = on.strip()
    if scope == "prefix":
        owner = view.find_prefix(on.encode())
        return None if owner is None else Target(scope, owner.prefix, owner)
    name = name_of_text(on) if scope == "identifier" else _beginning(on)
    if fold(name.encode()).startswith(PREFIX_HANDLES + b"/"):
        raise invalid("/on", "That is a prefix: take the measure for all of it", "这是前缀，请选择“整个前缀”")
    owner = view.authority(name.encode())
    return None if owner is None else Target(scope, name, owner)


def _beginning(text: str) -> str:
    """A beginning of names: of a handle as it is written; of another system a name, or a code that is whole by itself,
    such as a GTIN with the lot that serial numbers are of."""
    room, slash, rest = text.partition("/")
    if slash and rest and room.upper().encode() in ROOMS:
        return f"{room.upper()}/{rest}"
    try:
        name = name_of_text(text)
    except (Invalid, Unsupported):
        name = ""
    if name and name.partition("/")[0].encode() in ROOMS:
        return name
    if not slash:
        why = "A beginning has the prefix, a slash and what follows"
        raise invalid("/on", why, "范围应包含前缀、斜杠及其后的起始字符", "Such as 88.118.8/LOT7-.")
    return text


def iter_touched(view: IndexView, target: Target, after: bytes = b"") -> Iterator[bytes]:
    """The keys of registered names that a target is, each once; behind ``after``, one of them."""
    name = fold(target.name.encode())
    if target.scope == "identifier":
        starts = [name + b"/"] if name.startswith(b"GS1/") else []
        if view.find(name) is not None:
            yield key_of(name)
    elif target.scope == "beginning":
        starts = [name]
    else:
        starts = _starts(fold(target.owner.prefix.encode()))
    mine = fold(target.owner.prefix.encode())
    alone = _is_alone(view, mine)
    for start in sorted(starts):
        for key in view.iter_keys(start, after):
            if alone or _stands_under(view, key, mine):
                yield key


def _starts(prefix: bytes) -> list[bytes]:
    """What the names of a prefix begin with; some that begin so are not of it."""
    room, colon, body = prefix.partition(b":")
    if not colon:
        return [prefix + b"/", prefix + b"."]
    if room != b"GS1":
        return [room + b"/" + body]
    starts = []
    for ai, entry in table().by_ai.items():
        if entry.key:
            digits = [b"%d" % digit for digit in range(10)] if ai in _FIRST_DIGIT else [b""]
            starts += [b"GS1/" + ai.encode() + b"/" + digit + body for digit in digits]
    return starts


def _is_alone(view: IndexView, prefix: bytes) -> bool:
    """Whether all names that begin as those of a prefix of handles are its own."""
    if b":" in prefix:
        return False
    below = next(view.iter_entries(prefix + b"."), None)
    return below is None or not fold(below.prefix.encode()).startswith(prefix + b".")


def _stands_under(view: IndexView, name: bytes, prefix: bytes) -> bool:
    owner = view.authority(name)
    return owner is not None and fold(owner.prefix.encode()) == prefix


def reach_of(view: IndexView, target: Target) -> tuple[int, list[bytes], bool]:
    """How many a target touches, a few of their names, and whether that is all of the prefix."""
    count, first = 0, []
    for key in iter_touched(view, target):
        if count < _EXAMPLES:
            first.append(key)
        count += 1
    names = []
    for key in first:
        held = view.at_key(key)
        if held is not None:
            names.append(held[0].handle)
    if target.scope == "prefix" or count <= 1:
        return count, names, target.scope == "prefix" and count > 0
    whole = iter_touched(view, Target("prefix", target.owner.prefix, target.owner))
    return count, names, not any(number >= count for number, _ in enumerate(whole))


def holds_for(measure: Measure, name: str) -> bool:
    """Whether a measure is about a name that stands under its prefix, whatever its time."""
    on, folded = fold(measure.on.encode()), fold(name.encode())
    if measure.scope == "prefix":
        return True
    if measure.scope == "beginning":
        return folded.startswith(on)
    return folded == on or (folded.startswith(b"GS1/") and folded.startswith(on + b"/"))


def name_typed(text: str) -> str:
    """The name of what somebody typed; itself, when it is none."""
    try:
        return name_of_text(text)
    except MillwrightError:
        return text
