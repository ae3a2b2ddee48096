"""Identifiers: their codes, the prefixes they lie below, the records behind them, and their resolution.

Vocabulary: an *identifier* is a text that names a thing, in one of many *code systems* (GS1, Handle, OID, DID …). A
*code* is an identifier that was parsed: its system, its canonical text and its parts. A *carrier* is what shows it to a
machine (a QR code, a Data Matrix, the memory of an RFID tag).

Invariants: what is parsed and written again is the same; an error says at which character and why; a rule that could
not be checked against its standard is in a table that says so, and says so in its answers.
"""

from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = ["MIGRATIONS"]
