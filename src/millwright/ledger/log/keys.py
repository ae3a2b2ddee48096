"""The file of keys that sign a log: outside the database, readable by the node's own user alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from millwright.kernel import Denied, Invalid
from millwright.ledger.log.files import write_whole
from millwright.ledger.notes import LOG, Signer


class KeyFile:
    """Signer keys, one a line: the newest first. Every key of these ``kinds`` in the file signs, so that a rotation can
    overlap."""

    def __init__(self, path: Path, kinds: Sequence[int] = (LOG,)) -> None:
        self.path, self._kinds = path, kinds

    def load(self, name: str) -> Sequence[Signer]:
        """The keys of these kinds; where there is none of a kind, one called ``name`` is made.

        Raises ``Denied`` (``ledger.key_open_to_others``) when other users may read the file, ``Invalid``
        (``ledger.key_invalid``).
        """
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            self._write([Signer.generate(name, kind) for kind in self._kinds])
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
        missing = set(self._kinds) - {each.kind for each in found}
        if missing:
            found += [Signer.generate(name, kind) for kind in sorted(missing)]
            self._write(found)
        return [each for each in found if each.kind in self._kinds]

    def rotate(self, name: str) -> Sequence[Signer]:
        """Put a new key of each kind before the others; both sign until :meth:`retire`. Returns the new ones."""
        new = [Signer.generate(name, kind) for kind in self._kinds]
        before = self.load(name)
        self._write([*new, *before, *self._others()])
        return new

    def retire(self, name: str) -> Sequence[Signer]:
        """Keep only the newest key of each kind; returns those that sign no more."""
        found = self.load(name)
        newest = [next(each for each in found if each.kind == kind) for kind in self._kinds]
        self._write([*newest, *self._others()])
        return [each for each in found if each not in newest]

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
