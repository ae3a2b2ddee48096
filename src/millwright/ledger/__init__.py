"""The tamper-evident record: who did what, to which object, from where, and what of it was denied.

Vocabulary: an *act* is something being done; it becomes one *entry* for each object it changed. Entries are leaves of
a *Merkle log* (RFC 6962, RFC 9162) whose *tree head* the node signs (a *checkpoint*) and *witnesses* co-sign. A *proof*
shows that an entry is in the log, or that the log only grew. A *disclosure* is a personal value kept apart from its
entry, which holds only a *commitment* to it.

Invariants: a change is answered as done only after its entry is durable; an entry once in the log never changes and
never moves; the log never forks; no secret is ever in an entry; personal values can be erased and every proof still
holds.

Standards: RFC 9162, C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature and tlog-witness.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.ledger.export import Exported, export
    from millwright.ledger.log import KeyFile, Log, LogInfo, LogReader
    from millwright.ledger.model import (
        Actor,
        Change,
        Disclosure,
        Draft,
        Entry,
        EntryPage,
        Outcome,
        Proof,
        Query,
        Sealed,
        Target,
    )
    from millwright.ledger.notes import COSIGNATURE, LOG, LOG_SM2, Checkpoint, Note, Signer, Verifier, sign, signed_by
    from millwright.ledger.record import (
        Act,
        Denials,
        OwnActs,
        Recorder,
        acted_by,
        acting,
        current_act,
        document,
        entries_of,
        has_changed,
        note,
        permitted_by,
        seal,
    )
    from millwright.ledger.rpc import LedgerClient, LedgerServer
    from millwright.ledger.service import Ledger
    from millwright.ledger.settings import LedgerSettings
    from millwright.ledger.store import LedgerStore
    from millwright.ledger.verification import Finding, Report, verify
    from millwright.ledger.witness import Witness, WitnessFeed, WitnessLink, create_witness
    from millwright.ledger.worker import LedgerWriter

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "COSIGNATURE",
    "LOG",
    "LOG_SM2",
    "MIGRATIONS",
    "Act",
    "Actor",
    "Change",
    "Checkpoint",
    "Denials",
    "Disclosure",
    "Draft",
    "Entry",
    "EntryPage",
    "Exported",
    "Finding",
    "KeyFile",
    "Ledger",
    "LedgerClient",
    "LedgerServer",
    "LedgerSettings",
    "LedgerStore",
    "LedgerWriter",
    "Log",
    "LogInfo",
    "LogReader",
    "Note",
    "Outcome",
    "OwnActs",
    "Proof",
    "Query",
    "Recorder",
    "Report",
    "Sealed",
    "Signer",
    "Target",
    "Verifier",
    "Witness",
    "WitnessFeed",
    "WitnessLink",
    "acted_by",
    "acting",
    "create_witness",
    "current_act",
    "document",
    "entries_of",
    "export",
    "has_changed",
    "note",
    "permitted_by",
    "seal",
    "sign",
    "signed_by",
    "verify",
]
