"""What every code system asks of a text before it looks for its own rules."""

from __future__ import annotations

import re

from millwright.identity.codes.errors import bad_code

MOST_CHARACTERS = 4096
"""Longer texts are no identifiers; the longest that is read in the field is a Digital Link of some 200 characters."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")


def check_text(text: str) -> None:
    """Refuse what no identifier may be: nothing, too much, or control characters. Raises ``Invalid``."""
    if not text:
        raise bad_code(text, 0, "there is nothing", "Give the identifier.", why_zh="没有内容")
    check_length(text)
    found = _UNPRINTABLE.search(text)
    if found:
        raise bad_code(text, found.start(), "a control character", why_zh="含有控制字符")
    if text[0].isspace() or text[-1].isspace():
        at = 0 if text[0].isspace() else len(text) - 1
        raise bad_code(text, at, "a space around the identifier", "Remove it.", why_zh="首尾有空格")


def check_length(text: str) -> None:
    """Refuse a text that is too long to look at. Raises ``Invalid``."""
    if len(text) > MOST_CHARACTERS:
        raise bad_code(
            text,
            MOST_CHARACTERS,
            f"it is longer than {MOST_CHARACTERS} characters",
            why_zh=f"超过 {MOST_CHARACTERS} 个字符",
        )


def percent_decoded(text: str, start: int, end: int) -> str:
    """``text[start:end]`` with its percent escapes decoded as UTF-8 (RFC 3986, section 2.1). Raises ``Invalid``."""
    taken = bytearray()
    at = start
    while at < end:
        if text[at] == "%":
            if not _HEX.fullmatch(text, at + 1, min(at + 3, end)):
                raise bad_code(
                    text,
                    at,
                    "% without two hexadecimal digits",
                    "Write % itself as %25.",
                    why_zh="% 后应为两位十六进制数",
                )
            taken.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            taken += text[at].encode()
            at += 1
    try:
        decoded = taken.decode()
    except UnicodeDecodeError:
        raise bad_code(text, start, "the percent escapes are no UTF-8", why_zh="百分号编码不是 UTF-8") from None
    if _UNPRINTABLE.search(decoded):
        raise bad_code(text, start, "an escaped control character", why_zh="含有转义的控制字符")
    return decoded


def ascii_lower(text: str) -> str:
    """``text`` with A to Z in lower case, and nothing else changed."""
    return text.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
