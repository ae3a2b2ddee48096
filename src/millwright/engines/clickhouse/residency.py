"""What the process of the embedded engine need not hold: a library nobody uses, and code that only the start needed.

chDB, at the first insert, and pyarrow, at the first array, import pandas if it is there, to recognise its frames. It is
there, for chDB asks for it; no frame ever comes, and it takes 25 to 35 MB.

Loading chDB runs through most of its 500 MB of code and constants once; some 200 MB of them stay mapped and count as
memory of the process, though hardly any is used again. They are clean pages of a file: given back, the system may use
the memory for something else, and what is needed after all is mapped again from the page cache.
"""

from __future__ import annotations

import ctypes
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

logger = logging.getLogger(__name__)

_SMAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (r-[-x]p) \S+ \S+ \d+ +\S*/(\S+)$")
_LIBRARIES: Final = re.compile(r"^(_chdb|libarrow|libparquet).*\.so")
"""Libraries that are never unloaded: no other memory can come to lie where they are."""
_DONTNEED: Final = 4
"""``MADV_DONTNEED`` of Linux, on all its architectures."""


class _NoPandas(MetaPathFinder):
    """As if pandas were not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None of this finder's; raises ``ModuleNotFoundError`` for pandas."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("No module named 'pandas': this process does without", name=fullname)
        return None


def do_without_pandas() -> None:
    """From now on nothing in this process can import pandas; where that has happened it stays."""
    if not any(isinstance(each, _NoPandas) for each in sys.meta_path):
        sys.meta_path.insert(0, _NoPandas())


def give_back() -> int:
    """Give back what is resident of the engine's libraries and was never written to; returns how many bytes.

    Does nothing where the system does not tell (not Linux).
    """
    try:
        found = list(_clean_mappings(_SMAPS.read_text()))
        madvise = ctypes.CDLL(None, use_errno=True).madvise
    except (OSError, AttributeError):
        return 0
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    given = 0
    for begin, end, resident in found:
        if madvise(begin, end - begin, _DONTNEED) == 0:
            given += resident
    logger.debug("gave back %d MB of code", given // 1_000_000)
    return given


def _clean_mappings(smaps: str) -> Iterator[tuple[int, int, int]]:
    """Begin, end and resident bytes of the libraries' read-only mappings that have no page of the process's own."""
    mapping: tuple[int, int] | None = None
    resident = 0
    for line in smaps.splitlines():
        key, _, value = line.partition(":")
        if key == "Rss":
            resident = int(value.split()[0]) * 1024
        elif key == "Anonymous" and mapping is not None:
            if resident and not int(value.split()[0]):
                yield (*mapping, resident)
            mapping = None
        elif "-" in key.partition(" ")[0]:
            found = _MAPPING.match(line)
            mapping = (int(found[1], 16), int(found[2], 16)) if found and _LIBRARIES.match(found[4]) else None
