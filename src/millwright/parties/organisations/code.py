"""The unified social credit code (统一社会信用代码) of GB 32100-2015: 18 characters, the last of them a check."""

from __future__ import annotations

from typing import Final

from millwright.kernel import Invalid

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_MISREAD: Final = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}


def clean_code(text: str) -> str:
    """The code in capitals without spaces. Raises ``Invalid`` (``parties.credit_code``) that names the character."""
    code = "".join(text.split()).upper()
    if len(code) != 18:
        raise _wrong(min(len(code) + 1, 19), f"a code has 18 characters, this one has {len(code)}")
    for place, character in enumerate(code, 1):
        if character in _MISREAD:
            raise _wrong(place, f"the letter {character} is not used; {_MISREAD[character]} may be meant")
        if character not in _ALPHABET:
            raise _wrong(place, f"{character!r} is neither a digit nor one of the letters used")
        if 3 <= place <= 8 and not character.isdigit():
            raise _wrong(place, "characters 3 to 8 are the digits of an administrative division (GB/T 2260)")
    expected = check_character(code[:17])
    if code[17] != expected:
        raise _wrong(18, f"the check character would be {expected} if the seventeen before it are right")
    return code


def check_character(body: str) -> str:
    """The eighteenth character for the first seventeen (GB 32100-2015, 4.3 and annex B)."""
    total = sum(weight * _ALPHABET.index(character) for weight, character in zip(_WEIGHTS, body, strict=True))
    return _ALPHABET[-total % 31]


def _wrong(place: int, why: str) -> Invalid:
    return Invalid(
        f"The unified social credit code is wrong at character {place}: {why}.",
        code="parties.credit_code",
        hint="Compare it with the business licence; the letters I, O, S, V and Z never occur.",
        detail={"pointer": "/code", "character": place},
    )
