"""Compressed GS1 Digital Links (GS1 Digital Link Standard: Compression).

Identifiers and values become bits, bits become characters of URI-safe base64, and they are the path's only segment, or
the last one after a primary key that is left readable.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.gs1.bits import BitReader, OutOfBits, value_bits
from millwright.identity.codes.gs1.table import ApplicationIdentifier, table

SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The base64 alphabet of RFC 4648, clause 5."""

_VALUE = {character: value for value, character in enumerate(SAFE)}
_HEXADECIMAL = "0123456789abcdef"

_PAIRS = """
0A 01 22;0B 01 10;0C 01 21;0D 01 17;0E 01 7003;0F 01 30;1A 01 10 21 17;1B 01 15;1C 01 11;1D 01 16;1E 01 91;1F 01 10 15
2A 01 3100;2B 01 3101;2C 01 3102;2D 01 3103;2E 01 3104;2F 01 3105
3A 01 3200;3B 01 3201;3C 01 3202;3D 01 3203;3E 01 3204;3F 01 3205
9A 8010 8011;9B 8017 8019;9C 8018 8019;9D 414 254
A0 01 3920;A1 01 3921;A2 01 3922;A3 01 3923;A4 01 3924;A5 01 3925;A6 01 3926;A7 01 3927;A8 01 3928;A9 01 3929
C0 255 3900;C1 255 3901;C2 255 3902;C3 255 3903;C4 255 3904;C5 255 3905;C6 255 3906;C7 255 3907;C8 255 3908;C9 255 3909
CA 255 3940;CB 255 3941;CC 255 3942;CD 255 3943
"""

OPTIMISATIONS = {word[:2]: tuple(word[3:].split()) for line in _PAIRS.split("\n") for word in line.split(";") if word}
"""Codes that stand for several identifiers that often come together, in the order of the standard's table."""

AMBIGUOUS = frozenset({"1A", "9D"})
"""Codes whose identifiers GS1's own toolkit puts in the order of their numbers instead: read in both, never written."""


class Field(NamedTuple):
    """How one part of a value is compressed: digits or characters, of a length that is fixed or told before it."""

    digits: bool
    most: int
    fixed: bool


@cache
def fields_of(ai: str) -> tuple[Field, ...]:
    """The parts of a value as the standard's table of formats has them: neighbouring digits are one number."""
    fields: list[Field] = []
    for one in table().by_ai[ai].components:
        digits = one.charset == "N"
        fixed = one.least == one.most and not one.optional
        last = fields[-1] if fields else None
        if last and digits == last.digits and fixed == last.fixed:
            fields[-1] = Field(digits, last.most + one.most, fixed)
        else:
            fields.append(Field(digits, one.most, fixed))
    return tuple(fields)


def compress(pairs: dict[str, str], others: dict[str, str] | None = None) -> str:
    """Identifiers with their values, and other keys of the query, as one segment of a path.

    Raises ``KeyError`` for an identifier that is not assigned; values are taken to be valid.
    """
    bits = []
    rest = dict(sorted(pairs.items()))
    while code := _best_code(rest):
        bits.append(f"{int(code, 16):08b}")
        bits += [_value(ai, rest.pop(ai)) for ai in OPTIMISATIONS[code]]
    for ai, value in rest.items():
        bits.append("".join(f"{int(digit):04b}" for digit in ai))
        bits.append(_value(ai, value))
    for key, text in (others or {}).items():
        bits.append(f"1111{len(key):07b}")
        bits += [f"{_VALUE[character]:06b}" for character in key]
        bits.append(_characters(text, 7))
    whole = "".join(bits)
    whole += "0" * (-len(whole) % 6)
    return "".join(SAFE[int(whole[at : at + 6], 2)] for at in range(0, len(whole), 6))


def can_compress(key: str, text: str) -> bool:
    """Whether another key of the query with its value can be compressed too."""
    return 0 < len(key) < 128 and all(one in _VALUE for one in key) and 0 < len(text) < 128 and text.isascii()


def _best_code(pairs: dict[str, str]) -> str:
    best, most = "", 0
    for code, ais in OPTIMISATIONS.items():
        if code in AMBIGUOUS:
            continue
        saved = sum(map(len, ais))
        if saved > most and all(ai in pairs for ai in ais):
            best, most = code, saved
    return best


def _value(ai: str, value: str) -> str:
    bits = []
    at = 0
    for field in fields_of(ai):
        piece = value[at : at + field.most]
        at += len(piece)
        length = "" if field.fixed else f"{len(piece):0{field.most.bit_length()}b}"
        if field.digits:
            # The standard's formula gives one bit to a number of no digits, and GS1's toolkit reads it.
            bits.append(length + (f"{int(piece):0{value_bits(len(piece))}b}" if piece else "0"))
        else:
            bits.append(_characters(piece, 0 if field.fixed else field.most.bit_length()))
    return "".join(bits)


def _characters(text: str, length_bits: int) -> str:
    length = f"{len(text):0{length_bits}b}" if length_bits else ""
    if text.isdigit():
        return f"000{length}{int(text):0{value_bits(len(text))}b}"
    if text and all(one in _HEXADECIMAL for one in text):
        return f"001{length}" + "".join(f"{int(one, 16):04b}" for one in text)
    if text and all(one in "0123456789ABCDEF" for one in text):
        return f"010{length}" + "".join(f"{int(one, 16):04b}" for one in text)
    if text and all(one in _VALUE for one in text):
        return f"011{length}" + "".join(f"{_VALUE[one]:06b}" for one in text)
    return f"100{length}" + "".join(f"{ord(one):07b}" for one in text)


def decompress(text: str, start: int, stop: int, *, in_order: bool = False) -> tuple[dict[str, str], dict[str, str]]:
    """The identifiers and other keys that ``text[start:stop]`` holds; raises ``Invalid`` when it is not compressed.

    ``in_order`` reads the identifiers of an ambiguous code in the order of their numbers.
    """
    number = 0
    for at in range(start, stop):
        if (value := _VALUE.get(text[at])) is None:
            raise bad_code(
                text,
                at,
                f"{text[at]!r} is no character of URI-safe base64.",
                why_zh=f"{text[at]!r} 不是 URI 安全 base64 字符。",
            )
        number = number << 6 | value
    reader = BitReader(number, 6 * (stop - start))
    pairs: dict[str, str] = {}
    others: dict[str, str] = {}
    try:
        # What is left after the last value is at most five bits of filling.
        while reader.left >= 8:
            _read_one(text, start, reader, pairs, others, in_order=in_order)
    except OutOfBits:
        raise bad_code(
            text, stop, "the compressed part ends in the middle of a value.", why_zh="压缩部分在值的中间结束。"
        ) from None
    return pairs, others


def _read_one(
    text: str, start: int, reader: BitReader, pairs: dict[str, str], others: dict[str, str], *, in_order: bool
) -> None:
    began = start + reader.at // 6
    code = f"{reader.take(8):02X}"
    if code in OPTIMISATIONS:
        ais = OPTIMISATIONS[code]
        if in_order and code in AMBIGUOUS:
            ais = tuple(sorted(ais))
    elif code[0] == "F":
        reader.back(4)
        key = "".join(SAFE[reader.take(6)] for _ in range(reader.take(7)))
        others[key] = _read_characters(reader, 7, 0)
        return
    else:
        ai = code
        if length := table().lengths.get(code):
            ai += "".join(f"{reader.take(4):X}" for _ in range(length - 2))
        entry: ApplicationIdentifier | None = table().by_ai.get(ai)
        if entry is None:
            raise bad_code(
                text,
                began,
                f"neither an identifier nor a code for several begins here: {ai}.",
                why_zh=f"此处既不是应用标识符也不是组合代码：{ai}。",
            )
        ais = (ai,)
    for ai in ais:
        if ai in pairs:
            raise bad_code(text, began, f"({ai}) stands here a second time.", why_zh=f"（{ai}）重复出现。")
        pairs[ai] = "".join(_read_field(reader, field) for field in fields_of(ai))


def _read_field(reader: BitReader, field: Field) -> str:
    if not field.digits:
        return _read_characters(reader, 0 if field.fixed else field.most.bit_length(), field.most)
    length = field.most if field.fixed else reader.take(field.most.bit_length())
    number = reader.take(value_bits(length) or 1)
    return f"{number:0{length}}" if length else ""


def _read_characters(reader: BitReader, length_bits: int, fixed: int) -> str:
    encoding = reader.take(3)
    length = reader.take(length_bits) if length_bits else fixed
    if encoding == 0:
        return f"{reader.take(value_bits(length)):0{length}}" if length else ""
    if encoding in (1, 2):
        alphabet = _HEXADECIMAL if encoding == 1 else _HEXADECIMAL.upper()
        return "".join(alphabet[reader.take(4)] for _ in range(length))
    if encoding == 3:
        return "".join(SAFE[reader.take(6)] for _ in range(length))
    if encoding == 4:
        return "".join(chr(reader.take(7)) for _ in range(length))
    raise OutOfBits
