"""GS1 as a code system: whatever form a text has, what it identifies, and the other forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.gs1.compression import can_compress, compress, decompress
from millwright.identity.codes.gs1.digital_link import CANONICAL_STEM, Link, in_path, read_link, take_apart, write_link
from millwright.identity.codes.gs1.elements import (
    FNC1,
    Element,
    check_together,
    find_fault,
    read_bracketed,
    read_transmitted,
    write_bracketed,
    write_transmitted,
)
from millwright.identity.codes.gs1.keys import LENGTHS, read_key
from millwright.identity.codes.gs1.meaning import meaning_of
from millwright.identity.codes.gs1.prefixes import find_organisation, prefix_of
from millwright.identity.codes.gs1.table import table
from millwright.identity.codes.model import Code, Part, System
from millwright.kernel import Invalid

MOST_CHARACTERS = 8191
"""No carrier holds more than about 7,000 digits; a longer text is not looked at."""

KINDS = {
    "00": "sscc",
    "01": "gtin",
    "253": "gdti",
    "255": "gcn",
    "401": "ginc",
    "402": "gsin",
    "414": "gln",
    "415": "gln",
    "417": "pgln",
    "8003": "grai",
    "8004": "giai",
    "8006": "itip",
    "8010": "cpid",
    "8013": "gmn",
    "8017": "gsrnp",
    "8018": "gsrn",
}
"""The kind of a code by its primary key's Application Identifier."""

_SYMBOLOGIES = {
    "C1": "gs1",
    "e0": "gs1",
    "d2": "gs1",
    "Q3": "gs1",
    "J1": "gs1",
    "d1": "link",
    "Q1": "link",
    "J0": "link",
}
_EAN_LENGTHS = {"E0": 13, "E4": 8, "I1": 14}
_KEY_AT = len(CANONICAL_STEM) + 1
_COMPRESSED = re.compile("[A-Za-z0-9_-]{6,1024}")
_LIKELY = re.compile(
    r"\([0-9]{2,4}\)|[\^\x1d][0-9]{2}|\](?:C1|e0|d[12]|Q[13]|J[01]|E[04]|I1)|01[0-9]{14}|00[0-9]{18}"
    r"|https?://id\.gs1\.org/|https?://[^?#]*/(?:0[01]|25[35]|40[12]|41[457]|80(?:0[346]|1[0378]))/"
    r"|https?://[^?#]*/(?:gtin|sscc|gln|party|gdti|gcn|grai|giai|gsrnp?|cpid|gmn|itip|ginc|gsin)/",
    re.IGNORECASE,
)


def likely(text: str) -> bool:
    """Whether a text could be a GS1 key, an element string, a scan or a Digital Link."""
    return _LIKELY.match(text) is not None or (len(text) in LENGTHS and text.isascii() and text.isdigit())


def parse(text: str) -> Code:
    """What a text identifies; raises ``Invalid`` (``identity.code_invalid``) with the character that is wrong."""
    elements, notes = read(text)
    check_together(text, elements)
    canonical = write_link(elements, canonical=True)
    kind, key = "element_string", None
    if canonical is None:
        canonical = write_bracketed(sorted({one.entry.ai: one for one in elements}.values(), key=_by_identifier))
    else:
        ai = canonical[_KEY_AT : canonical.index("/", _KEY_AT)]
        kind, key = KINDS[ai], next(one for one in elements if one.entry.ai == ai)
    parts = [
        Part(
            name=entry.ai,
            value=value,
            label=entry.title,
            label_zh=entry.title_zh,
            at=at,
            meaning=meaning_of(entry, value),
        )
        for entry, value, at, _ in elements
    ]
    if key is not None and (issued := _issued(text, key)) is not None:
        parts.append(issued)
    return Code(system="gs1", kind=kind, text=text, canonical=canonical, parts=tuple(parts), notes=notes)


def _issued(text: str, key: Element) -> Part | None:
    offset, prefix = prefix_of(key.entry.ai, key.value)
    if (organisation := find_organisation(prefix)) is None:
        return None
    # Leading zeros of a GTIN in 14 digits may not be in the text.
    shown = text.startswith(key.value, key.at)
    return Part(
        name="gs1_prefix",
        value=prefix,
        label="GS1 Prefix (table recalled)",
        label_zh="GS1 前缀（对照表未经核实）",
        at=key.at + offset if shown else text.find(prefix, key.at),
        meaning=organisation[0],
        meaning_zh=organisation[1],
    )


def _by_identifier(element: Element) -> str:
    return element.entry.ai


def read(text: str) -> tuple[list[Element], tuple[str, ...]]:
    """The elements of a text in any form, each valid by itself, and notes; raises ``Invalid``."""
    if len(text) > MOST_CHARACTERS:
        raise bad_code(
            text,
            MOST_CHARACTERS,
            f"it is longer than {MOST_CHARACTERS} characters.",
            why_zh=f"超过 {MOST_CHARACTERS} 个字符。",
        )
    first = text[:1]
    if first == "(":
        return read_bracketed(text), ()
    if first in ("h", "H") and text[:4].lower() == "http":
        return _read_uri(text, 0)
    if first == "]":
        return _read_scan(text)
    if first in ("^", FNC1) and first:
        return read_transmitted(text, 1, "^" + FNC1 if FNC1 in text else "^"), ()
    if len(text) in LENGTHS and text.isascii() and text.isdigit():
        key, note = read_key(text)
        return [key], ((note,) if note else ())
    return read_transmitted(text, 0, "^" + FNC1 if "^" in text else FNC1), ()


def _read_scan(text: str) -> tuple[list[Element], tuple[str, ...]]:
    """A scan with its symbology identifier (General Specifications, clause 5.1.4; ISO/IEC 15424)."""
    symbology = text[1:3]
    if (length := _EAN_LENGTHS.get(symbology)) is not None:
        primary, composite, rest = text.partition("|]e0")
        if len(primary) != 3 + length or not (primary[3:].isascii() and primary[3:].isdigit()):
            raise bad_code(
                text, 3, f"after {text[:3]} come {length} digits.", why_zh=f"{text[:3]} 之后应为 {length} 位数字。"
            )
        key, _ = read_key(primary, 3)
        return [key, *(read_transmitted(text, len(primary) + len(composite)) if rest else ())], ()
    carries = _SYMBOLOGIES.get(symbology)
    if carries == "gs1":
        return read_transmitted(text, 3), ()
    if carries == "link":
        return _read_uri(text, 3)
    raise bad_code(
        text,
        0,
        f"{text[:3]} is no symbology identifier of a carrier with GS1 data.",
        why_zh=f"{text[:3]} 不是承载 GS1 数据的码制标识符。",
    )


def _read_uri(text: str, start: int) -> tuple[list[Element], tuple[str, ...]]:
    # A path of one segment holds no key with its value: it is compressed, or nothing.
    link = _read_compressed(text, start) if text.count("/", start) == 3 else None
    if link is None:
        try:
            link = read_link(text, start)
        except Invalid as error:
            link = _read_compressed(text, start)
            if link is None:
                raise error from None
    return link.elements, tuple(f"{word} in the query is no part of the identifier." for word in link.others)


def _read_compressed(text: str, start: int) -> Link | None:
    place = take_apart(text, start)
    words = text[place.path_at : place.path_end].split("/")
    if len(words) < 2 or _COMPRESSED.fullmatch(words[-1]) is None:
        return None
    at = place.path_end - len(words[-1])
    before: dict[str, str] = {}
    readable = in_path(words[-3]) if len(words) > 3 else None
    if readable is not None and readable.key:
        before[readable.ai] = words[-2]
    # GS1's toolkit is the only writer of the ambiguous codes that is known, so its order is tried first.
    for in_order in (True, False):
        try:
            inside, others = decompress(text, at, place.path_end, in_order=in_order)
        except Invalid:
            continue
        if (elements := _valid(before | inside, at)) is not None:
            return Link(text[start:at], elements, 0, tuple(f"{key}={value}" for key, value in others.items()))
    return None


def _valid(pairs: dict[str, str], at: int) -> list[Element] | None:
    by_ai = table().by_ai
    elements = [Element(by_ai[ai], value, at, at) for ai, value in pairs.items()]
    if any(find_fault(one.entry, one.value) for one in elements) or not any(one.entry.key for one in elements):
        return None
    return elements


def elements_of(code: Code) -> list[Element]:
    """The elements of a code that was parsed."""
    by_ai = table().by_ai
    return [Element(by_ai[one.name], one.value, one.at, one.at) for one in code.parts if one.name in by_ai]


def element_string(code: Code) -> str:
    """As an element string with brackets."""
    return write_bracketed(elements_of(code))


def gs1_128(code: Code) -> str:
    """As a scanner transmits it from a GS1-128 symbol, with symbology identifier and separators."""
    return "]C1" + write_transmitted(elements_of(code))


def digital_link(code: Code) -> str:
    """As a Digital Link at id.gs1.org, attributes in the order given."""
    return _link(elements_of(code), CANONICAL_STEM)


def digital_link_compressed(code: Code) -> str:
    """As a compressed Digital Link at id.gs1.org."""
    elements = elements_of(code)
    _link(elements, CANONICAL_STEM)
    return f"{CANONICAL_STEM}/{compress({entry.ai: value for entry, value, _, _ in elements})}"


def compress_link(text: str, stem: str = "") -> str:
    """A Digital Link compressed, with what else its query says where that can be; raises ``Invalid``."""
    link = read_link(text)
    check_together(text, link.elements)
    others: dict[str, str] = {}
    left = []
    for word in link.others:
        key, _, value = word.partition("=")
        if can_compress(key, value) and "%" not in value and "+" not in value:
            others[key] = value
        else:
            left.append(word)
    segment = compress({entry.ai: value for entry, value, _, _ in link.elements}, others)
    return f"{(stem or link.stem).removesuffix('/')}/{segment}" + ("?" + "&".join(left) if left else "")


def _link(elements: Sequence[Element], stem: str) -> str:
    link = write_link(elements, stem)
    if link is None:
        raise no_such_form(
            "a Digital Link", "it has no primary key, or something beside it that a Digital Link may not say."
        )
    return link


def epc_hex(code: Code) -> str:
    """As the EPC binary of the ``+`` schemes (Tag Data Standard 2.0), which need no company prefix length."""
    # The EPC package stands on this one; only this function looks back.
    from millwright.identity.codes.epc.plus import write_plus

    return write_plus({one.entry.ai: one.value for one in elements_of(code)})


def epc_uri(code: Code) -> str:
    """Always raises ``Unsupported``: where the company prefix ends is not in the code."""
    raise no_such_form(
        "an EPC",
        f"a {code.kind} does not say how long its GS1 Company Prefix is; epc.epc_of takes it as a parameter.",
    )


SYSTEM = System(
    name="gs1",
    label="GS1 keys, element strings and Digital Links",
    label_zh="GS1 标识代码、单元数据串与数字链接",
    standard="GS1 General Specifications 26, clauses 2 and 3; GS1 Digital Link Standard: URI Syntax, Compression",
    example="(01)09521234543213(10)ABC",
    likely=likely,
    parse=parse,
    conversions={
        "element_string": element_string,
        "gs1_128": gs1_128,
        "digital_link": digital_link,
        "digital_link_compressed": digital_link_compressed,
        "epc_uri": epc_uri,
        "epc_tag_uri": epc_uri,
        "epc_hex": epc_hex,
    },
)
"""GS1 as a code system."""
