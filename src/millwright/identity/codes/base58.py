"""Base58 as in Bitcoin (multibase ``z``)."""

from __future__ import annotations

from millwright.identity.codes.errors import bad_code

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def decode(text: str, start: int, finish: int) -> bytes:
    """The octets of ``text[start:finish]``. Raises ``Invalid``."""
    number = 0
    for at in range(start, finish):
        value = _VALUES.get(text[at])
        if value is None:
            raise bad_code(
                text,
                at,
                "not of the base58 alphabet",
                "0, O, I and l are not in it.",
                why_zh="不属于 base58 字符（不含 0、O、I、l）",
            )
        number = number * 58 + value
    taken = text[start:finish]
    zeros = len(taken) - len(taken.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode(octets: bytes) -> str:
    """The text of octets."""
    number, digits = int.from_bytes(octets, "big"), []
    while number:
        number, value = divmod(number, 58)
        digits.append(ALPHABET[value])
    zeros = len(octets) - len(octets.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))
