"""Both databases for the tests here."""

from support.operations import operations_records

__all__ = ["operations_records"]
