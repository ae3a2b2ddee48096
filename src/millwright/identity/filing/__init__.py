"""Filing (备案): nodes tell the node above which prefixes are in force, and get signed receipts with numbers.

Vocabulary: an *upper* is a node above, with which prefixes are filed; a *filer* a node below that is admitted to file
here, with an account, a key and an organisation whose prefixes it may file. A *filing* is a signed document about one
prefix as it is at one time; a *receipt* the signed answer, a *relay* a receipt from further above that is handed down.
A *report* says of a period how many identifiers and prefixes there are. The *outbox* holds what is to be filed, the
*register* what was received.

Invariants: what changes a prefix and what is to be filed of it are written in one transaction; a filing is sent until
it is answered, under one id, and received once; filings of one prefix are sent in their order and none is taken behind
a newer one; nothing is accepted for a prefix that its filer's organisation does not hold, or that the receiver does not
decide on; no answer is believed without the signature of the key that is known.

Standards: C2SP signed-note; the form of a filing is ours, for none is published.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.filing.documents import NodeSigner
    from millwright.identity.filing.filers import Filers
    from millwright.identity.filing.outbox import Outbox
    from millwright.identity.filing.receiving import Receiving
    from millwright.identity.filing.reports import Reporter
    from millwright.identity.filing.service import Filings
    from millwright.identity.filing.settings import FilingSettings
    from millwright.identity.filing.store import SentStore
    from millwright.identity.filing.uppers import Uppers
    from millwright.identity.filing.worker import FilingAgent

__getattr__ = exports(__name__)

__all__ = [
    "Filers",
    "FilingAgent",
    "FilingSettings",
    "Filings",
    "NodeSigner",
    "Outbox",
    "Receiving",
    "Reporter",
    "SentStore",
    "Uppers",
]
