"""Vehicle identification numbers (GB 16735, ISO 3779): 17 signs without I, O and Q, the ninth of them a check digit."""

from __future__ import annotations

from typing import Final

_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
) | {str(digit): digit for digit in range(10)}
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def check_digit(vin: str) -> str:
    """What the ninth sign should be. Raises ``ValueError`` for what cannot be a VIN."""
    if len(vin) != 17:
        raise ValueError(f"a VIN has 17 signs, not {len(vin)}")
    try:
        rest = sum(_VALUES[sign] * weight for sign, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is no sign of a VIN") from None
    return "X" if rest == 10 else str(rest)


def find_fault(vin: str) -> str | None:
    """What is wrong with a VIN, or ``None``."""
    try:
        wanted = check_digit(vin)
    except ValueError as error:
        return str(error)
    return None if vin[8] == wanted else f"its check digit is {vin[8]}, not {wanted}"
