"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint, tlog-cosignature. No I/O.

Keys are written as the field writes them: a *verifier key* ``name+hash+base64`` to be given to others, a *signer key*
``PRIVATE+KEY+name+hash+base64`` to be kept.
"""

from millwright.ledger.notes.checkpoint import Checkpoint
from millwright.ledger.notes.keys import COSIGNATURE, LOG, LOG_SM2, Signer, Verifier
from millwright.ledger.notes.note import Note, cosign, find_cosigned_s, sign, signed_by

__all__ = [
    "COSIGNATURE",
    "LOG",
    "LOG_SM2",
    "Checkpoint",
    "Note",
    "Signer",
    "Verifier",
    "cosign",
    "find_cosigned_s",
    "sign",
    "signed_by",
]
