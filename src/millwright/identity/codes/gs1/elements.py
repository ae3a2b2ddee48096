"""Element strings: Application Identifiers with their values, bracketed or as a scanner transmits them.

General Specifications, clauses 4.14 (brackets for people), 5.10.1 and 7.8 (separators, predefined length), 4.13 (pairs
that are required or excluded).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.gs1.checks import CHECKS
from millwright.identity.codes.gs1.faults import Fault
from millwright.identity.codes.gs1.table import ApplicationIdentifier, table

FNC1 = "\x1d"
"""How a scanner transmits the separator: the ASCII character GS."""

_SET_NAMES = {
    "N": ("a digit", "数字"),
    "X": ("a character of set 82 (General Specifications, figure 7.11-1)", "82 字符集中的字符（通用规范图 7.11-1）"),
    "Y": ("a capital letter, a digit, #, - or /", "大写字母、数字、#、- 或 /"),
    "Z": ("a character of URI-safe base64", "URI 安全 base64 字符"),
}


class Element(NamedTuple):
    """One identifier with its value; ``at`` is where in the text the value begins, ``ai_at`` where the identifier."""

    entry: ApplicationIdentifier
    value: str
    at: int
    ai_at: int


def find_fault(entry: ApplicationIdentifier, value: str) -> Fault | None:
    """What is wrong with a value of ``entry``; nothing when it is right."""
    if entry.pattern.fullmatch(value) is None:
        return _misformed(entry, value)
    for start, stop, name in entry.places:
        piece = value[start:stop]
        if piece and (fault := CHECKS[name](piece)):
            return Fault(start + fault.at, fault.why, fault.why_zh)
    if entry.components[0].charset == "Z":
        return _padding(value)
    return None


def _misformed(entry: ApplicationIdentifier, value: str) -> Fault:
    at = 0
    for one in entry.components:
        piece = value[at : at + one.most]
        for offset, character in enumerate(piece):
            if not _belongs(character, one.charset):
                what, what_zh = _SET_NAMES[one.charset]
                return Fault(
                    at + offset,
                    f"{_shown(character)} stands in ({entry.ai}) {entry.title} where {what} should be.",
                    f"（{entry.ai}）{entry.title_zh} 中的 {_shown(character)} 处应为{what_zh}。",
                )
        if len(piece) < one.least and (piece or not one.optional):
            return Fault(
                at + len(piece),
                f"({entry.ai}) {entry.title} ends too early: {_length(entry)}, here {len(value)}.",
                f"（{entry.ai}）{entry.title_zh} 过短：{_length_zh(entry)}，此处为 {len(value)} 个。",
            )
        at += len(piece)
    return Fault(
        at,
        f"({entry.ai}) {entry.title} is too long: {_length(entry)}, here {len(value)}.",
        f"（{entry.ai}）{entry.title_zh} 过长：{_length_zh(entry)}，此处为 {len(value)} 个。",
    )


def _belongs(character: str, charset: str) -> bool:
    if charset == "N":
        return "0" <= character <= "9"
    if "A" <= character <= "Z":
        return True
    if "0" <= character <= "9":
        return True
    if charset == "Y":
        return character in "#-/"
    if "a" <= character <= "z":
        return True
    return character in ("-_=" if charset == "Z" else "!\"%&'()*+,-./:;<=>?_")


def _shown(character: str) -> str:
    return character if " " < character < "\x7f" else f"U+{ord(character):04X}"


def _length(entry: ApplicationIdentifier) -> str:
    few, most = entry.least, entry.most
    return f"it has {most} characters" if few == most else f"it has {few} to {most} characters"


def _length_zh(entry: ApplicationIdentifier) -> str:
    few, most = entry.least, entry.most
    return f"应有 {most} 个字符" if few == most else f"应有 {few} 至 {most} 个字符"


def _padding(value: str) -> Fault | None:
    body = value.rstrip("=")
    if "=" in body:
        return Fault(body.index("="), "= may only stand at the end of base64.", "= 只可位于 base64 末尾。")
    pads = len(value) - len(body)
    # RFC 4648, clause 4: padding fills the last group of four, with one or two characters.
    if pads and (pads > 2 or len(value) % 4):
        return Fault(len(body), "the base64 padding does not fill a group of four.", "base64 填充未补足四个一组。")
    return None


def refuse(text: str, at: int, fault: Fault) -> NoReturn:
    """Raise ``Invalid`` for a fault of the value that begins at ``at``."""
    raise bad_code(text, at + fault.at, fault.why, why_zh=fault.why_zh)


def read_bracketed(text: str) -> list[Element]:
    """The elements of ``(01)09521234543213(10)ABC``; a bracket inside a value is written ``\\(``."""
    by_ai = table().by_ai
    elements = []
    at, end = 0, len(text)
    while at < end:
        if text[at] != "(":
            raise bad_code(text, at, "an identifier in brackets should begin here.", why_zh="此处应以“(”开始。")
        close = text.find(")", at)
        if close < 0:
            raise bad_code(text, end, "the bracket is not closed.", why_zh="括号未闭合。")
        entry = by_ai.get(text[at + 1 : close])
        if entry is None:
            unknown_identifier(text, at + 1, text[at + 1 : close])
        begin = close + 1
        following = text.find("(", begin)
        while following > begin and text[following - 1] == "\\":
            following = text.find("(", following + 1)
        stop = following if following >= 0 else end
        value = text[begin:stop]
        if "\\" in value:
            value = value.replace("\\(", "(")
            if fault := find_fault(entry, value):
                refuse(text, begin + text[begin:stop].count("\\(", 0, fault.at + 1), fault)
        elif fault := find_fault(entry, value):
            refuse(text, begin, fault)
        elements.append(Element(entry, value, begin, at + 1))
        at = stop
    if not elements:
        raise bad_code(text, 0, "there is nothing.", why_zh="内容为空。")
    return elements


def unknown_identifier(text: str, at: int, ai: str) -> NoReturn:
    """Raise ``Invalid`` for an identifier that is not assigned."""
    raise bad_code(text, at, f"there is no Application Identifier ({ai[:8]}).", why_zh=f"没有应用标识符（{ai[:8]}）。")


def read_transmitted(text: str, start: int, separators: str = FNC1) -> list[Element]:
    """The elements of a text without brackets, from ``start``, any of ``separators`` between them."""
    known = table()
    by_ai, lengths = known.by_ai, known.lengths
    elements = []
    at, end = start, len(text)
    if len(separators) == 1:
        separator, message = separators, text
    else:
        separator = separators[0]
        message = text.translate({ord(one): separator for one in separators})
    if at == end:
        raise bad_code(text, at, "there is nothing after the separator.", why_zh="分隔符之后没有内容。")
    while at < end:
        ai_at = at
        length = lengths.get(message[at : at + 2], 0)
        entry = by_ai.get(message[at : at + length]) if length else None
        if entry is None:
            unknown_identifier(text, at, message[at : at + (length or 2)])
        at += length
        stop = message.find(separator, at)
        if stop < 0:
            stop = end
        if entry.fixed and stop > at + entry.most:
            stop = at + entry.most
        value = message[at:stop]
        if fault := find_fault(entry, value):
            refuse(text, at, fault)
        elements.append(Element(entry, value, at, ai_at))
        at = stop
        if at < end and message[at] == separator:
            at += 1
    return elements


def check_together(text: str, elements: Sequence[Element]) -> None:
    """Whether the elements may and do stand together (General Specifications, clause 4.13).

    It is said of all carriers of one item together; a text is taken to be all of them.
    """
    if len(elements) == 1:
        entry = elements[0].entry
        if entry.needs:
            _lacks(text, elements[0], entry.needs[0].text)
        return
    values: dict[str, str] = {}
    for entry, value, _, ai_at in elements:
        if values.setdefault(entry.ai, value) != value:
            raise bad_code(
                text,
                ai_at,
                f"({entry.ai}) stands here a second time with another value.",
                why_zh=f"（{entry.ai}）再次出现，而值不同。",
            )
    present = set(values)
    for element in elements:
        entry = element.entry
        if not entry.bars.isdisjoint(present):
            other = min(entry.bars & present)
            raise bad_code(
                text,
                element.ai_at,
                f"({entry.ai}) {entry.title} may not stand together with ({other}).",
                why_zh=f"（{entry.ai}）{entry.title_zh} 不可与（{other}）同时出现。",
            )
        for need in entry.needs:
            if not need.satisfied(present):
                _lacks(text, element, need.text)
    if "8030" in present:
        _signed(text, elements)


def _lacks(text: str, element: Element, needed: str) -> NoReturn:
    entry = element.entry
    choice = needed.replace(",", ", ")
    raise bad_code(
        text,
        element.ai_at,
        f"({entry.ai}) {entry.title} needs one of these beside it: {choice}.",
        "Give what all carriers of the item say together.",
        why_zh=f"（{entry.ai}）{entry.title_zh} 须与下列之一同时出现：{choice}。",
    )


def _signed(text: str, elements: Sequence[Element]) -> None:
    # A signature is of one thing: the keys whose serial part is optional must have it.
    for entry, value, at, _ in elements:
        if entry.ai in ("253", "255", "8003") and len(value) == entry.least:
            raise bad_code(
                text,
                at + len(value),
                f"({entry.ai}) {entry.title} needs its serial number beside a digital signature (8030).",
                why_zh=f"与数字签名（8030）同时出现时，（{entry.ai}）{entry.title_zh} 须含系列号。",
            )


def write_bracketed(elements: Sequence[Element]) -> str:
    """As people read it: ``(01)09521234543213(10)ABC``."""
    return "".join(
        f"({entry.ai}){value.replace('(', chr(92) + '(') if '(' in value else value}" for entry, value, _, _ in elements
    )


def write_transmitted(elements: Sequence[Element], separator: str = FNC1) -> str:
    """As a scanner transmits it: a separator after all that is not of predefined length, unless it is the last."""
    written = [f"{entry.ai}{value}{'' if entry.fixed else separator}" for entry, value, _, _ in elements]
    text = "".join(written)
    return text[:-1] if text.endswith(separator) else text
