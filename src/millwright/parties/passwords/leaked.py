"""Passwords known to have leaked, looked up without a network (ASVS 4.0.3 V2.1.7, NIST SP 800-63B §3.1.1.2).

The shipped list holds the commonest; ``tools/make_leaked_passwords.py`` says where they come from. A larger one is the
reader's own: Pwned Passwords as its downloader writes it, either one sorted file of ``SHA-1:count`` lines or a folder
of files named by the first five hexadecimal digits, whose lines hold the other thirty-five.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from millwright.kernel import Invalid

WIDTH = 5
"""Bytes of a digest that the shipped list keeps: a password that never leaked is taken for one once in 28 million."""

SHIPPED = Path(__file__).parent / "leaked.bin"
"""Sorted digests, :data:`WIDTH` bytes each."""

_LONGEST_LINE = 80


class LeakedPasswords:
    """The shipped list, and the one at ``path`` when that is not empty.

    Raises ``Invalid`` (``parties.leaked_list_missing``) when there is nothing at ``path``.
    """

    def __init__(self, path: str = "") -> None:
        self._path = Path(path) if path else None
        if self._path is not None and not self._path.exists():
            raise Invalid(
                f"There is no list of leaked passwords at {path}.",
                code="parties.leaked_list_missing",
                hint="Set [sign_in] leaked_passwords to the file or folder that the downloader wrote, or leave it out.",
            )

    def holds(self, password: str) -> bool:
        """Whether a normalised password is listed; the shipped list does not look at case."""
        if _among(_shipped(), _sha1(password.casefold())[:WIDTH]):
            return True
        if self._path is None:
            return False
        wanted = _sha1(password).hex().upper().encode()
        return _in_folder(self._path, wanted) if self._path.is_dir() else _in_file(self._path, wanted)


def _sha1(text: str) -> bytes:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()


@cache
def _shipped() -> bytes:
    return SHIPPED.read_bytes()


def _among(entries: bytes, wanted: bytes) -> bool:
    low, high = 0, len(entries) // WIDTH
    while low < high:
        middle = (low + high) // 2
        if entries[middle * WIDTH : (middle + 1) * WIDTH] < wanted:
            low = middle + 1
        else:
            high = middle
    return entries[low * WIDTH : (low + 1) * WIDTH] == wanted


def _in_folder(folder: Path, wanted: bytes) -> bool:
    file = folder / f"{wanted[:5].decode()}.txt"
    rest = wanted[5:]
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        return any(line.strip().upper().startswith(rest) for line in lines)


def _in_file(file: Path, wanted: bytes) -> bool:
    """Binary search by bytes: each step lands in a line, and reads the next whole one."""
    with file.open("rb") as lines:
        low, high = 0, os.fstat(lines.fileno()).st_size
        while high - low > _LONGEST_LINE:
            middle = (low + high) // 2
            lines.seek(middle)
            lines.readline()
            if lines.readline()[:40].upper() < wanted:
                low = middle
            else:
                high = middle
        lines.seek(max(0, low - _LONGEST_LINE))
        near = lines.read(6 * _LONGEST_LINE)
    return any(line[:40].upper() == wanted for line in near.split(b"\n"))
