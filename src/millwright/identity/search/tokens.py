"""Words of a text, for an index: of letters and digits as they are, of Chinese, Japanese and Korean by pairs.

Chinese is written without spaces, so each pair of neighbouring characters is a word of the index (中华人民 → 中华,
华人, 人民), and the last character too, so that one character alone is found as the beginning of a word. A phrase asked
for is found where all of its pairs are. A word of a field carries a mark made of both, to be found by its field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

import xxhash

MOST_CHARACTERS: Final = 8_000
"""Of one value."""
_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
_MOST_WORD: Final = 64


def fold(text: str) -> str:
    """A text as it is compared: compatible forms are one (NFKC), and so are cases."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold()


def words(text: str) -> list[str]:
    """The words of a text, for the index."""
    text = fold(text[:MOST_CHARACTERS])
    if text.isascii():
        return [each[:_MOST_WORD] for each in _WORD.findall(text)]
    found: list[str] = []
    for each in _WORD.findall(text):
        if _IS_CJK.match(each):
            found += [each[at : at + 2] for at in range(len(each) - 1)]
            found.append(each[-1])
        else:
            found.append(each[:_MOST_WORD])
    return found


def asked(text: str) -> Iterator[tuple[str, bool]]:
    """The words asked for, and whether each may be the beginning of a longer one: the last may, which somebody may be
    typing, and a single character."""
    found = _WORD.findall(fold(text[:MOST_CHARACTERS]))
    for place, each in enumerate(found):
        if not _IS_CJK.match(each):
            yield each[:_MOST_WORD], place == len(found) - 1
        elif len(each) == 1:
            yield each, True
        else:
            for at in range(len(each) - 1):
                yield each[at : at + 2], False


def mark(field: str, word: str) -> str:
    """A word of a field, as a word of the index."""
    return "x" + xxhash.xxh3_64_hexdigest(f"{field} {word}".encode())


def field_words(field: str, found: Iterable[str]) -> list[str]:
    """The marks of a field's words."""
    return [mark(field, word) for word in found]


def asked_of(field: str, text: str) -> list[str]:
    """The marks that a field has whose value has all words of ``text``."""
    found = []
    for each in _WORD.findall(fold(text[:MOST_CHARACTERS])):
        if _IS_CJK.match(each):
            pairs = [each[at : at + 2] for at in range(len(each) - 1)] or [each]
            found += [mark(field, pair) for pair in pairs]
        else:
            found.append(mark(field, each[:_MOST_WORD]))
    return found
