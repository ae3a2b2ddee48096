"""Both databases for the tests here."""

from support.postgres import postgres, records

__all__ = ["postgres", "records"]
