"""The ``+`` schemes: EPC binaries that hold GS1 keys whole, without where the company prefix ends.

EPC Tag Data Standard 2.0, clause 14.5 (methods) and tables E and F (formats by Application Identifier). A header of
eight bits, a bit that says whether more data follows, three of filter value, and the values one after another.
"""

from __future__ import annotations

from typing import NamedTuple

from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.gs1.bits import BitReader, OutOfBits, value_bits

_SCHEMES = (
    (0xF0, "cpi+", ("8010", "8011")),
    (0xF1, "grai+", ("8003",)),
    (0xF2, "sgln+", ("414", "254")),
    (0xF3, "itip+", ("8006", "21")),
    (0xF4, "gsrn+", ("8018",)),
    (0xF5, "gsrnp+", ("8017",)),
    (0xF6, "gdti+", ("253",)),
    (0xF7, "sgtin+", ("01", "21")),
    (0xF8, "sgcn+", ("255",)),
    (0xF9, "sscc+", ("00",)),
    (0xFA, "giai+", ("8004",)),
    (0xFB, "dsgtin+", ("01", "21")),
)
_HEADERS = {header: (name, ais) for header, name, ais in _SCHEMES}

_DIGITS = {"00": 18, "01": 14, "414": 13, "253": 13, "255": 13, "8003": 14, "8006": 18, "8017": 18, "8018": 18}
_TEXTS = {"21": 0, "254": 0, "253": 13, "8003": 14}
_INTEGERS = {"255": 13, "8011": 0}
_TERMINATED = frozenset({"8004", "8010"})
_DATES = ("11", "13", "15", "16", "17", "7006", "7007")
"""Which date a DSGTIN+ holds, by its date type indicator."""

_LENGTH_BITS = 5
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CODE_40 = " ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"


class PlusTag(NamedTuple):
    """What a tag of a ``+`` scheme holds: Application Identifiers with their values."""

    name: str
    filter: int
    pairs: dict[str, str]


def is_plus(text: str) -> bool:
    """Whether hexadecimal digits begin with the header of a ``+`` scheme."""
    return len(text) >= 2 and int(text[:2], 16) in _HEADERS


def write_plus(pairs: dict[str, str], filter_value: int = 0) -> str:
    """Keys with their serial numbers as hexadecimal digits; raises ``Unsupported`` when no ``+`` scheme holds them."""
    for header, (name, ais) in _HEADERS.items():
        date = next((ai for ai in _DATES if ai in pairs), None)
        if ais[0] not in pairs or (name != "sgln+" and any(ai not in pairs for ai in ais)):
            continue
        if len(pairs) != len([ai for ai in ais if ai in pairs]) + (name == "dsgtin+" and date is not None):
            continue
        if (name == "dsgtin+") != (date is not None) or not 0 <= filter_value < 8:
            continue
        bits = f"{header:08b}0{filter_value:03b}"
        if date is not None:
            bits += f"{_DATES.index(date):04b}{_date(pairs[date])}"
        bits += "".join(_write(ai, pairs.get(ai, "0")) for ai in ais)
        bits += "0" * (-len(bits) % 16)
        return f"{int(bits, 2):0{len(bits) // 4}X}"
    raise no_such_form("EPC binary without a company prefix length", "no + scheme holds just these identifiers.")


def _date(digits: str) -> str:
    if len(digits) != 6:
        raise no_such_form("a DSGTIN+", "it holds one date, not a span.")
    return f"{int(digits[:2]):07b}{int(digits[2:4]):04b}{int(digits[4:]):05b}"


def _write(ai: str, value: str) -> str:
    if ai in _TERMINATED:
        plain = len(value) - len(value.lstrip("0123456789"))
        bits = "".join(f"{int(one):04b}" for one in value[:plain])
        return bits + ("1111" if plain == len(value) else "1110" + _write_text(value[plain:]))
    fixed = _DIGITS.get(ai, 0)
    bits = "".join(f"{int(one):04b}" for one in value[:fixed])
    rest = value[fixed:]
    if ai in _TEXTS:
        if not rest:
            raise no_such_form("an EPC", f"({ai}) has no serial number.")
        return bits + _write_text(rest)
    if ai in _INTEGERS:
        # Leading zeros are kept by the length, which counts digits.
        return bits + f"{len(rest):04b}" + (f"{int(rest):0{value_bits(len(rest))}b}" if rest else "")
    return bits


def _write_text(text: str) -> str:
    """Variable-length alphanumeric (clause 14.5.6), in the shortest of its encodings."""
    length = f"{len(text):0{_LENGTH_BITS}b}"
    if text.isdecimal() and (text == "0" or text[0] != "0"):
        return f"000{length}{int(text):0{value_bits(len(text))}b}"
    if all(one in "0123456789ABCDEF" for one in text):
        return f"001{length}" + "".join(f"{int(one, 16):04b}" for one in text)
    if all(one in "0123456789abcdef" for one in text):
        return f"010{length}" + "".join(f"{int(one, 16):04b}" for one in text)
    if all(one in _CODE_40[1:] for one in text) and -(-len(text) // 3) * 16 < len(text) * 6:
        return f"101{length}" + _write_code_40(text)
    if all(one in _BASE64 for one in text):
        return f"011{length}" + "".join(f"{_BASE64.index(one):06b}" for one in text)
    return f"100{length}" + "".join(f"{ord(one):07b}" for one in text)


def _write_code_40(text: str) -> str:
    text += " " * (-len(text) % 3)
    values = [_CODE_40.index(one) for one in text]
    return "".join(
        f"{1600 * values[at] + 40 * values[at + 1] + values[at + 2] + 1:016b}" for at in range(0, len(values), 3)
    )


def read_plus(text: str) -> PlusTag:
    """The keys that hexadecimal digits hold, which begin with a ``+`` header; raises ``Invalid``."""
    reader = BitReader(int(text, 16), 4 * len(text))
    name, ais = _HEADERS[reader.take(8)]
    try:
        more, filter_value = reader.take(1), reader.take(3)
        pairs: dict[str, str] = {}
        if name == "dsgtin+":
            kind = reader.take(4)
            if kind >= len(_DATES):
                raise OutOfBits
            pairs[_DATES[kind]] = f"{reader.take(7):02}{reader.take(4):02}{reader.take(5):02}"
        key = {ai: _read(ai, reader) for ai in ais}
    except OutOfBits:
        raise bad_code(
            text,
            min(len(text), reader.at // 4),
            f"this is no {name}: it ends or breaks here.",
            why_zh=f"这不是 {name}。",
        ) from None
    if not more and (at := reader.next_one()) is not None:
        raise bad_code(text, at // 4, f"after the {name} only zeros may follow.", why_zh="其后只可为零。")
    if name == "sgln+" and key["254"] == "0":
        del key["254"]
    return PlusTag(name, filter_value, key | pairs)


def _read(ai: str, reader: BitReader) -> str:
    if ai in _TERMINATED:
        found = ""
        while (digit := reader.take(4)) < 10:
            found += str(digit)
        if digit == 14:
            return found + _read_text(reader)
        if digit != 15:
            raise OutOfBits
        return found
    digits = [reader.take(4) for _ in range(_DIGITS.get(ai, 0))]
    if any(digit > 9 for digit in digits):
        raise OutOfBits
    value = "".join(map(str, digits))
    if ai in _TEXTS:
        return value + _read_text(reader)
    if ai in _INTEGERS:
        return value + _read_integer(reader, reader.take(4))
    return value


def _read_integer(reader: BitReader, length: int) -> str:
    value = f"{reader.take(value_bits(length)):0{length}}" if length else ""
    if len(value) > length:
        raise OutOfBits
    return value


def _read_text(reader: BitReader) -> str:
    encoding, length = reader.take(3), reader.take(_LENGTH_BITS)
    if length == 0:
        raise OutOfBits
    if encoding == 0:
        return _read_integer(reader, length)
    if encoding in (1, 2):
        alphabet = "0123456789ABCDEF" if encoding == 1 else "0123456789abcdef"
        return "".join(alphabet[reader.take(4)] for _ in range(length))
    if encoding == 3:
        return "".join(_BASE64[reader.take(6)] for _ in range(length))
    if encoding == 4:
        return "".join(chr(reader.take(7)) for _ in range(length))
    if encoding == 5:
        found = ""
        while len(found) < length:
            number = reader.take(16) - 1
            if not 0 <= number < 64000:
                raise OutOfBits
            found += _CODE_40[number // 1600] + _CODE_40[number // 40 % 40] + _CODE_40[number % 40]
        if found[length:].strip(" ") or " " in found[:length]:
            raise OutOfBits
        return found[:length]
    raise OutOfBits
