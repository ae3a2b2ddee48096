"""The GS1 Application Identifiers: what each carries, how long it is, and what it may stand beside.

The facts are those of the GS1 General Specifications, release 26, clause 3 (titles, formats), 4.13 (pairs that are
required or excluded) and 7.8.5 (predefined length), and of the GS1 Digital Link Standard: URI Syntax, clause 4 (keys,
qualifiers, attributes). They are kept in ``application_identifiers.tsv``; its columns:

``format``
    components in order: character set (``N`` digits, ``X`` character set 82, ``Y`` 39, ``Z`` 64), length or ``-`` and
    the greatest length, in brackets when optional; then the checks of its content, by name (:mod:`.checks`);
``rules``
    ``fixed`` predefined length: no separator follows; ``attribute`` may stand in the query of a Digital Link; ``key``
    begins its path, followed by these qualifiers in this order (``/`` between alternatives); ``needs`` one of these
    (``+`` together, ``n`` any digit), each ``needs`` on its own; ``bars`` all of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import combinations
from typing import NamedTuple

SETS = {
    "N": "0-9",
    "X": '!"%-?A-Z_a-z',
    "Y": "#\\-/0-9A-Z",
    "Z": "\\-0-9A-Z_a-z=",
}
"""Characters of each set, as inside a regular expression's brackets (General Specifications, clause 7.11)."""


class Component(NamedTuple):
    """One component of a value: ``least`` to ``most`` characters of one set."""

    charset: str
    least: int
    most: int
    optional: bool
    checks: tuple[str, ...]


class Need(NamedTuple):
    """Identifiers of which one must be there too, or all of one of the ``groups``."""

    singles: frozenset[str]
    groups: tuple[tuple[frozenset[str], ...], ...]
    text: str

    def satisfied(self, present: set[str]) -> bool:
        """Whether what is ``present`` has what is needed."""
        if not self.singles.isdisjoint(present):
            return True
        return any(all(not wanted.isdisjoint(present) for wanted in group) for group in self.groups)


@dataclass(frozen=True, slots=True)
class ApplicationIdentifier:
    """One Application Identifier; ``sequences`` are those of ``qualifiers`` that may follow it in a link's path."""

    ai: str
    title: str
    title_zh: str
    components: tuple[Component, ...]
    least: int
    most: int
    fixed: bool
    attribute: bool
    key: bool
    sequences: tuple[tuple[str, ...], ...]
    qualifiers: frozenset[str]
    needs: tuple[Need, ...]
    bars: frozenset[str]
    pattern: re.Pattern[str]
    places: tuple[tuple[int, int, str], ...]
    """Where in the value which check applies: from, to, name."""


class Table(NamedTuple):
    """All identifiers, and the length of one by its first two digits."""

    by_ai: dict[str, ApplicationIdentifier]
    lengths: dict[str, int]


@cache
def table() -> Table:
    """The table, read once."""
    text = resources.files(__package__).joinpath("application_identifiers.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    every = [(ai, row) for row in rows for ai in _expand(row[0])]
    known = tuple(ai for ai, _ in every)
    return Table({ai: _entry(ai, row, known) for ai, row in every}, {ai[:2]: len(ai) for ai in known})


def _expand(ai: str) -> list[str]:
    first, _, last = ai.partition("-")
    return [str(number).zfill(len(first)) for number in range(int(first), int(last or first) + 1)]


def _entry(ai: str, row: list[str], known: tuple[str, ...]) -> ApplicationIdentifier:
    _, form, rules, title, title_zh = row
    components = _components(form)
    flags = rules.split()
    places, at = [], 0
    for one in components:
        places += [(at, at + one.most, name) for name in one.checks]
        at += one.most
    keys = [flag for flag in flags if flag.partition("=")[0] == "key"]
    sequences = _sequences(keys[0].partition("=")[2]) if keys else ()
    return ApplicationIdentifier(
        ai=ai,
        title=title,
        title_zh=title_zh,
        components=components,
        least=sum(one.least for one in components if not one.optional),
        most=at,
        fixed="fixed" in flags,
        attribute="attribute" in flags,
        key=bool(keys),
        sequences=sequences,
        qualifiers=frozenset(qualifier for sequence in sequences for qualifier in sequence),
        needs=tuple(_need(flag[6:], ai, known) for flag in flags if flag.startswith("needs=")),
        bars=frozenset(
            other
            for flag in flags
            if flag.startswith("bars=")
            for template in flag[5:].split(",")
            for other in _matching(template, ai, known)
        ),
        pattern=_pattern(components),
        places=tuple(places),
    )


@cache
def _components(form: str) -> tuple[Component, ...]:
    found = []
    for word in form.split():
        head, *checks = word.replace("[", "").replace("]", "").split(":")
        charset, length = head[0], head[1:]
        most = int(length.lstrip("-"))
        found.append(Component(charset, 1 if length[0] == "-" else most, most, word[0] == "[", tuple(checks)))
    return tuple(found)


@cache
def _pattern(components: tuple[Component, ...]) -> re.Pattern[str]:
    expression = ""
    for one in reversed(components):
        length = f"{{{one.least},{one.most}}}" if one.least < one.most else f"{{{one.most}}}"
        # An optional component is missed only together with all after it.
        expression = f"[{SETS[one.charset]}]{length}{expression}"
        if one.optional:
            expression = f"(?:{expression})?"
    return re.compile(expression)


def _sequences(qualifiers: str) -> tuple[tuple[str, ...], ...]:
    if not qualifiers:
        return ()
    found: list[tuple[str, ...]] = []
    for alternative in qualifiers.split("/"):
        ordered = alternative.split(",")
        found += [chosen for count in range(len(ordered), 0, -1) for chosen in combinations(ordered, count)]
    return tuple(found)


def _need(text: str, ai: str, known: tuple[str, ...]) -> Need:
    singles: set[str] = set()
    groups = []
    for group in text.split(","):
        members = [frozenset(_matching(template, ai, known)) for template in group.split("+")]
        if len(members) == 1:
            singles |= members[0]
        else:
            groups.append(tuple(members))
    return Need(frozenset(singles), tuple(groups), text)


def _matching(template: str, ai: str, known: tuple[str, ...]) -> list[str]:
    return [one for one in _alike(template, known) if one != ai]


@cache
def _alike(template: str, known: tuple[str, ...]) -> list[str]:
    start = template.rstrip("n")
    return [one for one in known if len(one) == len(template) and one.startswith(start)]
