"""Electronic Product Codes: identity and tag URIs, what RFID tags hold, and the GS1 keys they stand for."""

from millwright.identity.codes.epc.system import SYSTEM, elements_of, epc_of, parse

__all__ = ["SYSTEM", "elements_of", "epc_of", "parse"]
