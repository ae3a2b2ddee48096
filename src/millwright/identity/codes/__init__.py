"""Codes of every identifier system in use: parsed, checked, normalised, explained, converted.

Each system is a module or folder that names itself in a :class:`.System`; ``SYSTEMS`` lists them in the order in
which an unknown text is tried.
"""

from typing import TYPE_CHECKING

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.model import Code, Part, System
from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.codes.parsing import Found, Refusal, convert, forms_of, parse_any, parse_as
    from millwright.identity.codes.systems import SYSTEMS

__getattr__ = exports(__name__)

__all__ = [
    "SYSTEMS",
    "Code",
    "Found",
    "Part",
    "Refusal",
    "System",
    "bad_code",
    "convert",
    "forms_of",
    "parse_any",
    "parse_as",
]
