"""Signed documents: what nodes tell each other is a note (C2SP signed-note), as the ledger's and the log's are.

The first line says which kind of document it is, so that a signature for one kind is none for another; the second is
the document as JSON with its keys in order. The key stands in the document itself: whether it is the one that belongs
to a node is for the reader to know.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from millwright.identity.filing import errors
from millwright.identity.filing.model import Filing, Receipt, Relay, Report
from millwright.identity.records import SigningKeys
from millwright.kernel import Invalid
from millwright.ledger import Note, Signer, Verifier, sign, signed_by

Document = TypeVar("Document", Filing, Receipt, Relay, Report)

HEADS: Final[dict[type[Struct], str]] = {
    Filing: "millwright.filing/1",
    Receipt: "millwright.filing-receipt/1",
    Relay: "millwright.filing-relay/1",
    Report: "millwright.filing-report/1",
}
MOST_BYTES: Final = 512 * 1024
"""Of one document, with what it holds of others."""


def signed(document: Struct, signer: Signer) -> str:
    """A document as the text of a note by ``signer``, whose public key the document names."""
    body = msgspec.json.encode(document, order="deterministic").decode()
    return str(sign(f"{HEADS[type(document)]}\n{body}\n", [signer]))


def read(text: str, kind: type[Document]) -> Document:
    """The document in a note that is signed by the key it names.

    Raises ``LimitExceeded`` (``filing.too_large``), ``Invalid`` (``filing.document_invalid``), ``Denied``
    (``filing.signature_wrong``).
    """
    if len(text) > MOST_BYTES:
        raise errors.too_large(MOST_BYTES)
    try:
        note = Note.parse(text)
        head, _, body = note.text.partition("\n")
        if head != HEADS[kind]:
            raise errors.document_invalid(f"it begins with {head[:60]!r} and not with {HEADS[kind]!r}")
        document = msgspec.json.decode(body, type=kind)
        key = Verifier.parse(document.key)
    except (Invalid, msgspec.MsgspecError, UnicodeError) as error:
        raise errors.document_invalid(str(error)[:200]) from error
    if len(note.signatures) != 1 or not signed_by(note, key):
        raise errors.signature_wrong(key.name)
    return document


def kind_of(text: str) -> type[Struct] | None:
    """Which kind of document a text says that it is."""
    head = text.partition("\n")[0]
    return next((kind for kind, each in HEADS.items() if each == head), None)


def digest_of(text: str) -> str:
    """SHA-256 of a whole note, by which a receipt names what it is for."""
    return hashlib.sha256(text.encode()).hexdigest()


def bare_digest(key: str) -> str:
    """SHA-256 of a public key without its name: a key that two nodes have under two names is one key. Raises
    ``Invalid`` (``ledger.key_invalid``)."""
    found = Verifier.parse(key)
    return hashlib.sha256(bytes([found.kind]) + found.public).hexdigest()


class NodeSigner:
    """This node as others know it: its name, and the key by which it signs its log of identifiers, too."""

    def __init__(self, keys: SigningKeys, node: str) -> None:
        self._keys, self.node = keys, node

    @property
    def key(self) -> str:
        """The public key that signs now."""
        return str(self._signer().verifier)

    def is_own(self, key: str) -> bool:
        """Whether a public key is this node's, under whatever name. Raises ``Invalid`` (``ledger.key_invalid``)."""
        return bare_digest(key) == bare_digest(self.key)

    def sign(self, document: Struct) -> str:
        """A document that names this node's key, as the text of a note."""
        return signed(document, self._signer())

    def _signer(self) -> Signer:
        return self._keys.signer()
