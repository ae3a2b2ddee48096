"""How what happens becomes an entry: acts, documents without secrets, commitments, the durable stream, aggregation."""

from millwright.ledger.record.act import Act, Noted, acted_by, acting, current_act, note, permitted_by
from millwright.ledger.record.denials import Denials
from millwright.ledger.record.documents import document
from millwright.ledger.record.drafting import entries_of, has_changed
from millwright.ledger.record.own import OwnActs
from millwright.ledger.record.recorder import STREAM, Recorder
from millwright.ledger.record.sealing import commitment, open_entry, seal

__all__ = [
    "STREAM",
    "Act",
    "Denials",
    "Noted",
    "OwnActs",
    "Recorder",
    "acted_by",
    "acting",
    "commitment",
    "current_act",
    "document",
    "entries_of",
    "has_changed",
    "note",
    "open_entry",
    "permitted_by",
    "seal",
]
