"""Package roots that import what they export only when it is asked for.

A process of a node uses a part of each domain: the listener needs the registry's stores and none of its numeric
libraries, and reading settings needs no domain's code at all. So a root declares its exports for readers and type
checkers, and this makes each import happen at first use::

    if TYPE_CHECKING:
        from millwright.devices.access import Access

    __getattr__ = exports(__name__)
    __all__ = ["Access"]
"""

from __future__ import annotations

import ast
import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before 3.12.2 two threads that build syntax trees at once upset each other (a SystemError about recursion depth).
_PARSING = threading.Lock()


def exports(package: str) -> Callable[[str], Any]:
    """The ``__getattr__`` (PEP 562) of ``package``: finds a name in the imports below its ``if TYPE_CHECKING:``."""
    origins: dict[str, tuple[str, str]] = {}

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = sys.modules[package]
        if not origins:
            assert module.__file__ is not None
            with _PARSING:
                origins.update(_read(Path(module.__file__)))
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        origin, attribute = origins[name]
        value = getattr(importlib.import_module(origin), attribute)
        setattr(module, name, value)
        return value

    return find


def _read(source: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for block in ast.parse(source.read_text(encoding="utf-8")).body:
        if not (isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"):
            continue
        for node in block.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found[alias.asname or alias.name] = (node.module, alias.name)
    return found
