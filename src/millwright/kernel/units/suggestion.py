"""What a wrong code most likely means."""

from __future__ import annotations

import difflib
import re
from typing import Final

from millwright.kernel.units.atoms import ALIASES
from millwright.kernel.units.grammar import ATOMS, is_code

_COMMON: Final = (
    *("kPa", "MPa", "mbar", "kW", "MW", "kW.h", "mA", "mV", "kV", "kHz"),
    *("mm", "cm", "km", "kg", "m/s", "m/s2", "m3/h", "L/min", "kg/h"),
)


def suggest(code: str) -> str | None:
    """The valid code that ``code`` most likely means, or ``None``."""
    code = code[:64]
    clean = code.strip().replace("³", "3").replace("²", "2").replace("µ", "u").replace("μ", "u").replace("Ω", "Ohm")
    clean = clean.replace("^", "").replace("**", "").replace("·", ".").replace("*", ".").replace(" ", "")
    for candidate in (code.strip().lower(), clean.lower()):
        if candidate in ALIASES:
            return ALIASES[candidate]
    parts = re.split(r"([./()])", clean)
    mended = "".join(ALIASES.get(part.lower(), part) if part and not is_code(part) else part for part in parts)
    if mended != code and is_code(mended):
        return mended
    by_case = {atom.lower(): atom for atom in sorted(ATOMS, reverse=True)}
    if clean.lower() in by_case:
        return by_case[clean.lower()]
    near = difflib.get_close_matches(clean, [*ATOMS, *_COMMON], n=1, cutoff=0.6)
    return near[0] if near else None
