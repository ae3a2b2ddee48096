"""Units of measure by UCUM, the Unified Code for Units of Measure (ucum.org, version 2.1), case sensitive.

:func:`check` validates a code, :func:`symbol` gives its print form, :func:`convert` turns a value of one unit into
another. Annotations in braces (``{rev}/min``) are kept in print and count as 1.
"""

from millwright.kernel.units.code import check, parse, symbol
from millwright.kernel.units.conversion import commensurable, convert
from millwright.kernel.units.grammar import Unit

__all__ = ["Unit", "check", "commensurable", "convert", "parse", "symbol"]
