"""Places in a JSON document, for the protocols that carry JSON: RFC 6901 pointers, and paths as people write them.

    /sensors/0/value        a pointer: ``~1`` is a slash in a name, ``~0`` a tilde
    sensors[0].value        a path; ``[-1]`` is the last one
    sensors[name=inlet].value        the first of a list whose ``name`` is ``inlet``
    "odd.name".value        a name in quotes

An empty place is the whole document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from millwright.devices.connectors.contract import Value


@dataclass(frozen=True, slots=True)
class Where:
    """The first of a list that has ``value`` (as text) in the member ``key``."""

    key: str
    value: str


Step = str | int | Where
MOST_STEPS: Final = 1_000_000
"""Taken for one delivery: one to three seconds of a processor."""
_STEP: Final = re.compile(
    r"""\.?"(?P<quoted>(?:[^"\\]|\\.)*)"|\.?(?P<name>[^.\[\]"]+)|\[(?P<index>-?\d+)\]|\[(?P<key>[^\[\]=]+)=(?P<value>[^\[\]]*)\]""",
    re.ASCII,
)


@lru_cache(maxsize=4096)
def parse_place(text: str) -> Sequence[Step]:
    """The steps to a place; raises ``ValueError`` with what is wrong."""
    if not text:
        return ()
    if text.startswith("/"):
        if bad := re.search(r"~(?![01])", text):
            raise ValueError(f"'~' is written '~0' in a pointer (at {bad.start() + 1})")
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (at == 0 and text[0] == "."):
            raise ValueError(f"it cannot be read from {text[at:]!r} on")
        named = found["quoted"] is not None or found["name"] is not None
        if named and at and text[at] != ".":
            raise ValueError(f"a dot is missing before {text[at:]!r}")
        if found["quoted"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", found["quoted"]))
        elif found["name"] is not None:
            steps.append(found["name"])
        elif found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            steps.append(Where(found["key"].strip(), found["value"].strip().strip("'\"")))
        at = found.end()
    return tuple(steps)


class TooMuch(Exception):
    """A document and its places want more steps than somebody may take."""


class Search:
    """For many places: a list is gone through once for each member that is asked for, and all steps are counted.

    The documents must outlive it. Not for several threads at once.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._left = most
        self._lists: dict[tuple[int, str], dict[str, Any]] = {}

    def spend(self, steps: int) -> None:
        """So many more were taken; raises :class:`TooMuch`."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch

    def first(self, items: list[Any], key: str) -> dict[str, Any]:
        """By what its member ``key`` says, the first of a list."""
        known = self._lists.get((id(items), key))
        if known is None:
            self.spend(len(items))
            known = self._lists[id(items), key] = {}
            for each in items:
                if isinstance(each, dict) and key in each and (said := _said(each[key])) is not None:
                    known.setdefault(said, each)
        return known


def find(document: Any, steps: Sequence[Step], search: Search | None = None) -> Any:
    """What is at a place; raises ``LookupError`` with what is not there, and what ``search`` raises."""
    if search is None:
        search = Search()
    search.spend(1 + len(steps) // 8)
    for step in steps:
        if isinstance(document, dict) and isinstance(step, str | int):
            if str(step) not in document:
                raise LookupError(f"there is no {step!r}")
            document = document[str(step)]
        elif isinstance(document, list):
            document = _member(document, step, search)
        else:
            raise LookupError(f"there is nothing below a value ({step!r})")
    return document


def _member(items: list[Any], step: Step, search: Search) -> Any:
    if isinstance(step, Where):
        found = search.first(items, step.key)
        if step.value in found:
            return found[step.value]
        raise LookupError(f"none of the list has {step.key}={step.value}")
    if isinstance(step, str) and not re.fullmatch(r"0|[1-9]\d*", step, re.ASCII):
        raise LookupError(f"a list has no {step!r}")
    try:
        return items[int(step)]
    except IndexError:
        raise LookupError(f"the list has {len(items)} and no [{step}]") from None


def _said(value: Any) -> str | None:
    """A value as text; ``None`` of an object or a list, which is no name of anything."""
    if isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def scalar(found: Any) -> Value:
    """A value out of what was found; raises ``ValueError`` where it is none."""
    if found is None:
        raise ValueError("null")
    if isinstance(found, bool | int | float | str):
        return found
    raise ValueError("an object" if isinstance(found, dict) else "a list")


def pointer(steps: Sequence[str]) -> str:
    """The pointer of names from the top."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def own_name(value: Any) -> str:
    """What a member of a list calls itself, for who looks for it; empty where it does not say."""
    if isinstance(value, dict):
        for key in ("name", "title", "tag", "id"):
            if isinstance(said := value.get(key), str | int) and not isinstance(said, bool):
                return f"{key} {said}"[:80]
    return ""


def moment_ms(found: Any) -> int:
    """A time as milliseconds: ISO 8601 (UTC where it names no zone), or seconds, milliseconds or microseconds since
    1970, told apart by their size; raises ``ValueError``."""
    if isinstance(found, datetime):
        when = found
    elif isinstance(found, str) and not re.fullmatch(r"-?\d+(\.\d+)?", found, re.ASCII):
        when = datetime.fromisoformat(found.strip())
    elif isinstance(found, str | int | float) and not isinstance(found, bool):
        number = float(found)
        if not 0 < number < 1e17:
            raise ValueError(f"{found!r} is no time")
        return int(number * 1000) if number < 1e11 else int(number) if number < 1e14 else int(number / 1000)
    else:
        raise ValueError(f"{found!r} is no time")
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
