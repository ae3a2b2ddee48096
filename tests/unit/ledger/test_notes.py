"""Signed notes against the published example, and cosignatures."""

from __future__ import annotations

import pytest

from millwright.kernel import Invalid
from millwright.ledger import COSIGNATURE, Checkpoint, Note, Signer, Verifier
from millwright.ledger.notes import cosign, find_cosigned_s, sign, signed_by

# The example in the documentation of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
QUOTATION = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_published_note_is_read() -> None:
    note = Note.parse(QUOTATION)
    key = Verifier.parse(PETER)
    assert str(key) == PETER
    assert signed_by(note, key)
    assert str(note) == QUOTATION
    assert not signed_by(Note(note.text.replace("answer", "cause"), note.signatures), key)


def test_a_checkpoint_goes_round() -> None:
    signer = Signer.generate("plant.example.com/ledger")
    head = Checkpoint("plant.example.com/ledger", 12, bytes(32))
    note = Note.parse(str(sign(head.text(), [signer, Signer.generate("plant.example.com/ledger")])))
    assert Checkpoint.parse(note.text) == head
    assert signed_by(note, signer.verifier)
    assert len(note.signatures) == 2
    assert Signer.parse(signer.secret()).verifier == signer.verifier
    assert signer.secret() not in repr(signer)


def test_a_cosignature_states_when() -> None:
    witness = Signer.generate("witness.example/w1", COSIGNATURE)
    note = cosign(Checkpoint("log", 3, bytes(32)).text(), witness, 1_700_000_000)
    assert find_cosigned_s(note, witness.verifier) == 1_700_000_000
    assert not signed_by(note, witness.verifier)
    name, key_id, made = note.signatures[0]
    later = Note(note.text, ((name, key_id, (1_800_000_000).to_bytes(8, "big") + made[8:]),))
    assert find_cosigned_s(later, witness.verifier) is None


@pytest.mark.parametrize(
    "text", ["", "no signatures\n", "text\n\n— name\n", "text\n\nname AAAAAAAA\n", "text\n\n— name !!\n"]
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Note.parse(text)


@pytest.mark.parametrize("text", ["log\n", "log\n012\nAAAA\n", "log\n-1\n" + "A" * 43 + "=\n", "log\n5\nshort\n"])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["", "name", "name+0000+AAAA", PETER.replace("c74f", "c74e"), "a b+00+AA=="])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Verifier.parse(text)
    with pytest.raises(Invalid):
        Signer.parse(text)
