"""The file of keys that sign a log: outside the database, readable by the node's own user alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from millwright.kernel import Denied, Invalid
from millwright.kernel.files import write_whole
from millwright.ledger.notes import LOG, Signer


class KeyFile:
    """Signer keys, one a line: the newest first. Every key of these ``kinds`` in the file signs, so that a rotation can
    overlap. Of all threads and processes one at a time makes or changes keys."""

    def __init__(self, path: Path, kinds: Sequence[int] = (LOG,)) -> None:
        self.path, self._kinds = path, kinds

    def load(self, name: str) -> Sequence[Signer]:
        """The keys of these kinds; where there is none of a kind, one called ``name`` is made.

        Raises ``Denied`` (``ledger.key_open_to_others``) when other users may read the file, ``Invalid``
        (``ledger.key_invalid``).
        """
        if self.path.exists() and not self._missing(found := self._checked()):
            return self._used(found)
        with self._alone():
            return self._load(name)

    def _load(self, name: str) -> Sequence[Signer]:
        if not self.path.exists():
            self._write([Signer.generate(name, kind) for kind in self._kinds])
        found = self._checked()
        missing = self._missing(found)
        if missing:
            found += [Signer.generate(name, kind) for kind in missing]
            self._write(found)
        return self._used(found)

    def _checked(self) -> list[Signer]:
        """All keys of the file, if nobody else may read them."""
        mode = self.path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Denied(
                f"Other users may read the key file {self.path}.",
                code="ledger.key_open_to_others",
                hint=f"Run `chmod 600 {self.path}`; if somebody may have read it, rotate the key.",
            )
        found = self._read()
        if not found:
            raise Invalid(
                f"The key file {self.path} is empty.",
                code="ledger.key_invalid",
                hint="Restore it; a new key is unknown to everybody who verifies.",
            )
        return found

    def _missing(self, found: Sequence[Signer]) -> list[int]:
        return sorted(set(self._kinds) - {each.kind for each in found})

    def _used(self, found: Sequence[Signer]) -> Sequence[Signer]:
        return [each for each in found if each.kind in self._kinds]

    def rotate(self, name: str) -> Sequence[Signer]:
        """Put a new key of each kind before the others; both sign until :meth:`retire`. Returns the new ones."""
        with self._alone():
            new = [Signer.generate(name, kind) for kind in self._kinds]
            before = self._load(name)
            self._write([*new, *before, *self._others()])
            return new

    def retire(self, name: str) -> Sequence[Signer]:
        """Keep only the newest key of each kind; returns those that sign no more."""
        with self._alone():
            found = self._load(name)
            newest = [next(each for each in found if each.kind == kind) for kind in self._kinds]
            self._write([*newest, *self._others()])
            return [each for each in found if each not in newest]

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The folder is locked: by its lock, two who find no key agree on one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _others(self) -> Sequence[Signer]:
        """Keys of kinds that are not used now: kept, for signatures by them are known to others."""
        return [each for each in self._read() if each.kind not in self._kinds]

    def _read(self) -> list[Signer]:
        return [Signer.parse(line) for line in self.path.read_text(encoding="utf-8").splitlines() if line.strip()]

    def changed_ns(self) -> int:
        """Changes with the file."""
        try:
            return os.stat(self.path).st_mtime_ns  # noqa: PTH116 - one call, every second
        except FileNotFoundError:
            return 0

    def _write(self, signers: Sequence[Signer]) -> None:
        text = "".join(f"{each.secret()}\n" for each in signers)
        write_whole(self.path, text.encode(), private=True, durable=True)
