"""EPC binary encodings and tag URIs (Tag Data Standard, clause 12 and 14).

What a tag holds is a header of eight bits, a filter value, and the identity's fields one after another; a partition
value says where the company prefix ends. Bits are kept as text of ``0`` and ``1``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn

from millwright.identity.codes.epc.components import escape
from millwright.identity.codes.epc.identity import Identity, check_values, read_fields
from millwright.identity.codes.epc.schemes import SCHEMES, Scheme, identity_pattern
from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.gs1.bits import BitReader, OutOfBits

TAG = "urn:epc:tag:"

PREFIX_BITS = (40, 37, 34, 30, 27, 24, 20)
"""Bits of a company prefix of 12 to 6 digits, by partition value (tables 14-2 and following)."""

Coding = Literal["integer", "string", "numeric_string", "six_bit", "none"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """One binary encoding of a scheme.

    ``reference`` says how the field after the company prefix is coded and ``reference_bits`` how many bits it and the
    prefix have together; ``serial`` and ``serial_bits`` say the same of the last field.
    """

    name: str
    scheme: Scheme
    header: int
    bits: int
    filter_bits: int = 3
    reference: Coding = "integer"
    reference_bits: int = 0
    serial: Coding = "none"
    serial_bits: int = 0


def _encodings() -> tuple[Encoding, ...]:
    of = SCHEMES
    return (
        Encoding("sgtin-96", of["sgtin"], 0x30, 96, 3, "integer", 44, "integer", 38),
        Encoding("sgtin-198", of["sgtin"], 0x36, 198, 3, "integer", 44, "string", 140),
        Encoding("sscc-96", of["sscc"], 0x31, 96, 3, "integer", 58),
        Encoding("sgln-96", of["sgln"], 0x32, 96, 3, "integer", 41, "integer", 41),
        Encoding("sgln-195", of["sgln"], 0x39, 195, 3, "integer", 41, "string", 140),
        Encoding("grai-96", of["grai"], 0x33, 96, 3, "integer", 44, "integer", 38),
        Encoding("grai-170", of["grai"], 0x37, 170, 3, "integer", 44, "string", 112),
        Encoding("giai-96", of["giai"], 0x34, 96, 3, "integer", 82),
        Encoding("giai-202", of["giai"], 0x38, 202, 3, "string", 188),
        Encoding("gsrn-96", of["gsrn"], 0x2D, 96, 3, "integer", 58),
        Encoding("gsrnp-96", of["gsrnp"], 0x2E, 96, 3, "integer", 58),
        Encoding("gdti-96", of["gdti"], 0x2C, 96, 3, "integer", 41, "integer", 41),
        Encoding("gdti-174", of["gdti"], 0x3E, 174, 3, "integer", 41, "string", 119),
        Encoding("cpi-96", of["cpi"], 0x3C, 96, 3, "integer", 51, "integer", 31),
        Encoding("cpi-var", of["cpi"], 0x3D, 0, 3, "six_bit", 0, "integer", 40),
        Encoding("sgcn-96", of["sgcn"], 0x3F, 96, 3, "integer", 41, "numeric_string", 41),
        Encoding("itip-110", of["itip"], 0x40, 110, 3, "integer", 44, "integer", 38),
        Encoding("itip-212", of["itip"], 0x41, 212, 3, "integer", 44, "string", 140),
        Encoding("gid-96", of["gid"], 0x35, 96, 0),
        Encoding("usdod-96", of["usdod"], 0x2F, 96, 4),
        Encoding("adi-var", of["adi"], 0x3B, 0, 6),
    )


ENCODINGS = {encoding.name: encoding for encoding in _encodings()}
"""Encodings by name, as in tag URIs."""

BY_HEADER = {encoding.header: encoding for encoding in ENCODINGS.values()}
"""Encodings by header."""

_TAG_URI = re.compile(f"{TAG}([a-z]+-(?:[0-9]+|var)):")
_FILTER = re.compile("(0|[1-9][0-9]?)\\.")


class Tag(NamedTuple):
    """What a tag holds: an identity in an encoding, with a filter value (0 when it has none)."""

    encoding: Encoding
    filter: int
    identity: Identity

    def uri(self) -> str:
        """As a tag URI (clause 12.3)."""
        values = [escape(value) for value in self.identity.values]
        if self.encoding.filter_bits:
            values.insert(0, str(self.filter))
        return f"{TAG}{self.encoding.name}:{'.'.join(values)}"

    def hex(self) -> str:
        """As hexadecimal digits, filled with zero bits to whole words of 16 bits as in a tag's EPC memory."""
        bits = self.bits()
        bits += "0" * (-len(bits) % 16)
        return f"{int(bits, 2):0{len(bits) // 4}X}"

    def bits(self) -> str:
        """The EPC binary encoding; raises ``Unsupported`` when the identity has no such encoding."""
        encoding, values = self.encoding, self.identity.values
        start = f"{encoding.header:08b}"
        if encoding.filter_bits:
            start += f"{self.filter:0{encoding.filter_bits}b}"
        if encoding.scheme.name == "gid":
            return start + f"{int(values[0]):028b}{int(values[1]):024b}{int(values[2]):036b}"
        if encoding.scheme.name == "usdod":
            return start + "".join(f"{ord(one):08b}" for one in values[0].rjust(6)) + f"{int(values[1]):036b}"
        if encoding.scheme.name == "adi":
            return start + _six_bits(values[0].rjust(6)) + "".join(_six_bits(one) + "000000" for one in values[1:])
        return start + _partitioned(encoding, values)


def tag_of(identity: Identity, encoding: str = "", filter_value: int = 0) -> Tag:
    """The identity in an encoding, by default the shortest that holds it; raises ``Unsupported`` when none does."""
    chosen = [one for one in ENCODINGS.values() if one.scheme is identity.scheme and encoding in ("", one.name)]
    reason = f"the scheme {identity.scheme.name} has no such binary encoding."
    for one in chosen:
        if identity.form != "id":
            reason = "only an identity of one thing has a tag."
        elif filter_value >> one.filter_bits and one.filter_bits:
            reason = f"the filter value of {one.name} is at most {2**one.filter_bits - 1}."
        elif (problem := _problem(one, identity.values)) is None:
            return Tag(one, filter_value if one.filter_bits else 0, identity)
        else:
            reason = problem
    raise no_such_form(encoding or "a tag", reason)


def _problem(encoding: Encoding, values: Sequence[str]) -> str | None:
    """Why an encoding cannot hold the values; nothing when it can."""
    scheme = encoding.scheme.name
    if scheme in ("gid", "usdod", "adi"):
        return None
    reference = values[1]
    if encoding.reference == "integer" and not encoding.scheme.digits:
        bits = encoding.reference_bits - PREFIX_BITS[12 - len(values[0])]
        most = (25 if scheme == "giai" else 15) - len(values[0])
        if not _is_plain(reference, bits) or len(reference) > most:
            return f"{encoding.name} holds only references that are numbers below 2^{bits}, without leading zeros."
    if encoding.reference == "string":
        bits = encoding.reference_bits - PREFIX_BITS[12 - len(values[0])]
        if len(reference) * 7 > bits:
            return f"{encoding.name} has no room for the reference."
    serial = values[-1]
    if encoding.serial == "integer" and not _is_plain(serial, encoding.serial_bits):
        bits = encoding.serial_bits
        return f"{encoding.name} holds only serials that are numbers below 2^{bits}, without leading zeros."
    return None


def _is_plain(text: str, bits: int) -> bool:
    return text.isdecimal() and (text == "0" or text[0] != "0") and len(text) < 40 and int(text) >> bits == 0


def _partitioned(encoding: Encoding, values: Sequence[str]) -> str:
    partition = 12 - len(values[0])
    prefix_bits = PREFIX_BITS[partition]
    parts = [f"{partition:03b}{int(values[0]):0{prefix_bits}b}"]
    room = encoding.reference_bits - prefix_bits
    if encoding.reference == "integer":
        parts.append(f"{int(values[1] or '0'):0{room}b}")
    elif encoding.reference == "string":
        parts.append(_ascii(values[1], room))
    else:
        parts.append(_six_bits(values[1]) + "000000")
    if encoding.scheme.name == "itip":
        parts.append(f"{int(values[2]):07b}{int(values[3]):07b}")
    serial = values[-1]
    if encoding.serial == "integer":
        parts.append(f"{int(serial):0{encoding.serial_bits}b}")
    elif encoding.serial == "string":
        parts.append(_ascii(serial, encoding.serial_bits))
    elif encoding.serial == "numeric_string":
        parts.append(f"{int('1' + serial):0{encoding.serial_bits}b}")
    bits = "".join(parts)
    return bits.ljust(encoding.bits - 8 - encoding.filter_bits, "0") if encoding.bits else bits


def _ascii(text: str, bits: int) -> str:
    return "".join(f"{ord(one):07b}" for one in text).ljust(bits, "0")


def _six_bits(text: str) -> str:
    return "".join(f"{ord(one) & 63:06b}" for one in text)


def read_tag_uri(text: str) -> Tag:
    """The tag that a tag URI names; raises ``Invalid``."""
    found = _TAG_URI.match(text)
    encoding = ENCODINGS.get(found[1]) if found else None
    if found is None or encoding is None:
        raise bad_code(text, len(TAG), "there is no such binary encoding.", why_zh="没有这种二进制编码。")
    at = found.end()
    value = 0
    if encoding.filter_bits:
        number = _FILTER.match(text, at)
        if number is None or int(number[1]) >> encoding.filter_bits:
            most = 2**encoding.filter_bits - 1
            raise bad_code(text, at, f"a filter value is 0 to {most}.", why_zh=f"过滤值应为 0 至 {most}。")
        value = int(number[1])
        at = number.end()
    identity = read_fields(text, encoding.scheme, text[at:], at)
    if (problem := _problem(encoding, identity.values)) is not None:
        raise bad_code(text, identity.places[-1], problem, why_zh=f"{encoding.name} 无法容纳此值。")
    return Tag(encoding, value, identity)


def read_hex(text: str) -> Tag:
    """The tag whose EPC memory holds these hexadecimal digits; raises ``Invalid``."""
    encoding = BY_HEADER.get(int(text[:2], 16))
    if encoding is None:
        raise bad_code(text, 0, f"no EPC begins with the header {text[:2]}.", why_zh=f"没有以 {text[:2]} 为头的 EPC。")
    reader = BitReader(int(text, 16), 4 * len(text))
    reader.take(8)
    try:
        value = reader.take(encoding.filter_bits) if encoding.filter_bits else 0
        values = _read_values(text, encoding, reader)
    except OutOfBits:
        raise bad_code(text, len(text), "it ends too early.", why_zh="内容过短。") from None
    if reader.length < encoding.bits:
        raise bad_code(text, len(text), "it ends too early.", why_zh="内容过短。")
    if (at := reader.next_one()) is not None:
        raise bad_code(text, at // 4, f"after the {encoding.name} only zeros may follow.", why_zh="其后只可为零。")
    body = ".".join(escape(one) for one in values)
    if identity_pattern(encoding.scheme).fullmatch(body) is None:
        _wrong(
            text, f"what it holds is no {encoding.scheme.name}: {body[:60]}.", f"其内容不是 {encoding.scheme.name}。"
        )
    check_values(text, encoding.scheme, values, (0,) * len(values))
    if (problem := _problem(encoding, values)) is not None:
        _wrong(text, problem, f"{encoding.name} 无法容纳此值。")
    return Tag(encoding, value, Identity(encoding.scheme, tuple(values)))


def _wrong(text: str, why: str, why_zh: str) -> NoReturn:
    raise bad_code(text, 2, why, why_zh=why_zh)


def _read_values(text: str, encoding: Encoding, reader: BitReader) -> list[str]:
    scheme = encoding.scheme
    if scheme.name == "gid":
        return [str(reader.take(28)), str(reader.take(24)), str(reader.take(36))]
    if scheme.name == "usdod":
        cage = "".join(chr(reader.take(8)) for _ in range(6)).lstrip(" ")
        return [cage, str(reader.take(36))]
    if scheme.name == "adi":
        cage = "".join(_character(reader.take(6)) for _ in range(6)).lstrip(" ")
        return [cage, _read_six_bits(reader), _read_six_bits(reader)]
    partition = reader.take(3)
    if partition > 6:
        _wrong(text, "the partition value is 0 to 6.", "分区值应为 0 至 6。")
    prefix_bits = PREFIX_BITS[partition]
    length = 12 - partition
    prefix = reader.take(prefix_bits)
    if len(str(prefix)) > length:
        _wrong(text, f"the company prefix has more than {length} digits.", f"厂商识别代码超过 {length} 位。")
    values = [f"{prefix:0{length}}", _read_reference(text, encoding, reader, length, prefix_bits)]
    if scheme.name == "itip":
        values += [f"{reader.take(7):02}", f"{reader.take(7):02}"]
    if encoding.serial == "integer":
        values.append(str(reader.take(encoding.serial_bits)))
    elif encoding.serial == "string":
        values.append(_read_ascii(text, reader, encoding.serial_bits))
    elif encoding.serial == "numeric_string":
        number = str(reader.take(encoding.serial_bits))
        if number[0] != "1" or len(number) < 2:
            _wrong(text, "the serial number is no numeric string.", "系列号不是数字串。")
        values.append(number[1:])
    return values


def _read_reference(text: str, encoding: Encoding, reader: BitReader, length: int, prefix_bits: int) -> str:
    if encoding.reference == "six_bit":
        return _read_six_bits(reader)
    room = encoding.reference_bits - prefix_bits
    if encoding.reference == "string":
        return _read_ascii(text, reader, room)
    number = reader.take(room)
    if not encoding.scheme.digits:
        return str(number)
    digits = encoding.scheme.digits - length
    if digits == 0:
        if number:
            _wrong(text, "there is a reference beside a company prefix of full length.", "不应再有参考代码。")
        return ""
    if len(str(number)) > digits:
        _wrong(text, f"the reference has more than {digits} digits.", f"参考代码超过 {digits} 位。")
    return f"{number:0{digits}}"


def _read_ascii(text: str, reader: BitReader, bits: int) -> str:
    codes = [reader.take(7) for _ in range(bits // 7)]
    reader.take(bits % 7)
    end = codes.index(0) if 0 in codes else len(codes)
    if any(codes[end:]):
        _wrong(text, "after the end of a string only zeros may follow.", "字符串结束之后只可为零。")
    return "".join(map(chr, codes[:end]))


def _read_six_bits(reader: BitReader) -> str:
    found = []
    while code := reader.take(6):
        found.append(_character(code))
    return "".join(found)


def _character(code: int) -> str:
    # Six bits are the lower six of the ASCII code: letters lost the bit of 64.
    return chr(code if code >= 32 else code + 64)
