"""GS1's own Barcode Syntax Engine, an independent witness, where its library was built.

``MILLWRIGHT_TEST_GS1_SYNTAX_ENGINE`` names the shared library: ``make libshared`` in ``src/c-lib`` of its repository
(gs1/gs1-syntax-engine) builds ``build/libgs1encoders.so``.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import NamedTuple

import pytest

VARIABLE = "MILLWRIGHT_TEST_GS1_SYNTAX_ENGINE"


class Verdict(NamedTuple):
    """``data`` is the element string with brackets, nothing when it was refused; ``link`` the Digital Link."""

    data: str | None
    link: str | None
    why: str


class SyntaxEngine:
    """One instance of the library."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self._call("init_ex", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._context = self._library.gs1_encoder_init_ex(None, None)
        for name in ("setAIdataStr", "setDataStr", "setScanData"):
            self._call(name, ctypes.c_bool, ctypes.c_void_p, ctypes.c_char_p)
        for name in ("getAIdataStr", "getErrMsg", "getVersion"):
            self._call(name, ctypes.c_char_p, ctypes.c_void_p)
        self._call("getDLuri", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_char_p)
        self._call("setPermitZeroSuppressedGTINinDLuris", ctypes.c_bool, ctypes.c_void_p, ctypes.c_bool)
        # We read the GTIN-13 of a Digital Link as well, which older editions of its standard allowed.
        self._library.gs1_encoder_setPermitZeroSuppressedGTINinDLuris(self._context, True)

    def _call(self, name: str, result: type, *arguments: type) -> None:
        function = getattr(self._library, f"gs1_encoder_{name}")
        function.restype, function.argtypes = result, arguments

    def bracketed(self, text: str) -> Verdict:
        return self._verdict("setAIdataStr", text)

    def data(self, text: str) -> Verdict:
        """A text that begins with ``^`` for FNC1, or a Digital Link."""
        return self._verdict("setDataStr", text)

    def scan(self, text: str) -> Verdict:
        return self._verdict("setScanData", text)

    def _verdict(self, function: str, text: str) -> Verdict:
        library = self._library
        if not getattr(library, f"gs1_encoder_{function}")(self._context, text.encode()):
            return Verdict(None, None, library.gs1_encoder_getErrMsg(self._context).decode())
        data = library.gs1_encoder_getAIdataStr(self._context)
        link = library.gs1_encoder_getDLuri(self._context, None)
        return Verdict(data.decode() if data else None, link.decode() if link else None, "")


def syntax_engine() -> SyntaxEngine:
    """The engine, or a skip that says why there is none."""
    path = os.environ.get(VARIABLE, "")
    if not Path(path).is_file():
        pytest.skip(f"{VARIABLE} does not name the library that `make libshared` builds in gs1/gs1-syntax-engine")
    return SyntaxEngine(path)
