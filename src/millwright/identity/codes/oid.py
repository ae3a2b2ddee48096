"""Object identifiers (ITU-T X.660 | ISO/IEC 9834-1): arcs from the root of one tree, in each way they are written.

Dotted (RFC 4512 and others), ``urn:oid:`` (RFC 3061), the OID-IRI notation ``/ISO/Member-Body/156`` (X.660, clause 7)
and its resolvable ``oid:`` scheme, ASN.1 value notation ``{iso(1) member-body(2) 156}`` (X.680, clause 32), and the
contents of a DER encoding (X.690, clause 8.19).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.model import Certainty, Code, Part, System
from millwright.identity.codes.tables import by_key, weakest
from millwright.identity.codes.text import MOST_CHARACTERS, check_text

_ROOT_ARCS = 3
_MOST_BELOW_0_AND_1 = 39
"""X.660, clause A.2: the arcs below 0 and 1 are 0 to 39, for the first two share an octet in the encoding."""

_LEADING = re.compile(r"(?:urn:oid:|oid:(?=[0-9]))", re.IGNORECASE)
_IRI = re.compile(r"(?:oid:)?/", re.IGNORECASE)
_ARC = re.compile(r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9-]*)\s*(?:\(\s*(?P<named>[0-9]+)\s*\))?|(?P<number>[0-9]+))")
_TAG = 0x06
_LARGEST_ARC = 10**MOST_CHARACTERS - 1


@dataclass(frozen=True, slots=True)
class Arc:
    """One arc: its number and where it stands in the text."""

    number: int
    at: int
    value: str


def likely(text: str) -> bool:
    """Whether the text is written like one."""
    if _LEADING.match(text) or text.startswith("{") or text.lower().startswith("oid:/"):
        return True
    return bool(
        re.fullmatch(r"[0-2](?:\.[0-9]+)+", text) or re.match(r"/(?:[0-2]|iso|itu-t|joint-iso-itu-t)/", text, re.I)
    )


def parse(text: str) -> Code:
    """An object identifier in any notation. Raises ``Invalid``."""
    check_text(text)
    if text.startswith("{"):
        arcs, kind = _from_value_notation(text), "asn1"
    elif found := _IRI.match(text):
        arcs, kind = _from_labels(text, found.end()), "iri"
    else:
        leading = _LEADING.match(text)
        arcs, kind = _from_dots(text, leading.end() if leading else 0), "dotted"
    _check(text, arcs)
    parts, certainty = _parts(arcs)
    notes = () if certainty == "verified" else ("The name of at least one arc is known from use only.",)
    return Code(
        system="oid",
        kind=kind,
        text=text,
        canonical=".".join(str(arc.number) for arc in arcs),
        parts=parts,
        certainty=certainty,
        notes=notes,
    )


# --- notations -------------------------------------------------------------------------------------------------------


def _from_dots(text: str, start: int) -> list[Arc]:
    arcs, at = [], start
    for value in text[start:].split("."):
        if not value:
            raise bad_code(text, at, "an empty arc", "One dot stands between two numbers.", why_zh="弧为空")
        arcs.append(Arc(_number(text, value, at), at, value))
        at += len(value) + 1
    return arcs


def _number(text: str, value: str, at: int) -> int:
    for offset, character in enumerate(value):
        if character not in "0123456789":
            raise bad_code(text, at + offset, "an arc is a number", "Arcs are digits alone.", why_zh="弧必须为数字")
    if len(value) > 1 and value[0] == "0":
        raise bad_code(text, at, "a leading zero", "Write the arc without it.", why_zh="弧不得有前导零")
    return int(value)


def _from_labels(text: str, start: int) -> list[Arc]:
    """OID-IRI: each label is a number or a Unicode label of the table, without regard to the case of A to Z."""
    arcs: list[Arc] = []
    at = start
    for value in text[start:].split("/"):
        if not value:
            raise bad_code(text, at, "an empty label", "One slash stands between two labels.", why_zh="标签为空")
        if value.isascii() and value.isdigit():
            arcs.append(Arc(_number(text, value, at), at, value))
        elif not arcs and value.lower() in _LONG_ARCS:
            # X.660, clause 3.5.8: a long arc leads from the root to below the third root arc.
            arcs += [Arc(number, at, value) for number in _LONG_ARCS[value.lower()]]
        else:
            arcs.append(Arc(_by_name(text, arcs, value, at), at, value))
        at += len(value) + 1
    return arcs


_LONG_ARCS = {"example": (2, 999)}


def _by_name(text: str, above: list[Arc], name: str, at: int) -> int:
    prefix = ".".join(str(arc.number) for arc in above)
    for row in by_key("oid", "arc", "oid").values():
        parent, _, last = str(row["oid"]).rpartition(".")
        names = {row["name"], row.get("iri", ""), *row.get("also", ())}
        if parent == prefix and name.lower() in {each.lower() for each in names if each}:
            return int(last)
    raise bad_code(
        text,
        at,
        f"no arc {name!r} is known below {prefix or 'the root'}",
        "Write its number.",
        why_zh="未知的弧名称，请写数字",
    )


def _from_value_notation(text: str) -> list[Arc]:
    arcs: list[Arc] = []
    at = 1
    while True:
        found = _ARC.match(text, at)
        if found is None:
            break
        name, named, number = found["name"], found["named"], found["number"]
        start = found.start("name") if name else found.start("number")
        if named is not None or number is not None:
            value = named if named is not None else number
            where = found.start("named") if named is not None else start
            arcs.append(Arc(_number(text, value, where), start, text[start : found.end()]))
        else:
            arcs.append(Arc(_by_name(text, arcs, name, start), start, name))
        at = found.end()
    rest = text[at:].lstrip()
    if rest != "}":
        at = len(text) - len(rest)
        raise bad_code(text, at, "expected an arc or }", "Such as {iso(1) member-body(2) 156}.", why_zh="应为弧或 }")
    if not arcs:
        raise bad_code(text, at, "no arcs", why_zh="没有弧")
    return arcs


def _check(text: str, arcs: list[Arc]) -> None:
    if arcs[0].number >= _ROOT_ARCS:
        raise bad_code(text, arcs[0].at, "the first arc is 0, 1 or 2", why_zh="第一个弧只能是 0、1 或 2")
    if len(arcs) < 2:
        at = arcs[0].at + len(arcs[0].value)
        raise bad_code(
            text, at, "a second arc is missing", "An identifier has two arcs at least.", why_zh="缺少第二个弧"
        )
    if arcs[0].number < 2 and arcs[1].number > _MOST_BELOW_0_AND_1:
        raise bad_code(
            text, arcs[1].at, "below 0 and 1 the second arc is 0 to 39", why_zh="0 和 1 之下的第二个弧为 0–39"
        )


def _parts(arcs: list[Arc]) -> tuple[tuple[Part, ...], Certainty]:
    names = by_key("oid", "arc", "oid")
    certainty: Certainty = "verified"
    parts, path = [], ""
    for index, arc in enumerate(arcs):
        path = f"{path}.{arc.number}" if path else str(arc.number)
        row = names.get(path)
        meaning = meaning_zh = ""
        if row is not None:
            meaning, meaning_zh = row["label"], row["label_zh"]
            certainty = weakest(certainty, row["certainty"])
        elif path.startswith("2.25.") and index == 2 and arc.number < 1 << 128:
            meaning = meaning_zh = f"UUID {uuid.UUID(int=arc.number)}"
        parts.append(
            Part(
                name=f"arc_{index + 1}", value=arc.value, label=f"Arc {index + 1}", label_zh=f"第 {index + 1} 弧",
                at=arc.at, meaning=meaning, meaning_zh=meaning_zh,
            )
        )  # fmt: skip
    return tuple(parts), certainty


# --- other forms -----------------------------------------------------------------------------------------------------


def _numbers(dotted: str) -> list[int]:
    return [int(arc) for arc in dotted.split(".")]


def to_der(dotted: str) -> bytes:
    """The DER encoding with tag and length (X.690, clause 8.19) of a canonical text."""
    first, second, *rest = _numbers(dotted)
    contents = b"".join(_base128(number) for number in [first * 40 + second, *rest])
    size = len(contents)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes([_TAG]) + length + contents


def _base128(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(0x80 | number & 0x7F)
    return bytes(reversed(octets))


def from_der(encoding: bytes) -> Code:
    """The object identifier of a whole DER encoding. Raises ``Invalid``; ``at`` is the octet."""
    shown = encoding.hex()

    def bad(at: int, why: str, why_zh: str) -> Exception:
        return bad_code(shown, at, why, "This is the offset in octets.", why_zh=why_zh)

    if not encoding or encoding[0] != _TAG:
        raise bad(0, "the tag of an OBJECT IDENTIFIER is 06", "OBJECT IDENTIFIER 的标签应为 06")
    if len(encoding) < 2:
        raise bad(1, "no length", "缺少长度")
    start, size = 2, encoding[1]
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(encoding[2:start], "big")
        if start > len(encoding) or size < 0x80 or encoding[2] == 0:
            raise bad(1, "DER takes the shortest length", "DER 要求最短的长度编码")
    contents = encoding[start:]
    if size != len(contents) or not contents:
        raise bad(1, "the length is not that of the contents", "长度与内容不符")
    if size > MOST_CHARACTERS:
        raise bad(start, "it is longer than any text that is read here", "超出可读取的长度")
    numbers, number, fresh = [], 0, True
    for offset, octet in enumerate(contents):
        if fresh and octet == 0x80:
            raise bad(start + offset, "an arc with a leading zero", "弧有前导零")
        number = number << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            if number > _LARGEST_ARC:
                raise bad(start + offset, "an arc has more digits than are read here", "弧的位数超出可读取的长度")
            numbers.append(number)
            number = 0
    if not fresh:
        raise bad(len(encoding), "the last arc is cut off", "最后一个弧不完整")
    first = min(numbers[0] // 40, 2)
    return parse(".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]])))


def _value_notation(code: Code) -> str:
    return "{" + " ".join(_named(code, "name", "{name}({number})")) + "}"


def _iri(code: Code) -> str:
    return "/" + "/".join(_named(code, "iri", "{name}"))


def _named(code: Code, column: str, pattern: str) -> list[str]:
    table, path, shown = by_key("oid", "arc", "oid"), "", []
    for number in code.canonical.split("."):
        path = f"{path}.{number}" if path else number
        name = table.get(path, {}).get(column)
        shown.append(pattern.format(name=name, number=number) if name else number)
    return shown


def _uuid(code: Code) -> str:
    numbers = _numbers(code.canonical)
    if numbers[:2] != [2, 25] or len(numbers) != 3 or numbers[2] >= 1 << 128:
        raise no_such_form("a UUID", "only 2.25.n is one (ITU-T X.667).")
    return str(uuid.UUID(int=numbers[2]))


SYSTEM = System(
    name="oid",
    label="Object identifier (OID)",
    label_zh="对象标识符（OID）",
    standard="ITU-T X.660 | ISO/IEC 9834-1; X.680 clause 32, X.690 clause 8.19; RFC 3061",
    example="1.2.156.10197.1.401",
    likely=likely,
    parse=parse,
    conversions={
        "dotted": lambda code: code.canonical,
        "urn": lambda code: f"urn:oid:{code.canonical}",
        "iri": _iri,
        "asn1": _value_notation,
        "der_hex": lambda code: to_der(code.canonical).hex(),
        "uuid": _uuid,
    },
)
"""Object identifiers."""
