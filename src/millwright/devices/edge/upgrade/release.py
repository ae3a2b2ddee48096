"""The signed list of a release: a note (C2SP signed-note) by the keys of the parent's ledger.

The edge knows these keys since it joined.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from millwright.devices.edge.upgrade.model import ReleaseFile
from millwright.kernel import Denied, Invalid

if TYPE_CHECKING:
    from millwright.ledger import Signer

_FIRST: Final = "millwright/release/v1"
"""No log has this as its origin, so no signature of one thing is good for the other."""
_LINE: Final = re.compile(r"([0-9a-f]{64}) (\d{1,12}) ([A-Za-z0-9_.+!-]{1,200}\.whl)")


def signed(version: str, files: Sequence[ReleaseFile], signers: Sequence[Signer]) -> str:
    """The list, signed by each of the keys."""
    from millwright.ledger import sign

    lines = [f"{each.sha256} {each.bytes} {each.name}" for each in files]
    return str(sign("\n".join([_FIRST, version, *lines]) + "\n", signers))


def opened(text: str, keys: Sequence[str]) -> tuple[str, list[ReleaseFile]]:
    """Version and files of a list that one of ``keys`` (vkeys) signed.

    Raises ``Denied`` (``devices.release_unsigned``), ``Invalid`` (``devices.release_unreadable``).
    """
    from millwright.ledger import Note, Verifier, signed_by

    note = Note.parse(text)
    if not any(signed_by(note, Verifier.parse(key)) for key in keys):
        raise Denied(
            "Nobody whom this edge trusts signed the release.",
            code="devices.release_unsigned",
            hint="An edge trusts the keys that its parent's ledger had when it joined: join again with a new code "
            "(`millwright edge join --again …`) if it joined before there were releases, or the keys were changed.",
        )
    first, version, *lines = note.text.rstrip("\n").split("\n")
    found = [_LINE.fullmatch(line) for line in lines]
    if first != _FIRST or not version or not found or None in found:
        raise Invalid(
            "The list of the release cannot be read.",
            code="devices.release_unreadable",
            hint="Let the edge be upgraded by a version in between.",
        )
    return version, [ReleaseFile(sha256=each[1], bytes=int(each[2]), name=each[3]) for each in found if each]
