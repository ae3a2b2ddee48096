"""The keys that sign batches of the log, and those whose signatures are believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from millwright.ledger import KeyFile, Signer, Verifier


class SigningKeys:
    """The node's own Ed25519 key in a file of its data folder, and the public keys of other nodes.

    The file is made when the node signs for the first time. A key that was rotated away stays in it, behind the newer
    one: what it signed is in the log for good. ``trusted`` are public keys in the form ``name+hash+base64``.
    """

    def __init__(self, path: Path, node: str, trusted: Sequence[str] = ()) -> None:
        self._file = KeyFile(path)
        self._name = f"identifiers/{node}"
        self._trusted = {each.id: each for each in map(Verifier.parse, trusted)}
        self._own: dict[bytes, Verifier] = {}
        self._signer: Signer | None = None
        self._read_ns = -1

    def signer(self) -> Signer:
        """The key to sign with now. Call it while nobody else writes: it may have to be made."""
        self._look(make=True)
        assert self._signer is not None
        return self._signer

    def is_own(self, key_id: bytes) -> bool:
        """Whether the key is this node's, now or formerly."""
        self._look()
        return key_id in self._own

    def find(self, key_id: bytes) -> Verifier | None:
        """The public key of an id, of this node or of one that is trusted."""
        self._look()
        return self._own.get(key_id) or self._trusted.get(key_id)

    def _look(self, *, make: bool = False) -> None:
        changed_ns = self._file.changed_ns()
        if (not changed_ns and not make) or (changed_ns and changed_ns == self._read_ns):
            return
        signers = self._file.load(self._name)
        self._signer = signers[0]
        self._own = {each.verifier.id: each.verifier for each in signers}
        self._read_ns = self._file.changed_ns()
