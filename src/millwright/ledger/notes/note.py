"""A signed note: a text, an empty line, and a line for each signature (C2SP signed-note)."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from millwright.kernel import Invalid
from millwright.ledger.notes.keys import COSIGNATURE, LOG, LOG_SM2, Signer, Verifier

_DASH = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a line feed, and its signature lines: key name, key id and the signature's bytes."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...] = ()

    def __str__(self) -> str:
        return f"{self.text}\n{self.signature_lines()}"

    def signature_lines(self) -> str:
        """The signature lines alone."""
        return "".join(
            f"{_DASH}{name} {base64.b64encode(key + made).decode()}\n" for name, key, made in self.signatures
        )

    def with_signatures(self, lines: str) -> Note:
        """The note with the signature lines in ``lines`` added. Raises ``Invalid`` (``ledger.note_broken``)."""
        return replace(self, signatures=self.signatures + tuple(_line(line) for line in lines.splitlines()))

    @classmethod
    def parse(cls, text: str) -> Note:
        """Read a note. Raises ``Invalid`` (``ledger.note_broken``)."""
        body, found, lines = text.rpartition("\n\n")
        if not found or not lines.endswith("\n"):
            raise _broken("It has no signatures.")
        return cls(body + "\n").with_signatures(lines)


def sign(text: str, signers: Iterable[Signer]) -> Note:
    """``text`` signed by each of ``signers``."""
    return Note(text, tuple((each.name, each.verifier.id, each.sign(text.encode())) for each in signers))


def cosign(text: str, signer: Signer, at_s: int) -> Note:
    """``text`` with a witness's signature alone, stating that it was seen at ``at_s`` (seconds since 1970)."""
    made = struct.pack(">Q", at_s) + signer.sign(_cosigned(text, at_s))
    return Note(text, ((signer.name, signer.verifier.id, made),))


def signed_by(note: Note, key: Verifier) -> bool:
    """Whether the note carries a valid signature of a log's key."""
    return key.kind in (LOG, LOG_SM2) and any(key.verifies(note.text.encode(), made) for made in _made_by(note, key))


def find_cosigned_s(note: Note, key: Verifier) -> int | None:
    """When the witness ``key`` states to have seen the note, or ``None`` without a valid cosignature of that key."""
    if key.kind != COSIGNATURE:
        return None
    for made in _made_by(note, key):
        if len(made) == 72:
            at_s = int(struct.unpack(">Q", made[:8])[0])
            if key.verifies(_cosigned(note.text, at_s), made[8:]):
                return at_s
    return None


def _made_by(note: Note, key: Verifier) -> list[bytes]:
    return [made for name, key_id, made in note.signatures if name == key.name and key_id == key.id]


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def _line(line: str) -> tuple[str, bytes, bytes]:
    name, found, encoded = line.removeprefix(_DASH).rpartition(" ")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not line.startswith(_DASH) or not found or not name or len(data) < 5:
        raise _broken("One of its signature lines cannot be read.")
    return name, data[:4], data[4:]


def _broken(why: str) -> Invalid:
    return Invalid(f"This is no signed note. {why}", code="ledger.note_broken", hint="Take it again from its source.")
