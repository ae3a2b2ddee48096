"""GS1 Digital Link URIs (GS1 Digital Link Standard: URI Syntax, clauses 3 to 6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.gs1.elements import Element, find_fault, refuse, unknown_identifier
from millwright.identity.codes.gs1.table import ApplicationIdentifier, table

CANONICAL_STEM = "https://id.gs1.org"

ALIASES = {
    "cpid": "8010",
    "cpsn": "8011",
    "cpv": "22",
    "gcn": "255",
    "gdti": "253",
    "giai": "8004",
    "ginc": "401",
    "gln": "414",
    "glnx": "254",
    "gmn": "8013",
    "grai": "8003",
    "gsin": "402",
    "gsrn": "8018",
    "gsrnp": "8017",
    "gtin": "01",
    "itip": "8006",
    "lot": "10",
    "party": "417",
    "refno": "8020",
    "ser": "21",
    "srin": "8019",
    "sscc": "00",
}
"""Words that stood for identifiers in the path until version 1.2 of the standard; still met, never written."""

_START = re.compile("https?://([^/?#]*)", re.IGNORECASE)
_LEGAL = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*")
_ILLEGAL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")
_ILLEGAL_HOST = re.compile(r"[_~?#@!$&'()*+,;=%]")
_RESERVED = re.compile(r"[^A-Za-z0-9\-._~]")


class Link(NamedTuple):
    """What a Digital Link says: ``elements``, the first ``path`` of them in the path, and what is no element."""

    stem: str
    elements: list[Element]
    path: int
    others: tuple[str, ...]


class Place(NamedTuple):
    """A URI taken apart: the ``stem`` ends where the path begins, at ``path_at``."""

    path_at: int
    path_end: int
    query_at: int
    query_end: int


def take_apart(text: str, start: int = 0) -> Place:
    """Where path and query of the web URI from ``start`` begin and end; raises ``Invalid`` when it is none."""
    found = _START.match(text, start)
    if found is None:
        raise bad_code(
            text,
            start,
            "a Digital Link begins with https:// or http://.",
            why_zh="数字链接以 https:// 或 http:// 开头。",
        )
    if _LEGAL.fullmatch(text, start) is None and (illegal := _ILLEGAL.search(text, start)):
        raise bad_code(
            text,
            illegal.start(),
            f"{illegal[0]!r} may not stand in a URI (RFC 3986).",
            why_zh=f"URI 中不可有 {illegal[0]!r}（RFC 3986）。",
        )
    if not found[1] or (bad := _ILLEGAL_HOST.search(found[1])):
        at = found.start(1) + (bad.start() if found[1] and bad else 0)
        raise bad_code(text, at, "the domain name is missing or wrong.", why_zh="域名缺失或有误。")
    end = text.find("#", start)
    if end < 0:
        end = len(text)
    path_end = text.find("?", start, end)
    if path_end < 0:
        return Place(found.end(), end, end, end)
    return Place(found.end(), path_end, path_end + 1, end)


def read_link(text: str, begin: int = 0) -> Link:
    """The elements of the uncompressed Digital Link from ``begin``; raises ``Invalid`` when it is none."""
    place = take_apart(text, begin)
    start, words, entries = _find_key(text, place)
    elements: list[Element] = []
    at = start + 1
    for index, entry in enumerate(entries):
        raw = words[2 * index + 1]
        value_at = at + len(words[2 * index]) + 1
        elements.append(_element(text, entry, raw, value_at, at, query=False))
        at = value_at + len(raw) + 1
    path = tuple([entry.ai for entry in entries])
    _check_path(text, elements, path)
    return Link(text[begin:start], elements, len(elements), _read_query(text, place, elements, path))


def _find_key(text: str, place: Place) -> tuple[int, list[str], list[ApplicationIdentifier]]:
    """Where the path's last primary key stands, the segments from it on, and the identifiers among them.

    A domain owner's own path may come before; it is found from the end, because it may look like anything.
    """
    words = text[place.path_at : place.path_end].split("/")
    at = place.path_end
    entries: list[ApplicationIdentifier] = []
    for index in range(len(words) - 2, 0, -2):
        at -= len(words[index]) + len(words[index + 1]) + 2
        entry = in_path(words[index])
        if entry is None:
            break
        entries.append(entry)
        if entry.key:
            return at, words[index:], entries[::-1]
    raise bad_code(
        text,
        place.path_at,
        "the path has no primary key such as /01/ followed by a GTIN.",
        "Compare it with https://id.gs1.org/01/09521234543213.",
        why_zh="路径中没有主键（如 /01/ 后接 GTIN）。",
    )


def in_path(word: str) -> ApplicationIdentifier | None:
    """The identifier that a segment of a path names, by number or alias."""
    by_ai = table().by_ai
    return by_ai.get(word) or by_ai.get(ALIASES.get(word, ""))


def _element(text: str, entry: ApplicationIdentifier, raw: str, at: int, ai_at: int, *, query: bool) -> Element:
    value = raw
    if "%" in raw or (query and "+" in raw):
        value = unquote_to_bytes(raw.replace("+", " ") if query else raw).decode("latin-1")
    if entry.ai == "01" and len(value) in (8, 12, 13):
        value = value.zfill(14)
    if fault := find_fault(entry, value):
        if value is not raw:
            if entry.ai == "01" and value.endswith(raw):
                fault = fault._replace(at=max(0, fault.at - 14 + len(raw)))
            else:
                fault = fault._replace(at=_raw_offset(raw, fault.at))
        refuse(text, at, fault)
    return Element(entry, value, at, ai_at)


def _raw_offset(raw: str, offset: int) -> int:
    at = 0
    for _ in range(offset):
        at += 3 if raw[at : at + 1] == "%" else 1
    return at


def _check_path(text: str, elements: Sequence[Element], path: tuple[str, ...]) -> None:
    key = elements[0].entry
    if len(path) == 1 or path[1:] in key.sequences:
        return
    orders = _orders(key)
    good = 1
    while path[1 : good + 1] in key.sequences:
        good += 1
    wrong = elements[good]
    raise bad_code(
        text,
        wrong.ai_at,
        f"after /{key.ai}/ the path may go on with {orders or 'nothing'}, in that order.",
        why_zh=f"/{key.ai}/ 之后的路径只可依次为 {orders or '空'}。",
    )


def _orders(key: ApplicationIdentifier) -> str:
    longest: list[tuple[str, ...]] = []
    for sequence in key.sequences:
        if not any(set(sequence) <= set(other) for other in longest):
            longest.append(sequence)
    return " or ".join("/".join(sequence) for sequence in longest)


def _read_query(text: str, place: Place, elements: list[Element], path: tuple[str, ...]) -> tuple[str, ...]:
    if place.query_at >= place.query_end:
        return ()
    others = []
    by_ai = table().by_ai
    at = place.query_at
    seen = set(path)
    for word in text[place.query_at : place.query_end].split("&"):
        name, equals, raw = word.partition("=")
        if not equals or not (name.isdecimal() or not name):
            if word:
                others.append(word)
        else:
            entry = by_ai.get(name)
            if entry is None:
                unknown_identifier(text, at, name)
            _check_attribute(text, at, entry, path, seen)
            seen.add(name)
            elements.append(_element(text, entry, raw, at + len(name) + 1, at, query=True))
        at += len(word) + 1
    return tuple(others)


def _check_attribute(text: str, at: int, entry: ApplicationIdentifier, path: tuple[str, ...], seen: set[str]) -> None:
    if entry.ai in seen:
        raise bad_code(text, at, f"({entry.ai}) stands here a second time.", why_zh=f"（{entry.ai}）重复出现。")
    if not entry.attribute:
        _refuse_attribute(text, at, entry)
    sequences = table().by_ai[path[0]].sequences
    for place in range(1, len(path) + 1):
        if (*path[1:place], entry.ai, *path[place:]) in sequences:
            raise bad_code(
                text,
                at,
                f"({entry.ai}) {entry.title} belongs in the path, not in the query.",
                why_zh=f"（{entry.ai}）{entry.title_zh} 应在路径中，而非查询串中。",
            )


def _refuse_attribute(text: str, at: int, entry: ApplicationIdentifier) -> NoReturn:
    raise bad_code(
        text,
        at,
        f"({entry.ai}) {entry.title} may not stand in a Digital Link's query.",
        why_zh=f"（{entry.ai}）{entry.title_zh} 不可在数字链接的查询串中。",
    )


def write_link(elements: Sequence[Element], stem: str = CANONICAL_STEM, *, canonical: bool = False) -> str | None:
    """The Digital Link that says the ``elements``; nothing when they have none.

    The first primary key that leaves nothing out begins the path and takes as many qualifiers as there are. The others
    stand in the query: in the order given, those of predefined length first; ``canonical`` orders keys and attributes
    by identifier, so that equal identifiers are equal texts.
    """
    values = {entry.ai: (entry, value) for entry, value, _, _ in elements}
    keys = [entry for entry, _ in values.values() if entry.key]
    if canonical and len(values) > 1:
        keys.sort(key=_by_ai)
    for key in keys:
        present = key.qualifiers.intersection(values)
        for sequence in (*key.sequences, ()) if present else ((),):
            if not present.issuperset(sequence):
                continue
            rest = [one for ai, one in values.items() if ai != key.ai and ai not in sequence]
            if all(entry.attribute for entry, _ in rest):
                path = "".join(f"/{ai}/{quote(values[ai][1])}" for ai in (key.ai, *sequence))
                return stem.removesuffix("/") + path + _write_query(rest, canonical=canonical)
    return None


def _by_ai(entry: ApplicationIdentifier) -> str:
    return entry.ai


def _write_query(rest: list[tuple[ApplicationIdentifier, str]], *, canonical: bool) -> str:
    if not rest:
        return ""
    if canonical:
        rest.sort(key=lambda one: one[0].ai)
    else:
        rest.sort(key=lambda one: not one[0].fixed)
    return "?" + "&".join(f"{entry.ai}={quote(value)}" for entry, value in rest)


def quote(value: str) -> str:
    """Percent-encode all but the unreserved characters (RFC 3986, clause 2.3)."""
    if _RESERVED.search(value) is None:
        return value
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", value)
