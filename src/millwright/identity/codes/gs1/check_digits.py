"""Check digits and check characters of GS1 keys (General Specifications, clauses 7.9.1 and 7.9.5)."""

from __future__ import annotations

ALPHABET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""GS1 AI encodable character set 82; a character's value is its place."""

ALPHABET_32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""The characters of which a check character pair is made."""

_VALUES = {character: value for value, character in enumerate(ALPHABET_82)}
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
# Weights are applied to the codes of the digits: what "0" is too much in a code is taken off as a whole.
_ZEROS = tuple(sum(48 * (3 if place % 2 == 0 else 1) for place in range(length)) for length in range(32))


def check_digit(digits: str) -> str:
    """The check digit that follows ``digits`` (weights 3 and 1 from the right)."""
    codes = digits.encode()
    total = 3 * sum(codes[-1::-2]) + sum(codes[-2::-2])
    return str(-(total - _zeros(len(codes))) % 10)


def has_check_digit(digits: str) -> bool:
    """Whether the last of ``digits`` is the check digit of the others."""
    codes = digits.encode()
    return (3 * sum(codes[-2::-2]) + sum(codes[-1::-2]) - _zeros(len(codes) - 1) - 48) % 10 == 0


def _zeros(length: int) -> int:
    if length < len(_ZEROS):
        return _ZEROS[length]
    return sum(48 * (3 if place % 2 == 0 else 1) for place in range(length))


def check_pair(text: str) -> str:
    """The two check characters that follow a model number's ``text`` of at most 23 characters of set 82."""
    total = sum(_VALUES[character] * prime for character, prime in zip(reversed(text), _PRIMES, strict=False)) % 1021
    return ALPHABET_32[total >> 5] + ALPHABET_32[total & 31]
