"""What a witness remembers, and what it co-signs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

from millwright.kernel import Clock
from millwright.kernel.files import write_whole
from millwright.ledger.merkle import Algorithm, Hasher, consistent
from millwright.ledger.notes import Checkpoint, Note, Signer, Verifier, cosign, signed_by


class Refused(Exception):
    """A tree head that is not co-signed; ``status`` is the one that C2SP tlog-witness names, ``size`` for a 409."""

    def __init__(self, status: int, why: str, size: int | None = None) -> None:
        super().__init__(why)
        self.status, self.size = status, size


class Witness:
    """A witness in ``folder``: per origin the tree head it co-signed last, and every one it ever did.

    ``logs`` are the verifier keys of the logs it watches; a key's name is the log's origin. ``algorithms`` names the
    logs that do not hash with SHA-256.
    """

    def __init__(
        self,
        folder: Path,
        signer: Signer,
        logs: Sequence[Verifier],
        clock: Clock,
        algorithms: dict[str, Algorithm] | None = None,
    ) -> None:
        self._folder, self._signer, self._clock = folder, signer, clock
        self._logs: dict[str, list[Verifier]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._algorithms = algorithms or {}
        self._deciding = threading.Lock()

    @property
    def verifier(self) -> Verifier:
        """The key to be given to logs and to whoever verifies."""
        return self._signer.verifier

    def last(self, origin: str) -> Note | None:
        """The tree head co-signed last."""
        try:
            return Note.parse((self._home(origin) / "latest").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def add(self, old: int, proof: Sequence[bytes], note: Note) -> str:
        """Co-sign a tree head that continues the last one; returns the signature line. Blocks.

        Raises :class:`Refused`: 404 unknown log, 403 no known signature, 400 a smaller tree, 409 another size was seen
        last or the same size with another root, 422 the proof does not hold.
        """
        head = Checkpoint.parse(note.text)
        keys = self._logs.get(head.origin)
        if keys is None:
            raise Refused(404, "This witness does not watch that log.")
        if not any(signed_by(note, key) for key in keys):
            raise Refused(403, "No signature of a known key of that log.")
        if old > head.size:
            raise Refused(400, "The old size is above the new one.")
        with self._deciding:  # checking and keeping are one step, or two requests could roll each other back
            self._check(head, old, proof)
            made = cosign(note.text, self._signer, self._clock.now_ms() // 1000)
            kept = str(note.with_signatures(made.signature_lines())).encode()
            home = self._home(head.origin)
            write_whole(home / "seen" / f"{head.size:020d}", kept)
            write_whole(home / "latest", kept, durable=True)
        return made.signature_lines()

    def _check(self, head: Checkpoint, old: int, proof: Sequence[bytes]) -> None:
        before = self.last(head.origin)
        last = Checkpoint.parse(before.text) if before else Checkpoint(head.origin, 0, b"")
        if old != last.size:
            raise Refused(409, "Another size was co-signed last.", last.size)
        if old == head.size and before is not None and head.root != last.root:
            raise Refused(409, "The same size was co-signed with another root.", last.size)
        hasher = Hasher(self._algorithms.get(head.origin, "sha256"))
        if not consistent(hasher, old, head.root if old == head.size else last.root, head.size, head.root, proof):
            raise Refused(422, "The proof does not show that the log continues the one co-signed last.")

    def _home(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()[:32]
