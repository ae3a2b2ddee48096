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
    """Signer keys, one a line: the newest first. Every key in the file signs, so that a rotation can overlap."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, name: str, kind: int = LOG) -> Sequence[Signer]:
        """The keys; a file that is not there is made with a new key called ``name``.

        Raises ``Denied`` (``ledger.key_open_to_others``) when other users may read the file, ``Invalid``
        (``ledger.key_invalid``).
        """
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            self._write([Signer.generate(name, kind)])
            mode = self.path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Denied(
                f"Other users may read the key file {self.path}.",
                code="ledger.key_open_to_others",
                hint=f"Run `chmod 600 {self.path}`; if somebody may have read it, rotate the key.",
            )
        found = [Signer.parse(line) for line in self.path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not found:
            raise Invalid(
                f"The key file {self.path} is empty.",
                code="ledger.key_invalid",
                hint="Restore it; a new key is unknown to everybody who verifies.",
            )
        return found

    def rotate(self, name: str) -> Signer:
        """Put a new key before the others; both sign until :meth:`retire`. Returns the new one."""
        new = Signer.generate(name)
        self._write([new, *self.load(name)])
        return new

    def retire(self, name: str) -> Sequence[Signer]:
        """Keep only the newest key; returns those that sign no more."""
        newest, *older = self.load(name)
        self._write([newest])
        return older

    def changed_ns(self) -> int:
        """Changes with the file."""
        try:
            return os.stat(self.path).st_mtime_ns  # noqa: PTH116 - one call, every second
        except FileNotFoundError:
            return 0

    def _write(self, signers: Sequence[Signer]) -> None:
        text = "".join(f"{each.secret()}\n" for each in signers)
        write_whole(self.path, text.encode(), private=True, durable=True)
