"""Checking the proof of one entry, by whoever received it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from millwright.kernel import MillwrightError
from millwright.ledger.merkle import Hasher, included
from millwright.ledger.model import Proof
from millwright.ledger.notes import Checkpoint, Note, Verifier, signed_by
from millwright.ledger.record import commitment


def check_proof(given: Proof | dict[str, Any], keys: Sequence[str] = ()) -> list[str]:
    """What is wrong with the proof; nothing when it holds. ``keys`` are those the log is known by.

    Raises ``Invalid`` for a key that cannot be read.
    """
    try:
        proof = given if isinstance(given, Proof) else msgspec.convert(given, Proof)
        hasher = Hasher("sm3" if proof.algorithm == "sm3" else "sha256")
        note = Note.parse(proof.checkpoint)
        head = Checkpoint.parse(note.text)
        path = [bytes.fromhex(each) for each in proof.path]
    except (MillwrightError, msgspec.ValidationError, ValueError) as error:
        return [f"it cannot be read: {error}"]
    wrong = []
    if not any(signed_by(note, Verifier.parse(key)) for key in (keys or proof.keys)):
        wrong.append("the tree head is signed by no known key")
    if not included(hasher, hasher.leaf(proof.entry.encode()), proof.index, head.size, path, head.root):
        wrong.append("the entry is not in the log that was signed")
    committed = msgspec.json.decode(proof.entry).get("personal", [])
    fields = {(part["subject"], name): value for part in committed for name, value in part["fields"].items()}
    wrong += [
        f"the value of {name} is not the one committed to"
        for each in proof.disclosures
        for name, value in each.values.items()
        if commitment(each.salt, name, value) != fields.get((each.subject, name))
    ]
    return wrong
