"""GS1 keys and Application Identifiers: element strings, scans, Digital Links, plain and compressed."""

from millwright.identity.codes.gs1.system import SYSTEM, compress_link, elements_of, parse, read

__all__ = ["SYSTEM", "compress_link", "elements_of", "parse", "read"]
