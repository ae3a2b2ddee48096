"""The port to what other servers keep: answers that this one has fetched from them, and did not make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from millwright.identity.handle.records import RecordsView, StoredRecord
from millwright.identity.handle.wire.codes import Flag

if TYPE_CHECKING:
    from millwright.identity.handle.trust.model import Verdict

SIGNATURE_REFUSED: Final = "recursion.signature_refused"
"""Code of the error when a record of elsewhere is not given because of what its signatures are worth."""

_WANTED = int(Flag.RECURSIVE | Flag.PUBLIC_ONLY | Flag.AUTHORITATIVE)
_RECURSIVE = int(Flag.RECURSIVE | Flag.PUBLIC_ONLY)


def wants_recursion(flags: int) -> bool:
    """Whether somebody asks to be answered from elsewhere: with what the public may read, and not by who is
    responsible only (RFC 3652, 2.2.2.3)."""
    return flags & _WANTED == _RECURSIVE


class Fetched(Protocol):
    """What a responsible server has said about a name.

    ``code`` is the response code and ``text`` what was said with it. ``record`` has public values only and is ``None``
    when there is none; ``expires_s`` is in seconds since 1970; ``verdict`` is what the record's signatures are worth,
    ``None`` where nobody looked.
    """

    code: int
    text: str
    record: StoredRecord | None
    expires_s: float
    verdict: Verdict | None

    def over(self, view: RecordsView) -> RecordsView:
        """A view in which the name is found as it was fetched, and all else as before."""


@runtime_checkable
class Judged(Protocol):
    """A view in which some records come from elsewhere and were looked at."""

    def find_verdict(self, handle: bytes) -> Verdict | None:
        """What the signatures of a record of elsewhere are worth."""


def verdict_in(view: RecordsView, handle: bytes) -> Verdict | None:
    """What the signatures of a record in a view are worth; ``None`` for what is kept here, or where nobody looked."""
    return view.find_verdict(handle) if isinstance(view, Judged) else None


class Recursion(Protocol):
    """Who asks on behalf of others."""

    def admits(self, address: str) -> bool:
        """Whether this address may have its questions answered from elsewhere. Cheap."""

    def find_quickly(self, view: RecordsView, name: bytes, now_s: int) -> Fetched | None:
        """A record that is at hand and fresh, of a name that is not kept here; ``None`` leaves it to the others."""

    async def look_up(self, name: bytes, address: str) -> Fetched | None:
        """What is known elsewhere about a name, asked for if need be; ``None`` when that is not for us to say: it is
        kept here, or nobody is known who could be asked.

        Raises ``Unavailable`` (``recursion.no_answer``, ``recursion.busy``).
        """
