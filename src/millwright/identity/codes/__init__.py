"""Codes of every identifier system in use: parsed, checked, normalised, explained, converted.

Each system is a module or folder that names itself in a :class:`.System`; :data:`SYSTEMS` lists them in the order in
which an unknown text is tried.
"""

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.model import Code, Part, System

__all__ = ["Code", "Part", "System", "bad_code"]
